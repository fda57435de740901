from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from crossmargin.instruments.contracts import Kind
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import sizes_of
from crossmargin.risk.greek_shares import greek_shares, unit_moves
from crossmargin.risk.groups import groups_of
from tests.risk.sample_books import required

MODELS = ("deribit-spm", "deribit-xpm", "okx-pm", "paradex-pm", "derive-pm1", "tims")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["market-maker", "retail-short-vol"])
def test_parts_add_up_to_the_worst_loss(model: str, name: str) -> None:
    base = required(model, name)
    game = AccountGame(base)
    groups = groups_of(base.book, ["kind"], game.column, game.quantity)
    for each in greek_shares(game, groups, sizes_of(game, groups)):
        assert each.parts.sum() + each.fixed == pytest.approx(each.loss, rel=1e-12)
        assert np.isfinite(each.parts).all()
    for each in greek_shares(game, groups, np.zeros(len(game.column))):  # nothing is moved
        assert each.fixed == pytest.approx(each.loss)


def test_the_loss_is_that_of_the_requirement() -> None:
    base = required("deribit-spm")
    game = AccountGame(base)
    groups = groups_of(base.book, ["strategy"], game.column, game.quantity)
    found = {each.pool: each for each in greek_shares(game, groups, sizes_of(game, groups))}
    for row, number in enumerate(base.sheet.pool.tolist()):
        label = base.plan.pools[number].label
        if label in found:
            assert found[label].loss == pytest.approx(base.worst_loss(row), rel=1e-12)
            assert abs(found[label].fixed) < 1e-7 * found[label].loss


def test_units_are_the_derivatives_of_the_risk_array() -> None:
    """Of every row delta, gamma and vega against the whole P&L: what is left is of higher order.

    A future in coin leaves the cube of the move; an option in coin little in its mildest scenario.
    """
    base = required("deribit-spm")
    priced = base.priced[0]
    assert priced.scenarios is not None
    assert priced.risk is not None
    table = priced.pool.instruments
    future = (table.kind == Kind.FUTURE) | (table.kind == Kind.PERPETUAL)
    for scenario in range(len(priced.scenarios)):
        moves = unit_moves(priced, scenario).sum(axis=1)
        move = float(priced.scenarios.spot[0, scenario]) - 1.0
        weight = float(priced.scenarios.weight[scenario])
        pnl = priced.risk.pnl[:, scenario] * weight
        size = np.abs(table.multiplier / np.where(priced.view.mark > 0, priced.view.mark, 1.0))
        left = np.abs(moves - pnl)[future] / size[future]
        assert (left <= 1.3 * abs(move) ** 3 + 1e-12).all()


def test_an_option_by_hand() -> None:
    """A call in coin against difference quotients of a plain Black formula."""
    base = required("deribit-spm")
    priced = base.priced[0]
    sets, view, table = priced.scenarios, priced.view, priced.pool.instruments
    assert sets is not None
    k = next(i for i, x in enumerate(table.items) if x.kind == Kind.OPTION and x.right > 0
             and 30 < view.life_ms[table.expiry[i]] / 86_400_000 < 100)  # fmt: skip
    e = table.expiry[k]
    forward, strike, vol = float(view.forward[e]), float(table.strike[k]), float(view.vol[k])
    years = float(view.life_ms[e]) / (365 * 86_400_000)

    def coins(f: float, v: float) -> float:
        deviation = v * years**0.5
        d1 = np.log(f / strike) / deviation + deviation / 2.0
        return float((f * norm.cdf(d1) - strike * norm.cdf(d1 - deviation)) / f)

    scenario = 0
    step = float(sets.forward[e, scenario]) - forward
    shocked = float(vol * sets.vol_factor[e, scenario] + sets.vol_shift[e, scenario])
    shift = max(shocked, float(sets.vol_floor[e, scenario])) / float(sets.root_years[e]) - vol
    h, dv = 1e-4 * forward, 1e-5
    up, down, mid = coins(forward + h, vol), coins(forward - h, vol), coins(forward, vol)
    wanted = [
        (up - down) / (2 * h) * step,
        0.5 * (up - 2 * mid + down) / h**2 * step**2,
        (coins(forward, vol + dv) - coins(forward, vol - dv)) / (2 * dv) * shift,
    ]
    weight = float(sets.weight[scenario])
    found = unit_moves(priced, scenario)[k] / weight
    assert found == pytest.approx(np.array(wanted), rel=2e-4)
