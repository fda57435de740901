"""The dated numbers of an exit: sources, bounds, volume and pace."""

from __future__ import annotations

import pytest

from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import ModelError
from crossmargin.instruments.symbology import parse

NOW = utc_ms(2026, 7, 3, 6)
OPTION = parse("deribit", "BTC-10JUL26-72000-C")
SWAP = parse("deribit", "BTC-PERPETUAL")
DATED = parse("deribit", "BTC-25SEP26")


def test_every_number_says_where_it_was_read() -> None:
    for name, entry in ExitTerms.at(NOW).parameters.entries.items():
        assert entry.source.strip(), name
        assert entry.unit.strip(), name
        assert entry.low is not None, name


def test_a_volume_is_known_or_a_share_of_what_is_open() -> None:
    terms = ExitTerms.at(NOW)
    assert terms.volume_day(OPTION, 7.0, 1000.0) == 7.0
    assert terms.volume_day(OPTION, None, 1000.0) == pytest.approx(60.0)
    assert terms.volume_day(DATED, None, 1000.0) == pytest.approx(60.0)
    assert terms.volume_day(SWAP, None, 1000.0) == pytest.approx(350.0)
    assert terms.volume_day(SWAP, None, None) == 0.0


def test_the_pace_is_the_smaller_share() -> None:
    terms = ExitTerms.at(NOW)
    assert terms.pace_day(100.0, None) == pytest.approx(20.0)
    assert terms.pace_day(100.0, 1e9) == pytest.approx(20.0)
    assert terms.pace_day(100.0, 200.0) == pytest.approx(10.0)
    assert terms.pace_day(0.0, None) == 0.0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"participation.volume_share": 0.0}, "parameter_out_of_bounds"),
        ({"unquoted.vol_points": float("nan")}, "parameter_out_of_bounds"),
        ({"run_off.vol_share": 1.0}, "parameter_out_of_bounds"),
        ({"impact.coefficient": "much"}, "parameter_out_of_bounds"),
        ({"impact.colour": 1.0}, "parameter_missing"),
    ],
)
def test_changes_stay_inside_their_bounds(changes: dict[str, float], code: str) -> None:
    with pytest.raises(ModelError) as told:
        ExitTerms.at(NOW, changes)
    assert told.value.code == code
