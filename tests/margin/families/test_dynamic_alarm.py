"""The alarm from the histories of a market: found, dated, said, and blind to the future."""

from __future__ import annotations

import numpy as np

from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.margin.families.dynamic_alarm import alarm_rule, watched
from crossmargin.margin.parameter_files import available
from crossmargin.market.history import History
from crossmargin.statistics.regime import AlarmRule
from tests.margin.families.paths import START_MS, history

PARAMETERS = available("dynamic+house")[-1]
BREAK, DAYS = 450, 520


def _market(seed: int = 2) -> dict[str, History]:
    rng = np.random.default_rng(seed)
    first, other = rng.standard_normal((2, DAYS)) * 0.03
    rho = np.where(np.arange(DAYS) < BREAK, 0.85, -0.5)
    second = rho * first + np.sqrt(1.0 - rho**2) * other
    return {"BTC": history(first), "ETH": history(second, coin="ETH")}


def test_the_shipped_rule_is_the_default() -> None:
    assert alarm_rule(PARAMETERS) == AlarmRule()


def test_a_break_is_dated_and_said() -> None:
    market = _market()
    until = START_MS + (BREAK + 25) * DAY_MS
    seen = watched(market, ("BTC", "ETH"), until, PARAMETERS)
    assert seen is not None
    last = seen.alarms[-1]
    day = int(seen.days[last.place])
    assert BREAK < day - START_MS // DAY_MS <= BREAK + 25
    said = seen.sentences()[-1]
    assert format_ms(day * DAY_MS)[:10] in said
    assert "BTC and ETH" in said
    assert seen.correlation.shape == (2, 2)
    calm = watched(market, ("BTC", "ETH"), START_MS + (BREAK - 1) * DAY_MS, PARAMETERS)
    assert calm is not None
    assert calm.sentences() == ()
    assert calm.correlation[0, 1] > 0.5


def test_nothing_later_is_read() -> None:
    market = _market()
    until = START_MS + 470 * DAY_MS
    cut = {
        coin: History(coin, h.times_ms[:471], h.price[:471], h.vol_times_ms, h.vol)
        for coin, h in market.items()
    }
    whole, part = (watched(m, ("BTC", "ETH"), until, PARAMETERS) for m in (market, cut))
    assert whole is not None
    assert part is not None
    assert whole.alarms == part.alarms
    assert whole.correlation.tolist() == part.correlation.tolist()


def test_one_coin_or_a_short_history_is_not_watched() -> None:
    market = _market()
    assert watched(market, ("BTC",), START_MS + 500 * DAY_MS, PARAMETERS) is None
    assert watched(market, ("BTC", "ETH"), START_MS + 300 * DAY_MS, PARAMETERS) is None
