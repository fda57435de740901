"""The folded netting against a plain reading of its formula."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.fold import fold_net, fold_tables, fold_worst
from crossmargin.pricing.netting import worst
from tests.pricing.books import Case, make_case, plain_worst

GROUPS = 6


def options(seed: int, scenarios: int, instruments: int) -> dict[str, np.ndarray]:
    """Every table of a fold, with linear instruments at the front and in the middle."""
    rng = np.random.default_rng(seed)
    run = np.repeat([-1, 4, 0, 2, -1, 1, 5, 3], instruments // 8)
    return {
        "run_of_instrument": run,
        "gain_g": rng.uniform(0.5, 1.1, GROUPS),
        "loss_g": rng.uniform(0.9, 1.3, GROUPS),
        "cap_g": np.where(rng.random(GROUPS) < 0.5, np.inf, rng.uniform(50, 500, GROUPS)),
        "dead_gs": rng.uniform(0.0, 100.0, (GROUPS, scenarios)),
        "value_i": rng.normal(0.0, 100.0, instruments),
        "weight_s": rng.uniform(0.1, 1.0, scenarios),
        "reflect_s": rng.random(scenarios) < 0.3,
    }


def plain_fold(case: Case, row: int, table: dict[str, np.ndarray]) -> np.ndarray:
    """The formula of the module's docstring, one scenario and one run at a time."""
    mine = range(case.row_ptr[row], case.row_ptr[row + 1])
    total = np.zeros(case.scenarios)
    weight = table.get("weight_s", np.ones(case.scenarios))
    for s in range(case.scenarios):
        for code in range(-1, GROUPS):
            held = [j for j in mine if table["run_of_instrument"][case.column[j]] == code]
            if not held:
                continue
            v = sum(case.quantity[j] * case.pnl[case.column[j], s] for j in held)
            if code < 0:
                total[s] += v * weight[s]
                continue
            value = 0.0
            if "value_i" in table:
                value = sum(case.quantity[j] * table["value_i"][case.column[j]] for j in held)
            m = v + value
            y = (table["gain_g"][code] if m >= 0 else table["loss_g"][code]) * m - value
            if "cap_g" in table:
                y = min(y, table["cap_g"][code])
            if "dead_gs" in table:
                y = np.sign(y) * max(abs(y) - table["dead_gs"][code, s], 0.0)
            y *= weight[s]
            if "reflect_s" in table and table["reflect_s"][s]:
                y = -abs(y)
            total[s] += y
    return total


@pytest.mark.parametrize(
    "left_out", [(), ("cap_g", "dead_gs"), ("value_i",), ("weight_s", "reflect_s")]
)
@pytest.mark.parametrize("scenarios", [3, 13, 40])
def test_fold_agrees_with_the_formula(scenarios: int, left_out: tuple[str, ...]) -> None:
    case = make_case(scenarios, scenarios=scenarios)
    table = {k: v for k, v in options(1, scenarios, 40).items() if k not in left_out}
    fold = fold_tables(case.pnl.shape[1], **table)
    vector = fold_net(*case[:4], fold)
    found = fold_worst(*case, fold)
    for r in range(case.row_ptr.size - 1):
        expected = plain_fold(case, r, table)
        np.testing.assert_allclose(vector[r, :scenarios], expected, rtol=1e-12, atol=1e-9)
        held = case.row_ptr[r + 1] > case.row_ptr[r]
        loss, at, second, other = plain_worst(list(vector[r, :scenarios]) if held else [])
        assert (found.loss[r], found.scenario[r]) == (loss, at)
        assert (found.runner_up[r], found.runner_up_scenario[r]) == (second, other)


def test_a_plain_fold_is_plain_netting() -> None:
    case = make_case(2)
    fold = fold_tables(16, np.full(40, -1), [], [])
    for a, b in zip(fold_worst(*case, fold), worst(*case), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_extra_candidate_wins_ties_and_competes_for_both_places() -> None:
    table = np.zeros((1, 8))
    table[0, :3] = [-1.0, -5.0, -3.0]
    fold = fold_tables(8, [-1], [], [])

    def found(extra: float) -> tuple[float, int, float, int]:
        result = fold_worst([0, 1], [0], [1.0], table, 3, fold, [extra])
        return tuple(part[0] for part in result)  # type: ignore[return-value]  # four arrays

    assert found(6.0) == (6.0, 3, 5.0, 1)
    assert found(5.0) == (5.0, 3, 5.0, 1)
    assert found(4.0) == (5.0, 1, 4.0, 3)
    assert found(3.0) == (5.0, 1, 3.0, 3)
    assert found(2.0) == (5.0, 1, 3.0, 2)
    empty = fold_worst([0, 0], [], [], table, 3, fold, [2.0])
    assert [part[0] for part in empty] == [2.0, 3, 0.0, -1]


def test_rows_have_the_same_bits_alone() -> None:
    case = make_case(7, rows=31, scenarios=21)
    fold = fold_tables(24, **options(8, 21, 40))
    whole = fold_worst(*case, fold)
    for r in range(31):
        alone = fold_worst(*case.rows(r, r + 1), fold)
        assert all(a[0] == w[r] for a, w in zip(alone, whole, strict=True))


def test_torn_runs_are_refused() -> None:
    with pytest.raises(CrossMarginError, match="next to each other"):
        fold_tables(8, [0, 1, 0], [1.0, 1.0], [1.0, 1.0])
    fold = fold_tables(8, [0, 0, 1], [1.0, 1.0], [1.0, 1.0])
    for column in ([1, 2, 0], [2, 1, 0]):
        with pytest.raises(CrossMarginError, match="row 1"):
            fold_worst([0, 0, 3], column, [1.0, 1.0, 1.0], np.ones((3, 8)), 8, fold)
        with pytest.raises(CrossMarginError, match="row 1"):
            fold_net([0, 0, 3], column, [1.0, 1.0, 1.0], np.ones((3, 8)), fold)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("gain_g", np.nan, "number_not_finite"),
        ("loss_g", np.inf, "number_not_finite"),
        ("cap_g", np.nan, "number_not_finite"),
        ("dead_gs", -1.0, "number_out_of_range"),
        ("value_i", np.nan, "number_not_finite"),
        ("weight_s", np.nan, "number_not_finite"),
        ("run_of_instrument", 6, "number_out_of_range"),
    ],
)
def test_bad_tables_are_refused(name: str, value: float, code: str) -> None:
    table = {k: v.copy() for k, v in options(9, 8, 40).items()}
    table[name].flat[-1] = value
    with pytest.raises(CrossMarginError) as caught:
        fold_tables(8, **table)
    assert caught.value.code == code
