"""What a delta margin shows of one account: ladder, risk by coin, conventions, error per shift."""

from __future__ import annotations

import math

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.delta_rules import (
    CONVENTIONS,
    Ladder,
    Rates,
    delta_usd,
    liquidity_cost,
)
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.families.expiry_ladder import bucket_labels
from crossmargin.margin.families.greeks_grid import Grid
from crossmargin.margin.families.whole_account import DollarMarket, dollar_risk
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import padded_width
from crossmargin.pricing.sums import row_sums_of

__all__ = ["delta_tables"]

_LADDER = (
    ("coin", "Coin", "name"),
    ("bucket", "Expiry", "text"),
    ("net_coins", "Net delta, coins", "quantity"),
    ("gross_coins", "Gross delta, coins", "quantity"),
    ("hedged_coins", "Hedged delta, coins", "quantity"),
    ("net_usd", "Net delta", "amount"),
)
_RISK = (
    ("coin", "Coin", "name"),
    ("net_usd", "Net delta", "amount"),
    ("net_rate_fraction", "Net rate", "fraction"),
    ("var_usd", "Delta VaR", "amount"),
    ("liquidity_usd", "Liquidity charge", "amount"),
    ("depth_fraction", "Of depth", "fraction"),
    ("turnover_fraction", "Of a day's turnover", "fraction"),
)
_WAYS = (
    ("coin", "Coin", "name"),
    *((f"{way}_coins", f"Net delta, {way.replace('_', ' ')}", "quantity") for way in CONVENTIONS),
)
_ERRORS = (
    ("scenario", "Shift", "text"),
    ("delta_usd", "By delta", "amount"),
    ("full_usd", "Full revaluation", "amount"),
    ("error_usd", "Delta less full", "amount"),
    ("verdict", "Verdict", "text"),
)


def delta_tables(priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
    """The tables of the one account of a block; coins at risk are lines of ``held``."""
    assert priced.risk is not None  # set by price()
    limit = 100.0 * parameters.number("check.unsafe_share")
    note = f"unsafe: full revaluation loses more than the delta by over {limit:g} % of its loss"
    market: DollarMarket = priced.facts["market"]
    shifts, probes = priced.facts["shifts"], priced.facts["probes"]
    far = dollar_risk(market, probes.scenarios).pnl
    return (
        Detail("delta_ladder", "Delta by coin and expiry", _LADDER, _ladder(priced, held)),
        Detail(
            "delta_risk",
            "Delta by coin: risk and liquidity",
            _RISK,
            _risk(priced, held, parameters),
        ),
        Detail(
            "delta_conventions", "Net delta under three conventions", _WAYS, _ways(priced, held)
        ),
        Detail(
            "delta_errors",
            "Delta and full revaluation, by shift",
            _ERRORS,
            _errors(priced, held, shifts, priced.risk.pnl, parameters),
            (note,),
        ),
        Detail(
            "delta_probes",
            "Far moves, judged and not margined",
            _ERRORS,
            _errors(priced, held, probes, far, parameters),
            (note,),
        ),
    )


def _ladder(priced: Priced, held: PoolBook) -> tuple[tuple[str | float, ...], ...]:
    """Net, gross and hedged delta of each rung that the account holds, and of each coin."""
    ladder: Ladder = priced.facts["ladder"]
    greeks: DollarGreeks = priced.facts["greeks"]
    labels = bucket_labels(priced.facts["days"])
    found = row_sums_of(held.row, held.column, held.quantity, ladder.table)
    net_usd = found.net[0].tolist()
    gross_usd = (found.long - found.short)[0].tolist()
    price = _prices(greeks)
    held_rungs = set(ladder.rung[held.column[held.quantity != 0.0]].tolist())
    out: list[tuple[str | float, ...]] = []
    for u, coin in enumerate(greeks.coins):
        rungs = [r for r in sorted(held_rungs) if r >= 0 and ladder.coin_of[r] == u]
        lines = [(labels[int(ladder.bucket_of[r])], net_usd[r], gross_usd[r]) for r in rungs]
        if len(lines) > 1:
            lines.append(("all", sum(line[1] for line in lines), sum(line[2] for line in lines)))
        for label, own, gross in lines:
            hedged = max(gross - abs(own), 0.0) / 2.0
            index = price[u]
            out.append((coin, label, own / index, gross / index, hedged / index, own))
    return tuple(out)


def _prices(greeks: DollarGreeks) -> list[float]:
    """Dollars per coin of each coin."""
    return [float(greeks.index_usd[greeks.group == u].max()) for u in range(len(greeks.coins))]


def _nets(greeks: DollarGreeks, held: PoolBook, dollars: Floats) -> list[float]:
    """Net dollars of each coin, added in order."""
    group = greeks.group[held.column]
    worth = held.quantity * dollars[held.column]
    return [sum(worth[group == u].tolist(), 0.0) for u in range(len(greeks.coins))]


def _risk(
    priced: Priced, held: PoolBook, parameters: Parameters
) -> tuple[tuple[str | float, ...], ...]:
    rates: Rates = priced.facts["rates"]
    greeks: DollarGreeks = priced.facts["greeks"]
    scale = parameters.number("var.z") * math.sqrt(parameters.number("general.horizon_days"))
    out = []
    for u, own in enumerate(_nets(greeks, held, priced.columns["delta_usd"])):
        size = abs(own)
        out.append(
            (
                greeks.coins[u],
                own,
                float(rates.net[u]),
                scale * float(rates.sigma_daily[u]) * size,
                float(liquidity_cost(rates, u, np.array([size]))[0]),
                size / float(rates.depth_usd[u]),
                size / float(rates.turnover_usd[u]),
            )
        )
    return tuple(out)


def _ways(priced: Priced, held: PoolBook) -> tuple[tuple[str | float, ...], ...]:
    greeks: DollarGreeks = priced.facts["greeks"]
    market: DollarMarket = priced.facts["market"]
    price = _prices(greeks)
    nets = [_nets(greeks, held, delta_usd(market, greeks, way)) for way in CONVENTIONS]
    return tuple(
        (coin, *(each[u] / price[u] for each in nets)) for u, coin in enumerate(greeks.coins)
    )


def _errors(
    priced: Priced, held: PoolBook, grid: Grid, full: Floats, parameters: Parameters
) -> tuple[tuple[str | float, ...], ...]:
    """One line a shift: P&L of the delta under the convention, and in full."""
    greeks: DollarGreeks = priced.facts["greeks"]
    count = len(grid)
    rows = np.zeros((len(greeks.group), padded_width(count)))
    known = greeks.group >= 0
    rows[known, :count] = priced.columns["delta_usd"][known, None] * grid.move[greeks.group[known]]
    where = (held.row, held.column, held.quantity)
    first, second = net(*where, rows)[0, :count], net(*where, full)[0, :count]
    worst = max(0.0, -float(second.min(initial=0.0)))
    limit = max(
        parameters.number("check.unsafe_share") * worst, parameters.number("check.least_usd")
    )
    return tuple(
        (label, a, b, a - b, "unsafe" if b < 0.0 and a - b > limit else "")
        for label, a, b in zip(grid.scenarios.label, first.tolist(), second.tolist(), strict=True)
    )
