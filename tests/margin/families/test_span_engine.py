"""The SPAN requirement against a slow twin, and what must hold of it whatever the terms."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_engine import SpanResult
from crossmargin.margin.families.span_terms import Commodity, DeltaSpread, Leg, SpanFile, Tier
from tests.margin.families.span_files import (
    PERIODS,
    SCAN,
    contracts_of,
    margined,
    random_file,
    random_sizes,
)
from tests.margin.families.span_twin import Twin

PARTS = ("scan", "intra", "delivery", "inter", "som", "risk", "nov")
seeds = st.integers(0, 10_000)


@given(seeds)
def test_equals_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = random_file(rng)
    sizes = random_sizes(rng, len(file.contracts), 4)
    found = margined(file, sizes)
    for a in range(len(sizes)):
        twin = Twin(file, sizes[a].tolist())
        for c, commodity in enumerate(file.commodities):
            for part in PARTS:
                ours, theirs = getattr(found, part)[a, c], twin.parts[commodity.code][part]
                assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9), (part, commodity.code)
        assert found.maintenance[a] == pytest.approx(twin.total, rel=1e-9, abs=1e-9)
        assert found.initial[a] == pytest.approx(twin.initial, rel=1e-9, abs=1e-9)


def bits(found: SpanResult, row: int) -> list[bytes]:
    columns = [getattr(found, each.name) for each in fields(found) if each.name != "formed"]
    spreads = [[made.count, *made.amount.values()] for made in found.formed]
    return [np.asarray(c[row]).tobytes() for c in [*columns, *(x for y in spreads for x in y)]]


@given(seeds)
def test_neighbours_change_no_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = random_file(rng)
    sizes = random_sizes(rng, len(file.contracts), 5)
    whole = margined(file, sizes)
    for a in range(len(sizes)):
        assert bits(margined(file, sizes[a]), 0) == bits(whole, a)


@given(seeds)
def test_twice_the_book_is_twice_the_requirement(seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = random_file(rng)
    sizes = random_sizes(rng, len(file.contracts), 3)
    once, twice = margined(file, sizes), margined(file, 2.0 * sizes)
    assert (twice.maintenance == 2.0 * once.maintenance).all()
    assert (twice.active == once.active).all()


@given(seeds)
def test_credits_end_at_the_scan_risk_and_nothing_is_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = random_file(rng)
    found = margined(file, random_sizes(rng, len(file.contracts), 4))
    assert (found.inter <= found.scan).all()
    for part in ("scan", "intra", "delivery", "inter", "som", "risk", "maintenance", "initial"):
        assert (getattr(found, part) >= 0.0).all(), part
    assert (found.maintenance[0], found.active[0].tolist()) == (0.0, [-1, -1])


def plain(rate: float, **more: object) -> SpanFile:
    """Futures of five periods alone, every pair of tiers a spread."""
    contracts, arrays = contracts_of("AA", 100.0, 10.0)
    kept = [k for k, c in enumerate(contracts) if c.kind == "FUT"]
    tiers = tuple(Tier(k + 1, p, p) for k, p in enumerate(PERIODS))
    spreads = tuple(
        DeltaSpread((Leg("AA", "A", 1.0, tier=a), Leg("AA", "B", 1.0, tier=b)), "F", rate)
        for a in range(1, 6)
        for b in range(a + 1, 6)
    )
    terms = Commodity("AA", spreads=spreads, intra_tiers=tiers, **more)  # type: ignore[arg-type] # changes of a test
    return SpanFile(
        tuple(contracts[k] for k in kept),
        np.array([arrays[k] for k in kept]),
        (terms,),
        points=SCAN.points,
    )


@given(seeds, st.floats(0.0, 20.0))
def test_a_spread_needs_no_more_than_its_outrights(seed: int, rate: float) -> None:
    """While the rate is not above two scan ranges; and a spread lowers nothing below its charge."""
    sizes = np.random.default_rng(seed).integers(-9, 10, 5).astype(np.float64)
    file = plain(rate)
    together = margined(file, sizes).maintenance[0]
    apart = sum(margined(file, row).maintenance[0] for row in np.diag(sizes))
    assert together <= apart * (1.0 + 1e-12)
    matched = min(sizes[sizes > 0.0].sum(), -sizes[sizes < 0.0].sum())
    assert together == pytest.approx(10.0 * abs(sizes.sum()) + rate * matched, abs=1e-9)


def test_what_every_spread_took_is_named() -> None:
    found = margined(plain(3.0), np.array([4.0, -1.0, 0.0, -5.0, 0.0]))
    made = {f.label: float(f.count[0]) for f in found.formed if f.count[0] > 0.0}
    assert made == {"AA tier 1 1A / AA tier 2 1B": 1.0, "AA tier 1 1A / AA tier 4 1B": 3.0}
    assert found.intra[0, 0] == 12.0
    assert found.scan[0, 0] == pytest.approx(20.0)


def test_scan_tiers_are_scanned_apart() -> None:
    sizes = np.array([1.0, 0.0, -1.0, 0.0, 0.0])
    assert margined(plain(0.0), sizes).scan[0, 0] == 0.0
    tiers = (Tier(1, PERIODS[0], PERIODS[1]), Tier(2, PERIODS[2], PERIODS[4]))
    assert margined(plain(0.0, scan_tiers=tiers), sizes).scan[0, 0] == pytest.approx(20.0)


def test_another_currency_and_a_rate_that_is_not_there() -> None:
    file = replace(plain(0.0), rates={("EUR", "USD"): 1.25})
    euro = replace(file, commodities=(replace(file.commodities[0], currency="EUR"),))
    sizes = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    assert margined(euro, sizes).maintenance[0] == pytest.approx(12.5)
    with pytest.raises(InputError, match="currency_unknown"):
        margined(replace(euro, rates={}), sizes)
