"""Static charges against ``fixed-rate``, and what fills can add to them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.core.arrays import frozen
from crossmargin.margin import model_named, run
from crossmargin.margin.families.additive import Charge
from crossmargin.margin.families.hybrid_static import grown
from crossmargin.margin.model import Fills
from crossmargin.margin.totals import account_totals
from tests.margin.families.books import pool_book
from tests.margin.netting_books import subject


@pytest.mark.parametrize("seed", [1, 2])
def test_the_core_charges_what_fixed_rate_charges(seed: int) -> None:
    found, plain = subject("hybrid"), subject_of(model_named("fixed-rate"))
    world, book = world_of(found), random_book(found, seed)
    mine = run(book, world.view, found.model, found.parameters).sheet
    core = mine.pool == 0
    theirs = account_totals(run(book, world.view, plain.model, plain.parameters))
    np.testing.assert_allclose(mine["static_im"][core], theirs.im_usd, rtol=1e-12)
    np.testing.assert_allclose(mine["static_mm"][core], theirs.mm_usd, rtol=1e-12)


def test_fills_at_their_worst_side() -> None:
    rng = np.random.default_rng(3)
    held = pool_book([[0.0, 2.0, -3.0, 1.0]])
    rates = frozen([0.0, 1.0, 2.0, 3.0], np.float64)
    zero = frozen(np.zeros(4), np.float64)
    charge = Charge(rates, frozen([0.0, 5.0, 1.0, 0.0], np.float64), zero, zero)
    for _ in range(30):
        column = np.sort(rng.integers(1, 4, 4)).astype(np.int32)
        size = rng.normal(size=4) * 4.0
        nothing = np.zeros(4)
        fills = Fills(np.array([0, 4]), column, size, nothing, nothing, column)
        now = float(charge.of(held)[0])
        most = 0.0
        for chosen in product((0.0, 1.0), repeat=4):
            q = np.array([0.0, 2.0, -3.0, 1.0])
            np.add.at(q, column, size * np.array(chosen))
            most = max(most, float(charge.of(pool_book([q.tolist()]))[0]))
        assert now + float(grown(charge, held, fills)[0]) == pytest.approx(most)
