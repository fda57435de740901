"""From the margins of single groups to a requirement: risk classes, product classes, add-ons.

IM(risk class)    = delta + vega + curvature + base correlation
IM(product class) = sqrt(sum_r sum_s psi_rs IM_r IM_s)
add-on            = sum of fixed amounts + sum over products of factor % x |notional|
                    + sum over product classes of (multiplier - 1) x IM(product class)
IM                = sum of product classes + add-on
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.errors import ModelError
from crossmargin.instruments.factors import (
    MARGIN_TYPES,
    PRODUCT_CLASSES,
    RISK_CLASSES,
    Factor,
)
from crossmargin.margin.families.sensitivity_forms import margins
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet
from crossmargin.margin.families.sensitivity_space import FactorSpace, space_of

__all__ = ["AddOns", "SensitivityTable", "Totals", "add_on_faults", "table_of", "totals"]


@dataclass(frozen=True, slots=True)
class AddOns:
    """Codes of the parameter lines of a table: -1 where a row is none of that kind."""

    fixed: Ints  # [I] 0 where a fixed amount
    notional: Ints  # [I] product of a notional
    factor: Ints  # [I] product of a notional factor
    multiplier: Ints  # [I] product class of a multiplier
    products: int


@dataclass(frozen=True, slots=True)
class SensitivityTable:
    """A table of factors under one set: everything that does not depend on holdings."""

    factors: tuple[Factor, ...]
    numbers: SensitivitySet
    calculation: str
    placed: FactorSpace
    add_ons: AddOns
    psi: Floats  # [6, 6]


@dataclass(frozen=True, slots=True)
class Totals:
    """Requirements of A accounts in dollars; axes product class, risk class, margin type."""

    part: Floats  # [A, 4, 6, 4]
    risk_class: Floats  # [A, 4, 6] sum over margin types
    product_class: Floats  # [A, 4]
    sensitivities: Floats  # [A] sum over product classes
    fixed: Floats  # [A]
    notional: Floats  # [A] factor x |notional|
    multiplier: Floats  # [A] (multiplier - 1) x product class
    im_usd: Floats  # [A]

    @property
    def add_on(self) -> Floats:
        """[A] fixed, notional and multiplier add-ons together."""
        return np.asarray(self.fixed + self.notional + self.multiplier)


def table_of(
    factors: Sequence[Factor],
    numbers: SensitivitySet,
    calculation: str = "USD",
    *,
    posted: bool = False,
) -> SensitivityTable:
    """The table of I factors; see ``space_of``. Raises ModelError ``parameter_missing``."""
    psi = np.ones((len(RISK_CLASSES), len(RISK_CLASSES)))
    for i, first in enumerate(RISK_CLASSES):
        for j, second in enumerate(RISK_CLASSES):
            if i != j:
                psi[i, j] = numbers.number("RiskClass", "Correlation", "", "", first, second)
    placed = space_of(factors, numbers, calculation, posted=posted)
    return SensitivityTable(tuple(factors), numbers, calculation, placed, _add_ons(factors), psi)


def _add_ons(factors: Sequence[Factor]) -> AddOns:
    products: dict[str, int] = {}
    named = ("Notional", "Param_AddOnNotionalFactor")
    for factor in factors:
        if factor.risk_type in named:
            products.setdefault(factor.qualifier, len(products))

    def codes(kind: str, of: dict[str, int]) -> Ints:
        found = [of[f.qualifier] if f.risk_type == kind else -1 for f in factors]
        return np.array(found, np.int32)

    classes = {name: k for k, name in enumerate(PRODUCT_CLASSES)}
    fixed = [0 if f.risk_type == "Param_AddOnFixedAmount" else -1 for f in factors]
    return AddOns(
        fixed=np.array(fixed, np.int32),
        notional=codes("Notional", products),
        factor=codes("Param_AddOnNotionalFactor", products),
        multiplier=codes("Param_ProductClassMultiplier", classes),
        products=len(products),
    )


def totals(table: SensitivityTable, row: Longs, column: Ints, quantity: Floats) -> Totals:
    """Requirements of a block of accounts (CSR over the table's factors); quantities finite.

    Raises ModelError ``parameter_out_of_bounds`` for a multiplier below 1, a negative factor.
    """
    for _, error in add_on_faults(table, row, column, quantity):
        raise error
    placed, accounts = table.placed, len(row) - 1
    found = margins(placed.space, placed.loads, row, column, quantity)
    part = np.zeros((accounts, len(PRODUCT_CLASSES), len(RISK_CLASSES), len(MARGIN_TYPES)))
    for k, (pc, risk_class, kind) in enumerate(placed.groups):
        place = PRODUCT_CLASSES.index(pc), RISK_CLASSES.index(risk_class)
        part[:, place[0], place[1], MARGIN_TYPES.index(kind)] = found[:, k]
    classes = part[..., 0] + part[..., 1] + part[..., 2] + part[..., 3]
    products = _correlated(classes, table.psi)
    together = products[:, 0] + products[:, 1] + products[:, 2] + products[:, 3]
    fixed, notional, multiplier = _added(table, row, column, quantity, products)
    im = together + fixed + notional + multiplier
    return Totals(part, classes, products, together, fixed, notional, multiplier, im)


def _correlated(classes: Floats, psi: Floats) -> Floats:
    """[A, 4] root of the form over risk classes, added pair by pair."""
    form = np.zeros(classes.shape[:2])
    for i in range(psi.shape[0]):
        form += classes[..., i] * classes[..., i]
        for j in range(i):
            form += 2.0 * psi[i, j] * classes[..., i] * classes[..., j]
    return np.sqrt(np.maximum(form, 0.0))


def _parameters(
    table: SensitivityTable, row: Longs, column: Ints, quantity: Floats
) -> tuple[Floats, Floats]:
    """[A, products] notional factors in per cent, [A, 4] multipliers (1 where none is given)."""
    add_ons = table.add_ons
    percent = _sums(row, column, add_ons.factor, quantity, max(add_ons.products, 1))
    classes = len(PRODUCT_CLASSES)
    held = _sums(row, column, add_ons.multiplier, np.ones(len(quantity)), classes)
    times = _sums(row, column, add_ons.multiplier, quantity, classes)
    return percent, np.where(held > 0.0, times, 1.0)


def _sums(row: Longs, column: Ints, code: Ints, values: Floats, count: int) -> Floats:
    """[A, count] sums of position values by account and code; codes below 0 are left out."""
    accounts = len(row) - 1
    at = code[column]
    on = at >= 0
    key = np.repeat(np.arange(accounts), np.diff(row))[on] * count + at[on]
    flat = np.bincount(key, weights=values[on], minlength=accounts * count)
    return flat.astype(np.float64).reshape(accounts, count)


def _added(
    table: SensitivityTable, row: Longs, column: Ints, quantity: Floats, products: Floats
) -> tuple[Floats, Floats, Floats]:
    """[A] fixed amounts, factors times notionals, and the surcharge of multipliers."""
    add_ons, accounts = table.add_ons, len(row) - 1
    fixed = _sums(row, column, add_ons.fixed, quantity, 1)[:, 0]
    size = _sums(row, column, add_ons.notional, np.abs(quantity), max(add_ons.products, 1))
    percent, times = _parameters(table, row, column, quantity)
    notional, multiplier = np.zeros(accounts), np.zeros(accounts)
    for k in range(add_ons.products):
        notional += size[:, k] * percent[:, k] / 100.0
    for k in range(len(PRODUCT_CLASSES)):
        multiplier += (times[:, k] - 1.0) * products[:, k]
    return fixed, notional, multiplier


def add_on_faults(
    table: SensitivityTable, row: Longs, column: Ints, quantity: Floats
) -> tuple[tuple[int, ModelError], ...]:
    """Accounts (rows) whose parameter lines are not sane, one error each: the first found.

    A multiplier is at least 1; a notional factor and a fixed amount are not negative.
    """
    percent, times = _parameters(table, row, column, quantity)
    fixed = _sums(row, column, table.add_ons.fixed, quantity, 1)
    out = []
    for values, low, what in (
        (times, 1.0, "a product class multiplier"),
        (percent, 0.0, "a notional factor"),
        (fixed, 0.0, "a fixed amount"),
    ):
        for account in np.flatnonzero(values.min(axis=1) < low).tolist():
            error = ModelError(
                "parameter_out_of_bounds",
                f"{what} is too small",
                place=f"account row {account}",
                value=float(values[account].min()),
                limit=f"{low:g} or more",
                remedy="Correct the parameter line.",
            )
            out.append((account, error))
    first = dict(reversed(out))
    return tuple(sorted(first.items()))
