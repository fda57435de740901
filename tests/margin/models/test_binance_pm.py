"""uniMMR on the inputs of the venue's example (FAQ): its result table is not published.

The collateral rates here are made up (BTC 0.95, ETH 0.9, stablecoins 1); the arithmetic is the
formula of the text, done by hand.
"""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Requirement
from crossmargin.margin.models.binance_pm import level_of, uni_mmr
from crossmargin.margin.parameter_files import from_values
from tests.margin.families.worked import EXPIRY_MS, Held, cell, payload, worked
from tests.vectors.building import asset

PRICE = {"BTC": 40_000.0, "ETH": 3_000.0}
PERP = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
DATED = Instrument("binance", "BTCUSDT_Q", Kind.FUTURE, "BTC", "USDT", "USDT", expiry_ms=EXPIRY_MS)
COIN = Instrument("binance", "BTCUSD_PERP", Kind.PERPETUAL, "BTC", "USD", "BTC", True, 1.0)
ONE_RATE = [[0.0, 1e9, 0.005, 100.0, 0.0]]
GIVEN = {
    "general": {"loan_mm_share": 0.10, "open_loss_share": 1.0},
    "level": {"reminder": 1.5, "reduce_only": 1.2, "liquidation": 1.05},
    "collateral": {"USDT": {"rate": 1.0}, "BTC": {"rate": 0.95}, "ETH": {"rate": 0.9}},
    "tier": {"BTC_USDT": ONE_RATE, "BTC_BTC": ONE_RATE},
}
MARKS = {"BTCUSDT": 40_000.0, "BTCUSDT_Q": 42_000.0, "BTCUSD_PERP": 40_000.0}


def debt(coin: str) -> Instrument:
    return Instrument("binance", f"loan {coin}", Kind.DEBT, coin, "USD", coin)


# Margin 1,000 USDT, 0.1 BTC less 0.04, 20 ETH less 15; wallets 5,000 USDT and 0.1 BTC.
BOOK: Held = [
    (asset("binance", "USDT"), 1_000.0 + 5_000.0),
    (asset("binance", "BTC"), 0.1 + 0.1),
    (debt("BTC"), -0.04),
    (asset("binance", "ETH"), 20.0),
    (debt("ETH"), -15.0),
    (PERP, -0.05, 52_000.0),
    (DATED, 0.04, 52_350.0),
    (COIN, 10_000.0, 50_000.0),
]


def margined(held: Held = BOOK, **how: object) -> Requirement:
    from crossmargin.margin.families.binance_tiers import bracket_name

    values = {**GIVEN, "tier": {**GIVEN["tier"], bracket_name(DATED)[5:]: ONE_RATE}}
    parameters = from_values("binance-pm", "1", values, "test")
    return worked("binance-pm", held, price=PRICE, marks=MARKS, parameters=parameters, **how)  # type: ignore[arg-type] # keywords


def test_the_example_by_hand() -> None:
    """UPL 600 and -414 (the venue's), -0.05 BTC by the inverse formula.

    x: USDT 6,000 + 600 - 414 = 6,186; BTC 0.2 - 0.04 - 0.05 = 0.11; ETH 5.
    Equity 6,186 + 0.11 x 40,000 x 0.95 + 5 x 3,000 x 0.9 = 23,866.
    MM: 0.005 x (2,000 + 1,680 + 0.25 x 40,000) + 0.1 x (0.04 x 40,000 + 15 x 3,000) = 4,728.4.
    """
    found = margined()
    assert cell(found, "unrealised") == pytest.approx(600.0 - 414.0 - 0.05 * 40_000.0)
    assert cell(found, "counted_mm") == pytest.approx(23_866.0, rel=1e-13)
    assert cell(found, "futures_mm") == pytest.approx(68.4, rel=1e-13)
    assert cell(found, "loan_mm") == pytest.approx(4_660.0, rel=1e-13)
    assert uni_mmr(found)[0] == pytest.approx(23_866.0 / 4_728.4, rel=1e-13)
    assert cell(found, "im") == cell(found, "mm")
    assert not found.model.has_im


def test_a_negative_balance_counts_in_full() -> None:
    held = [(asset("binance", "USDT"), 1e4), (asset("binance", "BTC"), 0.1), (debt("BTC"), -0.2)]
    assert cell(margined(held), "counted_mm") == pytest.approx(1e4 - 4_000.0)


def test_open_losses_of_orders_lower_equity() -> None:
    """A bid 100 over the mark, a sale at the mark."""
    orders = [(PERP, 2.0, 40_100.0), (PERP, -1.0, 40_000.0)]
    before, after = margined(), margined(orders=orders)
    assert cell(after, "open_loss") == pytest.approx(-200.0)
    assert cell(after, "counted_mm") == pytest.approx(cell(before, "counted_mm") - 200.0)
    assert cell(after, "mm") == cell(before, "mm")


def test_reported_equity_stands_for_balance_and_profit() -> None:
    told = Reported(equity={("a", "USDT"): 5_000.0})
    found = margined(reported=told)
    assert cell(found, "counted_mm") == pytest.approx(23_866.0 - 6_186.0 + 5_000.0)


def test_levels() -> None:
    given = payload("binance-pm")
    wanted = {
        1.6: "free",
        1.5: "reminder",
        1.2: "reduce_only",
        1.05: "liquidation",
        0.9: "below_one",
    }
    assert {ratio: level_of(ratio, given) for ratio in wanted} == wanted


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ([(asset("binance", "DOGE"), 1.0)], "collateral.DOGE.rate"),
        ([(PERP, 1.0)], "tier.BTC_USDT"),
    ],
)
def test_it_is_refused_without_the_venues_tables(held: Held, missing: str) -> None:
    with pytest.raises(ModelError) as caught:
        worked("binance-pm", held, price={**PRICE, "DOGE": 1.0})
    assert caught.value.code == "parameter_missing"
    assert caught.value.value == repr(missing)
