"""Whole lots: the tolerance that one lot of a trade breaks, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.decisions.margin_lots import one_lots
from crossmargin.decisions.margin_lp import Goal, Limit, MarginProblem, Profile, Ticket
from crossmargin.decisions.margin_rows import Block
from crossmargin.margin.pieces import Pieces, WorstOf

NONE = np.zeros(0)


def problem(delta: float, worse: float) -> MarginProblem:
    """Two trades in lots of 0.1: one unit moves delta by 0.5 and -2, the P&L by -100 and +40."""
    one, slope = np.array([1.0]), np.array([1.0])
    tickets = tuple(Ticket(name, one, slope, one, slope, lot=0.1) for name in ("put", "call"))
    block = Block("BTC", Pieces((WorstOf("scan", np.zeros((1, 2)), np.zeros(1)),)), *_flat(), 1.0)
    limits = (Limit("delta of BTC", "BTC", np.array([0.5, -2.0]), -delta, delta),)
    rows = np.array([[-100.0, 40.0]])
    profile = Profile(rows, np.array([-worse]), np.array([np.inf]), ("P&L of BTC at +30 %",))
    return MarginProblem((block,), tickets, Goal(1.0), limits, profile)


def _flat() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(2), np.eye(2)


@pytest.mark.parametrize(
    ("sizes", "delta", "worse", "told"),
    [
        # a tenth of a put: delta +0.05 within 0.06, P&L -10 beyond -4
        ([0.03, 0.0], 0.06, 4.0, ("put", 0.1, "P&L of BTC at +30 %", -10.0, -4.0)),
        # sold: delta -0.05, P&L +10, which has no bound
        ([-0.03, 0.0], 0.04, 4.0, ("put", -0.1, "delta of BTC", -0.05, -0.04)),
        # a quarter beyond the bound
        ([0.03, 0.01], 0.04, 20.0, ("put", 0.1, "delta of BTC", 0.05, 0.04)),
        # one lot of the put keeps both: nothing stands in the way of it
        ([0.03, 0.01], 0.06, 20.0, None),
        # a size of whole lots is not too small
        ([0.3, 0.0], 0.01, 1.0, None),
        # a bound of zero is broken by anything
        ([0.03, 0.0], 0.0, 20.0, ("put", 0.1, "delta of BTC", 0.05, 0.0)),
    ],
)
def test_one_lot_against_every_tolerance(
    sizes: list[float],
    delta: float,
    worse: float,
    told: tuple[str, float, str, float, float] | None,
) -> None:
    found = {each.trade: each for each in one_lots(problem(delta, worse), np.array(sizes))}
    if told is None:
        assert "put" not in found or found["put"].rule == ""
        return
    one = found[told[0]]
    assert (one.trade, one.lot, one.rule) == told[:3]
    assert (one.moved, one.allowed) == pytest.approx(told[3:])
    assert one.size == pytest.approx(sizes[0])


def test_a_lot_is_worth_what_it_saves_less_its_cost() -> None:
    """Scan: the largest of 50 q0 and 50 - 30 q1 - q0, from q = 0; a dollar of margin is worth 2."""
    rows = np.array([[50.0, 0.0], [-1.0, -30.0]])
    pieces = Pieces((WorstOf("scan", rows, np.array([0.0, 50.0])),))
    block = Block("BTC", pieces, *_flat(), 1.5)
    given = replace(problem(1.0, 1e9), blocks=(block,), goal=Goal(2.0))
    call, put = one_lots(given, np.array([0.01, 0.02]))
    assert (put.trade, call.trade) == ("put", "call"), "the most worth first"
    assert put.saved_usd == pytest.approx(1.5 * 0.1)
    assert call.saved_usd == pytest.approx(1.5 * 3.0)
    assert call.cost_usd == pytest.approx(0.1)
    assert call.worth_usd == pytest.approx(2.0 * 4.5 - 0.1)


def test_nothing_traded_or_no_tolerance_tells_nothing() -> None:
    assert one_lots(problem(0.1, 1.0), np.zeros(2)) == ()
    free = MarginProblem((), problem(0.1, 1.0).tickets, Goal(1.0))
    (only,) = one_lots(free, np.array([0.03, 0.0]))
    assert only.rule == ""
    assert only.worth_usd == pytest.approx(-0.1)
