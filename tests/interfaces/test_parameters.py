from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.interfaces.parameters import check_set, diff_sets, import_set
from crossmargin.margin.parameter_files import available, read_parameters
from crossmargin.margin.parameter_scope import Scope
from tests.venues.replies import deribit_simulation, older, vector


@pytest.fixture(scope="module")
def payload(vectors_dir: Path) -> Any:
    """What get_params would say: the parameters of the published simulation."""
    reply = deribit_simulation(vector(vectors_dir, "V-DRB-1"))
    return {"jsonrpc": "2.0", "result": reply["result"]["model_params"]}


def test_two_shipped_sets_and_what_the_newer_costs() -> None:
    found = diff_sets(
        "deribit-pm/2026-02-15",
        "deribit-pm/2026-09-23",
        book="sample:market-maker",
        market="sample:market",
        model="deribit-xpm",
    ).to_dict()
    names = [each["name"] for each in found["changes"]]
    assert names[0] == "pair.BTC.price_range"
    assert found["model"] == "deribit-xpm"
    row = found["accounts"][0]
    assert row["change_usd"] == pytest.approx(row["after_usd"] - row["before_usd"])
    assert row["change_usd"] < 0.0  # a smaller range


def test_the_first_model_that_reads_the_sets_is_taken() -> None:
    found = diff_sets(
        "deribit-pm/2026-02-15",
        "deribit-pm/2026-09-23",
        book="sample:retail-short-vol",
        market="sample:market",
    )
    assert found.to_dict()["model"] == "deribit-spm"


def test_what_cannot_be_compared_is_refused() -> None:
    one, other = "deribit-pm/2026-02-15", "deribit-pm/2026-09-23"
    for arguments in ({"book": "sample:retail-short-vol"}, {"market": "sample:market"}):
        with pytest.raises(InputError):
            diff_sets(one, other, **arguments)  # type: ignore[arg-type] # one of two
    with pytest.raises(InputError):
        diff_sets(one, "deribit-pm/1999-01-01")
    with pytest.raises(InputError):
        diff_sets(one, "no-such-file.toml")
    with pytest.raises(InputError):
        diff_sets(
            one, other, book="sample:retail-short-vol", market="sample:market", model="paradex-pm"
        )


def test_a_payload_of_both_generations_gives_the_same_dated_file(payload: Any) -> None:
    newer = import_set("deribit", payload)
    again = read_parameters(newer.text(), "deribit-pm/x.toml")
    assert again.sha256 == newer.parameters.sha256
    assert newer.parameters.label == "2024-06-17"
    shipped = next(found for found in available("deribit-pm") if found.label == "2024-06-17")
    assert newer.parameters.sha256 == shipped.sha256
    wrapped = older({"result": {"model_params": payload["result"]}})
    old = import_set("deribit", wrapped["result"]["model_params"])
    assert old.parameters.sha256 == newer.parameters.sha256


def test_times_and_scope_are_stated(payload: Any) -> None:
    found = import_set(
        "deribit",
        payload,
        announced_at="2024-06-01T10:30Z",
        effective_from="2024-06-20T08:00Z",
        effective_for=Scope(accounts=("a",)),
    )
    again = read_parameters(found.text(), "x.toml")
    assert again.effective_for.accounts == ("a",)
    assert "2024-06-20T08:00:00Z" in found.text()
    assert found.to_dict()["set"]["announced_at"] == "2024-06-01T10:30:00Z"


def test_a_payload_without_time_needs_one(payload: Any) -> None:
    timeless = copy.deepcopy(payload)
    del timeless["result"]["general"]["timestamp"]
    with pytest.raises(InputError) as caught:
        import_set("deribit", timeless)
    assert caught.value.code == "column_missing"
    assert (
        import_set("deribit", timeless, observed="2026-03-01T00:00Z").parameters.label
        == "2026-03-01"
    )


def test_what_the_payload_does_not_give_is_said_in_the_file(payload: Any) -> None:
    part = copy.deepcopy(payload)
    del part["result"]["currency_pair"]["btc_usd"]["m_inc"]
    found = import_set("deribit", part)
    assert found.to_dict()["carried"] == ["pair.BTC.m_inc"]
    assert "#   pair.BTC.m_inc" in found.text()


def test_a_live_payload_against_the_set_in_force(payload: Any) -> None:
    assert check_set("deribit", payload).current
    later = check_set("deribit", payload, as_of="2026-10-01T00:00Z")
    assert not later.current
    names = [each["name"] for each in later.to_dict()["changes"]]
    assert "pair.BTC.price_range" in names
    assert later.to_dict()["set"]["set"] == "deribit-pm/2026-09-23"
    assert later.to_dict()["age_days"] == pytest.approx(8.0)
