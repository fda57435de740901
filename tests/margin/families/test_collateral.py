"""Weights of collateral."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.collateral import (
    haircut_of,
    one_pool,
    require_weights,
    usd_of,
    weights_of,
    worth_of,
)
from crossmargin.margin.model import Priced
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import cut
from tests.vectors.building import Facts, asset, book_of, view_of

GIVEN = from_values("m", "1", {"collateral": {"ETH": {"w": 0.9}, "USDC": {"w": 1.0}}}, "test")
PERP = Instrument("x", "P", Kind.PERPETUAL, "ETH", "USDC", "USDC")
TABLE = Instruments.of([asset("x", "ETH"), asset("x", "USDC"), PERP])
FACTS = Facts(0, {}, {"ETH": 2_000.0, "USDC": 0.5, "USD": 1.0})
VIEW = view_of(TABLE, FACTS)


def test_one_pool_holds_everything_and_every_asset_is_cash() -> None:
    (pool,) = one_pool(TABLE, GIVEN, "USDC").pools
    assert pool.columns.tolist() == [0, 1, 2]
    assert {TABLE.items[k].native_id for k in pool.cash.nonzero()[0]} == {"ETH", "USDC"}


def test_weights_and_worth_by_row() -> None:
    names = [item.native_id for item in TABLE.items]
    weight = dict(zip(names, weights_of(TABLE, GIVEN, "collateral", "w").tolist(), strict=True))
    assert weight == {"ETH": 0.9, "USDC": 1.0, "P": 1.0}
    worth = dict(zip(names, worth_of(TABLE, VIEW, 0.5).tolist(), strict=True))
    assert worth == {"ETH": 4_000.0, "USDC": 1.0, "P": 1.0}
    assert usd_of(TABLE, VIEW, "USDC") == 0.5
    assert usd_of(TABLE, VIEW, "USD") == 1.0


@pytest.mark.parametrize(("coins", "lost"), [(3.0, 3.0 * 4_000.0 * 0.1), (-3.0, 0.0), (0.0, 0.0)])
def test_only_what_is_held_is_cut(coins: float, lost: float) -> None:
    pool = one_pool(TABLE, GIVEN, "USDC").pools[0]
    worth = worth_of(TABLE, VIEW, 0.5)
    priced = Priced(pool, VIEW, 0.5, None, None, {}, worth * 0.0)
    held = cut(book_of(TABLE, {"a": [("ETH", coins), ("USDC", 10.0)]}), pool, 0)
    found = haircut_of(priced, held, worth, weights_of(TABLE, GIVEN, "collateral", "w"))
    assert found.tolist() == pytest.approx([lost])


def test_a_missing_weight_is_named() -> None:
    require_weights(GIVEN, "collateral", "w", ("ETH", "USDC"))
    with pytest.raises(ModelError) as caught:
        require_weights(GIVEN, "collateral", "w", ("ETH", "DOGE"))
    assert caught.value.value == repr("collateral.DOGE.w")
