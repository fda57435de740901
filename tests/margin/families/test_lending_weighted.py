"""Kamino and marginfi: weights by side and level, caps, e-mode intersections."""

from __future__ import annotations

from dataclasses import replace

from crossmargin.margin.families.lending import WAD
from crossmargin.margin.families.lending_weighted import (
    EModeEntry,
    WeightedAccount,
    WeightedToken,
    close_amount,
    discounted_weight,
    least_favourable,
)

PERCENT = WAD // 100
TOKENS = {
    "SOL": WeightedToken(9, 65 * PERCENT, 75 * PERCENT),
    "USDC": WeightedToken(6, 80 * PERCENT, 90 * PERCENT, 125 * PERCENT, 110 * PERCENT),
}
PRICE = {"SOL": 200 * WAD, "USDC": WAD}


def account(**more: object) -> WeightedAccount:
    made = WeightedAccount({"SOL": 100 * 10**9}, {"USDC": 10_000 * 10**6}, PRICE, TOKENS)
    return replace(made, **more)


def test_weights_by_level() -> None:
    figures = account().figures()
    assert (figures.power_im, figures.owed_im) == (13_000 * WAD, 12_500 * WAD)
    assert (figures.power_mm, figures.owed_mm) == (15_000 * WAD, 11_000 * WAD)
    assert (figures.collateral, figures.debt) == (20_000 * WAD, 10_000 * WAD)
    assert account().may_borrow()
    assert not account(cap=12_499 * WAD).may_borrow()


def test_prices_are_biased_against_the_account() -> None:
    low, high = 98 * PERCENT, 102 * PERCENT
    biased = {
        t: replace(x, low_im=low, low_mm=low, high_im=high, high_mm=high) for t, x in TOKENS.items()
    }
    figures = account(tokens=biased).figures()
    assert figures.power_mm == 14_700 * WAD
    assert figures.owed_mm == 11_220 * WAD


def test_values_are_cut_down_and_debts_up() -> None:
    small = account(
        collateral={"SOL": 1}, debt={"USDC": 1}, price={"SOL": 10**9 + 999, "USDC": 10**6 + 1}
    )
    figures = small.figures()
    assert figures.collateral == 1
    assert figures.owed_mm == 3  # 1.000001 up to 2, times 1.1 up to 3


def test_a_biased_price_is_cut_down_and_up_too() -> None:
    terms = WeightedToken(0, WAD, WAD, low_mm=WAD * 9 // 10, high_mm=WAD * 11 // 10)
    small = WeightedAccount({"A": 1}, {"B": 1}, {"A": 11, "B": 11}, {"A": terms, "B": terms})
    figures = small.figures()
    assert figures.power_mm == 9  # 9.9
    assert figures.owed_mm == 13  # 12.1


def test_what_one_call_may_close() -> None:
    terms = {"close_factor": 20 * PERCENT, "insolvency_ltv": 95 * PERCENT}
    most = 10**6 * WAD
    assert close_amount(1_000 * WAD, 80 * PERCENT, **terms, most_per_call=most) == 200 * WAD
    assert close_amount(1_000 * WAD, 95 * PERCENT, **terms, most_per_call=most) == 200 * WAD
    assert close_amount(1_000 * WAD, 96 * PERCENT, **terms, most_per_call=most) == 1_000 * WAD
    assert close_amount(1_000 * WAD, 96 * PERCENT, **terms, most_per_call=7 * WAD) == 7 * WAD


def test_a_crowded_bank_counts_less() -> None:
    assert discounted_weight(80, 200, 100) == 40
    assert discounted_weight(80, 100, 100) == 80
    assert discounted_weight(80, 200, 0) == 80


def test_several_borrowed_banks_grant_the_least() -> None:
    first = {"LST": EModeEntry(90, 95, True), "STABLE": EModeEntry(97, 98)}
    second = {"LST": EModeEntry(85, 96, False)}
    assert least_favourable([first, second]) == {"LST": EModeEntry(85, 95, False)}
    assert least_favourable([first]) == first
    assert least_favourable([]) == {}
