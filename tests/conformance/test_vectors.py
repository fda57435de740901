from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.conformance.black import price
from crossmargin.conformance.vectors import KINDS, cases_of, run_case, tallies
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.core.errors import InputError
from crossmargin.margin import model_named

FIXED = model_named("fixed-rate")
NOW_MS = 1_796_112_000_000
EXPIRY_MS = NOW_MS + 30 * DAY_MS
MARK = price(1, 64_200.0, 66_000.0, 0.5, 30 * DAY_MS / YEAR_MS)


def case(**changes: Any) -> dict[str, Any]:
    return {
        "name": "short call",
        "model": "fixed-rate",
        "kind": "ours",
        "as_of_ms": NOW_MS,
        "instruments": [
            {
                "name": "C",
                "kind": "option",
                "venue": "any",
                "underlying": "BTC",
                "settle": "USDC",
                "right": 1,
                "strike": 66_000.0,
                "expiry_ms": EXPIRY_MS,
                "mark": MARK,
                "vol": 0.5,
            }
        ],
        "index": {"BTC/USD": 64_000.0},
        "usd": {"USDC": 1.0, "BTC": 64_000.0},
        "forward": {str(EXPIRY_MS): 64_200.0},
        "positions": {"C": -2.0},
        "expected": {"im": 2.0 * (0.15 * 64_000.0 + MARK)},
        **changes,
    }


def folder(place: Path, *cases: dict[str, Any]) -> Path:
    (place / "a.vectors.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return place


def test_a_case_is_run_under_its_model() -> None:
    assert run_case(case(), FIXED)["im"] == pytest.approx(case()["expected"]["im"], rel=1e-15)


def test_cases_are_counted_by_kind_the_best_witness_first(tmp_path: Path) -> None:
    other = case(model="deribit-sm")
    wrong = case(name="wrong", kind="live", expected={"im": 1.0})
    place = folder(tmp_path, case(), wrong, case(kind="live"), other)
    live, ours = tallies(FIXED, place)
    assert (live.kind, live.count, live.numbers, len(live.failed)) == ("live", 2, 2, 1)
    assert live.failed[0].startswith("wrong: im is ")
    assert live.worst_error > 1.0
    assert (ours.kind, ours.count, ours.failed) == ("ours", 1, ())
    assert ours.worst_error < 1e-15
    assert list(KINDS) == ["live", "example", "suite", "ours"]


def test_what_a_case_does_not_give_is_not_assumed(tmp_path: Path) -> None:
    for lost in ("forward", "usd", "index"):
        (tally,) = tallies(FIXED, folder(tmp_path, case(**{lost: {}})))
        assert "KeyError" in tally.failed[0]
    (tally,) = tallies(FIXED, folder(tmp_path, case(parameters={"im.future_share": 2.0})))
    assert "parameter_out_of_bounds" in tally.failed[0]


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        tallies(FIXED, tmp_path / "nowhere")
    with pytest.raises(InputError, match="kind"):
        tallies(FIXED, folder(tmp_path, case(kind="rumour")))
    (tmp_path / "b.vectors.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not JSON"):
        list(cases_of(tmp_path))
