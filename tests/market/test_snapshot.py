from __future__ import annotations

import dataclasses

import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import MarketDataError
from crossmargin.market.snapshot import Snapshot
from tests.market.markets import AS_OF_MS, least, least_rows, option, row, table


def test_content_alone_makes_the_hash() -> None:
    there, back = least(), Snapshot.of(reversed(least_rows()), AS_OF_MS)
    assert there == back
    assert hash(there) == hash(back)
    other = least().with_rows([row("index", "BTC/USD", 64000.0 + 1e-9, "USD")])
    assert other != there
    assert Snapshot.of(least_rows(), AS_OF_MS + 1) != there
    changed = [r._replace(verdict="stale") for r in least_rows()]
    assert Snapshot.of(changed, AS_OF_MS) != there


def test_rows_come_back() -> None:
    assert sorted(least().rows()) == sorted(least_rows())
    assert len(least()) == 4


def test_it_cannot_be_changed() -> None:
    snapshot = least()
    with pytest.raises(ValueError, match="read-only"):
        snapshot.value[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.as_of_ms = 0  # type: ignore[misc]  # the change is what must fail


def test_missing_is_none() -> None:
    subject = option("BTC-13FEB26-70000-C")
    snapshot = least().with_rows([row("mark", subject, 0.0, "BTC", verdict="missing")])
    assert snapshot.get("mark", subject) is None
    assert subject not in snapshot.values("mark")
    assert snapshot.get("mark", "deribit|none") is None
    assert snapshot.get("index", "BTC/USD") == 64000.0


def test_empty_is_refused() -> None:
    with pytest.raises(MarketDataError) as caught:
        Snapshot.of([], AS_OF_MS)
    assert caught.value.code == "column_missing"


def test_life_counts_from_the_instant_asked_for() -> None:
    snapshot, one = least(), table("BTC-13FEB26-60000-C")
    now, later = snapshot.view(one), snapshot.view(one, AS_OF_MS + DAY_MS)
    assert int(now.life_ms[0]) - int(later.life_ms[0]) == DAY_MS
    assert float(now.mark[0]) == float(later.mark[0])


def test_repr_names_time_and_index() -> None:
    assert repr(least()) == "Snapshot(2026-02-05T21:30:00Z, BTC/USD 64000, 1 expiries, 1 marks)"
