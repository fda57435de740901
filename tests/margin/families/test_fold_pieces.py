"""Folded scenarios as pieces against the kernel itself, on random tables."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.fold_pieces import DEAD, REFLECTED, folded_terms
from crossmargin.margin.pieces import LargestOf, Part, WorstOf
from crossmargin.pricing.fold import FoldTables, fold_tables, fold_worst

COUNT, INSTRUMENTS, BOOKS = 8, 9, 200
LABELS = tuple(f"s{s}" for s in range(COUNT))


def worst_of(pnl: Floats, fold: FoldTables, books: Floats) -> Floats:
    row = np.arange(BOOKS + 1) * INSTRUMENTS
    column = np.tile(np.arange(INSTRUMENTS, dtype=np.int32), BOOKS)
    return fold_worst(row, column, books.ravel(), pnl, COUNT, fold).loss


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("case", ["plain", "discount", "cap", "dead", "dead_cap", "reflect"])
def test_pieces_of_a_fold(case: str, runs: int) -> None:
    rng = np.random.default_rng([runs, len(case)])
    pnl = rng.normal(size=(INSTRUMENTS, COUNT))
    run = np.repeat(np.arange(runs), INSTRUMENTS // runs).astype(np.int32)
    ones = np.ones(runs)
    discount = case in ("discount", "reflect")
    gain = rng.uniform(0.7, 0.95, runs) if case not in ("plain", "dead") else ones
    loss = rng.uniform(1.0, 1.1, runs) if discount else ones
    dead = np.tile(rng.uniform(0.0, 3.0, (runs, 1)) * (np.arange(COUNT) > 4), 1)
    fold = fold_tables(
        COUNT,
        run,
        gain,
        loss,
        rng.uniform(0.5, 2.0, runs) if "cap" in case else None,
        dead if "dead" in case else None,
        value_i=rng.normal(size=INSTRUMENTS) if discount else None,
        weight_s=rng.uniform(0.3, 1.0, COUNT),
        reflect_s=np.arange(COUNT) == 2 if case == "reflect" else None,
    )
    books = rng.normal(size=(BOOKS, INSTRUMENTS))
    exact = worst_of(pnl, fold, books)
    terms, left, frozen = folded_terms("worst", pnl, fold, LABELS, books[0])
    found = sum(term.at(books) for term in terms)
    assert not frozen
    assert (found <= exact + 1e-12).all()
    if left:
        assert left in ((DEAD,), (REFLECTED,))
        assert (np.abs(found - exact) < 1e-12).mean() > 0.1, "a bound that is never touched"
    else:
        assert np.abs(found - exact).max() < 1e-12
    assert bool(left) is (case == "reflect" or ("dead" in case and runs > 1))


def test_a_kindness_is_frozen_at_the_book_and_never_too_little() -> None:
    rng = np.random.default_rng(4)
    pnl, run = rng.normal(size=(INSTRUMENTS, COUNT)), np.zeros(INSTRUMENTS, np.int32)
    fold = fold_tables(COUNT, run, np.array([1.02]), np.array([0.98]))
    books = rng.normal(size=(BOOKS, INSTRUMENTS))
    exact = worst_of(pnl, fold, books)
    terms, left, frozen = folded_terms("worst", pnl, fold, LABELS, books[0])
    found = sum(term.at(books) for term in terms)
    assert frozen
    assert not left
    assert found[0] == pytest.approx(exact[0], abs=1e-12)
    assert (found >= exact - 1e-12).all()


@pytest.mark.parametrize("kinds", ["straight and bent", "frozen too", "no run"])
def test_straight_runs_are_one_row_beside_the_bent_ones(kinds: str) -> None:
    rng = np.random.default_rng(len(kinds))
    pnl = rng.normal(size=(INSTRUMENTS, COUNT))
    run = np.array([-1, 0, 0, 1, 1, 2, 2, 2, -1], np.int32)
    gain, loss = np.array([1.0, 0.9, 1.0]), np.array([1.0, 1.1, 1.0])
    if kinds == "frozen too":
        gain[2], loss[2] = 1.05, 0.97
    if kinds == "no run":
        run, gain, loss = np.full(INSTRUMENTS, -1, np.int32), np.zeros(0), np.zeros(0)
    value = np.where(run >= 0, rng.normal(size=INSTRUMENTS), 0.0)
    weight = rng.uniform(0.3, 1.0, COUNT)
    fold = fold_tables(COUNT, run, gain, loss, value_i=value, weight_s=weight)
    beside = (Part("beside", (WorstOf("x", np.ones((2, INSTRUMENTS)), np.array([0.0, 0.1])),)),)
    books = rng.normal(size=(BOOKS, INSTRUMENTS))
    terms, left, frozen = folded_terms("worst", pnl, fold, LABELS, books[0], beside)
    found = sum(term.at(books) for term in terms)
    exact = np.maximum(worst_of(pnl, fold, books), beside[0].at(books))
    assert not left
    assert frozen is (kinds == "frozen too")
    assert found[0] == pytest.approx(exact[0], abs=1e-12)
    assert (found >= exact - 1e-12).all()
    assert frozen or np.abs(found - exact).max() < 1e-12
    largest = terms[0]
    assert isinstance(largest, LargestOf)
    assert {len(part.terms) for part in largest.parts[1:]} == {1 if kinds == "no run" else 2}
