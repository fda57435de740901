from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.accounts.cash import MOVES, cash_of
from crossmargin.conformance.world import one_account, subject_of
from crossmargin.margin import model_named
from crossmargin.margin.run import run
from tests.accounts.books import requirement, rows

BTC, ETH = 68_412.57, 2_036.84


def test_a_perpetual_pays_by_hand() -> None:
    book = rows(("balance", "BTC", 0.5, None), ("position", "BTC-PERPETUAL", 100_000.0, None))
    found = xm.margin(book, "sample:market", "fixed-rate").requirement
    plan = cash_of(found)
    assert not plan.own_scenarios
    assert len(plan.scenarios) == len(MOVES)
    mark = float(found.view.mark[found.view.instruments.kind == 2][0])
    for move, each in zip(MOVES, plan.scenarios, strict=True):
        paid = 100_000.0 * (1.0 / mark - 1.0 / (mark * (1.0 + move)))
        assert each.after["BTC"] == pytest.approx(0.5 + paid, rel=1e-9)
    half = plan.scenarios[0]
    short = 100_000.0 / mark - 0.5
    assert half.first == "BTC"
    assert half.short == pytest.approx(short, rel=1e-9)
    assert half.share == pytest.approx(0.5 / (0.5 + short), rel=1e-9)
    assert half.short_usd == pytest.approx(short * BTC * 0.5, rel=1e-9)
    assert plan.worst() is half
    (btc,) = plan.currencies
    assert btc.borrowed == half.short
    assert btc.worst_scenario == "-50 %"
    assert btc.worst_after == btc.worst_after_futures


def test_a_far_scenario_pays_and_is_priced_at_its_whole_move() -> None:
    """Deribit's extended table clamps futures and coins; what is paid and owed does not."""
    book = rows(
        ("balance", "BTC", 0.1, None),
        ("position", "BTC-PERPETUAL", 20_000.0, None),
        ("position", "BTC-31JUL26-60000-P", -0.4, None),
    )
    found = xm.margin(book, "sample:market", "deribit-spm").requirement
    table = found.view.instruments
    mark = float(found.view.mark[[i.native_id for i in table.items].index("BTC-PERPETUAL")])
    plan = cash_of(found)
    each = next(s for s in plan.scenarios if s.label.startswith("extended -66 %"))
    assert each.first == "BTC"
    assert each.short_usd == pytest.approx(each.short * BTC * 0.34, rel=1e-9)
    (btc,) = plan.currencies
    paid = 20_000.0 * (1.0 / mark - 1.0 / (mark * 0.34))
    assert btc.worst_after_futures == pytest.approx(0.1 + paid, rel=1e-9)
    near = next(s for s in plan.scenarios if s.label.startswith("-12 %"))
    worth = near.after["BTC"] * BTC * 0.88
    assert near.total_usd == pytest.approx(worth, rel=1e-9)


def test_the_currency_that_ends_first_is_named() -> None:
    book = rows(
        ("balance", "BTC", 1.0, None),
        ("balance", "ETH", 0.1, None),
        ("position", "BTC-PERPETUAL", 150_000.0, None),
        ("position", "ETH-PERPETUAL", 10_000.0, None),
    )
    plan = cash_of(xm.margin(book, "sample:market", "deribit-xpm").requirement)
    assert plan.own_scenarios
    short = [each for each in plan.scenarios if each.first is not None]
    assert {each.first for each in short} == {"ETH"} | {
        each.first for each in short if each.after["ETH"] >= 0.0
    }
    for each in short:
        lost = {"BTC": 1.0 - each.after["BTC"], "ETH": 0.1 - each.after["ETH"]}
        shares = {n: s / lost[n] for n, s in (("BTC", 1.0), ("ETH", 0.1)) if each.after[n] < 0.0}
        assert each.share == pytest.approx(min(shares.values()), rel=1e-12)
        assert shares[str(each.first)] == min(shares.values())


def test_a_balance_below_zero_is_gone_before_any_move() -> None:
    book = rows(
        ("balance", "BTC", 1.0, None),
        ("balance", "USDC", -5_000.0, None),
        ("position", "BTC-PERPETUAL", 1_000.0, None),
    )
    plan = cash_of(xm.margin(book, "sample:market", "deribit-xpm").requirement)
    assert {each.first for each in plan.scenarios} == {"USDC"}
    assert {each.share for each in plan.scenarios} == {0.0}
    assert {each.short for each in plan.scenarios} == {5_000.0}
    calm = [each for each in plan.scenarios if each.covered]
    assert calm
    usdc = next(c for c in plan.currencies if c.currency == "USDC")
    assert usdc.below_zero == usdc.scenarios == len(plan.scenarios)
    assert usdc.borrowed_usd == pytest.approx(5_000.0 * 0.9998)


@pytest.mark.parametrize("model", ["deribit-spm", "okx-pm", "derive-pm2", "tims", "reg-t"])
def test_worst_is_the_worst_of_the_scenarios(model: str) -> None:
    plan = cash_of(requirement("market-maker", model))
    for c in plan.currencies:
        assert c.worst_after == min([c.balance, *(s.after[c.currency] for s in plan.scenarios)])
        assert c.borrowed == max(0.0, -c.worst_after)
        if c.currency in ("USDC", "USDT") and c.borrowed:
            assert c.borrowed_usd == pytest.approx(c.borrowed * c.usd)  # money does not move


def test_what_the_venue_reports_stands_before_the_lines() -> None:
    from crossmargin.instruments.book import Book, Line, Reported

    found = requirement()
    book = found.book
    lines = [
        Line("retail", k, q)
        for k, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    ]
    said = Book.of(book.instruments, lines, (), Reported(equity={("retail", "BTC"): 1.0}))
    again = xm.margin(said, "sample:market", "deribit-xpm").requirement
    (btc,) = cash_of(again).currencies
    value = float(again.sheet["option_value"][0]) / BTC
    assert btc.balance == pytest.approx(1.0 - value, rel=1e-9)


def test_money_does_not_move_with_the_coins() -> None:
    # A pool of USDC whose own pair stands beside coins that rise fivefold.
    plan = cash_of(requirement("inverse-perp-basis", "derive-pm2"))
    (usdc,) = plan.currencies
    assert usdc.borrowed > 1e6
    assert usdc.borrowed_usd == pytest.approx(usdc.borrowed * usdc.usd, rel=1e-12)
    worst = plan.worst()
    assert worst is not None
    assert worst.short_usd == pytest.approx(worst.short * usdc.usd, rel=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_debt_is_owed_whatever_its_sign(sign: float) -> None:
    subject = subject_of(model_named("aave-v3"))
    book, world = one_account(subject, {"ETH": 10.0, "debt USDC": sign * 8_000.0})
    found = run(book, world.view, subject.model, subject.parameters)
    owed = next(each for each in cash_of(found).currencies if each.currency == "USDC")
    assert owed.balance == owed.worst_after == -8_000.0
    assert owed.borrowed == 8_000.0
    assert owed.below_zero == owed.scenarios == len(MOVES)
