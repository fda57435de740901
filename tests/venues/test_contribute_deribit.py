from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.verify_adapters import case_of
from crossmargin.venues.verify_scrub import scrubbed
from tests.vectors.test_cex import test_case as published_form
from tests.venues.replies import deribit_simulation, vector
from tests.venues.test_verify_deribit import option_book, simulate_portfolio


@pytest.mark.parametrize("scale", [0.37, 12.5])
def test_a_contributed_case_is_read_like_a_published_one(vectors_dir: Path, scale: float) -> None:
    published = vector(vectors_dir, "V-DRB-1")
    case = case_of("deribit", deribit_simulation(published))
    given = json.loads(json.dumps(scrubbed(case, scale)))
    assert set(published) <= set(given)
    assert set(published["expected"]) <= set(given["expected"]) | {"worst_case_bucket"}
    size = published["inputs"]["positions"]["BTC-PERPETUAL"]["size_coin"]
    assert given["inputs"]["positions"]["BTC-PERPETUAL"]["size_coin"] == pytest.approx(size * scale)
    # Thresholds move with the book, an increment per coin against it: the case stays the same case.
    assert given["params"]["btc"]["extended_dampener"] == pytest.approx(100_000 * scale)
    assert given["params"]["pair"]["m_inc"] == pytest.approx(5e-5 / scale)
    assert given["params"]["pair"]["price_range"] == 0.16
    published_form(given)  # the test of the shared cases, on the scrubbed one
    wrong: dict[str, Any] = json.loads(json.dumps(given))
    wrong["expected"]["roll_shock"] *= 1.001
    with pytest.raises(AssertionError):
        published_form(wrong)


def test_an_option_comes_with_volatility_and_forward(vectors_dir: Path) -> None:
    reply = option_book(deribit_simulation(vector(vectors_dir, "V-DRB-1")))
    name = "BTC-28JUN24-70000-C"
    ticker = {"instrument_name": name, "mark_iv": 51.2, "underlying_price": 65900.0}
    given = scrubbed(case_of("deribit", {"reply": reply, "tickers": [ticker]}), 2.0)
    assert given["inputs"]["positions"][name] == {
        "size_coin": -4.0,
        "mark": 0.02,
        "mark_iv": 0.512,
        "forward": 65900.0,
    }


def test_totals_alone_are_no_case(vectors_dir: Path) -> None:
    published = vector(vectors_dir, "V-DRB-1")
    payload = simulate_portfolio(deribit_simulation(published), published)
    with pytest.raises(InputError) as caught:
        scrubbed(case_of("deribit", payload), 2.0)
    assert caught.value.code == "option_unknown"
