"""The least payoff of an expiry against a plain loop over settlement prices."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.payoff import least_payoffs

STRIKES = np.array([80.0, 80.0, 100.0, 100.0, 120.0, 120.0, 90.0, 90.0, 0.0])
RIGHTS = np.array([1.0, -1.0] * 4 + [0.0])
RUNS = np.array([0] * 6 + [2, 2, -1], np.int32)
UNITS = np.array([1.0] * 6 + [10.0, 10.0, 1.0])


def found(*rows: dict[int, float]) -> list[tuple[int, int, float, float]]:
    row = np.cumsum([0, *(len(each) for each in rows)])
    column = [c for each in rows for c in sorted(each)]
    quantity = [each[c] for each in rows for c in sorted(each)]
    out = least_payoffs(row, np.array(column, np.int32), quantity, RUNS, STRIKES, RIGHTS, UNITS)
    return list(zip(*(x.tolist() for x in (out.row, out.run, out.least, out.calls)), strict=True))


def test_a_spread_loses_its_width_and_no_more() -> None:
    assert found({0: -1.0, 2: 1.0}) == [(0, 0, -20.0, 0.0)]
    assert found({0: 1.0, 2: -1.0}) == [(0, 0, 0.0, 0.0)]
    assert found({3: 2.0, 5: -2.0}) == [(0, 0, -40.0, 0.0)]


def test_a_bare_call_loses_nothing_at_its_strike_and_is_counted_beside() -> None:
    """Above the highest strike held there is no candidate: the rule charges net calls apart."""
    assert found({2: -3.0}) == [(0, 0, 0.0, -3.0)]
    assert found({2: -3.0, 3: 0.5}) == [(0, 0, 0.0, -3.0)]
    # A long put at 120 is a candidate at 120, where the calls have lost 20 each.
    assert found({2: -3.0, 5: 1.0, 4: 0.0}) == [(0, 0, -60.0, -3.0)]


def test_a_bare_put_loses_its_strike() -> None:
    assert found({1: -2.0}) == [(0, 0, -160.0, 0.0)]


def test_a_strike_of_nothing_is_no_candidate() -> None:
    assert found({0: -1.0, 4: 0.0}) == [(0, 0, 0.0, -1.0)]


def test_runs_multipliers_and_what_is_no_option() -> None:
    assert found({7: -1.0, 8: 5.0}, {}, {1: -1.0, 6: -2.0}) == [
        (0, 2, -900.0, 0.0),
        (2, 0, -80.0, 0.0),
        (2, 2, 0.0, -20.0),
    ]


def test_random_books_against_a_fine_grid() -> None:
    """Below the highest strike held no price loses more than the candidates."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        held = {
            int(c): round(rng.normal(), 2) or 1.0
            for c in rng.choice(6, int(rng.integers(1, 7)), replace=False)
        }
        columns = np.array(sorted(held))
        top = STRIKES[columns].max()
        grid = np.linspace(0.0, top, 1 + int(top))[:, None]
        paid = np.maximum(RIGHTS[columns] * (grid - STRIKES[columns]), 0.0)
        loss = (paid * np.array([held[c] for c in columns])).sum(axis=1).min()
        ((_, _, least, calls),) = found(held)
        assert least == pytest.approx(min(loss, 0.0), abs=1e-9)
        assert calls == pytest.approx(sum(q for c, q in held.items() if RIGHTS[c] > 0.0))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(CrossMarginError):
        least_payoffs([0, 1], [0], [1.0], RUNS, STRIKES[:3], RIGHTS, UNITS)
