"""Tables of an account: net sensitivities by coin and by expiry, from its positions."""

from __future__ import annotations

import pytest

from crossmargin.conformance.world import SPOT, random_book, subject_of, world_of
from crossmargin.margin import run
from crossmargin.margin.details import stage_of
from crossmargin.margin.families.sensitivity_details import coin_table, tenor_table
from crossmargin.margin.register import model_named


def test_tables_are_sums_over_positions() -> None:
    subject = subject_of(model_named("sensitivities"))
    world, book = world_of(subject), random_book(subject, 31, 6)
    found = run(book, world.view, subject.model, subject.parameters)
    for row in range(6):
        priced, held = stage_of(found, row)
        table = coin_table(priced, held, subject.parameters)
        for coin, *numbers in table.rows:
            assert coin in SPOT
            for k, name in enumerate(("delta_per_cent_usd", "vega_usd", "curvature_usd")):
                total = sum(
                    float(q) * priced.columns[name][c]
                    for c, q in zip(held.column, held.quantity, strict=True)
                    if priced.pool.instruments.items[c].underlying == coin
                )
                assert numbers[2 + k] == pytest.approx(total, rel=1e-9, abs=1e-6)
        vegas = {row_[0]: row_[4] for row_ in table.rows}
        for coin, *by_expiry in tenor_table(priced, held).rows:
            assert sum(by_expiry) == pytest.approx(vegas[coin], rel=1e-9, abs=1e-6)
        assert len(table.columns) == 7
