"""Losses together and apart by group, against plain sums; the same bits alone and in a block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.pricing.apart import chosen_terms, parted, tables_of

INSTRUMENTS, SCENARIOS, WIDTH = 9, 11, 16


def random_rows(
    seed: int, rows: int = 7
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, INSTRUMENTS, rows)
    counts[0] = 0
    row = np.concatenate([[0], np.cumsum(counts)])
    picked = [np.sort(rng.choice(INSTRUMENTS, n, replace=False)) for n in counts]
    column = np.concatenate(picked).astype(np.int32)
    pnl = rng.normal(size=(INSTRUMENTS, WIDTH))
    pnl[:, SCENARIOS:] = pnl[:, :1]
    group = rng.integers(-1, 3, INSTRUMENTS).astype(np.int32)
    return row, column, rng.normal(size=len(column)), group, pnl


@given(st.integers(0, 10**6))
def test_together_and_apart_are_plain_sums(seed: int) -> None:
    row, column, quantity, group, pnl = random_rows(seed)
    found = parted(row, column, quantity, tables_of(pnl, group, 3), SCENARIOS)
    for a in range(len(row) - 1):
        part = np.zeros((3, SCENARIOS))
        for j in range(row[a], row[a + 1]):
            if group[column[j]] >= 0:
                part[group[column[j]]] += quantity[j] * pnl[column[j], :SCENARIOS]
        assert found.total[a, :SCENARIOS] == pytest.approx(part.sum(axis=0), abs=1e-12)
        lost = np.maximum(-part.min(axis=1), 0.0).sum()
        assert found.apart[a] == pytest.approx(lost, abs=1e-12)
        together = max(0.0, -float(found.total[a, :SCENARIOS].min()))
        assert found.apart[a] >= together - 1e-12


def test_one_group_apart_is_together_and_padding_never_counts() -> None:
    row, column, quantity, _, pnl = random_rows(3)
    pnl[:, SCENARIOS:] = -1e9  # a kernel that read the padding would say so
    lone = np.zeros(INSTRUMENTS, np.int32)
    found = parted(row, column, quantity, tables_of(pnl, lone, 1), SCENARIOS)
    worst = np.maximum(-found.total[:, :SCENARIOS].min(axis=1), 0.0)
    assert found.apart.tolist() == worst.tolist()


@given(st.integers(0, 10**6))
def test_the_same_bits_alone(seed: int) -> None:
    row, column, quantity, group, pnl = random_rows(seed)
    whole = parted(row, column, quantity, tables_of(pnl, group, 3), SCENARIOS)
    scenario = np.arange(len(row) - 1, dtype=np.int32) - 1
    terms = np.random.default_rng(seed).normal(size=(SCENARIOS, INSTRUMENTS, 8))
    chosen = chosen_terms(row, column, quantity, scenario, terms)
    for a in range(len(row) - 1):
        span = slice(row[a], row[a + 1])
        own = np.array([0, row[a + 1] - row[a]])
        alone = parted(own, column[span], quantity[span], tables_of(pnl, group, 3), SCENARIOS)
        assert alone.total.tobytes() == whole.total[a].tobytes()
        assert alone.apart.tobytes() == whole.apart[a : a + 1].tobytes()
        mine = chosen_terms(own, column[span], quantity[span], scenario[a : a + 1], terms)
        assert mine.tobytes() == chosen[a].tobytes()


def test_terms_of_the_chosen_scenario() -> None:
    row, column, quantity, _, _ = random_rows(5)
    rng = np.random.default_rng(5)
    scenario = rng.integers(-1, SCENARIOS, len(row) - 1).astype(np.int32)
    terms = rng.normal(size=(SCENARIOS, INSTRUMENTS, 8))
    found = chosen_terms(row, column, quantity, scenario, terms)
    for a, s in enumerate(scenario.tolist()):
        expected = np.zeros(8)
        if s >= 0:
            for j in range(row[a], row[a + 1]):
                expected += quantity[j] * terms[s, column[j]]
        assert found[a] == pytest.approx(expected, abs=1e-12)


def test_bad_rows_are_refused() -> None:
    row, column, quantity, group, pnl = random_rows(1)
    tables = tables_of(pnl, group, 3)
    with pytest.raises(InputError, match="shape_wrong"):
        parted(row, column, quantity, tables, WIDTH + 1)
    with pytest.raises(InputError, match="shape_wrong"):
        parted(row, column, quantity, (tables[0], pnl[:, :SCENARIOS]), SCENARIOS)
    with pytest.raises(InputError, match="number_out_of_range"):
        parted(row, column + INSTRUMENTS, quantity, tables, SCENARIOS)
    with pytest.raises(InputError, match="number_not_finite"):
        parted(row, column, quantity * np.nan, tables, SCENARIOS)
    far = np.full(len(row) - 1, SCENARIOS, np.int32)
    with pytest.raises(InputError, match="number_out_of_range"):
        chosen_terms(row, column, quantity, far, np.zeros((SCENARIOS, INSTRUMENTS, 8)))
