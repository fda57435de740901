"""Derive's Dutch auction on round numbers, and on an account under `derive-pm1`."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.margin import model_named
from crossmargin.margin.liquidation import Auction, Bid, DutchAuction, Levels, Outcome, Terms
from tests.margin.models.test_derive_pm1 import NEWEST, margined
from tests.margin.models.test_derive_pm2 import AS_OF_MS, CASH, PERPETUAL

TERMS = Terms.as_of(utc_ms(2026, 6, 1))
ROUND = Terms(0.9, 0.7, 100.0, 1000.0, 1000.0, 0.1, 0.5)


def test_the_deployed_terms() -> None:
    assert Terms(0.95, 0.7, 900.0, 43_200.0, 3_600.0, 0.1, 0.15) == TERMS


@pytest.mark.parametrize(
    ("seconds", "discount"),
    [(0.0, 0.9), (50.0, 0.8), (100.0, 0.7), (600.0, 0.35), (1100.0, 0.0), (1e6, 0.0)],
)
def test_the_discount_falls_fast_then_slowly(seconds: float, discount: float) -> None:
    assert ROUND.discount(seconds) == pytest.approx(discount)


def test_levels_fee_and_the_largest_share() -> None:
    """MtM 100, MM -50: BM = -50 - 75; f(1, 0) = 125 / 225; the fee is a tenth of that of MtM."""
    levels = Levels(100.0, -50.0)
    assert ROUND.buffered(levels) == -125.0
    assert ROUND.fee(levels) == pytest.approx(125.0 / 225.0 * 10.0)
    assert ROUND.largest(levels, 0.9, 0.0) == pytest.approx(125.0 / 215.0)
    assert ROUND.largest(levels, 0.9, 20.0) == pytest.approx(125.0 / (125.0 + 90.0 + 2.0))
    assert ROUND.largest(Levels(100.0, 80.0), 0.9, 0.0) == 0.0
    assert ROUND.fee(Levels(-1.0, -50.0)) == 0.0
    assert (
        Terms(0.9, 0.7, 1.0, 1.0, 1.0, 0.1, 0.5, whole_below=200.0).largest(levels, 0.9, 0.0) == 1.0
    )


@pytest.mark.parametrize(("seconds", "price"), [(0.0, -20.0), (500.0, -60.0), (2000.0, -100.0)])
def test_an_insolvent_account_is_paid_for(seconds: float, price: float) -> None:
    """From MtM -20 to MM -100 over the length, then no more."""
    assert ROUND.insolvent_price(Levels(-20.0, -100.0), seconds) == pytest.approx(price)
    assert ROUND.insolvent_price(Levels(20.0, -100.0), 0.0) == 0.0


def auctioned(
    cash: float, *bids: tuple[float, float], scenario: int | None = None
) -> tuple[DutchAuction, Outcome]:
    """An account long 2 perpetuals with cash: requires 21,360 in the worst scenario."""
    found = margined({PERPETUAL: 2.0, CASH: cash})
    made = tuple(Bid(AS_OF_MS + int(1000 * s), share) for s, share in bids)
    auction = DutchAuction(model_named("derive-pm1"), NEWEST, ROUND, made, scenario)
    return auction, auction.run(found.book, lambda _: found.view, AS_OF_MS)


def test_an_account_above_maintenance_is_left_alone() -> None:
    _, found = auctioned(21_361.0, (0.0, 1.0))
    assert (found.steps, found.ended) == ((), "not liquidatable")


def test_the_start_costs_the_fee_and_the_largest_bid_restores_the_buffer() -> None:
    auction, found = auctioned(10_000.0, (50.0, 1.0), (60.0, 1.0))
    start, bid = found.steps
    levels = Levels(10_000.0, 10_000.0 - 21_360.0)
    assert start.figures["mm"] == pytest.approx(levels.mm)
    assert -start.cash == pytest.approx(ROUND.fee(levels))
    after = Levels(10_000.0 + start.cash, levels.mm + start.cash)
    share = ROUND.largest(after, 0.8, 0.0)
    assert bid.share == pytest.approx(share)
    assert bid.cash == pytest.approx(share * 0.8 * after.value)
    assert found.ended == "buffer restored"
    view = margined({PERPETUAL: 2.0, CASH: 1.0}).view
    left = auction.levels(found.left, view)
    assert ROUND.buffered(left) == pytest.approx(0.0, abs=1e-8)
    # What was there is shared, what was paid stays: nothing is lost between the two.
    assert left.value == pytest.approx((1.0 - share) * after.value + bid.cash)


def test_a_second_bidder_takes_no_share_of_what_the_first_paid() -> None:
    _, found = auctioned(10_000.0, (0.0, 0.1), (0.0, 0.1))
    _, first, second = found.steps
    start = 10_000.0 + found.steps[0].cash
    assert first.cash == pytest.approx(0.1 * 0.9 * start)
    assert second.figures["reserved"] == first.cash
    assert second.cash == pytest.approx(0.1 * 0.9 * 0.9 * start)
    assert found.ended == ""


def test_the_scenario_of_the_caller_is_the_only_one() -> None:
    """Spot and vol as they are: nothing is lost but the contingency, so it is not liquidatable."""
    rows = NEWEST.get("market.BTC.scenarios")
    still = [tuple(row) for row in rows].index((1.0, "none"))
    worst = [tuple(row) for row in rows].index((0.82, "up"))
    assert auctioned(10_000.0, scenario=still)[1].ended == "not liquidatable"
    named, by_default = (auctioned(10_000.0, scenario=s)[1] for s in (worst, None))
    assert named.steps[0].figures == by_default.steps[0].figures
    with pytest.raises(InputError) as caught:
        auctioned(10_000.0, scenario=len(rows))
    assert caught.value.code == "number_out_of_range"


def test_an_insolvent_account_goes_share_by_share() -> None:
    """Cash -5,000: MtM is under zero; there is no fee, and the module pays the bidder."""
    _, found = auctioned(-5_000.0, (500.0, 0.5), (500.0, 1.0))
    start, half, rest = found.steps
    assert start.cash == 0.0
    mm = -5_000.0 - 21_360.0
    price = -5_000.0 + (mm + 5_000.0) * 0.5
    assert half.figures["module_pays"] == pytest.approx(-0.5 * price)
    assert rest.figures["module_pays"] == pytest.approx(-0.5 * price)
    assert found.ended == "all taken"
    assert found.left.quantity.tolist() == [0.0, 0.0]


def test_an_auction_that_nobody_bids_in_is_over() -> None:
    _, found = auctioned(10_000.0, (1_099.0, 0.1), (1_100.0, 1.0))
    assert [step.what for step in found.steps] == ["fee", "bid"]
    assert found.steps[1].cash == pytest.approx(0.0, abs=2.0)
    assert found.ended == "over: to be auctioned as insolvent"


def test_an_account_of_little_value_may_be_taken_whole() -> None:
    found = margined({PERPETUAL: 2.0, CASH: 1_000.0})
    terms = Terms(0.9, 0.7, 100.0, 1000.0, 1000.0, 0.0, 0.5, whole_below=5_000.0)
    bids = (Bid(AS_OF_MS, 1.0),)
    auction = DutchAuction(model_named("derive-pm1"), NEWEST, terms, bids)
    outcome = auction.run(found.book, lambda _: found.view, AS_OF_MS)
    assert outcome.ended == "all taken"
    assert sorted(outcome.left.quantity.tolist()) == pytest.approx([0.0, 900.0])


def test_a_solvent_auction_of_nothing_left_is_begun_anew() -> None:
    """What is reserved is all that there is: the rest of the account is worth nothing."""
    found = margined({PERPETUAL: 2.0, CASH: 1_000.0})
    auction = DutchAuction(model_named("derive-pm1"), NEWEST, ROUND)
    state = Auction(found.book, AS_OF_MS, True, reserved=1_000.0)
    after, step, ended = auction.take(state, Bid(AS_OF_MS, 0.5), found.view)
    assert (after, step) == (state, None)
    assert ended.startswith("insolvent")


@pytest.mark.parametrize(("seconds", "share"), [(0.0, 0.0), (0.0, 1.5), (-1.0, 0.5)])
def test_bids_outside_the_account_or_before_the_start_are_refused(
    seconds: float, share: float
) -> None:
    with pytest.raises(InputError) as caught:
        auctioned(10_000.0, (seconds, share))
    assert caught.value.code == "number_out_of_range"
