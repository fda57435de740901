"""The quadratic programme: its conditions, known answers, infeasible ones."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.decisions.convex_qp import _Rows, _sharpened, solve_qp


def none(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, n)), np.zeros(0)


@pytest.mark.parametrize("seed", range(40))
def test_against_projected_gradients(seed: int) -> None:
    """Plain twin: min over a box by projected gradient steps."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    a = rng.normal(size=(n, n))
    q, c = a @ a.T + 0.1 * np.eye(n), rng.normal(size=n)
    g, h = np.vstack([np.eye(n), -np.eye(n)]), np.concatenate([np.full(n, 0.3), np.zeros(n)])
    found = solve_qp(q, c, *none(n), g, h)
    x, step = np.zeros(n), 1.0 / np.linalg.eigvalsh(q)[-1]
    for _ in range(20_000):
        x = np.clip(x - step * (q @ x + c), 0.0, 0.3)
    assert found == pytest.approx(x, abs=1e-8)


@pytest.mark.parametrize("seed", range(30))
def test_bounds_and_wide_rows_are_one_kind_of_constraint(seed: int) -> None:
    """Each bound once more as a row of two columns, of which one is fixed at nothing."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    root = rng.normal(size=(n, max(n - 1, 1)))
    q, c = root @ root.T + 1e-3 * np.eye(n), rng.normal(size=n)
    a, b = np.ones((1, n)), np.array([0.4 * n])
    wide = rng.normal(size=(2, n))
    g = np.vstack([2.0 * np.eye(n), -np.eye(n), wide])
    h = np.concatenate([np.full(n, 2.0), np.zeros(n), wide @ np.full(n, 0.4) + 0.05])
    found = solve_qp(q, c, a, b, g, h)
    again = solve_qp(
        np.pad(q, (0, 1)),
        np.append(c, 0.0),
        np.vstack([np.pad(a, ((0, 0), (0, 1))), np.eye(n + 1)[-1:]]),
        np.append(b, 0.0),
        np.hstack([g, np.ones((len(g), 1))]),
        h,
    )
    assert found == pytest.approx(again[:-1], abs=1e-8)
    assert (g @ found <= h + 1e-10).all() and found.sum() == pytest.approx(0.4 * n)
    bounded = np.isclose(found, 0.0, atol=1e-9) | np.isclose(found, 1.0, atol=1e-9)
    assert set(found[bounded].tolist()) <= {0.0, 1.0}, "what rests, rests exactly"


@pytest.mark.parametrize("seed", range(20))
def test_a_wrong_guess_at_what_binds_is_mended(seed: int) -> None:
    """The last step from a rough point, of which one bound that binds and one that does not lie."""
    rng = np.random.default_rng(seed)
    n = 8
    a = rng.normal(size=(n, n))
    q, c = a @ a.T + 0.1 * np.eye(n), 2.0 * rng.normal(size=n)
    g, h = np.vstack([np.eye(n), -np.eye(n)]), np.concatenate([np.full(n, 0.3), np.zeros(n)])
    exact = solve_qp(q, c, *none(n), g, h)
    slack = h - g @ exact
    pull = np.maximum(np.where(slack < 1e-9, -g @ (q @ exact + c), 0.0), 0.0)
    z, s = pull + 1e-12, slack + 1e-12
    for row in (int(np.argmax(pull)), int(np.argmax(slack))):
        z[row], s[row] = s[row], z[row]
    rough = exact + 1e-6 * rng.normal(size=n)
    found = _sharpened(q, c, *none(n), _Rows(g), h, (rough, z, s))
    assert found == pytest.approx(exact, abs=1e-12)


def test_equations_alone_and_a_linear_objective() -> None:
    found = solve_qp(np.eye(2), np.zeros(2), np.array([[1.0, 1.0]]), np.array([1.0]), *none(2))
    assert found == pytest.approx([0.5, 0.5])
    g, h = np.vstack([-np.eye(2), [[1.0, 1.0]]]), np.array([0.0, 0.0, 1.0])
    found = solve_qp(np.zeros((2, 2)), np.array([-1.0, -2.0]), *none(2), g, h)
    assert found == pytest.approx([0.0, 1.0], abs=1e-9)


def test_what_has_no_answer_is_refused() -> None:
    g, h = np.array([[1.0], [-1.0]]), np.array([0.0, -1.0])
    with pytest.raises(ModelError) as refused:
        solve_qp(np.eye(1), np.zeros(1), *none(1), g, h)
    assert refused.value.code == "solver_failed"
    with pytest.raises(ModelError):  # unbounded
        solve_qp(np.zeros((1, 1)), np.array([-1.0]), *none(1), -np.eye(1), np.zeros(1))
