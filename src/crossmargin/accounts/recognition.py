"""How much of a netting benefit may be counted: the eight conditions, each with its effect.

With R, M, E the venues' initial demand, maintenance demand and equity, N the economic net:

    benefit      B = max(0, ΣR - N)
    enforced     × e, the least enforceability: a hedge is as good as its least seizable leg
    liquidity    at each venue  R - (share of M that must stay + k Σ σ sqrt(t) |δ| S)  may be netted
    oracle lag   - k Σ h σ sqrt(lag) S      on the hedged part h of each leg
    basis        - Σ h (basis + distance of the venue's price from the others') S
    lower-of     at most the smallest saving under any model that was asked
    default      at most  min(equity there, ΣR - N without the venue) / (1 - recovery)
    wind-down    at most  ΣR - N sqrt(days to leave / horizon), the slowest venue's days
    cap          of each underlying and of each venue
    both numbers ΣR is what venues demand; nothing here changes it

The benefit is spread over the venues by their demand, and no venue's share exceeds what may leave
it. The credit is linear in ``e``, falls (or stays) when a condition is tightened, and is at most B.
Source of the conditions: published clearing-house cross-margining practice and Gearbox's quotas,
gathered by this project; the formulas are this project's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from crossmargin.accounts.venue_accounts import Rules, Trust, adverse_move_usd
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import InputError

__all__ = ["CONDITIONS", "Credit", "Facts", "Step", "VenueFacts", "hedged_coins", "recognise"]

_YEAR_S = YEAR_MS / 1000.0
_Apply = Callable[[float], float]
CONDITIONS = (
    "benefit",
    "enforceability",
    "liquidity",
    "oracle lag",
    "basis",
    "lower of",
    "venue default",
    "wind-down",
    "concentration",
)


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """One venue account in dollars; ``deltas``: underlying -> (coins, dollars a coin there)."""

    name: str
    equity_usd: float
    demand_im_usd: float
    demand_mm_usd: float
    deltas: Mapping[str, tuple[float, float]]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the credit rests on. ``net_without_usd[v]``: N with account v gone."""

    venues: tuple[VenueFacts, ...]
    net_im_usd: float
    net_without_usd: tuple[float, ...]
    savings_usd: tuple[float, ...]  # of every model that could be asked
    sigma: Mapping[str, float]  # a year, fraction


@dataclass(frozen=True, slots=True)
class Step:
    """One condition and what it is set to.

    ``alone_usd``: what it would leave of the benefit if no other condition stood. ``enforced_usd``:
    what is left after it and all before it, were enforceability one. ``credit_usd``: the same at
    the enforceability that there is.
    """

    condition: str
    setting: str
    alone_usd: float
    enforced_usd: float
    credit_usd: float


@dataclass(frozen=True, slots=True)
class Credit:
    """The waterfall, and the credit at each venue. ``demanded_im_usd`` is what binds."""

    steps: tuple[Step, ...]
    demanded_im_usd: float
    net_im_usd: float
    by_venue_usd: tuple[float, ...]
    stays_usd: tuple[float, ...]  # what must remain at each venue whatever is netted

    @property
    def credit_usd(self) -> float:
        """What may be counted when every condition is heeded."""
        return self.steps[-1].credit_usd

    @property
    def credited_im_usd(self) -> float:
        """What would be asked by whoever can enforce; the venues go on asking ``demanded``."""
        return self.demanded_im_usd - self.credit_usd


def hedged_coins(deltas: Sequence[Mapping[str, tuple[float, float]]]) -> list[dict[str, float]]:
    """The part of each account's delta that other accounts offset, in coins, at least 0.

    By underlying the smaller of all longs and all shorts is matched; each leg has the share of it
    that it has of its side. What one account nets inside itself is the venue's own affair.
    """
    names = sorted({name for each in deltas for name in each})
    out: list[dict[str, float]] = [{} for _ in deltas]
    for name in names:
        coins = [each.get(name, (0.0, 0.0))[0] for each in deltas]
        sides = (sum(c for c in coins if c > 0.0), -sum(c for c in coins if c < 0.0))
        matched = min(sides)
        for k, c in enumerate(coins):
            side = sides[0] if c > 0.0 else sides[1]
            out[k][name] = abs(c) * matched / side if side > 0.0 and matched > 0.0 else 0.0
    return out


def recognise(facts: Facts, rules: Rules) -> Credit:
    """The credit and its waterfall. Raises InputError for an account list that is empty."""
    if not facts.venues:
        raise InputError(
            "book_empty", "no account is given", remedy="Give at least one venue account."
        )
    venues = facts.venues
    demanded = sum(venue.demand_im_usd for venue in venues)
    benefit = max(0.0, demanded - facts.net_im_usd)
    asked = sum(max(0.0, venue.demand_im_usd) for venue in venues)
    weights = [max(0.0, v.demand_im_usd) / asked if asked > 0.0 else 0.0 for v in venues]
    stays = [_stays(venue, facts.sigma, rules) for venue in venues]
    leaves = [max(0.0, v.demand_im_usd - s) for v, s in zip(venues, stays, strict=True)]
    weakest = min(venues, key=lambda venue: venue.trust.enforceability)
    share = weakest.trust.enforceability

    def spread(gross: float) -> list[float]:
        return [min(gross * w, leave) for w, leave in zip(weights, leaves, strict=True)]

    steps = [
        Step("benefit", "", benefit, benefit, benefit),
        Step(
            "enforceability",
            f"{share:g} (least: {weakest.name})",
            share * benefit,
            benefit,
            share * benefit,
        ),
    ]

    def add(condition: str, setting: str, alone: float, enforced: float) -> None:
        steps.append(Step(condition, setting, alone, enforced, share * enforced))

    slowest = max(venues, key=lambda venue: venue.trust.transfer_time_s)
    local = sum(spread(benefit))
    text = f"{slowest.trust.transfer_time_s:g} s at {slowest.name}, k {rules.k:g}"
    add("liquidity", text, local, local)
    gross = benefit
    for condition, setting, apply in _conditions(facts, rules, demanded):
        gross = _within(apply(gross), gross)
        add(condition, setting, _within(apply(benefit), benefit), sum(spread(gross)))
    gross, capped = _asset_capped(facts, rules, gross)
    final = _venue_capped(venues, spread(gross))
    alone = _venue_capped(venues, [_asset_capped(facts, rules, benefit)[0] * w for w in weights])
    caps = [f"{v.name} {_usd(v.trust.concentration_cap_usd)}" for v in venues if _capped(v)]
    add("concentration", ", ".join([*caps, *capped]) or "no cap", sum(alone), sum(final))
    by_venue = tuple(share * each for each in final)
    return Credit(tuple(steps), demanded, facts.net_im_usd, by_venue, tuple(stays))


def _within(value: float, high: float) -> float:
    """A condition never adds, and never takes more than there is."""
    return min(high, max(0.0, value))


def _venue_capped(venues: Sequence[VenueFacts], shares: Sequence[float]) -> list[float]:
    return [
        min(share, venue.trust.concentration_cap_usd)
        for share, venue in zip(shares, venues, strict=True)
    ]


def _capped(venue: VenueFacts) -> bool:
    return venue.trust.concentration_cap_usd < math.inf


def _usd(amount: float) -> str:
    shown = f"{amount:,.0f}"
    return f"{'0' if shown == '-0' else shown} USD"


def _stays(venue: VenueFacts, sigma: Mapping[str, float], rules: Rules) -> float:
    """What must lie at the venue itself until money can arrive."""
    move = adverse_move_usd(venue.deltas, sigma, venue.trust.transfer_time_s, rules.k)
    return rules.local_maintenance * max(0.0, venue.demand_mm_usd) + move


def _conditions(facts: Facts, rules: Rules, demanded: float) -> list[tuple[str, str, _Apply]]:
    """Conditions that act on the whole: name, setting, and the credit after it from before it."""
    venues = facts.venues
    hedged = hedged_coins([venue.deltas for venue in venues])
    lag = sum(
        rules.k * facts.sigma[u] * math.sqrt(v.trust.oracle_lag_s / _YEAR_S) * h * v.deltas[u][1]
        for v, each in zip(venues, hedged, strict=True)
        for u, h in each.items()
        if h > 0.0
    )
    gaps = _price_gaps(venues)
    basis = sum(
        (v.trust.basis_fraction + gaps[u, v.name]) * h * v.deltas[u][1]
        for v, each in zip(venues, hedged, strict=True)
        for u, h in each.items()
        if h > 0.0
    )
    late = max(venues, key=lambda venue: venue.trust.oracle_lag_s)
    wide = max(venues, key=lambda venue: venue.trust.basis_fraction)
    slow = max(venues, key=lambda venue: venue.trust.wind_down_days)
    lowest = min(facts.savings_usd, default=math.inf) if rules.lower_of else math.inf
    caps = [
        (_default_cap(v, demanded - without), v.name)
        for v, without in zip(venues, facts.net_without_usd, strict=True)
    ]
    default, defaulter = min(caps)
    stretch = math.sqrt(max(1.0, slow.trust.wind_down_days / rules.horizon_days))
    wound = demanded - facts.net_im_usd * stretch
    lag_text = f"{late.trust.oracle_lag_s:g} s at {late.name}: {_usd(lag)}"
    basis_text = f"{1e4 * wide.trust.basis_fraction:g} bp at {wide.name}: {_usd(basis)}"
    lower_text = "off" if lowest == math.inf else f"smallest saving {_usd(lowest)}"
    default_text = "all recover" if default == math.inf else f"{defaulter}: {_usd(default)}"
    slow_text = f"{slow.trust.wind_down_days:g} days at {slow.name}"
    return [
        ("oracle lag", lag_text, lambda gross: gross - lag),
        ("basis", basis_text, lambda gross: gross - basis),
        ("lower of", lower_text, lambda gross: min(gross, lowest)),
        ("venue default", default_text, lambda gross: min(gross, default)),
        ("wind-down", slow_text, lambda gross: min(gross, wound) if stretch > 1.0 else gross),
    ]


def _default_cap(venue: VenueFacts, without_usd: float) -> float:
    """Credit that survives the venue's default; none is lost where all of it is recovered."""
    lost = 1.0 - venue.trust.recovery
    if lost == 0.0:
        return math.inf
    return max(0.0, min(venue.equity_usd, without_usd)) / lost


def _price_gaps(venues: Sequence[VenueFacts]) -> dict[tuple[str, str], float]:
    """(underlying, account) -> distance of its price from the middle one, as a fraction."""
    out = {}
    for name in sorted({name for venue in venues for name in venue.deltas}):
        prices = {v.name: v.deltas[name][1] for v in venues if name in v.deltas}
        middle = median(prices.values())
        for account, price in prices.items():
            out[name, account] = abs(price / middle - 1.0)
    return out


def _asset_capped(facts: Facts, rules: Rules, gross: float) -> tuple[float, list[str]]:
    """The credit after the caps by underlying, spread by the hedged notional."""
    if not rules.asset_caps_usd:
        return gross, []
    hedged = hedged_coins([venue.deltas for venue in facts.venues])
    notional: dict[str, float] = {}
    for venue, each in zip(facts.venues, hedged, strict=True):
        for name, coins in each.items():
            notional[name] = notional.get(name, 0.0) + coins * venue.deltas.get(name, (0.0, 0.0))[1]
    whole = sum(notional.values())
    if whole <= 0.0:
        return gross, []
    kept = [
        min(gross * each / whole, rules.asset_caps_usd.get(name, math.inf))
        for name, each in notional.items()
    ]
    text = [f"{name} {_usd(cap)}" for name, cap in rules.asset_caps_usd.items()]
    return sum(kept), text
