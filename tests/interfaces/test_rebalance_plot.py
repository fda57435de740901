"""The pictures of a rebalancing: bars of weights and Greeks, values over time."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.interfaces.rebalance_plot import rebalance_svg

BOOK, MARKET = "sample:market-maker", "sample:market"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delta_band": 50_000.0}, ("BTC delta", "band -50,000 to 50,000 USD")),
        ({"targets": {"BTC": 0.5, "ETH": 0.3}}, ("Weights", "band 45.00 to 55.00 %")),
    ],
)
@pytest.mark.parametrize("width", [1040.0, 350.0])
def test_bars_say_names_and_bands(
    options: dict[str, object], words: tuple[str, ...], width: float
) -> None:
    svg = rebalance_svg(xm.rebalance(BOOK, MARKET, **options), width)  # type: ignore[arg-type] # by name
    for each in words:
        assert each in svg


def test_values_over_time_have_a_line_a_policy() -> None:
    found = xm.rebalance(None, MARKET, targets={"BTC": 0.5, "ETH": 0.3}, backtest=True)
    svg = rebalance_svg(found, 1040.0)
    assert svg.count("<polyline") == len(found.tracks) == 4
