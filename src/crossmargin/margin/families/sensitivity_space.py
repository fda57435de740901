"""The space of a table of risk factors under one parameter set: codes, matrices, loads.

Made once for a table; every block of accounts reads it (see :mod:`sensitivity_forms`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.factors import (
    MARGIN_TYPES,
    PRODUCT_CLASSES,
    RISK_CLASSES,
    TENORS,
    Factor,
    buckets_of,
)
from crossmargin.margin.families.sensitivity_forms import Loads, Space
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet
from crossmargin.margin.families.sensitivity_places import (
    BASIS,
    INFLATION,
    Group,
    Site,
    currency_codes,
    sites_of,
)

__all__ = ["FactorSpace", "space_of"]

_WIDTH = len(TENORS) + 2
_RESIDUAL = "Residual"
_BUCKETED = {
    "CreditQualifying": buckets_of("Risk_CreditQ"),
    "CreditNonQualifying": buckets_of("Risk_CreditNonQ"),
    "Equity": buckets_of("Risk_Equity"),
    "Commodity": buckets_of("Risk_Commodity"),
}


@dataclass(frozen=True, slots=True)
class FactorSpace:
    """A space, the loads of the table's rows, and which group is what."""

    space: Space
    loads: Loads
    groups: tuple[Group, ...]


def _group_order(group: Group) -> tuple[int, int, int]:
    pc, risk_class, kind = group
    return PRODUCT_CLASSES.index(pc), RISK_CLASSES.index(risk_class), MARGIN_TYPES.index(kind)


def _intra(numbers: SensitivitySet, group: Group, bucket: str, home: str) -> tuple[Floats, Floats]:
    """[C, C] correlation inside a bucket of two factors of one name, and of two names."""
    _, risk_class, kind = group
    same = np.ones((_WIDTH, _WIDTH))
    if risk_class == "InterestRate":
        return _rates_intra(numbers)
    if kind == "BaseCorr":
        rho = numbers.number(risk_class, "Correlations", "BaseCorrelation")
        return same, np.full_like(same, rho)
    if risk_class.startswith("Credit"):
        where = "residual" if bucket == _RESIDUAL else "aggregate"
        one, two = (
            numbers.number(risk_class, "Correlations", "IntraBucket", "", where, names)
            for names in ("same", "different")
        )
        return np.full_like(same, one), np.full_like(same, two)
    if risk_class == "FX":
        return same, _currency_intra(numbers, kind, home)
    rho = numbers.number(risk_class, "Correlations", "IntraBucket", bucket)
    return same, np.full_like(same, rho)


def _rates_intra(numbers: SensitivitySet) -> tuple[Floats, Floats]:
    name = "InterestRate"
    same = np.ones((_WIDTH, _WIDTH))
    for i, first in enumerate(TENORS):
        for j, second in enumerate(TENORS):
            if i != j:
                rho = numbers.number(name, "Correlations", "IntraBucket", "", first, second)
                same[i, j] = rho
    different = same * numbers.number(name, "Correlations", "SubCurves")
    for code, item in ((INFLATION, "Inflation"), (BASIS, "XCcyBasis")):
        rho = numbers.number(name, "Correlations", item)
        for matrix in (same, different):
            matrix[code, :] = matrix[:, code] = rho
    return same, different


def _currency_intra(numbers: SensitivitySet, kind: str, home: str) -> Floats:
    matrix = np.ones((_WIDTH, _WIDTH))
    if kind != "Delta":
        return matrix * numbers.number("FX", "Correlations", "Volatility")
    codes = currency_codes(numbers)
    for i, first in enumerate(codes):
        for j, second in enumerate(codes):
            rho = numbers.number("FX", "Correlations", "IntraBucket", home, first, second)
            matrix[i, j] = rho
    return matrix


def _across(numbers: SensitivitySet, risk_class: str) -> Floats:
    """[P, P] correlation between buckets; every currency's rates share one row."""
    size = max(len(buckets) for buckets in _BUCKETED.values())
    gamma = np.ones((size, size))
    if risk_class == "InterestRate":
        return gamma * numbers.number(risk_class, "Correlations", "Outer")
    buckets = [name for name in _BUCKETED.get(risk_class, ()) if name != _RESIDUAL]
    for i, first in enumerate(buckets):
        for j, second in enumerate(buckets):
            if i != j:
                rho = numbers.number(risk_class, "Correlations", "InterBucket", "", first, second)
                gamma[i, j] = rho
    return gamma


def _bucket_place(risk_class: str, bucket: str) -> int:
    return _BUCKETED[risk_class].index(bucket) if risk_class in _BUCKETED and bucket else 0


def space_of(
    factors: Sequence[Factor],
    numbers: SensitivitySet,
    calculation: str = "USD",
    *,
    posted: bool = False,
) -> FactorSpace:
    """The space of I factors, in the order of the table; parameter lines load on nothing.

    ``calculation`` is the currency whose own exchange rate is no risk. ``posted`` turns the sign of
    every amount: what their holder posts instead of what he collects. Raises ModelError
    ``parameter_missing``.
    """
    sign = -1.0 if posted else 1.0
    sites = [
        sites_of(factor, numbers, calculation) if factor.risk_class else () for factor in factors
    ]
    flat = [site for found in sites for site in found]
    entries = sorted(
        {(_group_order(s.group), s.group, s.bucket, s.entry) for s in flat},
    )
    home = numbers.group("FX", "RiskWeights", calculation)
    space, codes = _laid_out(entries, flat, numbers, home)
    start = np.cumsum([0, *(len(found) for found in sites)])
    loads = Loads(
        start.astype(np.int64),
        np.array([codes[s.group, s.bucket, s.entry] for s in flat], np.int32),
        np.array([sign * s.factor for s in flat], np.float64),
    )
    groups = tuple(dict.fromkeys(entry[1] for entry in entries))
    return FactorSpace(space, loads, groups)


_Entry = tuple[tuple[int, int, int], Group, str, tuple[str, ...]]
_Codes = dict[tuple[Group, str, tuple[str, ...]], int]


def _laid_out(
    entries: Sequence[_Entry], flat: Sequence[Site], numbers: SensitivitySet, home: str
) -> tuple[Space, _Codes]:
    codes: _Codes = {entry[1:]: k for k, entry in enumerate(entries)}
    site = {codes[s.group, s.bucket, s.entry]: s for s in flat}
    rows = [site[k] for k in range(len(entries))]
    groups = {g: k for k, g in enumerate(dict.fromkeys(s.group for s in rows))}
    buckets = {b: k for k, b in enumerate(dict.fromkeys((s.group, s.bucket) for s in rows))}
    sets: dict[tuple[Group, str], int] = {}
    for s in rows:
        if s.concentration:
            sets.setdefault((s.group, s.concentration), len(sets))
    threshold = {sets[s.group, s.concentration]: s.threshold_usd for s in rows if s.concentration}
    names: dict[str, int] = {}
    families, same, different = _families(list(buckets), numbers, home)
    gammas = _gammas(list(groups), numbers)

    def ints(values: Sequence[int]) -> np.ndarray:
        return np.array(values, np.int32)

    space = Space(
        bucket=ints([buckets[s.group, s.bucket] for s in rows]),
        concentration=ints([sets.get((s.group, s.concentration), -1) for s in rows]),
        code=ints([s.code for s in rows]),
        name=ints([names.setdefault(s.entry[0], len(names)) for s in rows]),
        weight=np.array([s.weight for s in rows], np.float64),
        bucket_group=ints([groups[group] for group, _ in buckets]),
        family=ints(families),
        place=ints([_bucket_place(group[1], bucket) for group, bucket in buckets]),
        residual=np.array([bucket == _RESIDUAL for _, bucket in buckets], np.bool_),
        threshold_usd=np.array([threshold[k] for k in range(len(sets))], np.float64),
        same=same,
        different=different,
        gamma_of=ints(gammas[0]),
        gamma=gammas[1],
        within=np.array([group[1] != "InterestRate" for group in groups], np.bool_),
        curvature=np.array([group[2] == "Curvature" for group in groups], np.bool_),
        scale=np.array([_scale(numbers, group) for group in groups], np.float64),
        one_sided=np.zeros(len(groups), np.bool_),
    )
    return space, codes


def _families(
    buckets: Sequence[tuple[Group, str]], numbers: SensitivitySet, home: str
) -> tuple[list[int], Floats, Floats]:
    """Which pair of matrices each bucket takes, and the pairs; curvature squares them."""
    keys: dict[tuple[str, str, str], int] = {}
    of_bucket, same, different = [], [], []
    for group, bucket in buckets:
        key = (group[1], group[2], "" if group[1] == "InterestRate" else bucket)
        if key not in keys:
            keys[key] = len(keys)
            pair = _intra(numbers, group, bucket, home)
            power = 2 if group[2] == "Curvature" else 1
            same.append(pair[0] ** power)
            different.append(pair[1] ** power)
        of_bucket.append(keys[key])
    empty = np.zeros((0, _WIDTH, _WIDTH))
    return of_bucket, np.array(same) if same else empty, np.array(different) if same else empty


def _gammas(groups: Sequence[Group], numbers: SensitivitySet) -> tuple[list[int], Floats]:
    keys: dict[tuple[str, bool], int] = {}
    of_group, tables = [], []
    for _, risk_class, kind in groups:
        key = (risk_class, kind == "Curvature")
        if key not in keys:
            keys[key] = len(keys)
            tables.append(_across(numbers, risk_class) ** (2 if key[1] else 1))
        of_group.append(keys[key])
    return of_group, np.array(tables) if tables else np.zeros((0, 1, 1))


def _scale(numbers: SensitivitySet, group: Group) -> float:
    """Curvature of rates is scaled by the historical volatility ratio to the power -2."""
    if group[1:] != ("InterestRate", "Curvature"):
        return 1.0
    return numbers.weight("InterestRate", "HistoricalVolatilityRatio") ** -2
