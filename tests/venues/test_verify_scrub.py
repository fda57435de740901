from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.verification import Case
from crossmargin.venues.verify_adapters import case_of
from crossmargin.venues.verify_scrub import scrubbed
from tests.venues.test_verify_paradex import account


@pytest.fixture(scope="module")
def case() -> Case:
    payload = account()
    payload["reply"]["initial_margin_requirement"] = "5000"
    return case_of("paradex", payload)


def test_sizes_are_scaled_and_times_and_prices_kept(case: Case) -> None:
    found = scrubbed(case, 2.5)
    assert set(found) >= {"id", "venue", "model", "kind", "source", "params", "inputs", "expected"}
    held = found["inputs"]["positions"]
    assert held == {"BTC-USD-PERP": 2.5, "BTC-USD-28AUG26-72000-C": -1.25, "USDC": 25_000.0}
    assert found["expected"]["components"]["initial_margin_requirement"] == 12_500.0
    assert found["inputs"]["time_ms"] == case.as_of_ms
    assert {r["value"] for r in found["inputs"]["market"] if r["field"] == "index"} == {70_000.0}


def test_nothing_of_the_account_is_left(case: Case) -> None:
    text = json.dumps(scrubbed(case, 0.5))
    assert "0x1234" not in text
    assert str(Path.home()) not in text


@pytest.mark.parametrize("scale", [1.0, 0.0, -2.0, 1e6])
def test_a_factor_that_hides_nothing_is_refused(case: Case, scale: float) -> None:
    with pytest.raises(InputError) as caught:
        scrubbed(case, scale)
    assert caught.value.code == "number_out_of_range"
