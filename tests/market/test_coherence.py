from __future__ import annotations

import math
from pathlib import Path

import pytest

from crossmargin.core.clock import DAY_MS, YEAR_MS, parse_ms
from crossmargin.market.coherence import LIMIT_BP, cohere, parity_forward
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market

NOW_MS = 1_770_000_000_000


def forwards(index: float, carry: float, days: tuple[int, ...]) -> dict[int, list[float]]:
    return {NOW_MS + d * DAY_MS: [index * math.exp(carry * d / 365)] for d in days}


def test_forward_is_the_median_of_its_rows() -> None:
    expiry = NOW_MS + DAY_MS
    found = cohere([100.0], {expiry: [101.0, 100.0, 100.5, 100.1]}, {}, NOW_MS)
    merged = found.forwards[expiry]
    assert (merged.value, merged.count) == (pytest.approx(100.3), 4)
    assert merged.spread_bp == pytest.approx(100.0)
    assert merged.verdict == "incoherent"


def test_rows_of_one_reading_keep_the_index() -> None:
    found = cohere([100.0, 100.01, 100.005], forwards(100.05, 0.05, (1, 7, 30, 90)), {}, NOW_MS)
    assert found.index is not None
    assert (found.index.value, found.index.verdict) == (100.005, "ok")
    assert found.gap_bp == pytest.approx(4.5, abs=0.01)


def test_rows_of_different_instants_take_the_line_at_zero_life() -> None:
    ahead = forwards(100.2, 0.05, (1, 7, 30, 90))
    ahead[NOW_MS + 14 * DAY_MS] = [93.0]  # one broken expiry does not move the line
    found = cohere([99.9, 100.0, 100.3], ahead, {}, NOW_MS)
    assert found.index is not None
    assert found.index.value == pytest.approx(100.2, rel=1e-4)
    assert found.index.spread_bp == pytest.approx(40.04, abs=0.01)
    assert found.index.verdict == "incoherent"


def test_line_far_from_rows_that_agree_is_not_believed() -> None:
    found = cohere([100.0, 100.05], forwards(95.0, 0.05, (1, 7, 30, 90)), {}, NOW_MS)
    assert found.index is not None
    assert (found.index.value, found.index.verdict) == (100.025, "incoherent")


def test_two_expiries_carry_no_line() -> None:
    found = cohere([99.9, 100.3], forwards(100.2, 0.05, (1, 30)), {}, NOW_MS)
    assert found.gap_bp is None
    assert found.index is not None
    assert found.index.value == pytest.approx(100.1)


def test_index_that_nobody_gave_is_implied_or_absent() -> None:
    found = cohere([], forwards(100.2, 0.05, (1, 7, 30)), {}, NOW_MS)
    assert found.index is not None
    assert (found.index.value, found.index.verdict) == (pytest.approx(100.2), "implied")
    assert cohere([], forwards(100.2, 0.05, (1, 7)), {}, NOW_MS).index is None


def test_expired_forward_does_not_bend_the_line() -> None:
    ahead = forwards(100.0, 0.0, (1, 7, 30))
    ahead[NOW_MS - DAY_MS] = [50.0]
    found = cohere([99.9, 100.1], ahead, {}, NOW_MS)
    assert found.gap_bp == pytest.approx(0.0, abs=1e-9)


def test_parity_gives_the_forward_exactly() -> None:
    forward = 64321.0
    strikes = [50000.0, 60000.0, 70000.0, 80000.0]
    inverse = parity_forward(
        {k: 0.05 + 1.0 - k / forward for k in strikes}, dict.fromkeys(strikes, 0.05), True
    )
    assert inverse == pytest.approx(forward, rel=1e-14)
    linear = parity_forward(
        {k: 900.0 + forward - k for k in strikes}, dict.fromkeys(strikes, 900.0), False
    )
    assert linear == pytest.approx(forward, rel=1e-14)
    assert parity_forward({50000.0: 0.2}, {60000.0: 0.1}, True) is None


def test_parity_forward_is_marked_implied() -> None:
    expiry = NOW_MS + 7 * DAY_MS
    found = cohere([100.0], {}, {expiry: 100.4}, NOW_MS)
    assert (found.forwards[expiry].value, found.forwards[expiry].verdict) == (100.4, "implied")


# -- the chains of the crash low, 2026-02-05 21:29 -----------------------------------------------


@pytest.fixture(scope="module")
def crash(market_dir: Path) -> Snapshot:
    return import_market(market_dir / "deribit/deribit_options_snapshot_20260205T212937Z.csv.gz")


@pytest.mark.parametrize(
    ("pair", "spread_bp", "gap_bp", "carry_percent"),
    [("BTC/USD", 44.63, -21.62, -200.0), ("ETH/USD", 113.93, 40.84, 330.0)],
)
def test_crash_low(
    crash: Snapshot, pair: str, spread_bp: float, gap_bp: float, carry_percent: float
) -> None:
    assert crash.as_of_ms == parse_ms("2026-02-05T21:29:37.885Z")
    assert crash.get("index_spread", pair) == pytest.approx(spread_bp, abs=0.01)
    assert crash.get("index_gap", pair) == pytest.approx(gap_bp, abs=0.01)
    place = crash.places("index")[pair]
    assert crash.verdict[place] == "incoherent"
    # The rows as they stand read as an absurd carry; the coherent index does not.
    expiry = parse_ms("2026-02-06T08:00:00Z")
    forward = crash.get("forward", f"{pair}@{expiry}")
    index, gap = crash.get("index", pair), crash.get("index_gap", pair)
    assert forward is not None
    assert index is not None
    assert gap is not None
    years = (expiry - crash.as_of_ms) / YEAR_MS
    rows_median = index * math.exp(-gap * 1e-4)
    read = 100.0 * math.log(forward / rows_median) / years
    assert read == pytest.approx(carry_percent, rel=0.05)
    assert abs(100.0 * math.log(forward / index) / years) < 25.0


def test_calm_chain_is_coherent(market_dir: Path) -> None:
    calm = import_market(market_dir / "deribit/deribit_options_snapshot_20260128T212943Z.csv.gz")
    for pair, number in calm.places("index").items():
        assert calm.verdict[number] == "ok"
        assert abs(calm.get("index_gap", pair) or 0.0) < LIMIT_BP
    assert max(calm.values("forward_spread").values()) < 0.5
