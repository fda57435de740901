"""Sensitivity books drawn from a seed: lines of every risk type, amounts around the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.instruments.factors import (
    CREDIT_TENORS,
    CURVES,
    PRODUCT_CLASSES,
    TENORS,
    Factor,
    buckets_of,
)
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet
from crossmargin.venues.crif import CrifLine
from peers.simm_numbers import CURRENCIES

__all__ = ["crypto_lines", "drawn_lines", "regulated"]

REGULATORS = ("APRA", "CFTC", "ESA", "FINMA", "USPR")

_LARGE = {"Risk_IRVol": 100.0, "Risk_InflationVol": 100.0, "Risk_CreditVol": 100.0}
_SIZE_USD = 1e6
_SENSITIVE = (
    "Risk_IRCurve", "Risk_Inflation", "Risk_XCcyBasis", "Risk_IRVol", "Risk_InflationVol",
    "Risk_CreditQ", "Risk_BaseCorr", "Risk_CreditVol", "Risk_CreditNonQ", "Risk_CreditVolNonQ",
    "Risk_Equity", "Risk_EquityVol", "Risk_Commodity", "Risk_CommodityVol", "Risk_FX", "Risk_FXVol",
)  # fmt: skip


def drawn_lines(seed: int, books: int, numbers: SensitivitySet) -> tuple[CrifLine, ...]:
    """Lines of so many books. A qualifier has one bucket in the whole file, as ORE needs it."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(books):
        account = f"B{k:04d}"
        kinds = rng.choice(_SENSITIVE, int(rng.integers(1, 7)), replace=False).tolist()
        for _ in range(int(rng.integers(1, 31))):
            kind = str(rng.choice(kinds))
            size = _SIZE_USD * _LARGE.get(kind, 10.0) * float(rng.lognormal(0.0, 1.5))
            amount = round(size * float(rng.choice((-1.0, 1.0))), 2)
            out.append(CrifLine(account, _factor(rng, kind, numbers), amount))
        if k % 5 == 0:
            out += _add_ons(rng, account)
    return tuple(out)


def regulated(seed: int, lines: Sequence[CrifLine], most: int) -> tuple[CrifLine, ...]:
    """The lines under none to so many regulators each."""
    rng = np.random.default_rng(seed)
    out = []
    for line in lines:
        names = rng.choice(REGULATORS, int(rng.integers(0, most + 1)), replace=False).tolist()
        out.append(replace(line, collect=tuple(sorted(names))))
    return tuple(out)


def _factor(rng: np.random.Generator, kind: str, numbers: SensitivitySet) -> Factor:
    """One factor of a kind; the product class is free of the risk class."""
    product = str(rng.choice(PRODUCT_CLASSES))
    currency = str(rng.choice(CURRENCIES))
    tenor, credit_tenor = str(rng.choice(TENORS)), str(rng.choice(CREDIT_TENORS))
    buckets = buckets_of(kind)
    bucket = str(rng.choice(buckets)) if buckets else ""
    name = f"{kind.removeprefix('Risk_').removesuffix('Vol')[:6]}-{bucket}-{rng.integers(1, 4)}"
    if kind == "Risk_IRCurve":
        bucket = numbers.group("InterestRate", "RiskWeights", currency)
        return Factor(product, kind, currency, bucket, tenor, str(rng.choice(CURVES)))
    if kind in ("Risk_Inflation", "Risk_XCcyBasis", "Risk_FX"):
        return Factor(product, kind, currency)
    if kind in ("Risk_IRVol", "Risk_InflationVol"):
        return Factor(product, kind, currency, "", tenor)
    if kind == "Risk_FXVol":
        pair = rng.choice(CURRENCIES, 2, replace=False)
        return Factor(product, kind, "".join(pair.tolist()), "", tenor)
    if kind == "Risk_BaseCorr":
        return Factor(product, kind, f"index {rng.integers(1, 5)}")
    if "Credit" in kind:
        qualifying = "NonQ" not in kind
        label2 = str(rng.choice(("USD", "EUR") if qualifying else ("CMBX", "ABX")))
        return Factor(product, kind, name, bucket, credit_tenor, label2)
    return Factor(product, kind, name, bucket, tenor if kind.endswith("Vol") else "")


def _add_ons(rng: np.random.Generator, account: str) -> Sequence[CrifLine]:
    """A fixed amount, a notional with its factor, and a multiplier."""
    product = f"product {account}"
    return (
        CrifLine(account, Factor("", "Param_AddOnFixedAmount"), round(rng.uniform(1e5, 1e7), 2)),
        CrifLine(account, Factor("", "Notional", product), round(rng.uniform(1e7, 1e9), 2)),
        CrifLine(
            account,
            Factor("", "Param_AddOnNotionalFactor", product),
            round(rng.uniform(0.5, 9.0), 2),
        ),
        CrifLine(
            account,
            Factor("", "Param_ProductClassMultiplier", str(rng.choice(PRODUCT_CLASSES))),
            round(rng.uniform(1.0, 2.0), 2),
        ),
    )


def crypto_lines(seed: int, books: int) -> tuple[CrifLine, ...]:
    """Books of bitcoin and ether mapped to commodity bucket 16: deltas and vegas."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(books):
        for _ in range(int(rng.integers(1, 13))):
            coin, vega = str(rng.choice(("BTC", "ETH"))), bool(rng.random() < 0.6)
            kind = "Risk_CommodityVol" if vega else "Risk_Commodity"
            tenor = str(rng.choice(TENORS[:6])) if vega else ""
            amount = round(float(rng.normal(0.0, 1e6)), 2)
            out.append(CrifLine(f"C{k:04d}", Factor("Commodity", kind, coin, "16", tenor), amount))
    return tuple(out)
