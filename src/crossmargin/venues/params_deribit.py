"""Deribit's risk parameters: ``public/pme/get_params`` and ``model_params`` of a simulation.

Two generations of names are read. Newer: ``general``, ``currency``, ``currency_pair``. Older:
``general.currencies`` and ``general.currency_pairs``, ``min_expiry_delta_shock``,
``annualised_%_move_risk``, ``delta_total_liquid_shock_threshold``. Of one coin with several quotes
one set is known to the rules: they must agree. A payload of the rulebook before (a futures
contingency) is refused.
Source: docs.deribit.com, private/pme/simulate; client code for the older names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.margin.payload_parameters import Numbers
from crossmargin.venues.payload import required
from crossmargin.venues.reading import unreadable

__all__ = ["FOLDER", "deribit_numbers", "pair_of"]

FOLDER = "deribit-pm"
_SOURCE = "public/pme/get_params"
_SHAPE = {"buckets_count": 4.0, "vol_scenarios_count": 3.0}  # the shape of the table is the model's
_GENERAL = ("mm_factor",)
# The payload's names of both generations -> the model's.
_PAIR = {
    "price_range": "price_range",
    "volatility_range_up": "volatility_range_up",
    "volatility_range_down": "volatility_range_down",
    "min_volatility_for_shock_up": "min_volatility_for_shock_up",
    "short_term_vega_power": "short_term_vega_power",
    "long_term_vega_power": "long_term_vega_power",
    "extended_table_factor": "extended_table_factor",
    "m_inc": "m_inc",
    "delta_total_liq_shock_threshold": "delta_total_liq_shock_threshold_usd",
    "delta_total_liquid_shock_threshold": "delta_total_liq_shock_threshold_usd",
    "max_delta_shock": "max_delta_shock",
}
_CURRENCY = {
    "annualised_move_risk": "annualised_move_risk",
    "annualised_%_move_risk": "annualised_move_risk",
    "min_annualised_move": "min_annualised_move",
    "min_expiry_delta_shock": "min_annualised_move",
    "extended_dampener": "extended_dampener_usd",
    "pnl_offset": "pnl_offset",
    "max_offsetable_pnl": "max_offsetable_pnl_usd",
    "haircut": "haircut",
    "equity_side_impact": "equity_side_impact",
}
_TEXTS = frozenset({"equity_side_impact"})
# Which currencies move together: no published rule reads it yet.
_UNREAD = frozenset({"correlation_set", "timestamp", "name", "currency", "currency_pair"})
_OLDER_RULES = frozenset({"futures_contingency", "futures_contingency_rate", "option_contingency"})


def deribit_numbers(value: object, place: str) -> Numbers:
    """The numbers of a payload under the model's names; its time where it carries one.

    Raises InputError ``column_missing``, ``column_unknown``, ``rules_unknown`` or
    ``parameter_out_of_bounds`` codes with the place in the payload.
    """
    top = _mapping(value, place)
    if "model_params" in top:
        top = _mapping(top["model_params"], f"{place} model_params")
    general = _mapping(top.get("general", {}), f"{place} general")
    pairs = top.get("currency_pair", general.get("currency_pairs", top.get("currency_pairs")))
    currencies = top.get("currency", general.get("currencies", top.get("currencies")))
    if pairs is None or currencies is None:
        raise InputError(
            "column_missing",
            "the payload holds no risk parameters",
            place=place,
            value=", ".join(sorted(str(name) for name in top)[:8]),
            limit="general, currency and currency_pair, or general.currencies and currency_pairs",
            remedy="Give the whole reply.",
        )
    values: dict[str, Any] = {}
    for name in _GENERAL:
        if name in general:
            values[f"general.{name}"] = required(general, name, f"{place} general")
    _check_shape(general, place)
    for name, item in _named(pairs, f"{place} currency_pair"):
        base, _ = pair_of(name, f"{place} currency_pair")
        _fill(values, f"pair.{base}", item, _PAIR, f"{place} currency_pair {name}")
    for name, item in _named(currencies, f"{place} currency"):
        _fill(values, f"currency.{name.upper()}", item, _CURRENCY, f"{place} currency {name}")
    time = general.get("timestamp")
    observed = time if isinstance(time, int) and not isinstance(time, bool) else None
    return Numbers(FOLDER, values, observed, _SOURCE)


def pair_of(name: str, place: str) -> tuple[str, str]:
    """(base, quote) of ``btc_usd``."""
    base, sign, quote = name.upper().partition("_")
    if not (base and sign and quote):
        raise unreadable("not a pair", place, name, "Give the reply unchanged.")
    return base, quote


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise unreadable("an object was expected", place, type(value).__name__)
    return value


def _named(value: object, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, numbers) of an object by name, or of a list whose items name themselves."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name), _mapping(item, f"{place} {name}")
        return
    if not isinstance(value, list):
        raise unreadable("an object or a list was expected", place, type(value).__name__)
    for k, listed in enumerate(value):
        item = _mapping(listed, f"{place}[{k}]")
        own = item.get("currency", item.get("currency_pair", item.get("name")))
        if isinstance(own, str) and own:
            yield own, item
        elif len(item) == 1:  # {"BTC": {...}}
            yield from _named(item, f"{place}[{k}]")
        else:
            raise unreadable("an item of the list does not say its currency", f"{place}[{k}]")


def _check_shape(general: Mapping[str, Any], place: str) -> None:
    for name, count in _SHAPE.items():
        if name in general and required(general, name, f"{place} general") != count:
            raise InputError(
                "rules_unknown",
                "the risk matrix has another shape than the one that is known",
                place=f"{place} general {name}",
                value=general[name],
                limit=f"{count:g}",
                remedy="The rulebook has changed: ours does not cover it.",
            )


def _fill(
    values: dict[str, Any],
    table: str,
    item: Mapping[str, Any],
    names: Mapping[str, str],
    place: str,
) -> None:
    """The numbers of one table; a second set of the same coin must say the same."""
    for theirs in item:
        if theirs in _UNREAD:
            continue
        if theirs in _OLDER_RULES:
            raise InputError(
                "rules_unknown",
                "the payload is of the rulebook before: it charges a contingency",
                place=place,
                value=theirs,
                limit=", ".join(names),
                remedy="Only the model with the extended risk matrix is known.",
            )
        if theirs not in names:
            raise InputError(
                "column_unknown",
                "a risk parameter of that name is not known",
                place=place,
                value=theirs,
                limit=", ".join(names),
                remedy="The rulebook may have changed: ours does not read this number.",
            )
        value: Any = str(item[theirs]) if theirs in _TEXTS else required(item, str(theirs), place)
        key = f"{table}.{names[theirs]}"
        if values.setdefault(key, value) != value:
            raise InputError(
                "rules_unknown",
                "two quotes of one coin have different risk parameters; the rules know one set",
                place=place,
                value=value,
                limit=str(values[key]),
                remedy="Give the payload of one quote currency.",
            )
