"""The worst fill in one pass against every subset of the orders."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.fills import FillNeed, fill_need, is_exact
from crossmargin.pricing.fold import fold_tables, fold_worst
from tests.pricing.books import Case, make_case

GROUPS, INSTRUMENTS, SCENARIOS, ROWS = 6, 40, 13, 23
RUN = np.repeat([-1, 4, 0, 2, -1, 1, 5, 3], INSTRUMENTS // 8)
LINEAR = np.full(INSTRUMENTS, -1)
Table = dict[str, np.ndarray]


class Resting(NamedTuple):
    """Orders of every row, in rising order of column."""

    row_ptr: np.ndarray
    column: np.ndarray
    moves: np.ndarray
    worth: np.ndarray
    gain: np.ndarray

    def rows(self, low: int, high: int) -> Resting:
        a, b = int(self.row_ptr[low]), int(self.row_ptr[high])
        ptr = self.row_ptr[low : high + 1] - a
        return Resting(ptr, self.column[a:b], self.moves[a:b], self.worth[a:b], self.gain[a:b])


def make_orders(case: Case, seed: int, value: np.ndarray | None = None, most: int = 9) -> Resting:
    """0 to ``most`` orders a row, several on one column; half of them filled better than mark."""
    rng = np.random.default_rng(seed)
    rows = case.row_ptr.size - 1
    counts = rng.integers(0, most + 1, rows)
    counts[0] = most  # the row without positions
    counts[1] = 0
    column = np.concatenate([np.sort(rng.integers(0, INSTRUMENTS, n)) for n in counts])
    size = rng.normal(0.0, 5.0, column.size)
    worth = np.zeros(column.size) if value is None else size * value[column]
    gain = rng.normal(0.0, 60.0, column.size)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    return Resting(ptr, column, size[:, None] * case.pnl[column], worth, gain)


def tables(seed: int, *names: str) -> Table:
    """The parts of a fold that are named; slopes are one where none is named."""
    rng = np.random.default_rng(seed)
    every = {
        "concave": {"gain_g": rng.uniform(0.2, 0.9, GROUPS), "loss_g": np.full(GROUPS, 1.1)},
        "convex": {"gain_g": np.full(GROUPS, 1.1), "loss_g": rng.uniform(0.6, 1.0, GROUPS)},
        "cap": {"cap_g": np.where(rng.random(GROUPS) < 0.4, np.inf, rng.uniform(5, 99, GROUPS))},
        "dead": {"dead_gs": rng.uniform(0.0, 200.0, (GROUPS, SCENARIOS))},
        "value": {"value_i": rng.normal(0.0, 60.0, INSTRUMENTS)},
        "weight": {"weight_s": rng.uniform(0.1, 1.0, SCENARIOS)},
        "reflect": {"reflect_s": rng.random(SCENARIOS) < 0.4},
    }
    out: Table = {"gain_g": np.ones(GROUPS), "loss_g": np.ones(GROUPS)}
    for name in names:
        out |= every[name]
    return out


def found_of(case: Case, table: Table, orders: Resting, run: np.ndarray = RUN) -> FillNeed:
    fold = fold_tables(case.pnl.shape[1], run, **table)
    return fill_need(
        *case, fold, orders.row_ptr, orders.column, orders.moves, orders.worth, orders.gain
    )


def plain(
    case: Case, row: int, table: Table, orders: Resting, chosen: np.ndarray, run: np.ndarray
) -> np.ndarray:
    """[V] the need after each chosen set by the formula, one run and one scenario at a time."""
    span = slice(case.row_ptr[row], case.row_ptr[row + 1])
    mine = slice(int(orders.row_ptr[row]), int(orders.row_ptr[row + 1]))
    total = np.zeros((len(chosen), SCENARIOS))
    value = table.get("value_i", np.zeros(INSTRUMENTS))
    for code in range(-1, GROUPS):
        held = (run[case.column[span]] == code)[:, None] * case.quantity[span][:, None]
        filled = chosen * (run[orders.column[mine]] == code)
        v = (held * case.pnl[case.column[span], :SCENARIOS]).sum(axis=0)
        v = v + filled @ orders.moves[mine, :SCENARIOS]
        worth = float((held[:, 0] * value[case.column[span]]).sum()) + filled @ orders.worth[mine]
        y = v
        if code >= 0:
            m = v + worth[:, None]
            y = np.where(m >= 0, table["gain_g"][code], table["loss_g"][code]) * m - worth[:, None]
            y = np.minimum(y, table["cap_g"][code]) if "cap_g" in table else y
            if "dead_gs" in table:
                y = np.sign(y) * np.maximum(np.abs(y) - table["dead_gs"][code], 0.0)
        y = y * table.get("weight_s", np.ones(SCENARIOS))
        if "reflect_s" in table and code >= 0:
            y = np.where(table["reflect_s"], -np.abs(y), y)
        total += y
    return np.maximum(-total.min(axis=1), 0.0) - chosen @ orders.gain[mine]


def every_set(count: int) -> np.ndarray:
    return np.array(list(product([False, True], repeat=count)), bool).reshape(2**count, count)


def brute(case: Case, table: Table, orders: Resting, run: np.ndarray = RUN) -> np.ndarray:
    """[R] the most that any subset of the orders needs."""
    counts = np.diff(orders.row_ptr)
    return np.array(
        [plain(case, r, table, orders, every_set(int(n)), run).max() for r, n in enumerate(counts)]
    )


def of_the_set(
    case: Case, table: Table, orders: Resting, found: FillNeed, run: np.ndarray = RUN
) -> np.ndarray:
    """[R] what the very sets need that the answer names."""
    out = []
    for r in range(ROWS):
        mine = slice(int(orders.row_ptr[r]), int(orders.row_ptr[r + 1]))
        out.append(float(plain(case, r, table, orders, found.filled[mine][None, :], run)[0]))
    return np.array(out)


EXACT: list[tuple[str, ...]] = [
    (),
    ("weight",),
    ("cap",),
    ("concave",),
    ("concave", "value"),
    ("concave", "value", "weight", "cap"),
]


@pytest.mark.parametrize("names", EXACT, ids="-".join)
def test_no_set_needs_more_and_the_named_set_needs_as_much(names: tuple[str, ...]) -> None:
    case, table = make_case(11), tables(12, *names)
    orders = make_orders(case, 13, table.get("value_i"))
    found = found_of(case, table, orders)
    wanted = brute(case, table, orders)
    np.testing.assert_allclose(found.need, wanted, rtol=1e-12, atol=1e-9)
    reached = of_the_set(case, table, orders, found)
    np.testing.assert_allclose(reached, wanted, rtol=1e-12, atol=1e-9)
    assert (found.need > 0.0).sum() > 15
    share = found.filled.mean()
    assert 0.2 < share < 0.9, "some orders fill and some do not"
    assert is_exact(fold_tables(case.pnl.shape[1], RUN, **table))


@pytest.mark.parametrize("names", [(), ("weight",)], ids="-".join)
def test_without_runs(names: tuple[str, ...]) -> None:
    """The pools whose rules fold nothing: orders and positions of all instruments in one sum."""
    case = make_case(21)
    table = tables(22, *names)
    empty = {"gain_g": np.zeros(0), "loss_g": np.zeros(0)}
    orders = make_orders(case, 23)
    found = found_of(case, {**table, **empty}, orders, LINEAR)
    wanted = brute(case, table, orders, LINEAR)
    np.testing.assert_allclose(found.need, wanted, rtol=1e-12, atol=1e-9)
    reached = of_the_set(case, table, orders, found, LINEAR)
    np.testing.assert_allclose(reached, wanted, rtol=1e-12, atol=1e-9)


def test_a_dead_zone_of_one_run_is_exact() -> None:
    """One currency: what the orders cost is not dampened with what they lose."""
    run = np.zeros(INSTRUMENTS, int)
    case, orders = make_case(31), make_orders(make_case(31), 33)
    table = {
        "gain_g": np.full(1, 0.6),
        "loss_g": np.ones(1),
        "cap_g": np.full(1, 1_600.0),
        "dead_gs": np.full((1, SCENARIOS), 1_500.0),
    }
    wide = {**table, **{k: np.resize(table[k], GROUPS) for k in ("gain_g", "loss_g", "cap_g")}}
    wide["dead_gs"] = np.resize(table["dead_gs"], (GROUPS, SCENARIOS))
    found = found_of(case, table, orders, run)
    wanted = brute(case, wide, orders, run)
    np.testing.assert_allclose(found.need, wanted, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(of_the_set(case, wide, orders, found, run), wanted, atol=1e-9)
    assert (found.scenario == -1).any(), "where all is dampened the costs alone are left"
    assert is_exact(fold_tables(case.pnl.shape[1], run, **table))


BOUNDS: dict[tuple[str, ...], float] = {
    ("dead",): 0.03,
    ("dead", "cap", "concave", "value", "weight"): 0.03,
    ("convex",): 0.01,
    ("convex", "value"): 0.01,
    ("reflect",): 1e-12,  # one slope: a scenario turned over is two linear ones
    ("convex", "value", "weight", "reflect"): 0.01,
    ("concave", "value", "weight", "reflect", "dead", "cap"): 0.03,
}


@pytest.mark.parametrize("names", list(BOUNDS), ids="-".join)
def test_elsewhere_it_is_a_bound_that_is_not_far(names: tuple[str, ...]) -> None:
    """Never below any set; the share by which it is above the worst on the mean is a known one."""
    gaps = []
    for seed in range(6):
        case, table = make_case(41 + seed), tables(61 + seed, *names)
        case = case._replace(quantity=0.1 * case.quantity)  # orders larger than the book
        orders = make_orders(case, 81 + seed, table.get("value_i"))
        found = found_of(case, table, orders)
        wanted = brute(case, table, orders)
        assert (found.need >= wanted - 1e-9 * (1.0 + np.abs(wanted))).all()
        reached = of_the_set(case, table, orders, found)
        assert (reached <= wanted + 1e-9 * (1.0 + np.abs(wanted))).all()
        gaps.append(float(found.need.sum() / wanted.sum()) - 1.0)
        assert not is_exact(fold_tables(case.pnl.shape[1], RUN, **table))
    gap = float(np.mean(gaps))
    print(f"{'-'.join(names)}: {gap:.4f}")
    assert 0.0 <= gap < BOUNDS[names]


def test_orders_without_positions_and_positions_without_orders() -> None:
    table = np.zeros((2, 8))
    table[0, :3] = [-4.0, 0.0, 3.0]
    table[1, :3] = [2.0, 0.0, -7.0]
    fold = fold_tables(8, [-1, -1], [], [])
    held = fill_need([0, 1], [0], [1.0], table, 3, fold, [0, 0], [], np.zeros((0, 8)), [], [])
    assert (held.need.tolist(), held.scenario.tolist(), held.filled.tolist()) == ([4.0], [0], [])
    alone = fill_need([0, 0], [], [], table, 3, fold, [0, 2], [0, 1], table, [0.0, 0.0], [0.5, 0.5])
    # The first would lose 4 and gain a half, the second 7 and gain a half: the second alone.
    assert alone.need.tolist() == [6.5]
    assert alone.scenario.tolist() == [2]
    assert alone.filled.tolist() == [False, True]
    nothing = fill_need([0, 0], [], [], table, 3, fold, [0, 0], [], np.zeros((0, 8)), [], [])
    assert nothing.need.tolist() == [0.0]


def test_orders_that_cost_more_than_they_risk_bind_without_a_scenario() -> None:
    """Both gain in every scenario; the buy through the mark is a loss in none of them."""
    table = np.zeros((1, 8))
    table[0, :2] = [5.0, 6.0]
    moves = np.repeat(table, 2, axis=0)
    fold = fold_tables(8, [-1], [], [])
    found = fill_need([0, 0], [], [], table, 2, fold, [0, 2], [0, 0], moves, [0, 0], [-2.0, 1.0])
    assert found.need.tolist() == [2.0]
    assert found.scenario.tolist() == [-1]
    assert found.filled.tolist() == [True, False]


def test_ties_name_the_first_scenario_in_the_venues_order() -> None:
    table = np.zeros((1, 8))
    table[0, :4] = [1.0, -5.0, -5.0 * (1.0 + 1e-13), -5.0]
    fold = fold_tables(8, [-1], [], [])
    found = fill_need([0, 0], [], [], table, 4, fold, [0, 1], [0], table, [0.0], [0.0])
    assert found.scenario.tolist() == [1]
    table[0, 2] = -5.0 * (1.0 + 1e-11)
    found = fill_need([0, 0], [], [], table, 4, fold, [0, 1], [0], table, [0.0], [0.0])
    assert found.scenario.tolist() == [2]


def test_a_row_does_not_know_its_neighbours() -> None:
    """Alone, in another block or beside others: the same bits."""
    names = ("dead", "cap", "concave", "value", "weight", "reflect")
    case, table = make_case(51), tables(52, *names)
    orders = make_orders(case, 53, table["value_i"])
    whole = found_of(case, table, orders)
    for low, high in ((0, 1), (4, 5), (7, 16), (22, 23)):
        part = found_of(case.rows(low, high), table, orders.rows(low, high))
        mine = slice(int(orders.row_ptr[low]), int(orders.row_ptr[high]))
        assert part.need.tobytes() == whole.need[low:high].tobytes()
        assert part.scenario.tolist() == whole.scenario[low:high].tolist()
        assert part.filled.tolist() == whole.filled[mine].tolist()


def test_without_orders_the_need_is_the_fold_itself() -> None:
    case, table = make_case(71), tables(72, "dead", "cap", "concave", "value", "weight", "reflect")
    none = Resting(
        np.zeros(ROWS + 1, int), *(np.zeros(shape) for shape in (0, (0, 16), 0, 0))
    )._replace(column=np.zeros(0, int))
    found = found_of(case, table, none)
    fold = fold_tables(case.pnl.shape[1], RUN, **table)
    np.testing.assert_allclose(found.need, fold_worst(*case, fold).loss, rtol=1e-12, atol=1e-9)


def test_one_more_order_never_lowers_the_need() -> None:
    """Order by order, for every kind of fold at once."""
    names = ("dead", "cap", "convex", "value", "weight", "reflect")
    case, table = make_case(91), tables(92, *names)
    orders = make_orders(case, 93, table["value_i"])
    before = found_of(case, table, orders).need
    for m in range(len(orders.column)):
        keep = np.delete(np.arange(len(orders.column)), m)
        counts = np.diff(orders.row_ptr)
        counts[np.searchsorted(orders.row_ptr, m, side="right") - 1] -= 1
        fewer = Resting(np.concatenate([[0], np.cumsum(counts)]), *(a[keep] for a in orders[1:]))
        less = found_of(case, table, fewer).need
        assert (less <= before + 1e-9 * (1.0 + np.abs(before))).all()


def test_a_wrong_shape_is_named() -> None:
    fold = fold_tables(8, [-1], [], [])
    with pytest.raises(CrossMarginError) as caught:
        fill_need(
            [0, 1], [0], [1.0], np.zeros((1, 7)), 3, fold, [0, 0], [], np.zeros((0, 8)), [], []
        )
    assert caught.value.code == "shape_wrong"
