"""The cheapest mix bounds every bought hedge, and holds the floor at every price."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions import hedge_finder as hf
from crossmargin.decisions.hedge_mix import cheapest_mix, highest_floor
from tests.decisions.protect_case import chains, field_of


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
