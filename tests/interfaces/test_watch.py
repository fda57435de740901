"""A book margined again with every snapshot that arrives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.watch import Distance, csv_head
from crossmargin.interfaces.watch import watch as verb

MODEL = "deribit-spm"


@pytest.fixture
def later(market: str) -> Callable[[Path], None]:
    """Writes the market an hour later."""
    snapshot = xm.read_market(market)
    moved = snapshot.with_rows((), snapshot.as_of_ms + 3_600_000)

    def write(path: Path) -> None:
        xm.write_snapshot(moved, path)

    return write


def test_named_snapshots_are_taken_once_each(retail: str, market: str) -> None:
    first, second = list(verb(retail, [market, xm.read_market(market)], MODEL))
    margin = xm.margin(retail, market, MODEL)
    assert first.im_usd == second.im_usd == margin.im_usd
    entry = margin.accounts[0]
    assert first.room_mm_usd == entry["counted_mm_usd"] - entry["mm_usd"]
    assert first.room_mm_fraction == pytest.approx(1.0 - entry["mm_usage"])
    assert first.mm_usage == entry["mm_usage"]
    assert (first.im_change_usd, second.im_change_usd) == (None, 0.0)
    assert first.worst_scenario == entry["worst_scenario"]


def test_the_distance_is_that_of_the_coin_that_fails_first(market: str) -> None:
    """Ten idle coins pay nothing for dollars that are short."""
    rows = [
        {"venue": "deribit", "instrument": "BTC_USDC-PERPETUAL", "quantity": -1.0},
        {"type": "balance", "venue": "deribit", "instrument": "USDC", "quantity": 500.0},
        {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 10.0},
    ]
    (state,) = verb(rows, market, MODEL)
    assert state.mm_usage is not None and state.mm_usage > 1.0
    assert state.room_mm_usd is not None and state.room_mm_usd < 0.0
    assert state.room_mm_fraction == pytest.approx(1.0 - state.mm_usage)
    found = xm.whatif(rows, market, MODEL, "BTC_USDC-PERPETUAL:-0.1@64000").figures
    assert found["before"]["mm_usage"] == pytest.approx(state.mm_usage)
    assert found["before"]["room_mm_usd"] == pytest.approx(state.room_mm_usd)
    assert found["after"]["mm_usage"] > found["before"]["mm_usage"]


def test_snapshots_that_arrive(
    retail: str, market: str, later: Callable[[Path], None], tmp_path: Path
) -> None:
    (tmp_path / "a.parquet").write_bytes(Path(market).read_bytes())
    (tmp_path / "notes.txt").write_text("no market", "utf-8")
    (tmp_path / ".b.parquet.part").write_bytes(b"half")
    writer = threading.Timer(0.3, later, (tmp_path / "b.parquet",))
    writer.start()
    states = list(verb(retail, tmp_path, MODEL, poll_s=0.05, count=2, timeout_s=20.0))
    writer.join()
    assert [Path(state.source).name for state in states] == ["a.parquet", "b.parquet"]
    assert states[1].as_of > states[0].as_of
    assert states[1].im_change_usd is not None


def test_it_ends_when_nothing_comes(retail: str, market: str, tmp_path: Path) -> None:
    started = time.monotonic()
    assert list(verb(retail, tmp_path, MODEL, poll_s=0.02, timeout_s=0.1)) == []
    assert list(verb(retail, tmp_path, MODEL, once=True)) == []
    assert time.monotonic() - started < 5.0
    (tmp_path / "a.parquet").write_bytes(Path(market).read_bytes())
    assert len(list(xm.watch(retail, str(tmp_path), MODEL, once=True))) == 1


def test_a_snapshot_that_cannot_be_used_is_told_and_the_watch_goes_on(
    retail: str, market: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1")
    first, second = list(verb(retail, [str(bad), market], MODEL))
    assert first.error is not None and first.im_usd is None
    assert "no number" in first.line()
    assert second.error is None and second.im_change_usd is None


def test_lines_for_people_and_machines(retail: str, market: str) -> None:
    (state,) = verb(retail, market, MODEL)
    line = state.line()
    assert state.im_usd is not None and f"IM {state.im_usd:,.0f}" in line
    assert "USD" in line and "%" in line and "to liquidation" in line
    assert len(csv_head().split(",")) == len(state.to_dict())
    assert '"im_usd":' in state.json_line()
    silent = Distance("s", "t", im_usd=1.0, mm_usd=0.5)
    assert "no balance is known" in silent.line()
    low = Distance("s", "t", im_usd=1.0, mm_usd=0.5, room_mm_usd=-1.0, bound="at_least")
    assert "≥1" in low.line() and "-1 USD" in low.line()


@pytest.mark.parametrize(
    "options", [{"poll_s": -1.0}, {"count": 0}, {"timeout_s": float("nan")}, {"timeout_s": -2.0}]
)
def test_bad_options(retail: str, market: str, options: dict[str, float]) -> None:
    with pytest.raises(InputError) as told:
        verb(retail, market, MODEL, **options)  # type: ignore[arg-type]  # one of several
    assert told.value.code == "number_out_of_range"


def test_a_watch_is_of_one_account(market: str) -> None:
    rows = [{"type": "position", "account": name, "venue": "deribit",
             "instrument": "BTC-PERPETUAL", "quantity": 10.0} for name in "ab"]  # fmt: skip
    with pytest.raises(InputError):
        verb(rows, market, MODEL)
    assert len(list(verb(rows, market, MODEL, account="b"))) == 1
