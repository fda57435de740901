"""The engine of `reg-t` on the strategy column of Cboe's sample of 2007: initial, net of proceeds.

Prices are printed to the cent and the sample has 100 contracts: each premium is known to 50
dollars. All numbers are exact but those of the long straddles, which lie within that rounding.
"""

from __future__ import annotations

import pytest

from tests.vectors.recording import seen
from tests.vectors.strategy_cases import Case, given, leaflet_case, rows_of

PATTERN = "tims_cboe_sample_*.csv"
PRINTED = 50.0  # half a cent on 100 contracts of 100


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a row of every file of the pattern."""
    cases = [
        leaflet_case(file, row)
        for file, row in rows_of(metafunc, PATTERN)
        if row["published_strategy_based"]
    ]
    given(metafunc, cases, PATTERN)


def test_strategy_column(sample: Case) -> None:
    assert sample.row is not None
    need, found = sample.needs(sample.rates)
    theirs = float(sample.row["published_strategy_based"])
    bought = [leg for leg in sample.legs if leg.right and leg.size > 0.0]
    only_premiums = len(bought) == len(sample.legs) and len(bought) > 1
    assert need == pytest.approx(theirs, abs=PRINTED * len(bought) + 1e-6 if only_premiums else 1.0)
    seen("reg-t", "example", sample.file, sample.name, need, theirs)
    kinds = {part.kind for part in found}
    name = sample.row["strategy"].lower()
    expected = {"covered call": {"covered"}, "long vertical call spread": {"spreads"}}
    assert kinds == expected.get(name, kinds)
