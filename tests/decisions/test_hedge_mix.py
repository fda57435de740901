"""The programmes: the mix bounds every bought hedge, the tail hedge keeps to its budget."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions import hedge_finder as hf
from crossmargin.decisions.hedge_mix import Crash, cheapest_mix, highest_floor, tail_hedge
from tests.decisions.protect_case import chains, field_of

CRASHES = (Crash(-0.3, 1.6, 0.8), Crash(-0.5, 2.2, 0.2))


@pytest.mark.parametrize("book", ["holder", "sample:retail-short-vol"])
@pytest.mark.parametrize("floor", [0.6, 0.8])
def test_the_mix_holds_and_costs_no_more_than_any_put(book: str, floor: float) -> None:
    field = field_of(book, floor)
    seen = 0
    for chain in chains(book)[4:9]:
        mixed = cheapest_mix(field, chain)
        if mixed is None:
            continue
        seen += 1
        grid = field.grid([])
        value = field.book.at(grid, mixed.years) + mixed.value(field.lines, grid, mixed.years)
        assert (value >= field.floor(grid) - 1e-6).all()
        # what rounding up costs: at most a lot of each leg, twice
        lots = 2.0 * field.lot * sum(
            cash / leg.ratio * field.lines.price
            for leg, cash in zip(mixed.legs, mixed.cash, strict=True)
        )  # fmt: skip
        for put in hf.search(field, chain, ("put",)):
            assert mixed.cost_usd <= put.cost_usd + lots
    assert seen


def test_where_rounding_breaks_the_floor_whole_lots_are_searched() -> None:
    field, chain = field_of(floor=0.999), chains()[7]  # bought coins cost a lot each: no room
    mixed = cheapest_mix(field, chain)
    assert mixed is not None
    grid = field.grid(chain.puts.strike.tolist())
    value = field.book.at(grid, mixed.years) + mixed.value(field.lines, grid, mixed.years)
    assert (value >= field.floor(grid) - 1e-6).all()
    for put in hf.search(field, chain, ("put",)):
        assert mixed.cost_usd <= 1.01 * put.cost_usd


def test_the_highest_floor_is_where_the_mix_ends() -> None:
    chain = chains()[7]
    field = field_of(floor=1.1)
    whole = field.book.equity_usd
    assert cheapest_mix(field, chain) is None
    level = highest_floor(field, chain)
    assert level is not None
    assert 0.98 < level / whole < 1.1
    # a plain twin: no one put of any size holds more
    puts = chain.puts
    grid = field.grid([*puts.strike.tolist(), *chain.calls.strike.tolist()])
    pays = [np.maximum(puts.strike[k] - grid, 0.0) - puts.buy[k] * grid for k in puts.bought()]
    lone = max(
        float((10.0 * grid + size * row).min()) for row in pays for size in np.arange(0, 20, 0.1)
    )
    assert lone <= level * (1.0 + 1e-4)
    assert lone > 0.97 * level
    assert cheapest_mix(field_of(floor=level / whole - 1e-4), chain) is not None
    assert cheapest_mix(field_of(floor=level / whole + 1e-3), chain) is None
    assert highest_floor(field_of(floor=0.6), chain) == pytest.approx(0.6 * whole)


def test_no_random_bought_mix_is_cheaper() -> None:
    field, chain = field_of(), chains()[7]
    mixed = cheapest_mix(field, chain)
    assert mixed is not None
    chance = np.random.default_rng(4)
    grid = field.grid(chain.puts.strike.tolist())
    able = chain.puts.bought()
    pays = np.maximum(chain.puts.strike[able][:, None] - grid, 0.0)
    pays = pays - chain.puts.buy[able][:, None] * grid
    gap = 10.0 * grid - field.floor(grid)
    feasible = 0
    for _ in range(3000):
        size = chance.dirichlet(np.full(len(able), 0.15)) * chance.uniform(7.0, 14.0)
        if (gap + size @ pays >= 0.0).all():
            feasible += 1
            cost = float(size @ chain.puts.buy[able]) * field.lines.price
            assert cost >= mixed.cost_usd - 2.0 * field.lot * 1000.0
    assert feasible > 20


def test_the_tail_hedge_keeps_to_budget_and_limits_and_beats_any_one_put() -> None:
    field = field_of()
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    found = tail_hedge(field, used, CRASHES, 12_000.0, limits)
    assert found.year_usd <= 12_000.0
    assert all(leg.size <= 5.0 + 1e-9 for leg in found.legs)
    assert found.cost_usd == pytest.approx(sum(leg.cost_usd for leg in found.legs))
    assert found.convexity[1] > found.convexity[0] > 1.0
    for pays, often in zip(found.payoff_usd, found.breakeven, strict=True):
        assert often * pays == pytest.approx(found.year_usd)
    brings = sum(c.weight * p for c, p in zip(CRASHES, found.payoff_usd, strict=True))
    for chain in used:
        for k in chain.puts.bought():
            row = chain.puts.rows[k]
            year = float(chain.puts.buy[k]) * field.lines.price / chain.years
            size = np.floor(min(5.0, 12_000.0 / year) * 10 + 1e-9) / 10
            lone = tail_hedge(field, [chain], CRASHES, 12_000.0, {row: float(size)})
            alone = sum(c.weight * p for c, p in zip(CRASHES, lone.payoff_usd, strict=True))
            # rounding down to lots costs the whole programme less than this
            assert brings >= alone - 0.03 * brings


def test_a_margin_row_binds() -> None:
    field = field_of()
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    count = sum(len(chain.puts.bought()) for chain in used)
    rows = np.ones((1, count)), np.array([3.0])
    found = tail_hedge(field, used, CRASHES, 12_000.0, limits, rows)
    assert sum(leg.size for leg in found.legs) <= 3.0 + 1e-9
    assert tail_hedge(field, [], CRASHES, 1.0, {}).legs == ()


def test_conditions_that_contradict_name_the_smallest_change() -> None:
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    count = sum(len(chain.puts.bought()) for chain in used)
    rows = -np.ones((1, count)), np.array([-5.0 * count - 2.0])  # two more than may be bought
    with pytest.raises(ModelError) as refused:
        tail_hedge(field_of(), used, CRASHES, 1e9, limits, rows)
    assert refused.value.code == "solver_failed"
    assert "condition 1 by 2 " in str(refused.value.value)


@pytest.mark.parametrize(
    ("crash", "budget", "code"),
    [
        (Crash(0.1, 1.0, 1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 0.0, 1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, -1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, 1.0), 0.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, 1.0), float("nan"), "number_not_finite"),
        (None, 1.0, "option_unknown"),
    ],
)
def test_bad_crashes(crash: Crash | None, budget: float, code: str) -> None:
    with pytest.raises(InputError) as refused:
        tail_hedge(field_of(), chains(), [crash] if crash else [], budget, {})
    assert refused.value.code == code
