"""The oracle's account of one Derive manager as a book and a view of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.parameter_files import Parameters, from_values
from crossmargin.market.view import View
from tests.oracle.derive_pm1 import Account, Scenario
from tests.oracle.derive_pm2 import Market
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, asset, delta_one, option, view_of
from tests.vectors.derive_values import RENAMED

AS_OF_MS = 1_740_000_000_000
COIN = "ETH"
PERPETUAL = f"{COIN}-PERP"


def market_values(plain: Mapping[str, float], scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """One manager's parameters, from the oracle's names."""
    market: dict[str, Any] = {RENAMED.get(name, name): value for name, value in plain.items()}
    market["scenarios"] = [[spot, vol] for spot, vol in scenarios]
    return market


def parameters_of(plain: Mapping[str, float], scenarios: Sequence[Scenario]) -> Parameters:
    """A set with one market."""
    values = {"market": {COIN: market_values(plain, scenarios)}}
    return from_values("derive-pm1", "vector", values, "vector file")


@dataclass(frozen=True)
class Engine:
    """What the engine is given."""

    book: Book
    view: View


def engine(account: Account, market: Market, now_ms: int = AS_OF_MS) -> Engine:
    """The book of one account and its market; a line of size zero where nothing is held."""
    perpetual = delta_one("derive", PERPETUAL, underlying=COIN, settle="USDC")
    cash, base = asset("derive", "USDC"), asset("derive", COIN)
    named = {}
    for k, leg in enumerate(account.options):
        when = now_ms + leg.life_ms
        named[k] = option(
            "derive",
            f"{COIN}-{leg.expiry}-{leg.strike!r}-{leg.right}",
            leg.right,
            leg.strike,
            when,
            underlying=COIN,
            settle="USDC",
        )
    instruments = Instruments.of(
        {i.key: i for i in (perpetual, cash, base, *named.values())}.values()
    )
    place = instruments.index_of()
    lines = [
        Line(ACCOUNT, place[cash.key], account.cash),
        Line(ACCOUNT, place[base.key], account.base),
    ]
    lines += [
        Line(ACCOUNT, place[named[k].key], leg.quantity) for k, leg in enumerate(account.options)
    ]
    if account.perp_size != 0.0:
        entry = market.perp_price - account.perp_value / account.perp_size
        lines.append(Line(ACCOUNT, place[perpetual.key], account.perp_size, entry))
    return Engine(
        Book.of(instruments, lines), view_of(instruments, _facts(account, market, named, now_ms))
    )


def _facts(account: Account, market: Market, named: Mapping[int, Any], now_ms: int) -> Facts:
    dated, quotes = {}, {PERPETUAL: Quote(mark=market.perp_price)}
    reads: dict[str, dict[str, float]] = {
        "spot_confidence": {COIN: market.spot_confidence},
        "perp_confidence": {COIN: market.perp_confidence},
        "forward_confidence": {},
        "rate_confidence": {},
        "vol_confidence": {},
    }
    for k, leg in enumerate(account.options):
        when = named[k].expiry_ms
        dated[when] = Dated(leg.forward, leg.life_ms, leg.settled, leg.rate)
        quotes[named[k].native_id] = Quote(vol=leg.vol)
        reads["vol_confidence"][named[k].native_id] = leg.confidence
        for name, given in (
            ("forward_confidence", market.forward_confidence),
            ("rate_confidence", market.rate_confidence),
        ):
            reads[name][f"{COIN}@{when}"] = given.get(leg.expiry, 1.0)
    return Facts(
        as_of_ms=now_ms,
        index={(COIN, "USD"): market.spot, ("USDC", "USD"): market.stable},
        usd={COIN: market.spot, "USD": 1.0, "USDC": market.stable},
        dated=dated,
        quotes=quotes,
        reads=reads,
    )
