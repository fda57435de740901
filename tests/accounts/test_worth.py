from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmargin as xm
from crossmargin.accounts.agreement import agreement_for
from crossmargin.accounts.worth import Worth, worth_of
from crossmargin.conformance.world import (
    answering,
    one_account,
    random_book,
    subject_of,
    world_of,
)
from crossmargin.core.arrays import frozen
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import MarginModel, model_named
from crossmargin.margin.model import Requirement
from crossmargin.margin.register import every_model
from crossmargin.margin.run import run
from tests.accounts.books import requirement, rows

ANSWERING = answering(every_model())
BOOKS = ("retail-short-vol", "market-maker", "inverse-perp-basis")


def worth(found: Requirement, **more: float) -> Worth:
    return worth_of(found, agreement_for(found.model, found.view.as_of_ms), **more)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm", "deribit-sm", "okx-pm", "tims"])
def test_free_is_never_less_than_withdrawable(book: str, model: str) -> None:
    found = worth(requirement(book, model))
    assert found.free_usd >= found.withdrawable_usd >= 0.0
    assert found.equity_mark_usd >= found.equity_exit_usd
    steps = sum(usd for _, usd in found.withheld)
    assert steps == pytest.approx(found.withdrawable_usd, abs=1e-6 * abs(found.counted_im_usd))


def test_the_executable_value_is_that_of_a_slow_twin() -> None:
    found = requirement("market-maker")
    book, view = found.book, found.view
    moved = 0.0
    for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[k]
        if item.kind in (Kind.ASSET, Kind.DEBT):
            continue
        price = view.bid[k] if quantity > 0 else view.ask[k]
        usd = view.usd[book.instruments.names.index(item.settle)]
        if item.inverse and item.kind != Kind.OPTION:
            moved += quantity * item.multiplier * (1 / view.mark[k] - 1 / price) * usd
        else:
            moved += quantity * item.multiplier * (price - view.mark[k]) * usd
    result = worth(found)
    assert not result.unquoted
    assert result.equity_executable_usd == pytest.approx(result.equity_mark_usd + moved, rel=1e-12)
    assert moved < 0.0


def test_a_leg_without_a_quote_is_listed_and_costs_the_agreed_share() -> None:
    found = requirement()
    view = found.view
    bare = np.zeros(len(view.has_bid), np.bool_)
    blind = replace(found, view=replace(view, has_bid=bare, has_ask=bare))
    result = worth(blind)
    assert len(result.unquoted) == len(result.legs) == 8
    assert result.equity_executable_usd == result.equity_mark_usd
    option = next(leg for leg in result.legs if leg.label.endswith("-C"))
    full = abs(option.quantity) * option.mark * 68_412.57
    assert option.close_usd == pytest.approx(full, rel=1e-9)
    future = next(leg for leg in result.legs if leg.label.endswith("PERPETUAL"))
    assert future.close_usd == pytest.approx(0.05 * 17_000.0, rel=1e-2)
    assert result.withdrawable_usd < worth(found).withdrawable_usd


def test_a_cost_that_is_given_replaces_the_touch() -> None:
    found = requirement("market-maker", "deribit-spm")
    agreement = agreement_for(found.model, found.view.as_of_ms)
    touch = worth_of(found, agreement)
    by_leg = worth_of(found, agreement, 0, lambda label: 1.0)
    assert by_leg.exit_cost_usd == len(by_leg.legs)
    whole = worth_of(found, agreement, 0, 1_000_000.0)
    assert whole.equity_exit_usd == whole.equity_mark_usd - 1_000_000.0
    assert whole.withdrawable_usd == pytest.approx(
        touch.withdrawable_usd + touch.exit_cost_usd - 1_000_000.0, rel=1e-12
    )
    assert whole.cost_source == "given"
    assert whole.exit_usage is not None
    assert worth_of(found, agreement, 0, 1e12).withdrawable_usd == 0.0
    assert worth_of(found, agreement, 0, 1e12).exit_usage is None


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf])
def test_a_cost_that_is_none_is_refused(cost: float) -> None:
    found = requirement()
    with pytest.raises(InputError) as caught:
        worth(found, exit_cost=cost)
    assert caught.value.code == "number_out_of_range"


@given(cost=st.floats(0.0, 1e6), multiple=st.floats(1.0, 10.0))
@settings(max_examples=30, deadline=None)
def test_stricter_terms_never_let_more_leave(cost: float, multiple: float) -> None:
    found = requirement_once()
    agreement = agreement_for(found.model, found.view.as_of_ms)
    strict = replace(agreement, withdrawal_multiple=multiple)
    free = replace(agreement, withdrawal_multiple=1.0)
    less = worth_of(found, strict, 0, cost)
    assert less.withdrawable_usd <= worth_of(found, free, 0, 0.0).withdrawable_usd
    assert less.withdrawable_usd <= less.free_usd


_FOUND: list[Requirement] = []


def requirement_once() -> Requirement:
    if not _FOUND:
        _FOUND.append(requirement())
    return _FOUND[0]


def test_the_premium_of_a_long_option_cannot_leave() -> None:
    book = rows(
        ("balance", "BTC", 1.0, None),
        ("position", "BTC-28AUG26-70000-C", 20.0, None),
    )
    found = xm.margin(book, "sample:market", "deribit-spm").requirement
    result = worth(found)
    value = float(found.sheet["option_value"][0]) * 68_412.57
    assert value > 10_000.0
    assert dict(result.withheld)["gains not realised, value of options"] == pytest.approx(-value)
    assert result.withdrawable_usd <= 68_412.57


@pytest.mark.parametrize("model", ANSWERING, ids=lambda model: model.spec.name)
def test_an_account_of_any_model_has_its_figures(model: MarginModel) -> None:
    """A model of perpetuals has no value of options, one of loans no profit: neither is a fault."""
    subject = subject_of(model)
    view = world_of(subject).view
    book = random_book(subject, seed=3, accounts=6, largest=6)
    seen = 0
    for account in range(6):
        one = book.rows(account, account + 1)
        try:
            found = run(one, view, model, subject.parameters)
        except CrossMarginError:
            continue  # the model refuses a draw: no account to judge
        result = worth(found)
        seen += 1
        assert result.free_usd >= result.withdrawable_usd >= 0.0
        steps = sum(usd for _, usd in result.withheld)
        assert steps == pytest.approx(result.withdrawable_usd, abs=1e-6 * (1 + result.im_usd))
    assert seen > 0


def test_what_is_supplied_to_a_pool_may_leave_down_to_the_multiple() -> None:
    """100 ether at 1,900, of which 0.805 counts, against 50,000 dollars."""
    subject = subject_of(model_named("aave-v3"))
    book, world = one_account(subject, {"ETH": 100.0, "debt USDC": 50_000.0})
    found = worth(run(book, world.view, subject.model, subject.parameters))
    owed = 50_000.0 * 0.9995
    assert found.equity_mark_usd == pytest.approx(190_000.0 - owed)
    assert found.free_usd == pytest.approx(190_000.0 * 0.805 - owed)
    assert found.withdrawable_usd == pytest.approx(190_000.0 * 0.805 - 1.2 * owed)


@pytest.mark.parametrize(("model", "money"), [("house-example", "USDC"), ("binance-pm", "USDT")])
def test_a_haircut_makes_no_room_for_a_gain(model: str, money: str) -> None:
    """What a haircut takes off collateral is no reason to let an open profit leave instead."""
    subject = subject_of(model_named(model))
    world = world_of(subject)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    perpetual = place[f"ETH_{money}-PERPETUAL"]
    gain = 300.0
    lines = [
        Line("a", place[money], 5_000.0),
        Line("a", place["BTC"], 2.0),
        Line("a", perpetual, 1.0, entry_price=float(world.view.mark[perpetual]) - gain),
    ]
    found = run(Book.of(world.instruments, lines), world.view, subject.model, subject.parameters)
    assert abs(float(found.sheet["collateral_haircut"].sum())) > gain
    assert float(found.sheet["unrealised"].sum()) == pytest.approx(gain, rel=1e-3)
    steps = dict(worth(found).withheld)
    assert steps["gains not realised, value of options"] == pytest.approx(-gain, rel=1e-3)


def walled(posted: float) -> Requirement:
    """Bitcoin in the core, 40 ether of a perpetual in a bucket of its own."""
    subject = subject_of(model_named("hybrid"))
    world = world_of(subject)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    lines = [
        Line("a", place["USDC"], 200_000.0),
        Line("a", place["BTC_USDC-PERPETUAL"], 1.0),
        Line("a", place["ETH_USDC-PERPETUAL"], 40.0),
    ]
    chosen = {"bucket:ETH_USDC-PERPETUAL": 3.0, "posted:isolated": posted}
    choices = {name: frozen([value], np.float64) for name, value in chosen.items()}
    book = replace(Book.of(world.instruments, lines), choices=choices)
    return run(book, world.view, subject.model, subject.parameters)


def test_a_line_behind_walls_is_left_at_the_cost_of_its_own_bucket() -> None:
    found = walled(40_000.0)
    terms = agreement_for(found.model, found.view.as_of_ms)
    costs = {"deribit BTC_USDC-PERPETUAL": 300.0, "deribit ETH_USDC-PERPETUAL": 5_000.0}
    result = worth_of(found, terms, 0, costs.__getitem__)
    assert {leg.label: leg.pool for leg in result.legs} == dict(zip(costs, (0, 2), strict=True))
    row = {int(pool): r for r, pool in enumerate(found.sheet.pool)}
    core = {n: float(found.sheet[n][row[0]]) for n in ("counted_im", "im")}
    own = {n: float(found.sheet[n][row[2]]) for n in ("counted_im", "im")}
    # The core lets go what is left after its own line alone.
    assert result.withdrawable_usd == pytest.approx(core["counted_im"] - 1.2 * core["im"] - 300.0)
    assert result.exit_usage == pytest.approx(own["im"] / (own["counted_im"] - 5_000.0))
    assert dict(result.withheld)["cost to close"] == -5_300.0
