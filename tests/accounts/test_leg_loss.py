"""A winning leg closed at mark: same equity, the hedge gone, the worst first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.accounts.leg_loss import _winners, leg_losses, total_deltas, without_leg
from crossmargin.accounts.pooling import PoolRule, merged_snapshot
from crossmargin.accounts.venue_accounts import Rules, VenueAccount, standing_of
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin.register import model_named
from crossmargin.market.fields import Row
from tests.accounts.venues import AS_OF_MS, PRICES, SIGMA, loan, perp

PERP = parse("paradex", "BTC-USD-PERP")


def losses(accounts: list[VenueAccount]) -> list[tuple[str, str]]:
    standings = {account.name: standing_of(account) for account in accounts}
    pool = PoolRule(model_named("tims"), merged_snapshot(accounts))
    found = leg_losses(accounts, standings, SIGMA, pool, Rules())
    left = [each.left_usd for each in found]
    assert left == sorted(left)
    for each in found:
        rest = sum(s.over_mm_usd for name, s in standings.items() if name != each.account)
        assert each.left_usd == pytest.approx(rest + each.over_mm_usd - each.unhedged_usd)
        assert each.net_im_usd is not None
    return [(each.account, each.leg) for each in found]


@pytest.mark.parametrize("entry", [60_000.0, 75_000.0])
def test_a_leg_is_closed_at_mark(entry: float) -> None:
    account = perp(coins=2.0, entry=entry)
    before, after = standing_of(account), standing_of(without_leg(account, PERP))
    assert after.equity_usd == pytest.approx(before.equity_usd)
    assert after.demand_mm_usd == pytest.approx(0.0)


def test_the_last_line_of_a_book_can_go() -> None:
    account = perp(coins=2.0, usdc=0.0, entry=60_000.0)
    after = standing_of(without_leg(account, PERP))
    assert after.equity_usd == pytest.approx(2.0 * (PRICES["BTC"] - 60_000.0))


def test_only_winners_and_legs_of_unknown_entry_are_closed() -> None:
    winner, loser = perp("won", 2.0, entry=60_000.0), perp("lost", -2.0, entry=60_000.0)
    assert losses([winner, loser]) == [("won", "BTC-USD-PERP")]
    both = [winner, perp("short", -1.0, entry=70_000.0), loan()]
    assert losses(both)[0] == ("short", "BTC-USD-PERP"), "the larger hole comes first"
    assert len(losses(both)) == 2


def test_what_is_left_unhedged_counts() -> None:
    accounts = [perp("long", 2.0, entry=60_000.0), perp("short", -2.0, entry=60_000.0)]
    assert total_deltas(accounts)["BTC"][0] == 0.0
    standings = {account.name: standing_of(account) for account in accounts}
    pool = PoolRule(model_named("tims"), merged_snapshot(accounts))
    (loss,) = leg_losses(accounts, standings, SIGMA, pool, Rules())
    assert loss.unhedged_before_usd == 0.0
    by_hand = 2.33 * 0.4 * (1.0 / 365.0) ** 0.5 * 2.0 * PRICES["BTC"]
    assert loss.unhedged_usd == pytest.approx(by_hand)
    assert loss.profit_usd == pytest.approx(2.0 * (PRICES["BTC"] - 60_000.0))


@pytest.mark.parametrize(("contracts", "wins"), [(60_000.0, True), (-60_000.0, False)])
def test_a_contract_that_pays_in_coin_wins_in_coin(contracts: float, wins: bool) -> None:
    """Long at 60,000 dollars of 1/price: at 68,400 it has gained q (1/60,000 - 1/68,400) coins."""
    contract, coin = parse("deribit", "BTC-PERPETUAL"), asset("deribit", "BTC")
    table = Instruments.of([contract, coin])
    at = table.index_of()
    lines = [Line("i", at[coin.key], 3.0), Line("i", at[contract.key], contracts, 60_000.0)]
    mark = Row("mark", "deribit|BTC-PERPETUAL", PRICES["BTC"], "USD", "own", AS_OF_MS, AS_OF_MS)
    account = perp("i")
    snapshot = account.snapshot.with_rows([*account.snapshot.rows(), mark])
    account = replace(
        account,
        venue="deribit",
        book=Book.of(table, lines),
        snapshot=snapshot,
        model=model_named("deribit-spm"),
    )
    found = _winners(account)
    assert len(found) == wins
    for _, quantity, profit in found:
        coins = quantity * (1.0 / 60_000.0 - 1.0 / PRICES["BTC"])
        assert profit == pytest.approx(coins * PRICES["BTC"])
