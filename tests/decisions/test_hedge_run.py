"""Hedging along paths: the law within three per cent, its scaling, accounts that add up, replay."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.hedge_formula import Pacing, expected_cost
from crossmargin.decisions.hedge_run import hedge, past_paths, simulated_paths, width_of
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.option_book import OptionBook
from tests.real_history import real_history

TERMS = CostTerms(fee=5e-4, half_spread=1e-4)
DAY = 1.0 / 365.0


def straddle(days: float = 90.0, size: float = -10.0) -> OptionBook:
    return OptionBook.of(60_000.0, [size] * 2, [60_000.0] * 2, [days * DAY] * 2, [0.6] * 2, [1, -1])


def condor() -> OptionBook:
    return OptionBook.of(
        60_000.0,
        [-10.0, -10.0, 8.0, 8.0],
        [60_000.0, 60_000.0, 70_000.0, 50_000.0],
        [90.0 * DAY] * 4,
        [0.6, 0.6, 0.58, 0.68],
        [1, -1, 1, -1],
    )


@pytest.mark.parametrize("made", [straddle, condor], ids=["straddle", "condor"])
@pytest.mark.parametrize("vol", [0.6, 0.45])
def test_simulation_is_within_three_per_cent_of_the_law_and_doubles(made, vol) -> None:  # type: ignore[no-untyped-def] # fixtures
    mine, means = made(), []
    for step, n in ((DAY, 30), (DAY / 4.0, 120)):
        pacing = Pacing(step, n)
        law = expected_cost(mine, vol, pacing, TERMS)
        run = hedge(
            mine, simulated_paths(60_000.0, vol, pacing, 8000, 5), pacing, TERMS, pairs=True
        )
        cost = run.mean(run.phase("re-hedging"))
        assert cost.mean == pytest.approx(law.cost_usd, rel=0.03)
        assert cost.error < 0.01 * cost.mean
        gain = run.mean(run.gain_usd)
        assert abs(gain.mean - law.gain_usd) < 4.0 * gain.error
        if vol == 0.6 and made is straddle:
            assert gain.sd == pytest.approx(law.error_sd_usd, rel=0.06)
        means.append(cost.mean)
    assert means[1] / means[0] == pytest.approx(2.0, rel=0.03)


def test_to_expiry_too() -> None:
    pacing = Pacing(DAY / 4.0, 120)
    mine = straddle(30.0)
    run = hedge(mine, simulated_paths(60_000.0, 0.6, pacing, 8000, 5), pacing, TERMS, pairs=True)
    cost = run.mean(run.phase("re-hedging"))
    assert cost.mean == pytest.approx(expected_cost(mine, 0.6, pacing, TERMS).cost_usd, rel=0.03)
    assert run.phase("unwinding").min() >= 0.0


def test_every_dollar_of_a_path_by_hand() -> None:
    """One path, two intervals, written out."""
    terms = CostTerms(fee=1e-3, gas_usd=1.0, funding_8h=1e-4)
    mine, pacing = straddle(), Pacing(DAY, 2)
    path = np.array([[60_000.0, 63_000.0, 61_000.0]])
    run = hedge(mine, path, pacing, terms)
    held = [-float(mine.delta(path[0, i : i + 1], i * DAY)[0]) for i in range(3)]
    gain = float(mine.payoff_change(path[0, 2:], 2.0 * DAY)[0])
    gain += held[0] * 3000.0 - held[1] * 2000.0
    assert run.gain_usd[0] == pytest.approx(gain)
    assert run.phase("set up")[0] == pytest.approx(abs(held[0]) * 60.0 + 1.0)
    rehedge = abs(held[1] - held[0]) * 63.0 + abs(held[2] - held[1]) * 61.0 + 2.0
    assert run.phase("re-hedging")[0] == pytest.approx(rehedge)
    assert run.phase("unwinding")[0] == pytest.approx(abs(held[2]) * 61.0 + 1.0)
    carry = 3e-4 * (held[0] * 60_000.0 + held[1] * 63_000.0)
    assert run.carry_usd[0] == pytest.approx(carry)
    total = gain - carry - sum(run.phase(p)[0] for p in ("set up", "re-hedging", "unwinding"))
    assert run.net_usd[0] == pytest.approx(total)


def test_a_band_trades_less_and_stays_inside() -> None:
    pacing = Pacing(DAY / 24.0, 240)
    paths = simulated_paths(60_000.0, 0.6, pacing, 400, 3)
    width = width_of(straddle(), 1e-5, TERMS)
    free = hedge(straddle(), paths, pacing, TERMS)
    bound = hedge(straddle(), paths, pacing, TERMS, width=width)
    assert bound.phase("re-hedging").mean() < 0.6 * free.phase("re-hedging").mean()
    assert bound.trades.mean() < free.trades.mean()
    assert bound.gain_usd.std() > free.gain_usd.std()


def test_a_leg_that_expires_on_the_way_is_settled_at_its_time() -> None:
    mine = OptionBook.of(
        100.0, [1.0, 1.0], [100.0, 100.0], [2.0 * DAY, 5.0 * DAY], [0.5] * 2, [1, 1]
    )
    path = np.array([[100.0, 110.0, 120.0, 90.0, 80.0]])
    run = hedge(mine, path, Pacing(DAY, 4), CostTerms())
    alone = [
        hedge(OptionBook.of(100.0, [1.0], [100.0], [years * DAY], [0.5], [1]), path, Pacing(DAY, 4),
              CostTerms()).gain_usd[0]
        for years in (2.0, 5.0)
    ]  # fmt: skip
    assert run.gain_usd[0] == pytest.approx(sum(alone))
    first = (
        20.0
        - float(mine.value(np.array([100.0]))[0])
        + float(
            OptionBook.of(100.0, [1.0], [100.0], [5.0 * DAY], [0.5], [1]).value(np.array([100.0]))[
                0
            ]
        )
    )
    deltas = [float(mine.alive(0.0).delta(path[0, :1])[0])]
    assert deltas[0] > 0.0
    assert alone[0] < first  # the hedge was short on the way up


def test_one_seed_one_answer() -> None:
    pacing = Pacing(DAY, 5)
    one, same, other = (simulated_paths(1.0, 0.5, pacing, 10, seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other)[:, 1:].all()
    assert one[:, -1].mean() == pytest.approx(1.0, abs=0.1)


def test_stretches_of_the_past_do_not_overlap_and_end_at_the_newest() -> None:
    prices = np.arange(1.0, 24.0)
    found = past_paths(100.0, prices, Pacing(DAY, 5), every=2)
    assert found.shape == (2, 6)
    assert found[:, 0].tolist() == [100.0, 100.0]
    assert found[-1, -1] == pytest.approx(100.0 * 23.0 / 13.0)
    close = past_paths(100.0, prices, Pacing(DAY, 5), every=2, apart=1)
    assert len(close) == 13
    with pytest.raises(CrossMarginError) as refused:
        past_paths(100.0, prices[:5], Pacing(DAY, 5))
    assert refused.value.code == "observations_too_few"


def test_what_comes_later_on_a_path_does_not_change_what_was_paid_before() -> None:
    pacing, long = Pacing(DAY, 10), Pacing(DAY, 20)
    path = simulated_paths(60_000.0, 0.6, long, 2, 9)
    other = path.copy()
    other[:, 11:] *= 1.5
    for each in (path, other):
        run = hedge(straddle(), each[:, :11], pacing, TERMS)
        assert run.phase("re-hedging") == pytest.approx(
            hedge(straddle(), path[:, :11], pacing, TERMS).phase("re-hedging")
        )


def test_real_prices(market_dir) -> None:  # type: ignore[no-untyped-def] # fixtures
    """A sold straddle over recorded days: loses where the realised volatility was above its own."""
    rows = real_history(market_dir, 1_770_000_000_000, ("BTC",))
    prices = np.array([row.value for row in rows if row.field == "past_price"])
    pacing = Pacing(DAY, 30)
    paths = past_paths(60_000.0, prices, pacing)
    run = hedge(straddle(30.0), paths, pacing, TERMS)
    realised = np.sqrt((np.diff(np.log(paths), axis=1) ** 2).mean(axis=1) * 365.0)
    assert np.corrcoef(realised, run.net_usd)[0, 1] < -0.5
    assert run.net_usd[realised > 0.75].max(initial=-1.0) < 0.0


def test_what_cannot_be_run_is_refused() -> None:
    pacing = Pacing(DAY, 3)
    with pytest.raises(CrossMarginError):
        hedge(straddle(), np.ones((2, 3)), pacing, TERMS)
    with pytest.raises(CrossMarginError):
        simulated_paths(1.0, 0.5, pacing, 3, 1)
    with pytest.raises(CrossMarginError) as refused:
        simulated_paths(1.0, 0.5, Pacing(DAY, 10_000), 10_000, 1)
    assert refused.value.code == "size_too_large"
    with pytest.raises(CrossMarginError):
        past_paths(1.0, np.array([1.0, -1.0, math.pi]), pacing)
