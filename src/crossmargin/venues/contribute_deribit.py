"""A Deribit simulation as a shared case: the form of the published cases, sizes scaled."""

from __future__ import annotations

from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.verification import Case, VectorClaim
from crossmargin.market.fields import contract_subject, dated_subject, pair_subject

__all__ = ["deribit_contribution"]

_STANDARD, _VOLS = 27, 3
_MODEL = {"deribit-spm": "segregated_pm", "deribit-xpm": "cross_pm"}
# Sizes in dollars move with the book, an increment per coin against it.
_DOLLARS = ("delta_total_liq_shock_threshold", "extended_dampener", "max_offsetable_pnl")


def deribit_contribution(case: Case, scale: float) -> dict[str, Any]:
    """id, params, inputs and expected of one simulation; every size and amount times ``scale``.

    The rounding to nine places is the venue's and not linear: the tolerance holds it.
    """
    if case.endpoint != "private/pme/simulate":
        raise InputError(
            "option_unknown",
            "totals alone are no case: they do not say where ours and theirs part",
            place=case.endpoint,
            limit="private/pme/simulate",
            remedy="Give the reply of that method.",
        )
    book = case.book
    currency = case.claims[0].pool
    positions: dict[str, dict[str, float]] = {}
    index = 0.0
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        if item.kind is Kind.ASSET:
            continue
        mark = case.snapshot.get("mark", contract_subject(*item.key)) or 0.0
        index = case.snapshot.get("index", pair_subject(item.underlying, item.quote)) or index
        turned = item.inverse and item.kind is not Kind.OPTION
        coins = quantity * item.multiplier / mark if turned else quantity
        positions[item.native_id] = {"size_coin": coins * scale, "mark": mark}
        if item.kind is Kind.OPTION:
            positions[item.native_id] |= _option_prices(case, item)
    holds = {
        name: amount * scale
        for held in book.reported.holds.values()
        for name, amount in held.items()
    }
    expected: dict[str, Any] = {
        claim.name: claim.theirs * scale for claim in case.claims if not claim.given
    }
    single = {v.name: _tables(v, scale) for v in case.vectors if len(v.members) == 1}
    account = [v for v in case.vectors if not v.members]
    expected["initial_risk_vectors"] = {n: t for n, t in single.items() if n in positions}
    if account:
        tables = _tables(account[0], scale)
        expected["aggregated_extended"] = tables.pop("extended")
        expected.update({f"aggregated_{name}": values for name, values in tables.items()})
    if case.binding:
        first = min(case.binding)
        source = "standard" if first < _STANDARD else "extended"
        number = first if source == "standard" else first - _STANDARD
        bucket = number // _VOLS if source == "standard" else number
        expected["worst_case_bucket"] = {
            "bucket": bucket + 1,
            "source": source,
            "index": number + 1,
        }
    return {
        "model": _MODEL[case.model],
        "source": f"{case.endpoint}, timestamp {case.as_of_ms}, sizes scaled",
        "params": _params(case, currency, scale),
        "inputs": {
            "currency": currency,
            "index_price": index,
            "positions": positions,
            **holds,
        },
        "expected": expected,
        "tolerance": 4e-9 * max(scale, 1.0),
    }


def _option_prices(case: Case, item: Instrument) -> dict[str, float]:
    """Volatility and forward of an option, where the payload or what stood beside it gives them."""
    found = {
        "mark_iv": case.snapshot.get("mark_iv", contract_subject(*item.key)),
        "forward": case.snapshot.get(
            "forward", dated_subject(item.underlying, item.quote, item.expiry_ms)
        ),
    }
    return {name: value for name, value in found.items() if value is not None}


def _tables(vector: VectorClaim, scale: float) -> dict[str, list[float]]:
    """27 and 8 numbers; where the volatility does not matter, one number a price."""
    numbers = [value * scale for value in vector.theirs]
    standard, extended = numbers[:_STANDARD], numbers[_STANDARD:]
    thirds = [standard[vol::_VOLS] for vol in range(_VOLS)]
    if thirds[0] == thirds[1] == thirds[2]:
        return {"standard_by_price": thirds[0], "extended": extended}
    return {"standard": standard, "extended": extended}


def _params(case: Case, currency: str, scale: float) -> dict[str, Any]:
    """The venue's own names; thresholds in dollars scaled with the book."""
    out: dict[str, Any] = {"pair": {}, "general": {"buckets_count": 4, "vol_scenarios_count": 3}}
    for name, entry in case.parameters.entries.items():
        table, *middle, last = name.split(".")
        theirs, value = last.removesuffix("_usd"), entry.value
        if theirs in _DOLLARS:
            value *= scale
        elif theirs == "m_inc":
            value /= scale
        if table == "general":
            out["general"][theirs] = value
        elif table == "pair" and middle == [currency]:
            out["pair"][theirs] = value
        elif table == "currency" and middle in ([currency], ["USD"]):
            out.setdefault(middle[0].lower(), {})[theirs] = value
    return out
