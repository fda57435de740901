"""The next dated set of a model: its ranges as the history would have them, and the evidence.

    R = max(floor, clip(W, R0 (1 - down), R0 (1 + up)))

with W the wanted range of :mod:`families.dynamic_ranges` at the market's time, R0 that of the set
in force and the steps those of ``dynamic.calibrate``: one set differs from the one before by no
more. Only the floor may lift it further. Every other number is carried on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import Failure, ModelError
from crossmargin.instruments.book import Book
from crossmargin.margin.families.dynamic_forecast import daily
from crossmargin.margin.families.dynamic_names import (
    inner_set,
    own_numbers,
    scaled_set,
    stated_range,
    targets_of,
)
from crossmargin.margin.families.dynamic_ranges import (
    CoinRanges,
    RangePath,
    RangeRule,
    price_rule,
    ranges_of,
    vol_rule,
)
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.margin.totals import Totals, account_totals
from crossmargin.market.history import History
from crossmargin.market.view import View
from crossmargin.statistics.backtests import kupiec
from crossmargin.statistics.bootstrap import interval_of, resampled, stationary
from crossmargin.statistics.ordered import total
from crossmargin.statistics.quantiles import value_at_risk

__all__ = ["Calibrated", "Evidence", "Preview", "calibrated", "previewed"]

LEVEL = 0.99
SAMPLES = 200
BLOCK_DAYS = 10.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one range rests on; fractions of the price, relative for a shock to volatility.

    ``quantile`` is the 99 % quantile of absolute moves over the horizon, with the 95 % interval of
    a stationary bootstrap. ``beyond`` counts the moves that went further than the range as it was
    known when they began, in ``moves`` of them; ``p_value`` is Kupiec's for 1 %, judged on moves
    that do not overlap.
    """

    coin: str
    what: str  # price or vol
    before: float
    after: float
    wanted: float
    deviation: float
    stress: float
    first_day: str
    last_day: str
    days: int
    quantile: float
    quantile_low: float
    quantile_high: float
    moves: int
    beyond: int
    p_value: float
    held_by: str  # what kept the range from the wanted one: step up, step down, floor or nothing


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The new set with the evidence of each range, and numbers that its bounds cut."""

    parameters: Parameters
    evidence: tuple[Evidence, ...]
    bounded: tuple[str, ...]
    left: tuple[str, ...]  # coins with ranges that the history says nothing of
    paths: Mapping[tuple[str, str], RangePath]  # (coin, price or vol): every day of the history


@dataclass(frozen=True, slots=True)
class Preview:
    """Dollars of one account under both sets, or why there are none."""

    account: str
    im_before_usd: float = 0.0
    im_after_usd: float = 0.0
    mm_before_usd: float = 0.0
    mm_after_usd: float = 0.0
    failure: Failure | None = None

    @property
    def change_usd(self) -> float:
        """More initial margin under the new set, positive."""
        return self.im_after_usd - self.im_before_usd


def calibrated(
    in_force: Parameters,
    history: Mapping[str, History],
    as_of_ms: int,
    *,
    effective_ms: int | None = None,
    seed: int = 0,
) -> Calibrated:
    """The next set after ``in_force``, from what was known at ``as_of_ms``; the same for a seed.

    In force from ``effective_ms``, by default the next midnight UTC. Raises ModelError
    ``parameter_missing`` for a model without declared ranges, ``observations_too_few`` and
    MarketDataError ``history_missing`` or ``history_gap`` where the history does not carry it.
    """
    own = own_numbers(in_force)
    named = dict.fromkeys(t.coin for t in targets_of(own))
    coins = tuple(n for n in named if n) + (tuple(sorted(history)) if "" in named else ())
    known = tuple(coin for coin in coins if coin in history)
    if not known:
        ranges_of(history, next(iter(coins), "no coin"), as_of_ms, own)  # says what is missing
    ranges, evidence = {}, []
    paths: dict[tuple[str, str], RangePath] = {}
    for coin in known:
        made, seen, whole = _next(own, history[coin], as_of_ms, seed)
        paths |= whole
        ranges[coin] = made
        evidence += seen
    made_set = scaled_set(own, ranges)
    begin = (as_of_ms // DAY_MS + 1) * DAY_MS if effective_ms is None else effective_ms
    fresh = inner_set(replace(own, entries=dict(made_set.parameters.entries)))
    said = {(each.coin, each.what): _sentence(each, own) for each in evidence}
    widest = max(
        (each for each in evidence if each.what == "price"), key=lambda e: e.after / e.before
    )
    said["", "price"] = f"{widest.coin} {_sentence(widest, own)}"
    entries = dict(fresh.entries)
    for target in targets_of(own):
        what = "vol" if target.kind in ("vol", "vol_points") else "price"
        if (target.coin, what) in said:
            text = said[target.coin, what]
            entries[target.name] = replace(entries[target.name], source=text)
    return Calibrated(
        replace(
            fresh,
            entries=entries,
            observed_ms=as_of_ms,
            effective_ms=begin,
            announced_ms=None,
            source=f"{in_force.source}; ranges calibrated on the history to {_day(as_of_ms)}",
            label=_day(begin),
            verdicts=(),
        ),
        tuple(evidence),
        made_set.bounded,
        tuple(coin for coin in coins if coin not in history),
        paths,
    )


def _next(
    own: Parameters, history: History, as_of_ms: int, seed: int
) -> tuple[CoinRanges, list[Evidence], dict[tuple[str, str], RangePath]]:
    """The next ranges of a coin as paths of one day, what each rests on, and the whole paths."""
    coin = history.underlying
    found = ranges_of({coin: history}, coin, as_of_ms, own)
    place = f"past_price {coin}"
    prices = daily(history.times_ms, history.price, as_of_ms, place)
    before = stated_range(own, coin, "price")
    price, seen = _stepped(own, (coin, "price", before), found.price, price_rule(own, coin))
    out = [_with_moves(seen, found.price, prices.day, prices.value, price_rule(own, coin), seed)]
    whole = {(coin, "price"): found.price}
    vol = None
    kinds = [t.kind for t in targets_of(own) if t.coin == coin and t.kind.startswith("vol")]
    if found.vol is not None and kinds:
        level = found.level if kinds[0] == "vol_points" else 1.0
        stated = stated_range(own, coin, kinds[0]) / level
        vol, seen = _stepped(own, (coin, "vol", stated), found.vol, vol_rule(own))
        whole[coin, "vol"] = found.vol
        vols = daily(history.vol_times_ms, history.vol, as_of_ms, f"past_vol {coin}")
        out.append(_with_moves(seen, found.vol, vols.day, vols.value, vol_rule(own), seed))
    return CoinRanges(price, vol, found.level), out, whole


def _stepped(
    own: Parameters, of: tuple[str, str, float], path: RangePath, rule: RangeRule
) -> tuple[RangePath, Evidence]:
    """The wanted range within one step of the stated one, never under the floor."""
    coin, what, before = of
    wanted = float(path.wanted[-1])
    up = before * (1.0 + own.number("dynamic.calibrate.step_up"))
    down = before * (1.0 - own.number("dynamic.calibrate.step_down"))
    after = min(max(wanted, down), up)
    held = "step up" if after < wanted else "step down" if after > wanted else "nothing"
    if after < rule.floor:
        after, held = rule.floor, "floor"
    one = frozen([after], np.float64)
    made = RangePath(path.day[-1:], path.deviation[-1:], path.stress[-1:], one, one)
    figures = (before, after, wanted, float(path.deviation[-1]), float(path.stress[-1]))
    return made, Evidence(coin, what, *figures, "", "", 0, 0.0, 0.0, 0.0, 0, 0, 1.0, held)


def _with_moves(
    seen: Evidence, path: RangePath, day: np.ndarray, value: Floats, rule: RangeRule, seed: int
) -> Evidence:
    """The sample: its days, the quantile of its moves, and how the ranges of the time did."""
    horizon = rule.forecast.horizon_days
    returns = np.diff(np.log(value))

    def quantile(rows: Floats) -> Floats:
        moves = total(np.lib.stride_tricks.sliding_window_view(rows, horizon, axis=-1))
        return value_at_risk(-np.abs(np.expm1(moves)), LEVEL, least=1)

    index = stationary(len(returns), min(BLOCK_DAYS, float(len(returns))), SAMPLES, seed)
    found = interval_of(float(quantile(returns)), resampled(returns, index, quantile))
    start = np.searchsorted(day, path.day)
    whole = start + horizon < len(day)
    at = start[whole]
    whole_days = day[at + horizon] - day[at] == horizon
    moved = np.abs(value[at + horizon] / value[at] - 1.0)[whole_days][::horizon]
    held = path.range[whole][whole_days][::horizon]
    beyond = int((moved > held).sum())
    return replace(
        seen,
        first_day=_day(int(day[0]) * DAY_MS),
        last_day=_day(int(day[-1]) * DAY_MS),
        days=len(day),
        quantile=found.value,
        quantile_low=found.low,
        quantile_high=found.high,
        moves=len(moved),
        beyond=beyond,
        p_value=kupiec(len(moved), beyond, 1.0 - LEVEL).p_value if len(moved) else 1.0,
    )


def _sentence(seen: Evidence, own: Parameters) -> str:
    """The evidence of one range as the source of its numbers."""
    days = round(own.number("dynamic.range.horizon_days"))
    method = "ewma" if seen.what == "vol" else str(own.get("dynamic.forecast.method"))
    z = own.number("dynamic.vol.z" if seen.what == "vol" else "dynamic.range.z")
    return (
        f"calibrated on {seen.days} days, {seen.first_day} to {seen.last_day}: {method} deviation "
        f"over {days} days {seen.deviation:.4f}, z {z:g}, largest move {seen.stress:.4f}, wanted "
        f"{seen.wanted:.4f}, before {seen.before:.4f}, held by {seen.held_by}; 99 % of moves "
        f"{seen.quantile:.4f} ({seen.quantile_low:.4f} to {seen.quantile_high:.4f})"
    )


def previewed(
    accounts: Iterable[tuple[Book, View]], model: MarginModel, before: Parameters, after: Parameters
) -> tuple[Preview, ...]:
    """What each account (a book of one with its view) needs under both sets.

    Largest increase of initial margin first, accounts that cannot be margined last.
    """
    out = []
    for book, view in accounts:
        name = book.account[0]
        try:
            made = [run(book, view, model, chosen) for chosen in (before, after)]
        except ModelError as error:
            out.append(Preview(name, failure=Failure(name, error.code, error.message)))
            continue
        failures = [failure for each in made for failure in each.failures]
        if failures:
            out.append(Preview(name, failure=failures[0]))
            continue
        old, new = (account_totals(each) for each in made)
        im, mm = ((float(a[0]), float(b[0])) for a, b in _pairs(old, new))
        out.append(Preview(name, *im, *mm))
    return tuple(
        sorted(out, key=lambda each: (each.failure is not None, -each.change_usd, each.account))
    )


def _pairs(old: Totals, new: Totals) -> tuple[tuple[Floats, Floats], ...]:
    return (old.im_usd, new.im_usd), (old.mm_usd, new.mm_usd)


def _day(time_ms: int) -> str:
    return format_ms(time_ms)[:10]
