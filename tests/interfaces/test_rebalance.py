"""The verb rebalance in its three forms: bands, weights, past prices; files, faces, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError

BOOK, MARKET = "sample:market-maker", "sample:market"


def test_inside_the_band_there_is_nothing_to_do() -> None:
    found = xm.rebalance(BOOK, MARKET, delta_band=1e7)
    assert len(found.intents) == 0
    assert found.figures["fills"] == []
    assert "nothing to trade" in str(found)


def test_a_history_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    rows = [f"{1_700_000_000_000 + k * 86_400_000},X,{100 + (k % 3)}" for k in range(60)]
    path.write_text("time,underlying,price\n" + "\n".join(rows) + "\n", "utf-8")
    found = xm.rebalance(targets={"X": 0.5}, backtest=True, history=path, window=20, lookback=20)
    assert found.figures["observations"] == 60
    assert found.figures["policies"][0]["hold_return"] == pytest.approx(0.06, abs=0.2)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "option_unknown"),
        ({"delta_band": "leland"}, "option_unknown"),
        ({"delta_band": -1.0}, "number_out_of_range"),
        ({"delta_band": 1e4, "to": "moon"}, "option_unknown"),
        ({"delta_band": 1e4, "underlying": "SOL"}, "option_unknown"),
        ({"delta_band": 1e4, "candidates": ["BTC-NOTHING"]}, "instrument_unknown"),
        ({"backtest": True}, "option_unknown"),
        ({"targets": {"BTC": 0.5}, "policy": "sometimes"}, "option_unknown"),
        ({"targets": {"BTC": float("nan")}}, "number_not_finite"),
        ({"targets": {}}, "book_empty"),
        ({"targets": {"DOGE": 0.5}}, "quote_missing"),
    ],
)
def test_bad_questions_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(BOOK, MARKET, **options)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code
