"""Contingencies of Derive PMRM_2: perpetuals, naked shorts, collateral, oracle confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import profit_since_entry
from crossmargin.margin.model import Pool, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums, sums

__all__ = ["Contingencies"]


@dataclass(frozen=True, slots=True)
class Contingencies:
    """Rates and columns of one manager; every charge is a loss >= 0 in USDC."""

    pool: Pool
    view: View
    spot: float
    perp: Floats  # [I] 1 for perpetuals
    option: Floats  # [I] 1 for options
    collateral: Floats  # [I] price / stable
    mm_haircut: Floats  # [I]
    im_haircut: Floats
    confidence: Floats  # [I] own confidence of each row: vol, perpetual or collateral feed
    expiry_confidence: Floats  # [E] lower of forward and rate feeds
    spot_confidence: float
    threshold: float
    conf_margin: float
    rate: dict[str, float]
    table: Floats  # [I, 4] perpetual, collateral less its haircut at both levels, nothing

    @staticmethod
    def of(
        pool: Pool, view: View, parameters: Parameters, table: str, stable: float
    ) -> Contingencies:
        """Rates from the parameters, confidences from the view (1 where no feed says less)."""
        part = pool.instruments
        size = len(part)
        collateral, mm, im = np.zeros(size), np.zeros(size), np.zeros(size)
        own = np.ones(size)
        for k, item in enumerate(part.items):
            key = f"{table}.collateral.{item.underlying}"
            if item.kind == Kind.ASSET and f"{key}.mm_haircut" in parameters:
                mm[k] = parameters.number(f"{key}.mm_haircut")
                im[k] = parameters.number(f"{key}.im_haircut")
                collateral[k] = float(view.usd[part.underlying[k]]) / stable
                own[k] = view.read("collateral_confidence", item.underlying, 1.0)
            elif item.kind == Kind.OPTION:
                own[k] = view.read("vol_confidence", item.native_id, 1.0)
            elif item.kind == Kind.PERPETUAL:
                own[k] = view.read("perp_confidence", pool.label, 1.0)
        perp = is_kind(part, Kind.PERPETUAL).astype(np.float64)
        names = [str(key[3]) for key in part.expiries]
        feeds = [
            min(
                view.read("forward_confidence", name, 1.0),
                view.read("rate_confidence", name, 1.0),
            )
            for name in names
        ]
        pairs = {pair[0]: k for k, pair in enumerate(part.pairs)}
        return Contingencies(
            pool=pool,
            view=view,
            spot=float(view.index[pairs[pool.label]]) if pool.label in pairs else 0.0,
            perp=perp,
            option=is_kind(part, Kind.OPTION).astype(np.float64),
            collateral=collateral,
            mm_haircut=mm,
            im_haircut=im,
            confidence=own,
            expiry_confidence=np.array(feeds, np.float64),
            spot_confidence=view.read("spot_confidence", pool.label, 1.0),
            threshold=parameters.number(f"{table}.conf_threshold"),
            conf_margin=parameters.number(f"{table}.conf_margin"),
            rate={
                name: parameters.number(f"{table}.{name}")
                for name in ("mm_perp", "im_perp", "mm_option", "im_option")
            },
            table=np.stack([perp, collateral * mm, collateral * im, np.zeros(size)], axis=1),
        )

    @property
    def lowest_confidence(self) -> float:
        """The lowest of all feeds."""
        return min(
            self.spot_confidence,
            float(self.confidence.min(initial=1.0)),
            float(self.expiry_confidence.min(initial=1.0)),
        )

    def charges(self, held: PoolBook) -> dict[str, Floats]:
        """[A] each contingency, initial and maintenance."""
        total = row_sums(held.row, held.column, held.quantity, self.table, trusted=True)
        perp = (total.long[:, 0] - total.short[:, 0]) * self.spot
        naked = self._naked(held) * self.spot
        return {
            "mm_perp": perp * self.rate["mm_perp"],
            "im_perp": perp * self.rate["im_perp"],
            "mm_option": naked * self.rate["mm_option"],
            "im_option": naked * self.rate["im_option"],
            "mm_collateral": total.net[:, 1],
            "im_collateral": total.net[:, 2],
            "im_confidence": self._confidence(held, perp),
        }

    def _naked(self, held: PoolBook) -> Floats:
        """[A] short options not covered by the other type at the same strike and expiry.

        The rule's cases (one type held, both short, one covers the other) are all the shortage of
        the strike's net size, calls and puts together.
        """
        run: Ints = self.pool.facts["strike_run"]
        option = self.option[:, None]
        found = sums(held.row, held.column, held.quantity, run, option, trusted=True)
        return by_row(found.row, np.maximum(-found.net[:, 0], 0.0), len(held.row) - 1)

    def _confidence(self, held: PoolBook, perp_notional: Floats) -> Floats:
        """[A] ``(1 - c) conf_margin notional`` where a feed's confidence c is too low."""
        if self.lowest_confidence >= self.threshold:
            return np.zeros(len(held.row) - 1)
        rows = row_of_position(held.row)
        column, size = held.column, np.abs(held.quantity)
        has_perp = per_row(held.row, size * self.perp[column]) > 0.0
        is_perp = self.perp > 0.0
        perp_conf = float(self.confidence[is_perp].min()) if is_perp.any() else 1.0
        joint = np.where(has_perp, min(self.spot_confidence, perp_conf), self.spot_confidence)
        total = self._charge(joint, perp_notional)
        value = held.quantity * self.collateral[column]
        own = np.minimum(self.confidence[column], self.spot_confidence)
        total = total + per_row(held.row, self._charge(own, value))
        return total + self._option_confidence(held, rows, joint)

    def _option_confidence(self, held: PoolBook, rows: Longs, joint: Floats) -> Floats:
        """[A] per expiry: gross size times spot at the lowest confidence of what is held there."""
        part = self.pool.instruments
        column = held.column
        chosen = (self.option[column] > 0.0) & (held.quantity != 0.0)
        if not chosen.any():
            return np.zeros(len(joint))
        column, row = column[chosen], rows[chosen]
        expiry = part.expiry[column]
        key = row * len(part.expiries) + expiry
        groups, inverse = np.unique(key, return_inverse=True)
        lowest: Floats = np.full(len(groups), np.inf)
        np.minimum.at(lowest, inverse, self.confidence[column])
        owner, which = groups // len(part.expiries), groups % len(part.expiries)
        lowest = np.minimum(np.minimum(lowest, joint[owner]), self.expiry_confidence[which])
        size = by_row(inverse, np.abs(held.quantity[chosen]), len(groups))
        charge = self._charge(lowest, size * self.spot)
        return by_row(owner, charge, len(joint))

    def _charge(self, confidence: Floats, notional: Floats) -> Floats:
        low = confidence < self.threshold
        return np.where(low, (1.0 - confidence) * self.conf_margin * notional, 0.0)

    def perp_profit(self, held: PoolBook) -> Floats:
        """[A] unsettled profit of the perpetual where its entry price is known."""
        if not held.entry_known.any():
            return np.zeros(len(held.row) - 1)
        gain = profit_since_entry(self.pool.instruments, self.view, held, False)
        return per_row(held.row, gain * self.perp[held.column])
