"""What a house may close in a step, what that costs, and which of it is closed first.

    candidate   part of one line, of every line of an underlying, or of every line of a pool:
                at most ``max_share`` of each position as it was at the start, in whole lots
    shortfall   sum over pools  max(up((1 + buffer) MM) - down(counted), 0)      smallest units
    gain        what (counted - (1 + buffer) MM) of the short pools rises by, all costs paid,
                less what other pools fall short by
    order       risk_per_cost: the largest gain for each unit of cost, fee and penalty;
                largest: the largest gain;  pro_rata: every line of the pool alike, while that gains
    size        the fewest lots with which no more is short than with the whole step

Only pools that broke MM are brought to the buffer; others must merely stay above MM. A penalty
never makes a debt: it takes at most the equity that is left of its pool. Ties go to the larger
gain, then to the canonical order of the book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from crossmargin.accounts.liquidation_account import Judge, Levels
from crossmargin.accounts.waterfall import dollars, down, up
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.whatif_costs import lot_of, trading_parameters
from crossmargin.market.view import View

__all__ = [
    "ORDERS",
    "Bench",
    "Candidate",
    "CostOf",
    "Order",
    "Sizes",
    "Terms",
    "Traded",
    "Tried",
    "choose",
    "cost_by_name",
    "touch_cost",
    "trimmed",
]

Order = Literal["risk_per_cost", "largest", "pro_rata"]
ORDERS: tuple[Order, ...] = ("risk_per_cost", "largest", "pro_rata")
FOLDER = "crossmargin.accounts:parameters/house-liquidation"
# Dollars that trading a signed size of a row of the view's table costs against the mark; not
# negative. Fees and penalties are not in it.
CostOf = Callable[[View, int, float], float]
# Sizes that a search for the least one looks at in one call of the model.
_AT_ONCE = 15
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a house liquidates; shares are fractions. ``lots``: lot of a contract by native id."""

    buffer: float
    max_share: float
    step_ms: int
    decimals: int
    lot_coins: float
    lot_inverse: float
    fee_share: float
    option_cap: float
    penalty_share: float
    unquoted_future: float
    unquoted_option: float
    lots: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(parameters: Parameters, lots: Mapping[str, float] | None = None) -> Terms:
        """The terms of a parameter set; ModelError ``parameter_missing`` for one that is absent."""
        number = parameters.number
        for name, lot in (lots or {}).items():
            if not 0.0 < lot < float("inf"):
                raise InputError(
                    "number_out_of_range",
                    "a lot is a size above 0",
                    place=name,
                    value=lot,
                    limit="> 0",
                    remedy="Give the smallest size that the venue trades.",
                )
        return Terms(
            number("liquidation.buffer"),
            number("liquidation.max_share"),
            int(number("liquidation.step_ms")),
            int(number("liquidation.decimals")),
            number("liquidation.lot_coins"),
            number("liquidation.lot_inverse"),
            number("cost.fee_share"),
            number("cost.option_cap"),
            number("cost.penalty_share"),
            number("cost.unquoted_future"),
            number("cost.unquoted_option"),
            dict(lots or {}),
        )

    @staticmethod
    def as_of(
        when_ms: int,
        changes: Mapping[str, object] | None = None,
        lots: Mapping[str, float] | None = None,
    ) -> Terms:
        """The terms in force at a moment, with changes within their bounds."""
        found = load(FOLDER, when_ms)
        return Terms.of(overlay(found, changes, "user") if changes else found, lots)

    def lot(self, item: Instrument, when_ms: int) -> Decimal:
        """The smallest size of a contract: given, the venue's, or the terms' own."""
        if item.native_id in self.lots:
            return Decimal(repr(float(self.lots[item.native_id])))
        table = trading_parameters(when_ms)
        kind = "option" if item.kind == Kind.OPTION else "future"
        form = "inverse" if item.inverse else "linear"
        known = f"{item.venue}.lot.{form}_{kind}.{item.underlying}" in table
        if known and item.kind != Kind.ASSET:
            return Decimal(repr(lot_of(item, table)))
        inverse = item.inverse and item.kind != Kind.OPTION
        return Decimal(repr(self.lot_inverse if inverse else self.lot_coins))


def touch_cost(terms: Terms) -> CostOf:
    """The cost of trading at the best quote; where nobody quotes, the terms' share is lost."""

    def cost(view: View, column: int, size: float) -> float:
        item = view.instruments.items[column]
        quoted = view.has_ask[column] if size > 0.0 else view.has_bid[column]
        price = float(view.ask[column] if size > 0.0 else view.bid[column])
        mark, usd = float(view.mark[column]), _settle_usd(view, item)
        amount = abs(size) * item.multiplier
        if item.kind == Kind.ASSET:
            return terms.unquoted_future * abs(size) * _usd(view, item.underlying)
        if not quoted or price <= 0.0:
            if item.kind == Kind.OPTION:
                return terms.unquoted_option * amount * mark * usd
            return terms.unquoted_future * _notional_usd(view, column, size)
        if item.inverse and item.kind != Kind.OPTION:
            return max((1.0 / mark - 1.0 / price) * (1.0 if size > 0.0 else -1.0), 0.0) * (
                amount * usd
            )
        return max((price - mark) * (1.0 if size > 0.0 else -1.0), 0.0) * amount * usd

    return cost


class Sizes(Protocol):
    """What trading a size of one contract costs: ``crossmargin.market`` has such objects."""

    def at(self, size: npt.ArrayLike) -> Floats:
        """Dollars at each signed size."""
        ...


def cost_by_name(costs: Mapping[str, Sizes], otherwise: CostOf) -> CostOf:
    """The cost of contracts by native id, dollars at each signed size; ``otherwise`` the rest's."""

    def cost(view: View, column: int, size: float) -> float:
        own = costs.get(view.instruments.items[column].native_id)
        return otherwise(view, column, size) if own is None else float(own.at(size))

    return cost


def _usd(view: View, name: str) -> float:
    return float(view.usd[view.instruments.names.index(name)])


def _settle_usd(view: View, item: Instrument) -> float:
    return _usd(view, item.settle)


def _notional_usd(view: View, column: int, size: float) -> float:
    """Dollars of a size: at the mark, of an option at the index, of a coin at its price."""
    item = view.instruments.items[column]
    if item.kind == Kind.ASSET:
        return abs(size) * _usd(view, item.underlying)
    amount = abs(size) * item.multiplier * _settle_usd(view, item)
    if item.kind == Kind.OPTION:
        return amount * (1.0 if item.inverse else float(view.index[view.instruments.pair[column]]))
    mark = float(view.mark[column])
    return amount / mark if item.inverse else amount * mark


@dataclass(frozen=True, slots=True)
class Traded:
    """One line of a step: signed ``size`` traded, the mark and the price; money in smallest units.

    ``price`` is the mark less the cost, in the price unit of the contract; a cost beyond the whole
    mark of what is sold has no price above 0 and shows 0. ``penalty`` is what would be due; the
    step's own may be less, where no equity is left.
    """

    name: str
    size: float
    mark: float
    price: float
    cost: int
    fee: int
    penalty: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Part of some lines: the place of each and its lots in a whole step."""

    what: str
    lines: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """The number of sizes in which the step can be cut: the most lots of any line."""
        return max((lots for _, lots in self.lines), default=0)

    def lots(self, k: int) -> list[tuple[int, int]]:
        """Lots of each line at size ``k`` of :attr:`count`; from one size to the next at most 1."""
        whole = max(self.count, 1)
        return [(j, (2 * k * lots + whole) // (2 * whole)) for j, lots in self.lines]


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate at one size: what is left, what it cost and what is still short."""

    candidate: Candidate
    k: int
    quantity: Floats  # [N] with cash
    legs: tuple[Traded, ...]
    cost: tuple[int, ...]  # [G] cost against the mark
    fee: tuple[int, ...]
    penalty: tuple[int, ...]
    short: int
    gain: int

    @property
    def paid(self) -> int:
        """Everything that the account paid."""
        return sum(self.cost) + sum(self.fee) + sum(self.penalty)

    @property
    def score(self) -> float:
        """Gain for each unit of cost; infinite where it is free."""
        return self.gain / self.paid if self.paid else float("inf")


class Bench:
    """An account in one market, with the means to try any step.

    ``broken[g]`` are pools that broke MM: they are brought to the buffer. ``gone[g]`` were closed
    out and are short of nothing. ``start[j]`` is what a line held when the liquidation began.
    """

    def __init__(
        self,
        judge: Judge,
        terms: Terms,
        cost: CostOf,
        broken: Sequence[bool],
        start: Mapping[int, float],
        gone: Sequence[bool] = (),
    ) -> None:
        self.judge, self.terms, self._cost = judge, terms, cost
        self.broken = tuple(broken)
        self._start, self._gone = start, tuple(gone) or (False,) * len(self.broken)
        when_ms = judge.view.as_of_ms
        columns = judge.book.column.tolist()
        self._lot = {j: terms.lot(judge.items[columns[j]], when_ms) for j in judge.lines}
        self.equity = [down(float(e), terms.decimals) for e in judge.now.equity[0]]
        self.balance = self._balances(judge.now)[0]
        self.short = sum(max(-b, 0) for b in self.balance)

    def _balances(self, levels: Levels) -> list[list[int]]:
        """[V][G] what counts (down) less what must be kept (up), smallest units."""
        d, out = self.terms.decimals, []
        for counted, mm in zip(levels.counted.tolist(), levels.mm.tolist(), strict=True):
            row = []
            for g, broken in enumerate(self.broken):
                kept = (1.0 + self.terms.buffer) * mm[g] if broken else mm[g]
                row.append(0 if self._gone[g] else down(counted[g], d) - up(kept, d))
            out.append(row)
        return out

    # -- what may be closed ------------------------------------------------------------------

    def total_lots(self, j: int) -> int:
        """Whole lots of a line; one where it holds less than a lot."""
        held = abs(Decimal(repr(float(self.judge.book.quantity[j]))))
        return max(int((held / self._lot[j]).to_integral_value(ROUND_FLOOR)), 1)

    def step_lots(self, j: int) -> int:
        """Lots of a line that one step may close: a share of what it was, at least one."""
        start = abs(Decimal(repr(self._start[j]))) * Decimal(repr(self.terms.max_share))
        most = int((start / self._lot[j]).to_integral_value(ROUND_FLOOR))
        return min(max(most, 1), self.total_lots(j))

    def candidates(self) -> list[Candidate]:
        """Steps that could help: lines, underlyings and pools that are short, in order."""
        out: list[Candidate] = []
        columns = self.judge.book.column.tolist()
        for g, balance in enumerate(self.balance):
            lines = [j for j in self.judge.lines if self.judge.group_of(j) == g]
            if balance >= 0 or not lines:
                continue
            out += [Candidate(self._name(j), ((j, self.step_lots(j)),)) for j in lines]
            coins = [self.judge.items[columns[j]].underlying for j in lines]
            parts = {
                coin: [j for j, c in zip(lines, coins, strict=True) if c == coin] for coin in coins
            }
            for coin, own in parts.items():
                if 1 < len(own) < len(lines):
                    out.append(self._all(f"every line of {coin}", own))
            if len(lines) > 1:
                out.append(self._all(f"every line of {self.judge.names[g]}", lines))
        return out

    def everything(self, pools: Sequence[int]) -> Candidate:
        """All that may be closed in some pools, at once."""
        lines = [j for j in self.judge.lines if self.judge.group_of(j) in pools]
        return Candidate("everything", tuple([(j, self.total_lots(j)) for j in lines]))

    def _all(self, what: str, lines: Sequence[int]) -> Candidate:
        return Candidate(what, tuple([(j, self.step_lots(j)) for j in lines]))

    def _name(self, j: int) -> str:
        return self.judge.items[int(self.judge.book.column[j])].native_id

    # -- what it does ------------------------------------------------------------------------

    def tried(self, wanted: Sequence[tuple[Candidate, int]]) -> list[Tried]:
        """Each candidate at a size, all in one call of the model."""
        judge, groups = self.judge, len(self.broken)
        after = np.tile(judge.book.quantity, (len(wanted), 1))
        legs: list[list[Traded]] = []
        money = np.zeros((3, len(wanted), groups), dtype=object)
        for v, (candidate, k) in enumerate(wanted):
            own = []
            for j, lots in candidate.lots(k):
                if lots:
                    after[v, j], closed = self._left(j, lots)
                    leg = self._traded(j, closed)
                    money[:, v, judge.group_of(j)] += [leg.cost, leg.fee, leg.penalty]
                    own.append(leg)
            legs.append(own)
            for g in range(groups):
                rest = self.equity[g] - money[0, v, g] - money[1, v, g]
                money[2, v, g] = min(money[2, v, g], max(rest, 0))
        paid = money.sum(axis=0)
        cost_usd = np.array([[dollars(int(x), self.terms.decimals) for x in row] for row in paid])
        quantity = judge.variants(after, cost_usd.reshape(len(wanted), groups))
        balances = self._balances(judge.levels(quantity))
        out = []
        for v, (candidate, k) in enumerate(wanted):
            cost, fee, penalty = (tuple(int(x) for x in money[part, v]) for part in range(3))
            short = sum(max(-b, 0) for b in balances[v])
            gain = self._gain(balances[v])
            done = tuple(legs[v])
            out.append(Tried(candidate, k, quantity[v], done, cost, fee, penalty, short, gain))
        return out

    def _gain(self, after: Sequence[int]) -> int:
        pairs = zip(self.balance, after, strict=True)
        return sum(a - b if b < 0 else -max(-a, 0) for b, a in pairs)

    def _left(self, j: int, lots: int) -> tuple[float, float]:
        """What a line holds after so many lots, and what they were; the last takes the rest."""
        size = float(self.judge.book.quantity[j])
        held = Decimal(repr(size))
        if lots >= self.total_lots(j):
            return 0.0, size
        closed = _EXACT.multiply(self._lot[j], Decimal(lots)).copy_sign(held)
        return float(_EXACT.subtract(held, closed)), float(closed)

    def _traded(self, j: int, closed: float) -> Traded:
        terms, view, column = self.terms, self.judge.view, int(self.judge.book.column[j])
        item, mark = self.judge.items[column], float(view.mark[column])
        cost_usd = float(self._cost(view, column, -closed))
        if not 0.0 <= cost_usd < float("inf"):
            raise InputError(
                "number_out_of_range",
                "a cost of trading is not negative",
                place=f"{item.venue} {item.native_id}",
                value=cost_usd,
                limit=">= 0, finite, dollars",
                remedy="Correct the cost function.",
            )
        notional = _notional_usd(view, column, closed)
        fee, penalty = terms.fee_share * notional, terms.penalty_share * notional
        worth = abs(closed) * item.multiplier * _settle_usd(view, item)
        if item.kind == Kind.OPTION:
            cap = terms.option_cap * worth * mark
            fee, penalty = min(fee, cap), min(penalty, cap)
        if item.kind == Kind.ASSET:
            mark = _usd(view, item.underlying)
            worth = abs(closed)
        price = _executed(item, mark, closed, cost_usd / worth if worth > 0.0 else 0.0)
        parts = (up(x, terms.decimals) for x in (cost_usd, fee, penalty))
        return Traded(item.native_id, -closed, mark, price, *parts)


def _executed(item: Instrument, mark: float, closed: float, each: float) -> float:
    """The price at which a line of that mark costs ``each`` of settlement currency a unit."""
    sign = -1.0 if closed > 0.0 else 1.0
    if item.inverse and item.kind not in (Kind.OPTION, Kind.ASSET):
        turned = 1.0 / mark - sign * each
        return 1.0 / turned if turned > 0.0 else 0.0
    return max(mark + sign * each, 0.0)


def choose(bench: Bench, order: Order) -> tuple[Tried, str] | None:
    """The next step under an order, at the fewest lots, and why; None where nothing helps."""
    found = [
        each
        for each in bench.tried([(c, c.count) for c in bench.candidates()])
        if each.gain > 0 and each.short < bench.short
    ]
    if not found:
        return None
    if order == "pro_rata":
        whole = [t for t in found if t.candidate.what.startswith("every line of ")]
        found = whole[-1:] or found
    keys = [(-t.gain if order == "largest" else -t.score, -t.gain, n) for n, t in enumerate(found)]
    ranked = [found[key[2]] for key in sorted(keys)]
    best = trimmed(bench, ranked[0])
    return best, _why(bench, best, ranked)


def trimmed(bench: Bench, full: Tried) -> Tried:
    """The same at the fewest lots that leave no more short; one lot less leaves more."""
    low, high, best = 0, full.k, full
    inner = [full.k - 1]
    while high - low > 1:
        tried = bench.tried([(full.candidate, k) for k in inner])
        for each in tried:
            if each.short <= full.short:
                high, best = each.k, each
                break
            low = each.k
        steps = range(1, _AT_ONCE + 1)
        cuts = {low + (high - low) * i // (_AT_ONCE + 1) for i in steps}
        inner = sorted(cuts - {low, high})
    return best


def _why(bench: Bench, best: Tried, ranked: Sequence[Tried]) -> str:
    """What the step brings for what it costs, and the next best."""

    def rate(tried: Tried) -> str:
        return f"{tried.score:,.2f} a dollar" if tried.paid else "free"

    d = bench.terms.decimals
    text = f"{dollars(best.gain, d):,.2f} USD of shortfall for {dollars(best.paid, d):,.2f} USD"
    text += f" of cost, {rate(best)}"
    if len(ranked) > 1:
        text += f"; next {ranked[1].candidate.what}, {rate(ranked[1])}"
    return text
