"""The committed numbers of ``span`` are what the script makes of the recorded prices."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from crossmargin.margin.parameter_files import available, read_parameters
from tests.tidy.source import REPOSITORY

SHIPPED = available("span")[-1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    place = REPOSITORY / "scripts" / "calibrate_span.py"
    spec = importlib.util.spec_from_file_location("calibrate_span", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_numbers_are_the_scripts(script: ModuleType, market_dir: Path) -> None:
    made = read_parameters(script.text_of(script.calibrated(market_dir)), "made")
    assert {k: e.value for k, e in made.entries.items()} == {
        k: e.value for k, e in SHIPPED.entries.items()
    }


def test_rounding_is_to_the_safe_side(script: ModuleType) -> None:
    assert script.up(0.1612, 0.005) == 0.165
    assert script.up(0.165, 0.005) == 0.165
    assert script.down(0.6024, 0.05) == 0.6
    assert script.expiry_ms("BTC-25DEC26") == 1_798_185_600_000
    assert [script.tier_of(d) for d in (0.0, 7.0, 7.1, 35.0, 100.0, 365.0)] == [1, 1, 2, 2, 3, 4]
