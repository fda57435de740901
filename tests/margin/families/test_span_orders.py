"""The order bound part by part: what a fill can do to each charge, and that it is never exceeded.

Every subset of fills of whole books is in the test of the model ``span``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.arrays import frozen
from crossmargin.margin.families.span_engine import requirement, terms_of
from crossmargin.margin.families.span_orders import span_need
from crossmargin.margin.families.span_terms import (
    Commodity,
    DeliveryRate,
    DeltaSpread,
    Leg,
    SpanFile,
    Tier,
)
from crossmargin.margin.model import Fills
from tests.margin.families.span_files import PERIODS, SCAN, contracts_of, rows_of

IM = 1.1
TIERS = tuple(Tier(k + 1, p, p) for k, p in enumerate(PERIODS))


def file_of(rng: np.random.Generator) -> SpanFile:
    """Flat one-to-one spreads of every pair of tiers in rising order of random rates."""
    contracts, arrays = contracts_of("AA", 100.0, 10.0)
    kept = [k for k, c in enumerate(contracts) if c.kind != "PHY"]
    pairs = [(a, b) for a in range(1, 6) for b in range(a, 6)]
    rates = sorted(rng.uniform(0.0, 25.0, len(pairs)).tolist())
    rng.shuffle(pairs)
    spreads = tuple(
        DeltaSpread((Leg("AA", "A", 1.0, tier=a), Leg("AA", "B", 1.0, tier=b)), "F", rate)
        for rate, (a, b) in zip(rates, pairs, strict=True)
    )
    terms = Commodity(
        "AA", spreads=spreads, intra_tiers=TIERS, som_rate=float(rng.uniform(0.0, 8.0)),
        delivery_method="10", delivery=(DeliveryRate(PERIODS[0], 6.0, 0.0),),
    )  # fmt: skip
    losses = np.array([arrays[k] for k in kept])
    return SpanFile(tuple(contracts[k] for k in kept), losses, (terms,), points=SCAN.points)


@given(st.integers(0, 10_000))
def test_no_subset_of_fills_needs_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = file_of(rng)
    many = len(file.contracts)
    held = rng.integers(-5, 6, many) * (rng.random(many) < 0.3)
    columns = np.sort(rng.integers(0, many, 4)).astype(np.int32)
    sizes = rng.choice([-3.0, -1.0, 2.0, 4.0], 4)
    gain = rng.uniform(-2.0, 2.0, 4)
    fills = Fills(
        frozen([0, 4], np.int64), columns, sizes, gain, np.zeros(4), np.arange(4, dtype=np.int32)
    )
    terms = terms_of(file, "USD")
    rows = rows_of(held[None, :].astype(np.float64))
    need = span_need(terms, rows, fills, requirement(terms, rows), IM)
    subsets = [[int(b) for b in f"{k:04b}"] for k in range(16)]
    after = np.tile(held.astype(np.float64), (16, 1))
    for k, chosen in enumerate(subsets):
        for m in np.flatnonzero(chosen).tolist():
            after[k, columns[m]] += sizes[m]
    needs = IM * requirement(terms, rows_of(after)).maintenance
    for k, chosen in enumerate(subsets):
        assert needs[k] - float(np.dot(chosen, gain)) <= need.need[0] * (1 + 1e-12) + 1e-9


def test_nothing_ordered_in_an_account_changes_nothing_of_it() -> None:
    """Two accounts, one with an order: the other's need is its requirement without credits."""
    file = file_of(np.random.default_rng(5))
    terms = terms_of(file, "USD")
    sizes = np.zeros((2, len(file.contracts)))
    sizes[:, 0], sizes[:, 5] = 3.0, -2.0
    rows = rows_of(sizes)
    fills = Fills(
        frozen([0, 1, 1], np.int64), np.array([0], np.int32), np.array([2.0]), np.array([-1.0]),
        np.zeros(1), np.zeros(1, np.int32),
    )  # fmt: skip
    found = requirement(terms, rows)
    need = span_need(terms, rows, fills, found, IM)
    assert need.need[1] >= IM * found.maintenance[1] - 1e-9
    assert need.need[0] > need.need[1]
    assert need.filled.tolist() == [True]


def test_what_fills_cost_is_needed_where_options_pay_for_everything() -> None:
    """The requirement is zero before and after; a fill above the mark still costs its loss."""
    file = file_of(np.random.default_rng(7))
    column = next(k for k, c in enumerate(file.contracts) if c.value > 0.0)
    held = np.zeros((1, len(file.contracts)))
    held[0, column] = 1.0
    rich = replace(file.contracts[column], price=1_000.0)
    contracts = (*file.contracts[:column], rich, *file.contracts[column + 1 :])
    terms, rows = terms_of(replace(file, contracts=contracts), "USD"), rows_of(held)
    fills = Fills(
        frozen([0, 1], np.int64), np.array([0], np.int32), np.array([1.0]), np.array([-5.0]),
        np.zeros(1), np.zeros(1, np.int32),
    )  # fmt: skip
    found = requirement(terms, rows)
    assert found.maintenance.tolist() == [0.0]
    assert span_need(terms, rows, fills, found, IM).need.tolist() == [5.0]
