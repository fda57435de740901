"""Offsets of one account: what each saves, and which break eats it; what a hedge is worth.

    saved      needed by side A alone + needed by side B alone - needed by both
    hedged     the smaller of the two sides' opposite dollars of delta
    eaten at   saved / hedged: the two prices part by so much, and the loss is what was saved

Kinds: assets (coin against coin), wrapped (a token against its underlying), basis (perpetuals
against the coin held and dated contracts of it), stable (money held in one stablecoin against money
owed in another: what is saved is the equity that the one lends to the other).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.cross_rules import coins_of, joint_names
from crossmargin.margin.families.whole_account import dollar_market, is_money
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.pools import make_pool
from crossmargin.margin.run import run
from crossmargin.margin.totals import account_totals
from crossmargin.market.view import View

__all__ = ["HedgePoint", "Offset", "hedge_curve", "hedged_pair", "offsets"]

_LEAST_USD = 1e-6  # a side below it is no side


@dataclass(frozen=True, slots=True)
class Offset:
    """One offset of an account. Dollars; fractions of the price that parts."""

    kind: str
    first: str
    second: str
    first_delta_usd: float
    second_delta_usd: float
    hedged_usd: float
    saved_usd: float
    eaten_at: float | None  # None where the offset saves nothing
    stated_break: float
    break_loss_usd: float

    @property
    def eaten(self) -> bool:
        """Whether the stated break costs more than the offset saves."""
        return self.break_loss_usd > self.saved_usd


@dataclass(frozen=True, slots=True)
class HedgePoint:
    """One point of the curve: what netting saves at a correlation, less the loss of a basis."""

    correlation: float
    basis: float
    required_usd: float
    plain_usd: float
    saved_usd: float  # after the loss of the basis on what is hedged; may be under 0

    @property
    def saved_fraction(self) -> float:
        """Of the plain sum; 0 where nothing is required."""
        return self.saved_usd / self.plain_usd if self.plain_usd > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class _Sides:
    kind: str
    names: tuple[str, str]
    rows: tuple[list[int], list[int]]
    stated: float


def offsets(
    book: Book, view: View, model: MarginModel, parameters: Parameters
) -> tuple[Offset, ...]:
    """Every offset of the one account of a book; what saves most first.

    ``parameters`` are those of a model with tables ``coin`` and ``break`` (``cross_rules``). Open
    orders are left out. Raises InputError ``option_unknown`` for several accounts.
    """
    _one(book)
    found = _sides(book, view, parameters)
    needed = _needed(book, view, model, parameters, found)
    dollars, worth = _dollars(book, view)
    out = []
    for k, side in enumerate(found):
        delta = [_sum(dollars if side.kind != "stable" else worth, rows) for rows in side.rows]
        hedged = min(abs(delta[0]), abs(delta[1]))
        saved = hedged
        if side.kind != "stable":
            one, two, both = needed[3 * k : 3 * k + 3].tolist()
            saved = max(one + two - both, 0.0)
        saved = saved if saved > _LEAST_USD else 0.0
        eaten = saved / hedged if saved > 0.0 else None
        out.append(
            Offset(side.kind, *side.names, delta[0], delta[1], hedged, saved, eaten,
                   side.stated, side.stated * hedged)
        )  # fmt: skip
    return tuple(sorted(out, key=lambda each: (-each.saved_usd, each.kind, each.first)))


def _one(book: Book) -> None:
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "offsets are those of one account",
            value=len(book),
            limit="1 account",
            remedy="Choose an account.",
        )


def _sum(values: Floats, rows: Sequence[int]) -> float:
    total = 0.0
    for j in rows:
        total += float(values[j])
    return total


def _dollars(book: Book, view: View) -> tuple[Floats, Floats]:
    """[N] dollars of delta of each position of a coin, and of each balance of money."""
    items = book.instruments
    every = np.arange(len(items), dtype=np.int32)
    market = dollar_market(make_pool(items, every, "", "USD", ()), view)
    delta = np.where(market.moving, market.delta * market.index_usd, 0.0)
    money = np.array([i.kind == Kind.ASSET and is_money(i.underlying) for i in items.items])
    worth = np.where(money, market.settle_usd, 0.0)
    return book.quantity * delta[book.column], book.quantity * worth[book.column]


def _sides(book: Book, view: View, parameters: Parameters) -> list[_Sides]:
    """Pairs of sides with opposite dollars."""
    dollars, worth = _dollars(book, view)
    items = [book.instruments.items[c] for c in book.column.tolist()]
    coins = coins_of(book.instruments, parameters)
    mover = dict(zip(coins.names, coins.mover, strict=True))
    by_mover: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    money: dict[str, list[int]] = {}
    for j, item in enumerate(items):
        if item.underlying in mover:
            by_mover.setdefault(mover[item.underlying], []).append(j)
            by_name.setdefault(item.underlying, []).append(j)
        elif item.kind == Kind.ASSET:
            money.setdefault(item.underlying, []).append(j)
    gap = {k: parameters.number(f"break.{k}") for k in ("asset", "wrapped", "basis", "stable")}
    out = [
        _Sides("assets", (a, b), (by_mover[a], by_mover[b]), gap["asset"])
        for a, b in combinations(sorted(by_mover), 2)
    ]
    for name in sorted(by_name):
        own = by_name[name]
        if mover[name] != name and mover[name] in by_name:
            sides = own, by_name[mover[name]]
            out.append(_Sides("wrapped", (name, mover[name]), sides, gap["wrapped"]))
        swaps = [j for j in own if items[j].kind == Kind.PERPETUAL]
        spot = [j for j in own if items[j].kind == Kind.ASSET]
        dated = [j for j in own if items[j].kind in (Kind.FUTURE, Kind.OPTION)]
        words = f"{name} perp"
        out.append(_Sides("basis", (words, f"{name} spot"), (swaps, spot), gap["basis"]))
        out.append(_Sides("basis", (words, f"{name} dated"), (swaps, dated), gap["basis"]))
    out += [
        _Sides("stable", (a, b), (money[a], money[b]), gap["stable"])
        for a, b in combinations(sorted(money), 2)
    ]
    kept = []
    for side in out:
        values = dollars if side.kind != "stable" else worth
        first, second = (_sum(values, rows) for rows in side.rows)
        if min(abs(first), abs(second)) > _LEAST_USD and first * second < 0.0:
            kept.append(side)
    return kept


def _needed(
    book: Book, view: View, model: MarginModel, parameters: Parameters, sides: Sequence[_Sides]
) -> Floats:
    """Dollars of IM of side A, side B and both, for every pair of sides."""
    sets: list[list[int]] = []
    for side in sides:
        sets += [sorted(side.rows[0]), sorted(side.rows[1]), sorted({*side.rows[0], *side.rows[1]})]
    if not sets:
        return np.zeros(0)
    rows = np.array([j for each in sets for j in each], np.int64)
    start = np.concatenate([[0], np.cumsum([len(each) for each in sets])])
    count, size = len(sets), len(rows)
    many = replace(
        book,
        account=tuple(str(k) for k in range(count)),
        row=frozen(start, np.int64),
        column=frozen(book.column[rows], np.int32),
        quantity=frozen(book.quantity[rows], np.float64),
        entry_price=frozen(np.zeros(size), np.float64),
        entry_known=frozen(np.zeros(size, np.bool_), np.bool_),
        orders=Orders.none(count),
        reported=Reported(),
        choices={n: np.repeat(values, count) for n, values in book.choices.items()},
        lines=(),
        exact=None,
    )
    return account_totals(run(many, view, model, parameters)).im_usd


# ---------------------------------------------------------------- the curve


def hedged_pair(book: Book, view: View, parameters: Parameters) -> tuple[str, str] | None:
    """The two coins of the matrix with the largest opposite deltas; None where there are none."""
    _one(book)
    names = set(joint_names(parameters))
    sides = [s for s in _sides(book, view, parameters) if s.kind == "assets"]
    dollars, _ = _dollars(book, view)
    best, most = None, 0.0
    for side in sides:
        hedged = min(abs(_sum(dollars, rows)) for rows in side.rows)
        if set(side.names) <= names and hedged > most:
            best, most = side.names, hedged
    return best


def hedge_curve(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters,
    pair: tuple[str, str],
    correlations: Sequence[float],
    bases: Sequence[float],
) -> tuple[HedgePoint, ...]:
    """What the hedge of two coins saves at every correlation and basis; basis by basis.

    Everything else of the set stands, its stress too. The basis is the part of the price by which
    the two sides part besides: its loss on what is hedged is taken off the saving. Correlations
    rise. Errors: those of :func:`overlay`, ``number_out_of_range`` for correlations that do not.
    """
    _one(book)
    if any(not a < b for a, b in pairwise(correlations)):
        raise InputError(
            "number_out_of_range",
            "correlations of a curve rise",
            value=tuple(correlations),
            limit="each above the one before",
            remedy="Sort them.",
        )
    side = next(s for s in _sides(book, view, parameters) if s.names == pair)
    dollars, _ = _dollars(book, view)
    hedged = min(abs(_sum(dollars, rows)) for rows in side.rows)
    keys = (f"correlation.{pair[0]}.{pair[1]}", f"correlation.{pair[1]}.{pair[0]}")
    key = next(k for k in keys if k in parameters)
    found = []
    for value in correlations:
        changed = overlay(parameters, {key: float(value)}, "correlation")
        one, two, both = _needed(book, view, model, changed, [side]).tolist()
        found.append((one + two, both))
    return tuple(
        HedgePoint(float(rho), float(basis), both, plain, plain - both - basis * hedged)
        for basis in bases
        for rho, (plain, both) in zip(correlations, found, strict=True)
    )
