"""The words of a scan rulebook: what a parameter file may say, and nothing else.

A name or a form that is misspelt would be a charge that nobody makes; it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.core.errors import ModelError
from crossmargin.margin.parameter_files import Parameters

__all__ = ["FORMS", "NUMBERS", "check_words"]

FORMS: Mapping[str, tuple[str, ...]] = {
    "clock": ("exact", "whole_seconds"),
    "day_count": ("exact", "whole_days_up"),
    "delta_one": ("index", "mark", "forward"),
    "vol_shock": ("relative", "points", "both"),
    "base": ("model", "mark"),
    "coins": ("cash", "position", "hedge", "hedge_gains"),
    "coin_worth": ("shocked", "unshocked"),
    "balance": ("settled", "wallet"),
    "order_loss": ("none", "counted"),
    "short_option": ("contract", "strike", "net"),
    "basis": ("per_expiry", "hedged"),
    "floor": ("greater", "added"),
}
_GENERAL = ("vega_power_short", "vega_power_long", "dte_floor_days")
_LEVEL = ("im_factor", "mm_factor")
# Of each underlying: the grid, what qualifies it, and the rates of the charges.
NUMBERS = (
    *("moves", "vols", "vol_points", "scenarios", "min_vol_up", "min_shock_up", "delta_one_clamp"),
    *("option_factor", "vega_spread_factor", "basis_rate_annual", "roll_factor", "depeg_factor"),
    *("futures_factor", "liquidity_futures", "liquidity_option"),
    *("concentration_factor", "concentration_threshold_usd"),
    *("fee_futures", "fee_option", "fee_option_cap"),
    *("unhedged_factor", "hedged_factor", "outright_floor", "option_floor"),
)


def check_words(parameters: Parameters) -> None:
    """Raises ModelError ``option_unknown`` for a name or a form that the family does not know."""
    for name, entry in parameters.entries.items():
        table, _, rest = name.partition(".")
        known: tuple[str, ...] = {
            "general": _GENERAL,
            "level": _LEVEL,
            "form": tuple(FORMS),
            "reading": tuple(FORMS),
            "asset": NUMBERS,
            "collateral": ("haircut",),
        }.get(table, ())
        word = rest.rpartition(".")[2] if table in ("asset", "collateral") else rest
        if word not in known:
            raise _unknown(parameters, name, name, known)
        if table in ("form", "reading") and entry.value not in FORMS[word]:
            raise _unknown(parameters, name, entry.value, FORMS[word])


def _unknown(
    parameters: Parameters, place: str, value: object, known: tuple[str, ...]
) -> ModelError:
    return ModelError(
        "option_unknown",
        "a scan rulebook has no such word",
        place=f"{parameters.model} {parameters.label} {place}",
        value=value,
        limit=", ".join(known) or "general, form, reading, level, asset, collateral",
        remedy="Correct the name; the words are in docs/house-rulebooks.md.",
    )
