"""The correlation of an account's coins now, and whether a pair has left its regime.

Model margins that offset coins against each other rest on a correlation. Here it is watched, from
the market's history at the time of the view; no number of the model is moved by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.margin.families.dynamic_forecast import daily
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.history import History
from crossmargin.statistics.regime import START, Alarm, AlarmRule, alarms, live_correlation

__all__ = ["Watched", "alarm_rule", "watched"]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """Live correlation ``[N, N]`` of coins, every alarm so far, and the day of each return."""

    coins: tuple[str, ...]
    correlation: Floats
    alarms: tuple[Alarm, ...]
    days: np.ndarray
    recent_days: int

    def sentences(self) -> tuple[str, ...]:
        """What must be said: alarms not older than the recent window."""
        out = []
        for each in self.alarms:
            if len(self.days) - 1 - each.place < self.recent_days:
                first, second = (self.coins[k] for k in each.pair)
                day = format_ms(int(self.days[each.place]) * DAY_MS)[:10]
                out.append(
                    f"the correlation of {first} and {second} left its regime on {day}: "
                    f"{each.after:.2f} after {each.before:.2f} ({each.score:+.1f} deviations)"
                )
        return tuple(out)


def alarm_rule(parameters: Parameters) -> AlarmRule:
    """The rule under ``dynamic.alarm``."""
    return AlarmRule(
        round(parameters.number("dynamic.alarm.recent_days")),
        round(parameters.number("dynamic.alarm.reference_days")),
        parameters.number("dynamic.alarm.threshold"),
        parameters.number("dynamic.alarm.decay"),
    )


def watched(
    histories: Mapping[str, History], coins: Sequence[str], as_of_ms: int, parameters: Parameters
) -> Watched | None:
    """What is known of the coins at a time; None of fewer than two, or of too short a history."""
    rule = alarm_rule(parameters)
    paths = [
        daily(histories[c].times_ms, histories[c].price, as_of_ms, f"past_price {c}") for c in coins
    ]
    if len(paths) < 2:
        return None
    common = paths[0].day
    for path in paths[1:]:
        common = np.intersect1d(common, path.day)
    if len(common) < START + rule.recent_days + rule.reference_days + 2:
        return None
    follows = np.diff(common) == 1
    rows = [np.log(path.value[np.searchsorted(path.day, common)]) for path in paths]
    returns = np.stack([np.diff(row)[follows] for row in rows])
    if returns.shape[1] < START + rule.recent_days + rule.reference_days:
        return None
    return Watched(
        tuple(coins),
        live_correlation(returns),
        alarms(returns, rule),
        common[1:][follows],
        rule.recent_days,
    )
