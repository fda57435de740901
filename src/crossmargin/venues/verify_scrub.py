"""A case that may be given away: sizes scaled, times kept, ids and names of the account gone.

The form is that of the shared cases of centralised venues: id, venue, model, kind, source, params,
inputs, expected, tolerance. Every size and every amount is multiplied by one factor, and so are
thresholds in dollars (an increment per coin is divided by it), so that the case still holds.
Prices, volatilities and parameters are the venue's and public. A venue with a published form of its
own has a function in ``FORMS``; the others have the general one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.verification import Case
from crossmargin.venues.contribute_deribit import deribit_contribution

__all__ = ["FORMS", "scrubbed"]

FORMS: dict[str, Callable[[Case, float], dict[str, Any]]] = {"deribit": deribit_contribution}

SCALE_MIN, SCALE_MAX = 1e-3, 1e3


def scrubbed(case: Case, scale: float) -> dict[str, Any]:
    """The case with every size times ``scale``; nothing of the account is in it.

    Raises InputError ``number_out_of_range`` for a factor outside 0.001 to 1000, or of 1: a size
    as it was held is the account's own.
    """
    if not SCALE_MIN <= scale <= SCALE_MAX or scale == 1.0:
        raise InputError(
            "number_out_of_range",
            "sizes must be scaled before a case is given away",
            place="scale",
            value=scale,
            limit=f"{SCALE_MIN:g} to {SCALE_MAX:g}, not 1",
            remedy="Give another factor, or a seed to draw one from.",
        )
    head = {
        "id": f"{case.venue}-{format_ms(case.as_of_ms)}",
        "venue": case.venue,
        "kind": "contributed",
    }
    return {**head, **FORMS.get(case.venue, _general)(case, scale)}


def _general(case: Case, scale: float) -> dict[str, Any]:
    """Positions, market rows, components and vectors under our names."""
    book, items = case.book, case.book.instruments.items
    reported = book.reported
    return {
        "model": case.model,
        "source": f"{case.endpoint}, timestamp {case.as_of_ms}, sizes scaled",
        "params": _params(case.parameters, scale),
        "inputs": {
            "time_ms": case.as_of_ms,
            "positions": {
                items[column].native_id: quantity * scale
                for column, quantity in zip(
                    book.column.tolist(), book.quantity.tolist(), strict=True
                )
            },
            "entry_price": {
                items[column].native_id: price
                for column, price, known in zip(
                    book.column.tolist(),
                    book.entry_price.tolist(),
                    book.entry_known.tolist(),
                    strict=True,
                )
                if known
            },
            "equity": {name: amount * scale for (_, name), amount in reported.equity.items()},
            "holds": {
                name: {kind: amount * scale for kind, amount in held.items()}
                for (_, name), held in reported.holds.items()
            },
            "market": [
                {"field": row.field, "subject": row.subject, "value": row.value, "unit": row.unit}
                for row in case.snapshot.rows()
            ],
        },
        "expected": {
            "components": {claim.name: claim.theirs * scale for claim in case.claims},
            "vectors": {
                vector.name: [value * scale for value in vector.theirs] for vector in case.vectors
            },
            "binding": list(case.binding),
        },
        "tolerance": max(1e-9, case.room_fraction),
    }


def _params(parameters: Parameters, scale: float) -> dict[str, Any]:
    """Every number as nested tables; dollar amounts of fixed size scaled with the book."""
    out: dict[str, Any] = {}
    for name, entry in parameters.entries.items():
        *path, last = name.split(".")
        table = out
        for part in path:
            table = table.setdefault(part, {})
        value = entry.value
        if entry.unit == "USD" and last.endswith("_usd"):
            value = value * scale
        elif entry.unit.startswith("per coin"):
            value = value / scale
        table[last] = value
    return out
