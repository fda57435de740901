"""The baseline: 10 % of a future, 15 % of the index for a short option, nothing nets."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_000_000_000
EXPIRY_MS = AS_OF_MS + 30 * 86_400_000
COIN: dict[str, Any] = {"underlying": "BTC", "settle": "BTC", "inverse": True}
PERPETUAL = delta_one("anywhere", "P", **COIN)
SWAP = delta_one("anywhere", "L", underlying="BTC", quote="USDC")
CALL = option("anywhere", "C", 1, 60_000.0, EXPIRY_MS, **COIN)
PUT = option("anywhere", "U", -1, 60_000.0, EXPIRY_MS, underlying="BTC", quote="USDC")


def margined(held: dict[Instrument, float]) -> Requirement:
    table = Instruments.of(held)
    place = table.index_of()
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("BTC", "USDC"): 50_000.0},
        {"BTC": 50_000.0, "USD": 1.0, "USDC": 1.0},
        {EXPIRY_MS: Dated(50_500.0, 30 * 86_400_000)},
        {
            "P": Quote(40_000.0),
            "L": Quote(51_000.0),
            "C": Quote(0.02, 0.5),
            "U": Quote(9_800.0, 0.5),
        },
    )
    return run(Book.of(table, lines), view_of(table, facts), model_named("fixed-rate"))


@pytest.mark.parametrize(
    ("item", "size", "im", "mm"),
    [
        (PERPETUAL, 40_000.0, 0.1, 0.05),  # one coin at its mark
        (PERPETUAL, -40_000.0, 0.1, 0.05),
        (SWAP, 2.0, 10_200.0, 5_100.0),  # 10 % of 2 x 51,000
        (CALL, -3.0, 3.0 * 0.17, 3.0 * 0.12),  # 15 % of a coin and the mark
        (PUT, -1.0, 7_500.0 + 9_800.0, 5_000.0 + 9_800.0),
        (CALL, 3.0, 0.0, 0.0),
        (PUT, 3.0, 0.0, 0.0),
    ],
)
def test_one_position(item: Instrument, size: float, im: float, mm: float) -> None:
    sheet = margined({item: size}).sheet
    assert sheet["im"].tolist() == pytest.approx([im], rel=1e-13)
    assert sheet["mm"].tolist() == pytest.approx([mm], rel=1e-13)


def test_nothing_nets() -> None:
    """A covered call costs the sum of its legs."""
    covered = margined({PERPETUAL: 40_000.0, CALL: -1.0})
    assert covered.sheet["im"].tolist() == pytest.approx([0.1 + 0.17], rel=1e-13)


def test_option_value_backs_nothing() -> None:
    sheet = margined({CALL: 10.0, asset("anywhere", "BTC"): 1.0}).sheet
    assert sheet["equity"].tolist() == pytest.approx([1.2], rel=1e-15)
    assert sheet["counted_im"].tolist() == sheet["counted_mm"].tolist() == [1.0]
