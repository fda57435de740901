"""Sense checks on recorded chains: what a trader would ask of a number before believing it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from crossmargin import sample
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named, parameters_for
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.books import read_book
from crossmargin.venues.market_import import read_market
from tests.margin.sense import (
    COINS,
    DAYS,
    MODELS,
    SCAN,
    Chain,
    Found,
    alone,
    large_book,
    margins,
    read_markets,
    required,
    strategies,
    with_legs,
)

# Deribit rounds the worst case of a leg to nine places of a coin.
ROUNDED = 1.0 + 1e-9


@pytest.fixture(scope="module")
def markets(market_dir: Path) -> dict[str, Snapshot]:
    return read_markets(market_dir)


# -- a large book --------------------------------------------------------------------------------


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_book_of_two_hundred_legs(markets: dict[str, Snapshot], day: str, name: str) -> None:
    book = large_book(markets[day])
    expiries = {parse("deribit", leg).expiry_ms for leg in book if leg[-2:] in ("-C", "-P")}
    assert len(book) == 200
    assert len(expiries) >= 8
    found = margins(markets[day], name, with_legs({"book": book}))
    whole = found["book"]
    assert 0.0 < whole.mm <= whole.im
    assert all(math.isfinite(value) for value in whole.columns.values())
    assert whole.im < alone(found, "book", "im") * ROUNDED
    if name in SCAN:
        assert 0.0 < whole.scan <= alone(found, "book", "scan") * ROUNDED
        assert whole.im < 0.6 * alone(found, "book", "im"), "a mixed book nets"


@pytest.mark.parametrize("name", SCAN)
def test_a_book_of_short_wings(markets: dict[str, Snapshot], name: str) -> None:
    """Deribit forgives an account the dampener's dollars once; to legs apart it is forgiven each.

    So the one rule under which a book may need more than its legs alone is the dead zone of the
    extended table; without it the scan is subadditive like the others.
    """
    chain = Chain(markets["calm"], "BTC")
    wings = {
        leg: -10.0
        for expiry, smile in chain.smiles.items()
        for (strike, right), leg in smile.items()
        if right > 0 and strike > 1.8 * chain.forward(expiry)
    }
    accounts = with_legs({"book": wings})
    found = margins(markets["calm"], name, accounts)
    whole, apart = found["book"].scan, alone(found, "book", "scan")
    if not name.startswith("deribit"):
        assert whole <= apart * ROUNDED
        return
    assert "extended" in found["book"].label
    assert whole > 1.2 * apart
    none = margins(markets["calm"], name, accounts, {"currency.BTC.extended_dampener_usd": 0.0})
    assert none["book"].scan <= alone(none, "book", "scan") * ROUNDED
    assert whole < none["book"].scan


# -- single strategies ---------------------------------------------------------------------------

HEDGES = (
    "covered call",
    "protective put",
    "call spread",
    "short call spread",
    "put spread",
    "short put spread",
    "calendar",
    "box",
    "short box",
    "conversion",
    "basis",
    "reverse basis",
)
# What a long position can lose is its premium: the mark's rounding and staleness are the slack.
PREMIUM_SLACK_COIN = 1e-3


@pytest.fixture(scope="module")
def measured(markets: dict[str, Snapshot]) -> dict[tuple[str, str, str], dict[str, Found]]:
    """(day, coin, model) -> every strategy and its legs alone."""
    return {
        (day, coin, name): margins(market, name, with_legs(strategies(Chain(market, coin))))
        for day, market in markets.items()
        for coin in COINS
        for name in MODELS
    }


CASES = [(day, coin, name) for day in DAYS for coin in COINS for name in MODELS]
SCAN_CASES = [case for case in CASES if case[2] in SCAN]
Measured = dict[tuple[str, str, str], dict[str, Found]]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_numbers_are_whole(measured: Measured, case: tuple[str, str, str]) -> None:
    for account, found in measured[case].items():
        assert 0.0 <= found.mm <= found.im, account
        assert all(math.isfinite(value) for value in found.columns.values()), account


@pytest.mark.parametrize("case", SCAN_CASES, ids="-".join)
@pytest.mark.parametrize("hedge", HEDGES)
def test_a_hedge_needs_less_than_its_legs(
    measured: Measured, case: tuple[str, str, str], hedge: str
) -> None:
    found = measured[case]
    whole = found[hedge]
    assert whole.scan <= alone(found, hedge, "scan") * ROUNDED
    assert whole.im < 0.85 * alone(found, hedge, "im")
    assert whole.mm < 0.85 * alone(found, hedge, "mm")


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_position_by_position_rules_add_up(measured: Measured, case: tuple[str, str, str]) -> None:
    if case[2] in SCAN:
        return
    found = measured[case]
    for hedge in HEDGES:
        assert found[hedge].im == pytest.approx(alone(found, hedge, "im"), rel=1e-12)


@pytest.mark.parametrize("case", SCAN_CASES, ids="-".join)
def test_a_long_option_loses_its_premium_at_most(
    measured: Measured, markets: dict[str, Snapshot], case: tuple[str, str, str]
) -> None:
    chain = Chain(markets[case[0]], case[1])
    found = measured[case]
    for name in ("long call", "long put", "long straddle"):
        legs = strategies(chain)[name]
        premium = math.fsum(size * chain.mark_usd(leg) for leg, size in legs.items())
        slack = PREMIUM_SLACK_COIN * chain.index * sum(legs.values())
        assert 0.0 < found[name].scan <= premium + slack
        assert found[name].others < 0.01 * chain.index * sum(legs.values()), "roll and fees"


@pytest.mark.parametrize("case", SCAN_CASES, ids="-".join)
def test_a_spread_loses_its_width_at_most(
    measured: Measured, markets: dict[str, Snapshot], case: tuple[str, str, str]
) -> None:
    """In coin the width is worth most at the lowest price of the table: one over 1 - R."""
    day, coin, name = case
    chain = Chain(markets[day], coin)
    parameters = parameters_for(model_named("deribit-spm"), markets[day].as_of_ms)
    reach = parameters.number(f"pair.{coin}.price_range")
    dearest = 1.0 / (1.0 - reach) if name == "deribit-spm" else 1.0
    for spread in ("call spread", "short call spread", "put spread", "short put spread"):
        legs = strategies(chain)[spread]
        strikes = [parse("deribit", leg).strike for leg in legs]
        width = (max(strikes) - min(strikes)) * max(legs.values())
        assert 0.0 < measured[case][spread].scan <= width * dearest
        assert measured[case][spread].others < 0.15 * width


@pytest.mark.parametrize("case", SCAN_CASES, ids="-".join)
def test_a_box_and_a_conversion_are_money_not_risk(
    measured: Measured, markets: dict[str, Snapshot], case: tuple[str, str, str]
) -> None:
    day, coin, name = case
    chain = Chain(markets[day], coin)
    size = 10.0 * chain.index
    for hedge in ("box", "short box", "conversion"):
        scan = measured[case][hedge].scan
        # Dollars fixed at expiry are a position in dollars; held in coin they move with the coin.
        least = 0.25 if name == "deribit-spm" else 0.015
        if measured[case][hedge].label == "basis contingency":
            least = 0.045 * (0.5 + 2.0 * 60.0 / 365.0)  # the spot move, by the life of the options
        assert scan < least * size
    if name == "deribit-spm":
        box = strategies(chain)["box"]
        strikes = [parse("deribit", leg).strike for leg in box]
        coins = 10.0 * (max(strikes) - min(strikes)) / chain.index
        loss = coins * (1.0 - 1.0 / (1.0 + measured[case]["box"].move)) * chain.index
        assert measured[case]["box"].move > 0.0
        assert measured[case]["box"].scan == pytest.approx(loss, rel=0.01)


@pytest.mark.parametrize("case", SCAN_CASES, ids="-".join)
def test_the_worst_scenario_is_the_one_a_trader_fears(
    measured: Measured, case: tuple[str, str, str]
) -> None:
    found = measured[case]
    assert found["short call"].move > 0.0
    assert found["short put"].move < 0.0
    assert found["covered call"].move < 0.0
    assert found["long call"].move < 0.0
    assert found["long put"].move > 0.0
    assert found["call spread"].move < 0.0
    assert found["short put spread"].move < 0.0
    for short, long in (("short straddle", "long straddle"), ("short call", "long call")):
        assert "up" in found[short].vol
        assert "down" in found[long].vol
    assert abs(found["short straddle"].move) > 0.1
    assert abs(found["long straddle"].move) < 0.1


def test_a_naked_perpetual_is_what_one_computes_by_hand(markets: dict[str, Snapshot]) -> None:
    """Ten long coins: 16 % down in coin and in dollars, plus one per cent of roll."""
    chain = Chain(markets["crash"], "BTC")
    name = chain.perpetual
    legs = {"long": {name: chain.coins(name, 10.0)}, "short": {name: -chain.coins(name, 10.0)}}
    coin = margins(markets["crash"], "deribit-spm", legs)
    cross = margins(markets["crash"], "deribit-xpm", legs)
    assert coin["long"].columns["worst_case"] == pytest.approx(10.0 * (1 / 0.84 - 1) * chain.index)
    assert coin["short"].columns["worst_case"] == pytest.approx(10 * (1 - 1 / 1.16) * chain.index)
    for each in (coin["long"], cross["short"]):
        assert each.columns["roll_shock"] == pytest.approx(0.1 * chain.index)
    assert cross["long"].scan == pytest.approx(1.6 * chain.index, rel=1e-9)
    assert cross["short"].scan == pytest.approx(1.6 * chain.index, rel=1e-9)
    paradex = margins(markets["crash"], "paradex-pm", legs)
    assert paradex["long"].scan == pytest.approx(1.6 * chain.index, rel=1e-9)


def test_a_payer_of_funding_is_charged_at_the_mapped_venue() -> None:
    """The sample's ETH funding is negative: the short pays it, and the basis book is short."""
    market = read_market(sample.market_path())
    book = read_book(sample.book_path("inverse-perp-basis"))
    found = required(book, market.view(book.instruments), "paradex-pm")
    funding = market.get("funding_8h", "deribit|ETH-PERPETUAL")
    assert funding is not None
    assert funding < 0.0
    labels = [found.plan.pools[int(code)].label for code in found.sheet.pool]
    charge = dict(zip(labels, found.sheet["funding_provision"].tolist(), strict=True))
    assert charge["BTC"] == 0.0
    assert charge["ETH"] == pytest.approx(-funding * 1_060_000.0, rel=1e-9)
