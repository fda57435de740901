"""The fixture of SPAN files as expanded positional records, column by column."""

from __future__ import annotations

from collections.abc import Iterable

from crossmargin.margin.families.span_terms import Contract, DeltaSpread, SpanFile, Tier
from tests.venues.span_fixture import fixture


def record(*cells: tuple[int, str]) -> str:
    """A line of 132 columns or more with each text at its column (from 1)."""
    line = " " * 160
    for at, text in cells:
        assert line[at - 1 : at - 1 + len(text)].strip() == "", (at, text)
        line = line[: at - 1] + text + line[at - 1 + len(text) :]
    return line.rstrip().ljust(132)


def digits(value: float, width: int, decimals: int = 0) -> str:
    text = f"{round(abs(value) * 10**decimals):0{width}d}"
    assert len(text) == width
    return text


def sign(value: float) -> str:
    return "-" if value < 0.0 else "+"


def tiers(first: int, rows: Iterable[Tier]) -> list[tuple[int, str]]:
    return [
        (first + 14 * k, f"{row.number:02d}{row.first:6}{row.last:6}") for k, row in enumerate(rows)
    ]


def array(contract: Contract, losses: list[float], *, wide: bool) -> list[str]:
    option = contract.kind == "OOF"
    head = [(3, "EX"), (6, contract.commodity), (16, contract.commodity), (26, contract.kind),
            (30, contract.period)]  # fmt: skip
    if option:
        right = "C" if contract.right > 0 else "P"
        head += [(29, right), (39, contract.period), (48, digits(contract.strike, 7))]
    width, step = (8, 9) if wide else (5, 6)
    kinds = ("83", "84") if wide else ("81", "82")
    cells = [(55 + step * k, digits(x, width) + sign(x)) for k, x in enumerate(losses[:9])]
    first = record((1, kinds[0]), *head, *cells)
    cells = [(55 + step * k, digits(x, width) + sign(x)) for k, x in enumerate(losses[9:])]
    after = 55 + 7 * step
    cells += [
        (after, digits(contract.delta, 5, 4) + sign(contract.delta)),
        (after + 6, digits(0.4, 8, 6)),
        (after + 14, digits(contract.price, 7) + "+"),
    ]
    return [first, record((1, kinds[1]), *head, *cells)]


def tier_spread(code: str, number: int, spread: DeltaSpread) -> str:
    legs = [
        (22 + 7 * k, f"{k + 1:02d}{leg.tier:02d}{digits(leg.ratio, 2)}{leg.side}")
        for k, leg in enumerate(spread.legs)
    ]
    head = [(1, "C"), (3, code), (9, "10"), (11, f"{number:02d}"), (13, f"{len(legs):02d}")]
    return record(*head, (15, digits(spread.rate, 7)), *legs)


def series_spread(code: str, number: int, spread: DeltaSpread) -> str:
    legs = [
        (21 + 14 * k, f"{leg.period[2:]}   {digits(leg.ratio, 6, 4)}{leg.side}")
        for k, leg in enumerate(spread.legs)
    ]
    return record((1, "E"), (3, code), (9, f"{number:05d}"), (14, digits(spread.rate, 7)), *legs)


def positional(file: SpanFile | None = None, *, wide: bool = False) -> list[str]:
    """Lines of the record; ``wide`` writes arrays of eight digits."""
    file = fixture() if file is None else file
    out = [record((1, "0"), (3, file.organisation), (9, file.business_date), (17, "S"), (36, "U2"))]
    out += [
        record((1, "T"), (3, a), (7, b), (11, digits(x, 10, 6))) for (a, b), x in file.rates.items()
    ]
    out.append(record((1, "1"), (3, "EX")))
    for terms in file.commodities:
        code = terms.code
        style = {c.style for c in file.contracts if c.commodity == code and c.right}
        for kind in ("FUT", "OOF"):
            out.append(
                record((1, "P"), (3, "EX"), (6, code), (16, kind), (34, "000"), (37, "000"),
                       (42, digits(1.0, 14, 7)), (66, terms.currency),
                       (117, "FUT" if kind == "FUT" else "EQTY"))
            )  # fmt: skip
        out.append(
            record((1, "2"), (3, "EX"), (7, code), (13, "0"), (14, terms.currency),
                   (18, "F" if "futures" in style else "P"), (19, "Y" if terms.cap_nov else "N"),
                   (23, code), (33, "FUT"), (39, code), (49, "OOF"))
        )  # fmt: skip
        method = "10" if terms.scan_tiers else "01"
        out.append(
            record((1, "S"), (3, code), (9, method), *tiers(13, terms.scan_tiers), (83, "1"))
        )
        ratio = digits(terms.initial_ratio, 4, 3)
        ratios = (69, "1000"), (73, "1000"), (77, ratio)
        out.append(record((1, "3"), (3, code), (9, "10"), *tiers(11, terms.intra_tiers), *ratios))
        for number, spread in enumerate(terms.spreads, start=1):
            write = series_spread if spread.legs[0].period else tier_spread
            out.append(write(code, number, spread))
        cells = [(1, "4"), (3, code), (9, terms.delivery_method), (63, digits(terms.som_rate, 7)),
                 (79, "1" if terms.som_method == "greater" else "2")]  # fmt: skip
        for k, rate in enumerate(terms.delivery):
            both = digits(rate.spread_rate, 7) + digits(rate.outright_rate, 7)
            cells.append((13 + 22 * k, f"{k + 1:02d}{rate.period}{both}"))
        out.append(record(*cells))
    for contract, losses in zip(file.contracts, file.losses.tolist(), strict=True):
        if contract.kind == "FUT":
            scale = 86, digits(contract.scale, 6, 4)
            product = (3, "EX"), (6, contract.commodity), (16, "FUT"), (19, contract.period)
            out.append(record((1, "B"), *product, scale))
        out += array(contract, losses, wide=wide)
    out += [inter_spread(number, spread) for number, spread in enumerate(file.inter_spreads, 1)]
    return out


def inter_spread(number: int, spread: object) -> str:
    cells = [(1, "6"), (3, "GRP"), (6, f"{number:04d}")]
    if isinstance(spread, DeltaSpread):
        flat = spread.method == "F"
        rate = digits(spread.rate, 7, 2) if flat else digits(100.0 * spread.legs[0].rate, 7, 4)
        cells += [(10, rate), (89, "01"), (101, "F" if flat else "W")]
        for k, leg in enumerate(spread.legs):
            at = 17 + 18 * k
            cells += [(at, "EX"), (at + 4, leg.commodity), (at + 10, digits(leg.ratio, 7, 4)),
                      (at + 17, leg.side)]  # fmt: skip
        return record(*cells)
    legs = spread.legs  # type: ignore[attr-defined] # the other kind
    cells += [(10, digits(100.0 * legs[0].rate, 7, 4)), (89, "04")]
    for k, leg in enumerate(legs):
        cells += [(17 + 18 * k, "EX"), (21 + 18 * k, leg.commodity)]
    return record(*cells)
