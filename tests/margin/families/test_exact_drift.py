"""Drift's integers: what must hold for any numbers, and the mode of high leverage by hand."""

from __future__ import annotations

from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families import exact_drift as rules

SIZE = st.integers(0, 10**18)
IMF = st.integers(0, 10**6)
WEIGHT = st.integers(1, 10_000)
PRICE = st.integers(1, 10**12)
LEVELS = st.sampled_from(rules.Level)
ORDER = ("M", "F", "I")


@given(SIZE, SIZE, IMF, WEIGHT)
def test_size_never_helps(first: int, second: int, imf: int, weight: int) -> None:
    small, large = sorted((first, second))
    assert (
        weight <= rules.size_premium(small, imf, weight) <= rules.size_premium(large, imf, weight)
    )
    assert (
        weight >= rules.size_discount(small, imf, weight) >= rules.size_discount(large, imf, weight)
    )
    unbounded = rules.size_premium(small, imf, weight, bounded=False)
    assert max(unbounded, weight) == rules.size_premium(small, imf, weight)


@given(SIZE, IMF, WEIGHT)
def test_a_premium_is_its_formula(size: int, imf: int, weight: int) -> None:
    grown = (weight - weight // 5) + isqrt(10 * size + 1) * imf // 10**7
    assert rules.size_premium(size, imf, weight) == (weight if imf == 0 else max(weight, grown))


@given(st.integers(-(10**20), 10**20), st.integers(0, 18), PRICE)
def test_a_debt_is_rounded_up_in_size(amount: int, decimals: int, price: int) -> None:
    value = rules.token_value(amount, decimals, price)
    exact = amount * price
    assert 0 <= exact - value * 10**decimals < 10**decimals


MARKETS = st.builds(
    lambda m, extra, imf, up, net: rules.PerpMarket(m + extra, m, imf, up, 10_000, imf, 10**6, net),
    st.integers(1, 5_000),
    st.integers(0, 5_000),
    IMF,
    st.integers(0, 10_000),
    st.integers(0, 10**9),
)
AMOUNT = st.integers(-(10**15), 10**15)


@given(MARKETS, AMOUNT, AMOUNT, PRICE, st.integers(0, 10**15), st.integers(0, 10**15))
def test_levels_rise_and_orders_never_lower_a_requirement(
    market: rules.PerpMarket, base: int, quote: int, price: int, bids: int, asks: int
) -> None:
    dollar = rules.Strict(1_000_000)
    bare = rules.PerpPosition(base, quote)
    ordered = rules.PerpPosition(base, quote, bids, -asks, 2)
    found = [rules.perp_margin(bare, market, price, dollar, rules.Level(x)) for x in ORDER]
    assert found[0][0] <= found[1][0] <= found[2][0]
    assert found[2][1] <= max(found[2][2], 0)
    for level in rules.Level:
        need = rules.perp_margin(ordered, market, price, dollar, level)[0]
        assert need >= rules.perp_margin(bare, market, price, dollar, level)[0] + 20_000


@given(MARKETS, AMOUNT, AMOUNT, PRICE, PRICE)
def test_a_strict_quote_price_never_helps(
    market: rules.PerpMarket, base: int, quote: int, price: int, twap: int
) -> None:
    position = rules.PerpPosition(base, quote)
    plain = rules.perp_margin(position, market, price, rules.Strict(10**6), rules.Level.INITIAL)
    strict = rules.Strict(10**6, twap)
    found = rules.perp_margin(position, market, price, strict, rules.Level.INITIAL)
    assert found[0] >= plain[0]
    assert found[1] <= plain[1]


def test_the_mode_of_high_leverage_by_hand() -> None:
    """r = 1,000, h = 100, imf 50: under r the ratio rises from h; at r it is h; above it is r's."""
    market = rules.PerpMarket(1_000, 500, 50, leverage_initial=100, leverage_maintenance=50)
    at = [
        rules.margin_ratio(size, market, rules.Level.INITIAL, high=True)
        for size in (
            10**9,  # premium 800: 200 of 200 missing, nothing of 900 is added
            10**17,  # isqrt(1e18) x 50 / 1e7 = 5,000: 5,800
            16 * 10**13
            - 1,  # 4e7 x 50 / 1e7 = 199.99..: 999, one of 200 missing: 100 + 900 x 0.995
            16 * 10**13,  # 1,000, as without size
        )
    ]
    assert at == [100, 5_800, 995, 100]
    assert rules.margin_ratio(10**9, market, rules.Level.MAINTENANCE, high=True) == 50
    assert rules.margin_ratio(10**9, market, rules.Level.FILL, high=True) == 75
    ordinary = rules.PerpMarket(1_000, 500, 50)
    assert rules.margin_ratio(10**9, ordinary, rules.Level.INITIAL, high=True) == 1_000


SOL = rules.SpotMarket(8_000, 9_000, 12_000, 11_000, 9)


def test_a_tokens_orders_count_by_their_worse_side() -> None:
    """10 SOL at 100: 30 asked leave 3,000 - 2,400 free, 5 bid leave 1,200 - 500: asks are worse."""
    price = rules.Strict(100_000_000)
    position = rules.SpotPosition(10 * 10**9, 5 * 10**9, -30 * 10**9, 2)
    need, have = rules.spot_margin(position, SOL, price, rules.Level.INITIAL)
    assert need == 2_400_000_000 + 20_000
    assert have == 3_000_000_000  # what the asks bring
    bought = rules.SpotPosition(10 * 10**9, 5 * 10**9, 0, 1)
    assert rules.spot_margin(bought, SOL, price, rules.Level.INITIAL) == (
        500_000_000 + 10_000,
        1_200_000_000,
    )


def test_an_own_margin_ratio_binds_both_sides_of_a_token() -> None:
    price, level = rules.Strict(100_000_000), rules.Level.INITIAL
    long, short = rules.SpotPosition(10**9), rules.SpotPosition(-(10**9))
    assert rules.spot_margin(long, SOL, price, level, custom=5_000) == (0, 50_000_000)
    assert rules.spot_margin(short, SOL, price, level, custom=5_000) == (150_000_000, 0)
    assert rules.spot_margin(long, SOL, price, level, custom=1_000) == (0, 80_000_000)
    assert rules.spot_margin(long, SOL, price, level, custom=20_000) == (0, 0)


def test_the_quote_token_counts_as_it_is() -> None:
    price = rules.Strict(1_010_000, 1_020_000)
    held, owed = rules.SpotPosition(1_000_001), rules.SpotPosition(-1_000_001)
    assert rules.spot_margin(held, None, price, rules.Level.INITIAL) == (0, 1_010_001)
    assert rules.spot_margin(owed, None, price, rules.Level.INITIAL) == (1_020_002, 0)
