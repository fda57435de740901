"""Strategies on the same paths: figures by hand, hedges that hold, rolls that follow the price."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions.hedge_chain import perpetual_of
from crossmargin.decisions.insurance_paths import Rule, drawn_paths, simulate
from crossmargin.decisions.strategies import Terms, hedged, rule_scores, score, scores
from tests.decisions.protect_case import answer, prepared

MOVES = 0.05 * np.random.default_rng(8).standard_t(4, 400)
PATHS = drawn_paths(MOVES, 60, 300, seed=2)


def test_a_score_by_hand() -> None:
    bare = np.array([120.0, 80.0, 60.0, 110.0])
    end = np.array([110.0, 85.0, 70.0, 100.0])
    rises = np.array([True, False, False, True])
    found = score("x", end, bare, rises, np.full(4, 80.0), 100.0, 5.0, 2.0)
    assert (found.breach, found.shortfall_usd) == (0.25, 10.0)
    assert (found.mean_usd, found.least_usd) == (91.25, 70.0)
    assert found.upside_kept == pytest.approx(5.0 / 15.0)
    nobody = score("x", end, bare, ~rises, np.full(4, 10.0), 100.0, 0.0, 0.0)
    assert (nobody.breach, nobody.shortfall_usd, nobody.upside_kept) == (0.0, 0.0, None)


def test_a_hedge_to_the_horizon_is_valued_at_each_end() -> None:
    found = answer()
    each = next(c for c in found.candidates if c.plan.rolls == 0 and c.found.family == "put")
    horizon = found.ask.days / 365.0
    total = hedged(found.field, each.found, PATHS, horizon)
    ends = PATHS[:, -1] * found.field.lines.price
    wanted = each.found.value(found.field.lines, ends, horizon, found.field.response)
    np.testing.assert_allclose(total, wanted)


def test_a_rolled_hedge_is_struck_again_at_the_price_of_the_day() -> None:
    found = answer()
    each = next(c for c in found.candidates if c.plan.rolls == 2 and c.found.family == "put")
    field, horizon = found.field, found.ask.days / 365.0
    total = hedged(field, each.found, PATHS, horizon)
    steps = round(each.found.years / horizon * 60)
    wanted = np.zeros(len(PATHS))
    (leg,), strike = each.found.legs, field.lines.items[each.found.legs[0].row].strike
    for p, path in enumerate(PATHS):
        start = 0
        while start < 60:
            end = min(start + steps, 60)
            scale = path[start]
            paid = each.found.size * each.found.cash[0] * path[end] * field.lines.price
            if end - start == steps:
                gain = max(strike - path[end] / path[start] * field.lines.price, 0.0)
            else:
                years = (end - start) / 60 * horizon
                ratio = np.array([path[end] / path[start] * field.lines.price])
                gain = float(field.lines.values([leg.row], ratio, years, field.response)[0, 0])
            wanted[p] += each.found.size * gain * scale - paid
            start = end
    np.testing.assert_allclose(total, wanted, rtol=1e-9)


def test_what_lasts_to_the_horizon_or_beyond_never_breaks_the_floor_much() -> None:
    found = answer()
    kept = [c for c in found.candidates if c.holds and c.plan.rolls == 0]
    rows, bare = scores(found, kept, PATHS)
    assert rows[0].name == "no hedge"
    assert rows[0].breach > 0.0
    for row, each in zip(rows[1:], kept, strict=True):
        slack = max(-each.path.marked_slack_usd, 0.0)
        assert row.shortfall_usd <= slack + 1e-3 * found.field.book.equity_usd
        assert row.least_usd >= found.floor_today_usd - slack - 1e-3 * found.field.book.equity_usd
    np.testing.assert_allclose(bare, 10.0 * PATHS[:, -1] * found.field.lines.price)


def test_rules_are_the_simulation_in_dollars_with_the_models_margin() -> None:
    found = answer()
    ready = prepared()
    view, _ = ready.seen()
    perp = perpetual_of(found.field.lines, view, set(ready.core.column))
    _, bare = scores(found, [], PATHS)
    rules = [("CPPI, m 4", Rule("cppi", 0.8, 4.0)), ("hold", Rule("hold"))]
    terms = Terms(cost=0.0005)
    low, hold = rule_scores(found, rules, PATHS, bare, terms, MOVES, ready.core, perp)
    run = simulate(PATHS, rules[0][1], 1 / 365, cost=0.0005)
    equity = found.field.book.equity_usd
    assert low.mean_usd == pytest.approx(float(run.value[:, -1].mean()) * equity)
    assert low.turnover == pytest.approx(float(run.traded.mean()))
    assert low.cost_usd == pytest.approx(0.0005 * low.turnover * equity)
    assert low.gap is not None
    assert low.floor_price is not None
    assert low.liquidation_price == 0.0  # no leverage
    assert hold.gap is None
    # from ten coins to 0.8 of the equity, less the cost: two coins sold by perpetual
    sold = ready.whatif([f"BTC-PERPETUAL:{-round(0.2 * equity / 10) * 10:.0f}"])
    assert low.margin_use == pytest.approx(sold.after.im_usd / equity, rel=5e-3)
    assert low.breach <= low.gap[0] + 0.2


def test_a_market_without_a_perpetual_asks_no_margin() -> None:
    found = answer()
    _, bare = scores(found, [], PATHS)
    core = prepared().core
    (row,) = rule_scores(
        found, [("m", Rule("cppi", 0.8, 3.0))], PATHS, bare, Terms(), MOVES, core, None
    )
    assert row.margin_use is None
