"""Roll estimates on flat and sloping term structures, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions import hedge_finder as hf
from crossmargin.decisions.hedge_rolls import Term, plan_of, term_of
from crossmargin.pricing.revalue import black_value
from tests.decisions.protect_case import chains, field_of

FLAT = Term(np.array([0.1, 1.0]), 0.36 * np.array([0.1, 1.0]))


def test_a_flat_term_structure_has_one_forward_volatility() -> None:
    for low, high in ((0.0, 0.05), (0.1, 0.4), (0.9, 2.0)):
        assert FLAT.between(low, high) == pytest.approx(0.36)
    assert Term(np.zeros(0), np.zeros(0)).at(1.0) == 0.0


def test_the_term_is_the_volatility_nearest_to_the_forward() -> None:
    field = field_of()
    term = term_of(field.lines, chains())
    assert len(term.years) == len(chains())
    chain = chains()[7]
    forward = field.lines.price * float(field.lines.basis[chain.puts.rows[0]])
    near = int(np.argmin(np.abs(chain.puts.strike - forward)))
    vol = float(field.lines.vol[chain.puts.rows[near]])
    assert term.at(chain.years) == pytest.approx(vol * vol * chain.years)


def test_a_put_is_bought_again_as_often_as_it_takes() -> None:
    field, chain = field_of(), chains()[6]
    found = hf.search(field, chain, ("put",))[0]
    plan = plan_of(field.lines, found, chain, FLAT, 2.5 * found.years)
    assert plan.rolls == 2
    (leg,) = found.legs
    row = leg.row
    place = chain.puts.rows.index(row)
    basis = float(field.lines.basis[row])
    paid = 0.0
    for years in (found.years, 0.5 * found.years):
        value = black_value(
            field.lines.price * basis, chain.puts.strike[place],
            float(field.lines.vol[row]) * np.sqrt(years), -1.0,
        )  # fmt: skip
        paid += float(value) / basis + float(chain.puts.mid_cost[place])
    assert plan.roll_usd == pytest.approx(found.size * paid)
    assert plan.horizon_cost_usd == pytest.approx(found.cost_usd + plan.roll_usd)


def test_what_outlasts_the_horizon_is_sold_there_for_less_than_today() -> None:
    field, chain = field_of(), chains()[9]
    found = hf.search(field, chain, ("put",))[0]
    plan = plan_of(field.lines, found, chain, FLAT, 0.5 * found.years)
    assert plan.rolls == 0
    assert 0.0 < plan.resale_usd < found.cost_usd
    assert plan.horizon_cost_usd == pytest.approx(found.cost_usd - plan.resale_usd)
    at_once = plan_of(field.lines, found, chain, FLAT, 1e-9)
    assert at_once.horizon_cost_usd > 0.0  # the spread and both fees are lost


def test_a_steeper_term_structure_makes_rolls_dearer() -> None:
    field, chain = field_of(), chains()[6]
    found = hf.search(field, chain, ("put",))[0]
    steep = Term(np.array([found.years, 1.0]), np.array([0.2 * found.years, 0.5]))
    horizon = 2.0 * found.years
    dear = plan_of(field.lines, found, chain, steep, horizon).roll_usd
    assert dear > plan_of(field.lines, found, chain, FLAT, horizon).roll_usd
    falling = Term(np.array([found.years, 1.0]), np.array([0.6 * found.years, 0.6 * found.years]))
    assert plan_of(field.lines, found, chain, falling, horizon).roll_usd > 0.0
