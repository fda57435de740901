"""Contingencies of Derive PMRM_2: perpetuals, naked shorts, collateral, oracle confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.copies import known_names
from crossmargin.margin.families.derive import coin_worth, index_of
from crossmargin.margin.families.derive_contingencies import Feeds, naked_shorts
from crossmargin.margin.model import Pool, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, per_row
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["Contingencies"]


@dataclass(frozen=True, slots=True)
class Contingencies:
    """Rates and columns of one manager; every charge is a loss >= 0 in USDC."""

    pool: Pool
    feeds: Feeds
    collateral: Floats  # [I] price / stable of what is taken
    rate: dict[str, float]
    table: Floats  # [I, 4] perpetual, collateral less its haircut at both levels, nothing

    @staticmethod
    def of(
        pool: Pool, view: View, parameters: Parameters, table: str, stable: float
    ) -> Contingencies:
        """Rates from the parameters, confidences from the view (1 where no feed says less)."""
        part = pool.instruments
        taken, mm, im = np.zeros((3, len(part)))
        own = is_kind(part, Kind.ASSET) & known_names(
            part, lambda name: f"{table}.collateral.{name}.mm_haircut" in parameters
        )
        for k in np.flatnonzero(own).tolist():
            key = f"{table}.collateral.{part.items[k].underlying}"
            mm[k] = parameters.number(f"{key}.mm_haircut")
            im[k] = parameters.number(f"{key}.im_haircut")
            taken[k] = 1.0
        collateral = taken * coin_worth(part, view, stable)
        feeds = Feeds.of(pool, view, parameters, table, index_of(part, view, pool.label))
        return Contingencies(
            pool=pool,
            feeds=feeds,
            collateral=collateral,
            rate={
                name: parameters.number(f"{table}.{name}")
                for name in ("mm_perp", "im_perp", "mm_option", "im_option")
            },
            table=np.stack(
                [feeds.perp, collateral * mm, collateral * im, np.zeros(len(part))], axis=1
            ),
        )

    def charges(self, held: PoolBook) -> dict[str, Floats]:
        """[A] each contingency, initial and maintenance."""
        total = row_sums(held.row, held.column, held.quantity, self.table, trusted=True)
        perp = (total.long[:, 0] - total.short[:, 0]) * self.feeds.spot
        strikes = self.pool.facts["strike_run"]
        naked = naked_shorts(held, strikes, self.feeds.option) * self.feeds.spot
        return {
            "mm_perp": perp * self.rate["mm_perp"],
            "im_perp": perp * self.rate["im_perp"],
            "mm_option": naked * self.rate["mm_option"],
            "im_option": naked * self.rate["im_option"],
            "mm_collateral": total.net[:, 1],
            "im_collateral": total.net[:, 2],
            "im_confidence": self._confidence(held, perp),
        }

    def _confidence(self, held: PoolBook, perp_notional: Floats) -> Floats:
        """[A] ``(1 - c) conf_margin notional`` where a feed's confidence c is too low.

        Collateral is charged at the lower of its own feed and the spot's, whatever the perpetual's.
        """
        feeds, column = self.feeds, held.column
        if feeds.trusted:
            return np.zeros(len(held.row) - 1)
        joint = feeds.joint(held)
        total = feeds.charge(joint, perp_notional)
        value = held.quantity * self.collateral[column]
        own = np.minimum(feeds.own[column], feeds.of_spot)
        total = total + per_row(held.row, feeds.charge(own, value))
        return total + feeds.options(held, joint)
