"""The aggregation once more, slowly: one account, dictionaries, the formulas as printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf, sqrt

from scipy.stats import norm

from crossmargin.instruments.factors import TENOR_DAYS, Factor
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet

Line = tuple[Factor, float]
PAIRS = {"11": "1", "12": "2", "13": "3", "22": "4", "23": "5", "33": "6"}


class Twin:
    """One account under one set; ``part[(product class, risk class, margin type)]``."""

    def __init__(self, lines: Sequence[Line], numbers: SensitivitySet, home: str = "USD") -> None:
        self.n, self.home = numbers, home
        self.ten = numbers.horizon_days == 10
        held: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
        for factor, amount in lines:
            if factor.risk_type == "Risk_BaseCorr":
                held[factor.product_class, factor.risk_class, "BaseCorr"].append((factor, amount))
            elif factor.volatility:
                held[factor.product_class, factor.risk_class, "Vega"].append((factor, amount))
                held[factor.product_class, factor.risk_class, "Curvature"].append((factor, amount))
            elif factor.risk_class:
                held[factor.product_class, factor.risk_class, "Delta"].append((factor, amount))
        self.part = {key: self._margin(key[1], key[2], mine) for key, mine in held.items()}

    # -- what a line is worth ---------------------------------------------------------------

    def _group(self, block: str, risk: str, currency: str) -> str:
        names = self.n.groups[risk, block]
        return names.get(currency, names["Other"])

    def _risk_weight(self, f: Factor) -> float:
        w = self.n.numbers
        risk = f.risk_class
        if f.risk_type in ("Risk_Inflation", "Risk_XCcyBasis"):
            return w[risk, "RiskWeights", f.risk_type.removeprefix("Risk_"), "", "", ""]
        if f.risk_type == "Risk_BaseCorr":
            return w[risk, "RiskWeights", "BaseCorrelation", "", "", ""]
        if risk == "InterestRate":
            group = self._group("RiskWeights", risk, f.qualifier)
            return w[risk, "RiskWeights", "Delta", group, f.label1, ""]
        if risk == "FX":
            other = f.qualifier if len(f.qualifier) == 3 else None
            first, second = (self.home, other) if other else self._pair(f)
            groups = [self._group("RiskWeights", risk, c) for c in (first, second)]
            return w[risk, "RiskWeights", "Delta", "", *groups]
        return w[risk, "RiskWeights", "Delta", f.bucket, "", ""]

    def _pair(self, f: Factor) -> tuple[str, str]:
        first, second = sorted((f.qualifier[:3], f.qualifier[3:]))
        return first, second

    def _sigma(self, f: Factor) -> float:
        if f.risk_class not in ("Equity", "Commodity", "FX"):
            return 1.0
        days = 14.0 if self.ten else 1.4
        return self._risk_weight(f) * sqrt(365.0 / days) / float(norm.ppf(0.99))

    def _value(self, f: Factor, amount: float, kind: str) -> float:
        if kind == "Vega":
            ratio = 1.0
            if f.risk_class in ("Equity", "Commodity", "FX"):
                key = (f.risk_class, "RiskWeights", "HistoricalVolatilityRatio", "", "", "")
                ratio = self.n.numbers[key]
            return ratio * self._sigma(f) * amount
        if kind == "Curvature":
            days = 14.0 if self.ten else 1.4
            return 0.5 * min(1.0, days / TENOR_DAYS[f.label1]) * self._sigma(f) * amount
        return amount

    def _weight(self, f: Factor, kind: str) -> float:
        if kind == "Curvature":
            return 1.0
        if kind == "Vega":
            bucket = f.bucket if f.risk_class == "Equity" else ""
            return self.n.numbers[f.risk_class, "RiskWeights", "Vega", bucket, "", ""]
        return self._risk_weight(f)

    def _limit(self, f: Factor, kind: str) -> float:
        risk = f.risk_class
        if not self.ten or kind in ("Curvature", "BaseCorr") or f.risk_type == "Risk_XCcyBasis":
            return inf
        bucket = f.bucket
        if risk == "InterestRate" or (risk == "FX" and kind == "Delta"):
            bucket = self._group("ConcentrationThresholds", risk, f.qualifier)
        elif risk == "FX":
            groups = [self._group("ConcentrationThresholds", risk, c) for c in self._pair(f)]
            bucket = PAIRS["".join(sorted(groups))]
        elif risk.startswith("Credit") and kind == "Vega":
            bucket = ""
        return 1e6 * self.n.numbers[risk, "ConcentrationThresholds", kind, bucket, "", ""]

    # -- names, buckets, correlations -------------------------------------------------------

    def _identity(self, f: Factor) -> tuple[str, ...]:
        """Lines of one identity are added before anything else."""
        risk = f.risk_class
        if f.risk_type in ("Risk_Inflation", "Risk_InflationVol"):
            return f.qualifier, "inflation"
        if f.risk_type == "Risk_XCcyBasis":
            return f.qualifier, "basis"
        if risk == "InterestRate":
            return f.qualifier, f.label1, f.label2
        if risk == "FX" and len(f.qualifier) == 6:
            return self._pair(f)
        if f.risk_type == "Risk_BaseCorr" or not risk.startswith("Credit"):
            return f.qualifier, f.bucket
        return f.qualifier, f.bucket, f.label1, f.label2

    def _bucket(self, f: Factor) -> str:
        if f.risk_class == "InterestRate":
            return f.qualifier
        return "" if f.risk_class == "FX" or f.risk_type == "Risk_BaseCorr" else f.bucket

    def _set(self, f: Factor) -> tuple[str, ...]:
        if f.risk_class == "InterestRate":
            return (f.qualifier,)
        return (
            self._pair(f)
            if len(f.qualifier) == 6 and f.risk_class == "FX"
            else (f.qualifier, f.bucket)
        )

    def _rho(self, a: Factor, b: Factor, kind: str) -> float:
        w, risk = self.n.numbers, a.risk_class
        if risk == "InterestRate":
            for name, item in (("XCcyBasis", "XCcyBasis"), ("Inflation", "Inflation")):
                if name in a.risk_type or name in b.risk_type:
                    return w[risk, "Correlations", item, "", "", ""]
            tenor = 1.0
            if a.label1 != b.label1:
                tenor = w[risk, "Correlations", "IntraBucket", "", a.label1, b.label1]
            phi = 1.0 if a.label2 == b.label2 else w[risk, "Correlations", "SubCurves", "", "", ""]
            return tenor * phi
        if kind == "BaseCorr":
            return w[risk, "Correlations", "BaseCorrelation", "", "", ""]
        if risk == "FX" and kind != "Delta":
            return w[risk, "Correlations", "Volatility", "", "", ""]
        if risk == "FX":
            home, one, two = (
                self._group("RiskWeights", risk, c) for c in (self.home, a.qualifier, b.qualifier)
            )
            return w[risk, "Correlations", "IntraBucket", home, one, two]
        if risk.startswith("Credit"):
            where = "residual" if a.bucket == "Residual" else "aggregate"
            names = (
                (a.qualifier, b.qualifier) if risk == "CreditQualifying" else (a.label2, b.label2)
            )
            names_word = "same" if names[0] == names[1] else "different"
            return w[risk, "Correlations", "IntraBucket", "", where, names_word]
        return w[risk, "Correlations", "IntraBucket", a.bucket, "", ""]

    def _gamma(self, risk: str, b: str, c: str) -> float:
        if risk == "InterestRate":
            return self.n.numbers[risk, "Correlations", "Outer", "", "", ""]
        return self.n.numbers[risk, "Correlations", "InterBucket", "", b, c]

    # -- the margin -------------------------------------------------------------------------

    def _margin(self, risk: str, kind: str, lines: Sequence[Line]) -> float:
        power = 2 if kind == "Curvature" else 1
        if kind == "Delta" and risk == "FX":
            lines = [line for line in lines if line[0].qualifier != self.home]
        if kind == "Curvature" and risk == "Equity":
            lines = [line for line in lines if line[0].bucket != "12"]
        x: dict[tuple[str, ...], float] = defaultdict(float)
        factor: dict[tuple[str, ...], Factor] = {}
        gross: dict[tuple[str, ...], float] = defaultdict(float)
        for f, amount in lines:
            x[self._identity(f)] += self._value(f, amount, kind)
            factor[self._identity(f)] = f
            if f.risk_type != "Risk_XCcyBasis":
                gross[self._set(f)] += self._value(f, amount, kind)

        def ratio(f: Factor) -> float:
            limit = self._limit(f, kind)
            return 1.0 if limit == inf else max(1.0, sqrt(abs(gross[self._set(f)]) / limit))

        ws = {k: self._weight(factor[k], kind) * value * ratio(factor[k]) for k, value in x.items()}
        buckets: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for key in ws:
            buckets[self._bucket(factor[key])].append(key)
        k_of, s_of, cr_of, total, size = {}, {}, {}, {}, {}
        for name, keys in buckets.items():
            form = 0.0
            for a in keys:
                for b in keys:
                    rho = 1.0 if a == b else self._rho(factor[a], factor[b], kind) ** power
                    if risk != "InterestRate":
                        one, two = ratio(factor[a]), ratio(factor[b])
                        rho *= min(one, two) / max(one, two)
                    form += rho * ws[a] * ws[b]
            k_of[name] = sqrt(max(form, 0.0))
            total[name], size[name] = sum(ws[a] for a in keys), sum(abs(ws[a]) for a in keys)
            s_of[name] = max(-k_of[name], min(total[name], k_of[name]))
            cr_of[name] = max(ratio(factor[a]) for a in keys)
        plain = [name for name in buckets if name != "Residual"]
        form = sum(k_of[b] ** 2 for b in plain)
        for b in plain:
            for c in plain:
                if b != c:
                    g = 1.0
                    if risk == "InterestRate":
                        g = min(cr_of[b], cr_of[c]) / max(cr_of[b], cr_of[c])
                    form += self._gamma(risk, b, c) ** power * g * s_of[b] * s_of[c]
        root, rest = sqrt(max(form, 0.0)), k_of.get("Residual", 0.0)
        if kind != "Curvature":
            return root + rest
        out = 0.0
        for names, k in ((plain, root), (["Residual"], rest)):
            net, all_ = sum(total.get(b, 0.0) for b in names), sum(size.get(b, 0.0) for b in names)
            theta = min(0.0, net / all_) if all_ else 0.0
            lam = (float(norm.ppf(0.995)) ** 2 - 1.0) * (1.0 + theta) - theta
            out += max(0.0, net + lam * k)
        if risk == "InterestRate":
            out *= (
                self.n.numbers[risk, "RiskWeights", "HistoricalVolatilityRatio", "", "", ""] ** -2
            )
        return out
