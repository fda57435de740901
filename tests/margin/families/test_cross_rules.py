"""What a set says of coins: movers, matrices, pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.conformance.world import world_of
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.cross_rules import (
    coins_of,
    correlation_of,
    joint_names,
    pairs_of,
    tenths_of,
    underlying_of,
)
from tests.margin.netting_books import subject


def test_a_wrapped_token_moves_with_its_underlying() -> None:
    found = subject("correlated")
    world = world_of(found)
    coin = next(i for i in world.instruments.items if i.kind == Kind.ASSET and i.settle == "BTC")
    wrapped = replace(coin, native_id="WBTC", underlying="WBTC", settle="WBTC")
    coins = coins_of(Instruments.of([coin, wrapped]), found.parameters)
    assert coins.names == ("BTC", "WBTC")
    assert coins.mover == ("BTC", "BTC")
    assert coins.range.tolist() == [0.15, 0.15]
    assert underlying_of(found.parameters, "WSTETH") == "WSTETH"  # its rate to ether is not one


def test_matrix_pairs_and_stress() -> None:
    found = subject("correlated", {"stress.tenths": 4, "credit.ETH.BTC": 0.5})
    assert joint_names(found.parameters) == ("BTC", "ETH")
    np.testing.assert_array_equal(correlation_of(found.parameters), [[1.0, 0.8], [0.8, 1.0]])
    assert tenths_of(found.parameters) == 4
    coins = coins_of(world_of(found).instruments, found.parameters)
    movers, (pair,) = pairs_of(found.parameters, coins)
    assert movers == ("BTC", "ETH")
    assert pair.fraction == 0.5 * 0.6
    assert pairs_of(found.parameters, coins, stressed=False)[1][0].fraction == 0.5
