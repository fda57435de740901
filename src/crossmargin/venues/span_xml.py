"""SPAN parameter files in XML, fileFormat 4.00, into one `SpanFile`.

Streamed: contracts are read and dropped as they end, so that a file of any length fits. Nothing is
guessed: a document type, an entity, a missing array, one value too few, a NaN, a point that is not
defined or a spread of an unknown kind is refused with its place.

How fields are read (the schema gives names and order, not meanings): ``ra`` is the loss of one long
contract in money times ten to the power of ``riskExponent`` (so are flat rates), and its ``d`` the
composite delta; ``sc`` scales deltas, of the contract and of its product's link; a leg's ``rs`` is
its side and ``i`` its delta per spread; a rate of method W is a fraction; ``adjRate`` based on the
chosen rate is the initial ratio. Rates of other account types (another ``r``) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import SCENARIOS, ScanPoints, standard_points
from crossmargin.margin.families.span_terms import Contract, SpanFile
from crossmargin.venues.reading import number, unreadable
from crossmargin.venues.span_build import Draft
from crossmargin.venues.span_xml_terms import (
    commodity_of,
    inter_spreads_of,
    number_of,
    text_of,
)

__all__ = ["DEPTH_MAX", "read_span_xml"]

DEPTH_MAX = 64
_CHUNK = 1 << 20
# A declaration that is neither a comment nor character data: a document type or an entity.
_DECLARED = re.compile(rb"<!(?!--|\[CDATA\[)")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_ENCODINGS = frozenset({b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1"})
_CONTRACTS = {"phy": "PHY", "fut": "FUT", "opt": ""}
_OPTIONS = {"oopPf": "OOP", "oofPf": "OOF", "oocPf": "OOC"}
_LEFT_OUT = (
    "debtPf", "equityPf", "fwdPf", "IRSwapPf", "CDSwapPf", "eDebtPf", "ooePf", "cmbPf",
    "businessFunction", "portfolio", "interClearSpreads", "superInterClearSpreads",
)  # fmt: skip


def read_span_xml(path: str | Path, rate_id: int = 1) -> SpanFile:
    """The parameter file at ``path``; ``rate_id`` is the ``r`` of the account type to margin.

    Raises InputError: ``file_unreadable`` (cut, damaged, a document type), ``version_unknown``,
    ``column_missing``, ``shape_wrong``, ``number_not_finite``, ``number_unreadable``,
    ``option_unknown`` or ``instrument_unknown``, with file and place.
    """
    place = Path(path)
    reader = _Reader(str(place), rate_id)
    for event, element in _events(place):
        if event == "start":
            reader.begin(element)
        else:
            reader.end(element)
    return reader.file()


def _events(path: Path) -> Iterator[tuple[str, Element]]:
    """Starts and ends of elements, in order."""
    parser: Any = XMLPullParser(("start", "end"))  # read_events is typed for every kind of event
    before = b""
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                _refuse_tricks(before + chunk, str(path), first=not before)
                before = chunk[-8:]
                parser.feed(chunk)
                yield from parser.read_events()
        if not before:
            raise unreadable("the file is empty", str(path))
        parser.close()
        yield from parser.read_events()
    except ParseError as cause:
        line, column = cause.position
        raise unreadable(
            f"not whole XML ({cause.msg.split(':')[0]})", f"{path}:{line}:{column}"
        ) from None
    except OSError as cause:
        raise unreadable(f"the file cannot be read ({cause.strerror})", str(path)) from None


def _refuse_tricks(data: bytes, place: str, *, first: bool) -> None:
    if first and (data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:64]):
        raise unreadable("the file is UTF-16", place, remedy="Save it as UTF-8.")
    declared = _ENCODING.search(data[:200]) if first else None
    if declared is not None and declared.group(1).lower() not in _ENCODINGS:
        raise unreadable(
            "the encoding is not taken", place, declared.group(1).decode(), "Save it as UTF-8."
        )
    if _DECLARED.search(data):
        raise unreadable(
            "the file declares a document type or an entity", place,
            remedy="Remove the declaration: a parameter file needs none.",
        )  # fmt: skip


@dataclass(slots=True)
class _Reader:
    """Collects contracts and terms while the file goes by."""

    place: str
    rate_id: int
    draft: Draft = field(default_factory=Draft)
    stack: list[Element] = field(default_factory=list)
    points: ScanPoints | None = None
    period_of: dict[tuple[str, str, str], str] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    muted: int = 0

    def begin(self, element: Element) -> None:
        """An element starts."""
        self.stack.append(element)
        if len(self.stack) > DEPTH_MAX:
            raise unreadable("the file is nested too deeply", self.place, element.tag)
        if len(self.stack) == 1 and element.tag != "spanFile":
            raise unreadable(
                "the file is not a SPAN parameter file", self.place, element.tag,
                "Give a file whose root is spanFile.",
            )  # fmt: skip
        if element.tag in _LEFT_OUT:
            self.skipped[element.tag] = self.skipped.get(element.tag, 0) + 1
            self.muted += 1

    def end(self, element: Element) -> None:
        """An element ends: it is whole, and so are its children."""
        self.stack.pop()
        parent = self.stack[-1] if self.stack else None
        if element.tag in _LEFT_OUT:
            self.muted -= 1
        elif not self.muted:
            self._read(element, parent)
        done = element.tag in (*_CONTRACTS, *_LEFT_OUT, "series", "exchange", "ccDef")
        if parent is not None and (done or self.muted):
            parent.remove(element)

    def _read(self, element: Element, parent: Element | None) -> None:
        tag = element.tag
        if tag == "fileFormat" and (element.text or "").strip() != "4.00":
            raise InputError(
                "version_unknown", "the version of the format is not taken", place=self.place,
                value=element.text, limit="4.00", remedy="Give a file of fileFormat 4.00.",
            )  # fmt: skip
        if tag in _CONTRACTS and parent is not None:
            self._contract(element, parent)
        elif tag == "pointDef" and parent is not None and parent.tag == "clearingOrg":
            self._points(element)
        elif tag == "ccDef":
            self.draft.commodities.append(
                commodity_of(element, self.rate_id, f"{self.place}, ccDef")
            )
        elif tag in ("interSpreads", "superSpreads"):
            spreads = inter_spreads_of(element, self.rate_id, f"{self.place}, {tag}")
            (self.draft.inter if tag == "interSpreads" else self.draft.supers).extend(spreads)
        elif tag == "curConv":
            pair = (text_of(element, "fromCur", tag), text_of(element, "toCur", tag))
            self.draft.rates[pair] = number_of(element, "factor", f"{self.place}, curConv {pair}")
        elif tag == "ec" and parent is not None and parent.tag == "clearingOrg":
            self.draft.organisation = (element.text or "").strip()
        elif tag == "date" and parent is not None and parent.tag == "pointInTime":
            self.draft.business_date = (element.text or "").strip()

    # ---------------------------------------------------------------- points

    def _points(self, element: Element) -> None:
        """The scan points of the chosen rate; others are passed over."""
        if int(number_of(element, "r", f"{self.place}, pointDef")) != self.rate_id:
            return
        defined = element.findall("scanPointDef")
        price, vol, weight, paired = [], [], [], []
        for order, each in enumerate(defined, start=1):
            place = f"{self.place}, pointDef point {order}"
            if int(number_of(each, "point", place)) != order:
                raise InputError(
                    "shape_wrong", "the scan points are not in order", place=place,
                    value=text_of(each, "point", place), limit=str(order),
                )  # fmt: skip
            price.append(self._move(each, "priceScanDef", place))
            vol.append(self._move(each, "volScanDef", place))
            weight.append(number_of(each, "weight", place))
            paired.append(int(number_of(each, "pairedPoint", place)) - 1)
        self.points = ScanPoints(
            frozen(price, np.float64), frozen(vol, np.float64), frozen(weight, np.float64),
            frozen(paired, np.int32),
        )  # fmt: skip

    def _move(self, element: Element, name: str, place: str) -> float:
        found = element.find(name)
        if found is None:
            raise InputError("column_missing", f"the element {name} is absent", place=place)
        below = number_of(found, "denominator", place, "1")
        if below == 0.0:
            raise InputError(
                "number_out_of_range", "a denominator is zero", place=f"{place}, {name}", value=0.0
            )
        shares = number_of(found, "mult", place) * number_of(found, "numerator", place, "1")
        return shares / below

    # ---------------------------------------------------------------- contracts

    def _family(self) -> Element:
        return next(e for e in reversed(self.stack) if e.tag.endswith("Pf"))

    def _contract(self, element: Element, parent: Element) -> None:
        family = self._family()
        exchange = next(e for e in self.stack if e.tag == "exchange")
        where = f"{self.place}, {family.tag} {text_of(family, 'pfCode', self.place)}"
        exch = text_of(exchange, "exch", where)
        product = exch, text_of(family, "pfId", where)
        ident = text_of(element, "cId", where)
        place = f"{where}, {element.tag} {ident}"
        kind = _CONTRACTS[element.tag] or _OPTIONS.get(family.tag, "")
        series = parent if parent.tag == "series" else element
        period = text_of(series, "pe", place, "000000" if kind == "PHY" else None)
        stands = period
        if element.tag == "opt":
            stands = self._stands(kind, series, period, place)
        else:
            self.period_of[(*product, ident)] = period
        array, delta = self._array(element, place)
        names = [exch, text_of(family, "pfCode", place), kind, period]
        right, strike = 0, 0.0
        if element.tag == "opt":
            right = self._right(text_of(element, "o", place), place)
            strike = number_of(element, "k", place)
            names += ["C" if right > 0 else "P", f"{strike:.10g}"]
        self.draft.add(
            Contract(
                name=":".join(names), commodity="", period=stands, delta=delta, right=right,
                strike=strike, price=number_of(element, "p", place, "0"),
                value_factor=self._first("cvf", element, series, family, place),
                scale=self._first("sc", element, series, None, place),
                style="futures" if text_of(family, "valueMeth", place)[:3] == "FUT" else "premium",
                currency=text_of(family, "currency", place), kind=kind,
            ),
            array, product, kind,
        )  # fmt: skip

    def _first(
        self, name: str, element: Element, series: Element, family: Element | None, place: str
    ) -> float:
        """A factor of the contract, its series or its product, the nearest that states one."""
        for each in (element, series, family):
            if each is not None and each.find(name) is not None:
                return number_of(each, name, place)
        return 1.0

    def _stands(self, kind: str, series: Element, period: str, place: str) -> str:
        """The period in which an option's delta stands: the future's, where it is on a future."""
        under = series.find("undC")
        if under is None:
            raise InputError("column_missing", "the element undC is absent", place=place)
        if kind != "OOF":
            return period
        key = tuple(text_of(under, name, place) for name in ("exch", "pfId", "cId"))
        found = self.period_of.get((key[0], key[1], key[2]))
        if found is None:
            raise InputError(
                "instrument_unknown", "the underlying future is not in the file", place=place,
                value=" ".join(key), limit="a future that stands before its options",
            )  # fmt: skip
        return found

    def _right(self, text: str, place: str) -> int:
        if text not in ("C", "P"):
            raise InputError(
                "option_unknown", "an option is neither call nor put", place=place, value=text,
                limit="C | P",
            )  # fmt: skip
        return 1 if text == "C" else -1

    def _array(self, element: Element, place: str) -> tuple[list[float], float]:
        """The array of the chosen rate, and its composite delta."""
        arrays = [a for a in element.findall("ra") if number_of(a, "r", place) == self.rate_id]
        if not arrays:
            raise InputError(
                "column_missing", "the contract has no risk array of the chosen rate", place=place,
                value=self.rate_id, limit="an element ra with that r",
            )  # fmt: skip
        values = [number((a.text or "").strip(), f"{place}, ra") for a in arrays[0].findall("a")]
        count = SCENARIOS if self.points is None else len(self.points)
        if len(values) != count:
            raise InputError(
                "shape_wrong", "the risk array does not have one value a point",
                place=f"{place}, ra", value=len(values), limit=f"{count} values",
            )  # fmt: skip
        return values, number_of(arrays[0], "d", f"{place}, ra")

    # ---------------------------------------------------------------- the whole

    def file(self) -> SpanFile:
        """The finished record."""
        notes = tuple(f"{n} x {tag}: not read" for tag, n in sorted(self.skipped.items()))
        points = standard_points(2.0, 0.35) if self.points is None else self.points
        return self.draft.file(points, self.place, notes)
