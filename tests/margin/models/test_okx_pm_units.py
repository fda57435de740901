"""OKX's risk units: plan, scenarios, volatility moves, basis rates, option charges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS, SPOT, subject_of, world_of
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named, parameters_for
from crossmargin.margin.models.okx_pm_units import (
    ACCOUNT,
    plan_units,
    unit_columns,
    unit_risk,
)
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import restrict

SUBJECT = subject_of(model_named("okx-pm"))
WORLD = world_of(SUBJECT)
PLAN = plan_units(WORLD.instruments, SUBJECT.parameters)
BTC = PLAN.pools[0]
VIEW = restrict(WORLD.view, WORLD.instruments, BTC)
PLACE = {item.native_id: k for k, item in enumerate(BTC.instruments.items)}


def test_units_hold_every_quote_and_the_coin_and_the_account_sees_all() -> None:
    assert [pool.label for pool in PLAN.pools] == ["BTC", "ETH", ACCOUNT]
    items = BTC.instruments.items
    assert {item.quote for item in items if item.kind != Kind.ASSET} == {"USD", "USDT", "USDC"}
    assert [item.native_id for item in items if item.kind == Kind.ASSET] == ["BTC"]
    assert len(PLAN.pools[-1].columns) == len(WORLD.instruments)
    split = overlay(SUBJECT.parameters, {"rules.units": "by_quote", "rules.spot": "USDC"}, "test")
    pools = plan_units(WORLD.instruments, split).pools
    assert [pool.label for pool in pools][:3] == ["BTC-USD", "BTC-USDC", "BTC-USDT"]
    assert ["BTC" in [i.native_id for i in pool.instruments.items] for pool in pools[:3]] == [
        False, True, False,
    ]  # fmt: skip


def test_scenarios_in_order() -> None:
    scenarios, _ = unit_risk(BTC, VIEW, SUBJECT.parameters)
    assert len(scenarios) == 7 * 5 + 3
    assert scenarios.label[0] == "-12 %, vol up by points"
    assert scenarios.label[34] == "+12 %, vol down by a share"
    assert scenarios.label[35:] == ("extreme -24 %, x0.5", "extreme +24 %, x0.5", "24 hours later")
    assert scenarios.weight.tolist() == [1.0] * 35 + [0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("days", "points", "share"),
    [
        (0.0, 0.30, 0.50),
        (15.0, 0.275, 0.425),
        (30.0, 0.25, 0.35),
        (60.0, 0.2, 0.25),
        (206.0, 0.2, 0.25),
    ],
)
def test_volatility_moves_lie_on_straight_lines(days: float, points: float, share: float) -> None:
    life = np.full(len(VIEW.life_ms), days * DAY_MS).astype(np.int64)
    scenarios, _ = unit_risk(BTC, replace(VIEW, life_ms=life), SUBJECT.parameters)
    root = np.sqrt(life[0] / YEAR_MS)
    up, part, same, down, fell = (k for k in range(15, 20))  # no move
    assert scenarios.vol_shift[0, up] == pytest.approx(points * root)
    assert scenarios.vol_shift[0, down] == pytest.approx(-points * root)
    assert scenarios.vol_factor[0, part] == pytest.approx((1.0 + share) * root)
    assert scenarios.vol_factor[0, fell] == pytest.approx((1.0 - share) * root)
    assert scenarios.vol_factor[0, same] == root


def test_a_day_later_nothing_but_time_has_gone() -> None:
    scenarios, risk = unit_risk(BTC, VIEW, SUBJECT.parameters)
    last = risk.scenario_pnl()[:, -1]
    option = BTC.instruments.kind == Kind.OPTION
    assert (last[~option] == 0.0).all()
    assert (last[option] <= 1e-9).all() and last[option].min() < 0.0
    assert scenarios.vol_factor[0, -1] == 0.0  # less than a day is left


@pytest.mark.parametrize("reading", ["dollar_value", "index"])
def test_a_delta_is_the_slope_of_the_profit_in_dollars(reading: str) -> None:
    """An option in coin is premium-adjusted where its coins are worth today's index."""
    told = overlay(SUBJECT.parameters, {"reading.coin_pnl": reading}, "reading")
    columns = unit_columns(BTC, VIEW, told)
    fine = overlay(told, {"tier.first.spot_moves": [[-1e-4], [0.0], [1e-4]]}, "test")
    _, risk = unit_risk(BTC, VIEW, fine)
    for name in ("BTC_BTC-30-64000-C", "BTC_USDC-30-64000-C", "BTC_BTC-206-96000-P"):
        k = PLACE[name]
        slope = (risk.pnl[k, 12] - risk.pnl[k, 2]) / 2e-4  # volatility the same
        assert columns.cash_delta[k] == pytest.approx(slope, rel=1e-4), name


def test_deltas_of_futures() -> None:
    columns = unit_columns(BTC, VIEW, SUBJECT.parameters)
    assert columns.delta[PLACE["BTC_USDT-PERPETUAL"]] == 1.0
    assert columns.delta[PLACE["BTC_BTC-PERPETUAL"]] == pytest.approx(1.0 / SPOT["BTC"])
    mark = SPOT["BTC"] * 1.0004
    assert columns.cash_delta[PLACE["BTC_USDT-PERPETUAL"]] == pytest.approx(mark * 1.0003)
    assert columns.cash_delta[PLACE["BTC_BTC-PERPETUAL"]] == 1.0


def test_basis_rates_grow_with_life_from_the_floor() -> None:
    parameters = SUBJECT.parameters
    moments = BTC.facts["moments"]
    years = [(m - AS_OF_MS) / YEAR_MS for m in moments]
    rates = unit_columns(BTC, VIEW, parameters).basis.tolist()
    assert rates[:2] == [0.002, 0.002]
    assert rates[2:] == pytest.approx([max(0.05 * y, 0.002) for y in years])
    alone = overlay(parameters, {"reading.basis_dated": "life_alone"}, "reading")
    assert unit_columns(BTC, VIEW, alone).basis.tolist()[2:] == pytest.approx(
        [0.05 * y for y in years]
    )


def test_the_old_basis_is_a_share_of_price_and_of_the_basis() -> None:
    old = parameters_for(SUBJECT.model, 1_720_000_000_000)
    pool = next(p for p in plan_units(WORLD.instruments, old).pools if p.label == "BTC-USDT")
    view = restrict(WORLD.view, WORLD.instruments, pool)
    rates = unit_columns(pool, view, old).basis
    gap = np.abs(view.forward / SPOT["BTC"] - 1.0)
    expected = [0.006 + 0.1 * gap[e] for e in np.argsort([x[3] for x in pool.instruments.expiries])]
    assert rates.tolist() == pytest.approx([0.006, 0.006, *expected])


def test_option_charges_of_the_code_of_2023() -> None:
    told = overlay(SUBJECT.parameters, {"reading.option_charge": "code_2023"}, "reading")
    columns = unit_columns(BTC, VIEW, told)
    cheap, dear = PLACE["BTC_BTC-6-96000-C"], PLACE["BTC_BTC-206-64000-C"]
    mark = VIEW.mark[cheap]
    assert columns.charge_long[cheap] == pytest.approx((mark + 0.125 * mark) * SPOT["BTC"])
    fee = min(0.0003, 0.125 * mark)
    assert columns.charge_short[cheap] == pytest.approx((0.02 + fee) * SPOT["BTC"])
    assert columns.charge_long[dear] == pytest.approx((0.02 + 0.0003) * SPOT["BTC"])
    bare = unit_columns(BTC, VIEW, SUBJECT.parameters)
    assert bare.charge_long[dear] == 0.0
