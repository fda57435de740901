"""Explanations: trees, contributions and grids give back the number that they explain."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.explanation import rule_figures
from crossmargin.margin.model import Rule
from crossmargin.margin.register import ALL_MODELS
from tests.conformance.takers import SAMPLE_TAKERS

MODELS = SAMPLE_TAKERS


def recomputed(node: dict[str, Any]) -> float:
    """The value of a node from its children, by the operator that it names."""
    parts = [recomputed(child) for child in node["children"]]
    found: dict[str, Any] = {
        "leaf": lambda: node["value"],
        "sum": lambda: reduce(operator.add, parts),
        "difference": lambda: parts[0] - parts[1],
        "product": lambda: parts[0] * parts[1],
        "max": lambda: max(parts),
        "min": lambda: min(parts),
        "scale": lambda: parts[0] * node["constant"],
        "round": lambda: round(parts[0], int(node["constant"])),
    }
    return float(found[node["operator"]]())


@pytest.fixture(scope="module", params=MODELS)
def explained(request: pytest.FixtureRequest, maker: str, market: str) -> xm.MarginResult:
    """The market maker under each model, explained."""
    result = xm.margin(maker, market, request.param).explain()
    assert isinstance(result, xm.MarginResult)
    return result


def test_trees_give_the_requirement(explained: xm.MarginResult) -> None:
    found = explained.to_dict()["explain"]
    for pool in found["pools"]:
        shown = next(p for p in explained.accounts[0]["pools"] if p["pool"] == pool["pool"])
        for level in ("im", "mm"):
            assert pool[level]["value"] == shown[level]
            assert recomputed(pool[level]) == pytest.approx(shown[level], rel=1e-13, abs=1e-13)


def test_contributions_add_up(explained: xm.MarginResult) -> None:
    for pool in explained.to_dict()["explain"]["pools"]:
        found = pool["contributions"]
        total = sum(line["im_share"] for line in found["lines"]) + found["fixed"]
        assert total == pytest.approx(pool["im"]["value"], rel=1e-9, abs=1e-9)


def test_the_grid_holds_the_worst_where_it_is_marked(explained: xm.MarginResult) -> None:
    for pool in explained.to_dict()["explain"]["pools"]:
        if pool["grid"] is None:
            continue
        shown = next(p for p in explained.accounts[0]["pools"] if p["pool"] == pool["pool"])
        marked = [cell for cell in pool["grid"]["cells"] if cell["mark"] == "worst"]
        for cell in marked:
            assert cell["scenario"] == shown["worst_scenario"]
            assert -cell["counted"] == pytest.approx(shown["worst_loss"], rel=1e-9, abs=1e-9)
            assert cell["counted"] == min(each["counted"] for each in pool["grid"]["cells"])


def test_every_leaf_names_a_rule_with_a_source(explained: xm.MarginResult) -> None:
    found = explained.to_dict()["explain"]
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert all(rule["source"] for rule in rules.values())

    def walk(node: dict[str, Any]) -> None:
        if node["operator"] == "leaf":
            assert node["rule"] in rules, node["name"]
        for child in node["children"]:
            walk(child)

    for pool in found["pools"]:
        walk(pool["im"])
        walk(pool["mm"])


def test_mark_model_and_executable_stand_apart(maker: str, market: str) -> None:
    result = xm.margin(maker, market, "deribit-spm").explain()
    snapshot = xm.read_market(market)
    marks, bids, asks = (snapshot.values(name) for name in ("mark", "bid", "ask"))
    lines = result.to_dict()["explain"]["pools"][0]["contributions"]["lines"]
    for line in lines:
        subject = f"deribit|{line['instrument']}"
        assert line["mark"] == marks[subject]
        side = bids if line["quantity"] > 0 else asks
        assert line["executable"] == side.get(subject)
        if line["model"] is not None:
            assert line["residual"] == line["mark"] - line["model"]
            assert abs(line["residual"]) < 2e-3, line


def test_one_account_must_be_named(market: str) -> None:
    row = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}
    book = [{**row, "account": "a"}, {**row, "account": "b"}]
    result = xm.margin(book, market)
    with pytest.raises(InputError, match="an explanation is of one account"):
        result.explain()
    assert result.explain("b").to_dict()["explain"]["account"] == "b"


def test_fidelity_of_a_rule_by_kind() -> None:
    rule = Rule("r", "t", "s", ALL_MODELS[0].spec.rules[0].fidelity)
    assert rule_figures(rule)["fidelity"]["option"] == "inferred"
