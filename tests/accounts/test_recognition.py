"""The credit: its limits are the two numbers, and each condition pulls in its own direction."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.accounts.recognition import (
    CONDITIONS,
    Credit,
    Facts,
    VenueFacts,
    hedged_coins,
    recognise,
)
from crossmargin.accounts.venue_accounts import Rules, Trust
from crossmargin.core.errors import InputError
from tests.accounts.venues import OPEN, PRICES, SIGMA

FREE = Rules(lower_of=False, local_maintenance=0.0)
dollars = st.floats(0.0, 1e7)
coins = st.floats(-100.0, 100.0)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """One to four venues, all conditions open, and a net at or below what they demand."""
    venues = []
    for k in range(draw(st.integers(1, 4))):
        demand = draw(dollars)
        deltas = {
            name: (amount, price)
            for name, price in PRICES.items()
            if (amount := draw(coins)) != 0.0
        }
        share = draw(st.floats(0.0, 1.0))
        venues.append(VenueFacts(f"v{k}", draw(dollars), demand, share * demand, deltas, OPEN))
    demanded = sum(venue.demand_im_usd for venue in venues)
    net = draw(st.floats(0.0, 1.0)) * demanded
    without = tuple(draw(st.floats(0.0, 1.0)) * demanded for _ in venues)
    savings = (draw(st.floats(-1.0, 1.0)) * demanded, draw(st.floats(0.0, 1.0)) * demanded)
    return Facts(tuple(venues), net, without, savings, SIGMA)


def trusted(found: Facts, **changes: float) -> Facts:
    """The same with a number of every venue's trust changed."""
    venues = tuple(replace(v, trust=replace(v.trust, **changes)) for v in found.venues)
    return replace(found, venues=venues)


def near(value: float, wanted: float, scale: float) -> bool:
    return abs(value - wanted) <= 1e-9 * max(1.0, abs(scale))


@given(facts())
def test_recognition_zero_gives_the_sum_of_the_venues(found: Facts) -> None:
    credit = recognise(trusted(found, enforceability=0.0), FREE)
    assert credit.credit_usd == 0.0
    assert credit.credited_im_usd == sum(venue.demand_im_usd for venue in found.venues)


@given(facts())
def test_recognition_one_with_all_conditions_open_gives_the_net(found: Facts) -> None:
    credit = recognise(found, FREE)
    assert near(credit.credited_im_usd, found.net_im_usd, credit.demanded_im_usd)


@given(facts(), st.floats(0.0, 1.0))
def test_the_credit_is_linear_in_the_enforceability(found: Facts, share: float) -> None:
    strict = trusted(found, basis_fraction=0.002, oracle_lag_s=60.0, transfer_time_s=600.0)
    whole = recognise(strict, Rules()).credit_usd
    part = recognise(trusted(strict, enforceability=share), Rules()).credit_usd
    assert near(part, share * whole, whole)


TIGHTER = {
    "transfer_time_s": (0.0, 900.0, 86_400.0),
    "oracle_lag_s": (0.0, 60.0, 3_600.0),
    "basis_fraction": (0.0, 0.001, 0.02),
    "recovery": (1.0, 0.5, 0.0),
    "wind_down_days": (1.0, 2.0, 9.0),
    "enforceability": (1.0, 0.5, 0.0),
    "concentration_cap_usd": (math.inf, 1e5, 0.0),
}


@pytest.mark.parametrize("name", TIGHTER)
@settings(max_examples=60)
@given(found=facts(), rules=st.sampled_from([FREE, Rules(), Rules(lower_of=False)]))
def test_no_condition_that_is_tightened_adds_credit(found: Facts, rules: Rules, name: str) -> None:
    found_usd = [recognise(trusted(found, **{name: v}), rules).credit_usd for v in TIGHTER[name]]
    slack = 1e-9 * max(1.0, found_usd[0])
    assert found_usd[0] + slack >= found_usd[1]
    assert found_usd[1] + slack >= found_usd[2]
    assert found_usd[2] >= 0.0


@given(facts())
def test_rules_that_are_tightened_add_no_credit(found: Facts) -> None:
    timed = trusted(found, transfer_time_s=600.0, oracle_lag_s=30.0)
    loose = recognise(timed, FREE).credit_usd
    slack = 1e-9 * max(1.0, loose)
    for tighter in (
        replace(FREE, lower_of=True),
        replace(FREE, local_maintenance=1.0),
        replace(FREE, k=5.0),
        replace(FREE, asset_caps_usd={"BTC": 0.0}),
    ):
        assert recognise(timed, tighter).credit_usd <= loose + slack


@given(facts(), st.sampled_from([FREE, Rules()]))
def test_no_venue_is_pushed_below_what_must_stay(found: Facts, rules: Rules) -> None:
    timed = trusted(found, transfer_time_s=1800.0)
    credit = recognise(timed, rules)
    for venue, share, stays in zip(
        timed.venues, credit.by_venue_usd, credit.stays_usd, strict=True
    ):
        left = venue.demand_im_usd - share
        assert left >= min(stays, venue.demand_im_usd) - 1e-9 * max(1.0, venue.demand_im_usd)
    assert near(sum(credit.by_venue_usd), credit.credit_usd, credit.demanded_im_usd)


def two_venues(**changes: float) -> Facts:
    """A hedge over two venues: each demands 10,000, together 2,000 would do."""
    trust = replace(OPEN, **changes)
    venues = (
        VenueFacts("a", 30_000.0, 10_000.0, 5_000.0, {"BTC": (2.0, 68_000.0)}, trust),
        VenueFacts("b", 30_000.0, 10_000.0, 5_000.0, {"BTC": (-1.5, 68_000.0)}, trust),
    )
    return Facts(venues, 2_000.0, (10_000.0, 10_000.0), (15_000.0, 12_000.0), {"BTC": 0.4})


def taken(credit: Credit, condition: str) -> float:
    """What the condition took when all before it were applied."""
    names = [step.condition for step in credit.steps]
    assert tuple(names) == CONDITIONS
    k = names.index(condition)
    return credit.steps[k - 1].enforced_usd - credit.steps[k].enforced_usd


def test_each_condition_alone_by_hand() -> None:
    """Figures worked out beside: 1.5 of the 2 long coins are hedged."""
    year_s = 365 * 86_400.0
    assert recognise(two_venues(), FREE).credit_usd == pytest.approx(18_000.0)
    assert recognise(two_venues(enforceability=0.25), FREE).credit_usd == pytest.approx(4_500.0)
    local = recognise(two_venues(), replace(FREE, local_maintenance=1.0))
    assert local.credit_usd == pytest.approx(10_000.0)
    slow = recognise(two_venues(transfer_time_s=3600.0), FREE)
    root = math.sqrt(3600.0 / year_s)
    stays = [2.33 * 0.4 * root * coins * 68_000.0 for coins in (2.0, 1.5)]
    assert slow.stays_usd == pytest.approx(stays)
    assert slow.credit_usd == pytest.approx(sum(min(9_000.0, 10_000.0 - s) for s in stays))
    lag = recognise(two_venues(oracle_lag_s=900.0), FREE)
    charge = 2.0 * 2.33 * 0.4 * math.sqrt(900.0 / year_s) * 1.5 * 68_000.0
    assert taken(lag, "oracle lag") == pytest.approx(charge)
    basis = recognise(two_venues(basis_fraction=0.003), FREE)
    assert taken(basis, "basis") == pytest.approx(2.0 * 0.003 * 1.5 * 68_000.0)
    lower = recognise(two_venues(), replace(FREE, lower_of=True))
    assert lower.credit_usd == pytest.approx(12_000.0)
    default = recognise(two_venues(recovery=0.0), FREE)
    assert default.credit_usd == pytest.approx(10_000.0), "sum less the net without the venue"
    half = recognise(two_venues(recovery=0.5), FREE)
    assert half.credit_usd == pytest.approx(18_000.0)
    slow_out = recognise(two_venues(wind_down_days=4.0), FREE)
    assert slow_out.credit_usd == pytest.approx(20_000.0 - 2.0 * 2_000.0)
    capped = recognise(two_venues(concentration_cap_usd=3_000.0), FREE)
    assert capped.credit_usd == pytest.approx(6_000.0)
    by_asset = recognise(two_venues(), replace(FREE, asset_caps_usd={"BTC": 500.0}))
    assert by_asset.credit_usd == pytest.approx(500.0)


def test_a_hedge_is_as_enforceable_as_its_least_seizable_leg() -> None:
    found = two_venues()
    weak = replace(found.venues[1], trust=replace(OPEN, enforceability=0.1))
    for venues in ((found.venues[0], weak), (weak, found.venues[0])):
        assert recognise(replace(found, venues=venues), FREE).credit_usd == pytest.approx(1_800.0)


def test_prices_that_differ_are_a_basis() -> None:
    found = two_venues()
    moved = replace(found.venues[1], deltas={"BTC": (-1.5, 68_680.0)})
    apart = recognise(replace(found, venues=(found.venues[0], moved)), FREE)
    middle = 68_340.0
    charge = 1.5 * (abs(68_000 / middle - 1) * 68_000 + abs(68_680 / middle - 1) * 68_680)
    assert taken(apart, "basis") == pytest.approx(charge)
    assert charge > 1_000.0


def test_a_net_above_the_sum_earns_nothing() -> None:
    found = replace(two_venues(), net_im_usd=25_000.0)
    assert recognise(found, FREE).credit_usd == 0.0


def test_one_account_alone_has_no_hedge_elsewhere() -> None:
    assert hedged_coins([{"BTC": (2.0, 1.0)}]) == [{"BTC": 0.0}]
    both = hedged_coins([{"BTC": (2.0, 1.0)}, {"BTC": (1.0, 1.0)}, {"BTC": (-1.5, 1.0)}])
    assert [each["BTC"] for each in both] == pytest.approx([1.0, 0.5, 1.5])


def test_no_account_is_refused() -> None:
    with pytest.raises(InputError, match="book_empty"):
        recognise(Facts((), 0.0, (), (), {}), FREE)


def test_defaults_credit_nothing() -> None:
    venues = tuple(replace(venue, trust=Trust()) for venue in two_venues().venues)
    assert recognise(replace(two_venues(), venues=venues), Rules()).credit_usd == 0.0
