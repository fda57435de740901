from __future__ import annotations

from typing import Any

from crossmargin.interfaces.calibrate_layouts import calibrate_document
from crossmargin.interfaces.tables import plain_text

ROW: dict[str, Any] = {
    "coin": "BTC",
    "what": "price",
    "before_fraction": 0.15,
    "after_fraction": 0.136,
    "wanted_fraction": 0.136,
    "held_by": "nothing",
    "deviation_fraction": 0.037,
    "stress_fraction": 0.21,
    "first_day": "2023-10-07",
    "last_day": "2026-07-03",
    "days": 1001,
    "quantile_fraction": 0.108,
    "quantile_low_fraction": 0.085,
    "quantile_high_fraction": 0.132,
    "moves": 470,
    "beyond": 4,
    "p_value": 0.739,
}
FIGURES: dict[str, Any] = {
    "model": "house-example",
    "as_of": "2026-07-03T06:00:00Z",
    "effective_from": "2026-07-04T00:00:00Z",
    "before": "house/2026-01-01",
    "before_sha256": "aa",
    "set": "house/2026-07-04",
    "sha256": "bb",
    "snapshot_sha256": "cc",
    "method": "ewma",
    "seed": 0,
    "evidence": [ROW],
    "bounded": ["coin.BTC.price_scan"],
    "left": ["OTHER"],
    "accounts": [
        {"account": "a", "im_before_usd": 10.0, "im_after_usd": 12.0, "im_change_usd": 2.0}
        | {"mm_before_usd": 8.0, "mm_after_usd": 9.0, "error": None}
    ],
}


def test_what_is_said() -> None:
    text = plain_text(calibrate_document(FIGURES))
    for part in ("13.6 %", "sha256 bb", "cut to the bounds", "left as they are: OTHER", "73.9 %"):
        assert part in text
    assert "why there is no number" not in text


def test_a_failure_has_its_reason_and_no_book_no_table() -> None:
    failed = {**FIGURES, "accounts": [{"account": "b", "error": "mark_missing: x"}]}
    assert "mark_missing: x" in plain_text(calibrate_document(failed))
    assert "margin under" not in plain_text(calibrate_document({**FIGURES, "accounts": None}))
