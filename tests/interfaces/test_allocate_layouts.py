"""What allocate shows: a plan, no plan, and a plan that the exact rules do not hold."""

from __future__ import annotations

from typing import Any

from crossmargin.interfaces.allocate_layouts import allocate_document
from crossmargin.interfaces.tables import plain_text

ACCOUNT = {
    "account": "a",
    "rulebook": "deribit-xpm",
    "equity_before_usd": 10.0,
    "demand_before_usd": 6.0,
    "demand_after_usd": 5.0,
    "room_before_usd": 4.0,
    "room_after_usd": 5.0,
    "buffer_usd": 1.0,
    "least_room_usd": 4.0,
    "buffer_held": True,
}


def figures(**more: Any) -> dict[str, Any]:
    """The plainest answer."""
    return {
        "name": "desk",
        "as_of": "2026-07-03T06:00:00Z",
        "rate_annual": 0.08,
        "days": 30.0,
        "feasible": True,
        "buffers_held": True,
        "demand_before_usd": 6.0,
        "demand_after_usd": 5.0,
        "freed_usd": 1.0,
        "cost_usd": 0.5,
        "worth_usd": -0.4,
        "bound_usd": -0.4,
        "proven": True,
        "rounds": 2,
        "solver": "HiGHS",
        "payback_days": None,
        "accounts": [ACCOUNT],
        "trades": [],
        "transfers": [],
        "stays": [],
        "relaxations": [],
        "notes": [],
        **more,
    }


def test_nothing_to_do_is_said() -> None:
    text = plain_text(allocate_document(figures()))
    assert "nothing is worth its cost" in text
    assert "no saving" in text


def test_no_plan_names_what_would_give_way() -> None:
    gives = [{"name": "buffer of a, USD", "by": 100.0, "bound": 500.0}]
    text = plain_text(allocate_document(figures(feasible=False, relaxations=gives)))
    assert "no plan holds every buffer" in text and "buffer of a, USD" in text


def test_a_buffer_that_is_not_held_stands_out() -> None:
    bad = {**ACCOUNT, "buffer_held": False}
    text = plain_text(allocate_document(figures(buffers_held=False, accounts=[bad])))
    assert "NO" in text and "is not held" in text


def test_an_answer_without_proof_says_so() -> None:
    assert "not proven" in plain_text(allocate_document(figures(proven=False)))


def test_what_stays_is_told_by_reason() -> None:
    stays = [
        {"account": "a", "instrument": f"C{k}", "quantity": -1.0, "reason": "no quote"}
        for k in range(5)
    ]
    text = plain_text(allocate_document(figures(stays=stays)))
    assert "What stays" in text and "no quote" in text and "C0, C1, C2, …" in text
