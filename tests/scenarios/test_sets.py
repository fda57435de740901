from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import ModelError
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards


def two_scenarios() -> ScenarioSet:
    """One pair, one expiry of a quarter of a year: nothing moves; up 10 % with vol up by half."""
    return ScenarioSet(
        label=("same", "up"),
        move=frozen([0.0, 0.1], np.float64),
        vol_label=("same", "up"),
        spot=frozen([[1.0, 1.1]], np.float64),
        forward=frozen([[100.0, 110.0]], np.float64),
        vol_factor=frozen([[0.5, 0.75]], np.float64),
        vol_shift=frozen([[0.0, 0.0]], np.float64),
        vol_floor=frozen([[0.0, 0.0]], np.float64),
        discount=frozen([1.0], np.float64),
        root_years=frozen([0.5], np.float64),
        weight=frozen([1.0, 1.0], np.float64),
        reflect=frozen([False, False], np.bool_),
    )


def test_a_set_has_as_many_scenarios_as_labels() -> None:
    assert len(two_scenarios()) == 2


@pytest.mark.parametrize("name", ["spot", "forward", "vol_factor", "vol_shift", "vol_floor"])
@pytest.mark.parametrize("table", [np.ones((1, 3)), np.ones(2)])
def test_a_table_of_another_shape_is_refused(name: str, table: np.ndarray) -> None:
    with pytest.raises(ModelError) as caught:
        replace(two_scenarios(), **{name: table})
    assert caught.value.code == "rules_unknown"
    assert caught.value.place == name


@pytest.mark.parametrize(
    ("days", "floor", "scale"),
    [
        (30.0, 1.0, 1.0),  # the shock is quoted at thirty days
        (7.5, 1.0, 4.0**0.3),  # (30 / 7.5) ** short power
        (120.0, 1.0, 0.25**0.13),  # (30 / 120) ** long power
        (30.0 - 1e-9, 1.0, 1.0),  # both powers meet at the pivot
        (0.25, 1.0, 30.0**0.3),  # a life under the floor counts as the floor
        (0.0, 2.0, 15.0**0.3),
        (20.0, 60.0, 0.5**0.3),  # the life chooses the power, then the floor acts
    ],
)
def test_power_scale(days: float, floor: float, scale: float) -> None:
    found = power_scale(np.array([days]), 0.3, 0.13, floor)
    assert found.tolist() == pytest.approx([scale], rel=1e-9)
    assert not found.flags.writeable


def test_power_scale_is_one_number_a_life() -> None:
    found = power_scale(np.array([15.0, 60.0]), 1.0, 2.0, 1.0)
    assert found.tolist() == pytest.approx([2.0, 0.25], rel=1e-15)


def test_only_the_free_part_of_a_forward_is_shocked() -> None:
    """90 free and 10 fixed: x1.1 is 109, x0.5 is 55; an expiry without fixing moves as a whole."""
    found = shocked_forwards(np.array([90.0, 100.0]), np.array([10.0, 0.0]), np.array([1.1, 0.5]))
    assert found.tolist() == [
        pytest.approx([109.0, 55.0], rel=1e-15),
        pytest.approx([110.0, 50.0], rel=1e-15),
    ]
    own = shocked_forwards(np.array([1.0, 1.0]), np.zeros(2), np.array([[2.0], [3.0]]))
    assert own.tolist() == [[2.0], [3.0]]
