"""The three forms of a short option's charge, on numbers worked by hand: index 50,000."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.standard_options import (
    by_settlement,
    classic,
    floored,
    of_underlying,
    sloped,
)
from crossmargin.margin.parameter_files import from_values
from crossmargin.market.view import View
from tests.margin.families.worked import AS_OF_MS, DAY_MS, EXPIRY_MS
from tests.vectors.building import Dated, Facts, Quote, option, view_of


def priced(
    right: int, strike: float, mark: float, inverse: bool = False
) -> tuple[Instruments, View]:
    settle = "BTC" if inverse else "USDC"
    quote = "USD" if inverse else "USDC"
    item = option(
        "x",
        "O",
        right,
        strike,
        EXPIRY_MS,
        underlying="BTC",
        quote=quote,
        settle=settle,
        inverse=inverse,
    )
    table = Instruments.of([item])
    facts = Facts(
        AS_OF_MS,
        {("BTC", quote): 50_000.0},
        {"BTC": 50_000.0, "USD": 1.0, "USDC": 1.0},
        {EXPIRY_MS: Dated(50_000.0, 30 * DAY_MS)},
        {"O": Quote(mark, 0.5)},
    )
    return table, view_of(table, facts)


@pytest.mark.parametrize(
    ("right", "strike", "mark", "im", "mm"),
    [
        (1, 52_000.0, 900.0, 0.11 * 50_000.0 + 900.0, 0.075 * 50_000.0 + 900.0),
        (1, 40_000.0, 11_000.0, 0.15 * 50_000.0 + 11_000.0, 0.075 * 50_000.0 + 11_000.0),
        (1, 90_000.0, 5.0, 0.10 * 50_000.0 + 5.0, 0.075 * 50_000.0 + 5.0),
        (-1, 48_000.0, 900.0, 0.11 * 50_000.0 + 900.0, 0.075 * 50_000.0 + 900.0),
        (-1, 150_000.0, 100_000.0, 0.15 * 50_000.0 + 1e5, 0.075 * 1e5 + 1e5),
        (-1, 250_000.0, 200_000.0, 0.075 * 2e5 + 2e5, 0.075 * 2e5 + 2e5),
    ],
)
def test_floored(right: int, strike: float, mark: float, im: float, mm: float) -> None:
    found = floored(*priced(right, strike, mark), 0.15, 0.10, 0.075)
    assert (found[0][0], found[1][0]) == pytest.approx((im, mm), rel=1e-13)


def test_floored_in_coin() -> None:
    found = floored(*priced(1, 52_000.0, 0.02, True), 0.15, 0.10, 0.075)
    assert (found[0][0], found[1][0]) == pytest.approx((0.13, 0.095), rel=1e-13)


def test_sloped_takes_the_distance_off_both_levels() -> None:
    """2 % out of the money: 0.13 and 0.055; far out: 0.10 and 0.05."""
    near = sloped(*priced(1, 51_000.0, 900.0), (0.15, 0.10), (0.075, 0.05))
    assert (near[0][0], near[1][0]) == pytest.approx((7_400.0, 3_650.0), rel=1e-13)
    far = sloped(*priced(-1, 20_000.0, 1.0), (0.15, 0.10), (0.075, 0.05))
    assert (far[0][0], far[1][0]) == pytest.approx((5_001.0, 2_501.0), rel=1e-13)


def test_classic_grows_a_puts_floor_by_its_mark() -> None:
    """Call: 0.1 x 50,000 + 100. Put in the money by far: 0.1 x (50,000 + 30,000) + 30,000."""
    call = classic(*priced(1, 60_000.0, 100.0), (0.10, 0.15), (0.05, 0.07))
    assert (call[0][0], call[1][0]) == pytest.approx((5_100.0, 2_600.0), rel=1e-13)
    put = classic(*priced(-1, 80_000.0, 30_000.0), (0.10, 0.15), (0.05, 0.07))
    assert (put[0][0], put[1][0]) == pytest.approx((38_000.0, 34_000.0), rel=1e-13)


def test_shares_by_underlying_are_those_of_options_alone() -> None:
    table, _ = priced(1, 52_000.0, 900.0)
    other = Instrument("x", "P", Kind.PERPETUAL, "DOGE", "USDC", "USDC")
    mixed = Instruments.of([*table.items, other])
    parameters = from_values("m", "1", {"option": {"BTC": {"share": 0.2}}}, "test")
    found = of_underlying(mixed, parameters, "option", "share")
    assert sorted(found.tolist()) == [0.0, 0.2]
    strange = Instruments.of([Instrument("x", "O", Kind.OPTION, "XYZ", "USD", "USD")])
    with pytest.raises(ModelError) as caught:
        of_underlying(strange, parameters, "option", "share")
    assert caught.value.code == "parameter_missing"


def test_a_pool_a_settlement_currency() -> None:
    items = [
        Instrument("x", "A", Kind.PERPETUAL, "BTC", "USD", "BTC", True),
        Instrument("x", "B", Kind.PERPETUAL, "BTC", "USDC", "USDC"),
        Instrument("x", "USDC", Kind.ASSET, "USDC", "USD", "USDC"),
    ]
    plan = by_settlement(Instruments.of(items), from_values("m", "1", {}, "test"))
    assert [pool.label for pool in plan.pools] == ["BTC", "USDC"]
    assert plan.pools[1].cash.tolist() == [0, 1] or plan.pools[1].cash.tolist() == [1, 0]
    assert np.concatenate([pool.columns for pool in plan.pools]).tolist() == [0, 1, 2]
