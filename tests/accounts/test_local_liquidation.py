"""The detector finds the planted leg and nothing else; its transfer puts both in order."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts import local_liquidation
from crossmargin.accounts.local_liquidation import (
    Danger,
    crossings,
    local_liquidations,
    room_at,
    room_of,
    touch_probability,
    with_money,
)
from crossmargin.accounts.venue_accounts import Rules, Trust, VenueAccount, standing_of
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from tests.accounts.venues import AS_OF_MS, PRICES, SIGMA, loan, market, perp

FAST = Trust(transfer_time_s=300.0, transfer_fee_usd=4.0, transfer_fee_fraction=0.001)


def found_in(accounts: Sequence[VenueAccount], rules: Rules | None = None) -> tuple[Danger, ...]:
    standings = {account.name: standing_of(account) for account in accounts}
    return local_liquidations(accounts, standings, SIGMA, AS_OF_MS, rules or Rules())


def planted() -> list[VenueAccount]:
    """A thin long against a rich short elsewhere: 2 coins, 1.2 % from liquidation."""
    thin = standing_of(perp(coins=2.0, usdc=50_000.0)).demand_mm_usd + 0.012 * 2 * PRICES["BTC"]
    return [
        perp("long", 2.0, thin, trust=FAST),
        perp("short", -2.0, 90_000.0, trust=FAST),
    ]


def test_the_planted_case_is_found_and_its_transfer_restores_both() -> None:
    accounts = planted()
    (danger,) = found_in(accounts)
    assert danger.account == "long"
    assert danger.factor == pytest.approx(1.0 - 0.012, abs=5e-4)
    assert danger.whole_is_healthy
    assert danger.cured
    assert danger.in_time
    (transfer,) = danger.transfers
    assert (transfer.source, transfer.target) == ("short", "long")
    assert transfer.time_s == 600.0
    assert transfer.fee_usd == pytest.approx(4.0 + 0.001 * transfer.sent_usd)
    assert transfer.arrives_usd == pytest.approx(danger.needed_usd)
    after = [
        with_money(accounts[0], transfer.arrives_usd),
        with_money(accounts[1], -transfer.sent_usd),
    ]
    assert found_in(after) == ()
    for account in after:
        assert standing_of(account) == danger.after[account.name]
        assert standing_of(account).over_im_usd >= 0.0


def test_both_sides_count_and_the_nearer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A book that dies on either side is likelier to die than one that dies below alone."""
    monkeypatch.setattr(local_liquidation, "crossings", lambda *_: (0.985, 1.02))
    found = found_in([perp("both", 2.0, 90_000.0)], Rules(alert_probability=0.01))
    (danger,) = found
    each = [touch_probability(x, SIGMA["BTC"], Rules().alert_horizon_s) for x in (0.985, 1.02)]
    assert danger.factor == 0.985
    assert danger.probability == pytest.approx(sum(each))


def test_less_than_the_transfer_does_not_restore_it() -> None:
    accounts = planted()
    (danger,) = found_in(accounts)
    half = with_money(accounts[0], 0.5 * danger.needed_usd)
    standing = standing_of(half)
    room = room_of(half, standing, SIGMA, AS_OF_MS, Rules())
    assert standing.over_mm_usd < room.keep_usd
    strict = Rules(alert_probability=0.03)
    assert [each.account for each in found_in([half, accounts[1]], strict)] == ["long"]


def test_nothing_is_found_where_all_have_room() -> None:
    assert found_in([perp("a", 2.0, 90_000.0), perp("b", -2.0, 90_000.0), loan()]) == ()


def test_a_breached_leg_is_found_and_is_too_late() -> None:
    (danger,) = found_in([perp("a", 2.0, 500.0, trust=FAST), perp("b", -2.0, 90_000.0)])
    assert danger.factor is None
    assert danger.probability == 1.0
    assert danger.cured
    assert not danger.in_time


def test_no_one_can_pay() -> None:
    accounts = [planted()[0], perp("short", -2.0, 4_000.0)]
    dangers = {danger.account: danger for danger in found_in(accounts)}
    assert not dangers["long"].cured
    assert not dangers["long"].in_time


def test_a_slow_bridge_is_not_in_time() -> None:
    slow = [replace(each, trust=replace(FAST, transfer_time_s=40_000.0)) for each in planted()]
    (danger,) = found_in(slow)
    assert danger.cured
    assert danger.late_probability > 0.3
    assert not danger.in_time


def test_a_loan_borrows_to_cure_and_is_cured_by_repaying() -> None:
    thin = planted()[0]
    (danger,) = found_in([thin, loan(ether=200.0, trust=FAST)])
    assert danger.transfers[0].source == "loan"
    after = danger.after["loan"]
    assert after.debt_usd == pytest.approx(100_000.0 + danger.transfers[0].sent_usd)
    (other,) = found_in([loan(ether=61.0, trust=FAST), perp("rich", -1.0, 90_000.0)])
    assert other.account == "loan"
    assert other.cured
    assert other.after["loan"].debt_usd < 100_000.0


def test_money_repays_a_line_of_debt_and_is_borrowed_on_it() -> None:
    account = loan(owed=Kind.DEBT)
    assert account.borrows
    assert not perp().borrows
    for amount in (30_000.0, -5_000.0, 120_000.0):
        moved, twin = with_money(account, amount), with_money(loan(), amount)
        assert standing_of(moved).equity_usd == pytest.approx(standing_of(twin).equity_usd)
        assert standing_of(moved).debt_usd == pytest.approx(max(0.0, 100_000.0 - amount))
    assert crossings(account, standing_of(account)) == crossings(loan(), standing_of(loan()))


def test_money_that_counts_in_part_is_sent_until_nothing_is_missing() -> None:
    """Ether counts with 0.83 in the pool: more of it than is missing must go."""
    thin = loan(ether=61.0, money="ETH", trust=FAST)
    (danger,) = found_in([thin, perp("rich", -1.0, 900_000.0, trust=FAST)])
    got = sum(transfer.arrives_usd for transfer in danger.transfers)
    assert danger.cured
    assert got == pytest.approx(danger.needed_usd / 0.83, rel=1e-4)
    assert danger.after["loan"].over_im_usd >= -0.01


def test_the_crossing_is_where_the_room_ends() -> None:
    account = planted()[0]
    low, high = crossings(account, standing_of(account))
    assert low is not None
    assert high is None
    inside, outside = room_at(account, [low * (1 + 1e-6), low * (1 - 1e-6)])
    assert inside >= 0.0 > outside
    owed = loan()
    below, _ = crossings(owed, standing_of(owed))
    assert below == pytest.approx(100_000.0 / (0.83 * 100.0 * PRICES["ETH"]), rel=1e-6)
    assert room_at(owed, [1.0])[0] == pytest.approx(standing_of(owed).over_mm_usd)


def test_touch_probability_against_paths() -> None:
    """The reflection principle against simulated paths (discrete ones touch a little less)."""
    chance = touch_probability(0.98, 0.5, 86_400.0)
    rng = np.random.default_rng(7)
    steps = 800
    step = 0.5 * math.sqrt(1.0 / 365.0 / steps)
    paths = np.cumsum(rng.normal(0.0, step, (8_000, steps)), axis=1)
    seen = float((paths.min(axis=1) <= math.log(0.98)).mean())
    assert seen == pytest.approx(chance, abs=0.03)
    assert touch_probability(1.0, 0.5, 1.0) == 1.0
    assert touch_probability(0.9, 0.5, 0.0) == 0.0
    assert touch_probability(0.9, 0.5, 1e9) <= 1.0


def test_withdrawable_leaves_the_account_without_an_alert() -> None:
    rich = perp("rich", -2.0, 90_000.0)
    room = room_of(rich, standing_of(rich), SIGMA, AS_OF_MS, Rules())
    assert 0.0 < room.withdrawable_usd < room.free_usd
    assert found_in([with_money(rich, -room.withdrawable_usd), loan()]) == ()
    assert room.staleness_usd == 0.0
    old = replace(rich, as_of_ms=AS_OF_MS - 3_600_000)
    stale = room_of(old, standing_of(old), SIGMA, AS_OF_MS, Rules())
    assert stale.staleness_usd > 0.0
    assert stale.withdrawable_usd < room.withdrawable_usd


def test_an_unrealised_gain_may_not_leave() -> None:
    gain = perp("gain", 2.0, 100.0, entry=30_000.0)
    standing = standing_of(gain)
    room = room_of(gain, standing, SIGMA, AS_OF_MS, Rules())
    assert standing.equity_usd > 70_000.0
    assert room.free_usd > 50_000.0
    assert room.withdrawable_usd <= standing.cash_usd + 1e-9


def test_the_detector_cannot_see_the_net() -> None:
    """By construction: it neither imports the pool nor the credit, nor is it given a net."""
    tree = ast.parse(inspect.getsource(local_liquidation))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name and name.endswith(("pooling", "recognition"))}
    for function in (local_liquidations, room_of):
        assert not {name for name in inspect.signature(function).parameters if "net" in name}


def test_money_without_a_price_is_refused() -> None:
    with pytest.raises(InputError, match="currency_unknown"):
        with_money(replace(perp(), money="XYZ"), 1.0)


def test_the_snapshot_of_another_hour_changes_the_room() -> None:
    account = perp(snapshot=market(0.9), entry=PRICES["BTC"])
    assert standing_of(account).equity_usd == pytest.approx(20_000.0 - 0.2 * PRICES["BTC"])
