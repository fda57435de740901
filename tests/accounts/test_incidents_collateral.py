"""Incidents of the record that concern accounts and collateral, each with small data of our own."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace

import pytest

import crossmargin as xm
from crossmargin.accounts import agreement, collateral, collateral_schedule
from crossmargin.accounts.agreement import Status, agreement_for
from crossmargin.accounts.collateral import price_values, stable_shocks, top_up, value_of
from crossmargin.accounts.collateral_schedule import AssetPrices
from crossmargin.accounts.standing import judge
from crossmargin.accounts.worth import worth_of
from crossmargin.core.errors import InputError
from tests.accounts.books import held, requirement, rows, schedule
from tests.tidy.source import REPOSITORY

SCHEDULE = schedule()
# Words under which an account was once let off. Code and data know none of them.
EXEMPTIONS = re.compile(
    r"allow_negative|exempt_|_exempt|is_exempt|no_liquidation|skip_liquidation|never_liquidate|"
    r"liquidation_disabled|whitelist|unlimited_credit|margin_override|bypass_margin",
    re.IGNORECASE,
)


def test_i02_a_position_beyond_the_depth_is_haircut_more_than_in_proportion() -> None:
    """OKEx 2018: one long on thin liquidity, and the winners paid for it."""
    terms = SCHEDULE.assets["STETH"]
    thin = terms.depth_usd
    once, twice = (SCHEDULE.size_haircut_usd(terms, thin * k) for k in (1.0, 2.0))
    assert twice > 2.0 * once
    found = value_of(held({"STETH": 2.0 * thin / 2_000.0}), SCHEDULE)
    assert found.assets[0].days_to_sell == pytest.approx(20.0)


def test_i07_a_rise_of_the_stablecoin_that_is_owed_shows() -> None:
    """Compound 2020: DAI at 1.30; who owed it was liquidated."""
    start = held({"ETH": 100.0}, debts={"USDT": 140_000.0})
    assert value_of(start, SCHEDULE).health == pytest.approx(1.2, abs=0.15)
    shocks = stable_shocks(start, SCHEDULE, lambda name: name.startswith("USD"))
    down, up = shocks
    assert up.collateral.health is not None
    assert down.collateral.health is not None
    assert up.collateral.health < 1.0 < down.collateral.health
    # The same coin held: its fall hurts instead.
    owner = held({"USDT": 140_000.0}, debts={"USDC": 120_000.0})
    shocks = stable_shocks(owner, SCHEDULE, lambda name: name == "USDT")
    assert shocks[0].collateral.counted_usd < shocks[1].collateral.counted_usd


def test_i08_nothing_exempts_an_account() -> None:
    """FTX 2019-22: one flag let one account fall below zero without liquidation."""
    package = REPOSITORY / "src" / "crossmargin"
    found = [
        f"{path.relative_to(REPOSITORY)}: {match.group(0)}"
        for pattern in ("*.py", "*.toml", "*.json", "*.csv")
        for path in sorted(package.rglob(pattern))
        for match in EXEMPTIONS.finditer(path.read_text("utf-8"))
    ]
    assert found == []
    for module in (agreement, collateral, collateral_schedule):
        for record in vars(module).values():
            if dataclasses.is_dataclass(record):
                names = {field.name for field in dataclasses.fields(record)}
                assert not names & {"account", "owner", "client"}, record


def test_i08_the_grep_finds_what_it_looks_for() -> None:
    assert EXEMPTIONS.search("if account.allow_negative:")
    assert EXEMPTIONS.search("liquidation_disabled = true")


def test_i08_the_name_of_an_account_changes_nothing() -> None:
    found = requirement("market-maker", "deribit-sm")
    terms = agreement_for(found.model, found.view.as_of_ms)
    renamed = replace(found, book=replace(found.book, account=("house",)))
    assert judge(renamed, terms).account_status.tolist() == [Status.LIQUIDATION]


def test_i09_a_pumped_price_is_limited() -> None:
    """FTX/MobileCoin 2021: an illiquid token from 6 to 70 dollars as collateral."""
    calm = {"SOL": AssetPrices(6.0, slow_usd=6.0)}
    pumped = {"SOL": AssetPrices(70.0, slow_usd=6.0)}
    before = value_of(held({"SOL": 1e5}, prices=calm), SCHEDULE)
    after = value_of(held({"SOL": 1e5}, prices=pumped), SCHEDULE)
    assert after.assets[0].price_usd == 9.0
    assert after.assets[0].price_from == "growth limit"
    assert after.counted_usd <= 1.5 * before.counted_usd
    assert "limited to 1.5 times" in after.assets[0].verdicts[0]


def test_i10_profit_on_a_jump_is_no_collateral() -> None:
    """Mango 2022: spot x13, and the profit on paper was borrowed against."""
    assets = {"USDC": 5_000_000.0}
    calm = {"SOL": AssetPrices(0.04, slow_usd=0.04)}
    jumped = {"SOL": AssetPrices(0.52, slow_usd=0.04)}
    gain = {"SOL": 400_000_000.0}
    capped = value_of(held(assets, prices=calm, gains_usd=gain), SCHEDULE)
    assert 0.0 < capped.profit_usd == pytest.approx(0.25 * capped.collateral_usd)
    frozen = value_of(held(assets, prices=jumped, gains_usd=gain), SCHEDULE)
    assert frozen.profits[0].frozen
    assert frozen.profit_usd == 0.0
    lost = value_of(held(assets, prices=jumped, gains_usd={"SOL": -1e6}), SCHEDULE)
    assert lost.profit_usd == -1e6  # a loss counts in full at any price


def test_i13_profit_cannot_be_withdrawn_down_to_the_limit() -> None:
    """Hyperliquid 2025: profit was taken out until the venue's vault had to close the rest."""
    book = [
        {"type": "balance", "account": "w", "venue": "derive", "instrument": "USDC",
         "quantity": 60_000.0},
        {"type": "position", "account": "w", "venue": "derive", "instrument": "ETH-PERP",
         "quantity": 50.0, "entry_price": 1_500.0},
    ]  # fmt: skip
    found = xm.margin(book, "sample:market", "derive-pm2").requirement
    gain = float(found.sheet["unrealised"].sum())
    assert gain > 20_000.0
    usdc = found.priced[0].usd_per_unit
    terms = agreement_for(found.model, found.view.as_of_ms)
    result = worth_of(found, terms)
    # Free counts the profit; what may leave does not, keeps 1.2 times IM and the cost to close.
    kept = 1.2 * result.im_usd + result.exit_cost_usd
    assert result.withdrawable_usd == pytest.approx(
        max(result.counted_im_usd - gain * usdc - kept, 0.0), rel=1e-9
    )
    assert result.free_usd - result.withdrawable_usd > gain * 0.99
    thinner = worth_of(found, terms, 0, 8_000.0)
    assert thinner.withdrawable_usd < result.withdrawable_usd


def test_i15_a_price_that_refers_to_itself_says_so_and_is_cut_wider() -> None:
    """Hyperliquid XPL 2025: a contract priced by its own book went from 0.6 to 1.8."""
    plain = value_of(held({"SOL": 1e5}), SCHEDULE)
    alone = {"SOL": AssetPrices(100.0, independent_sources=0)}
    cut = value_of(held({"SOL": 1e5}, prices=alone), SCHEDULE)
    assert any("self-referential" in text for text in cut.assets[0].verdicts)
    assert cut.assets[0].taken_usd["tiers"] == 2.0 * plain.assets[0].taken_usd["tiers"]
    assert not plain.assets[0].verdicts


def test_i16_three_values_of_a_staked_token_and_the_health_under_each() -> None:
    """Binance 2025: wBETH at 430 on the venue's own book while ETH stood above 3,800."""
    prices = {"STETH": AssetPrices(430.0, cross_usd=3_790.0, redemption_usd=3_800.0)}
    start = held({"STETH": 100.0}, debts={"USDT": 200_000.0}, prices=prices)
    values = {v.value: v.collateral.health for v in price_values(start, SCHEDULE)}
    assert set(values) == {"venue", "cross", "redemption"}
    health = {name: value for name, value in values.items() if value is not None}
    assert health["venue"] < 0.25 < 1.0 < health["cross"] < health["redemption"]
    assert value_of(start, SCHEDULE).health == pytest.approx(health["venue"])
    assert top_up(start, SCHEDULE, "USD") is not None


def test_i16_a_price_of_zero_is_a_fault_and_no_price() -> None:
    with pytest.raises(InputError) as caught:
        AssetPrices(0.0, cross_usd=3_790.0)
    assert caught.value.code == "price_not_positive"
    book = rows(("balance", "WSTETH", 1.0, None))
    with pytest.raises(InputError):
        xm.collateral(book, "sample:market", prices={"WSTETH": {"venue": 0.0}})
