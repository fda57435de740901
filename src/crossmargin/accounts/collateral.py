"""What the collateral of one account counts for, step by step, and what its debts require.

    gross      q x venue price
    - price    to min(chosen price, growth limit x slow average)
    - tiers    each slice of the value at its own haircut; wider where the price refers to itself
    - size     each further dollar sells deeper into the book
    - share    concentration haircut x what lies above its share of the whole
    - caps     of the asset, then of its group (pro rata)
    = counted
    - wrong way    w min(counted, sum over coins of correlation x dollars of long delta)
    + profit   min((1 - haircut) gains, cap_share x collateral, cap); frozen after a jump; losses
               in full
    ratio      counted / debts          health   counted / (debts + maintenance margin)

Every step takes from what the step before left, with a marginal of at most 1: the average haircut
never falls and what is counted never falls as more is held. Debts count at the highest price that
is known of them, collateral at the lowest. Collateral that a model puts at risk in its scenarios
(a coin in a portfolio) enters there as a position too; here it is backing, with its haircut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from crossmargin.accounts.collateral_schedule import AssetPrices, AssetTerms, Schedule
from crossmargin.core.errors import InputError

__all__ = [
    "STEPS",
    "Asset",
    "Collateral",
    "Debt",
    "Holdings",
    "Priced",
    "Profit",
    "Shock",
    "largest_withdrawal",
    "price_values",
    "stable_shocks",
    "top_up",
    "value_of",
]

STEPS = ("price rule", "not eligible", "tiers", "size", "concentration", "cap", "group cap")
_SEARCH_MAX = 1e18  # units: beyond any supply


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one account holds and owes, in units. Dollars where the name says so.

    ``gains_usd``: profit not realised by underlying (losses negative). ``long_delta_usd``: dollars
    of delta of the derivatives by coin, positive where a fall loses. ``required_usd``: maintenance
    margin of the positions. ``options_owed_usd``: what the options held are worth below zero.
    """

    assets: Mapping[str, float]
    debts: Mapping[str, float] = field(default_factory=dict)
    prices: Mapping[str, AssetPrices] = field(default_factory=dict)
    gains_usd: Mapping[str, float] = field(default_factory=dict)
    long_delta_usd: Mapping[str, float] = field(default_factory=dict)
    required_usd: float = 0.0
    options_owed_usd: float = 0.0

    def __post_init__(self) -> None:
        for kind, amounts in (("asset", self.assets), ("debt", self.debts)):
            for name, amount in amounts.items():
                if not (math.isfinite(amount) and amount >= 0.0):
                    raise InputError(
                        "number_out_of_range",
                        "an amount held or owed is at least 0",
                        place=f"{kind} {name}",
                        value=amount,
                        limit=">= 0",
                        remedy="Give what is owed as a debt.",
                    )
                if name not in self.prices:
                    raise InputError(
                        "currency_unknown",
                        "no price of a collateral or debt",
                        place=f"{kind} {name}",
                        limit=", ".join(self.prices) or "none",
                        remedy="Give its price.",
                    )


@dataclass(frozen=True, slots=True)
class Asset:
    """One collateral. ``taken_usd`` has the dollars of each of STEPS; gross less all is counted."""

    name: str
    quantity: float
    price_usd: float
    price_from: str
    gross_usd: float
    taken_usd: Mapping[str, float]
    counted_usd: float
    wrong_way_usd: float
    days_to_sell: float | None
    verdicts: tuple[str, ...]

    @property
    def haircut(self) -> float:
        """Average share of the gross value that is not counted, wrong-way add-on apart."""
        return 1.0 - self.counted_usd / self.gross_usd if self.gross_usd > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Debt:
    """One debt at the highest known price."""

    name: str
    quantity: float
    price_usd: float
    owed_usd: float


@dataclass(frozen=True, slots=True)
class Profit:
    """Profit not realised of one underlying, and what of it enters before the cap."""

    underlying: str
    gain_usd: float
    enters_usd: float
    frozen: bool


@dataclass(frozen=True, slots=True)
class Collateral:
    """One account in dollars. ``counted_usd`` is after the wrong-way add-on and with profit."""

    assets: tuple[Asset, ...]
    debts: tuple[Debt, ...]
    profits: tuple[Profit, ...]
    collateral_usd: float  # before the add-on
    wrong_way_usd: float
    profit_usd: float  # what counts; below zero for losses
    counted_usd: float
    options_owed_usd: float  # part of the debts
    debt_usd: float
    required_usd: float

    @property
    def needed_usd(self) -> float:
        """Debts and maintenance margin."""
        return self.debt_usd + self.required_usd

    @property
    def ratio(self) -> float | None:
        """Counted over debts; None without any debt."""
        return self.counted_usd / self.debt_usd if self.debt_usd > 0.0 else None

    @property
    def health(self) -> float | None:
        """Counted over what is needed; None where nothing is."""
        return self.counted_usd / self.needed_usd if self.needed_usd > 0.0 else None


@dataclass(frozen=True, slots=True)
class Shock:
    """One currency at a factor of its price, and the account there."""

    name: str
    factor: float
    held: float
    owed: float
    collateral: Collateral


@dataclass(frozen=True, slots=True)
class Priced:
    """One asset at one of its values, and the account there."""

    name: str
    value: str  # venue, cross or redemption
    price_usd: float
    collateral: Collateral


# ---------------------------------------------------------------- value


def value_of(holdings: Holdings, schedule: Schedule) -> Collateral:
    """The collateral of one account under a schedule."""
    rows = [
        _taken(name, holdings.assets[name], holdings.prices[name], schedule)
        for name in sorted(holdings.assets)
    ]
    _concentrate(rows)
    _cap(rows, schedule)
    assets = tuple(row.asset(_wrong_way(row, holdings, schedule)) for row in rows)
    collateral_usd = math.fsum(asset.counted_usd for asset in assets)
    wrong_way_usd = math.fsum(asset.wrong_way_usd for asset in assets)
    profits, profit_usd = _profits(holdings, schedule, collateral_usd)
    debts = tuple(
        _debt(name, holdings.debts[name], holdings.prices[name]) for name in sorted(holdings.debts)
    )
    owed = math.fsum(debt.owed_usd for debt in debts) + holdings.options_owed_usd
    return Collateral(
        assets=assets,
        debts=debts,
        profits=profits,
        collateral_usd=collateral_usd,
        wrong_way_usd=wrong_way_usd,
        profit_usd=profit_usd,
        counted_usd=collateral_usd - wrong_way_usd + profit_usd,
        options_owed_usd=holdings.options_owed_usd,
        debt_usd=owed,
        required_usd=holdings.required_usd,
    )


@dataclass(slots=True)
class _Row:
    """One asset on its way through the steps."""

    name: str
    quantity: float
    terms: AssetTerms | None
    price_usd: float
    price_from: str
    gross_usd: float
    left_usd: float
    taken: dict[str, float]
    days: float | None
    verdicts: list[str]

    def take(self, step: str, left_usd: float) -> None:
        """One step that leaves so much."""
        self.taken[step] = self.taken.get(step, 0.0) + (self.left_usd - left_usd)
        self.left_usd = left_usd

    def asset(self, wrong_way_usd: float) -> Asset:
        """The finished row."""
        return Asset(
            self.name,
            self.quantity,
            self.price_usd,
            self.price_from,
            self.gross_usd,
            {step: self.taken.get(step, 0.0) for step in STEPS},
            self.left_usd,
            wrong_way_usd,
            self.days,
            tuple(self.verdicts),
        )


def _taken(name: str, quantity: float, prices: AssetPrices, schedule: Schedule) -> _Row:
    """Price, eligibility, tiers and size of one asset, before the others are known."""
    price, source = prices.chosen(schedule.price)
    gross = quantity * prices.venue_usd
    terms = schedule.assets.get(name)
    row = _Row(name, quantity, terms, price, source, gross, gross, {}, None, [])
    if prices.slow_usd is not None and price > schedule.growth_limit * prices.slow_usd:
        row.price_usd = price = schedule.growth_limit * prices.slow_usd
        row.price_from = "growth limit"
        row.verdicts.append(f"price limited to {schedule.growth_limit:g} times its slow average")
    row.take("price rule", quantity * price)
    times = 1.0
    if prices.self_referential:
        times = schedule.self_referential
        row.verdicts.append("self-referential: nobody but the venue's own book prices it")
    if terms is None:
        row.take("not eligible", 0.0)
        row.verdicts.append("not eligible: the schedule does not name it")
        return row
    row.take("tiers", row.left_usd - terms.tier_haircut_usd(row.left_usd, times))
    row.take("size", row.left_usd - schedule.size_haircut_usd(terms, row.left_usd))
    row.days = schedule.days_to_sell(terms, quantity * price)
    return row


def _concentrate(rows: list[_Row]) -> None:
    """What one asset holds above its share of the whole is cut."""
    whole = math.fsum(row.left_usd for row in rows)
    for row in rows:
        if row.terms is None or row.left_usd <= 0.0:
            continue
        excess = max(row.left_usd - row.terms.concentration_from * whole, 0.0)
        row.take("concentration", row.left_usd - row.terms.concentration_haircut * excess)


def _cap(rows: list[_Row], schedule: Schedule) -> None:
    """Caps of each asset, then of its group."""
    in_group: dict[str, list[_Row]] = {}
    for row in rows:
        if row.terms is None:
            continue
        row.take("cap", min(row.left_usd, row.terms.cap_usd))
        in_group.setdefault(row.terms.group, []).append(row)
    for group, members in in_group.items():
        total, cap = math.fsum(row.left_usd for row in members), schedule.group_cap_usd[group]
        if total > cap:
            for row in members:
                row.take("group cap", row.left_usd * (cap / total))


def _wrong_way(row: _Row, holdings: Holdings, schedule: Schedule) -> float:
    """The part of a collateral that falls together with the positions."""
    if row.terms is None:
        return 0.0
    exposed = math.fsum(
        correlation * max(holdings.long_delta_usd.get(coin, 0.0), 0.0)
        for coin, correlation in row.terms.moves_with.items()
    )
    return schedule.wrong_way * min(row.left_usd, exposed)


def _profits(
    holdings: Holdings, schedule: Schedule, collateral_usd: float
) -> tuple[tuple[Profit, ...], float]:
    """Profit not realised: gains with haircut, frozen or capped; losses in full."""
    terms = schedule.profit
    found, gains, losses = [], 0.0, 0.0
    for name in sorted(holdings.gains_usd):
        gain = holdings.gains_usd[name]
        prices, own = holdings.prices.get(name), schedule.assets.get(name)
        frozen = False
        if gain <= 0.0:
            enters = gain
            losses += gain
        elif own is None or prices is None:
            enters = 0.0  # an underlying that nobody set terms for backs nothing
        else:
            frozen = _jumped(prices, own, schedule)
            enters = 0.0 if frozen else (1.0 - terms.haircut) * gain
            gains += enters
        found.append(Profit(name, gain, enters, frozen))
    return tuple(found), min(gains, terms.cap_share * collateral_usd, terms.cap_usd) + losses


def _jumped(prices: AssetPrices, terms: AssetTerms, schedule: Schedule) -> bool:
    """Whether a price moved further from its slow average than its volatility carries it."""
    if prices.slow_usd is None:
        return False
    reach = schedule.profit.frozen_sigmas * terms.daily_vol * math.sqrt(schedule.slow_days)
    return abs(math.log(prices.venue_usd / prices.slow_usd)) > reach


def _debt(name: str, quantity: float, prices: AssetPrices) -> Debt:
    price = max(prices.known().values())
    return Debt(name, quantity, price, quantity * price)


# ---------------------------------------------------------------- other prices


def stable_shocks(
    holdings: Holdings, schedule: Schedule, stables: Callable[[str], bool]
) -> tuple[Shock, ...]:
    """Every stablecoin held or owed at ``1 - shock`` and ``1 + shock`` times its price.

    A rise hurts who owes it. Each moves alone, on assets and debts at once; the rest stands still.
    """
    out = []
    for name in sorted({*holdings.assets, *holdings.debts}):
        if not stables(name):
            continue
        for factor in (1.0 - schedule.stable_shock, 1.0 + schedule.stable_shock):
            moved = _at(holdings, name, _scaled(holdings.prices[name], factor))
            held, owed = holdings.assets.get(name, 0.0), holdings.debts.get(name, 0.0)
            out.append(Shock(name, factor, held, owed, value_of(moved, schedule)))
    return tuple(out)


def price_values(holdings: Holdings, schedule: Schedule) -> tuple[Priced, ...]:
    """Of every asset or debt with several known values: the account at each of them."""
    out = []
    for name in sorted({*holdings.assets, *holdings.debts}):
        prices = holdings.prices[name]
        known = prices.known()
        if len(known) < 2:
            continue
        for value, price in known.items():
            only = replace(prices, venue_usd=price, cross_usd=None, redemption_usd=None)
            out.append(Priced(name, value, price, value_of(_at(holdings, name, only), schedule)))
    return tuple(out)


def _at(holdings: Holdings, name: str, prices: AssetPrices) -> Holdings:
    return replace(holdings, prices={**holdings.prices, name: prices})


def _scaled(prices: AssetPrices, factor: float) -> AssetPrices:
    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    return replace(
        prices,
        venue_usd=prices.venue_usd * factor,
        cross_usd=times(prices.cross_usd),
        redemption_usd=times(prices.redemption_usd),
    )


# ---------------------------------------------------------------- top-up and withdrawal


def top_up(
    holdings: Holdings, schedule: Schedule, name: str, threshold: float = 1.0
) -> float | None:
    """The least amount of an asset to add so that the health is ``threshold`` or more.

    The least float: one float less fails. 0 where it is met; None where no amount reaches it
    (caps). Raises InputError ``currency_unknown`` without a price of the asset.
    """
    base = holdings.assets.get(name, 0.0)
    start = _with(holdings, name, base)
    target = threshold * value_of(start, schedule).needed_usd

    def enough(quantity: float) -> bool:
        return value_of(_with(holdings, name, quantity), schedule).counted_usd >= target

    if enough(base):
        return 0.0
    low, high = base, max(2.0 * base, 1.0)
    while not enough(high):
        low, high = high, 2.0 * high
        if high > _SEARCH_MAX:
            return None
    added = _edge(low, high, enough) - base
    while not enough(base + added):
        added = math.nextafter(added, math.inf)
    return added


def largest_withdrawal(
    holdings: Holdings, schedule: Schedule, name: str, threshold: float = 1.0
) -> float:
    """The largest amount of an asset that may leave with the health at ``threshold`` or more.

    0 where the health is below it already.
    """
    base = holdings.assets.get(name, 0.0)
    target = threshold * value_of(holdings, schedule).needed_usd

    def enough(quantity: float) -> bool:
        return value_of(_with(holdings, name, quantity), schedule).counted_usd >= target

    if not enough(base):
        return 0.0
    if enough(0.0):
        return base
    taken = base - _edge(0.0, base, enough)
    while taken > 0.0 and not enough(base - taken):
        taken = math.nextafter(taken, 0.0)
    return taken


def _with(holdings: Holdings, name: str, quantity: float) -> Holdings:
    return replace(holdings, assets={**holdings.assets, name: quantity})


def _edge(low: float, high: float, enough: Callable[[float], bool]) -> float:
    """The least float above ``low`` that is enough; ``low`` is not, ``high`` is."""
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        if enough(middle):
            high = middle
        else:
            low = middle
