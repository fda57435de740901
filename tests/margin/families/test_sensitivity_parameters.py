"""A set of numbers is whole and sane, or refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.margin.families.sensitivity_parameters import (
    NOTICE,
    Row,
    is_symmetric,
    set_of,
    versions_of,
)
from tests.margin.families.simm_made_up import VERSION, rows


def _changed(match: Callable[[Row], bool], value: str) -> list[Row]:
    out, hit = [], False
    for row in rows():
        if not hit and match(row):
            row, hit = (*row[:8], value), True
        out.append(row)
    assert hit
    return out


def _of(risk: str, block: str, item: str) -> Callable[[Row], bool]:
    return lambda row: row[1:4] == (risk, block, item)


BAD = [
    ("Commodity", "Correlations", "InterBucket", "1.01", "parameter_out_of_bounds"),
    ("Commodity", "Correlations", "InterBucket", "-0.33", "parameter_out_of_bounds"),
    ("InterestRate", "Correlations", "IntraBucket", "0.999", "parameter_out_of_bounds"),
    ("RiskClass", "Correlation", "", "0.999", "parameter_out_of_bounds"),
    ("Equity", "RiskWeights", "Delta", "-1", "parameter_out_of_bounds"),
    ("FX", "ConcentrationThresholds", "Vega", "0", "parameter_out_of_bounds"),
    ("FX", "RiskWeights", "Vega", "nan", "number_not_finite"),
    ("FX", "RiskWeights", "Vega", "a lot", "number_unreadable"),
]


@pytest.mark.parametrize(("risk", "block", "item", "value", "code"), BAD)
def test_numbers_that_are_not_sane(risk: str, block: str, item: str, value: str, code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        set_of(_changed(_of(risk, block, item), value), VERSION, 10, "file.csv")
    assert caught.value.code == code
    assert "file.csv" in caught.value.place
    assert risk in caught.value.place


def test_every_number_is_needed() -> None:
    """Whatever is taken away is missed, by its name; both ways of a pair may be."""
    whole = rows()
    for number in range(0, len(whole), 37):
        lost = whole[number]
        twin = (*lost[:6], lost[7], lost[6])
        less = [row for row in whole if row[:8] not in (lost[:8], twin)]
        if lost[3] == "CurrencyLists":
            continue
        days = int(lost[4] or 10)
        with pytest.raises(ModelError) as caught:
            set_of(less, VERSION, days, "file.csv")
        assert caught.value.code == "parameter_missing"


def test_versions_horizons_and_groups() -> None:
    other = [("2", *row[1:]) for row in rows()]
    held = [*rows(), *other]
    assert versions_of(held) == (VERSION, "2")
    with pytest.raises(InputError) as caught:
        set_of(held, "3", 10, "file.csv")
    assert caught.value.code == "version_unknown"
    assert caught.value.limit == f"{VERSION}, 2"
    with pytest.raises(InputError, match="no such margin period"):
        set_of(held, "2", 5, "file.csv")
    ten, one = (set_of(held, "2", days, "file.csv") for days in (10, 1))
    assert ten.sha256 != one.sha256
    assert ten.group("FX", "RiskWeights", "BRL") == "1"
    assert ten.group("FX", "RiskWeights", "CHF") == "2"
    assert ten.threshold_usd("FX", "Vega", "1") < 1e7
    assert one.threshold_usd("FX", "Vega", "1") == math.inf
    with pytest.raises(ModelError, match="lacks a number"):
        ten.number("FX", "RiskWeights", "Delta", "9")
    without = [row for row in rows() if row[8] != "Other"]
    with pytest.raises(ModelError, match="lacks a number"):
        set_of(without, VERSION, 10, "file.csv")


def test_one_number_twice() -> None:
    doubled = [*rows(), *_changed(_of("FX", "RiskWeights", "Vega"), "0.123")]
    with pytest.raises(InputError) as caught:
        set_of(doubled, VERSION, 10, "file.csv")
    assert caught.value.code == "duplicate_row"
    set_of([*rows(), *rows()], VERSION, 10, "file.csv")  # the same twice says nothing new


def test_notice_and_symmetry() -> None:
    assert "not endorsed" in NOTICE
    assert "licence" in NOTICE
    assert is_symmetric("Equity", "InterBucket")
    assert not is_symmetric("CreditQualifying", "IntraBucket")
