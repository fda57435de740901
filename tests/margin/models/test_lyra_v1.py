"""Lyra v1 against the scalar twin, by hand, and with books of many positions."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.model import Standing
from crossmargin.margin.models.lyra_v1 import SPEC, collateral, shock_vol
from crossmargin.margin.parameter_files import available
from crossmargin.margin.pools import cut
from tests.oracle import lyra_v1
from tests.vectors.building import Dated, Facts, Quote, asset, option, view_of

AS_OF_MS = 1_680_000_000_000
NEWEST = available("lyra-v1")[-1]
SPOT = {"ETH": 1_800.0, "BTC": 28_000.0}
CASH = asset("derive", "USDC")


def plain(coin: str) -> dict[str, float]:
    start = f"market.{coin}."
    return {n[len(start) :]: e.value for n, e in NEWEST.entries.items() if n.startswith(start)}


def short(coin: str, right: int, strike: float, days: float, in_coin: bool = False) -> Instrument:
    settle = coin if in_coin else "USDC"
    name = f"{coin}-{days:g}-{strike:g}-{right}-{settle}"
    when = AS_OF_MS + int(days * 86_400_000)
    return option("derive", name, right, strike, when, underlying=coin, settle=settle)


def margined(
    held: dict[Instrument, float], orders: tuple[tuple[Instrument, float, float], ...] = ()
) -> Requirement:
    table = Instruments.of({i.key: i for i in [*held, CASH, *(o[0] for o in orders)]}.values())
    place = table.index_of()
    facts = Facts(
        AS_OF_MS,
        {(coin, "USD"): price for coin, price in SPOT.items()},
        {**SPOT, "USDC": 1.0, "USD": 1.0},
        {key[3]: Dated(SPOT[key[0]], key[3] - AS_OF_MS) for key in table.expiries},
        {i.native_id: Quote(10.0, 0.7) for i in table.items},
    )
    made = [Order("a", place[i.key], 1 if x > 0 else -1, abs(x), p) for i, x, p in orders]
    lines = [Line("a", place[i.key], size) for i, size in held.items()]
    book = Book.of(table, lines, made, accounts=("a",))
    return run(book, view_of(table, facts), model_named("lyra-v1@v1"), NEWEST)


def theirs(item: Instrument, amount: float) -> float:
    """The twin's collateral in dollars."""
    coin, in_coin = item.underlying, item.settle == item.underlying
    seconds = (item.expiry_ms - AS_OF_MS) / 1000.0
    found = lyra_v1.min_collateral(
        item.right, in_coin, amount, SPOT[coin], item.strike, seconds, plain(coin)
    )
    return found * (SPOT[coin] if in_coin else 1.0)


def test_500_random_shorts_are_those_of_the_twin() -> None:
    rng = Random("lyra")
    branches = set()
    for _ in range(500):
        coin = rng.choice(["ETH", "BTC"])
        right = rng.choice([1, -1])
        strike = SPOT[coin] * rng.uniform(0.4, 2.5)
        days = rng.choice([0.0, 1e-5, rng.uniform(0.1, 3.0), rng.uniform(1.0, 120.0)])
        item = short(coin, right, strike, days, right > 0 and rng.random() < 0.5)
        amount = 10.0 ** rng.uniform(-3.0, 3.0)
        found = float(margined({item: -amount}).sheet["mm"][0])
        wanted = theirs(item, amount)
        assert found == pytest.approx(wanted, rel=1e-11, abs=1e-11 * SPOT[coin] * amount)
        branches.add((item.settle == coin, right, round(wanted / amount / SPOT[coin], 1)))
    assert len(branches) > 10


def test_positions_add_up_and_longs_need_nothing() -> None:
    call, put = short("ETH", 1, 2_000.0, 30.0), short("BTC", -1, 25_000.0, 30.0)
    both = margined({call: -2.0, put: -1.0, short("ETH", 1, 1_700.0, 9.0): 5.0, CASH: 100.0})
    wanted = theirs(call, 2.0) + theirs(put, 1.0)
    assert float(both.sheet["im"][0]) == pytest.approx(wanted, rel=1e-12)
    assert float(both.sheet["counted_mm"][0]) == 100.0


def test_the_static_amount_stops_at_full_cover() -> None:
    """A tenth of a put of 1,000: 200 of cash would be more than all of it."""
    tiny = short("ETH", -1, 1_000.0, 30.0)
    assert float(margined({tiny: -0.1}).sheet["mm"][0]) == pytest.approx(100.0, rel=1e-13)


def test_vol_between_the_points() -> None:
    """BTC: 3.0 to four weeks, 1.8 from eight, half way 2.4; ETH: 2.5 at any life."""
    weeks = np.array([1.0, 4.0, 6.0, 8.0, 50.0]) * 604_800.0
    assert shock_vol(weeks, NEWEST, "BTC").tolist() == pytest.approx([3.0, 3.0, 2.4, 1.8, 1.8])
    assert set(shock_vol(weeks, NEWEST, "ETH").tolist()) == {2.5}


def test_an_order_is_at_most_every_sell_and_what_costs() -> None:
    call = short("ETH", 1, 2_000.0, 30.0)
    sold = margined({call: -1.0}, ((call, -2.0, 50.0), (call, 1.0, 40.0)))
    wanted = theirs(call, 3.0) - theirs(call, 1.0) + 40.0
    assert float(sold.sheet["order_margin"][0]) == pytest.approx(wanted, rel=1e-12)
    assert float(sold.sheet["mm"][0]) == pytest.approx(theirs(call, 1.0), rel=1e-12)
    found = collateral(sold.priced[0], np.array([0]), np.array([0.0]))
    assert found.tolist() == [0.0]
    assert len(cut(sold.book, sold.plan.pools[0], 0).column) == 1


def test_puts_in_coin_and_unknown_coins_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({short("ETH", -1, 1_000.0, 30.0, True): -1.0})
    assert caught.value.code == "kind_not_accepted"
    with pytest.raises(ModelError) as caught:
        model_named("lyra-v1").plan(Instruments.of([asset("derive", "SOL")]), NEWEST)
    assert caught.value.code == "parameter_missing"


def test_it_is_history() -> None:
    assert SPEC.standing is Standing.HISTORICAL
