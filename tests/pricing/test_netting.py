"""The fused kernel against a plain loop, the tie rule, and bits that depend on the row alone."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.core.threads import map_blocks
from crossmargin.pricing.netting import net, worst
from tests.pricing.books import make_case, plain_pnl, plain_worst


@pytest.mark.parametrize("scenarios", [1, 2, 7, 8, 13, 33, 96, 200])
def test_worst_agrees_with_a_plain_loop(scenarios: int) -> None:
    case = make_case(scenarios, scenarios=scenarios)
    found = worst(*case)
    for r in range(case.row_ptr.size - 1):
        held = case.row_ptr[r + 1] > case.row_ptr[r]
        loss, at, second, other = plain_worst(list(plain_pnl(case, r)) if held else [])
        assert found.loss[r] == pytest.approx(loss, rel=1e-13, abs=1e-11)
        assert found.scenario[r] == at
        assert found.runner_up[r] == pytest.approx(second, rel=1e-13, abs=1e-11)
        assert found.runner_up_scenario[r] == other


def test_net_agrees_with_a_plain_loop() -> None:
    case = make_case(1)
    vector = net(*case[:4])
    for r in range(case.row_ptr.size - 1):
        np.testing.assert_allclose(
            vector[r, : case.scenarios], plain_pnl(case, r), rtol=1e-13, atol=1e-10
        )
    np.testing.assert_array_equal(vector[:, case.scenarios :], np.repeat(vector[:, :1], 3, axis=1))


def test_net_and_worst_are_the_same_numbers() -> None:
    case = make_case(2, scenarios=29)
    found, vector = worst(*case), net(*case[:4])[:, :29]
    held = np.diff(case.row_ptr) > 0
    np.testing.assert_array_equal(found.loss[held], np.maximum(-vector[held].min(axis=1), 0.0))


def test_weights_multiply_before_the_worst_is_taken() -> None:
    case = make_case(3)
    weight = np.random.default_rng(4).uniform(0.0, 1.0, case.scenarios)
    found = worst(*case, weight)
    for r in range(case.row_ptr.size - 1):
        if case.row_ptr[r + 1] > case.row_ptr[r]:
            loss, at, second, other = plain_worst(list(plain_pnl(case, r) * weight))
            assert found.loss[r] == pytest.approx(loss, rel=1e-13, abs=1e-11)
            assert (found.scenario[r], found.runner_up_scenario[r]) == (at, other)
            assert found.runner_up[r] == pytest.approx(second, rel=1e-13, abs=1e-11)


@pytest.mark.parametrize(
    ("pnl", "scenario", "loss", "other", "second"),
    [
        ([-1.0, -5.0, -5.0 * (1 + 5e-13), -5.0], 1, 5.0 * (1 + 5e-13), 2, 5.0 * (1 + 5e-13)),
        ([-1.0, -5.0, -5.0 * (1 + 5e-12), -5.0], 2, 5.0 * (1 + 5e-12), 1, 5.0),
        ([0.0, 0.0, 0.0, 0.0], 0, 0.0, 1, 0.0),
        ([3.0, 2.0, 2.0, 4.0], 1, 0.0, 2, 0.0),
        ([-3.0, 2.0, -3.0, 4.0], 0, 3.0, 2, 3.0),
        ([-3.0, -2.0, -2.0, -1.0], 0, 3.0, 1, 2.0),
    ],
)
def test_the_first_of_equal_losses_is_named(
    pnl: list[float], scenario: int, loss: float, other: int, second: float
) -> None:
    table = np.zeros((1, 8))
    table[0, :4] = pnl
    table[0, 4:] = pnl[0]
    found = worst([0, 1], [0], [1.0], table, 4)
    assert (found.scenario[0], found.runner_up_scenario[0]) == (scenario, other)
    assert found.loss[0] == pytest.approx(loss, rel=1e-15)
    assert found.runner_up[0] == pytest.approx(second, rel=1e-15)


def test_padding_is_never_the_worst() -> None:
    table = np.full((1, 8), -9.0)
    table[0, :3] = [-9.0, -1.0, -2.0]
    found = worst([0, 1], [0], [1.0], table, 3)
    assert (found.scenario[0], found.runner_up_scenario[0], found.runner_up[0]) == (0, 2, 2.0)


def test_empty_rows_and_no_rows() -> None:
    found = worst([0, 0, 1, 1], [0], [1.0], np.full((1, 8), -1.0), 8)
    assert found.loss.tolist() == [0.0, 1.0, 0.0]
    assert found.scenario.tolist() == [-1, 0, -1]
    assert found.runner_up_scenario.tolist() == [-1, 1, -1]
    assert worst([0], [], [], np.ones((1, 8)), 8).loss.size == 0
    assert net([0, 0], [], [], np.ones((1, 8))).tolist() == [[0.0] * 8]


def test_a_row_has_the_same_bits_alone_in_any_block_and_on_any_threads() -> None:
    case = make_case(5, rows=101, instruments=60, scenarios=37)
    whole = worst(*case)
    vector = net(*case[:4])
    for r in range(101):
        alone = worst(*case.rows(r, r + 1))
        assert all(a[0] == w[r] for a, w in zip(alone, whole, strict=True))
        np.testing.assert_array_equal(net(*case.rows(r, r + 1)[:4])[0], vector[r])
    for block, threads in [(1, 1), (7, 2), (64, 3), (1000, 2)]:
        parts = map_blocks(
            lambda low, high: worst(*case.rows(low, high)), 101, block=block, threads=threads
        )
        for k in range(4):
            np.testing.assert_array_equal(np.concatenate([p[k] for p in parts]), whole[k])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"column": [0, 40]}, "number_out_of_range"),
        ({"column": [0, -1]}, "number_out_of_range"),
        ({"column": [0]}, "shape_wrong"),
        ({"quantity": [1.0, np.nan]}, "number_not_finite"),
        ({"row_ptr": [0, 3]}, "number_out_of_range"),
        ({"row_ptr": [0, 2, 1, 2]}, "number_out_of_range"),
        ({"n_scenarios": 9}, "shape_wrong"),
        ({"pnl": np.ones((40, 7))}, "shape_wrong"),
        ({"pnl": np.full((40, 8), np.inf)}, "number_not_finite"),
        ({"weight_s": [1.0]}, "shape_wrong"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], code: str) -> None:
    good: dict[str, object] = {
        "row_ptr": [0, 2],
        "column": [0, 39],
        "quantity": [1.0, 2.0],
        "pnl": np.ones((40, 8)),
        "n_scenarios": 8,
    }
    worst(**good)
    with pytest.raises(CrossMarginError) as caught:
        worst(**{**good, **change})
    assert caught.value.code == code


def test_trusted_rows_skip_the_pass_over_numbers_only() -> None:
    case = make_case(6)
    for a, b in zip(worst(*case), worst(*case, trusted=True), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(CrossMarginError, match="row offsets"):
        worst([0, 5], [0], [1.0], np.ones((1, 8)), 8, trusted=True)
