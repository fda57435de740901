"""A book and a market as holdings of collateral: amounts, debts, prices, gains and delta.

    asset       a balance above zero          debt    a debt line, or a balance below zero
    options     their value together at the mark: below zero it is owed, above zero it backs nothing
    delta       sum over the derivatives of a coin of coins of delta x index, in dollars
    slow price  mean of the prices of the last slow days of the market's history
    redemption  the schedule's ratio x the price of what the asset is redeemed for

A value that the market does not hold is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crossmargin.accounts.collateral import Holdings
from crossmargin.accounts.collateral_schedule import AssetPrices, Schedule
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import mark_value, profit_since_entry
from crossmargin.margin.families.whole_account import dollar_market
from crossmargin.margin.pools import cut, make_pool
from crossmargin.market.view import View

__all__ = ["holdings_of"]

_FIELDS = ("venue", "cross", "redemption", "slow", "sources")


def holdings_of(
    book: Book,
    view: View,
    schedule: Schedule,
    account: int = 0,
    *,
    required_usd: float = 0.0,
    profit_open: bool = False,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    dollars: Mapping[str, float] | None = None,
) -> Holdings:
    """The holdings of one account.

    ``required_usd``: maintenance margin of its positions. ``profit_open``: the balances do not hold
    the profit of open futures, so it stands apart, from the entry prices. ``prices`` stand before
    those of the market: by name ``venue``, ``cross``, ``redemption``, ``slow`` in dollars and
    ``sources``, the number of books of others. ``dollars``: prices now of what the book does not
    hold, by name, for redemption. Raises MarketDataError ``currency_unknown`` without
    a price, InputError ``option_unknown`` for another field.
    """
    own, table = book.rows(account, account + 1), book.instruments
    assets: dict[str, float] = {}
    debts: dict[str, float] = {}
    for k, quantity in zip(own.column.tolist(), own.quantity.tolist(), strict=True):
        item = table.items[k]
        if item.kind == Kind.DEBT:
            debts[item.underlying] = debts.get(item.underlying, 0.0) + abs(quantity)
        elif item.kind == Kind.ASSET:
            side = assets if quantity >= 0.0 else debts
            side[item.underlying] = side.get(item.underlying, 0.0) + abs(quantity)
    columns = np.arange(len(table), dtype=np.int32)
    pool = make_pool(table, columns, "account", "USD", ())
    derivative = np.isin(table.kind, (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION))
    market = dollar_market(pool, view)
    delta: dict[str, float] = {}
    gains: dict[str, float] = {}
    profit = profit_since_entry(table, view, cut(own, pool, account), False)
    options = 0.0
    value = mark_value(table, view) * view.usd[table.settle]
    for n, (k, quantity) in enumerate(zip(own.column.tolist(), own.quantity.tolist(), strict=True)):
        if not derivative[k]:
            continue
        name = table.items[k].underlying
        own_delta = quantity * float(market.delta[k] * market.index_usd[k])
        delta[name] = delta.get(name, 0.0) + own_delta
        options += quantity * float(value[k])
        if profit_open:
            gain = float(profit[n]) * float(view.usd[table.settle[k]])
            gains[name] = gains.get(name, 0.0) + gain
    given, beside = prices or {}, dollars or {}
    known = {
        name: _prices(name, view, schedule, given.get(name, {}), beside)
        for name in sorted({*assets, *debts, *gains, *given})
    }
    return Holdings(
        assets=assets,
        debts=debts,
        prices=known,
        gains_usd=gains,
        long_delta_usd=delta,
        required_usd=required_usd,
        options_owed_usd=max(-options, 0.0),
    )


def _prices(
    name: str,
    view: View,
    schedule: Schedule,
    given: Mapping[str, float],
    beside: Mapping[str, float],
) -> AssetPrices:
    """What is given and what the market knows of one asset."""
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise InputError(
            "option_unknown",
            "no such price of a collateral",
            place=name,
            value=unknown[0],
            limit=", ".join(_FIELDS),
            remedy="Choose one of those.",
        )
    price = given.get("venue", _dollars(name, view))
    if price is None:
        raise MarketDataError(
            "currency_unknown",
            "the market has no dollar price of a collateral or debt",
            place=name,
            remedy="Import a market with the price of this currency, or give it.",
        )
    terms = schedule.assets.get(name)
    redemption = None
    if terms is not None and terms.redemption_of:
        underlying = _dollars(terms.redemption_of, view) or beside.get(terms.redemption_of)
        redemption = None if underlying is None else terms.redemption_ratio * underlying
    return AssetPrices(
        venue_usd=price,
        cross_usd=given.get("cross"),
        redemption_usd=given.get("redemption", redemption),
        slow_usd=given.get("slow", _slow(name, view, schedule)),
        independent_sources=int(given["sources"]) if "sources" in given else None,
    )


def _dollars(name: str, view: View) -> float | None:
    """Dollars of one unit; None where the market does not say."""
    names = view.instruments.names
    found = float(view.usd[names.index(name)]) if name in names else 0.0
    found = found or view.reads.get("usd", {}).get(name, 0.0)
    if found <= 0.0 and (name, "USD") in view.instruments.pairs:
        found = float(view.index[view.instruments.pairs.index((name, "USD"))])
    return found if found > 0.0 else None


def _slow(name: str, view: View, schedule: Schedule) -> float | None:
    """Mean price of the slow days; None without a history that covers them."""
    history = view.history.get(name)
    if history is None:
        return None
    begin = view.as_of_ms - schedule.slow_days * DAY_MS
    inside = history.times_ms >= begin
    if not inside.any() or int(history.times_ms[0]) > begin:
        return None
    return float(history.price[inside].sum() / inside.sum())
