"""The scan family as a model: pools, levels, what is at least, and Paradex from its parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, run
from crossmargin.margin.families.scan import Member, ScanModel
from crossmargin.margin.parameter_files import available, from_values
from tests.margin.families.house import (
    AS_OF_MS,
    COIN,
    FORM,
    PERPETUAL,
    SPOT,
    USDC,
    WIDE,
    call,
    column,
    margined,
    rules,
)
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of


def test_levels_are_factors_of_the_requirement() -> None:
    found = margined({PERPETUAL: 2.0}, rules({**WIDE, "futures_factor": 0.01}, im=1.3, mm=0.7))
    assert column(found, "scan_risk") == pytest.approx(10_000.0)
    assert column(found, "requirement") == pytest.approx(11_000.0)
    assert column(found, "im") == pytest.approx(1.3 * 11_000.0)
    assert column(found, "mm") == pytest.approx(0.7 * 11_000.0)


def test_a_floor_may_stand_beside_the_loss_or_under_it() -> None:
    numbers = {**WIDE, "outright_floor": 0.3}
    for reading, wanted in (("greater", 30_000.0), ("added", 40_000.0)):
        more = {"reading": {"floor": reading}}
        found = margined({PERPETUAL: 2.0}, rules(numbers, more=more))
        assert column(found, "requirement") == pytest.approx(wanted)


def test_a_stranger_takes_the_numbers_of_other_or_is_refused() -> None:
    sol = delta_one("v", "SOL-PERP", underlying="SOL", settle="USDC")
    with pytest.raises(ModelError) as caught:
        model_named("house-example").plan(Instruments.of([sol]), rules(WIDE))
    assert caught.value.code == "parameter_missing"
    assert caught.value.limit == "BTC"
    values = {"form": FORM, "asset": {"OTHER": WIDE}}
    other = from_values("house", "test", values, "test")
    plan = model_named("house-example").plan(Instruments.of([sol, COIN, USDC]), other)
    assert [pool.label for pool in plan.pools] == ["BTC", "SOL"]


def test_a_coin_lies_in_its_own_pool_and_money_in_the_first() -> None:
    eth = delta_one("v", "ETH-PERP", underlying="ETH", settle="USDC")
    coins = [COIN, asset("v", "ETH"), USDC]
    table = Instruments.of([PERPETUAL, eth, *coins])
    numbers = {"BTC": WIDE, "ETH": WIDE}
    values = {"asset": numbers, "form": FORM, "level": {"im_factor": 1.0, "mm_factor": 1.0}}
    values["general"] = {"vega_power_short": 0, "vega_power_long": 0, "dte_floor_days": 1}
    parameters = from_values("house", "test", values, "test")
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): SPOT, ("ETH", "USD"): 2_000.0},
        {"BTC": SPOT, "ETH": 2_000.0, "USDC": 1.0, "USD": 1.0},
        {},
        {"PERP": Quote(SPOT), "ETH-PERP": Quote(2_000.0)},
    )
    place = table.index_of()
    held = {eth: 3.0, coins[0]: 1.0, coins[1]: 5.0, USDC: 7.0}
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    found = run(
        Book.of(table, lines), view_of(table, facts), model_named("house-example"), parameters
    )
    by_pool = dict(zip(("BTC", "ETH"), found.sheet["equity"].tolist(), strict=True))
    assert by_pool == {"BTC": pytest.approx(SPOT + 7.0), "ETH": pytest.approx(10_000.0)}
    assert found.sheet["im"].tolist() == pytest.approx([0.0, 600.0])


def test_what_is_not_known_is_at_least_where_it_would_bite() -> None:
    """A member that is not whole: an absent rate is unknown, and only short options feel it."""
    house = model_named("house-example")
    assert isinstance(house, ScanModel)
    partial = ScanModel(replace(house.member, whole=False))
    assert isinstance(partial.member, Member)
    numbers = {**WIDE, "vega_spread_factor": 0.0, "basis_rate_annual": 0.0, "roll_factor": 0.0}
    numbers |= {"depeg_factor": 0.0, "futures_factor": 0.0, "liquidity_futures": 0.0}
    numbers |= {"liquidity_option": 0.0, "concentration_factor": 0.0, "fee_futures": 0.0}
    numbers |= {"fee_option": 0.0, "unhedged_factor": 0.0, "hedged_factor": 0.0}
    numbers |= {"outright_floor": 0.0, "option_floor": 0.0}
    chosen = rules(numbers)
    for size, doubt in ((1.0, False), (-1.0, True)):
        found = margined({call(): size}, chosen)
        again = run(found.book, found.view, partial, chosen)
        assert again.at_least.tolist() == [doubt]
        assert again.sheet["im"].tolist() == found.sheet["im"].tolist()
    whole = replace(partial.member, grid=False)
    found = margined({call(): 1.0}, chosen)
    assert run(found.book, found.view, ScanModel(whole), chosen).at_least.all()


def test_paradex_portfolio_margin_is_a_rulebook_of_the_family() -> None:
    """Its scenarios, least charge and fees from the family's parts, on 40 random books."""
    paradex = available("paradex-pm")[-1]
    expiries = [AS_OF_MS + int(days * 86_400_000) for days in (0.5, 9.0, 30.0, 120.0)]
    terms = {"underlying": "BTC", "settle": "USDC"}
    items = [delta_one("paradex", "PERP", **terms)]
    for k, when in enumerate(expiries):
        for strike in (35_000.0, 48_000.0, 50_000.0, 60_000.0):
            for right in (1, -1):
                name = f"O{k}-{strike:g}-{right}"
                items.append(option("paradex", name, right, strike, when, **terms))
    table = Instruments.of(items)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): SPOT},
        {"BTC": SPOT, "USDC": 1.0, "USD": 1.0},
        {when: Dated(SPOT * 1.01, when - AS_OF_MS) for when in expiries},
        {item.native_id: Quote(SPOT * 1.001 if not item.right else 900.0, 0.55) for item in items},
    )
    coin = "asset.BTC"
    numbers = {
        "scenarios": paradex.get(f"{coin}.scenarios"),
        "min_shock_up": paradex.number(f"{coin}.min_vol_shock_up"),
        "unhedged_factor": paradex.number(f"{coin}.unhedged_margin_factor"),
        "hedged_factor": paradex.number(f"{coin}.hedged_margin_factor"),
    }
    chosen = rules(numbers, power=(0.3, 0.13, 1.0), delta_one="index")
    rng = np.random.default_rng(8)
    lines = [
        Line(f"a{a:02d}", k, float(rng.normal()))
        for a in range(40)
        for k in sorted(rng.choice(len(table), 6, replace=False).tolist())
    ]
    book, view = Book.of(table, lines), view_of(table, facts)
    ours = run(book, view, model_named("house-example"), chosen)
    theirs = run(book, view, model_named("paradex-pm"), paradex)
    pairs = {"scan_risk": "scan_risk", "min_delta": "min_delta_risk", "requirement": "net_pimr"}
    for mine, other in pairs.items():
        assert np.allclose(ours.sheet[mine], theirs.sheet[other], rtol=1e-12, atol=1e-9), mine
    assert ours.scenario.tolist() == theirs.scenario.tolist()
