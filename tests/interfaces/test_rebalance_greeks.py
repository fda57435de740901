"""Greeks of a book back inside their bands, judged by the what-if of the changed book."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError

BOOK, MARKET = "sample:market-maker", "sample:market"


@pytest.fixture(scope="module")
def hedged() -> xm.RebalanceResult:
    return xm.rebalance(BOOK, MARKET, delta_band=50_000.0)


def test_after_the_trades_the_account_is_inside(hedged: xm.RebalanceResult) -> None:
    """Judged by the what-if of the changed book, not by what the decision says of itself."""
    found = xm.whatif(BOOK, MARKET, add=list(hedged.intents.legs()))
    for row in found.figures["greeks"]:
        delta = row["delta_coins_after"] * row["index_usd"]
        assert abs(delta) <= 50_000.0 * (1.0 + 1e-9)
        if row["underlying"] == "BTC":  # to the edge, within one lot of ten dollars
            assert abs(delta) == pytest.approx(50_000.0, abs=10.0)
    assert hedged.figures["im_after_usd"] == pytest.approx(found.after.im_usd, rel=1e-12)
    assert hedged.figures["fills"][-1]["im_usd"] == pytest.approx(found.after.im_usd, rel=1e-12)
    assert hedged.figures["holds"]


def test_the_cost_is_split_and_adds_up(hedged: xm.RebalanceResult) -> None:
    figures = hedged.figures
    assert sum(figures["components"].values()) == pytest.approx(figures["cost_usd"], rel=1e-9)
    assert figures["components"].keys() >= {"spread", "fee"}
    told = hedged.document().lines[1]
    assert "against the mark (" in told
    for name, usd in figures["components"].items():
        assert (f"{name} {usd:,.2f}" in told) == (abs(usd) >= 0.005)


def test_margin_is_checked_at_every_fill(hedged: xm.RebalanceResult) -> None:
    legs = list(hedged.intents.legs())
    for k, fill in enumerate(hedged.figures["fills"]):
        state = xm.whatif(BOOK, MARKET, add=legs[: k + 1]).after
        assert fill["im_usd"] == pytest.approx(state.im_usd, rel=1e-12)
        assert fill["room_usd"] == pytest.approx(state.counted_im_usd - state.im_usd, rel=1e-9)


def test_the_chosen_contracts_are_no_dearer_than_each_alone(hedged: xm.RebalanceResult) -> None:
    whole = hedged.figures["cost_usd"] + hedged.figures["carry_usd"]
    for name in ("BTC-PERPETUAL", "BTC-31JUL26"):
        alone = xm.rebalance(BOOK, MARKET, delta_band=50_000.0, candidates=[name])
        assert {trade.instrument for trade in alone.intents.trades} == {name}
        other = alone.figures["cost_usd"] + alone.figures["carry_usd"]
        assert whole + hedged.figures["margin_usd"] <= other + alone.figures["margin_usd"] + 2.0


def test_vega_needs_options_and_ends_inside() -> None:
    found = xm.rebalance(BOOK, MARKET, delta_band=50_000.0, vega_band=800.0, underlying="BTC",
                         to="inner")  # fmt: skip
    after = {row["greek"]: row for row in found.figures["bands"]}
    assert abs(after["vega"]["after"]) <= 400.0 + 1e-6
    assert abs(after["delta"]["after"]) <= 25_000.0 + 1e-6
    assert any("-C" in t.instrument or "-P" in t.instrument for t in found.intents.trades)
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(BOOK, MARKET, vega_band=10.0, candidates=["BTC-PERPETUAL"], underlying="BTC")
    assert refused.value.code == "option_unknown"
    assert refused.value.place == "BTC"


def test_coins_are_counted_where_they_are_asked_for() -> None:
    without, counted = (
        xm.rebalance(BOOK, MARKET, delta_band=1e8, coins=coins).figures["bands"][0]["before"]
        for coins in (False, True)
    )
    assert counted - without == pytest.approx(46.0 * 68_412.57, rel=1e-3)
