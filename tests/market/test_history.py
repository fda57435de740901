from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.market.history import history_rows, moves
from crossmargin.market.snapshot import Snapshot
from tests.market.markets import AS_OF_MS, least_rows, table

FIRST_MS = AS_OF_MS - 10 * DAY_MS


def lines(
    coin: str = "BTC", days: int = 10, vols: bool = True
) -> list[tuple[int, str, str, float | None, float | None]]:
    return [
        (FIRST_MS + k * DAY_MS, coin, "USD", 100.0 * 1.01**k, 0.5 * 1.02**k if vols else None)
        for k in range(days)
    ]


def snapshot(*more: list[tuple[int, str, str, float | None, float | None]]) -> Snapshot:
    rows = [row for each in more for row in history_rows(each, "test")]
    return Snapshot.of([*least_rows(), *rows], AS_OF_MS)


def test_moves_are_joint_logs_oldest_first() -> None:
    found = moves(
        snapshot(lines(), lines("ETH", vols=False)).histories(AS_OF_MS), ("BTC", "ETH"), DAY_MS
    )
    assert found.names == ("BTC", "ETH")
    assert len(found) == 9
    assert np.allclose(found.log_return, np.log(1.01), atol=1e-12)
    assert np.allclose(found.log_vol[0], np.log(1.02), atol=1e-12)
    assert found.log_vol[1].tolist() == [0.0] * 9
    assert found.has_vol == (True, False)
    assert found.end_ms.tolist() == [FIRST_MS + k * DAY_MS for k in range(1, 10)]
    assert len(moves(snapshot(lines()).histories(AS_OF_MS), ("BTC",), DAY_MS, last=4)) == 4


def test_longer_steps_do_not_overlap_unless_asked() -> None:
    history = snapshot(lines()).histories(AS_OF_MS)
    apart = moves(history, ("BTC",), 3 * DAY_MS)
    assert len(apart) == 3
    assert np.allclose(apart.log_return, 3.0 * np.log(1.01))
    assert len(moves(history, ("BTC",), 3 * DAY_MS, overlap_ms=DAY_MS)) == 7


def test_nothing_later_than_the_as_of_time_is_seen() -> None:
    seen = snapshot(lines()).view(table("BTC-13FEB26-60000-C"), FIRST_MS + 5 * DAY_MS)
    assert seen.history["BTC"].times_ms.max() == FIRST_MS + 5 * DAY_MS
    assert len(seen.history["BTC"]) == 6
    assert snapshot().view(table("BTC-13FEB26-60000-C")).history == {}


def test_gaps_are_left_out_or_refused() -> None:
    long = lines(days=11)
    holed = [line for k, line in enumerate(long) if k != 5]
    with pytest.raises(MarketDataError, match="history_gap") as caught:
        moves(snapshot(holed).histories(AS_OF_MS), ("BTC",), DAY_MS)
    assert "2 of 10 steps" in str(caught.value)
    kept = moves(snapshot(holed).histories(AS_OF_MS), ("BTC",), DAY_MS, gaps_max=0.3)
    assert len(kept) == 8
    assert kept.left_out == 2
    assert np.allclose(kept.log_return, np.log(1.01))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MarketDataError, match="history_missing") as caught:
        moves(snapshot(lines()).histories(AS_OF_MS), ("BTC", "SOL"), DAY_MS)
    assert caught.value.place == "SOL"
    with pytest.raises(MarketDataError, match="history_gap"):
        moves(snapshot(lines(days=1)).histories(AS_OF_MS), ("BTC",), DAY_MS)


def test_two_quotes_and_other_money_are_refused() -> None:
    usdt = [(t, coin, "USDT", price, vol) for t, coin, _, price, vol in lines()]
    with pytest.raises(MarketDataError, match="market_duplicate"):
        snapshot(lines(), usdt).histories(AS_OF_MS)
    with pytest.raises(InputError, match="currency_unknown"):
        history_rows([(FIRST_MS, "BTC", "EUR", 1.0, None)], "test")
    with pytest.raises(MarketDataError, match="price_not_positive"):
        snapshot([(FIRST_MS, "BTC", "USD", 0.0, None)])
