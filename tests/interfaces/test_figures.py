"""Plain values of a requirement: totals add up, ratios are what they say, absent is absent."""

from __future__ import annotations

import math

import pytest

import crossmargin as xm
from crossmargin.core.errors import StateError
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.results import MarginResult

PERPETUAL = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": -100000.0}


def test_pools_in_dollars_add_up_to_the_account(maker: str, market: str) -> None:
    account = xm.margin(maker, market, "deribit-spm").accounts[0]
    for key in ("im", "mm", "equity", "counted_im", "counted_mm"):
        total = sum(pool[key] * pool["usd_per_unit"] for pool in account["pools"])
        assert total == pytest.approx(account[f"{key}_usd"], rel=1e-12), key
    assert account["im_usage"] == max(pool["im_usage"] or 0.0 for pool in account["pools"])
    single = xm.margin(maker, market, "derive-pm2").accounts[0]
    assert single["im_usage"] == single["im_usd"] / single["counted_im_usd"]


def test_a_pool_in_debt_is_not_hidden_by_another(market: str) -> None:
    def cash(coin: str, amount: float) -> dict[str, object]:
        return {"type": "balance", "venue": "deribit", "instrument": coin, "quantity": amount}

    ether = {"venue": "deribit", "instrument": "ETH-PERPETUAL", "quantity": 50000.0}
    book = [PERPETUAL, ether, cash("BTC", 100.0), cash("ETH", 0.1)]
    account = xm.margin(book, market, "deribit-spm").accounts[0]
    assert account["im_usage"] == account["pools"][1]["im_usage"] > 1.0
    assert account["im_usd"] < 0.1 * account["equity_usd"]
    book = [PERPETUAL, ether, cash("BTC", 100.0), cash("ETH", -1.0)]
    assert xm.margin(book, market, "deribit-spm").accounts[0]["im_usage"] is None


def test_worst_runner_up_and_gap(margined: MarginResult) -> None:
    pool = margined.accounts[0]["pools"][0]
    assert pool["gap"] == pool["worst_loss"] - pool["runner_up_loss"] >= 0.0
    assert pool["worst_scenario"] != pool["runner_up_scenario"]


def test_without_a_balance_there_is_no_equity_and_no_usage(market: str) -> None:
    account = xm.margin([PERPETUAL], market, "deribit-spm").accounts[0]
    assert account["equity_source"] == "none"
    assert account["equity_usd"] is account["im_usage"] is account["mm_usage"] is None
    assert account["im_usd"] > account["mm_usd"] > 0.0


def test_equity_says_where_it_comes_from(market: str) -> None:
    cash = {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 2.0}
    by_balance = xm.margin([PERPETUAL, cash], market, "deribit-spm").accounts[0]
    by_venue = xm.margin([PERPETUAL, {**cash, "equity": 1.9}], market, "deribit-spm").accounts[0]
    by_entry = xm.margin([{**PERPETUAL, "entry_price": 65000.0}], market, "deribit-spm").accounts[0]
    found = [each["equity_source"] for each in (by_balance, by_venue, by_entry)]
    assert found == ["balances", "venue", "rebuilt"]
    assert by_venue["pools"][0]["equity"] == 1.9


def test_an_account_that_owes_more_than_it_has_shows_no_usage(market: str) -> None:
    debt = {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": -1.0}
    account = xm.margin([PERPETUAL, debt], market, "deribit-spm").accounts[0]
    assert account["equity_usd"] < 0.0
    assert account["im_usage"] is None


def test_one_coin_is_shown_in_coin_two_are_not(
    margined: MarginResult, crossed: MarginResult
) -> None:
    account = margined.accounts[0]
    assert account["coin"] == "BTC"
    assert account["im_coin"] == pytest.approx(account["pools"][0]["im"], rel=1e-12)
    assert crossed.accounts[0]["coin"] is None


def test_the_interval_holds_the_result(margined: MarginResult) -> None:
    account = margined.accounts[0]
    assert account["im_low_usd"] <= account["im_usd"] <= account["im_high_usd"]
    assert account["im_low_usd"] < account["im_high_usd"]
    assert margined.figures["readings"][0]["im_usd"] == account["im_usd"]


def test_fidelity_sums_to_one_and_the_bound_is_said(
    margined: MarginResult, crossed: MarginResult
) -> None:
    for result in (margined, crossed):
        assert sum(result.figures["fidelity"].values()) == pytest.approx(1.0, abs=1e-12)
    assert (margined.figures["bound"], crossed.figures["bound"]) == ("value", "at_least")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_that_is_not_finite_leaves(value: float) -> None:
    with pytest.raises(StateError) as caught:
        checked({"accounts": [{"im": 1.0}, {"im": value}]})
    assert caught.value.code == "number_not_finite"
    assert "accounts[1].im" in caught.value.place


@pytest.mark.parametrize(
    ("coins", "status"), [(10.0, "ok"), (0.06, "below IM"), (0.001, "below MM"), (-1.0, "below MM")]
)
def test_status_says_whether_what_counts_covers(market: str, coins: float, status: str) -> None:
    cash = {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": coins}
    result = xm.margin([PERPETUAL, cash], market, "deribit-spm")
    account = result.accounts[0]
    pool = account["pools"][0]
    if status == "below IM":  # between the two requirements, wherever they are
        cash["quantity"] = (pool["im"] + pool["mm"]) / 2.0
        account = xm.margin([PERPETUAL, cash], market, "deribit-spm").accounts[0]
    assert account["status"] == account["pools"][0]["status"] == status
    if coins < 0.0:
        assert "breach" in repr(result)
    assert xm.margin([PERPETUAL], market, "deribit-spm").accounts[0]["status"] is None


def test_pools_that_share_one_balance_have_no_usage_of_their_own(maker: str, market: str) -> None:
    account = xm.margin(maker, market, "paradex-pm").accounts[0]
    assert len(account["pools"]) > 1
    assert {pool["im_usage"] for pool in account["pools"]} == {None}
    assert {pool["status"] for pool in account["pools"]} == {None}
    assert account["im_usage"] > 0.0
    assert account["status"] == "ok"


def test_at_least_is_said_of_the_rows_that_are(market: str) -> None:
    future = {"venue": "deribit", "instrument": "BTC-28AUG26", "quantity": 1000.0}
    option = {"venue": "deribit", "instrument": "BTC-31JUL26-60000-C", "quantity": -5.0}
    rows = [{**future, "account": "a"}, {**option, "account": "b"}]
    result = xm.margin(rows, market, "deribit-xpm")
    requirement = result.requirement
    for number, account in enumerate(result.accounts):
        expected = bool(requirement.at_least[requirement.sheet.account == number].any())
        assert account["bound"] == ("at_least" if expected else "value")


def test_the_venues_own_requirement_is_said_where_no_position_is(market: str) -> None:
    from crossmargin.venues.books import from_deribit

    summary = {
        "currency": "BTC",
        "balance": 2.0,
        "equity": 1.5,
        "initial_margin": 1.2467,
        "maintenance_margin": 0.9,
    }
    result = xm.margin(from_deribit(summaries=[summary]), market, "deribit-spm")
    own = {"currency": "BTC", "initial_margin": 1.2467, "maintenance_margin": 0.9}
    assert result.accounts[0]["venue_reports"] == [own]
    note = "main: venue reports IM 1.2467 BTC, MM 0.9 BTC; no positions given"
    assert note in result.figures["notes"]
    several = xm.compare(from_deribit(summaries=[summary]), market, ["deribit-spm", "deribit-sm"])
    assert several.figures["venue_reports"] == [own]
    assert several.figures["notes"].count(note) == 1 and note in repr(several).replace("\n", " ")
