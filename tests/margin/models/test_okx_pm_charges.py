"""OKX's charges beside the scenarios, number by number."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import one_account, subject_of, world_of
from crossmargin.instruments.book import Book
from crossmargin.margin import model_named, run
from crossmargin.margin.models.okx_pm_charges import (
    PAIRS,
    Depeg,
    basis_charge,
    buckets_of,
    depeg_of,
    held_of,
    minimum_charge,
    minimum_steps,
)
from crossmargin.margin.pools import cut

SUBJECT = subject_of(model_named("okx-pm"))


def unit_of(book: Book):
    found = run(book, world_of(SUBJECT).view, SUBJECT.model, SUBJECT.parameters)
    priced = found.priced[0]
    return priced, cut(book, priced.pool, 0)


def test_sums_of_a_unit() -> None:
    held = {"BTC_USDT-PERPETUAL": -2.0, "BTC_BTC-PERPETUAL": 64_000.0, "BTC": 3.5}
    priced, block = unit_of(one_account(SUBJECT, {**held, "BTC_USDC-30-64000-C": 1.0})[0])
    found = held_of(priced, block)
    columns = priced.facts["columns"]
    assert found.coins.tolist() == [3.5]
    assert found.has_option.tolist() == [True]
    delta = sum(columns.delta[c] * q for c, q in zip(block.column, block.quantity, strict=True))
    assert float(found.delta[0]) == pytest.approx(delta, rel=1e-14)
    usdt, usd = -2.0 * 64_000.0 * 1.0004 * 1.0003, 64_000.0
    assert float(found.quote[0, 0]) == pytest.approx(usdt)
    assert float(found.quote[0, 1]) == pytest.approx(usd)
    assert float(found.bucket[0, 1]) == pytest.approx(usdt + usd)  # perpetuals are one bucket
    assert float(found.minimum[0]) == pytest.approx(0.0045 * (abs(usdt) + usd))
    bucket, quote, options = buckets_of(priced, block.row, block.column, block.quantity)
    assert (bucket == found.bucket).all() and (quote == found.quote).all()
    assert options.tolist() == [1.0]


def test_basis_is_charged_bucket_by_bucket() -> None:
    bucket = np.array([[0.0, -100.0, 50.0], [0.0, 0.0, -10.0]])
    found = basis_charge(bucket, np.array([20.0, 0.0]), np.array([0.01, 0.02, 0.1]))
    assert found.tolist() == pytest.approx([0.2 + 2.0 + 5.0, 1.0])


def test_the_whole_raw_charge_takes_the_multiple_of_its_tier() -> None:
    steps = minimum_steps(SUBJECT.parameters, "first")
    assert steps is not None
    raw = np.array([0.0, 250_000.0, 250_001.0, 1e6, 3.5e6, 9e6])
    assert minimum_charge(raw, steps).tolist() == [1.0, 1.0, 2.0, 4.0, 10.0, 12.0]
    assert minimum_steps(SUBJECT.parameters, "second") is None
    assert minimum_charge(raw, None).tolist() == [1.0] * 6


def test_the_depeg_takes_the_level_of_the_lower_stablecoin() -> None:
    table = depeg_of(world_of(SUBJECT).view, SUBJECT.parameters)
    assert isinstance(table, Depeg)
    assert table.below == (False, False, False)
    charge, unknown = table.of_quotes(np.array([[2e6, -2e6, 0.0, 0.0], [9e6, -9e6, 0.0, 0.0]]))
    assert charge.tolist() == pytest.approx([15_000.0, 85_000.0])
    assert unknown.tolist() == [False, True]
    assert PAIRS == ((0, 1), (0, 2), (2, 1))
