"""Cash by currency now and in every scenario of the model, and which currency ends first.

    after[c]     balance[c] + sum over the positions that settle in c of q x P&L
    share        balance[c] / (balance[c] - after[c])     how far into the move the balance is gone
    first        the currency with the least share among those that end below zero
    borrowed     max(0, -after[c])

P&L is settled in the currency of the contract: that of a coin-settled contract is coin and pays
nothing in dollars. It is priced over the model's own scenario set, from the mark of futures and the
model value of options, without the model's weights on far scenarios: what is paid is what moved.
``after`` settles all profit; ``after_futures`` that of futures and perpetuals alone, which is all
that a venue pays before an option expires. A balance below zero now is gone before any move.
Pools with the same scenarios move together; others each by themselves. A model without scenarios is
asked with moves of every coin together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.details import stage_of
from crossmargin.margin.equity import mark_value
from crossmargin.margin.families.whole_account import (
    coin_names,
    dollar_market,
    is_money,
    scenario_set,
)
from crossmargin.margin.model import Priced, Requirement
from crossmargin.market.view import View
from crossmargin.scenarios.risk_array import price
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["MOVES", "CashPlan", "CurrencyCash", "ScenarioCash", "cash_of"]

# Moves of every coin together for models without scenarios of their own.
MOVES = (-0.5, -0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3, 0.5)
# Less than this share of a balance is the rounding of a sum, no debt.
_NOISE = 1e-12


@dataclass(frozen=True, slots=True)
class CurrencyCash:
    """One currency in its own units. ``borrowed`` is what the worst scenario leaves missing."""

    currency: str
    balance: float
    usd: float
    worst_after: float
    worst_after_futures: float
    worst_scenario: str
    borrowed: float
    borrowed_usd: float  # at the price of that scenario
    below_zero: int  # scenarios that leave it below zero
    scenarios: int


@dataclass(frozen=True, slots=True)
class ScenarioCash:
    """One scenario. ``first`` is None where no currency ends below zero."""

    label: str
    first: str | None
    share: float | None  # of the move after which its balance is gone
    short: float  # missing of it at the end, in its own units
    short_usd: float  # of every currency, at the scenario's prices
    total_usd: float  # of all currencies, at the scenario's prices
    after: Mapping[str, float]

    @property
    def covered(self) -> bool:
        """Whether the other currencies are worth what is missing."""
        return self.total_usd >= 0.0


@dataclass(frozen=True, slots=True)
class CashPlan:
    """One account. ``own_scenarios`` is False where the model has none."""

    currencies: tuple[CurrencyCash, ...]
    scenarios: tuple[ScenarioCash, ...]
    own_scenarios: bool

    def worst(self) -> ScenarioCash | None:
        """The scenario that leaves most missing in dollars; None where none does."""
        short = [each for each in self.scenarios if each.first is not None]
        return max(short, key=lambda each: each.short_usd) if short else None


@dataclass(frozen=True, slots=True)
class _Moves:
    """Cash paid by scenario [S] of pools that move together, by currency."""

    labels: tuple[str, ...]
    paid: dict[str, Floats]
    paid_futures: dict[str, Floats]
    factor: dict[str, Floats]  # on the dollar price of a currency


def cash_of(requirement: Requirement, account: int = 0) -> CashPlan:
    """The cash of one account by currency, now and in each scenario."""
    balance = _balances(requirement, account)
    rows = np.flatnonzero(requirement.sheet.account == account).tolist()
    own = any(requirement.priced[int(requirement.sheet.pool[r])].scenarios for r in rows)
    groups: dict[tuple[str, ...], _Moves] = {}
    for row in rows:
        priced, held = stage_of(requirement, row)
        scenarios = priced.scenarios if own else _moves_of(priced)
        if scenarios is None or not len(held.column):
            continue
        group = groups.setdefault(scenarios.label, _Moves(scenarios.label, {}, {}, {}))
        _pay(group, priced, scenarios, held.column.tolist(), held.quantity.tolist())
    names = requirement.view.instruments.names
    usd = {name: float(requirement.view.usd[k]) for k, name in enumerate(names)}
    for group in groups.values():
        for name in group.paid:
            balance.setdefault(name, 0.0)
    outcomes = [
        _outcome(group, k, balance, usd)
        for group in groups.values()
        for k in range(len(group.labels))
    ]
    return CashPlan(
        tuple(_currency(name, balance[name], usd[name], groups) for name in sorted(balance)),
        tuple(outcomes),
        own,
    )


def _balances(requirement: Requirement, account: int) -> dict[str, float]:
    """Balances less debts by currency; what the venue reports stands before the lines."""
    book, view = requirement.book.rows(account, account + 1), requirement.view
    table = book.instruments
    out: dict[str, float] = {}
    for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = table.items[k]
        if item.kind in (Kind.ASSET, Kind.DEBT):
            units = quantity if item.kind == Kind.ASSET else -abs(quantity)  # a debt has any sign
            out[item.underlying] = out.get(item.underlying, 0.0) + units
    value = mark_value(table, view)
    for (name, currency), equity in book.reported.equity.items():
        if name != book.account[0]:
            continue
        own = [
            quantity * float(value[k])
            for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
            if table.items[k].settle == currency
        ]
        out[currency] = equity - sum(own)
    return out


def _moves_of(priced: Priced) -> ScenarioSet:
    """Moves of every coin of a pool together, vols as they are."""
    market = dollar_market(priced.pool, priced.view)
    factor = 1.0 + np.array(MOVES)
    labels = [f"{100.0 * move:+g} %" for move in MOVES]
    coins = dict.fromkeys(coin_names(priced.pool.instruments), factor)
    vols = np.ones((len(priced.pool.instruments.expiries), len(MOVES)))
    return scenario_set(market, labels, coins, vols)


def _pay(
    group: _Moves,
    priced: Priced,
    scenarios: ScenarioSet,
    column: Sequence[int],
    quantity: Sequence[float],
) -> None:
    """Add what each position of a pool pays to the currency that settles it."""
    part = priced.pool.instruments
    scenarios = _unclamped(priced, scenarios)
    pnl = price(part, priced.view, scenarios, _acted_on(priced.view)).scenario_pnl()
    for k, held in zip(column, quantity, strict=True):
        item = part.items[k]
        if item.kind not in (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION):
            continue
        paid = held * pnl[k]
        name = item.settle
        group.paid[name] = group.paid.get(name, 0.0) + paid
        futures = paid if item.kind != Kind.OPTION else np.zeros(len(paid))
        group.paid_futures[name] = group.paid_futures.get(name, 0.0) + futures
    for p, (underlying, _) in enumerate(part.pairs):
        if not is_money(underlying):  # a move of the coins leaves money where it is
            group.factor.setdefault(underlying, scenarios.spot[p])


def _unclamped(priced: Priced, scenarios: ScenarioSet) -> ScenarioSet:
    """The scenarios with spot where the forwards went.

    A model may clamp futures and coins in far scenarios (Deribit's extended table counts them at
    the edge of its range): what is paid, and what a coin is worth then, is that of the whole move.
    The longest expiry of a pair says it; a pair without one is left as the model has it.
    """
    part, view = priced.pool.instruments, priced.view
    now = view.forward + view.forward_settled
    spot = scenarios.spot.copy()
    for p in range(len(part.pairs)):
        dated = np.flatnonzero((part.expiry_pair == p) & (view.life_ms > 0) & (now > 0.0))
        if dated.size:
            last = int(dated[np.argmax(view.life_ms[dated])])
            moved = scenarios.forward[last] / now[last]
            # Where nothing is clamped both are one number but for rounding: leave the model's.
            spot[p] = np.where(np.abs(moved - spot[p]) > 1e-9, moved, spot[p])
    return replace(scenarios, spot=spot)


def _acted_on(view: View) -> Floats:
    """[I] the price that a move acts on: the mark, above zero also where there is none."""
    return np.where(view.mark > 0.0, view.mark, 1.0)


def _outcome(
    group: _Moves, k: int, balance: Mapping[str, float], usd: Mapping[str, float]
) -> ScenarioCash:
    """One scenario of one group of pools."""
    first: tuple[float, str] | None = None
    after: dict[str, float] = {}
    short_usd = total_usd = 0.0
    for name in sorted(balance):
        start = balance[name]
        paid = float(group.paid[name][k]) if name in group.paid else 0.0
        end = start + paid
        after[name] = end
        factor = float(group.factor[name][k]) if name in group.factor else 1.0
        worth = end * usd[name] * factor
        total_usd += worth
        if end < -_NOISE * max(abs(start), abs(paid)):
            short_usd -= worth
            share = start / (start - end) if start > 0.0 else 0.0
            first = min(first or (share, name), (share, name))
    return ScenarioCash(
        label=group.labels[k],
        first=first[1] if first else None,
        share=first[0] if first else None,
        short=-after[first[1]] if first else 0.0,
        short_usd=short_usd,
        total_usd=total_usd,
        after=after,
    )


def _currency(
    name: str, balance: float, usd: float, groups: Mapping[tuple[str, ...], _Moves]
) -> CurrencyCash:
    """One currency over every scenario."""
    worst, futures, label, worst_usd = balance, balance, "—", usd
    below = count = 0
    for group in groups.values():
        count += len(group.labels)
        if name not in group.paid:
            below += len(group.labels) if balance < 0.0 else 0
            continue
        after = balance + group.paid[name]
        k = int(np.argmin(after))
        below += int((after < 0.0).sum())
        futures = min(futures, float((balance + group.paid_futures[name]).min()))
        if after[k] < worst:
            worst, label = float(after[k]), group.labels[k]
            factor = float(group.factor[name][k]) if name in group.factor else 1.0
            worst_usd = usd * factor
    borrowed = max(0.0, -worst)
    return CurrencyCash(
        name, balance, usd, worst, futures, label, borrowed, borrowed * worst_usd, below, count
    )
