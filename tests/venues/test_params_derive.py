from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import available
from crossmargin.margin.payload_parameters import from_payload
from crossmargin.venues.params_derive import derive_numbers


@pytest.fixture(scope="module")
def dump(vectors_dir: Path) -> Any:
    text = (vectors_dir / "derive_params_mainnet_20251208.json").read_text("utf-8")
    return json.loads(text)


def test_the_dump_gives_the_set_that_ships(dump: Any) -> None:
    shipped = next(p for p in available("derive-pm2") if p.label == "2025-12-08")
    numbers = derive_numbers(dump, "dump")
    assert numbers.notes == ("of other managers, not read: PM1_ETH, PM1_BTC, SRM",)
    made = from_payload(shipped, numbers, "again", shipped.observed_ms)
    assert made.carried == ()
    assert made.parameters.sha256 == shipped.sha256
    assert set(numbers.values) == {name for name in shipped.entries if "reading" not in name}


def test_a_number_that_is_absent_is_an_error_with_its_place(dump: Any) -> None:
    changed = copy.deepcopy(dump)
    del changed["PM2_ETH"]["params"]["marginParams"]["imFactor"]
    with pytest.raises(InputError) as caught:
        derive_numbers(changed, "dump")
    assert caught.value.code == "column_missing"
    assert "PM2_ETH marginParams" in caught.value.place


def test_something_else_is_refused() -> None:
    for wrong in ([], {"PM1_BTC": {}}, {"PM2_BTC": {"market": "BTC"}}):
        with pytest.raises(InputError):
            derive_numbers(wrong, "dump")
