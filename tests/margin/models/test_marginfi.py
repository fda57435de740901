"""marginfi through the model: weights, biased prices, crowded and isolated banks, e-mode."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Bound, model_named
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined

HELD = {"ETH": 10.0, "debt BTC": 0.1}
KNOWN = {
    "oracle_confidence": {"ETH": 0.0, "BTC": 0.0, "USDC": 0.0},
    "usd_twap": {"ETH": 2_000.0, "BTC": 64_000.0, "USDC": 1.0},
}


def test_by_hand() -> None:
    found = margined("marginfi", HELD, None, KNOWN)
    assert figures(found) == (14_000.0, 8_960.0, 16_000.0, 8_000.0)
    assert found.bound is Bound.VALUE
    assert margined("marginfi", HELD).bound is Bound.AT_LEAST


def test_confidence_and_average() -> None:
    reads = {"oracle_confidence": {"ETH": 0.01, "BTC": 0.02}, "usd_twap": {"ETH": 1_900.0}}
    found = figures(margined("marginfi", HELD, None, reads))
    wanted = (14_000 * 0.99 * 0.95, 8_960 * 1.02, 16_000 * 0.99, 8_000 * 1.02)
    assert found == pytest.approx(wanted, rel=1e-12)


def test_banks_that_count_less() -> None:
    crowded = {"bank.ETH.deposits": 100.0, "bank.ETH.init_limit": 100_000.0}
    assert figures(margined("marginfi", HELD, crowded))[::2] == (7_000.0, 16_000.0)
    assert figures(margined("marginfi", HELD, {"bank.ETH.reduce_only": 1}))[::2] == (0.0, 16_000.0)
    assert figures(margined("marginfi", HELD, {"bank.ETH.isolated": 1}))[::2] == (0.0, 0.0)


def test_an_emode_entry_of_every_borrowed_bank() -> None:
    one = margined("marginfi", {"ETH": 10.0, "debt USDC": 100.0})
    assert figures(one)[::2] == (16_000.0, 17_600.0)
    two = margined("marginfi", {"ETH": 10.0, "debt USDC": 100.0, "debt BTC": 0.001})
    assert figures(two)[::2] == (14_000.0, 16_000.0)


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("marginfi")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("marginfi", "ETH")]), available("marginfi")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
