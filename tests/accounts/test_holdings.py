from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts.collateral import Holdings
from crossmargin.accounts.holdings import holdings_of
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.interfaces.sources import book_of, snapshot_of
from crossmargin.market.history import History
from tests.accounts.books import rows, schedule

BTC = 68_412.57


def of(*lines: tuple[str, str, float, float | None], **more: object) -> Holdings:
    book = book_of(rows(*lines))
    view = snapshot_of("sample:market").view(book.instruments, None)
    return holdings_of(book, view, schedule(), **more)  # type: ignore[arg-type] # any of its flags


def test_balances_below_zero_are_debts() -> None:
    found = of(("balance", "BTC", 2.0, None), ("balance", "USDC", -100.0, None))
    assert found.assets == {"BTC": 2.0}
    assert found.debts == {"USDC": 100.0}
    assert found.prices["BTC"].venue_usd == BTC
    slow = found.prices["BTC"].slow_usd
    assert slow is not None
    assert 50_000.0 < slow < 90_000.0


@pytest.mark.parametrize("days", [-1, 0, 40])
def test_the_slow_price_is_the_mean_of_its_days(days: int) -> None:
    """A price of 1 before the window and of 3 and 5 inside; None where it is not covered."""
    book, terms = book_of(rows(("balance", "BTC", 1.0, None))), schedule()
    view = snapshot_of("sample:market").view(book.instruments, None)
    first = view.as_of_ms - (terms.slow_days + days) * DAY_MS
    begin = view.as_of_ms - terms.slow_days * DAY_MS
    times = np.arange(first, view.as_of_ms + 1, DAY_MS)
    price = np.where(times < begin, 1.0, np.where(times < begin + 2 * DAY_MS, 3.0, 5.0))
    none = np.zeros(0)
    past = History("BTC", times, price, none.astype(np.int64), none)
    slow = holdings_of(book, replace(view, history={"BTC": past}), terms).prices["BTC"].slow_usd
    if days < 0:
        assert slow is None
    else:
        assert slow == pytest.approx(
            (2 * 3.0 + (terms.slow_days - 1) * 5.0) / (terms.slow_days + 1)
        )


def test_delta_and_options_owed() -> None:
    found = of(
        ("position", "BTC-PERPETUAL", 10_000.0, None),
        ("position", "BTC-28AUG26-70000-C", -1.0, None),
        ("balance", "BTC", 1.0, None),
    )
    assert -0.6 * BTC < found.long_delta_usd["BTC"] - 10_000.0 < -0.3 * BTC
    assert 1_000.0 < found.options_owed_usd < 10_000.0
    long = of(("position", "BTC-28AUG26-70000-C", 1.0, None))
    assert long.options_owed_usd == 0.0


def test_profit_stands_apart_only_where_it_is_open() -> None:
    line = ("position", "BTC-PERPETUAL", 10_000.0, 60_000.0)
    assert of(line).gains_usd == {}
    gains = of(line, profit_open=True).gains_usd
    assert gains["BTC"] == pytest.approx(10_000.0 * (1 / 60_000 - 1 / 68_412) * BTC, rel=1e-2)


def test_prices_that_are_given_stand_first() -> None:
    line = ("balance", "WSTETH", 2.0, None)
    given = {"WSTETH": {"venue": 1_600.0, "cross": 2_400.0, "sources": 0.0}}
    found = of(line, prices=given, dollars={"ETH": 2_000.0}).prices["WSTETH"]
    assert (found.venue_usd, found.cross_usd, found.redemption_usd) == (1_600.0, 2_400.0, 2_400.0)
    assert found.self_referential
    with pytest.raises(MarketDataError) as caught:
        of(line)
    assert caught.value.code == "currency_unknown"
    with pytest.raises(InputError) as wrong:
        of(line, prices={"WSTETH": {"oracle": 1.0}})
    assert wrong.value.code == "option_unknown"
