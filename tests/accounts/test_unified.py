"""The whole: both numbers from real models, their identities, and incidents as small cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossmargin.accounts.unified import Unified, sigma_of, status_of, unify
from crossmargin.accounts.venue_accounts import Rules, Trust, VenueAccount, deltas_of
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError, StateError
from crossmargin.margin.register import model_named
from crossmargin.market.fields import Row
from tests.accounts.venues import AS_OF_MS, OPEN, PRICES, SIGMA, loan, market, perp

TIMS = model_named("tims")


def joined(accounts: list[VenueAccount], rules: Rules | None = None, **more: Any) -> Unified:
    return unify(accounts, TIMS, rules, sigma=SIGMA, **more)


def hedged(trust: Trust | None = None, **changes: Any) -> list[VenueAccount]:
    """Long and short at two accounts, ether lent and hedged."""
    given = {"trust": trust or Trust(), **changes}
    return [
        perp("long", 8.0, 60_000.0, **given),
        perp("short", -8.0, 60_000.0, **given),
        loan(ether=200.0, **given),
        perp("hedge", -200.0, 40_000.0, "ETH", **given),
    ]


def test_recognition_zero_is_the_sum_of_the_venues() -> None:
    found = joined(hedged())
    demanded = sum(standing.demand_im_usd for standing in found.standings.values())
    assert found.credit.credited_im_usd == demanded
    assert found.credit.net_im_usd < demanded


def test_recognition_one_is_the_net() -> None:
    found = joined(hedged(OPEN), Rules(lower_of=False, local_maintenance=0.0))
    assert found.credit.credited_im_usd == pytest.approx(found.net.demand_im_usd)
    assert found.credit.credit_usd > 10_000.0


def test_the_net_enters_nothing_that_is_free_or_an_alert() -> None:
    """Another model of the pool changes the net and the credit, and nothing else."""
    accounts = [*hedged(OPEN), perp("thin", 1.0, 1_700.0, trust=OPEN)]
    free = Rules(lower_of=False, local_maintenance=0.0)
    one = unify(accounts, TIMS, free, sigma=SIGMA)
    two = unify(accounts, model_named("greeks"), free, sigma=SIGMA)
    assert one.net.demand_im_usd != two.net.demand_im_usd
    assert one.credit.credit_usd != two.credit.credit_usd
    assert one.dangers
    assert one.dangers == two.dangers
    assert one.rooms == two.rooms
    assert one.standings == two.standings
    assert (one.free_usd, one.withdrawable_usd) == (two.free_usd, two.withdrawable_usd)
    closed = joined([replace(each, trust=Trust(transfer_time_s=0.0)) for each in accounts], free)
    assert closed.rooms == one.rooms, "trust in a joint seizure frees nothing"


def test_nothing_counts_twice() -> None:
    for twice in ([perp("a"), perp("a", 1.0)], [perp("a"), replace(perp("a"), name="b")]):
        with pytest.raises(InputError, match="duplicate_row"):
            joined(twice)
    with pytest.raises(InputError, match="book_empty"):
        joined([])


def test_staleness_is_charged_to_what_is_free() -> None:
    old = [replace(each, as_of_ms=AS_OF_MS - 400_000) for each in hedged()]
    new, stale = joined(hedged()), joined(old, now_ms=AS_OF_MS)
    assert new.staleness_usd == 0.0
    four = joined(
        [replace(each, as_of_ms=AS_OF_MS - 1_600_000) for each in hedged()], now_ms=AS_OF_MS
    )
    assert four.staleness_usd == pytest.approx(2.0 * stale.staleness_usd)
    assert stale.free_usd < new.free_usd
    assert stale.withdrawable_usd < new.withdrawable_usd


def test_volatility_is_given_or_of_the_history() -> None:
    account = perp()
    deltas = {"perp": deltas_of(account)}
    assert sigma_of(account.snapshot, deltas, {"BTC": 0.7}) == {"BTC": 0.7}
    with pytest.raises(MarketDataError, match="vol_missing"):
        sigma_of(account.snapshot, deltas, {})
    rows = []
    for day in range(80):
        at = AS_OF_MS - (80 - day) * DAY_MS
        price = PRICES["BTC"] * (1.02 if day % 2 else 1.0)
        rows.append(Row("past_price", f"BTC/USD@{at}", price, "USD", "own", at, at))
    past = account.snapshot.with_rows(rows)
    assert sigma_of(past, deltas, {})["BTC"] == pytest.approx(0.0198 * 365**0.5, rel=1e-3)
    at = AS_OF_MS - DAY_MS
    implied = Row("past_vol", f"BTC/USD@{at}", 0.44, "fraction", "own", at, at)
    assert sigma_of(past.with_rows([implied]), deltas, {})["BTC"] == 0.44


def test_what_a_venue_reports_is_held_against_the_book() -> None:
    accounts = hedged()
    accounts[0] = replace(accounts[0], reported_equity_usd=58_000.0)
    assert any("reports an equity" in text for text in joined(accounts).warnings)
    accounts[0] = replace(accounts[0], reported_equity_usd=60_000.0)
    assert not any("reports an equity" in text for text in joined(accounts).warnings)


def test_accounts_of_one_chain_at_two_blocks_are_said() -> None:
    trust = Trust(chain="ethereum")
    accounts = [loan("a", block=10, trust=trust), loan("b", 90.0, block=11, trust=trust)]
    assert any("different blocks" in text for text in joined(accounts).warnings)
    same = [replace(each, block=11) for each in accounts]
    assert not any("different blocks" in text for text in joined(same).warnings)


def test_a_changed_snapshot_is_refused() -> None:
    accounts = hedged()
    claimed = {"market_sha256": market(1.0001).sha256}
    accounts[1] = replace(accounts[1], claimed=claimed)
    with pytest.raises(StateError, match="hash_mismatch"):
        joined(accounts)


# -- incidents -----------------------------------------------------------------------------------


def test_i14_pooled_collateral_never_masks_a_breached_part() -> None:
    """Hyperliquid JELLY: a breached sub-book was carried by the collateral of others."""
    found = joined([perp("breached", 2.0, 500.0), perp("rich", -2.0, 900_000.0, trust=OPEN)])
    assert sum(s.over_mm_usd for s in found.standings.values()) > 800_000.0
    statuses = {n: status_of(found.standings[n], found.rooms[n]) for n in found.standings}
    assert statuses == {"breached": "liquidation", "rich": "ok"}
    assert [danger.account for danger in found.dangers] == ["breached"]


def test_i17_a_winning_leg_closed_for_you() -> None:
    """10 October 2025: hedged books lost the winning leg; the netting was then worth nothing."""
    accounts = hedged(OPEN)
    accounts[1] = perp("short", -8.0, 60_000.0, entry=80_000.0, trust=OPEN)
    found = joined(accounts)
    worst = found.leg_losses[0]
    assert (worst.account, worst.leg) == ("short", "BTC-USD-PERP")
    assert worst.net_im_usd is not None
    assert worst.net_im_usd > 2.0 * found.net.demand_im_usd
    assert worst.unhedged_usd > 5.0 * max(worst.unhedged_before_usd, 1.0)


def test_i18_no_decision_before_every_input_is_newer_than_the_restart() -> None:
    """dYdX, 10 October 2025: liquidations after a halt, on an oracle from before it."""
    accounts = [perp("breached", 2.0, 500.0), *hedged()]
    restart = AS_OF_MS - 60_000
    accounts[2] = replace(accounts[2], snapshot=market(at_ms=restart - 1), as_of_ms=AS_OF_MS)
    held = joined(accounts, not_before_ms=restart)
    assert held.blocked == ("short",)
    assert held.dangers == ()
    accounts[2] = replace(accounts[2], snapshot=market(at_ms=restart))
    assert joined(accounts, not_before_ms=restart).dangers


def test_i19_a_price_that_is_off_by_2_85_per_cent_is_seen() -> None:
    """Aave, 10 March 2026: one ratio was 2.85 % low and nothing said so."""
    accounts = hedged()
    accounts[1] = replace(accounts[1], snapshot=market(0.9715))
    found = joined(accounts)
    assert any(text.startswith("BTC is 2.93 % dearer") for text in found.warnings)
    assert joined(hedged()).warnings == ()


def test_i21_a_book_that_is_only_declared_counts_and_earns_no_credit() -> None:
    """LME nickel: positions that nobody saw. A declared book enters as an account like others."""
    seen = [perp("seen", -8.0, 60_000.0, trust=OPEN)]
    declared = perp("declared", -20.0, 200_000.0)
    free = Rules(lower_of=False, local_maintenance=0.0)
    one, two = joined(seen, free), joined([*seen, declared], free)
    assert two.net.demand_im_usd > 3.0 * one.net.demand_im_usd
    assert two.credit.credit_usd == 0.0
