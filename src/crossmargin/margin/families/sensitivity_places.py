"""Where each line of a sensitivity file enters the aggregation, class by class.

A vega line has two places, in the vega and in the curvature margin; every other line has one.
With ``sigma = RW sqrt(365/14) / Phi^-1(99 %)`` (``365/1.4`` in the 1-day model):

    delta                  x = s,                 weight RW
    vega, equity/commodity/FX   x = HVR sigma s,  weight VRW
    vega, rates/credit     x = s,                 weight VRW
    curvature              x = SF(t) sigma s      (sigma 1 for rates and credit), weight 1
    SF(t) = 0.5 min(1, 14 days / t)               (1.4 days in the 1-day model)

A factor is a currency's tenor and sub-curve (delta) or tenor (vega), an issuer's tenor and label,
an equity, a commodity, a currency or a pair. Inflation is one factor of its currency, basis between
currencies another, which is left out of concentration. Volatility indices have no curvature margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from crossmargin.instruments.factors import TENOR_DAYS, TENORS, Factor
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet

__all__ = ["BASIS", "INFLATION", "Group", "Site", "currency_codes", "sites_of", "spread_days"]

Group = tuple[str, str, str]  # product class, risk class, margin type
INFLATION, BASIS = len(TENORS), len(TENORS) + 1  # rows of the rates' correlation matrix
_QUANTILE = NormalDist().inv_cdf(0.99)
_RESIDUAL = "Residual"
_VOLATILITY_INDICES = "12"
_PAIRS = {"11": "1", "12": "2", "13": "3", "22": "4", "23": "5", "33": "6"}


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a factor: group, bucket, entry, concentration set, and what it is worth."""

    group: Group
    bucket: str
    entry: tuple[str, ...]  # the first part is the name that correlations compare
    concentration: str  # "" where none
    threshold_usd: float
    code: int
    weight: float
    factor: float


def spread_days(numbers: SensitivitySet) -> float:
    """The days over which a volatility is spread: 14 calendar days for 10, 1.4 for 1."""
    return 14.0 if numbers.horizon_days == 10 else 1.4


def _sigma(numbers: SensitivitySet, weight: float) -> float:
    return weight * math.sqrt(365.0 / spread_days(numbers)) / _QUANTILE


def _curve_factor(numbers: SensitivitySet, tenor: str) -> float:
    return 0.5 * min(1.0, spread_days(numbers) / TENOR_DAYS[tenor])


def sites_of(factor: Factor, numbers: SensitivitySet, calculation: str) -> tuple[Site, ...]:
    """The places of a factor; none for the calculation currency itself.

    Raises ModelError ``parameter_missing`` where the set has no number for it.
    """
    if factor.risk_class == "InterestRate":
        return _rates(factor, numbers)
    if factor.risk_class.startswith("Credit"):
        return _credit(factor, numbers)
    if factor.risk_class == "FX":
        return _currencies(factor, numbers, calculation)
    return _names(factor, numbers)


def _rates(factor: Factor, numbers: SensitivitySet) -> tuple[Site, ...]:
    name, currency, pc = "InterestRate", factor.qualifier, factor.product_class
    group = numbers.group(name, "ConcentrationThresholds", currency)
    inflation = factor.risk_type in ("Risk_Inflation", "Risk_InflationVol")
    if factor.volatility:
        code = INFLATION if inflation else TENORS.index(factor.label1)
        entry = ("", "inflation" if inflation else factor.label1)
        limit = numbers.threshold_usd(name, "Vega", group)
        weight = numbers.weight(name, "Vega")
        curve = _curve_factor(numbers, factor.label1)
        return (
            Site((pc, name, "Vega"), currency, entry, currency, limit, code, weight, 1.0),
            Site((pc, name, "Curvature"), currency, entry, "", math.inf, code, 1.0, curve),
        )
    limit = numbers.threshold_usd(name, "Delta", group)
    held, entry = currency, (factor.label2, factor.label1)
    if inflation:
        code, weight, entry = INFLATION, numbers.weight(name, "Inflation"), ("", "inflation")
    elif factor.risk_type == "Risk_XCcyBasis":
        code, weight, entry = BASIS, numbers.weight(name, "XCcyBasis"), ("", "basis")
        held, limit = "", math.inf
    else:
        code = TENORS.index(factor.label1)
        bucket = numbers.group(name, "RiskWeights", currency)
        weight = numbers.weight(name, "Delta", bucket, factor.label1)
    return (Site((pc, name, "Delta"), currency, entry, held, limit, code, weight, 1.0),)


def _credit(factor: Factor, numbers: SensitivitySet) -> tuple[Site, ...]:
    name, pc, bucket = factor.risk_class, factor.product_class, factor.bucket
    if factor.risk_type == "Risk_BaseCorr":
        weight = numbers.weight(name, "BaseCorrelation")
        index = (factor.qualifier,)
        return (Site((pc, name, "BaseCorr"), "", index, "", math.inf, 0, weight, 1.0),)
    # Securitisations are alike where they share a group of names, the second label.
    alike = factor.label2 if name == "CreditNonQualifying" else factor.qualifier
    entry = (alike, factor.qualifier, factor.label1, factor.label2)
    held = f"{bucket}|{factor.qualifier}"
    if factor.volatility:
        limit = numbers.threshold_usd(name, "Vega", "")
        weight = numbers.weight(name, "Vega")
        curve = _curve_factor(numbers, factor.label1)
        return (
            Site((pc, name, "Vega"), bucket, entry, held, limit, 0, weight, 1.0),
            Site((pc, name, "Curvature"), bucket, entry, "", math.inf, 0, 1.0, curve),
        )
    limit = numbers.threshold_usd(name, "Delta", bucket)
    weight = numbers.weight(name, "Delta", bucket)
    return (Site((pc, name, "Delta"), bucket, entry, held, limit, 0, weight, 1.0),)


def _names(factor: Factor, numbers: SensitivitySet) -> tuple[Site, ...]:
    """Equities and commodities: one factor a name, whatever the expiry."""
    name, pc, bucket = factor.risk_class, factor.product_class, factor.bucket
    entry, held = (factor.qualifier,), f"{bucket}|{factor.qualifier}"
    weight = numbers.weight(name, "Delta", bucket)
    if not factor.volatility:
        limit = numbers.threshold_usd(name, "Delta", bucket)
        return (Site((pc, name, "Delta"), bucket, entry, held, limit, 0, weight, 1.0),)
    sigma = _sigma(numbers, weight)
    limit = numbers.threshold_usd(name, "Vega", bucket)
    vega = numbers.weight(name, "Vega", bucket if name == "Equity" else "")
    ratio = numbers.weight(name, "HistoricalVolatilityRatio") * sigma
    first = Site((pc, name, "Vega"), bucket, entry, held, limit, 0, vega, ratio)
    if name == "Equity" and bucket == _VOLATILITY_INDICES:
        return (first,)
    curve = _curve_factor(numbers, factor.label1) * sigma
    return (first, Site((pc, name, "Curvature"), bucket, entry, "", math.inf, 0, 1.0, curve))


def _currencies(factor: Factor, numbers: SensitivitySet, calculation: str) -> tuple[Site, ...]:
    name, pc = "FX", factor.product_class
    home = numbers.group(name, "RiskWeights", calculation)

    def groups(block: str, *codes: str) -> list[str]:
        return [numbers.group(name, block, code) for code in codes]

    if not factor.volatility:
        if factor.qualifier == calculation:
            return ()
        (own,) = groups("RiskWeights", factor.qualifier)
        weight = numbers.weight(name, "Delta", "", home, own)
        (category,) = groups("ConcentrationThresholds", factor.qualifier)
        limit = numbers.threshold_usd(name, "Delta", category)
        entry, code = (factor.qualifier,), currency_codes(numbers).index(own)
        return (Site((pc, name, "Delta"), "", entry, entry[0], limit, code, weight, 1.0),)
    pair = sorted((factor.qualifier[:3], factor.qualifier[3:]))
    first, second = groups("RiskWeights", *pair)
    sigma = _sigma(numbers, numbers.weight(name, "Delta", "", first, second))
    kind = _PAIRS["".join(sorted(groups("ConcentrationThresholds", *pair)))]
    limit = numbers.threshold_usd(name, "Vega", kind)
    entry, held = ("".join(pair),), "".join(pair)
    ratio = numbers.weight(name, "HistoricalVolatilityRatio") * sigma
    vega = numbers.weight(name, "Vega")
    curve = _curve_factor(numbers, factor.label1) * sigma
    return (
        Site((pc, name, "Vega"), "", entry, held, limit, 0, vega, ratio),
        Site((pc, name, "Curvature"), "", entry, "", math.inf, 0, 1.0, curve),
    )


def currency_codes(numbers: SensitivitySet) -> list[str]:
    """The groups of currencies by volatility, in the order of the correlation matrix."""
    return sorted(set(numbers.groups["FX", "RiskWeights"].values()))
