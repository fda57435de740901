"""One account at one venue: demand, room, deltas, age, hashes, bounds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from crossmargin.accounts.venue_accounts import (
    Rules,
    Trust,
    VenueAccount,
    adverse_move_usd,
    age_s,
    check_hashes,
    deltas_of,
    standing_of,
    view_of,
)
from crossmargin.core.errors import InputError, ModelError, StateError
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot
from tests.accounts.venues import AS_OF_MS, PRICES, SIGMA, loan, market, perp


def test_demand_is_equity_less_room() -> None:
    standing = standing_of(perp(coins=2.0, usdc=20_000.0))
    assert standing.equity_usd == pytest.approx(20_000.0)
    assert standing.demand_im_usd == pytest.approx(0.02 * 2.0 * PRICES["BTC"], rel=0.1)
    assert 0.0 < standing.demand_mm_usd < standing.demand_im_usd
    assert standing.over_mm_usd == pytest.approx(20_000.0 - standing.demand_mm_usd)


def test_a_loan_by_its_terms() -> None:
    standing = standing_of(loan(ether=100.0, usdc_owed=100_000.0))
    worth = 100.0 * PRICES["ETH"]
    assert standing.equity_usd == pytest.approx(worth - 100_000.0)
    assert standing.health == pytest.approx(0.83 * worth / 100_000.0)
    assert standing.over_im_usd == pytest.approx(0.8 * worth - 100_000.0)
    assert standing.demand_mm_usd == pytest.approx(0.17 * worth)
    assert standing_of(loan(usdc_owed=0.0)).health is None


def test_a_line_of_debt_is_owed_whatever_its_sign() -> None:
    account = loan(owed=Kind.DEBT)
    assert standing_of(account) == standing_of(loan())
    assert deltas_of(account) == deltas_of(loan())
    owed = replace(account, book=replace(account.book, quantity=-account.book.quantity))
    assert standing_of(owed).debt_usd == pytest.approx(100_000.0 + 100.0 * PRICES["ETH"])
    ether = loan(owed=Kind.DEBT).book.instruments.items
    assert {item.kind for item in ether} == {Kind.ASSET, Kind.DEBT}


def test_a_loan_holds_no_contract() -> None:
    with pytest.raises(ModelError, match="kind_not_accepted"):
        standing_of(replace(perp(), model=None, terms=loan().terms))


def test_an_account_has_a_rule_and_a_price() -> None:
    with pytest.raises(InputError, match="model_unknown"):
        standing_of(replace(perp(), model=None))
    bare = Snapshot.of([Row("usd", "USDC", 1.0, "USD", "own", AS_OF_MS, AS_OF_MS)], AS_OF_MS)
    with pytest.raises(InputError, match="index_missing|mark_missing|currency_unknown"):
        view_of(perp(snapshot=bare))


def test_deltas_count_coins_that_are_held_and_owed() -> None:
    assert deltas_of(perp(coins=-1.5)) == {"BTC": (-1.5, PRICES["BTC"])}
    assert deltas_of(loan(ether=40.0)) == {"ETH": (40.0, PRICES["ETH"])}
    assert deltas_of(perp(coins=0.0)) == {}


def test_a_reported_coin_equity_is_the_exposure() -> None:
    account = loan(ether=40.0)
    said = replace(account.book, reported=Reported({("loan", "ETH"): 38.0}))
    assert deltas_of(replace(account, book=said))["ETH"][0] == pytest.approx(38.0)


def test_staleness_is_nothing_at_no_age_and_grows_with_its_root() -> None:
    deltas = {"BTC": (-2.0, 68_000.0), "ETH": (10.0, 2_000.0)}
    assert adverse_move_usd(deltas, SIGMA, 0.0, 2.33) == 0.0
    one, four = (adverse_move_usd(deltas, SIGMA, s, 2.33) for s in (100.0, 400.0))
    assert four == pytest.approx(2.0 * one)
    root = math.sqrt(100.0 / (365 * 86_400.0))
    by_hand = 2.33 * root * (0.4 * 2.0 * 68_000.0 + 0.55 * 10.0 * 2_000.0)
    assert one == pytest.approx(by_hand)


def test_age_is_that_of_the_older_reading() -> None:
    account = perp(snapshot=market(at_ms=AS_OF_MS - 9_000), as_of_ms=AS_OF_MS - 4_000)
    assert age_s(account, AS_OF_MS) == 9.0
    with pytest.raises(InputError, match="number_out_of_range"):
        age_s(account, AS_OF_MS - 10_000)


def test_a_changed_snapshot_is_refused() -> None:
    account = perp()
    hashes = {
        "market_sha256": account.snapshot.sha256,
        "book_sha256": account.book.positions_sha256(),
        "orders_sha256": account.book.orders_sha256(),
    }
    check_hashes(replace(account, claimed=hashes))
    changed: list[VenueAccount] = [
        replace(account, snapshot=market(1.000001), claimed=hashes),
        replace(perp(coins=2.000001), claimed=hashes),
    ]
    for each in changed:
        with pytest.raises(StateError, match="hash_mismatch"):
            check_hashes(each)
    with pytest.raises(InputError, match="column_unknown"):
        check_hashes(replace(account, claimed={"sha": ""}))


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Trust, "enforceability", 1.1),
        (Trust, "enforceability", math.nan),
        (Trust, "recovery", -0.1),
        (Trust, "transfer_time_s", -1.0),
        (Trust, "concentration_cap_usd", math.nan),
        (Rules, "k", -1.0),
        (Rules, "horizon_days", 0.0),
        (Rules, "alert_probability", 2.0),
    ],
)
def test_numbers_outside_their_bounds(kind: type, name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        kind(**{name: value})


def test_a_cap_is_not_negative() -> None:
    with pytest.raises(InputError, match="asset_caps_usd"):
        Rules(asset_caps_usd={"BTC": -1.0})
