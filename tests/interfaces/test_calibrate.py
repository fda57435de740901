from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.parameter_files import read_parameters


def test_the_file_is_margined_as_previewed(tmp_path: Path) -> None:
    made = xm.calibrate("house-example", "sample:market", "sample:market-maker")
    file = tmp_path / "next.toml"
    file.write_text(made.text(), "utf-8")
    row = made.figures["accounts"][0]
    before = xm.margin("sample:market-maker", "sample:market", "house-example")
    after = xm.margin("sample:market-maker", "sample:market", "house-example", params=file)
    assert (row["im_before_usd"], row["im_after_usd"]) == (before.im_usd, after.im_usd)
    assert row["im_change_usd"] == after.im_usd - before.im_usd != 0.0
    assert after.receipt.parameters["house-example"] == made.figures["sha256"]
    assert made.figures["sha256"] in made.text()
    assert read_parameters(made.text(), "x.toml").sha256 == made.figures["sha256"]


def test_one_seed_one_text_and_the_wrapper_calibrates_what_it_wraps() -> None:
    one = xm.calibrate("dynamic:greeks", "sample:market", seed=3)
    same = xm.calibrate("greeks", "sample:market", seed=3)
    assert one.text() == same.text()
    assert one.figures["model"] == "greeks"
    assert one.figures["accounts"] is None
    earlier = xm.calibrate("greeks", "sample:market", as_of="2026-05-01T00:00:00Z")
    assert earlier.figures["evidence"][0]["last_day"] == "2026-05-01"
    assert earlier.figures["effective_from"] == "2026-05-02T00:00:00Z"


def test_an_account_that_cannot_be_margined_is_named() -> None:
    rows = xm.calibrate("deribit-spm", "sample:market", "sample:inverse-perp-basis").figures
    assert {row["error"] for row in rows["accounts"]} == {None}


def test_refused() -> None:
    for call, code in (
        (lambda: xm.calibrate("reg-t", "sample:market"), "parameter_missing"),
        (lambda: xm.calibrate("none", "sample:market"), "model_unknown"),
        (lambda: xm.calibrate("greeks", "sample:market", seed=-1), "number_out_of_range"),
    ):
        with pytest.raises(CrossMarginError) as error:
            call()
        assert error.value.code == code
