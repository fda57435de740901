"""A place is the venue's exact rule: rooms, standings after trades and assets, and twins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.accounts.venue_accounts import standing_of
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.places import contract_of, place_of, twin_at
from crossmargin.instruments.symbology import asset
from tests.decisions.venue_accounts import CALL, HIGH, PERP, PUT, account, contract, pool


def test_a_place_stands_as_its_account() -> None:
    own = account("one", "deribit-xpm", {CALL: -3.0, PERP: 20_000.0})
    place = place_of(own)
    assert place.standing.over_im_usd == pytest.approx(standing_of(own).over_im_usd, abs=1e-6)
    assert 0.0 < place.withdrawable_usd <= place.standing.cash_usd


@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm", "house-example", "okx-pm"])
def test_rooms_are_those_of_the_changed_book(model: str) -> None:
    place = place_of(account("one", model, {CALL: -3.0}), [contract(PUT)], fee=0.0003)
    fills = [[place.fill(contract(PUT), 2.0)], [], [place.fill(contract(CALL), 1.0)]]
    left = place.rooms(fills)
    for v, own in enumerate(fills):
        after = place.after(own)
        assert left.im_usd[v] == pytest.approx(after.over_im_usd, abs=1e-6)
        assert left.mm_usd[v] == pytest.approx(after.over_mm_usd, abs=1e-6)
    assert left.cost_usd[1] == 0.0
    assert (left.cost_usd[[0, 2]] > 0.0).all()
    equity = place.after(fills[0]).equity_usd - place.standing.equity_usd
    assert equity == pytest.approx(-left.cost_usd[0], abs=1e-6)


def test_money_counts_in_full_and_a_coin_as_the_rule_has_it() -> None:
    place = place_of(account("one", "deribit-xpm", {PERP: -100_000.0}))
    dollars = place.credit_usd(asset("deribit", "USDC"), 1000.0)
    assert dollars == pytest.approx(1000.0, rel=1e-3)
    # A coin against a short perpetual is worth more than its price: it hedges.
    price = place.account.snapshot.get("index", "BTC/USD") or math.nan
    coin = place.credit_usd(asset("deribit", "BTC"), 0.5)
    assert coin > 0.5 * price * 0.99


def test_a_pool_credits_collateral_by_its_terms_and_trades_nothing() -> None:
    place = place_of(pool())
    assert place.prepared is None
    price = place.account.snapshot.get("index", "ETH/USD") or math.nan
    assert place.credit_usd(asset("deribit", "ETH"), 1.0) == pytest.approx(0.8 * price, rel=1e-9)
    with pytest.raises(InputError):
        place.fill(contract(CALL), 1.0)
    assert math.isnan(place.credit_usd(asset("deribit", "NOTHING"), 1.0))


def test_twins_are_the_same_contract() -> None:
    derive = account("d", "derive-pm2")
    item = contract(CALL)
    assert twin_at(item, derive) == item  # the model maps the book
    assert twin_at(contract("BTC-31JUL26"), derive) is None  # it would become a perpetual
    assert twin_at(contract("BTC-31JUL26"), account("x", "deribit-xpm")) is not None
    assert twin_at(item, pool()) is None
    assert contract_of(item) != contract_of(contract(HIGH))


def test_unit_sizes() -> None:
    place = place_of(account("one", "deribit-xpm", {PERP: 10.0, CALL: 1.0}))
    assert place.notional_usd(contract(PERP)) == pytest.approx(1.0, rel=0.02)
    index = place.account.snapshot.get("index", "BTC/USD") or 0.0
    assert place.notional_usd(contract(CALL)) == pytest.approx(index)
    assert place.mark(contract(CALL)) > 0.0
    assert np.isfinite(place.demand_im_usd)


def test_an_asset_that_has_no_line_is_refused_where_the_book_is_mapped() -> None:
    place = place_of(account("d", "derive-pm2", {PERP: 10_000.0}))
    with pytest.raises(CrossMarginError):
        place.after((), ((asset("deribit", "SOL"), 1.0),))
