"""Valuation points and groups: the grids by hand, a plain twin, properties, and what is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.valuation_points import (
    GRIDS,
    POINTS,
    Groups,
    class_rows,
    folded,
    group_risk,
    groups_of,
    least_charge,
    valuation_points,
    worst_of,
)

ROWS = 9
# Classes lie apart in the table, as those of two venues do; row 8 carries no risk.
OF_ROW = [0, 1, 2, 3, 0, 1, 2, 3, -1]
PRODUCT, PORTFOLIO = [0, 0, 1, 2], [0, 0, 1]
CLASS_OFFSET, PRODUCT_OFFSET = [0.3, 0.5, 1.0], [0.9, 1.0]


def groups(
    class_offset: list[float] = CLASS_OFFSET, product_offset: list[float] = PRODUCT_OFFSET
) -> Groups:
    minimum = [0.0, 1.0, 2.0, 0.5, 1.5, 0.0, 0.25, 3.0, 0.0]
    return groups_of(OF_ROW, PRODUCT, PORTFOLIO, class_offset, product_offset, minimum)


@dataclass
class Books:
    row: np.ndarray
    column: np.ndarray
    quantity: np.ndarray
    pnl: np.ndarray


def books(seed: int, accounts: int = 12) -> Books:
    rng = np.random.default_rng(seed)
    pnl = np.zeros((ROWS, 16))
    pnl[:, :POINTS] = rng.normal(0.0, 100.0, (ROWS, POINTS))
    pnl[8] = 0.0
    row, column, quantity = [0], [], []
    for a in range(accounts):
        held = [] if a % 5 == 0 else sorted(rng.choice(ROWS, rng.integers(1, ROWS), replace=False))
        column += [int(k) for k in held]
        quantity += rng.normal(0.0, 3.0, len(held)).tolist()
        row.append(len(column))
    return Books(np.array(row), np.array(column, np.int32), np.array(quantity, float), pnl)


def f(x: float, offset: float) -> float:
    return x if x < 0.0 else offset * x


def plain(book: Books, account: int, chosen: Groups) -> dict[int, list[float]]:
    """The vector of each portfolio group of one account, by the rule's words."""
    classes: dict[int, list[float]] = {}
    for j in range(book.row[account], book.row[account + 1]):
        code = int(chosen.of_row[book.column[j]])
        if code < 0:
            continue
        vector = classes.setdefault(code, [0.0] * POINTS)
        for k in range(POINTS):
            vector[k] += float(book.quantity[j] * book.pnl[book.column[j], k])
    products: dict[int, list[float]] = {}
    for code, vector in classes.items():
        g = int(chosen.product[code])
        mine = products.setdefault(g, [0.0] * POINTS)
        for k in range(POINTS):
            mine[k] += f(vector[k], float(chosen.class_offset[g]))
    out: dict[int, list[float]] = {}
    for g, vector in products.items():
        p = int(chosen.portfolio[g])
        mine = out.setdefault(p, [0.0] * POINTS)
        for k in range(POINTS):
            mine[k] += f(vector[k], float(chosen.product_offset[p]))
    return out


# ---------------------------------------------------------------- grids


def test_points_include_both_ends() -> None:
    found = valuation_points(0.08, 0.06, "both_ends")
    step = 0.14 / 9
    assert found.tolist() == pytest.approx([-0.08 + k * step for k in range(10)], abs=1e-15)
    assert (found[0], found[-1]) == (-0.08, 0.06)


def test_five_points_each_way() -> None:
    found = valuation_points(0.15, 0.10, "five_and_five").tolist()
    expected = [-0.15, -0.12, -0.09, -0.06, -0.03, 0.02, 0.04, 0.06, 0.08, 0.10]
    assert found == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("down", "up", "grid", "code"),
    [
        (0.0, 0.1, GRIDS[0], "number_out_of_range"),
        (1.0, 0.1, GRIDS[0], "number_out_of_range"),
        (0.1, 0.0, GRIDS[1], "number_out_of_range"),
        (-0.1, 0.1, GRIDS[0], "number_out_of_range"),
        (math.nan, 0.1, GRIDS[0], "number_not_finite"),
        (0.1, math.inf, GRIDS[1], "number_not_finite"),
        (0.1, 0.1, "eleven", "option_unknown"),
    ],
)
def test_a_grid_is_refused(down: float, up: float, grid: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        valuation_points(down, up, grid)
    assert caught.value.code == code


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize("seed", range(6))
def test_against_the_plain_twin(seed: int) -> None:
    book, chosen = books(seed), groups()
    found = group_risk(book.row, book.column, book.quantity, book.pnl, POINTS, chosen)
    at = {
        (int(a), int(p)): k for k, (a, p) in enumerate(zip(found.account, found.group, strict=True))
    }
    accounts = len(book.row) - 1
    expected = {(a, p): v for a in range(accounts) for p, v in plain(book, a, chosen).items()}
    assert list(at) == sorted(expected)
    for key, vector in expected.items():
        k = at[key]
        assert found.pnl[k, :POINTS].tolist() == pytest.approx(vector, rel=1e-12, abs=1e-9)
        assert found.loss[k] == pytest.approx(max(-min(vector), 0.0), rel=1e-12, abs=1e-9)
        assert int(found.point[k]) == int(np.argmin(vector))
    whole = found.vectors(accounts)[:, :POINTS]
    for a in range(accounts):
        parts = plain(book, a, chosen)
        total = [sum(v[k] for v in parts.values()) for k in range(POINTS)]
        assert whole[a].tolist() == pytest.approx(total, rel=1e-12, abs=1e-9)
    least = least_charge(book.row, book.column, book.quantity, chosen)
    for a in range(accounts):
        slow = [0.0, 0.0]
        for j in range(book.row[a], book.row[a + 1]):
            code = chosen.of_row[book.column[j]]
            if code >= 0:
                p = chosen.portfolio[chosen.product[code]]
                slow[p] += abs(book.quantity[j]) * chosen.minimum[book.column[j]]
        assert least[a].tolist() == pytest.approx(slow, rel=1e-12)


def test_the_bits_of_an_account_are_its_own() -> None:
    book, chosen = books(3), groups()
    whole = group_risk(book.row, book.column, book.quantity, book.pnl, POINTS, chosen)
    for a in range(len(book.row) - 1):
        span = slice(book.row[a], book.row[a + 1])
        alone = group_risk(
            np.array([0, span.stop - span.start]),
            book.column[span],
            book.quantity[span],
            book.pnl,
            POINTS,
            chosen,
        )
        assert alone.pnl.tobytes() == whole.pnl[whole.account == a].tobytes()


def test_full_offsets_are_one_account() -> None:
    book, chosen = books(1), groups([1.0, 1.0, 1.0], [1.0, 1.0])
    found = group_risk(book.row, book.column, book.quantity, book.pnl, POINTS, chosen)
    for a in range(len(book.row) - 1):
        span = slice(book.row[a], book.row[a + 1])
        net = (book.quantity[span, None] * book.pnl[book.column[span]]).sum(axis=0)
        assert found.vectors(len(book.row) - 1)[a] == pytest.approx(net, rel=1e-9, abs=1e-9)


def test_no_offset_shares_nothing() -> None:
    book, chosen = books(2), groups([0.0, 0.0, 0.0], [0.0, 0.0])
    found = group_risk(book.row, book.column, book.quantity, book.pnl, POINTS, chosen)
    assert (found.pnl <= 0.0).all()


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 50))
def test_a_larger_offset_never_costs_more(first: float, second: float, seed: int) -> None:
    low, high = sorted((first, second))
    book = books(seed, 6)
    losses = [
        group_risk(
            book.row, book.column, book.quantity, book.pnl, POINTS, groups([o] * 3, [o] * 2)
        ).loss
        for o in (low, high)
    ]
    assert (losses[1] <= losses[0] + 1e-9 * (1.0 + losses[0])).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.floats(0.0, 1.0))
def test_the_fold_is_the_lesser_line(values: list[float], offset: float) -> None:
    found = folded(np.array([values]), np.array([offset]))[0]
    assert found.tolist() == [min(x, offset * x) + 0.0 for x in values]


def test_positions_keep_their_order_inside_a_class() -> None:
    row, column = np.array([0, 5]), np.array([0, 1, 4, 5, 8], np.int32)
    size = np.arange(1.0, 6.0)
    account, code, start, columns, sizes = class_rows(row, column, size, groups().of_row, 4)
    assert account.tolist() == [0, 0]
    assert code.tolist() == [0, 1]
    assert start.tolist() == [0, 2, 4]
    assert columns.tolist() == [0, 4, 1, 5]
    assert sizes.tolist() == [1.0, 3.0, 2.0, 4.0]


def test_rows_that_hold_nothing_have_no_worst_point() -> None:
    vectors = np.zeros((2, 16))
    vectors[:, 3] = -1.0
    found = worst_of(vectors, POINTS, [True, False])
    assert found.scenario.tolist() == [3, -1]
    assert found.loss.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"class_offset": [0.3, 0.5, 1.1]}, "number_out_of_range"),
        ({"product_offset": [-0.1, 1.0]}, "number_out_of_range"),
        ({"class_offset": [0.3, math.nan, 1.0]}, "number_not_finite"),
        ({"product": [0, 1, 0, 2]}, "number_out_of_range"),
        ({"product": [0, 0, 1, 3]}, "number_out_of_range"),
        ({"portfolio": [0, 1, 0]}, "number_out_of_range"),
        ({"of_row": [4, *OF_ROW[1:]]}, "number_out_of_range"),
        ({"of_row": OF_ROW[1:]}, "shape_wrong"),
        ({"minimum": [-1.0] + [0.0] * 8}, "number_out_of_range"),
    ],
)
def test_groups_are_refused(changed: dict[str, list[float]], code: str) -> None:
    given_ = {
        "of_row": OF_ROW,
        "product": PRODUCT,
        "portfolio": PORTFOLIO,
        "class_offset": CLASS_OFFSET,
        "product_offset": PRODUCT_OFFSET,
        "minimum": [0.0] * 9,
    }
    with pytest.raises(InputError) as caught:
        groups_of(**{**given_, **changed})
    assert caught.value.code == code
