"""A house's schedule of collateral: what is eligible, at which haircuts, up to which caps.

One dated file with bounds and sources, as every set. An asset that has no table of its own is not
eligible. There is no field for an account: what counts depends on what is held, not on who holds
it.

    tiers     [[from USD, haircut], …]: each slice of the value has its own haircut, as tax brackets
    size      each further dollar sells at min(impact_max, impact x sqrt(sold so far / depth))
    price     min(chosen price, growth_limit x slow average)

The chosen price is the lowest of the known three (the venue's own book, across venues, redemption)
unless the schedule names one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.parameter_files import Parameters, load
from crossmargin.margin.parameter_rows import Column

__all__ = ["AssetPrices", "AssetTerms", "ProfitTerms", "Schedule"]

FOLDER = "crossmargin.accounts:parameters/collateral"
_USD_MAX = 1e12
_TIERS = (Column("from_usd", 0.0, _USD_MAX), Column("haircut", 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class AssetPrices:
    """What is known of the price of one asset, in dollars. None where nothing is.

    ``independent_sources``: books of others that price it; 0 where the venue's own book is all
    there is, None where nobody said.
    """

    venue_usd: float
    cross_usd: float | None = None
    redemption_usd: float | None = None
    slow_usd: float | None = None  # slow average of the price
    independent_sources: int | None = None

    def __post_init__(self) -> None:
        for name in ("venue_usd", "cross_usd", "redemption_usd", "slow_usd"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise InputError(
                    "price_not_positive",
                    "the price of a collateral is not above zero",
                    place=name,
                    value=value,
                    limit="> 0 USD",
                    remedy="A price of zero is a fault of its source; leave it out.",
                )

    @property
    def self_referential(self) -> bool:
        """Whether nobody but the venue's own book prices the asset."""
        return self.independent_sources == 0

    def known(self) -> dict[str, float]:
        """The values that are known, by name, in a fixed order."""
        values = {
            "venue": self.venue_usd,
            "cross": self.cross_usd,
            "redemption": self.redemption_usd,
        }
        return {name: value for name, value in values.items() if value is not None}

    def chosen(self, rule: str) -> tuple[float, str]:
        """The price under a rule and which it is; the lowest where the one asked for is unknown."""
        known = self.known()
        name = rule if rule in known else min(known, key=lambda each: known[each])
        return known[name], name


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """One asset's line of the schedule. Money that nobody has to sell has no depth: infinite."""

    name: str
    group: str
    tiers: tuple[tuple[float, float], ...]
    depth_usd: float
    daily_vol: float
    concentration_from: float
    concentration_haircut: float
    cap_usd: float
    moves_with: Mapping[str, float]
    redemption_of: str = ""
    redemption_ratio: float = 1.0

    def tier_haircut_usd(self, value_usd: float, times: float = 1.0) -> float:
        """Dollars that the tiers take off a value; each slice at most itself."""
        taken = 0.0
        for k, (start, haircut) in enumerate(self.tiers):
            end = self.tiers[k + 1][0] if k + 1 < len(self.tiers) else math.inf
            if value_usd > start:
                taken += min(haircut * times, 1.0) * (min(value_usd, end) - start)
        return taken


@dataclass(frozen=True, slots=True)
class ProfitTerms:
    """What a gain that is not realised may count for."""

    haircut: float
    cap_share: float
    cap_usd: float
    frozen_sigmas: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule in force. ``parameters`` is the file behind it."""

    assets: Mapping[str, AssetTerms]
    group_cap_usd: Mapping[str, float]
    profit: ProfitTerms
    price: str
    growth_limit: float
    slow_days: int
    participation: float
    impact: float
    impact_max: float
    self_referential: float
    wrong_way: float
    stable_shock: float
    parameters: Parameters

    @staticmethod
    def at(as_of_ms: int) -> Schedule:
        """The house example in force at a time."""
        return Schedule.of(load(FOLDER, as_of_ms))

    @staticmethod
    def of(found: Parameters) -> Schedule:
        """A schedule from its file.

        Raises ModelError ``parameter_missing`` for a number that is absent, and
        ``parameter_out_of_bounds`` for tiers whose haircut falls as the value rises.
        """
        number = found.number
        assets = {name: _asset(found, name) for name in found.tables("asset")}
        groups = {name: number(f"group.{name}.cap_usd") for name in found.tables("group")}
        for terms in assets.values():
            if terms.group not in groups:
                raise ModelError(
                    "parameter_missing",
                    "the group of an asset has no cap",
                    place=f"asset.{terms.name}.group",
                    value=terms.group,
                    limit=", ".join(groups),
                    remedy="Give the group a table.",
                )
        return Schedule(
            assets=assets,
            group_cap_usd=groups,
            profit=ProfitTerms(
                number("profit.haircut"),
                number("profit.cap_share"),
                number("profit.cap_usd"),
                number("profit.frozen_sigmas"),
            ),
            price=str(found.get("general.price")),
            growth_limit=number("general.growth_limit"),
            slow_days=int(number("general.slow_days")),
            participation=number("general.participation"),
            impact=number("general.impact"),
            impact_max=number("general.impact_max"),
            self_referential=number("general.self_referential"),
            wrong_way=number("general.wrong_way"),
            stable_shock=number("general.stable_shock"),
            parameters=found,
        )

    def size_haircut_usd(self, terms: AssetTerms, value_usd: float) -> float:
        """Dollars that a sale of the whole value costs: the integral of the marginal haircut.

        ``2/3 impact v^1.5 / sqrt(depth)`` up to where the marginal reaches its largest.
        """
        if self.impact <= 0.0:
            return 0.0
        knee_usd = terms.depth_usd * (self.impact_max / self.impact) ** 2
        inside = min(value_usd, knee_usd)
        sold = 2.0 / 3.0 * self.impact * inside * math.sqrt(inside / terms.depth_usd)
        return sold + self.impact_max * (value_usd - inside)

    def days_to_sell(self, terms: AssetTerms, value_usd: float) -> float:
        """Days to sell a value without being more than the participation of the volume."""
        return value_usd / (self.participation * terms.depth_usd)


def _asset(found: Parameters, name: str) -> AssetTerms:
    place = f"asset.{name}"
    tiers = tuple((float(a), float(b)) for a, b in found.rows(f"{place}.tiers", _TIERS))
    rising = all(low[0] < high[0] and low[1] <= high[1] for low, high in itertools.pairwise(tiers))
    if tiers[0][0] != 0.0 or not rising:
        raise ModelError(
            "parameter_out_of_bounds",
            "tiers begin at 0 and rise, value and haircut",
            place=f"{found.model} {found.label} {place}.tiers",
            value=tiers,
            limit="[[0, a], [x, b >= a], …]",
            remedy="Put them in order: a larger value is never worth a smaller haircut.",
        )
    moves = f"{place}.moves_with"
    redeemed, depth = f"{place}.redemption_of", f"{place}.depth_usd"
    return AssetTerms(
        name=name,
        group=str(found.get(f"{place}.group")),
        tiers=tiers,
        depth_usd=found.number(depth) if depth in found else math.inf,
        daily_vol=found.number(f"{place}.daily_vol"),
        concentration_from=found.number(f"{place}.concentration_from"),
        concentration_haircut=found.number(f"{place}.concentration_haircut"),
        cap_usd=found.number(f"{place}.cap_usd"),
        moves_with={str(c): float(r) for c, r in found.get(moves)} if moves in found else {},
        redemption_of=str(found.get(redeemed)) if redeemed in found else "",
        redemption_ratio=found.number(f"{place}.redemption_ratio") if redeemed in found else 1.0,
    )
