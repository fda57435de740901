"""Small SPAN files of our own: one record, written as XML and as expanded positional records.

Arrays come from the generator, so nothing of an exchange's data is in them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from crossmargin.margin.families.span_arrays import (
    Scan,
    composite_delta,
    future_arrays,
    option_arrays,
    standard_points,
)
from crossmargin.margin.families.span_terms import (
    Commodity,
    Contract,
    DeliveryRate,
    DeltaSpread,
    Leg,
    ScanLeg,
    ScanSpread,
    SpanFile,
    Tier,
)

SCAN = Scan(standard_points(2.0, 0.35), "forward", 2.0 / 365.0)
PERIODS = ("202601", "202602", "202603")
IDS = {"AA": (1, 2), "BB": (3, 4)}
THIRDS = {0.0: (0, 1), 1 / 3: (1, 3), -1 / 3: (-1, 3), 2 / 3: (2, 3), -2 / 3: (-2, 3), 1.0: (1, 1),
          -1.0: (-1, 1), 2.0: (2, 1), -2.0: (-2, 1)}  # fmt: skip


def contracts_of(
    code: str, price: float, psr: float, style: str
) -> tuple[list[Contract], list[Any]]:
    """A future and two options of every period; whole numbers, as the positional format has."""
    out: list[Contract] = []
    arrays: list[Any] = []
    for k, period in enumerate(PERIODS):
        out.append(
            Contract(f"EX:{code}:FUT:{period}", code, period, 1.0, price=price, style="futures",
                     kind="FUT")
        )  # fmt: skip
        arrays.append(future_arrays(price, 0.0, 0.0, psr, SCAN)[0])
        for right in (1, -1):
            term = (price, [price], [right], 0.05 + 0.1 * k, 0.4, 0.0)
            delta = round(float(composite_delta(*term, psr, SCAN)[0]), 4)
            arrays.append(option_arrays(*term, psr, 0.1, SCAN)[0])
            letter = "C" if right > 0 else "P"
            out.append(
                Contract(
                    f"EX:{code}:OOF:{period}:{letter}:{price:g}", code, period, delta, right, price,
                    120.0, style=style, kind="OOF",
                )
            )  # fmt: skip
    return out, [np.round(array) for array in arrays]


def fixture() -> SpanFile:
    """Two commodities with every term that both formats carry."""
    tiers = Tier(1, PERIODS[0], PERIODS[0]), Tier(2, PERIODS[1], PERIODS[2])
    series = Leg("AA", "A", 1.0, period=PERIODS[0]), Leg("AA", "B", 1.0, period=PERIODS[1])
    across = Leg("AA", "A", 1.0, tier=1), Leg("AA", "B", 1.0, tier=2)
    first = Commodity(
        "AA",
        spreads=(DeltaSpread(series, "F", 40.0), DeltaSpread(across, "F", 70.0)),
        intra_tiers=tiers,
        som_rate=25.0,
        som_method="greater",
        delivery_method="10",
        delivery=(DeliveryRate(PERIODS[0], 11.0, 13.0),),
        initial_ratio=1.1,
    )
    second = Commodity("BB", scan_tiers=tiers, som_rate=10.0, som_method="sum", cap_nov=True)
    legs = Leg("AA", "A", 1.0, rate=0.55), Leg("BB", "B", 2.0, rate=0.55)
    flat = Leg("AA", "A", 1.0), Leg("BB", "A", 1.0), Leg("AA", "B", 1.0)
    made = [
        contracts_of("AA", 5_000.0, 600.0, "premium"),
        contracts_of("BB", 2_000.0, 300.0, "futures"),
    ]
    return SpanFile(
        contracts=tuple(c for contracts, _ in made for c in contracts),
        losses=np.array([a for _, arrays in made for a in arrays]),
        commodities=(first, second),
        inter_spreads=(
            DeltaSpread(legs, "W"),
            DeltaSpread((flat[0], Leg("BB", "B", 1.0)), "F", 15.0),
            ScanSpread((ScanLeg("AA", 0.5), ScanLeg("BB", 0.5))),
        ),
        points=SCAN.points,
        rates={("EUR", "USD"): 1.25},
        organisation="OWN",
        business_date="20260105",
    )


# ---------------------------------------------------------------- XML


def put(parent: Element, name: str, value: object | None = None) -> Element:
    """A child with a text."""
    child = SubElement(parent, name)
    if value is not None:
        child.text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return child


def rate(parent: Element, value: float, name: str = "rate") -> None:
    node = put(parent, name)
    put(node, "r", 1)
    put(node, "val", value)


def tiers(parent: Element, name: str, rows: tuple[Tier, ...]) -> None:
    if not rows:
        return
    node = put(parent, name)
    for row in rows:
        tier = put(node, "tier")
        put(tier, "tn", row.number)
        if row.first:
            put(tier, "sPe", row.first)
            put(tier, "ePe", row.last)
        if row.rate:
            rate(tier, row.rate)


def delta_spread(parent: Element, number: int, spread: DeltaSpread) -> None:
    node = put(parent, "dSpread")
    put(node, "spread", number)
    put(node, "chargeMeth", spread.method)
    if spread.method != "W":
        rate(node, spread.rate)
    for leg in spread.legs:
        each = put(node, "pLeg" if leg.period else "tLeg")
        put(each, "cc", leg.commodity)
        put(each, "pe" if leg.period else "tn", leg.period or leg.tier)
        put(each, "rs", leg.side)
        put(each, "i", leg.ratio)
        if spread.method == "W":
            rate(each, leg.rate)


def definitions(root: Element) -> None:
    node = put(root, "definitions")
    for code in ("USD", "EUR"):
        currency = put(node, "currencyDef")
        for name, value in (("currency", code), ("symbol", "$"), ("name", code), ("decimalPos", 2)):
            put(currency, name, value)
    account = put(node, "acctTypeDef")
    for name, value in (("isCust", 1), ("acctType", "S"), ("isNetMargin", 1), ("priority", 1)):
        put(account, name, value)


def points(parent: Element, file: SpanFile) -> None:
    node = put(parent, "pointDef")
    put(node, "r", 1)
    for s, (move, vol, weight, pair) in enumerate(
        zip(file.points.price.tolist(), file.points.vol.tolist(), file.points.weight.tolist(),
            file.points.paired.tolist(), strict=True), start=1,
    ):  # fmt: skip
        point = put(node, "scanPointDef")
        put(point, "point", s)
        above, below = THIRDS[move]
        price = put(point, "priceScanDef")
        for name, value in (("mult", 1.0), ("numerator", above), ("denominator", below)):
            put(price, name, float(value))
        put(put(point, "volScanDef"), "mult", vol)
        put(point, "weight", weight)
        put(point, "pairedPoint", pair + 1)


def array(parent: Element, losses: Any, delta: float) -> None:
    node = put(parent, "ra")
    put(node, "r", 1)
    for value in losses:
        put(node, "a", float(value))
    put(node, "d", delta)


def under(parent: Element, name: str, ident: int | None, product: int) -> None:
    node = put(parent, name)
    put(node, "exch", "EX")
    put(node, "pfId", product)
    if ident is not None:
        put(node, "cId", ident)
    put(node, "s", "A")
    put(node, "i", 1.0)


def families(exchange: Element, file: SpanFile) -> None:
    rows = list(zip(file.contracts, file.losses, strict=True))
    for kind in ("FUT", "OOF"):
        for code, ids in IDS.items():
            mine = [
                (k, c, a)
                for k, (c, a) in enumerate(rows, 1)
                if (c.commodity, c.kind) == (code, kind)
            ]
            if kind == "FUT":
                node = put(exchange, "futPf")
                heads = (("pfId", ids[0]), ("pfCode", code), ("currency", "USD"), ("cvf", 1.0),
                         ("valueMeth", "FUT"))  # fmt: skip
                for name, value in heads:
                    put(node, name, value)
                under(node, "undPf", None, ids[0])
                for k, contract, losses in mine:
                    fut = put(node, "fut")
                    for name, value in (("cId", k), ("pe", contract.period), ("p", contract.price),
                                        ("sc", 1.0)):  # fmt: skip
                        put(fut, name, value)
                    under(fut, "undC", k, ids[0])
                    array(fut, losses, contract.delta)
                continue
            node = put(exchange, "oofPf")
            style = "EQTY" if mine[0][1].style == "premium" else "FUT"
            heads = (("pfId", ids[1]), ("pfCode", code), ("currency", "USD"), ("cvf", 1.0),
                     ("cab", 0.0), ("valueMeth", style), ("priceModel", "BS"))  # fmt: skip
            for name, value in heads:
                put(node, name, value)
            under(node, "undPf", None, ids[0])
            for period in PERIODS:
                series = put(node, "series")
                put(series, "pe", period)
                put(series, "sc", 1.0)
                future = next(
                    k for k, (c, _) in enumerate(rows, 1)
                    if (c.commodity, c.kind, c.period) == (code, "FUT", period)
                )  # fmt: skip
                under(series, "undC", future, ids[0])
                for k, contract, losses in mine:
                    if contract.period == period:
                        opt = put(series, "opt")
                        letter = "C" if contract.right > 0 else "P"
                        heads = (("cId", k), ("o", letter), ("k", contract.strike),
                                 ("p", contract.price), ("d", contract.delta))  # fmt: skip
                        for name, value in heads:
                            put(opt, name, value)
                        array(opt, losses, contract.delta)


def xml_of(file: SpanFile) -> bytes:
    """The record as a parameter file in XML."""
    root = Element("spanFile")
    put(root, "fileFormat", "4.00")
    definitions(root)
    moment = put(root, "pointInTime")
    put(moment, "date", file.business_date)
    put(moment, "isSetl", 1)
    org = put(moment, "clearingOrg")
    for name, value in (("ec", file.organisation), ("name", "own"), ("finalizeMeth", "SPAN")):
        put(org, name, value)
    for (source, target), value in file.rates.items():
        node = put(org, "curConv")
        for name, each in (("fromCur", source), ("toCur", target), ("factor", value)):
            put(node, name, each)
    points(org, file)
    exchange = put(org, "exchange")
    put(exchange, "exch", "EX")
    families(exchange, file)
    for commodity in file.commodities:
        _commodity(org, commodity)
    inter = put(org, "interSpreads")
    for number, spread in enumerate(file.inter_spreads, start=1):
        if isinstance(spread, DeltaSpread):
            delta_spread(inter, number, spread)
            continue
        node = put(inter, "sSpread")
        put(node, "spread", number)
        rate(node, spread.legs[0].rate)
        for leg in spread.legs:
            each = put(node, "sLeg")
            for name, value in (("cc", leg.commodity), ("isTarget", 0), ("isRequired", 1)):
                put(each, name, value)
    indent(root)
    return bytes(tostring(root, "utf-8", xml_declaration=True))


def _commodity(org: Element, terms: Commodity) -> None:
    node = put(org, "ccDef")
    heads = (("cc", terms.code), ("currency", terms.currency), ("riskExponent", 0),
             ("capAnov", int(terms.cap_nov)), ("wfprMeth", 1), ("spotMeth", terms.delivery_method),
             ("somMeth", "MAX" if terms.som_method == "greater" else "GROSS"))  # fmt: skip
    for name, value in heads:
        put(node, name, value)
    for kind, ident in zip(("FUT", "OOF"), IDS[terms.code], strict=True):
        link = put(node, "pfLink")
        for name, value in (("exch", "EX"), ("pfId", ident), ("pfCode", terms.code),
                            ("pfType", kind), ("sc", 1.0)):  # fmt: skip
            put(link, name, value)
    if terms.initial_ratio != 1.0:
        ratio = put(node, "adjRate")
        for name, value in (("r", 2), ("baseR", 1), ("val", terms.initial_ratio)):
            put(ratio, name, value)
    tiers(node, "scanTiers", terms.scan_tiers)
    tiers(node, "intraTiers", terms.intra_tiers)
    tiers(node, "interTiers", terms.inter_tiers)
    tiers(node, "somTiers", (Tier(1, rate=terms.som_rate),))
    for number, spread in enumerate(terms.spreads, start=1):
        delta_spread(node, number, spread)
    for each in terms.delivery:
        spot = put(node, "spotRate")
        for name, value in (("r", 1), ("pe", each.period), ("sprd", each.spread_rate),
                            ("outr", each.outright_rate)):  # fmt: skip
            put(spot, name, value)


def with_leg_rates(spread: DeltaSpread) -> DeltaSpread:
    """Both formats state one flat rate, which each leg repeats."""
    return replace(spread, legs=tuple(replace(leg, rate=spread.rate) for leg in spread.legs))


def as_read_from_xml(file: SpanFile) -> SpanFile:
    """The record with what the XML form says in other words: the minimum is one tier."""
    commodities = tuple(
        replace(
            each,
            som_rate=0.0,
            som_tiers=(Tier(1, rate=each.som_rate),),
            spreads=tuple(with_leg_rates(spread) for spread in each.spreads),
        )
        for each in file.commodities
    )
    inter = tuple(
        with_leg_rates(s) if isinstance(s, DeltaSpread) and s.method == "F" else s
        for s in file.inter_spreads
    )
    return replace(file, commodities=commodities, inter_spreads=inter)
