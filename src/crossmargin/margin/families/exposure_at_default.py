"""The standardised approach for counterparty credit risk (SA-CCR): exposure at default.

    EAD        alpha (RC + multiplier x AddOn), alpha 1.4
    RC         max(V - C, 0); with margining max(V - C, TH + MTA - NICA, 0)
    multiplier min(1, floor + (1 - floor) exp((V - C) / (2 (1 - floor) AddOn))), floor 0.05
    D          adjusted notional x delta x maturity factor, of each trade

    rates      sqrt(D1^2 + D2^2 + D3^2 + 1.4 D1 D2 + 1.4 D2 D3 + 0.6 D1 D3) x factor, by currency;
               D1, D2, D3: up to 1, 5 and beyond 5 years
    fx, crypto |sum D| x factor, by pair or coin
    credit, equity, commodity: by entity A = factor x sum D, then by hedging set
               sqrt((sum rho A)^2 + sum (1 - rho^2) A^2)

and the add-ons of hedging sets and classes add up. V is the value of the netting set as the party
sees it that measures its exposure.

Sources: Basel Framework CRE52 (formulas; factors in CRE52.72). Crypto: SCO60, as recalled: a class
of its own, one hedging set a coin, that works like exchange rates (group 2a), or half the gross
notional (group 2b).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, isfinite, log, sqrt

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import Parameters

__all__ = [
    "FAMILIES",
    "SECTORS",
    "Factor",
    "MarginTerms",
    "NettingSet",
    "Trade",
    "add_ons",
    "exposure",
    "factors_of",
    "margined_factor",
    "multiplier",
    "option_delta",
    "replacement_cost",
    "supervisory_duration",
    "tranche_delta",
    "unmargined_factor",
]

# Class of trade -> how its hedging sets are formed.
FAMILIES = {
    "rates": "terms",
    "fx": "net",
    "crypto": "net",
    "credit": "entities",
    "equity": "entities",
    "commodity": "entities",
}
SECTORS = (
    "rates",
    "fx",
    "credit_aaa",
    "credit_aa",
    "credit_a",
    "credit_bbb",
    "credit_bb",
    "credit_b",
    "credit_ccc",
    "credit_index_ig",
    "credit_index_sg",
    "equity_single",
    "equity_index",
    "commodity_electricity",
    "commodity_other",
    "crypto",
)
_EDGES_YEARS = (1.0, 5.0)
_RATE = 0.05  # of the supervisory duration
_FLOOR_DAYS = 10.0  # business days, of 250 a year
_YEAR_DAYS = 250.0


@dataclass(frozen=True, slots=True)
class Factor:
    """What the supervisor gives for a sector: factor, correlation, volatility of its options."""

    factor: float
    correlation: float
    option_vol: float


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade. ``hedging_set``: currency, pair, coin or commodity group; ``entity``: issuer,
    index or commodity type (empty where the class nets without).

    ``adjusted_notional`` is not negative and without delta and maturity factor; ``end_years`` puts
    a trade on rates into its band.
    """

    asset_class: str
    sector: str
    hedging_set: str
    adjusted_notional: float
    delta: float
    maturity_factor: float
    end_years: float = 0.0
    entity: str = ""


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """Of a margined netting set: threshold, minimum transfer and independent collateral."""

    threshold: float = 0.0
    minimum_transfer: float = 0.0
    independent: float = 0.0


@dataclass(frozen=True, slots=True)
class NettingSet:
    """The exposure of a netting set and what it is made of."""

    add_ons: Mapping[tuple[str, str], float]  # by class and hedging set
    add_on: float
    replacement_cost: float
    multiplier: float
    pfe: float
    ead: float


def factors_of(parameters: Parameters) -> dict[str, Factor]:
    """Supervisory numbers by sector: ``sector.NAME.factor, correlation, option_vol``."""
    return {
        name: Factor(
            parameters.number(f"sector.{name}.factor"),
            parameters.number(f"sector.{name}.correlation"),
            parameters.number(f"sector.{name}.option_vol"),
        )
        for name in SECTORS
    }


# ---------------------------------------------------------------- of one trade


def supervisory_duration(start_years: float, end_years: float) -> float:
    """SD = (exp(-0.05 S) - exp(-0.05 E)) / 0.05, S floored at 10 business days of the end."""
    start = _number(start_years, "start_years", low=0.0)
    end = _number(end_years, "end_years", low=0.0)
    if end < start:
        raise InputError(
            "number_out_of_range",
            "a trade ends before it starts",
            place="end_years",
            value=end_years,
            limit=f"at least {start_years}",
        )
    end = max(end, start + _FLOOR_DAYS / _YEAR_DAYS)
    return (exp(-_RATE * start) - exp(-_RATE * end)) / _RATE


def unmargined_factor(maturity_years: float) -> float:
    """MF = sqrt(min(M, 1 year)), M at least 10 business days."""
    years = _number(maturity_years, "maturity_years", low=0.0)
    return sqrt(min(max(years, _FLOOR_DAYS / _YEAR_DAYS), 1.0))


def margined_factor(risk_days: float) -> float:
    """MF = 1.5 sqrt(MPOR / 1 year); the margin period of risk in business days of 250 a year."""
    return 1.5 * sqrt(_number(risk_days, "risk_days", low=0.0) / _YEAR_DAYS)


def option_delta(
    right: int, bought: bool, price: float, strike: float, vol: float, years: float
) -> float:
    """Signed delta: N(d) of a call, -N(-d) of a put, turned over where it is sold.

    ``d = (ln(P / K) + vol^2 T / 2) / (vol sqrt(T))`` with the supervisory volatility; ``years`` is
    T to the last exercise date. Errors: ``number_not_finite``, ``number_out_of_range`` (a price,
    strike or volatility that is not above 0, a life below 0), ``option_unknown`` (a right).
    """
    if right not in (1, -1):
        raise InputError("option_unknown", "no such right", value=right, limit="1 call, -1 put")
    for name, value in (("price", price), ("strike", strike), ("vol", vol)):
        if _number(value, name, low=0.0) == 0.0:
            raise InputError("number_out_of_range", f"{name} is 0", place=name, limit="above 0")
    spread = vol * sqrt(_number(years, "years", low=0.0))
    moneyness = log(price / strike)
    if spread == 0.0:
        inside = 0.5 if moneyness == 0.0 else float(right * moneyness > 0.0)
        return (1.0 if bought else -1.0) * right * inside
    d = right * (moneyness / spread + 0.5 * spread)
    return (1.0 if bought else -1.0) * right * 0.5 * erfc(-d / sqrt(2.0))


def tranche_delta(bought: bool, attachment: float, detachment: float) -> float:
    """15 / ((1 + 14 A)(1 + 14 D)), positive where protection is bought."""
    low = _number(attachment, "attachment", low=0.0)
    high = _number(detachment, "detachment", low=low, high=1.0)
    return (1.0 if bought else -1.0) * 15.0 / ((1.0 + 14.0 * low) * (1.0 + 14.0 * high))


# ---------------------------------------------------------------- of a netting set


def add_ons(trades: Sequence[Trade], factors: Mapping[str, Factor]) -> dict[tuple[str, str], float]:
    """Add-on of each class and hedging set, in the order in which the trades name them.

    Errors: ``option_unknown`` (class, sector), ``number_not_finite``, ``number_out_of_range`` (a
    negative notional, a delta beyond 1, a maturity factor or end below 0).
    """
    sets: dict[tuple[str, str], list[Trade]] = {}
    for trade in trades:
        for name, known in ((trade.asset_class, FAMILIES), (trade.sector, factors)):
            if name not in known:
                raise InputError(
                    "option_unknown",
                    "no such class or sector",
                    value=name,
                    limit=", ".join(known),
                )
        _number(trade.adjusted_notional, "adjusted_notional", low=0.0)
        _number(abs(trade.delta), "delta", low=0.0, high=1.0 if _plain(trade) else 15.0)
        _number(trade.maturity_factor, "maturity_factor", low=0.0)
        _number(trade.end_years, "end_years", low=0.0)
        sets.setdefault((trade.asset_class, trade.hedging_set), []).append(trade)
    forms = {"terms": _terms, "net": _net, "entities": _entities}
    return {key: forms[FAMILIES[key[0]]](rows, factors) for key, rows in sets.items()}


def exposure(
    value: float,
    collateral: float,
    trades: Sequence[Trade],
    factors: Mapping[str, Factor],
    *,
    alpha: float = 1.4,
    floor: float = 0.05,
    terms: MarginTerms | None = None,
) -> NettingSet:
    """EAD of one netting set: V, C (after haircuts), its trades; ``terms`` where it is margined."""
    found = add_ons(trades, factors)
    total = 0.0
    for each in found.values():
        total += each
    cost = replacement_cost(value, collateral, terms)
    share = float(multiplier(np.array([value - collateral]), np.array([total]), floor)[0])
    pfe = share * total
    return NettingSet(found, total, cost, share, pfe, alpha * (cost + pfe))


def replacement_cost(value: float, collateral: float, terms: MarginTerms | None = None) -> float:
    """RC of a netting set; ``terms`` where it is margined."""
    exposed = _number(value, "value") - _number(collateral, "collateral")
    if terms is None:
        return max(exposed, 0.0)
    least = _number(terms.threshold, "threshold", low=0.0)
    least += _number(terms.minimum_transfer, "minimum_transfer", low=0.0)
    return max(exposed, least - _number(terms.independent, "independent"), 0.0)


def multiplier(exposed: Floats, add_on: Floats, floor: float) -> Floats:
    """[A] share of the add-on that over-collateralisation leaves; 1 where there is no add-on."""
    some = add_on > 0.0
    below = np.minimum(exposed, 0.0) / np.where(some, 2.0 * (1.0 - floor) * add_on, 1.0)
    share = floor + (1.0 - floor) * np.exp(np.where(some, below, 0.0))
    return np.minimum(share, 1.0)


def _plain(trade: Trade) -> bool:
    """Whether a trade's delta cannot exceed 1: all but tranches of credit."""
    return trade.asset_class != "credit"


def _effective(trade: Trade) -> float:
    return trade.adjusted_notional * trade.delta * trade.maturity_factor


def _terms(trades: Sequence[Trade], factors: Mapping[str, Factor]) -> float:
    d = [0.0, 0.0, 0.0]
    for trade in trades:
        d[sum(trade.end_years > edge for edge in _EDGES_YEARS)] += _effective(trade)
    square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    square += 1.4 * d[0] * d[1] + 1.4 * d[1] * d[2] + 0.6 * d[0] * d[2]
    return factors[trades[0].sector].factor * sqrt(max(square, 0.0))


def _net(trades: Sequence[Trade], factors: Mapping[str, Factor]) -> float:
    total = 0.0
    for trade in trades:
        total += _effective(trade)
    return factors[trades[0].sector].factor * abs(total)


def _entities(trades: Sequence[Trade], factors: Mapping[str, Factor]) -> float:
    found: dict[str, float] = {}
    rho: dict[str, float] = {}
    for trade in trades:
        given = factors[trade.sector]
        found[trade.entity] = found.get(trade.entity, 0.0) + given.factor * _effective(trade)
        rho[trade.entity] = given.correlation
    common = own = 0.0
    for name, amount in found.items():
        common += rho[name] * amount
        own += (1.0 - rho[name] * rho[name]) * amount * amount
    return sqrt(common * common + own)


def _number(value: float, what: str, *, low: float = -1e300, high: float = 1e300) -> float:
    """A finite number in its range, or a named error."""
    if not isfinite(value):
        raise InputError("number_not_finite", f"{what} is not finite", place=what, value=value)
    if not low <= value <= high:
        raise InputError(
            "number_out_of_range",
            f"{what} is refused",
            place=what,
            value=value,
            limit=f"{low:g} to {high:g}",
        )
    return float(value)
