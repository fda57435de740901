"""One account's equity and requirements at many moved markets: full margin runs, none interpolated.

A move is a factor on the dollar price of each name, a factor on volatilities and time that goes by;
``margin.surface_grid`` says what it moves and what it leaves. What expires on the way is settled
at its last mark into cash.

Two ways with the same values. *One by one*: price and margin at each node. *Tiled*: many nodes as
accounts of one block (``tiles``), for models whose rules read prices by code. Tiled is taken where
the model is of the scan family or in ``TILED``, no time passes and no order is open; a hook is
asked at each node. Its first, middle and last node are compared with single runs, and where they
differ by more than the rounding of a kernel all nodes are run one by one. Later paths are compared
at one node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np

from crossmargin.accounts.tiles import Tile, tile_of
from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.core.threads import blocks, map_blocks, processors
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.families.scan import ScanModel
from crossmargin.margin.model import EquitySource, MarginModel, Plan, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind
from crossmargin.margin.run import run
from crossmargin.margin.surface_grid import (
    PEGGED,
    counted_futures,
    moved_book,
    moved_view,
    pool_dollars,
)
from crossmargin.margin.totals import stands_apart
from crossmargin.market.view import View

__all__ = ["TILED", "Account", "Move", "MoveGrid", "Values", "account_of"]

# Models beside the scan family that price copies of an account in one call; tests compare each.
TILED = frozenset(
    "deribit-spm deribit-xpm deribit-sm derive-sm derive-pm1 derive-pm2 paradex-xm paradex-pm"
    " okx-pm fixed-rate tims schedule-im sa-ccr greeks delta sensitivities correlated reg-t"
    " var-historical es-historical var-filtered es-filtered var-montecarlo es-montecarlo"
    " var-parametric es-parametric".split()
)
# Rows of a tile, and cells of its table of rows times scenarios: enough that what is done once a
# tile is little, few enough that two threads share the nodes and the memory is small.
_TILE_ROWS = 1 << 15
_TILE_CELLS = 3 << 19
# Rows of a tile whose scan is netted as it is priced, without a table of rows times scenarios.
_NETTED_ROWS = 1 << 16
# What a row of a kernel may differ by with its place in a vector, as a share of the largest figure.
_SAME = 1e-12
_FIELDS = ("equity", "counted_im", "counted_mm", "im", "mm")

Hook = Callable[[Book, View], float]


@dataclass(frozen=True, slots=True)
class Move:
    """A moved market. ``spot`` are factors by coin; a coin that it does not name stands still.

    ``every`` is the factor of all coins that ``spot`` does not name. ``vol`` is the factor of every
    volatility, or by underlying in ``vols``. ``passed_ms`` of time has gone by.
    """

    every: float = 1.0
    vol: float = 1.0
    passed_ms: int = 0
    spot: Mapping[str, float] = field(default_factory=dict)
    vols: Mapping[str, float] = field(default_factory=dict)


class MoveGrid(Sequence[Move]):
    """Every pair of a factor of all coins and one of all volatilities, the latter fastest."""

    def __init__(self, every: Floats, vol: Floats) -> None:
        self.every, self.vol = np.repeat(every, len(vol)), np.tile(vol, len(every))

    def __len__(self) -> int:
        return len(self.every)

    @overload
    def __getitem__(self, key: int) -> Move: ...

    @overload
    def __getitem__(self, key: slice) -> list[Move]: ...

    def __getitem__(self, key: int | slice) -> Move | list[Move]:
        if isinstance(key, slice):
            return [self[k] for k in range(*key.indices(len(self)))]
        return Move(every=float(self.every[key]), vol=float(self.vol[key]))


@dataclass(frozen=True, slots=True)
class Values:
    """[M] dollars at M nodes. ``over`` is what counts less what is required: under 0 it is broken.

    Where pools stand apart ``over`` is that of the pool with least left, and ``need`` is that
    pool's requirement; else they are those of the account.
    """

    equity_usd: Floats
    counted_im_usd: Floats
    counted_mm_usd: Floats
    im_usd: Floats
    mm_usd: Floats
    over_im_usd: Floats
    over_mm_usd: Floats
    need_mm_usd: Floats

    def __len__(self) -> int:
        return len(self.equity_usd)


class Account:
    """One account of a book under one model, ready to be valued anywhere."""

    def __init__(
        self,
        book: Book,
        view: View,
        model: MarginModel,
        parameters: Parameters,
        *,
        value_of: Hook | None = None,
        offset_usd: float = 0.0,
        tiled: bool = True,
    ) -> None:
        """``value_of(book, view)`` are dollars added to equity at a node (an exit value less the
        mark value, so not above 0 as a rule), ``offset_usd`` the same where it is one number.

        Raises InputError ``option_unknown`` for a book of several accounts, and what the model
        raises.
        """
        if len(book) != 1:
            raise InputError(
                "option_unknown",
                "a path is of one account",
                value=len(book),
                limit="1 account",
                remedy="Choose an account.",
            )
        self.book, self.view, self.model, self.parameters = book, view, model, parameters
        self.value_of, self.offset_usd = value_of, offset_usd
        self.plain: Requirement = run(book, view, model, parameters)
        if len(self.plain.book) != 1:
            first = self.plain.failures[0]
            raise InputError(
                first.code,
                "the account cannot be margined",
                place=first.reason,
                remedy="Remove the line, or give a market that prices it.",
            )
        self.plan: Plan = self.plain.plan
        self.counted: Bools = counted_futures(self.plain, book, view, model, parameters)
        self.apart = stands_apart(model.spec)
        orders = len(book.orders.column) > 0
        able = isinstance(model, ScanModel) or model.spec.name in TILED
        self.tiled = tiled and able and not orders
        self._tiles: dict[int, Tile] = {}
        self._proven = False
        self._coins = np.array([name not in PEGGED for name in view.instruments.names], np.bool_)

    @property
    def sourceless(self) -> bool:
        """Whether nothing says what the account is worth: no balance, no equity, no entry."""
        return all(SOURCES[int(code)] is EquitySource.NONE for code in self.plain.source)

    def coins(self) -> tuple[str, ...]:
        """Coins that move it: of its derivatives and balances, in order of name."""
        table, column = self.book.instruments, self.book.column
        held = {table.items[k].underlying for k in column.tolist()}
        return tuple(sorted(name for name in held if name not in PEGGED))

    def market(self, move: Move) -> tuple[Book, View]:
        """What is held at a node, moves and expiries settled, and the market there."""
        return self._moved(move)[:2]

    def with_offset(self, offset_usd: float) -> Account:
        """The same account with other dollars added to its equity everywhere."""
        twin = copy(self)
        twin.offset_usd = offset_usd
        return twin

    def blocks(self, count: int) -> int:
        """How often :meth:`many` steps over so many nodes."""
        if not self.tiled:
            return count
        return -(-count // self._block(count))

    def _block(self, count: int) -> int:
        """Nodes of one tile."""
        rows = _NETTED_ROWS
        if not isinstance(self.model, ScanModel):
            width = max(len(p.scenarios) if p.scenarios else 1 for p in self.plain.priced)
            rows = min(_TILE_ROWS, _TILE_CELLS // width)
        return max(min(rows // max(len(self.book.instruments), 1), count), 2)

    def one(self, move: Move) -> Values:
        """The account at one node, by a full run."""
        return self._stacked([self._single(move)])

    def many(self, moves: Sequence[Move], step: Callable[[], None] | None = None) -> Values:
        """The account at many nodes, in order; ``step`` is called after each or each block."""
        still = isinstance(moves, MoveGrid) or not any(move.passed_ms for move in moves)
        if self.tiled and len(moves) > 2 and still:
            found = self._by_tiles(moves, step)
            if found is not None:
                return found
        parts = []
        for move in moves:
            parts.append(self._single(move))
            if step is not None:
                step()
        return self._stacked(parts)

    # -- factors -----------------------------------------------------------------------------

    def _by_name(self, move: Move) -> Floats:
        """[K] factor on the dollar price of each name."""
        out = np.where(self._coins, move.every, 1.0)
        for name, factor in move.spot.items():
            if name in self.view.instruments.names:
                out[self.view.instruments.names.index(name)] = factor
        return out

    def _vol(self, move: Move) -> Floats:
        """[I] factor on the volatility of each row."""
        table = self.view.instruments
        out = np.full(len(table), move.vol)
        for name, factor in move.vols.items():
            if name in table.names:
                out[table.underlying == table.names.index(name)] = factor
        return out

    def _factors(self, moves: Sequence[Move], low: int, high: int) -> tuple[Floats, Floats]:
        """[m, K] factors of dollar prices and [m, I] of volatilities of a block of moves."""
        if isinstance(moves, MoveGrid):
            every, vol = moves.every[low:high, None], moves.vol[low:high, None]
            return np.where(self._coins, every, 1.0), np.repeat(vol, len(self.view.vol), axis=1)
        block = moves[low:high]
        by_name = np.stack([self._by_name(move) for move in block])
        return by_name, np.stack([self._vol(move) for move in block])

    # -- one by one --------------------------------------------------------------------------

    def _single(self, move: Move) -> Floats:
        """[8, 1] of :class:`Values`."""
        held, moved, unlined = self._moved(move)
        parts = [
            (currency, np.array(values)[:, None], np.array([usd]))
            for currency, values, usd in pool_dollars(
                held, moved, self.model, self.parameters, self.plan
            )
        ]
        found = _rooms(parts, {k: np.array([v]) for k, v in unlined.items()}, self.apart)
        extra = self.offset_usd
        if self.value_of is not None:
            extra += self.value_of(held, moved)
        return _with_extra(found, extra)

    def _moved(self, move: Move) -> tuple[Book, View, dict[str, float]]:
        """The account and the market at a node, and dollars by a currency without a line."""
        by_name, vol = self._by_name(move), self._vol(move)
        moved = self.view
        if move.passed_ms or (by_name != 1.0).any() or (vol != 1.0).any():
            moved = moved_view(self.view, by_name, vol, move.passed_ms)
            moved = replace(moved, reads=self._reads(move))
        held, unlined = moved_book(self.book, self.view, moved, self.counted)
        if move.passed_ms:
            held, more = self._settled(held, moved, move.passed_ms)
            for currency, dollars in more.items():
                unlined[currency] = unlined.get(currency, 0.0) + dollars
        return held, moved, unlined

    def _reads(self, move: Move) -> Mapping[str, Mapping[str, float]]:
        """What only some models read: the dollar prices move with their coins."""
        known = self.view.reads.get("usd", {})
        moved = {
            k: u * move.spot.get(k, 1.0 if k in PEGGED else move.every) for k, u in known.items()
        }
        return {**self.view.reads, "usd": moved}

    def _settled(self, book: Book, moved: View, passed_ms: int) -> tuple[Book, dict[str, float]]:
        """The account after what expired by then was paid out, and dollars without a line."""
        table, column = book.instruments, book.column
        dead = table.expiry_ms[column] < self.view.as_of_ms + passed_ms
        if not dead.any():
            return book, {}
        option = is_kind(table, Kind.OPTION)[column]
        value = np.where(option, moved.mark[column], 0.0)
        paid = np.where(dead, book.quantity * table.multiplier[column] * value, 0.0)
        late = dead & self.counted  # its profit stood beside the cash until now
        if late.any():
            entry = np.where(late, book.entry_price, 1.0)
            mark = np.where(late, moved.mark[column], 1.0)
            turned = table.inverse[column]
            gain = np.where(turned, 1.0 / entry - 1.0 / mark, mark - entry)
            paid = paid + np.where(late, book.quantity * table.multiplier[column] * gain, 0.0)
        quantity = np.where(dead, 0.0, book.quantity)
        by_code = np.bincount(table.settle[column], weights=paid, minlength=len(table.names))
        lines = {
            int(table.settle[column[j]]): j
            for j in np.flatnonzero(book.is_cash()).tolist()
            if table.items[int(column[j])].settle == table.items[int(column[j])].underlying
        }
        reported = {currency for _, currency in book.reported.equity}
        unlined: dict[str, float] = {}
        for code, currency in enumerate(table.names):
            if code in lines:
                quantity[lines[code]] += by_code[code]
            elif currency not in reported and by_code[code] != 0.0:
                unlined[currency] = float(by_code[code] * moved.usd[code])
        return replace(book, quantity=frozen(quantity, np.float64)), unlined

    # -- tiled -------------------------------------------------------------------------------

    def _by_tiles(self, moves: Sequence[Move], step: Callable[[], None] | None) -> Values | None:
        """All nodes by blocks; None (and never again) where they are not those of single runs."""
        most = self._block(len(moves))
        sizes = {high - low for low, high in blocks(len(moves), most)}
        for count in sorted(sizes - self._tiles.keys()):
            made = tile_of(self.book, self.view, self.plan, self.counted, count)
            self._tiles[count] = made

        def work(low: int, high: int) -> Floats:
            found = self._tile(*self._factors(moves, low, high))
            if self.value_of is not None:
                found = _with_extra(found, self._extras(moves, low, high))
            if step is not None:
                step()
            return found

        parts = map_blocks(work, len(moves), block=most, threads=processors())
        found = np.concatenate(parts, axis=1)
        # Three nodes the first time, and one of every later path.
        ends = (len(moves) // 2,) if self._proven else (0, len(moves) // 2, len(moves) - 1)
        for k in ends:
            alone = self._single(moves[k])[:, 0]
            if not (np.abs(found[:, k] - alone) <= _SAME * np.abs(alone).max()).all():
                self.tiled = False
                return None
        self._proven = True
        return Values(*(frozen(row, np.float64) for row in found))

    def _extras(self, moves: Sequence[Move], low: int, high: int) -> Floats:
        """[m] dollars of the hook at each node of a block."""
        assert self.value_of is not None
        return np.array([self.value_of(*self.market(move)) for move in moves[low:high]])

    def _tile(self, by_name: Floats, vol: Floats) -> Floats:
        """[8, m] of a block."""
        tile = self._tiles[len(by_name)]
        parts, unlined = tile.run(by_name, vol, self.model, self.parameters)
        return _with_extra(_rooms(parts, unlined, self.apart), self.offset_usd)

    @staticmethod
    def _stacked(parts: Sequence[Floats]) -> Values:
        found = np.concatenate(parts, axis=1)
        return Values(*(frozen(row, np.float64) for row in found))


def _rooms(
    parts: Sequence[tuple[str, Floats, Floats]], unlined: Mapping[str, Floats], apart: bool
) -> Floats:
    """[8, M] totals of the pools, what is left of both levels, and the requirement that binds."""
    count = len(parts[0][2])
    total = np.zeros((len(_FIELDS), count))
    for _, values, usd in parts:
        total = total + values * usd
    more = np.zeros(count)
    for dollars in unlined.values():
        more = more + dollars
    total[:3] += more
    if not apart:
        left = np.stack([total[1] - total[3], total[2] - total[4], total[4]])
        return np.concatenate([total, left])
    room = []
    for counted, need in ((1, 3), (2, 4)):
        needs = np.stack([values[need] * usd for _, values, usd in parts])
        counts = np.stack(
            [values[counted] * usd + unlined.get(currency, 0.0) for currency, values, usd in parts]
        )
        room.append(_least(needs, counts))
    return np.concatenate([total, np.stack([room[0][0], room[1][0], room[1][1]])])


def _least(needs: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """[M] what is left in the pool with least of it, and its requirement; see ``room_usd``."""
    left = counts - needs
    at_risk = (needs > 0.0) | (counts < needs)
    first = np.argmin(np.where(at_risk, left, np.inf), axis=0)
    here = np.arange(needs.shape[1])
    need, count = np.zeros(needs.shape[1]), np.zeros(needs.shape[1])
    for k in range(len(needs)):
        need, count = need + needs[k], count + counts[k]
    some = at_risk.any(axis=0)
    return (
        np.where(some, left[first, here], count - need),
        np.where(some, needs[first, here], need),
    )


def _with_extra(found: Floats, extra: float | Floats) -> Floats:
    """Dollars more of equity, and of all that counts; one number or [M]."""
    if isinstance(extra, float) and extra == 0.0:
        return found
    out = found.copy()
    out[[0, 1, 2, 5, 6]] += extra
    return out


def account_of(book: Book, view: View, model: MarginModel, parameters: Parameters) -> Account:
    """The only account of a book, at mark."""
    return Account(book, view, model, parameters)
