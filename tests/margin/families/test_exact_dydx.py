"""The chain's integers against plain fractions, and what must hold for any numbers."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, trunc

from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families import exact_dydx as rules

PPM = st.integers(0, rules.MILLION)
BASE = st.integers(-(10**30), 10**30)
PRICE = st.integers(1, 10**18)
CAP = st.integers(0, 10**15)


@st.composite
def tiers(draw: st.DrawFn) -> rules.Tier:
    lower, upper = sorted((draw(CAP), draw(CAP)))
    return rules.Tier(draw(PPM), draw(PPM), lower, upper)


@given(BASE, PRICE, st.integers(-20, 4), st.integers(-20, 4))
def test_a_notional_is_cut_off_toward_zero(base: int, price: int, low: int, high: int) -> None:
    value = Fraction(base * price) * Fraction(10) ** (low + high + 6)
    assert rules.quote_quantums(base, price, low, high) == trunc(value)


@given(tiers(), st.integers(0, 10**16), st.integers(0, 10**20), PPM)
def test_requirements_are_the_fractions_rounded_up(
    tier: rules.Tier, interest: int, notional: int, custom: int
) -> None:
    imf = rules.adjusted_imf_ppm(tier, interest)
    assert tier.initial_margin_ppm <= imf <= rules.MILLION
    imr, mmr = rules.margin_requirements(notional, tier, interest, custom)
    assert imr == ceil(Fraction(notional * max(imf, custom), rules.MILLION))
    base = Fraction(notional * tier.initial_margin_ppm, rules.MILLION)
    fraction = Fraction(tier.maintenance_fraction_ppm, rules.MILLION)
    assert base * fraction <= mmr < base * fraction + 2
    assert mmr <= imr
    assert rules.margin_requirements(-notional, tier, interest, custom) == (imr, mmr)


@given(tiers(), st.integers(0, 10**16), st.integers(0, 10**16), st.integers(0, 10**20))
def test_more_interest_or_more_notional_never_needs_less(
    tier: rules.Tier, first: int, second: int, notional: int
) -> None:
    low, high = sorted((first, second))
    assert rules.adjusted_imf_ppm(tier, low) <= rules.adjusted_imf_ppm(tier, high)
    once = rules.margin_requirements(notional, tier, low)
    twice = rules.margin_requirements(2 * notional, tier, low)
    assert once[0] <= rules.margin_requirements(notional, tier, high)[0]
    for a, b, roundings in zip(once, twice, (1, 3), strict=True):
        assert 2 * a - roundings <= b <= 2 * a


RISKS = st.builds(rules.Risk, st.integers(-50, 50), st.integers(0, 60), st.integers(0, 50))


@given(RISKS, RISKS)
def test_an_order_of_risks_has_two_sides(first: rules.Risk, second: rules.Risk) -> None:
    assert rules.compare_risk(first, second) == -rules.compare_risk(second, first)
    if first.mmr > 0 and second.mmr > 0:
        ratios = Fraction(first.nc, first.mmr), Fraction(second.nc, second.mmr)
        if ratios[0] != ratios[1]:
            assert rules.compare_risk(first, second) == (1 if ratios[0] < ratios[1] else -1)


@given(RISKS, RISKS)
def test_no_update_may_add_risk(old: rules.Risk, new: rules.Risk) -> None:
    found = rules.transition(old, new)
    if found is rules.Transition.SUCCESS:
        assert new.mmr <= old.mmr
        assert rules.compare_risk(new, old) <= 0
    else:
        assert found is (rules.Transition.NEWLY if old.nc >= old.imr else rules.Transition.STILL)


def test_a_smaller_loss_with_less_margin_is_allowed() -> None:
    old = rules.Risk(-10, 40, 20)
    assert rules.transition(old, rules.Risk(-5, 20, 10)) is rules.Transition.SUCCESS
    assert rules.transition(old, rules.Risk(-6, 20, 10)) is rules.Transition.STILL
    assert rules.transition(rules.Risk(40, 40, 20), rules.Risk(5, 30, 20)) is rules.Transition.NEWLY
