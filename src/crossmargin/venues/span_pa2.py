"""SPAN parameter files in the expanded positional format ("U2", ``.pa2``), into one `SpanFile`.

Columns follow the published layouts of the record types; no file of an exchange was at hand to
check them, so the reading is *stated*, and proved on our own file alone. Records that carry nothing
that the requirement needs (5, 9, R, V, X, Y, Z) are counted and passed over; any other is refused,
and so is a blank or damaged number where one is needed, with file, line and columns.

    0 header   1 exchange   T currency rate   P product   2 commodity   S tiers   3 intra tiers
    4 delivery and minimum   C tier spread   E series spread   B array parameters   6 inter spread
    81 82 83 84 risk arrays, composite delta, settlement price

Source: CME Clearing, risk parameter file layouts for the positional formats (expanded).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import standard_points
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
from crossmargin.venues.reading import text_lines, unreadable
from crossmargin.venues.span_build import CommodityDraft, Draft, Link

__all__ = ["ACCOUNTS", "read_span_pa2"]

ACCOUNTS = {"member": 69, "hedger": 73, "speculator": 77}  # column of the initial ratio in "3"
_PASSED = frozenset("59RVXYZ")
_WFPR = {"": "normal", "0": "normal", "1": "normal", "2": "capped", "3": "scan_range"}
_KINDS = ("FUT", "PHY", "CMB", "OOF", "OOP", "OOC")


@dataclass(frozen=True, slots=True)
class _Line:
    """One record and where it stands; columns are counted from 1, both ends included."""

    text: str
    place: str

    def cut(self, first: int, last: int) -> str:
        """The text of some columns without blanks around it."""
        return self.text[first - 1 : last].strip()

    def whole(self, first: int, last: int, default: int | None = None) -> int:
        """A number without decimals."""
        return int(self.scaled(first, last, 0, default))

    def scaled(self, first: int, last: int, decimals: int, default: float | None = None) -> float:
        """Digits with so many decimals; ``default`` where the columns are blank."""
        text = self.cut(first, last)
        if not text and default is not None:
            return float(default)
        bare = text.removeprefix("-")
        if not (bare.isascii() and bare.isdigit()):
            raise InputError(
                "number_unreadable", "not digits", place=f"{self.place}, columns {first}-{last}",
                value=text, limit="digits", remedy="Write the file again.",
            )  # fmt: skip
        value = float(int(bare)) / 10.0**decimals
        return -value if text.startswith("-") else value

    def sign(self, column: int, *, blank: bool = True) -> float:
        """+1 or -1 of a sign column; blank is plus where that is allowed."""
        text = self.text[column - 1 : column]
        if text in ("+", "-"):
            return -1.0 if text == "-" else 1.0
        if blank and text in ("", " "):
            return 1.0
        raise InputError(
            "number_unreadable", "not a sign", place=f"{self.place}, column {column}", value=text,
            limit="+ | -",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Product:
    strike_decimals: int
    price_decimals: int
    value_factor: float
    currency: str
    style: str


@dataclass(slots=True)
class _Half:
    """A first array record that waits for its second."""

    line: _Line
    values: list[float]


@dataclass(slots=True)
class _Reader:
    place: str
    ratio_column: int
    draft: Draft = field(default_factory=Draft)
    products: dict[tuple[str, str, str], _Product] = field(default_factory=dict)
    terms: dict[str, CommodityDraft] = field(default_factory=dict)
    half: _Half | None = None
    scales: dict[tuple[str, ...], tuple[float, float]] = field(default_factory=dict)
    keys: list[tuple[str, ...]] = field(default_factory=list)  # of the parameters, by contract
    futures_style: set[str] = field(default_factory=set)
    monthly: set[str] = field(default_factory=set)
    spreads: dict[str, list[tuple[int, DeltaSpread]]] = field(default_factory=dict)
    inter: list[tuple[int, DeltaSpread | ScanSpread]] = field(default_factory=list)
    passed: dict[str, int] = field(default_factory=dict)
    seen: int = 0

    def record(self, line: _Line) -> None:
        """One line of the file."""
        known: dict[str, Callable[[_Line], None]] = {
            "0": self._header, "1": self._nothing, "T": self._rate, "P": self._product,
            "2": self._commodity, "S": self._tiers, "3": self._intra, "4": self._delivery,
            "C": self._tier_spread, "E": self._series_spread, "B": self._parameters,
            "6": self._inter, "8": self._array,
        }  # fmt: skip
        kind = line.text[:1]
        if self.seen == 0 and kind != "0":
            raise unreadable("the file does not begin with its header", line.place, line.text[:20])
        self.seen += 1
        if self.half is not None and kind != "8":
            raise unreadable("a risk array has no second record", self.half.line.place)
        if kind in _PASSED:
            self.passed[kind] = self.passed.get(kind, 0) + 1
        elif kind in known:
            known[kind](line)
        else:
            raise unreadable("a record of an unknown type", line.place, line.text[:20])

    def _nothing(self, line: _Line) -> None:
        """The exchange's name stands in every record that needs it."""

    def _header(self, line: _Line) -> None:
        form = line.cut(36, 37)
        if form not in ("U2", ""):
            raise InputError(
                "version_unknown", "the version of the format is not taken", place=line.place,
                value=form, limit="U2 (expanded)", remedy="Give the expanded file (.pa2).",
            )  # fmt: skip
        self.draft.organisation = line.cut(3, 8)
        self.draft.business_date = line.cut(9, 16)

    def _rate(self, line: _Line) -> None:
        pair = line.cut(3, 5), line.cut(7, 9)
        self.draft.rates[pair] = line.scaled(11, 20, 6)

    def _product(self, line: _Line) -> None:
        exponent = int(line.sign(73)) * line.whole(74, 75, 0)
        self.products[line.cut(3, 5), line.cut(6, 15), line.cut(16, 18)] = _Product(
            line.whole(37, 39, 0),
            line.whole(34, 36, 0),
            line.scaled(42, 55, 7, 1.0) * 10.0**exponent,
            line.cut(66, 68) or "USD",
            "futures" if line.cut(117, 121)[:3] == "FUT" else "premium",
        )

    # ---------------------------------------------------------------- commodities

    def _commodity(self, line: _Line) -> None:
        exchange, code = line.cut(3, 5), line.cut(7, 12)
        links = []
        for first in range(23, 119, 16):
            if not line.cut(first, first + 9):
                continue
            kind = line.cut(first + 10, first + 12)
            decimals = line.whole(first + 13, first + 13, 0) * line.sign(first + 14)
            product = exchange, line.cut(first, first + 9)
            links.append(Link(product, kind, array_factor=10.0**-decimals))
        if code in self.terms:  # more products than one record holds
            old = self.terms[code]
            self.terms[code] = replace(old, links=(*old.links, *links))
            return
        terms = Commodity(code, line.cut(14, 16) or "USD", cap_nov=line.cut(19, 19) == "Y")
        if line.cut(18, 18) == "F":
            self.futures_style.add(code)
        self.terms[code] = CommodityDraft(terms, tuple(links), line.whole(13, 13, 0))

    def _change(self, line: _Line, **changes: object) -> None:
        code = line.cut(3, 8)
        if code not in self.terms:
            raise InputError(
                "option_unknown", "the combined commodity is not defined before its record",
                place=line.place, value=code, limit=", ".join(sorted(self.terms)[:8]) or "none",
            )  # fmt: skip
        old = self.terms[code]
        self.terms[code] = replace(old, terms=replace(old.terms, **changes))  # type: ignore[arg-type] # by name

    def _five(self, line: _Line, first: int, count: int) -> tuple[Tier, ...]:
        """Tiers of fourteen columns each: number, first and last month."""
        return tuple(
            Tier(line.whole(at, at + 1), line.cut(at + 2, at + 7), line.cut(at + 8, at + 13))
            for at in range(first, first + 14 * count, 14)
            if line.cut(at, at + 1).strip("0")
        )

    def _tiers(self, line: _Line) -> None:
        method, tiers = line.cut(9, 10), self._five(line, 13, 5)
        code = line.cut(3, 8)
        old = self.terms[code].terms if code in self.terms else Commodity(code)
        changes: dict[str, object] = {}
        if method in ("10", "21", "22"):
            changes["scan_tiers"] = (*old.scan_tiers, *tiers)
        if method in ("20", "21", "23"):
            changes["inter_tiers"] = (*old.inter_tiers, *tiers)
        if method == "30":
            rates = [line.scaled(106 + 7 * k, 112 + 7 * k, 0, 0.0) for k in range(5)]
            changes["som_tiers"] = (
                *old.som_tiers, *(replace(t, rate=r) for t, r in zip(tiers, rates, strict=False)),
            )  # fmt: skip
        elif method == "02":
            self.monthly.add(code)
        elif method not in ("01", "10", "20", "21", "22", "23"):
            raise unreadable("the tier method is not known", line.place, method)
        if method != "30":
            weighted = line.cut(83, 83)
            if weighted not in _WFPR:
                raise unreadable("the price risk method is not known", line.place, weighted)
            changes["wfpr_method"] = _WFPR[weighted]
        self._change(line, **changes)

    def _intra(self, line: _Line) -> None:
        method = line.cut(9, 10)
        if method not in ("01", "10"):
            raise InputError(
                "option_unknown", "the intra-commodity method is not taken", place=line.place,
                value=method, limit="01 | 10",
            )  # fmt: skip
        code, column = line.cut(3, 8), self.ratio_column
        tiers = self.terms[code].terms.intra_tiers if code in self.terms else ()
        ratio = line.scaled(column, column + 3, 3, 0.0)
        self._change(
            line, intra_tiers=(*tiers, *self._five(line, 11, 4)),
            initial_ratio=ratio if ratio > 0.0 else 1.0,
        )  # fmt: skip

    def _delivery(self, line: _Line) -> None:
        method = line.cut(9, 10) or "01"
        changes: dict[str, object] = {
            "delivery_method": method,
            "som_rate": line.scaled(63, 69, 0, 0.0),
            "som_method": "greater" if line.cut(79, 79) == "1" else "sum",
        }
        if method == "10":
            changes["delivery"] = tuple(
                DeliveryRate(line.cut(at + 2, at + 7), line.scaled(at + 8, at + 14, 0),
                             line.scaled(at + 15, at + 21, 0))
                for at in (13, 35) if line.cut(at + 2, at + 7).strip("0")
            )  # fmt: skip
        elif method == "11":
            changes["basis_rate"] = line.scaled(21, 27, 0)
        elif method not in ("00", "01"):
            raise InputError(
                "option_unknown", "the delivery method is not taken", place=line.place,
                value=method, limit="01 | 10 | 11",
            )  # fmt: skip
        else:
            changes["delivery_method"] = "01"
        self._change(line, **changes)

    # ---------------------------------------------------------------- spreads

    def _keep(self, line: _Line, priority: int, legs: tuple[Leg, ...], rate: float) -> None:
        self.spreads.setdefault(line.cut(3, 8), []).append((priority, DeltaSpread(legs, "F", rate)))

    def _tier_spread(self, line: _Line) -> None:
        code, legs = line.cut(3, 8), []
        rate = line.scaled(15, 21, 0)
        for k in range(line.whole(13, 14)):
            at = 22 + 7 * k
            legs.append(
                Leg(code, line.cut(at + 6, at + 6), line.scaled(at + 4, at + 5, 0),
                    tier=line.whole(at + 2, at + 3), rate=rate)
            )  # fmt: skip
        self._keep(line, line.whole(11, 12), tuple(legs), rate)

    def _series_spread(self, line: _Line) -> None:
        code, priority, legs = line.cut(3, 8), line.whole(9, 13), []
        rate = line.scaled(14, 20, 0)
        for at in (21, 35, 49, 63):
            month = line.cut(at, at + 3)
            if month.strip("0"):
                legs.append(
                    Leg(code, line.cut(at + 13, at + 13), line.scaled(at + 7, at + 12, 4),
                        period=f"20{month}{line.cut(at + 4, at + 6)}", rate=rate)
                )  # fmt: skip
        mine = self.spreads.get(code, [])
        if mine and mine[-1][0] == priority and any(leg.period for leg in mine[-1][1].legs):
            before = mine.pop()[1]  # more than four legs stand on several records
            legs = [*before.legs, *legs]
        self._keep(line, priority, tuple(legs), rate)

    def _inter(self, line: _Line) -> None:
        method, flat = line.cut(89, 90), line.cut(101, 101) == "F"
        if line.cut(122, 122) == "Y" or method not in ("01", "04", "10", "20"):
            raise InputError(
                "option_unknown", "the kind of inter-commodity spread is not taken",
                place=line.place, value=method, limit="01 | 04 | 10 | 20, one rate for all legs",
            )  # fmt: skip
        rate = line.scaled(10, 16, 2 if flat else 6)  # dollars, or per cent with four decimals
        legs, shares = [], []
        for k, at in enumerate((17, 35, 53, 71)):
            code = line.cut(at + 4, at + 9)
            if not code:
                continue
            shares.append(ScanLeg(code, rate, required=line.cut(at + 3, at + 3) != "N"))
            legs.append(
                Leg(code, line.cut(at + 17, at + 17),
                    line.scaled(at + 10, at + 16, 4) if method != "04" else 1.0,
                    tier=line.whole(102 + 2 * k, 103 + 2 * k, 0), rate=rate)
            )  # fmt: skip
        target = line.cut(95, 100)
        if method == "04" and target and target not in {leg.commodity for leg in shares}:
            shares.append(ScanLeg(target, rate, required=line.cut(94, 94) != "N"))
        made: DeltaSpread | ScanSpread
        if method == "04":
            made = ScanSpread(tuple(shares))
        else:
            made = DeltaSpread(tuple(legs), "F" if flat else "W", rate if flat else 0.0)
        made.check(line.place)
        self.inter.append((line.whole(6, 9), made))

    # ---------------------------------------------------------------- arrays

    def _parameters(self, line: _Line) -> None:
        """Delta scaling and value factor of a contract month."""
        key = (line.cut(3, 5), line.cut(6, 15), line.cut(16, 18), line.cut(19, 24),
               line.cut(25, 26), line.cut(28, 33), line.cut(34, 35))  # fmt: skip
        factor = line.scaled(129, 142, 7, 0.0)
        self.scales[key] = (line.scaled(86, 91, 4, 1.0), factor)

    def _array(self, line: _Line) -> None:
        kind, wide = line.text[:2], line.text[1] in "34"
        if kind not in ("81", "82", "83", "84"):
            raise unreadable("a record of an unknown type", line.place, kind)
        step = 9 if wide else 6
        count = 9 if line.text[1] in "13" else 7
        values = []
        for k in range(count):
            at = 55 + step * k
            values.append(line.scaled(at, at + step - 2, 0) * line.sign(at + step - 1, blank=False))
        if count == 9:
            if self.half is not None:
                raise unreadable("a risk array has no second record", self.half.line.place)
            self.half = _Half(line, values)
            return
        first, self.half = self.half, None
        if first is None or first.line.text[2:54] != line.text[2:54]:
            raise unreadable("a second array record does not follow its first", line.place)
        if (first.line.text[1] == "3") is not wide:
            raise unreadable("a risk array is half long and half short", line.place)
        self._contract(line, [*first.values, *values], 118 if wide else 97)

    def _contract(self, line: _Line, array: list[float], after: int) -> None:
        exchange, code, kind = line.cut(3, 5), line.cut(6, 15), line.cut(26, 28)
        if kind not in _KINDS:
            raise unreadable("the product type is not known", line.place, kind)
        month, own = line.cut(30, 35) or "000000", line.cut(39, 44)
        days = line.cut(36, 37), line.cut(45, 46)
        option = kind.startswith("OO")
        product = self.products.get((exchange, code, kind)) or _Product(0, 0, 1.0, "USD", "premium")
        key = exchange, code, kind, line.cut(30, 35), days[0], own, days[1]
        self.keys.append(key)
        delta = line.scaled(after, after + 4, 4) * line.sign(after + 5)
        price = line.scaled(after + 14, after + 20, product.price_decimals, 0.0)
        right, strike = 0, 0.0
        stands = month + days[0]
        names = [exchange, code, kind, own + days[1] if option else stands]
        if option:
            if line.cut(29, 29) not in ("C", "P"):
                raise unreadable("an option is neither call nor put", line.place, line.cut(29, 29))
            right = 1 if line.cut(29, 29) == "C" else -1
            strike = line.scaled(48, 54, product.strike_decimals)
            names += [line.cut(29, 29), f"{strike:.10g}"]
            stands = own + days[1] if kind == "OOP" else stands
        self.draft.add(
            Contract(
                ":".join(names), "", stands, delta, right, strike, price * line.sign(after + 21),
                product.value_factor, 1.0, product.style, product.currency, kind,
            ),
            array, (exchange, code), kind,
        )  # fmt: skip

    # ---------------------------------------------------------------- the whole

    def file(self) -> SpanFile:
        """The finished record."""
        if self.half is not None:
            raise unreadable("a risk array has no second record", self.half.line.place)
        for code, draft in self.terms.items():
            mine = sorted(self.spreads.pop(code, []), key=lambda each: each[0])
            terms = replace(draft.terms, spreads=tuple(spread for _, spread in mine))
            if code in self.monthly:
                products = {(link.product, link.kind) for link in draft.links}
                held = zip(self.draft.contracts, self.draft.products, strict=True)
                months = sorted({c.period[:6] for c, product in held if product in products})
                tiers = tuple(Tier(k, m, m) for k, m in enumerate(months, start=1))
                terms = replace(terms, scan_tiers=tiers, inter_tiers=tiers)
            self.draft.commodities.append(replace(draft, terms=terms))
        if self.spreads:
            raise InputError(
                "option_unknown", "a spread is of a combined commodity that is not defined",
                place=self.place, value=next(iter(self.spreads)),
                limit=", ".join(sorted(self.terms)[:8]) or "none",
            )  # fmt: skip
        self.draft.inter = [spread for _, spread in sorted(self.inter, key=lambda each: each[0])]
        self._finish_contracts()
        notes = tuple(f"{n} x record {kind}: not read" for kind, n in sorted(self.passed.items()))
        return self.draft.file(standard_points(2.0, 0.35), self.place, notes)

    def _finish_contracts(self) -> None:
        """What other records say of contracts: scale, value factor, and futures-style options."""
        products = {link.product for code in self.futures_style for link in self.terms[code].links}
        rows = zip(self.draft.contracts, self.draft.products, self.keys, strict=True)
        for k, (contract, (product, _), key) in enumerate(list(rows)):
            scale, factor = self.scales.get(key, (1.0, 0.0))
            self.draft.contracts[k] = replace(
                contract,
                scale=scale,
                value_factor=factor or contract.value_factor,
                style="futures" if product in products else contract.style,
            )


def read_span_pa2(path: str | Path, account: str = "speculator") -> SpanFile:
    """The parameter file at ``path``; ``account`` chooses the initial ratio.

    Raises InputError: ``file_unreadable``, ``version_unknown``, ``number_unreadable``,
    ``option_unknown`` or ``shape_wrong``, with file, line and columns.
    """
    if account not in ACCOUNTS:
        raise InputError(
            "option_unknown", "no such account type", value=account, limit=" | ".join(ACCOUNTS)
        )
    place = Path(path)
    reader = _Reader(str(place), ACCOUNTS[account])
    for number, text in enumerate(text_lines(place), start=1):
        line = text.rstrip("\r\n")
        if line.strip():
            reader.record(_Line(line, f"{place}:{number}"))
    return reader.file()
