"""Gearbox v3: quotas cap what counts, thresholds ramp, a liquidation's payments add up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.margin.families import lending_gearbox as rules
from crossmargin.margin.families.lending import top_up
from crossmargin.margin.families.lending_gearbox import GearboxAccount, GearboxToken

TOKENS = {
    "USDC": GearboxToken(6, 9_400),
    "ETH": GearboxToken(18, 8_500, 20_000 * 10**6),
    "BTC": GearboxToken(8, 8_000),
}
PRICE = {"USDC": 10**8, "ETH": 2_000 * 10**8, "BTC": 60_000 * 10**8}


def account(eth: int, usdc: int, debt: int) -> GearboxAccount:
    held = {"ETH": eth * 10**18, "USDC": usdc * 10**6}
    return GearboxAccount(held, {"USDC": debt * 10**6}, PRICE, TOKENS, "USDC")


def test_by_hand() -> None:
    made = account(10, 1_000, 17_940)
    assert made.counted("ETH") == 17_000 * 10**8
    assert made.counted("USDC") == 940 * 10**8
    assert made.healthy()
    assert not account(10, 1_000, 17_941).healthy()


def test_a_quota_is_a_limit_on_concentration() -> None:
    made = account(20, 0, 25_000)
    assert made.counted("ETH") == 20_000 * 10**8
    assert top_up(made, "ETH") is None
    assert top_up(made, "USDC") == 5_319_148_937
    wider = GearboxAccount(
        made.collateral, made.debt, PRICE, TOKENS, "USDC", {"ETH": 30_000 * 10**6}
    )
    assert wider.healthy()


def test_ramps_and_debts() -> None:
    assert rules.ramped_threshold(9_000, 8_000, -1, 100) == 9_000
    assert rules.ramped_threshold(9_000, 8_000, 50, 100) == 8_500
    assert rules.ramped_threshold(9_000, 8_000, 100, 100) == 8_000
    assert rules.total_debt(5_000, 2_001, 5_000, 7) == 8_008


@settings(max_examples=150, deadline=None)
@given(
    value=st.integers(0, 10**15),
    debt=st.integers(0, 10**15),
    interest=st.integers(0, 10**14),
    fees=st.tuples(st.integers(0, 10_000), st.integers(0, 500), st.integers(9_000, 10_000)),
    token_fee=st.sampled_from([0, 10, 50]),
)
def test_payments_add_up(
    value: int, debt: int, interest: int, fees: tuple[int, int, int], token_fee: int
) -> None:
    fee_interest, fee_liquidation, discount = fees
    done = rules.liquidation_payments(
        value,
        debt,
        interest,
        fee_interest=fee_interest,
        fee_liquidation=fee_liquidation,
        discount=discount,
        token_fee=token_fee,
    )
    assert done.to_pool + done.remaining + done.premium == value
    assert min(done.to_pool, done.remaining, done.premium, done.profit, done.loss) >= 0
    assert done.profit == 0 or done.loss == 0
    if token_fee == 0:
        assert done.to_pool == debt + interest + done.profit - done.loss
