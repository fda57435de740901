"""Accounts of Drift v2 in integers: markets from parameters, lines from a book, sums at a level.

Rules are in ``exact_drift``; units are its own (dollars 1e-6, base 1e-9, tokens by decimals).
"""

from __future__ import annotations

from dataclasses import dataclass

from crossmargin.margin.families.exact_drift import (
    ORDER_MARGIN,
    Level,
    PerpMarket,
    PerpPosition,
    SpotMarket,
    SpotPosition,
    Strict,
    perp_margin,
    spot_margin,
    token_value,
)
from crossmargin.margin.families.exact_units import (
    entry_quote,
    held_units,
    quotient_to_zero,
    ticks,
    units,
    whole,
)
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.usdc_pools import CASH
from crossmargin.market.view import View

__all__ = [
    "DOLLAR_DECIMALS",
    "DriftLine",
    "DriftPerp",
    "DriftToken",
    "averages_missing",
    "drift_account",
    "drift_balances",
    "drift_lines",
    "drift_perp",
    "drift_token",
]

DOLLAR_DECIMALS = 6  # of dollars and prices
_BASE = 9  # of the base of a perpetual


@dataclass(frozen=True, slots=True)
class DriftToken:
    """A token at its price; ``market`` None is the quote token."""

    market: SpotMarket | None
    decimals: int
    price: Strict


@dataclass(frozen=True, slots=True)
class DriftPerp:
    """A perpetual at its oracle price."""

    market: PerpMarket
    price: int


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One position of an account with its orders, as a token or as a perpetual."""

    token: DriftToken | None
    perp: DriftPerp | None
    spot: SpotPosition
    future: PerpPosition


def _spot(name: str, parameters: Parameters) -> SpotMarket:
    table = f"spot.{name}"
    names = (
        *("initial_asset_weight", "maintenance_asset_weight"),
        *("initial_liability_weight", "maintenance_liability_weight"),
        *("decimals", "imf_factor", "scale_initial_asset_weight_start", "deposits"),
    )
    return SpotMarket(*(whole(parameters, f"{table}.{each}") for each in names))


def drift_token(name: str, usd: float, view: View, parameters: Parameters) -> DriftToken:
    """A token of the set; the view's read ``usd_twap_5min`` is its average where it holds one."""
    market = None if name == CASH else _spot(name, parameters)
    decimals = whole(parameters, f"spot.{name}.decimals")
    average = view.read("usd_twap_5min", name, 0.0)
    twap = ticks(average, -DOLLAR_DECIMALS) if average > 0.0 else None
    return DriftToken(market, decimals, Strict(ticks(usd, -DOLLAR_DECIMALS), twap))


def drift_perp(name: str, parameters: Parameters) -> PerpMarket:
    """A perpetual's ratios and weights from the set."""

    def number(field: str) -> int:
        return whole(parameters, f"perp.{name}.{field}")

    return PerpMarket(
        initial=number("margin_ratio_initial"),
        maintenance=number("margin_ratio_maintenance"),
        imf=number("imf_factor"),
        upnl_initial=number("unrealized_pnl_initial_asset_weight"),
        upnl_maintenance=number("unrealized_pnl_maintenance_asset_weight"),
        upnl_imf=number("unrealized_pnl_imf_factor"),
        upnl_imbalance_max=number("unrealized_pnl_max_imbalance"),
        net_unsettled=number("net_unsettled_pnl"),
        leverage_initial=number("high_leverage_margin_ratio_initial"),
        leverage_maintenance=number("high_leverage_margin_ratio_maintenance"),
    )


def drift_lines(priced: Priced, held: PoolBook, a: int, open_profit: bool) -> list[DriftLine]:
    """What an account holds or has orders in, in the order of the table."""
    positions = {int(held.column[j]): j for j in range(int(held.row[a]), int(held.row[a + 1]))}
    orders = _orders(priced, held, a)
    lines = []
    for k in sorted(positions.keys() | orders.keys()):
        token, perp = priced.facts["tokens"].get(k), priced.facts["perps"].get(k)
        decimals = token.decimals if token is not None else _BASE
        bid, ask, count = orders.get(k, (0.0, 0.0, 0))
        sums = (units(bid, decimals), -units(ask, decimals), count)
        base = held_units(held, positions[k], decimals) if k in positions else 0
        quote = 0
        if perp is not None and base:
            quote = -quotient_to_zero(base * perp.price, 10**_BASE)  # settled: no open profit
            if open_profit and held.entry_known[positions[k]]:
                entry = float(held.entry_price[positions[k]])
                quote = entry_quote(base, entry, DOLLAR_DECIMALS - _BASE)
        lines.append(
            DriftLine(token, perp, SpotPosition(base, *sums), PerpPosition(base, quote, *sums))
        )
    return lines


def _orders(priced: Priced, held: PoolBook, a: int) -> dict[int, tuple[float, float, int]]:
    """Bids, asks and number of an account's open orders by column of the pool."""
    orders = held.book.orders
    found: dict[int, tuple[float, float, int]] = {}
    span = slice(int(orders.row[a]), int(orders.row[a + 1]))
    if span.start == span.stop:
        return found
    place = {int(column): k for k, column in enumerate(priced.pool.columns.tolist())}
    bids, asks = orders.bid[span].tolist(), orders.ask[span].tolist()
    for column, bid, ask in zip(orders.column[span].tolist(), bids, asks, strict=True):
        k = place[column]
        before = found.get(k, (0.0, 0.0, 0))
        found[k] = (before[0] + bid, before[1] + ask, before[2] + 1)
    return found


def _is_quote(line: DriftLine) -> bool:
    return line.token is not None and line.token.market is None


def drift_balances(lines: list[DriftLine], cash: int, quote: DriftToken) -> list[int]:
    """Value of the quote token, of the other tokens, open profit, and the charge of the orders."""
    tokens = profit = count = 0
    for line in lines:
        if line.perp is not None:
            raw = quotient_to_zero(line.future.base * line.perp.price, 10**_BASE)
            raw += line.future.quote
            profit += quotient_to_zero(raw * quote.price.price, 10**DOLLAR_DECIMALS)
            count += line.future.orders
        elif line.token is not None and line.token.market is not None:
            tokens += token_value(line.spot.amount, line.token.decimals, line.token.price.price)
            count += line.spot.orders
    value = token_value(cash, quote.decimals, quote.price.price)
    return [value, tokens, profit, count * ORDER_MARGIN]


def drift_account(
    lines: list[DriftLine], cash: int, quote: DriftToken, level: Level, custom: int, high: bool
) -> list[int]:
    """[collateral, requirement] at a level; only the initial one is strict."""

    def seen(price: Strict) -> Strict:
        return price if level is Level.INITIAL else Strict(price.price)

    usd = seen(quote.price)
    need, have = spot_margin(SpotPosition(cash), None, usd, level, decimals=quote.decimals)
    for line in lines:
        if line.perp is not None:
            parts = perp_margin(
                line.future, line.perp.market, line.perp.price, usd, level, custom=custom, high=high
            )
            need, have = need + parts[0], have + parts[1]
        elif line.token is not None and not _is_quote(line):
            price = seen(line.token.price)
            more = spot_margin(line.spot, line.token.market, price, level, custom=custom)
            need, have = need + more[0], have + more[1]
    return [have, need]


def averages_missing(lines: list[DriftLine], cash: int, quote: DriftToken) -> bool:
    """Whether a price that the strict level reads has no five-minute average."""
    perps = any(line.perp is not None for line in lines)
    own = any(
        line.token is not None and not _is_quote(line) and line.token.price.twap is None
        for line in lines
    )
    return own or (quote.price.twap is None and (perps or cash != 0))
