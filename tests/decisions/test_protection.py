"""The finder's answer: order, floors, margin, intents, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.hedge_finder import FAMILIES
from crossmargin.decisions.protection import Ask, protect
from tests.decisions.protect_case import answer, prepared


def test_what_holds_stands_first_then_the_cheapest() -> None:
    found = answer().candidates
    holds = [each.holds for each in found]
    assert holds == sorted(holds, reverse=True)
    costs = [each.plan.horizon_cost_usd for each in found if each.holds]
    assert costs == sorted(costs)
    assert {each.found.family for each in found} == set(FAMILIES) - {"call"}
    assert answer().without == ("call",)


def test_the_margin_is_that_of_a_what_if_of_the_same_legs() -> None:
    ready = prepared()
    for each in answer().candidates[::4]:
        legs = [leg.leg() for leg in each.intents().trades]
        found = ready.whatif(legs)
        assert each.margins is not None
        assert each.margins.im_usd == found.after.im_usd
        assert each.margins.mm_usd == found.after.mm_usd
        assert each.margins.passes == (found.verdict.status == "passes")
        paid = -(found.found.premium_usd - found.found.fees_usd)
        if each.found.family != "perp short":
            assert each.found.cost_usd == pytest.approx(paid, abs=0.01)
        against = found.found.fees_usd - found.found.day_one_usd
        assert each.intents().cost_usd == pytest.approx(against, abs=0.01)


def test_a_bought_put_never_raises_the_margin_of_a_holder() -> None:
    seen = 0
    for floor in (0.6, 0.8, 0.9):
        for each in answer(ask=Ask("BTC", floor, families=("put", "cheapest mix"))).candidates:
            assert each.margins is not None
            assert each.margins.marginal_im_usd <= 1e-6
            assert each.margins.marginal_mm_usd <= 1e-6
            seen += 1
    assert seen >= 12


def test_a_floor_price_is_the_accounts_own_worth_there() -> None:
    found = answer(ask=Ask("BTC", floor_price=50_000.0))
    assert found.floor_today_usd == pytest.approx(500_000.0)
    assert all(each.path.least_usd >= 500_000.0 - 1e-6 for each in found.candidates if each.holds)


def test_a_floor_in_coin_of_a_holder_needs_no_hedge() -> None:
    found = answer(ask=Ask("BTC", 0.8, unit="coin"))
    assert not found.needed
    assert found.candidates == ()


def test_only_calls_cure_a_floor_that_breaks_above() -> None:
    found = answer("sample:retail-short-vol", Ask("BTC", 0.7))
    assert np.isfinite(found.bare.holds_to)
    assert {each.found.family for each in found.candidates} == {"cheapest mix"}
    for each in found.candidates:
        assert any(name.endswith("-C") for name in each.names)
        assert each.holds


def test_the_response_is_taken_from_history_unless_it_is_given() -> None:
    assert answer().field.response > 0.3
    given = answer(ask=Ask("BTC", response=0.0, families=("put",)))
    assert given.field.response == 0.0
    assert given.response_from == "given"


def test_intents_buy_first() -> None:
    for each in answer().candidates:
        sides = [trade.side for trade in each.intents().trades]
        assert sides == sorted(sides)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"floor": 0.0}, "number_out_of_range"),
    ({"floor": 1.0}, "number_out_of_range"),
    ({"floor": float("nan")}, "number_not_finite"),
    ({"floor_price": -1.0}, "number_out_of_range"),
    ({"days": 0.0}, "number_out_of_range"),
    ({"unit": "gold"}, "option_unknown"),
    ({"families": ("swap",)}, "option_unknown"),
    ({"expiries": 0}, "number_out_of_range"),
    ({"crash": 1.0}, "number_out_of_range"),
    ({"cap": -0.1}, "number_out_of_range"),
    ({"response": 9.0}, "number_out_of_range"),
    ({"lot": 0.0}, "number_out_of_range"),
]


@pytest.mark.parametrize(("change", "code"), BAD)
def test_bad_wishes(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        Ask("BTC", **change)
    assert refused.value.code == code


def test_an_account_without_equity_has_no_floor() -> None:
    ready = prepared()
    view, _ = ready.seen()
    core = ready.core
    before = core.before
    core.before = before._replace(equity_usd=0.0)
    try:
        with pytest.raises(InputError) as refused:
            protect(core, ready.book, view, ready.snapshot, Ask("BTC"))
        core.before = before._replace(equity_usd=-273_783.4)
        with pytest.raises(InputError) as below:
            protect(core, ready.book, view, ready.snapshot, Ask("BTC"))
    finally:
        core.before = before
    assert refused.value.code == "number_out_of_range"
    assert "equity is -273,783 USD, at or below zero" in below.value.message
    assert "COIN:AMOUNT" in below.value.remedy
    assert replace(answer().ask, days=30.0).days == 30.0


@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm"])
def test_a_protective_put_never_raises_the_margin_of_a_coin_future(model: str) -> None:
    """A bought perpetual and dollars: every put of the chain lowers what is required, or nothing.

    Where coin is not collateral but a position, a bought put can only cut losses of the grid.
    """
    import crossmargin as xm

    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "currency": "BTC", "quantity": 5.0},
        {"type": "position", "account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL",
         "quantity": 400_000.0},
    ]  # fmt: skip
    found = xm.protect(rows, "sample:market", model, floor=0.5, strategies=["put", "put-spread"])
    puts = [each for each in found.candidates if each["strategy"] == "put"]
    assert puts
    assert all(each["marginal_mm_usd"] <= 1e-6 for each in puts)
    assert all(each["marginal_im_usd"] <= 1e-6 for each in puts)
