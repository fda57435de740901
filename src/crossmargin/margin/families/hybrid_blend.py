"""Static and model margin of a bucket, blended by weight, and never under the floor.

    initial      max( w x IM factor x model + (1 - w) x static, floor )
    maintenance  max( w x MM factor x model + (1 - w) x static, floor )

The value of options counts by the same weight: the static charge of a short option already holds
its mark, so that the mark is taken once at every weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import SOURCES, Equity, equity_of, profit_since_entry
from crossmargin.margin.families.cross_orders import cross_need
from crossmargin.margin.families.cross_scan import CrossScan, Netted, netted
from crossmargin.margin.families.hybrid_buckets import Bucket, Walls
from crossmargin.margin.families.hybrid_static import Static, grown
from crossmargin.margin.families.whole_account import fills_in_dollars
from crossmargin.margin.model import EquitySource, Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position

__all__ = ["Blend", "blend_need", "blend_of", "bucket_equity", "bucket_fills", "now_of", "own_book"]

_BALANCES = SOURCES.index(EquitySource.BALANCES)
_VENUE = SOURCES.index(EquitySource.VENUE)
_REBUILT = SOURCES.index(EquitySource.REBUILT)


@dataclass(frozen=True, slots=True)
class Blend:
    """[A] dollars of one level: the model's part before its weight, the static one, the floor."""

    model: Floats
    static: Floats
    floor: Floats
    weight: float

    @property
    def required(self) -> Floats:
        """[A] the blend, or the floor where that is more; in the order of the sheet."""
        parts = self.weight * self.model + (1.0 - self.weight) * self.static
        return np.maximum(parts, self.floor)


def blend_of(
    bucket: Bucket, static: Static, now: Netted, held: PoolBook, parameters: Parameters
) -> tuple[Blend, Blend]:
    """Initial and maintenance of what a block holds in a bucket; orders apart."""
    model = np.maximum(now.joint, now.parting)
    factor = parameters.number("level.im_factor"), parameters.number("level.mm_factor")
    return (
        Blend(factor[0] * model, static.im.of(held), static.floor_im.of(held), bucket.weight),
        Blend(factor[1] * model, static.mm.of(held), static.floor_mm.of(held), bucket.weight),
    )


def own_book(held: PoolBook, number: int) -> PoolBook:
    """What a venue reports of an account is the core's; every other bucket is reported empty."""
    said = held.book.reported
    if number == 0 or not (said.equity or said.holds):
        return held
    return replace(held, book=replace(held.book, reported=Reported()))


def bucket_equity(priced: Priced, held: PoolBook, number: int) -> Equity:
    """Cash, profit and option value of a bucket, without what is posted.

    The core: as every model. Elsewhere the profit since the entry prices is the bucket's own, and
    an option's premium came from it; where no entry price is known there is none to tell. A
    venue's own figure of an account cannot be told apart: it stands in the core alone.
    """
    settle_usd: Floats = priced.facts["settle_usd"]
    if number == 0:
        return equity_of(priced, held, settle_usd)
    blank = replace(held, entry_known=frozen(np.zeros(len(held.column)), np.bool_))
    found = equity_of(priced, own_book(blank, number), settle_usd)
    part, view = priced.pool.instruments, priced.view
    rate = settle_usd[held.column]
    profit = per_row(held.row, rate * profit_since_entry(part, view, held, False))
    bought = is_kind(part, Kind.OPTION)[held.column] & held.entry_known
    premium = held.quantity * part.multiplier[held.column] * held.entry_price
    paid = per_row(held.row, np.where(bought, rate * premium, 0.0))
    known = per_row(held.row, held.entry_known.astype(np.float64)) > 0.0
    source = np.where((found.source != _BALANCES) & known, _REBUILT, found.source)
    reported = {name for name, _ in held.book.reported.equity}
    said = np.array([name in reported for name in held.book.account], np.bool_)
    return Equity(
        np.where(said, -found.option_value, found.cash - paid),
        np.where(said, 0.0, profit),
        found.option_value,
        np.where(said, _VENUE, source).astype(np.int8),
    )


def bucket_fills(priced: Priced, held: PoolBook, weight: float, walls: Walls) -> Fills | None:
    """The orders of a bucket; an option bought adds its value by the model's weight alone."""
    whole = fills_in_dollars(priced, held)
    bare = fills_in_dollars(priced, held, value_counts=False)
    if whole is None or bare is None:
        return None
    inside = walls.orders(held.book)[whole.source]
    if not inside.any():
        return None
    owner = row_of_position(whole.row)[inside]
    counts = np.bincount(owner, minlength=len(held.row) - 1)
    gain = weight * whole.gain + (1.0 - weight) * bare.gain
    gain = np.where(priced.pool.instruments.kind[whole.column] == Kind.OPTION, gain, whole.gain)
    return Fills(
        frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
        frozen(whole.column[inside], np.int32),
        frozen(whole.size[inside], np.float64),
        frozen(gain[inside], np.float64),
        frozen(whole.cash[inside], np.float64),
        frozen(whole.source[inside], np.int32),
    )


def blend_need(
    priced: Priced,
    held: PoolBook,
    fills: Fills,
    now: Netted,
    bucket: Bucket,
    static: Static,
    parameters: Parameters,
) -> OrderNeed:
    """Initial requirement after the worst fills: each part at its own worst, an upper bound."""
    scan: CrossScan = priced.facts["scan"]
    found = cross_need(priced, scan, held, fills, now)
    model = parameters.number("level.im_factor") * found.need
    fixed = static.im.of(held) + grown(static.im, held, fills)
    floor = static.floor_im.of(held) + grown(static.floor_im, held, fills)
    most = Blend(model, fixed, floor, bucket.weight).required
    owner = row_of_position(fills.row)
    cost = by_row(owner, np.maximum(-fills.gain, 0.0), len(held.row) - 1)
    return OrderNeed(most + cost, fills, found.filled, found.scenario)


def now_of(priced: Priced, held: PoolBook, number: int) -> Netted:
    """What a block loses in a bucket over the joint scenarios."""
    return netted(priced.facts["scan"], own_book(held, number), priced)
