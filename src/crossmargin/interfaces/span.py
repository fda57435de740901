"""An exchange's own SPAN parameter file: read it, and margin positions under it.

file = xm.span_file("nsccl.20250808.s.spn")
found = xm.span_requirement(file, {"NSE:BANKNIFTY:FUT:20250828": 30})
found.maintenance, found.commodities, found.spreads
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_engine import Rows, SpanResult, requirement, terms_of
from crossmargin.margin.families.span_terms import SpanFile
from crossmargin.venues.reading import unreadable
from crossmargin.venues.span_pa2 import read_span_pa2
from crossmargin.venues.span_xml import read_span_xml

__all__ = ["SpanCommodity", "SpanRequirement", "SpanSpread", "span_file", "span_requirement"]


@dataclass(frozen=True, slots=True)
class SpanCommodity:
    """One combined commodity, in its own currency; ``active`` counts from 1, 0 without positions.

    ``net_option_value`` is what counts of it (never more than the risk where the file caps it).
    """

    code: str
    currency: str
    scan: float
    active: int
    time_risk: float
    vol_risk: float
    price_risk: float
    net_delta: float
    intra: float
    delivery: float
    inter_credit: float
    short_option_minimum: float
    risk: float
    net_option_value: float


@dataclass(frozen=True, slots=True)
class SpanSpread:
    """A spread that was formed: of a kind, how often, and its charge or credit."""

    kind: str
    label: str
    count: float
    amount: float


@dataclass(frozen=True, slots=True)
class SpanRequirement:
    """The requirement of one account, in ``currency``."""

    currency: str
    maintenance: float
    initial: float
    commodities: tuple[SpanCommodity, ...]
    spreads: tuple[SpanSpread, ...]
    notes: tuple[str, ...] = ()


def span_file(path: str | Path, *, rate_id: int = 1, account: str = "speculator") -> SpanFile:
    """The parameter file at ``path``: XML (fileFormat 4.00) or expanded positional ("U2").

    ``rate_id`` chooses the account type in XML, ``account`` (member, hedger, speculator) the
    initial ratio in the positional form. Raises InputError with the place of what is wrong.
    """
    place = Path(path)
    try:
        with place.open("rb") as stream:
            first = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    except OSError as cause:
        raise unreadable(f"the file cannot be read ({cause.strerror})", str(place)) from None
    if first in (b"<", b"\xff", b"\xfe", b""):
        return read_span_xml(place, rate_id)
    return read_span_pa2(place, account)


def span_requirement(
    file: SpanFile, positions: Mapping[str, float], currency: str = ""
) -> SpanRequirement:
    """The requirement of positions (contract by its name in the file, signed size) under a file.

    ``currency`` is that of the answer; without it, that of the first commodity that is held.
    Raises InputError: ``instrument_unknown`` (a name that the file does not have, or a contract of
    no combined commodity), ``number_not_finite``, ``currency_unknown``.
    """
    place = {contract.name: k for k, contract in enumerate(file.contracts)}
    held: list[tuple[int, float]] = []
    for name, size in positions.items():
        column = place[name] if name in place else file.column_of(name)
        if not math.isfinite(size):
            raise InputError(
                "number_not_finite", "a size must be finite", place=name, value=size,
                limit="a finite number",
            )  # fmt: skip
        if not file.contracts[column].commodity:
            raise InputError(
                "instrument_unknown", "the contract is of no combined commodity of the file",
                place=file.source, value=name, limit="a contract that the file margins",
            )  # fmt: skip
        held.append((column, float(size)))
    held.sort()
    code = {commodity.code: commodity for commodity in file.commodities}
    if not currency:
        first = file.contracts[held[0][0]].commodity if held else file.commodities[0].code
        currency = code[first].currency
    rows = Rows(
        frozen([0, len(held)], np.int64),
        frozen([column for column, _ in held], np.int32),
        frozen([size for _, size in held], np.float64),
    )
    return _answer(file, requirement(terms_of(file, currency), rows), currency)


def _answer(file: SpanFile, found: SpanResult, currency: str) -> SpanRequirement:
    commodities = tuple(
        SpanCommodity(
            each.code,
            each.currency,
            float(found.scan[0, c]),
            int(found.active[0, c]) + 1,
            *(
                float(part[0, c])
                for part in (
                    found.time_risk,
                    found.vol_risk,
                    found.price_risk,
                    found.net_delta,
                    found.intra,
                    found.delivery,
                    found.inter,
                    found.som,
                    found.risk,
                    found.counted_nov,
                )
            ),
        )
        for c, each in enumerate(file.commodities)
        if found.active[0, c] >= 0
    )
    spreads = tuple(
        SpanSpread(
            made.kind,
            made.label,
            float(made.count[0]),
            float(sum(amount[0] for amount in made.amount.values())),
        )
        for made in found.formed
        if made.count[0] > 0.0
    )
    return SpanRequirement(
        currency,
        float(found.maintenance[0]),
        float(found.initial[0]),
        commodities,
        spreads,
        file.notes,
    )
