"""Totals of populations against a slow twin, add-ons by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.factors import MARGIN_TYPES, PRODUCT_CLASSES, RISK_CLASSES, Factor
from crossmargin.margin.families.sensitivity_parameters import set_of
from crossmargin.margin.families.sensitivity_totals import add_on_faults, table_of, totals
from tests.margin.families.simm_made_up import VERSION, random_factor, rows
from tests.margin.families.simm_twin import Twin

FIXED = Factor("", "Param_AddOnFixedAmount")
NOTIONAL = Factor("", "Notional", "product")
PERCENT = Factor("", "Param_AddOnNotionalFactor", "product")
TIMES = Factor("", "Param_ProductClassMultiplier", "RatesFX")


def books(
    accounts: list[list[tuple[Factor, float]]],
) -> tuple[list[Factor], np.ndarray, np.ndarray, np.ndarray]:
    """A table of factors, and the accounts as CSR over it."""
    table = sorted({factor for lines in accounts for factor, _ in lines})
    place = {factor: k for k, factor in enumerate(table)}
    row, column, quantity = [0], [], []
    for lines in accounts:
        for k, amount in sorted((place[factor], amount) for factor, amount in lines):
            column.append(k)
            quantity.append(amount)
        row.append(len(column))
    return table, np.array(row), np.array(column, np.int32), np.array(quantity)


def population(seed: int, accounts: int = 25) -> list[list[tuple[Factor, float]]]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(accounts):
        held = {random_factor(rng) for _ in range(int(rng.integers(0, 40)))}
        scale = 10.0 ** rng.uniform(3.0, 7.0)
        out.append([(f, float(rng.normal() * scale)) for f in sorted(held)])
    return out


@pytest.mark.parametrize("horizon", [10, 1])
@pytest.mark.parametrize("home", ["USD", "BRL"])
def test_population_equals_the_twin(horizon: int, home: str) -> None:
    numbers = set_of(rows(), VERSION, horizon, "made up")
    accounts = population(11 + horizon)
    table, row, column, quantity = books(accounts)
    found = totals(table_of(table, numbers, home), row, column, quantity)
    for a, lines in enumerate(accounts):
        twin = Twin(lines, numbers, home).part
        for i, pc in enumerate(PRODUCT_CLASSES):
            for j, risk in enumerate(RISK_CLASSES):
                for k, kind in enumerate(MARGIN_TYPES):
                    theirs = twin.get((pc, risk, kind), 0.0)
                    assert found.part[a, i, j, k] == pytest.approx(theirs, rel=1e-10, abs=1e-6)


def test_product_classes_and_posted_side() -> None:
    numbers = set_of(rows(), VERSION, 10, "made up")
    accounts = population(5, 6)
    table, row, column, quantity = books(accounts)
    ours = totals(table_of(table, numbers), row, column, quantity)
    psi = np.array(
        [[1.0 if a == b else numbers.number("RiskClass", "Correlation", "", "", a, b)
          for b in RISK_CLASSES] for a in RISK_CLASSES]
    )  # fmt: skip
    form = np.einsum("api,ij,apj->ap", ours.risk_class, psi, ours.risk_class)
    assert ours.product_class == pytest.approx(np.sqrt(form), rel=1e-12)
    assert ours.im_usd == pytest.approx(ours.product_class.sum(axis=1), rel=1e-12)
    posted = totals(table_of(table, numbers, posted=True), row, column, quantity)
    turned = totals(table_of(table, numbers), row, column, -quantity)
    assert np.array_equal(posted.part, turned.part)
    same = [0, 1, 3]  # only curvature depends on the side
    assert posted.part[..., same] == pytest.approx(ours.part[..., same], rel=1e-12)
    assert (posted.part[..., 2] != ours.part[..., 2]).any()


def test_add_ons_by_hand() -> None:
    numbers = set_of(rows(), VERSION, 10, "made up")
    delta = Factor("RatesFX", "Risk_FX", "EUR")
    plain = [(delta, 1e5)]
    added = [*plain, (FIXED, 10.0), (NOTIONAL, -8e4), (PERCENT, 12.5), (TIMES, 1.5)]
    alone = [(NOTIONAL, 8e4)]  # no factor, no add-on
    table, row, column, quantity = books([plain, added, alone, []])
    found = totals(table_of(table, numbers), row, column, quantity)
    assert found.fixed.tolist() == [0.0, 10.0, 0.0, 0.0]
    assert found.notional.tolist() == [0.0, 1e4, 0.0, 0.0]
    assert found.multiplier[1] == pytest.approx(0.5 * found.im_usd[0], rel=1e-15)
    assert found.im_usd[1] == pytest.approx(1.5 * found.im_usd[0] + 10.0 + 1e4, rel=1e-15)
    assert found.im_usd[2:].tolist() == [0.0, 0.0]
    assert found.add_on[1] == found.fixed[1] + found.notional[1] + found.multiplier[1]


@pytest.mark.parametrize("line", [(TIMES, 0.99), (PERCENT, -1.0), (FIXED, -1.0)])
def test_parameter_lines_that_are_not_sane(line: tuple[Factor, float]) -> None:
    numbers = set_of(rows(), VERSION, 10, "made up")
    good = [(Factor("RatesFX", "Risk_FX", "EUR"), 1.0)]
    table, row, column, quantity = books([good, [line], good])
    made = table_of(table, numbers)
    ((account, error),) = add_on_faults(made, row, column, quantity)
    assert account == 1
    assert error.code == "parameter_out_of_bounds"
    with pytest.raises(ModelError, match="too small"):
        totals(made, row, column, quantity)
