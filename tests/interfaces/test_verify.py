from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, ModelError
from tests.venues.replies import deribit_simulation, vector


@pytest.fixture(scope="module")
def reply(vectors_dir: Path) -> dict[str, Any]:
    return deribit_simulation(vector(vectors_dir, "V-DRB-1"))


def test_the_function_gives_the_comparison_as_plain_values(reply: Any) -> None:
    found = xm.verify("deribit", reply)
    assert found.holds
    figures = found.to_dict()
    assert figures["model"] == "deribit-spm"
    assert figures["endpoint"] == "private/pme/simulate"
    assert figures["parameters"]["set"] == "deribit-pm/payload"
    ours = {each["component"]: each["ours"] for each in figures["components"]}
    assert ours["initial_margin"] == 0.122861343
    assert len(figures["vectors"][0]["scenarios"]) == 35


def test_a_changed_parameter_parts_where_it_is_read(reply: Any) -> None:
    found = xm.verify("deribit", reply, changes={"currency.BTC.min_annualised_move": 0.02})
    assert not found.holds
    assert found.to_dict()["first"]["rule"] == "roll_shock"
    assert "AMR" in found.to_dict()["first"]["text"]


def test_a_tolerance_is_a_share(reply: Any) -> None:
    changes = {"currency.BTC.min_annualised_move": 0.010001}
    assert not xm.verify("deribit", reply, changes=changes).holds
    assert xm.verify("deribit", reply, changes=changes, tolerance=1e-3).holds
    with pytest.raises(InputError):
        xm.verify("deribit", reply, tolerance=1.0)


def test_wrong_input_is_one_error(reply: Any) -> None:
    with pytest.raises(InputError):
        xm.verify("nowhere", reply)
    with pytest.raises(ModelError):
        xm.verify("deribit", reply, changes={"pair.BTC.price_range": 7.0})


def test_a_contribution_is_scaled(reply: Any) -> None:
    given = xm.verify("deribit", reply).contribution(2.0)
    assert given["inputs"]["positions"]["BTC-PERPETUAL"]["size_coin"] == pytest.approx(0.629076728)
