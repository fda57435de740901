"""Screening of any model: what is certain in floats stays, the rest is asked of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.margin.families.screening import Bounds, screen
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.models.dydx_v4 import DydxV4
from crossmargin.margin.parameter_files import Parameters
from tests.margin.models.test_dydx_v4 import SET, population


class Blind(DydxV4):  # type: ignore[misc] # the test wants its integers with other bounds
    """A model whose floats say nothing of any account."""

    def bounds(
        self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
    ) -> Bounds | None:
        return None


def test_without_bounds_every_account_is_recomputed() -> None:
    book, view = population(300)
    (all_exact,) = screen(book, view, Blind(), SET)
    (some,) = screen(book, view, DydxV4(), SET)
    assert all_exact.exact.all()
    assert not some.exact.all()
    assert (all_exact.passes == some.passes).all()


def test_bounds_that_are_too_narrow_are_seen() -> None:
    """The accounts at the threshold need the integers: without slack some answers are wrong."""

    class Sure(DydxV4):  # type: ignore[misc] # as above
        def bounds(
            self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
        ) -> Bounds | None:
            found = super().bounds(priced, held, parameters, level)
            assert found is not None
            return replace(found, slack=np.zeros(len(found.slack)))

    book, view = population(3_000)
    (wrong,) = screen(book, view, Sure(), SET)
    (right,) = screen(book, view, DydxV4(), SET)
    assert (wrong.passes != right.passes).any()
    assert right.pool == "account"
