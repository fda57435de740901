from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.verification import Case, Claim, Status, room_of, verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.venues.replies import deribit_simulation, vector


@pytest.fixture(scope="module")
def case(vectors_dir: Path) -> Case:
    return case_of("deribit", deribit_simulation(vector(vectors_dir, "V-DRB-1")))


def test_the_room_is_half_a_printed_decimal_roundings_and_a_stated_share() -> None:
    assert room_of(None, 1.0) == 16 * 2.0**-52
    assert room_of(8, 0.0) == 0.5e-8
    assert room_of(2, 0.0, 0.001) == 0.006
    assert room_of(None, 1000.0, 1.0) == pytest.approx(1.0)


def test_a_difference_of_columns_is_compared_too(case: Case) -> None:
    claim = Claim("of the orders", 0.06 + 1.8212e-05, ("im_unrounded",), ("risk_matrix_margin",))
    found = verify_case(replace(case, claims=(claim,), vectors=(), binding=()))
    assert found.findings[0].status is Status.HOLDS
    assert found.findings[0].difference == pytest.approx(0.0, abs=1e-16)


def test_a_share_is_allowed_where_it_is_stated(case: Case) -> None:
    claim = Claim("maintenance_margin", 0.0503, ("mm",))
    strict = verify_case(replace(case, claims=(claim,), vectors=()))
    assert strict.findings[0].status is Status.DIFFERS
    assert not strict.holds
    assert strict.distance > 0.0
    loose = verify_case(replace(case, claims=(claim,), vectors=(), room_fraction=0.001))
    assert loose.holds
    assert loose.distance == 0.0


def test_a_column_or_pool_that_is_not_there_is_refused(case: Case) -> None:
    with pytest.raises(ModelError) as caught:
        verify_case(replace(case, claims=(Claim("x", 1.0, ("nothing",)),)))
    assert caught.value.code == "option_unknown"
    with pytest.raises(InputError) as pool:
        verify_case(replace(case, claims=(Claim("x", 1.0, ("im",), pool="ETH"),), vectors=()))
    assert pool.value.code == "option_unknown"
