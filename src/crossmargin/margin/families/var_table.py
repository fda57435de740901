"""Accounts revalued in every joint move, in tiles: what is kept is one vector an account.

Over the horizon, with f the factor on a coin's price and g that on an option's volatility:

    coin, future, perpetual   q u (f - 1)        u dollars per unit: contract size, settlement price
    linear option             q m d (V' - V)     d dollars per unit of the settlement currency
    inverse option            q m (V'/F' I f - V/F I)                    I the index in dollars
    V' = Black-76(F f, K, vol g sqrt(life - horizon)); past its expiry what the option pays
    g  = exp(log move of the 30-day vol x (30 / max(days, floor))^p), p by the life
    perpetual besides         - q u funding_8h 3 days      what a long pays over the horizon

A tile of scenarios is a small table, a row an option and a row a pair for all that is linear in its
price, which every account of the block reads. The same tiles are made whether the whole table is
kept or made anew for a block, so no bit depends on which it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.var_moves import JointMoves
from crossmargin.margin.families.whole_account import DollarMarket
from crossmargin.margin.model import Fills, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.market.fields import contract_subject
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import padded, padded_width, revalue_kernel
from crossmargin.scenarios.sets import power_scale

__all__ = [
    "Lines",
    "ScenarioTable",
    "chunks",
    "funding",
    "linear_rows",
    "option_units",
    "option_values",
    "premium_usd",
    "passed_years",
    "scenario_table",
    "values_now",
    "vol_scale",
]

TILE = 256  # scenarios: the values of a thousand options are two megabytes then
KEPT_BYTES = 256 * 1024**2  # a table up to this size is made once and read by every block
CELLS = 1 << 23  # scenario P&L of accounts held at once: 64 MB
WORK_MAX = 2e11  # values of one block, some minutes on one core
FUNDINGS_A_DAY = 3.0
DAYS_A_YEAR = 365.0


class Lines(NamedTuple):
    """Positions or fills of accounts: CSR over the rows of the pool.

    ``premium_usd`` of fills is what they bring in coin (negative: what they pay): it moves too,
    where that is worse; equity may be held elsewhere.
    """

    start: Longs  # [A+1]
    column: Ints
    size: Floats
    premium_usd: Floats | None = None

    @classmethod
    def of_book(cls, book: PoolBook) -> Lines:
        """The positions of a block."""
        return cls(book.row, book.column, book.quantity)

    @classmethod
    def of_fills(cls, fills: Fills, market: DollarMarket) -> Lines:
        """The open orders of a block, filled; an option that settles in coin is paid in coin."""
        return cls(fills.row, fills.column, fills.size, premium_usd(fills, market))

    def part(self, low: int, high: int) -> tuple[Lines, slice]:
        """Those of the accounts ``low`` to ``high``, and where they stand among all."""
        span = slice(int(self.start[low]), int(self.start[high]))
        start = self.start[low : high + 1] - self.start[low]
        premium = None if self.premium_usd is None else self.premium_usd[span]
        return Lines(start, self.column[span], self.size[span], premium), span


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioTable:
    """The rows of a pool over S joint moves: I instruments, O options, P pairs, E expiries.

    A position of instrument i gains ``unit[i] T[row[i], s] + constant[i]`` dollars a unit, where T
    holds the value of each option and the price move of each pair; -1: the row does not move.
    """

    market: DollarMarket
    moves: JointMoves
    options: Ints  # [O] rows of the pool
    row: Ints  # [I] row of the table, options first
    unit: Floats  # [I]
    constant: Floats  # [I] funding, less the value now
    log_price: Floats  # [P, S] clipped, as those of ``moves`` are
    coin: Ints  # [E] coin of each expiry, -1 where it is not known
    scale: Floats  # [E] on log moves of the thirty-day volatility
    root_years: Floats  # [E] root of the life that is left after the horizon
    vol_limit: float
    kept: tuple[Floats, ...] | None = None

    def __len__(self) -> int:
        return len(self.moves)

    def spans(self) -> list[tuple[int, int]]:
        """Scenarios of each tile."""
        return [(low, min(low + TILE, len(self))) for low in range(0, len(self), TILE)]

    def tile(self, low: int, high: int, chosen: Ints) -> Floats:
        """[C + P, S8] of the scenarios ``low`` to ``high``, for the ``chosen`` options alone."""
        market, view, part = self.market, self.market.view, self.market.part
        factor = padded(np.exp(self.log_price[:, low:high]))
        out = np.empty((len(chosen) + len(factor), factor.shape[1]))
        out[len(chosen) :] = factor - 1.0
        if not len(chosen):
            return out
        of_expiry = padded(self._of_expiry(self.moves.log_price[:, low:high]))
        forward = view.forward[:, None] * of_expiry + view.forward_settled[:, None]
        vol = padded(self._vol(low, high)) * self.root_years[:, None]
        rows = self.options[chosen]
        option_values(market, rows, forward, vol, out[: len(chosen)])
        fixed = part.inverse[rows] & (view.forward_settled[part.expiry[rows]] != 0.0)
        for k in np.flatnonzero(fixed).tolist():  # part of the forward no longer moves
            e = part.expiry[rows[k]]
            out[k] *= of_expiry[e] * market.forward[e] / forward[e]
        return out

    def _of_expiry(self, log_price: Floats) -> Floats:
        known = self.coin >= 0
        out = np.ones((len(self.coin), log_price.shape[1]))
        out[known] = np.exp(log_price[self.coin[known]])
        return out

    def _vol(self, low: int, high: int) -> Floats:
        """[E, S] factors on volatilities."""
        known = self.coin >= 0
        out = np.ones((len(self.coin), high - low))
        logs = self.moves.log_vol[self.coin[known], low:high] * self.scale[known, None]
        out[known] = np.exp(np.clip(logs, -self.vol_limit, self.vol_limit))
        return out

    def vectors(
        self, book: Lines, fills: Lines | None = None, gain: Floats | None = None
    ) -> tuple[Floats, Floats | None]:
        """[A, S] P&L of accounts, and the least that any of their fills can make of it.

        ``gain[M]`` is what each fill gains against the mark. The second is None without fills:
        ``P&L_s + sum over orders of min(0, move_s + gain)``.
        """
        accounts = len(book.start) - 1
        held = _Rows.of(self, book)
        resting = None if fills is None else _Rows.of(self, fills)
        used = held.options if resting is None else np.union1d(held.options, resting.options)
        base = np.empty((accounts, len(self)))
        after = None if resting is None else np.empty((accounts, len(self)))
        start = by_row(held.owner, held.constant, accounts)
        for number, (low, high) in enumerate(self.spans()):
            table, place = self._tile(number, used)
            own = net(held.start, place[held.row], held.weight, table, trusted=True)
            own += start[:, None]
            base[:, low:high] = own[:, : high - low]
            if resting is not None and after is not None and gain is not None:
                move = np.take(table, place[resting.row], axis=0) * resting.weight[:, None]
                booked = table[place[resting.pair]] * resting.premium[:, None]
                move += np.minimum(booked, 0.0)  # whether it is booked there is not known
                move += (resting.constant + gain[resting.kept])[:, None]
                np.add.at(own, resting.owner, np.minimum(move, 0.0))
                after[:, low:high] = own[:, : high - low]
        return base, after

    def losing(self, fills: Lines, gain: Floats, scenario: Longs) -> Bools:
        """[M] which fills lose in the ``scenario[A]`` of their account."""
        resting = _Rows.of(self, fills)
        own = scenario[resting.owner]
        out = np.asarray(gain < 0.0)  # what does not move loses what it costs
        for number, (low, high) in enumerate(self.spans()):
            mine = np.flatnonzero((own >= low) & (own < high))
            if not len(mine):
                continue
            table, place = self._tile(number, resting.options)
            at = own[mine] - low
            move = table[place[resting.row[mine]], at] * resting.weight[mine]
            move = move + np.minimum(
                table[place[resting.pair[mine]], at] * resting.premium[mine], 0.0
            )
            kept = resting.kept[mine]
            out[kept] = move + resting.constant[mine] + gain[kept] < 0.0
        return out

    def _tile(self, number: int, used: Ints) -> tuple[Floats, Ints]:
        """A tile, as it is kept or of the ``used`` options alone, and the place of each row."""
        if self.kept is not None:
            return self.kept[number], self._within(None)
        low, high = number * TILE, min((number + 1) * TILE, len(self))
        return self.tile(low, high, used), self._within(used)

    def rows_in(self, book: Lines, fills: Lines | None) -> int:
        """How many options a block needs the values of."""
        if self.kept is not None:
            return 0
        columns = book.column if fills is None else np.concatenate([book.column, fills.column])
        row = self.row[columns]
        return len(np.unique(row[(row >= 0) & (row < len(self.options))]))

    def of_positions(self, book: Lines, chosen: Longs) -> Floats:
        """[N, C] P&L of each position of a book in the ``chosen`` scenarios."""
        out = np.zeros((len(book.column), len(chosen)))
        row = self.row[book.column]
        moving = row >= 0
        every = np.arange(len(self.options), dtype=np.int32)
        weight, constant = self.unit[book.column], self.constant[book.column]
        for low, high in self.spans():
            mine = np.flatnonzero((chosen >= low) & (chosen < high))
            if not len(mine):
                continue
            table = self.tile(low, high, every)
            cells = table[np.ix_(row[moving], chosen[mine] - low)]
            gains = weight[moving, None] * cells + constant[moving, None]
            out[np.ix_(np.flatnonzero(moving), mine)] = book.size[moving, None] * gains
        return out

    def _within(self, used: Ints | None) -> Ints:
        """[O + P] row of a tile that holds the ``used`` options; all of them where it is None."""
        pairs = len(self.log_price)
        if used is None:
            return np.arange(len(self.options) + pairs, dtype=np.int32)
        place = np.full(len(self.options) + pairs, -1, np.int32)
        place[used] = np.arange(len(used), dtype=np.int32)
        place[len(self.options) :] = len(used) + np.arange(pairs, dtype=np.int32)
        return place


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Positions as rows of a table: CSR, the row of the table and dollars a unit of it."""

    start: Longs  # [A+1]
    row: Ints
    weight: Floats
    constant: Floats
    owner: Longs
    kept: Longs  # places of the positions among those given
    options: Ints
    pair: Ints  # row of the table in which the coin of a premium moves
    premium: Floats  # dollars of it; 0 for a position

    @classmethod
    def of(cls, table: ScenarioTable, lines: Lines) -> _Rows:
        start, column, quantity, premium = lines
        row = table.row[column]
        kept = np.flatnonzero(row >= 0)
        owner = row_of_position(start)[kept]
        counts = np.bincount(owner, minlength=len(start) - 1)
        row, column, quantity = row[kept], column[kept], quantity[kept]
        return cls(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            row,
            np.asarray(quantity * table.unit[column]),
            np.asarray(quantity * table.constant[column]),
            owner,
            kept,
            np.unique(row[row < len(table.options)]),
            (len(table.options) + table.market.part.pair[column]).astype(np.int32),
            np.zeros(len(kept)) if premium is None else premium[kept],
        )


def premium_usd(fills: Fills, market: DollarMarket) -> Floats:
    """[M] dollars that fills bring in their underlying; 0 where they settle in money."""
    part = market.part
    in_coin = part.settle[fills.column] == part.underlying[fills.column]
    return np.where(in_coin, fills.cash * market.settle_usd[fills.column], 0.0)


def passed_years(parameters: Parameters) -> float:
    """The horizon in years."""
    return parameters.number("horizon.days") / DAYS_A_YEAR


def vol_scale(parameters: Parameters, years: Floats) -> Floats:
    """[E] factor on a log move of the thirty-day volatility by maturity."""
    return power_scale(
        years * DAYS_A_YEAR,
        parameters.number("moves.vol_power_short"),
        parameters.number("moves.vol_power_long"),
        parameters.number("moves.vol_days_floor"),
    )


def scenario_table(
    market: DollarMarket, moves: JointMoves, parameters: Parameters
) -> ScenarioTable:
    """The table of a pool; kept whole where it is small, made by block where it is not."""
    part, view = market.part, market.view
    limit = parameters.number("moves.price_limit_log")
    clipped = np.clip(moves.log_price, -limit, limit)
    place = {name: k for k, name in enumerate(moves.names)}
    of_pair = [place.get(pair[0], -1) for pair in part.pairs]
    log_price = np.array(
        [clipped[k] if k >= 0 else np.zeros(len(moves)) for k in of_pair]
    ).reshape(-1, len(moves))  # fmt: skip
    options = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok).astype(np.int32)
    row, unit = linear_rows(market, place, len(options))
    row[options] = np.arange(len(options), dtype=np.int32)
    unit[options] = option_units(market, options)
    constant = funding(market, unit, parameters)
    constant[options] -= unit[options] * values_now(market, options)
    left = np.maximum(market.years - passed_years(parameters), 0.0)
    table = ScenarioTable(
        market=market,
        moves=replace(moves, log_price=frozen(clipped, np.float64)),
        options=options,
        row=row,
        unit=unit,
        constant=constant,
        log_price=log_price,
        coin=np.array([place.get(key[0], -1) for key in part.expiries], np.int32),
        scale=vol_scale(parameters, market.years),
        root_years=np.asarray(np.sqrt(left)),
        vol_limit=parameters.number("moves.vol_limit_log"),
    )
    width = padded_width(len(moves))
    if (len(options) + len(log_price)) * width * 8 > KEPT_BYTES:
        return table
    every = np.arange(len(options), dtype=np.int32)
    kept = tuple(table.tile(low, high, every) for low, high in table.spans())
    return replace(table, kept=kept)


def linear_rows(market: DollarMarket, place: dict[str, int], options: int) -> tuple[Ints, Floats]:
    """Row and dollars a unit of coins, futures and perpetuals: all are linear in the price."""
    part, view = market.part, market.view
    price = market.forward_of
    held = is_kind(part, Kind.ASSET)
    known = np.array([item.underlying in place for item in part.items], np.bool_)
    moving: Bools = market.moving & known & ~is_kind(part, Kind.OPTION) & (view.ok | held)
    safe = np.where(price > 0.0, price, 1.0)
    linear = part.multiplier * price * market.settle_usd
    inverse = part.multiplier / safe * market.index_usd
    unit = np.where(held, market.index_usd, np.where(part.inverse, inverse, linear))
    row = np.where(moving, options + part.pair, -1).astype(np.int32)
    return row, np.where(moving, unit, 0.0)


def option_units(market: DollarMarket, rows: Ints) -> Floats:
    """[O] dollars a unit of an option's value in the quote currency."""
    part = market.part
    ahead = market.forward[part.expiry[rows]]
    in_coin = market.index_usd[rows] / np.where(ahead > 0.0, ahead, 1.0)
    return np.asarray(
        part.multiplier[rows] * np.where(part.inverse[rows], in_coin, market.settle_usd[rows])
    )


def funding(market: DollarMarket, unit: Floats, parameters: Parameters) -> Floats:
    """[I] dollars that a unit of a perpetual receives over the horizon; a long pays the rate."""
    part, view = market.part, market.view
    out = np.zeros(len(part))
    if parameters.get("form.funding") == "left_out":
        return out
    times = FUNDINGS_A_DAY * parameters.number("horizon.days")
    for k in np.flatnonzero(is_kind(part, Kind.PERPETUAL)).tolist():
        rate = view.read("funding_8h", contract_subject(*part.items[k].key), 0.0)
        out[k] = -unit[k] * rate * times
    return out


def values_now(market: DollarMarket, options: Ints) -> Floats:
    """[O] values at the present market by the kernel of the tiles."""
    count = len(options)
    out = np.empty((count, 8))
    if count:
        forward = np.repeat(market.forward[:, None], 8, axis=1)
        root = np.repeat(np.sqrt(market.years)[:, None], 8, axis=1)
        option_values(market, options, forward, root, out)
    return out[:, 0]


def option_values(
    market: DollarMarket, rows: Ints, forward: Floats, vol: Floats, out: Floats
) -> None:
    """Undiscounted values of some options into ``out``; ``vol`` carries the root of the life."""
    part, view = market.part, market.view
    nothing = np.zeros_like(forward)
    revalue_kernel.run(
        forward, np.ones(len(forward)), vol, nothing, nothing, part.expiry[rows],
        part.strike[rows], part.right[rows].astype(np.float64), view.vol[rows], np.ones((1, 1)),
        False, out,
    )  # fmt: skip


def chunks(table: ScenarioTable, book: Lines, fills: Lines | None) -> list[tuple[int, int]]:
    """Accounts that are taken together, so that their vectors fit; refused where the work does not.

    Errors: ``size_too_large`` with the number of values, the limit and how many accounts fit.
    """
    accounts = len(book.start) - 1
    step = max(CELLS // max(len(table), 1), 1)
    parts = [(low, min(low + step, accounts)) for low in range(0, accounts, step)]
    work = float(table.rows_in(book, fills)) * len(table) * len(parts)
    if work > WORK_MAX:
        fit = int(WORK_MAX / (work / len(parts))) * step
        raise ModelError(
            "size_too_large",
            "the population would be revalued too many times",
            place=f"{accounts} accounts, {len(table)} scenarios",
            value=f"{work:.0f} values",
            limit=f"{WORK_MAX:.0f} values, {fit} accounts at a time",
            remedy="Margin fewer accounts at a time, or lower draws.count or history.lookback.",
        )
    return parts
