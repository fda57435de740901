"""The optimisation problem of one account: what may be traded, at what cost, inside which bands.

Trades are of the prepared table's contracts (the book's own venue), costs are those of the one cost
object on the side that is traded (walk, impact, fees, and funding that a perpetual pays while it is
held; funding received is no gain: a hedge must not chase carry), sizes are bounded, and every
tolerance is a row with its unit. The requirement is that of the prepared model; a trade moves the
cash line of its settlement currency by its value at mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.hedge_grid import GREEKS, Grid, grid_of, unit_greeks
from crossmargin.decisions.margin_costs import FLOOR, held_cost, split_of, usd_of
from crossmargin.decisions.margin_lp import Limit, Profile, Ticket, straight
from crossmargin.decisions.margin_rows import Block
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.tangents import pieces_of, spread
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.cost_parts import Fixed, Steps
from crossmargin.market.costs import TradeCost
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = [
    "Desired",
    "Tolerances",
    "Workbench",
    "blocks_of",
    "limits_of",
    "profile_of",
    "workbench",
]

RATIO = 3.0  # of neighbouring sizes in the straight pieces of an impact
FINEST = 0.01  # of the largest size: below it one price is taken for all
KEPT = 100  # contracts that are looked at, best relief for the cost first
_PROBE = 0.01  # of the largest size: what a trade of it takes out of what counts


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a hedge may move the risk; shares, None: free.

    Greeks: of the gross Greek of the book by coin (sum of sizes), or of each coin and expiry.
    ``worse`` and ``better``: of the requirement before, at every point of the grid.
    """

    delta: float | None = 0.02
    gamma: float | None = None
    vega: float | None = 0.05
    worse: float | None = 0.02
    better: float | None = None
    by_expiry: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """Which contracts, and how much of each: ``largest`` sizes of the book's largest position.

    ``least_days``: of life; what expires earlier may only be closed: a hedge that is gone tomorrow
    saves margin for a day. ``horizon_days``: over which a saving is priced; the cost of closing
    what lives shorter counts horizon / life times in what is minimised. ``least_usd``: the smallest
    trade, in dollars of the underlying. ``held_days``: over which a perpetual pays its funding.
    ``maker``: orders rest at the touch of their own side, see :func:`held_cost`.
    """

    largest: float = 1.0
    least_days: float = 1.0
    horizon_days: float = 0.0
    least_usd: float = 0.0
    kept: int = KEPT
    ratio: float = RATIO
    held_days: float = 0.0
    maker: bool = False


@dataclass(frozen=True, slots=True)
class Workbench:
    """One account laid out: trades ``[J]`` are rows ``column`` of the prepared table."""

    prepared: Prepared
    view: View  # of the prepared table
    desk: Desk
    column: Ints
    tickets: tuple[Ticket, ...]
    blocks: tuple[Block, ...]
    grid: Grid
    greek: Floats  # [I, 3]
    quantity: Floats  # [I] held, of the prepared table
    screened: int  # contracts that were left aside
    unquoted: int  # sides without a quote
    costs: Mapping[tuple[int, bool], TradeCost]  # by row of the table and whether it is bought
    uncounted: Floats  # [J] dollars a unit that a trade takes out of what counts, cost aside

    def unit(self, table: Floats) -> Floats:
        """Rows of the trades out of a table of instruments."""
        return np.asarray(table[self.column])

    def cost_usd(self, j: int, size: float) -> float:
        """Dollars of a trade; its ticket's straight pieces lie on or above them."""
        return usd_of(self.costs[int(self.column[j]), size > 0.0], size) if size else 0.0

    def costs_usd(self, sizes: Floats) -> float:
        """Dollars of all trades ``[J]``."""
        return sum(self.cost_usd(j, float(sizes[j])) for j in np.flatnonzero(sizes).tolist())

    def split_usd(self, sizes: Floats) -> dict[str, float]:
        """Dollars of all trades ``[J]`` by component; they add up to :meth:`costs_usd`."""
        out: dict[str, float] = {}
        for j in np.flatnonzero(sizes).tolist():
            size = float(sizes[j])
            for name, usd in split_of(self.costs[int(self.column[j]), size > 0.0], size):
                out[name] = out.get(name, 0.0) + usd
        return out


def workbench(prepared: Prepared, snapshot: Snapshot, desired: Desired) -> Workbench:
    """What may be traded and the pieces of the requirement; best relief for the cost first."""
    view = snapshot.view(prepared.table, prepared.base.view.as_of_ms)
    schedule = prepared.desk.schedule
    desk = Desk(view, snapshot, schedule, ExitTerms.at(view.as_of_ms))
    table = view.instruments
    quantity = _held(prepared)
    sizes = _sizes(view, quantity, desired.largest)
    until = view.as_of_ms + desired.least_days * DAY_MS
    rows = [
        k
        for k, item in enumerate(table.items)
        if item.kind in (Kind.OPTION, Kind.FUTURE, Kind.PERPETUAL)
        and view.ok[k]
        and sizes[k] > 0.0
        and (item.expiry_ms >= until or quantity[k] != 0.0)
        and prepared.desk.row_of(k) >= 0
        and prepared.base.view.ok[prepared.desk.row_of(k)]
    ]
    found = []
    costs: dict[tuple[int, bool], TradeCost] = {}
    for k in rows:
        own = float(quantity[k]) if table.items[k].expiry_ms < until else None
        found.append(_ticket(desk, prepared, k, (float(sizes[k]), own), desired, costs))
    some = [(k, ticket) for k, ticket in zip(rows, found, strict=True) if ticket is not None]
    if not some:
        raise InputError(
            "quote_missing" if rows else "order_invalid",
            "there is nothing to trade",
            place="candidates",
            value=len(rows),
            limit="a contract with a bid or an ask",
            remedy="Give a market that quotes the candidates.",
        )
    column = np.array([k for k, _ in some], np.int32)
    tickets = [ticket for _, ticket in some]
    blocks = blocks_of(prepared, column)
    greek = unit_greeks(view).columns
    always = (table.kind[column] != Kind.OPTION) | (quantity[column] != 0.0)
    keep = _screened(_Draft(blocks, tickets, greek[column], always), desired.kept)
    column = column[keep]
    kept = tuple(tickets[j] for j in keep.tolist())
    sides = sum((t.buy_width.size == 0) + (t.sell_width.size == 0) for t in kept)
    narrow = tuple(Block(b.name, b.pieces, b.base, b.step[:, keep], b.usd_per_unit) for b in blocks)
    return Workbench(
        prepared,
        view,
        desk,
        column,
        kept,
        narrow,
        grid_of(view),
        greek,
        quantity,
        len(tickets) - len(kept),
        sides,
        costs,
        _uncounted(prepared, column, kept),
    )


def _uncounted(prepared: Prepared, column: Ints, tickets: Sequence[Ticket]) -> Floats:
    """[J] rates of :meth:`Prepared.uncounted_usd`, the mean of both sides of each trade."""
    out = np.zeros(len(tickets))
    if not prepared.ground.has_balance:
        return out
    sizes = [
        (j, way * _PROBE)
        for j, ticket in enumerate(tickets)
        for way in (ticket.high, ticket.low)
        if way != 0.0
    ]
    found = prepared.rank([[Leg(int(column[j]), size)] for j, size in sizes])
    rates: list[list[float]] = [[] for _ in tickets]
    for k, value in zip(found.order.tolist(), found.uncounted_usd.tolist(), strict=True):
        j, size = sizes[k]
        rates[j].append(value / size)
    for j, each in enumerate(rates):
        out[j] = sum(each) / len(each) if each else 0.0
    # Rounding of sums over the account is no rate.
    noise = 1e-9 * max(abs(prepared.before.equity_usd), prepared.before.im_usd, 1.0)
    span = np.array([max(t.high, -t.low) for t in tickets])
    return np.where(np.abs(out) * span * _PROBE <= noise, 0.0, out)


def _held(prepared: Prepared) -> Floats:
    """[I] of the prepared table: what the account holds, in the venue's own units."""
    out = np.zeros(len(prepared.table))
    for k in range(len(out)):
        row = prepared.desk.row_of(k)
        if row >= 0:
            out[k] = prepared.ground.position(row) / prepared.desk.factor_of(k)
    return out


def _sizes(view: View, quantity: Floats, largest: float) -> Floats:
    """[I] largest size of a trade: the coins of the book's largest position of the underlying."""
    part = view.instruments
    coins = coin_size(part, view)
    out = np.zeros(len(part))
    names = np.array([item.underlying for item in part.items])
    derivative = part.kind != Kind.ASSET
    for name in dict.fromkeys(names[derivative].tolist()):
        mine = (names == name) & derivative & (coins > 0.0)
        most = float(np.abs(quantity[mine] * coins[mine]).max(initial=0.0))
        out[mine] = largest * most / coins[mine]
    return out


def _ticket(
    desk: Desk,
    prepared: Prepared,
    k: int,
    bounds: tuple[float, float | None],
    desired: Desired,
    costs: dict[tuple[int, bool], TradeCost],
) -> Ticket | None:
    """One contract's costs on both sides; a side without a quote cannot be traded.

    ``bounds``: the largest size, and the position of a contract that may only be closed. ``costs``
    takes the cost of each side.
    """
    largest, own = bounds
    horizon = 1.0 if own is None else _horizons(desk.view, k, desired.horizon_days)
    fixed = 0.0
    item = desk.view.instruments.items[k]
    try:
        lot = lot_of(item, prepared.desk.schedule.parameters)
    except ModelError:
        lot = 0.0
    nothing = np.zeros(0)
    sides: list[tuple[Floats, Floats]] = []
    for sign in (1.0, -1.0):
        there = desk.view.has_ask[k] if sign > 0.0 else desk.view.has_bid[k]
        size = largest
        if own is not None:
            size = min(largest, abs(own)) if own * sign < 0.0 else 0.0
        if lot > 0.0:
            size = float(np.floor(size / lot + 1e-9) * lot)
        if not there or size <= 0.0:
            sides.append((nothing, nothing))
            continue
        cost = held_cost(desk, k, sign, desired.held_days, maker=desired.maker)
        costs[k, sign > 0.0] = cost
        width, slope = _coarse(*cost.pieces(sign, size, desired.ratio))
        fixed = max(fixed, sum(part.amount for part in cost.parts if isinstance(part, Fixed)))
        # A quote that beats the mark is no income: its cost is fee and funding. The chords rise
        # but for rounding, and for the fee of a falling price.
        slope = np.maximum(slope, _least(cost, sign))
        sides.append(straight(width, horizon * np.maximum.accumulate(slope)))
    buy, sell = sides
    if not (buy[0].size or sell[0].size):
        return None
    least = desired.least_usd / _unit_usd(desk.view, k) if own is None else 0.0
    if lot > 0.0:
        least = max(float(np.ceil(least / lot - 1e-9)) * lot, lot)
    return Ticket(item.native_id, *buy, *sell, lot=lot, least=least, fixed_usd=horizon * fixed)


def _horizons(view: View, k: int, days: float) -> float:
    """How often a horizon holds the life of a contract, 1 at least: a saving ends with it."""
    life = (view.instruments.items[k].expiry_ms - view.as_of_ms) / DAY_MS
    return float(np.clip(days / max(life, 1e-3), 1.0, 1e3))


def _unit_usd(view: View, k: int) -> float:
    """Dollars of the underlying of one unit."""
    part = view.instruments
    index = float(view.index[part.pair[k]]) * float(view.usd[part.quote[k]])
    return float(coin_size(part, view)[k]) * index


def _coarse(width: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """The pieces with those of the first hundredth of the size joined: a chord, above the cost."""
    first = int(np.searchsorted(np.cumsum(width), FINEST * float(width.sum()))) + 1
    if first < 2 or first >= len(width):
        return width, slope
    size = float(width[:first].sum())
    rate = float(width[:first] @ slope[:first]) / size
    return np.append(size, width[first:]), np.append(rate, slope[first:])


def _least(cost: TradeCost, sign: float) -> float:
    """Dollars of fee and funding on the first unit; 0 where the cost has neither."""
    found = 0.0
    for part in cost.parts:
        if part.name in FLOOR and isinstance(part, Steps):
            slope = part.side(sign)[1]
            found += max(float(slope[0]), 0.0) if len(slope) else 0.0
    return found


def _screened(bench: _Draft, kept: int) -> Ints:
    """[<= kept] numbers of the trades that are looked at, in their order.

    What is held and every future stay; of the rest those with most relief of the requirement for
    their cost, then those that move gamma and vega for least, in turn.
    """
    tickets, count = bench.tickets, len(bench.tickets)
    if count <= kept:
        return np.arange(count, dtype=np.int32)
    slope = np.zeros(count)
    for block in bench.blocks:
        slope += block.usd_per_unit * (block.pieces.slope(block.base) @ block.step)
    buy = np.array([t.buy_slope[0] if t.buy_slope.size else np.inf for t in tickets])
    sell = np.array([t.sell_slope[0] if t.sell_slope.size else np.inf for t in tickets])
    buy, sell = np.maximum(buy, 1e-9), np.maximum(sell, 1e-9)
    relief = np.maximum(-slope / buy, slope / sell)
    least = np.minimum(buy, sell)
    orders = [
        np.argsort(-score, kind="stable")
        for score in (relief, np.abs(bench.greek[:, 1]) / least, np.abs(bench.greek[:, 2]) / least)
    ]
    chosen = dict.fromkeys(np.flatnonzero(bench.always).tolist())
    turns = [0, 0, 1, 0, 2]
    at = [0, 0, 0]
    while len(chosen) < kept and at[0] < count:
        for turn in turns:
            if at[turn] < count and len(chosen) < kept:
                chosen.setdefault(int(orders[turn][at[turn]]))
            at[turn] += 1
    return np.array(sorted(chosen), np.int32)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What the choice of trades reads: one row a ticket."""

    blocks: tuple[Block, ...]
    tickets: Sequence[Ticket]
    greek: Floats
    always: Bools


def blocks_of(
    prepared: Prepared, column: Ints, sizes: Floats | None = None, steps: Sequence[Floats] = ()
) -> tuple[Block, ...]:
    """Pieces of every pool at the account after trades ``sizes[J]``, and what each trade moves.

    ``steps``: what it moves pool by pool, where that is known of earlier blocks; what none of
    them moves has no slope then.
    """
    ground = prepared.ground
    out = []
    for n, pool in enumerate(ground.pools):
        wide = spread(pool.priced, pool.held)
        base = np.array(wide.quantity)
        step = steps[n] if steps else _step(prepared, pool.number, column)
        now = base if sizes is None else base + step @ sizes
        held = replace(wide, quantity=frozen(now, np.float64))
        # A rule that is dear to evaluate is asked for no more contracts than are traded.
        among = np.flatnonzero(step.any(axis=1)).astype(np.int32) if steps else None
        pieces = pieces_of(ground.model, pool.priced, held, ground.parameters, among)
        label, usd = pool.priced.pool.label, pool.priced.usd_per_unit
        out.append(Block(label, pieces, base, step, usd))
    return tuple(out)


def _step(prepared: Prepared, number: int, column: Ints) -> Floats:
    """[I, J] what a unit of each trade adds to a pool: its contract, and the cash of an option."""
    ground = prepared.ground
    pool = ground.pools[number]
    view = ground.base.view
    table = view.instruments
    option = (table.kind == Kind.OPTION) & ground.booked
    out = np.zeros((len(pool.priced.pool.instruments), len(column)))
    for j, k in enumerate(column.tolist()):
        row, factor = prepared.desk.row_of(k), prepared.desk.factor_of(k)
        if ground.pool_of[row] == number and row in pool.local:
            out[pool.local[row], j] += factor
        cash = ground.cash_column[row]
        if option[row] and ground.pool_of[cash] == number:
            value = float(view.mark[row]) * float(table.multiplier[row])
            out[pool.local[cash], j] -= factor * value
    return out


def limits_of(bench: Workbench, tolerances: Tolerances) -> tuple[Limit, ...]:
    """Greek rows by coin (and expiry): the change within a share of the book's gross Greek."""
    part = bench.view.instruments
    shares = (tolerances.delta, tolerances.gamma, tolerances.vega)
    out = []
    for c, coin in enumerate(bench.grid.coins):
        mine = bench.grid.coin == c
        dates = sorted({int(e) for e in part.expiry[mine]}) if tolerances.by_expiry else [None]
        for date in dates:
            rows = mine if date is None else mine & (part.expiry == date)
            for g, ((name, unit), share) in enumerate(zip(GREEKS, shares, strict=True)):
                if share is None:
                    continue
                column = np.where(rows, bench.greek[:, g], 0.0)
                gross = float(np.abs(column * bench.quantity) @ np.ones(len(column)))
                row = bench.unit(column)
                if not row.any():
                    continue
                when = "" if date is None else f" {_day(part.expiries, date)}"
                label = f"{name} of {coin}{when}"
                unit_of = f"{coin}" if name == "delta" else unit
                out.append(Limit(label, unit_of, row, -share * gross, share * gross))
    return tuple(out)


def _day(expiries: Sequence[tuple[str, str, str, int]], code: int) -> str:
    return "undated" if code < 0 else format_ms(expiries[code][3])[:10]


def profile_of(bench: Workbench, tolerances: Tolerances, before_usd: float) -> Profile | None:
    """P&L rows: at every point of the grid no worse and no better than shares of ``before_usd``."""
    if tolerances.worse is None and tolerances.better is None:
        return None
    unit = bench.unit(bench.grid.usd)
    coin = bench.unit(bench.grid.coin)
    rows, names = [], []
    for c, name in enumerate(bench.grid.coins):
        rows.append(np.where(coin == c, unit.T, 0.0))
        names += [f"P&L of {name} at {label}" for label in bench.grid.labels]
    table = np.vstack(rows)
    down = -np.inf if tolerances.worse is None else -tolerances.worse * before_usd
    up = np.inf if tolerances.better is None else tolerances.better * before_usd
    count = len(names)
    return Profile(table, np.full(count, down), np.full(count, up), tuple(names))
