"""Published and computed cases of decisions: frontiers, parity, bands, protection, attribution.

A case names itself (``id``) and its ``topic``. Each module below claims ids or topics in a table
``CHECKERS``; an id counts before a topic, a topic before what stands ahead of its stroke, and every
module that claims it has its say. A case that nobody claims is an error, nothing passes unread.
What its file calls disputed is skipped with the file's reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

MODULES = (
    "tests.vectors.optim_markowitz",
    "tests.vectors.optim_rebalance",
    "tests.vectors.optim_protect",
    "tests.vectors.optim_attribute",
    "tests.vectors.optim_optimise",
)
Checker = Callable[[dict[str, Any]], None]


def tables() -> list[Mapping[str, Checker]]:
    """The tables of the modules that are there."""
    return [import_module(name).CHECKERS for name in MODULES if find_spec(name) is not None]


def checkers(case: Mapping[str, Any]) -> list[Checker]:
    """Who checks a case: every module that has its id, else its topic, else the head of that."""
    found = tables()
    topic = str(case.get("topic", ""))
    for key in (case.get("id"), topic, topic.partition("/")[0]):
        mine = [table[key] for table in found if key in table]
        if mine:
            return mine
    return []


def test_case(case: dict[str, Any], vectors_dir: Path) -> None:
    """The checker is given the record, and in ``folder`` where files that it names lie."""
    status = str(case.get("status", ""))
    if "disputed" in status.lower():
        pytest.skip(f"{case['id']}: {status}")
    found = checkers(case)
    assert found, f"{case['id']}: no module claims it or its topic {case['topic']}"
    for check in found:
        check({**case, "folder": vectors_dir})


def test_an_unknown_case_has_no_checker() -> None:
    assert not checkers({"id": "nobody_knows_this", "topic": "nor this"})


def test_a_new_case_of_a_known_topic_has_a_checker() -> None:
    topics = (
        "markowitz/critical-line", "risk-parity", "risk-parity/bounds", "attribution",
        "delta margin", "delta-band", "delta-hedge/leland", "rebalancing/no-trade band",
        "rebalancing-cost", "rebalancing-cost/execution", "protection/collar", "VaR backtest",
    )  # fmt: skip
    for topic in topics:
        assert checkers({"id": "new", "topic": topic}), topic
