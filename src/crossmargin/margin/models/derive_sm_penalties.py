"""What doubtful feeds cost under the Derive standard manager: initial margin alone.

    perpetual   (1 - c) factor S |q|             c lower of perpetual and spot feed
    options     (1 - c) factor S short size      per expiry; c lowest of spot, forward, vols held
    coins       (1 - c) factor S q               c the spot feed

each where c is under the market's threshold; a coin without initial margin value is not charged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.derive_contingencies import expiry_confidence
from crossmargin.margin.model import PoolBook
from crossmargin.margin.models.derive_sm_options import OptionCharges, parameter_column
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.market.view import View

__all__ = ["Penalties"]


@dataclass(frozen=True, slots=True)
class Penalties:
    """Confidences and rates of the account's markets; every charge is a loss >= 0 in USDC."""

    line: Floats  # [I] cost of one unit of a perpetual or coin
    vol: Floats  # [I] confidence of an option's vol; 1 elsewhere
    dated: Floats  # [E] lower of spot and forward feed
    threshold: Floats  # [E]
    rate: Floats  # [E] factor x spot
    expiry: Ints  # [I] code of the expiry of options

    @staticmethod
    def of(part: Instruments, view: View, parameters: Parameters, spot: Floats) -> Penalties:
        """Confidences from the view, 1 where no feed says less."""
        line, vol = np.zeros(len(part)), np.ones(len(part))
        factor = parameter_column(part, parameters, Kind.ASSET, "base", "margin_factor")
        factor = factor * parameter_column(part, parameters, Kind.ASSET, "base", "im_scale")
        for k, item in enumerate(part.items):
            table = f"market.{item.underlying}.oracle"
            sure = view.read("spot_confidence", item.underlying, 1.0)
            if item.kind == Kind.OPTION:
                vol[k] = view.read("vol_confidence", item.native_id, 1.0)
            elif item.kind == Kind.PERPETUAL:
                sure = min(sure, view.read("perp_confidence", item.underlying, 1.0))
                if sure < parameters.number(f"{table}.perp_threshold"):
                    share = (1.0 - sure) * parameters.number(f"{table}.factor")
                    line[k] = share * spot[k] * item.multiplier
            elif factor[k] > 0.0:
                sure = min(sure, view.read("collateral_confidence", item.underlying, 1.0))
                if sure < parameters.number(f"{table}.base_threshold"):
                    line[k] = (1.0 - sure) * parameters.number(f"{table}.factor") * spot[k]
        tables = [f"market.{key[0]}.oracle" for key in part.expiries]
        index = view.index[part.expiry_pair] if len(part.expiries) else np.zeros(0)
        return Penalties(
            line=line,
            vol=vol,
            dated=np.array(
                [
                    min(
                        view.read("spot_confidence", key[0], 1.0),
                        expiry_confidence(view, key, "forward"),
                    )
                    for key in part.expiries
                ],
                np.float64,
            ),
            threshold=np.array([parameters.number(f"{t}.option_threshold") for t in tables]),
            rate=np.array([parameters.number(f"{t}.factor") for t in tables]) * index,
            expiry=part.expiry,
        )

    def options(self, held: PoolBook, charges: OptionCharges) -> Floats:
        """[A] the charge of every expiry on its short size."""
        accounts, count = len(held.row) - 1, len(self.dated)
        least = np.minimum(self.dated.min(initial=1.0), self.vol.min(initial=1.0))
        if not count or least >= self.threshold.max():
            return np.zeros(accounts)
        lowest: Floats = np.tile(self.dated, accounts)
        chosen = (self.expiry[held.column] >= 0) & (held.quantity != 0.0)
        key = row_of_position(held.row) * count + self.expiry[held.column]
        np.minimum.at(lowest, key[chosen], self.vol[held.column[chosen]])
        confidence = lowest[charges.row.astype(np.int64) * count + charges.run]
        doubt = np.where(confidence < self.threshold[charges.run], 1.0 - confidence, 0.0)
        return by_row(charges.row, doubt * self.rate[charges.run] * charges.shorts, accounts)
