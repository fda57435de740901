"""Parameters of Kraken's options portfolio margining, from its parameters endpoint.

    GET /derivatives/api/v3/portfolio-margining/parameters
    {"crossAssetNettingFactor": .., "extremePriceShockMultiplier": .., "priceShockLevels": [..],
     "optionsUserLimits": {"maxNetPositionDelta": .., "limitsPerBaseCurrency": {"BTC":
         {"maxTotalPositionSize": .., "maxTotalOpenOrdersSize": ..}}}, ...}

The limits of a user are no rule of the margin and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import Entry, Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.venues.payload import Payload, load, required
from crossmargin.venues.reading import real, unreadable

__all__ = ["margining_parameters", "with_margining_parameters"]

# Field of the reply -> name, unit and bounds.
_NUMBERS = {
    "crossAssetNettingFactor": ("cross_asset_netting_factor", "fraction", 0.0, 1.0),
    "extremePriceShockMultiplier": (
        "extreme_price_shock_multiplier",
        "multiple of a price move",
        0.0,
        100.0,
    ),
    "volShockMultiplicationFactor": ("vol_shock_factor", "fraction of vol", 0.0, 10.0),
    "volShockExponentFactor": ("vol_shock_exponent", "exponent", 0.0, 2.0),
    "optionExpiryTimeShockHours": ("expiry_time_shock_hours", "hours", 0.0, 8760.0),
    "optionsInitialMarginFactor": ("options_im_factor", "multiple of MM", 1.0, 10.0),
    "totalOptionOrdersConsideredInInitialMarginCalc": ("orders_in_im", "orders", 0.0, 1e6),
}
_MOVE = (Column("move", -1.0, 10.0),)


def margining_parameters(payload: Payload) -> dict[str, float | list[list[float]]]:
    """Values by parameter name: ``general.*`` and the rows of ``scan.price_moves``, ascending.

    Raises InputError ``file_unreadable``, ``column_missing``, ``number_out_of_range``.
    """
    value, place = load(payload, "portfolio-margining/parameters")
    if not isinstance(value, Mapping):
        raise unreadable("an object was expected", place, type(value).__name__)
    found: dict[str, float | list[list[float]]] = {
        f"general.{name}": required(value, field, place)
        for field, (name, _, _, _) in _NUMBERS.items()
    }
    levels = value.get("priceShockLevels")
    where = f"{place} priceShockLevels"
    if not isinstance(levels, list | tuple) or not levels:
        raise unreadable("a list of price moves was expected", where, type(levels).__name__)
    moves = sorted(real(level, f"{where}[{k}]") for k, level in enumerate(levels))
    if len(set(moves)) != len(moves):
        raise InputError(
            "number_out_of_range",
            "a price move stands twice",
            place=where,
            value=moves,
            limit="distinct moves",
            remedy="Give the venue's own reply.",
        )
    found["scan.price_moves"] = [[move] for move in moves]
    return found


def with_margining_parameters(base: Parameters, payload: Payload, label: str) -> Parameters:
    """``base`` with the numbers of a payload, each inside its bounds.

    Raises ModelError ``parameter_out_of_bounds``, and what `margining_parameters` raises.
    """
    values = margining_parameters(payload)
    entries = {
        f"general.{name}": Entry(values[f"general.{name}"], unit, label, low, high)
        for name, unit, low, high in _NUMBERS.values()
    }
    moves = values["scan.price_moves"]
    entries["scan.price_moves"] = Entry(moves, "fraction of price", label, columns=_MOVE)
    for name, entry in entries.items():
        entry.checked(entry.value, name)
    label = f"{base.label} + {Path(label).name}"
    return replace(base, entries={**base.entries, **entries}, label=label)
