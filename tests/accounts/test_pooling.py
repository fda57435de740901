"""One pool of all accounts: what it holds, how it is priced, what it saves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts.pooling import (
    PoolRule,
    merged_snapshot,
    net_of,
    pooled_book,
    savings,
)
from crossmargin.accounts.venue_accounts import VenueAccount, standing_of
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.register import model_named
from tests.accounts.venues import AS_OF_MS, PRICES, loan, market, perp

TIMS = model_named("tims")


def rule(*accounts: VenueAccount) -> PoolRule:
    return PoolRule(TIMS, merged_snapshot(accounts))


def test_the_newer_of_two_prices_is_taken() -> None:
    old, new = perp("a"), loan(snapshot=market(1.01, AS_OF_MS + 5_000))
    merged = merged_snapshot([old, new])
    assert merged.get("index", "BTC/USD") == pytest.approx(1.01 * PRICES["BTC"])
    assert merged.as_of_ms == AS_OF_MS + 5_000
    assert merged_snapshot([new, old]) == merged


def test_the_pool_holds_every_line_once() -> None:
    book = pooled_book([perp("a", 2.0), perp("b", -1.5), loan()])
    held = {
        (book.instruments.items[c].venue, book.instruments.items[c].native_id): q
        for c, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    }
    assert held["paradex", "BTC-USD-PERP"] == 0.5
    assert held["paradex", "USDC"] == 40_000.0
    assert held["pool", "USDC"] == -100_000.0
    assert len(book) == 1


def test_a_line_of_debt_is_a_negative_balance() -> None:
    for sign in (1.0, -1.0):
        account = loan(owed=Kind.DEBT)
        debt = account.book.instruments.kind[account.book.column] == Kind.DEBT
        quantity = np.where(debt, sign, 1.0) * account.book.quantity
        book = pooled_book([replace(account, book=replace(account.book, quantity=quantity))])
        assert min(book.quantity.tolist()) == -100_000.0
        assert {item.kind for item in book.instruments.items} == {Kind.ASSET}


def test_reported_equity_of_a_coin_is_what_is_at_risk() -> None:
    account = loan()
    said = replace(account.book, reported=Reported({("loan", "ETH"): 90.0}))
    assert 90.0 in pooled_book([replace(account, book=said)]).quantity.tolist()


def test_offsetting_positions_need_less_together() -> None:
    accounts = [perp("a", 2.0), perp("b", -2.0, usdc=30_000.0)]
    together = net_of(accounts, rule(*accounts))
    alone = [net_of([each], rule(*accounts)) for each in accounts]
    assert together.demand_im_usd < 0.5 * min(each.demand_im_usd for each in alone)
    assert together.equity_usd == pytest.approx(sum(standing_of(a).equity_usd for a in accounts))


def test_collateral_of_a_loan_is_hedged_by_a_short() -> None:
    bare = loan(ether=100.0)
    hedged = [bare, perp("hedge", -100.0, coin="ETH")]
    assert (
        net_of(hedged, rule(*hedged)).demand_im_usd
        < 0.5 * net_of([bare], rule(*hedged)).demand_im_usd
    )


def test_an_empty_pool_needs_nothing() -> None:
    empty = perp(coins=0.0, usdc=0.0)
    assert net_of([], rule(empty)).demand_im_usd == 0.0


def test_a_model_that_cannot_be_asked_says_why() -> None:
    accounts = [perp("a", 2.0), loan()]
    asked = savings(accounts, [TIMS, model_named("drift-v2")], merged_snapshot(accounts))
    assert asked[0].saving_usd is not None
    assert asked[1].saving_usd is None
    assert asked[1].reason


def test_a_venue_model_takes_the_pool_as_its_own_contracts() -> None:
    accounts = [perp("a", 2.0), perp("b", -2.0, usdc=30_000.0)]
    found = savings(accounts, [model_named("deribit-xpm")], merged_snapshot(accounts))[0]
    assert found.saving_usd is not None
    assert found.saving_usd > 0.0
