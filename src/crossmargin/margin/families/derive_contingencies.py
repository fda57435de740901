"""Contingencies of the Derive family: naked shorts, and what a doubtful feed costs.

    naked shorts   per strike and expiry: [-(calls + puts)]+
    confidence     (1 - c) margin notional where c < threshold; c the lowest feed of what is held

Source: derivexyz/v2-core at 7736900d, re-stated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.copies import known_names
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, Pool, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.market.view import View
from crossmargin.pricing.positions import order_positions
from crossmargin.pricing.sums import sums

__all__ = [
    "Feeds",
    "expiry_confidence",
    "in_order",
    "naked_reach",
    "naked_shorts",
    "perp_reach",
    "with_every_fill",
]


def naked_shorts(held: PoolBook, strike_run: Ints, option: Floats) -> Floats:
    """[A] short options not covered by the other type at the same strike and expiry.

    The rule's cases (one type held, both short, one covers the other) are all the shortage of the
    strike's net size, calls and puts together.
    """
    table = option[:, None]
    found = sums(held.row, held.column, held.quantity, strike_run, table, trusted=True)
    return by_row(found.row, np.maximum(-found.net[:, 0], 0.0), len(held.row) - 1)


def naked_reach(held: PoolBook, fills: Fills, strike_run: Ints, option: Floats) -> Floats:
    """[A] the most naked shorts that fills can leave."""
    _, _, short = reach(held, fills, strike_run, option)
    return in_order(np.maximum(-short, 0.0))


def perp_reach(held: PoolBook, fills: Fills, perp: Floats) -> Floats:
    """[A] the largest sum of |size| of perpetuals: they net only with fills of their own line."""
    line = np.where(perp > 0.0, np.cumsum(perp > 0.0) - 1, -1).astype(np.int32)
    _, high, low = reach(held, fills, line, perp)
    return in_order(np.maximum(np.abs(high), np.abs(low)))


def in_order(table: Floats) -> Floats:
    """[A] sums along the rows, added from the left: a zero more beside them changes no bit."""
    return np.add.accumulate(table, axis=1)[:, -1] if table.shape[1] else np.zeros(len(table))


def with_every_fill(held: PoolBook, fills: Fills, instruments: int) -> PoolBook:
    """Gross sizes of all positions and orders as one book.

    The charge for low confidence grows with gross size, and takes the lowest confidence of what is
    held: no set of fills is charged more.
    """
    owner = np.concatenate([row_of_position(held.row), row_of_position(fills.row)])
    column = np.concatenate([held.column, fills.column])
    size = np.abs(np.concatenate([held.quantity, fills.size]))
    row, name, quantity = order_positions(owner, column, size, len(held.row) - 1, instruments)[:3]
    nothing, unknown = np.zeros(len(name)), np.zeros(len(name), np.bool_)
    return replace(
        held, row=row, column=name, quantity=quantity, entry_price=nothing, entry_known=unknown
    )


def expiry_confidence(view: View, key: tuple[str, str, str, int], *feeds: str) -> float:
    """The lowest of the named feeds of an expiry, 1 where none says less.

    A feed is named by underlying and expiry (``BTC@expiry_ms``), or by expiry alone.
    """
    when = str(key[3])
    return min(
        view.read(
            f"{feed}_confidence", f"{key[0]}@{when}", view.read(f"{feed}_confidence", when, 1.0)
        )
        for feed in feeds
    )


@dataclass(frozen=True, slots=True)
class Feeds:
    """How far a manager's feeds are trusted; every charge is a loss >= 0 in USDC."""

    expiry: Ints  # [I] code of the expiry, of options
    spot: float | Floats  # of each copy of the table
    perp: Floats  # [I] 1 for perpetuals
    option: Floats  # [I] 1 for options
    own: Floats  # [I] confidence of each row's own feed: vol, perpetual or collateral
    dated: Floats  # [E] lower of forward and rate feeds
    of_spot: float
    threshold: float
    margin: float

    @staticmethod
    def of(
        pool: Pool, view: View, parameters: Parameters, table: str, spot: float | Floats
    ) -> Feeds:
        """Rates from the parameters, confidences from the view (1 where no feed says less)."""
        part = pool.instruments
        own = np.ones(len(part))
        taken = is_kind(part, Kind.ASSET) & known_names(
            part, lambda name: f"{table}.collateral.{name}.mm_haircut" in parameters
        )
        for k in np.flatnonzero(taken).tolist():
            own[k] = view.read("collateral_confidence", part.items[k].underlying, 1.0)
        if view.reads.get("vol_confidence"):
            for k in np.flatnonzero(is_kind(part, Kind.OPTION)).tolist():
                own[k] = view.read("vol_confidence", part.items[k].native_id, 1.0)
        own[is_kind(part, Kind.PERPETUAL)] = view.read("perp_confidence", pool.label, 1.0)
        dated = [1.0] * len(part.expiries)
        if view.reads.get("forward_confidence") or view.reads.get("rate_confidence"):
            dated = [expiry_confidence(view, key, "forward", "rate") for key in part.expiries]
        return Feeds(
            expiry=part.expiry,
            spot=spot,
            perp=is_kind(part, Kind.PERPETUAL).astype(np.float64),
            option=is_kind(part, Kind.OPTION).astype(np.float64),
            own=own,
            dated=np.array(dated, np.float64),
            of_spot=view.read("spot_confidence", pool.label, 1.0),
            threshold=parameters.number(f"{table}.conf_threshold"),
            margin=parameters.number(f"{table}.conf_margin"),
        )

    @property
    def lowest(self) -> float:
        """The lowest of all feeds."""
        return min(
            self.of_spot,
            float(self.own.min(initial=1.0)),
            float(self.dated.min(initial=1.0)),
        )

    @property
    def trusted(self) -> bool:
        """True where no feed is low enough to cost anything."""
        return self.lowest >= self.threshold

    def joint(self, held: PoolBook) -> Floats:
        """[A] confidence of spot, and of the perpetual where one is held."""
        has_perp = per_row(held.row, np.abs(held.quantity) * self.perp[held.column]) > 0.0
        is_perp = self.perp > 0.0
        perp_conf = float(self.own[is_perp].min()) if is_perp.any() else 1.0
        return np.where(has_perp, min(self.of_spot, perp_conf), self.of_spot)

    def charge(self, confidence: Floats, notional: Floats) -> Floats:
        """``(1 - c) margin notional`` where c is too low."""
        low = confidence < self.threshold
        return np.where(low, (1.0 - confidence) * self.margin * notional, 0.0)

    def options(self, held: PoolBook, joint: Floats) -> Floats:
        """[A] per expiry: gross size times spot at the lowest confidence of what is held there."""
        column = held.column
        chosen = (self.option[column] > 0.0) & (held.quantity != 0.0)
        if not chosen.any():
            return np.zeros(len(joint))
        column, row = column[chosen], row_of_position(held.row)[chosen]
        count = len(self.dated)
        key = row * count + self.expiry[column]
        groups, inverse = np.unique(key, return_inverse=True)
        lowest: Floats = np.full(len(groups), np.inf)
        np.minimum.at(lowest, inverse, self.own[column])
        owner, which = groups // count, groups % count
        lowest = np.minimum(np.minimum(lowest, joint[owner]), self.dated[which])
        size = by_row(inverse, np.abs(held.quantity[chosen]), len(groups))
        spot = self.spot if isinstance(self.spot, float) else self.spot[owner]
        charge = self.charge(lowest, size * spot)
        return by_row(owner, charge, len(joint))
