"""Tickets: straight pieces of cost on both sides, joined neighbours, whole lots to the digit."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions.margin_sides import Sides, Ticket, in_whole_lots, straight


def pieces(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


TICKET = Ticket("A", pieces(2.0, 3.0), pieces(1.0, 4.0), pieces(5.0), pieces(0.5))


@pytest.mark.parametrize(
    ("size", "usd"), [(0.0, 0.0), (1.5, 1.5), (2.0, 2.0), (4.0, 10.0), (-3.0, 1.5), (-5.0, 2.5)]
)
def test_a_ticket_costs_its_pieces(size: float, usd: float) -> None:
    assert TICKET.cost_usd(size) == usd


def test_bounds_of_all_tickets() -> None:
    one_way = Ticket("B", pieces(), pieces(), pieces(1.0, 1.0), pieces(2.0, 3.0))
    sides = Sides.of((TICKET, one_way))
    low, high = sides.bounds(2)
    assert low.tolist() == [-5.0, -2.0] == [TICKET.low, one_way.low]
    assert high.tolist() == [5.0, 0.0] == [TICKET.high, one_way.high]
    assert sides.side.tolist() == [0, 0, 1, 3, 3]


def test_neighbours_of_one_slope_are_one_piece() -> None:
    width, slope = straight(pieces(1.0, 2.0, 4.0), pieces(0.3, 0.3, 0.7))
    assert width.tolist() == [3.0, 4.0]
    assert slope == pytest.approx([0.3, 0.7])
    assert straight(pieces(), pieces())[0].size == 0


def test_whole_lots_lose_the_last_bits_of_a_solver() -> None:
    lot = pieces(10.0, 0.1, 0.0, 1.0)
    found = in_whole_lots(pieces(-57920.00000000001, 3 * 0.1 + 4e-9, 1.2345, -0.0), lot)
    assert found.tolist() == [-57920.0, 0.3, 1.2345, 0.0]
