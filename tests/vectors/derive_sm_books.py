"""The oracle's account under the standard manager as a book and a view of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin.parameter_files import Parameters, from_values
from crossmargin.market.view import View
from tests.oracle.derive_sm import Account, Market
from tests.oracle.types import Leg
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_740_000_000_000
# The engine's group and name of a parameter, by the oracle's.
NAMES = {
    "im_perp": ("perp", "im_share"),
    "mm_perp": ("perp", "mm_share"),
    "most": ("option", "im_most_share"),
    "least": ("option", "im_least_share"),
    "mm_call": ("option", "mm_call_share"),
    "mm_put": ("option", "mm_put_share"),
    "mm_put_value": ("option", "mm_put_value_share"),
    "unpaired_im": ("option", "unpaired_im_scale"),
    "unpaired_mm": ("option", "unpaired_mm_scale"),
    "offset": ("option", "offset_scale"),
    "perp_threshold": ("oracle", "perp_threshold"),
    "option_threshold": ("oracle", "option_threshold"),
    "base_threshold": ("oracle", "base_threshold"),
    "oracle": ("oracle", "factor"),
    "margin_factor": ("base", "margin_factor"),
    "im_scale": ("base", "im_scale"),
}


def parameters_of(params: Mapping[str, Mapping[str, float]]) -> Parameters:
    """A set with the markets of the oracle."""
    markets: dict[str, Any] = {}
    values: dict[str, Any] = {"market": markets}
    for coin, plain in params.items():
        groups: dict[str, dict[str, float]] = {}
        for name, (group, ours) in NAMES.items():
            groups.setdefault(group, {})[ours] = plain[name]
        markets[coin] = groups
        values["depeg"] = {"threshold": plain["depeg_threshold"], "factor": plain["depeg_factor"]}
    return from_values("derive-sm", "vector", values, "vector file")


def named(leg: Leg) -> Instrument:
    """The contract of a leg."""
    name = f"{leg.underlying}-{leg.expiry}-{leg.strike!r}-{leg.right}"
    when = AS_OF_MS + leg.life_ms
    return option(
        "derive", name, leg.right, leg.strike, when, underlying=leg.underlying, settle="USDC"
    )


def engine(account: Account, markets: Mapping[str, Market], stable: float) -> tuple[Book, View]:
    """The book of one account and its market; lines of size zero where nothing is held."""
    cash = asset("derive", "USDC")
    perps = {c: delta_one("derive", f"{c}-PERP", underlying=c, settle="USDC") for c in markets}
    bases = {c: asset("derive", c) for c in markets}
    options = {k: named(leg) for k, leg in enumerate(account.options)}
    items = [cash, *perps.values(), *bases.values(), *options.values()]
    instruments = Instruments.of({item.key: item for item in items}.values())
    place = instruments.index_of()
    lines = [Line(ACCOUNT, place[cash.key], account.cash)]
    for coin, size in account.base.items():
        lines.append(Line(ACCOUNT, place[bases[coin].key], size))
    for coin, perp in account.perps.items():
        if perp.size != 0.0:
            entry = markets[coin].perp_price - perp.value / perp.size
            lines.append(Line(ACCOUNT, place[perps[coin].key], perp.size, entry))
    for k, leg in enumerate(account.options):
        lines.append(Line(ACCOUNT, place[options[k].key], leg.quantity))
    facts = _facts(account, markets, stable, options)
    return Book.of(instruments, lines), _view(instruments, facts, account, options)


def _view(
    instruments: Instruments, facts: Facts, account: Account, options: Mapping[int, Instrument]
) -> View:
    """Two coins may share an expiry: forwards are set by coin."""
    view = view_of(instruments, facts)
    forward = view.forward.copy()
    for k, leg in enumerate(account.options):
        forward[instruments.expiry[instruments.index_of()[options[k].key]]] = leg.forward
    return replace(view, forward=frozen(forward, np.float64))


def _facts(
    account: Account,
    markets: Mapping[str, Market],
    stable: float,
    options: Mapping[int, Instrument],
) -> Facts:
    quotes = {f"{coin}-PERP": Quote(mark=market.perp_price) for coin, market in markets.items()}
    reads: dict[str, dict[str, float]] = {
        "spot_confidence": {c: m.spot_confidence for c, m in markets.items()},
        "perp_confidence": {c: m.perp_confidence for c, m in markets.items()},
        "forward_confidence": {},
        "vol_confidence": {},
    }
    dated = {}
    for k, leg in enumerate(account.options):
        item = options[k]
        dated[item.expiry_ms] = Dated(leg.forward, leg.life_ms)
        quotes[item.native_id] = Quote(vol=leg.vol)
        reads["vol_confidence"][item.native_id] = leg.confidence
        sure = markets[leg.underlying].forward_confidence.get(leg.expiry, 1.0)
        reads["forward_confidence"][f"{leg.underlying}@{item.expiry_ms}"] = sure
    spot = {coin: market.spot for coin, market in markets.items()}
    return Facts(
        as_of_ms=AS_OF_MS,
        index={**{(coin, "USD"): price for coin, price in spot.items()}, ("USDC", "USD"): stable},
        usd={**spot, "USD": 1.0, "USDC": stable},
        dated=dated,
        quotes=quotes,
        reads=reads,
    )
