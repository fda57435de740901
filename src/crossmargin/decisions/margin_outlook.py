"""What becomes of an answer: a day later, after the next expiry, left again, on one's own grid.

Each outlook margins the account with and without the trades at the same later instant and the same
prices: contracts that have expired by then are gone, their value is not paid out. What got worse is
said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS, NEVER_MS, format_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.hedge_grid import DENSE_MOVES, DENSE_VOLS, GREEKS, Grid, grid_of
from crossmargin.decisions.margin_choice import Workbench
from crossmargin.decisions.margin_lp import Profile
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.whatif import prepare
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.snapshot import Snapshot

__all__ = [
    "GreekMove",
    "GridMove",
    "Outlook",
    "after_of",
    "dense_moves",
    "exit_usd",
    "finer",
    "greek_moves",
    "grid_moves",
    "living",
    "outlooks",
]

MINUTE_MS = 60_000
CLOSE = 1e-5  # of a bound of the profile: what is taken for kept


@dataclass(frozen=True, slots=True)
class Outlook:
    """Initial margin at a later instant without and with the trades; dollars.

    ``uncounted_usd``: what the trades took out of what counts beside their cost.
    """

    name: str
    at: str
    without_usd: float
    with_usd: float
    uncounted_usd: float = 0.0
    refused: str = ""  # why there is no number

    @property
    def saved_usd(self) -> float:
        """What the trades still save then."""
        return self.without_usd - self.with_usd - self.uncounted_usd


@dataclass(frozen=True, slots=True)
class GridMove:
    """The P&L of a coin over the grid without and with the trades; dollars.

    ``worst``: the worst points; ``least`` and ``most``: largest changes down and up, and where.
    """

    coin: str
    worst_without_usd: float
    worst_with_usd: float
    worst_at: str
    least_usd: float
    least_at: str
    most_usd: float
    most_at: str


@dataclass(frozen=True, slots=True)
class GreekMove:
    """A Greek of a coin without and with the trades, in ``unit``."""

    name: str
    coin: str
    unit: str
    without: float
    with_: float


def outlooks(
    bench: Workbench, book: Book, snapshot: Snapshot, sizes: Floats
) -> tuple[Outlook, ...]:
    """One day ahead, and one minute after the next expiry that something held has."""
    now = bench.view.as_of_ms
    table = bench.view.instruments
    legs = [
        (table.items[int(bench.column[j])], float(sizes[j])) for j in np.flatnonzero(sizes).tolist()
    ]
    held = [book.instruments.items[int(k)] for k in book.column.tolist()]
    dates = {
        item.expiry_ms for item in (*held, *(item for item, _ in legs)) if item.expiry_ms > now
    }
    dates.discard(NEVER_MS)
    whens = [("one day ahead", now + DAY_MS)]
    if dates:
        whens.append(("after the next expiry", min(dates) + MINUTE_MS))
    out = []
    for name, when in whens:
        alive = [(item, size) for item, size in legs if item.expiry_ms > when]
        try:
            both = _at(bench, living(book, when), snapshot, alive, when)
        except CrossMarginError as error:
            out.append(Outlook(name, format_ms(when), 0.0, 0.0, refused=error.message))
            continue
        out.append(Outlook(name, format_ms(when), *both))
    return tuple(out)


def _at(
    bench: Workbench,
    book: Book,
    snapshot: Snapshot,
    legs: Sequence[tuple[Instrument, float]],
    when: int,
) -> tuple[float, float, float]:
    base = bench.prepared.base
    items = [item for item, _ in legs]
    schedule = bench.prepared.desk.schedule
    later = prepare(
        book, snapshot, base.via, base.parameters, items, as_of_ms=when, fee=schedule.share
    )
    place = {item.key: k for k, item in enumerate(later.table.items)}
    made = [Leg(place[item.key], size) for item, size in legs]
    after = later.after(made)[0] if made else later.before
    return later.before.im_usd, after.im_usd, later.uncounted_usd(after)


def living(book: Book, when: int) -> Book:
    """The book without what has expired by an instant."""
    items = book.instruments.items
    alive = [k for k, item in enumerate(items) if item.kind == Kind.ASSET or item.expiry_ms > when]
    if len(alive) == len(items):
        return book
    table = Instruments.of([items[k] for k in alive])
    place = table.index_of()
    lines = []
    for a, account in enumerate(book.account):
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            item = items[int(book.column[j])]
            if item.key in place:
                entry = float(book.entry_price[j]) if book.entry_known[j] else None
                lines.append(Line(account, place[item.key], float(book.quantity[j]), entry))
    orders = [
        replace(order, column=place[items[order.column].key])
        for order in book.orders.items
        if items[order.column].key in place
    ]
    made = Book.of(table, lines, orders, book.reported, book.account)
    return replace(made, choices=book.choices)


def exit_usd(bench: Workbench, quantity: Floats) -> float:
    """Dollars it costs to leave a book of the prepared table at the visible depth."""
    total = 0.0
    for k in np.flatnonzero(quantity).tolist():
        if bench.view.instruments.kind[k] != Kind.ASSET and bench.view.ok[k]:
            size = -float(quantity[k])
            total += float(bench.desk.quote(k, np.sign(size)).cost.at(size))
    return total


def after_of(bench: Workbench, sizes: Floats) -> Floats:
    """[I] of the prepared table: what is held after the trades."""
    out = bench.quantity.copy()
    np.add.at(out, bench.column, sizes)
    return out


def grid_moves(bench: Workbench, sizes: Floats) -> tuple[GridMove, ...]:
    """What the trades do to the P&L over the own grid, coin by coin."""
    return _moves(bench.grid, bench.quantity, after_of(bench, sizes))


def dense_moves(bench: Workbench, snapshot: Snapshot, sizes: Floats) -> tuple[GridMove, ...]:
    """The same over a grid four times as fine in both: between its points nothing was asked."""
    then = after_of(bench, sizes)
    rows = np.flatnonzero((bench.quantity != 0.0) | (then != 0.0))
    table = Instruments.of([bench.view.instruments.items[k] for k in rows.tolist()])
    place = [table.index_of()[bench.view.instruments.items[k].key] for k in rows.tolist()]
    now, later = np.zeros((2, len(table)))
    now[place], later[place] = bench.quantity[rows], then[rows]
    grid = grid_of(snapshot.view(table, bench.view.as_of_ms), DENSE_MOVES, DENSE_VOLS)
    return _moves(grid, now, later)


def finer(bench: Workbench, snapshot: Snapshot, sizes: Floats, profile: Profile) -> Profile | None:
    """The profile with the points of the denser grid at which the trades break it; None: nowhere.

    Of each coin and volatility the worst point on either side. Its bounds are one a side for all.
    """
    traded = np.flatnonzero(sizes)
    if not len(traded):
        return None
    every = bench.view.instruments.items
    items = [every[int(bench.column[j])] for j in traded]
    table = Instruments.of(items)
    change = np.zeros(len(table))
    change[[table.index_of()[item.key] for item in items]] = sizes[traded]
    grid = grid_of(snapshot.view(table, bench.view.as_of_ms), DENSE_MOVES, DENSE_VOLS)
    down, up, wide = float(profile.down[0]), float(profile.up[0]), len(DENSE_VOLS)
    broken = []
    for coin, value in zip(grid.coins, grid.of(change), strict=True):
        for v in range(wide):
            own = value[v::wide]
            low, high = int(own.argmin()), int(own.argmax())
            broken += [(coin, low, v)] if own[low] < down - CLOSE * abs(down) else []
            broken += [(coin, high, v)] if own[high] > up + CLOSE * abs(up) else []
    return _with_points(bench, profile, broken) if broken else None


def _with_points(
    bench: Workbench, profile: Profile, points: Sequence[tuple[str, int, int]]
) -> Profile:
    """The profile and its rows at further points (coin, move, volatility) of the denser grid."""
    moves = sorted({m for _, m, _ in points})
    vols = sorted({v for _, _, v in points})
    part = grid_of(bench.view, [DENSE_MOVES[m] for m in moves], [DENSE_VOLS[v] for v in vols])
    unit, owner = bench.unit(part.usd), bench.unit(part.coin)
    rows, names = [], []
    for coin, m, v in points:
        k = moves.index(m) * len(vols) + vols.index(v)
        rows.append(np.where(owner == part.coins.index(coin), unit[:, k], 0.0))
        names.append(f"P&L of {coin} at {part.labels[k]}")
    count = len(points)
    return Profile(
        np.vstack([profile.rows, *rows]),
        np.append(profile.down, np.full(count, profile.down[0])),
        np.append(profile.up, np.full(count, profile.up[0])),
        (*profile.names, *names),
        profile.unit,
    )


def _moves(grid: Grid, quantity: Floats, after: Floats) -> tuple[GridMove, ...]:
    now, then = grid.of(quantity), grid.of(after)
    out = []
    for c, coin in enumerate(grid.coins):
        change = then[c] - now[c]
        if not (now[c].any() or then[c].any()):
            continue
        worst, least, most = int(then[c].argmin()), int(change.argmin()), int(change.argmax())
        out.append(
            GridMove(
                coin,
                float(now[c].min()),
                float(then[c].min()),
                grid.labels[worst],
                float(change[least]),
                grid.labels[least],
                float(change[most]),
                grid.labels[most],
            )
        )
    return tuple(out)


def greek_moves(bench: Workbench, sizes: Floats) -> tuple[GreekMove, ...]:
    """Delta, gamma and vega by coin, without and with the trades."""
    now, then = bench.quantity, after_of(bench, sizes)
    out = []
    for c, coin in enumerate(bench.grid.coins):
        mine = bench.grid.coin == c
        for g, (name, unit) in enumerate(GREEKS):
            column = np.where(mine, bench.greek[:, g], 0.0)
            own = coin if name == "delta" else unit.replace("coins", coin)
            out.append(GreekMove(name, coin, own, float(now @ column), float(then @ column)))
    return tuple(out)
