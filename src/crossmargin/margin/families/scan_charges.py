"""Charges of the scan family beside the scenarios: named, each a rate on one shape of a book.

    gross      sum |q| rate                       short      sum max(-q, 0) rate
    net        sum over groups |n| rate           net_short  sum over groups max(-n, 0) rate
    spread     sum over gaps between groups in order of time: rate x min(|before|, |after|), where
               what is held before the gap and what is held after it have opposite signs
    hedged     min(sum of the positive n, sum of the negative n) rate
    min_delta  u |net| + h (gross - |net|) / 2    excess     rate x max(gross - threshold, 0)

``n`` is the net of a group (an expiry, a strike, a settlement currency) in coins or delta. A number
that a rulebook leaves out is a charge of zero, and where the venue is known to charge it (the
member's set counts as complete), the row is *at least*. With orders each charge is taken at the
fills that are worst for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan_table import Market, form, optional
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind
from crossmargin.pricing.sums import row_sums, sums

__all__ = ["BUILDERS", "Charge", "Numbers", "charges_of", "evaluated", "worst_filled"]

_YEAR_DAYS = 365.0
_FUTURES = (Kind.PERPETUAL, Kind.FUTURE)


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of a pool. ``gross[I]`` is dollars per unit of position, ``size[I]`` what a unit
    adds to its group, ``rate`` dollars per unit of a group's net: [G]; (u, h) of the least charge.
    """

    name: str
    shape: str
    gross: Floats
    size: Floats
    run: Ints  # [I] group, -1 for rows that do not count
    rate: Floats
    known: bool = True
    threshold: float = 0.0
    parts: tuple[Charge, ...] = field(default=())  # of which this one is the sum

    @property
    def groups(self) -> int:
        """How many groups the pool's table has."""
        return int(self.run.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one underlying; in a ``whole`` rulebook one that is left out is zero."""

    parameters: Parameters
    table: str
    whole: bool

    def rate(self, name: str) -> tuple[float, bool]:
        """A number and whether it is known: one that is not is weighed with 1 and left out."""
        full = f"{self.table}.{name}"
        if full in self.parameters:
            return self.parameters.number(full), True
        return (0.0, True) if self.whole else (1.0, False)

    def plain(self, name: str, default: float) -> float:
        """A number that qualifies another."""
        return optional(self.parameters, f"{self.table}.{name}", default)

    def how(self, name: str, unstated: str) -> str:
        """The form of a charge; a rulebook without its number need not state one."""
        stated = f"form.{name}" in self.parameters or f"reading.{name}" in self.parameters
        return form(self.parameters, name) if stated else unstated


Builder = Callable[[str, Market, Numbers], Charge]


def charges_of(names: Sequence[str], market: Market, numbers: Numbers) -> tuple[Charge, ...]:
    """The named charges of a pool, in the member's order."""
    return tuple(BUILDERS[name](name, market, numbers) for name in names)


def _plain(name: str, market: Market, shape: str, gross: Floats, known: bool) -> Charge:
    nothing = np.full(len(market.part), -1, np.int32)
    return Charge(name, shape, gross, np.zeros(len(gross)), nothing, np.zeros(0), known)


def _futures(name: str, market: Market, numbers: Numbers) -> Charge:
    """Share of the index notional of every future and perpetual."""
    rate, known = numbers.rate("futures_factor")
    future = is_kind(market.part, *_FUTURES)
    return _plain(name, market, "gross", np.where(future, market.notional * rate, 0.0), known)


def _grouped(codes: Ints | Longs, counts: Bools) -> Ints:
    """Codes of 0 and more made dense, in rising order; -1 where a row does not count."""
    found = np.bincount(codes[counts]) > 0
    dense = np.cumsum(found, dtype=np.int32) - np.int32(1)
    if not len(dense):
        return np.full(len(codes), -1, np.int32)
    return np.where(counts, dense[np.minimum(codes, len(dense) - 1)], np.int32(-1))


def _one_group(counts: Bools) -> Ints:
    """Every row that counts in one group."""
    return np.where(counts, np.int32(0), np.int32(-1))


def _short_options(name: str, market: Market, numbers: Numbers) -> Charge:
    """Share of the index for each short option: by contract, net by strike, or net of them all."""
    rate, known = numbers.rate("option_factor")
    option = is_kind(market.part, Kind.OPTION)
    each = np.where(option, market.notional * rate, 0.0)
    by = numbers.how("short_option", "contract")
    if by == "contract":
        return _plain(name, market, "short", each, known)
    run = _one_group(option)
    if by == "strike":
        run = _grouped(np.unique(market.part.strike, return_inverse=True)[1], option)
    return _group(
        "net_short", name, market, each, run, np.ones(int(run.max(initial=-1)) + 1), known
    )


def _group(
    shape: str, name: str, market: Market, size: Floats, run: Ints, rate: Floats, known: bool
) -> Charge:
    return Charge(name, shape, np.zeros(len(market.part)), size, run, rate, known)


def _terms(market: Market, counts: Bools, own_zero: bool) -> tuple[Ints, Floats]:
    """Groups of rows by expiry in order of time, and the days of each; undated ones are at 0."""
    days = market.life_days()
    expiry = market.part.expiry
    # Rank of each expiry's time, from 1 on; 0 is what has none.
    times = np.array([key[3] for key in market.part.expiries], np.int64)
    rank = np.append(np.unique(times, return_inverse=True)[1] + 1, 0)
    chosen = counts & (own_zero | (expiry >= 0))
    run = _grouped(rank[expiry], chosen)
    at = np.zeros(int(run.max(initial=-1)) + 1)
    at[run[chosen]] = days[chosen]
    return run, at


def _vega_spread(name: str, market: Market, numbers: Numbers) -> Charge:
    """Options hedged across expiries: share of the index for each day between them."""
    rate, known = numbers.rate("vega_spread_factor")
    option = is_kind(market.part, Kind.OPTION)
    run, at = _terms(market, option, own_zero=False)
    size = np.where(option, market.notional, 0.0)
    return _group("spread", name, market, size, run, at * rate, known)


def _basis(name: str, market: Market, numbers: Numbers) -> Charge:
    """Delta by expiry x a rate a year: of each expiry for its life, or hedged across expiries."""
    rate, known = numbers.rate("basis_rate_annual")
    derivative = market.coins != 0.0
    run, at = _terms(market, derivative, own_zero=True)
    size = market.delta * market.index_usd
    shape = "spread" if numbers.how("basis", "hedged") == "hedged" else "net"
    return _group(shape, name, market, size, run, at * rate / _YEAR_DAYS, known)


def _depeg(name: str, market: Market, numbers: Numbers) -> Charge:
    """Delta hedged between settlement currencies: share of the index."""
    rate, known = numbers.rate("depeg_factor")
    part = market.part
    # By name: a table may hold an account several times, each copy with codes of its own.
    _, of_name = np.unique(np.array(part.names), return_inverse=True)
    run = _grouped(of_name[part.settle], market.coins != 0.0)
    each = market.delta * market.index_usd * rate
    return _group("hedged", name, market, each, run, np.ones(1), known)


def _roll(name: str, market: Market, numbers: Numbers) -> Charge:
    """Delta hedged between maturities: share of the index."""
    rate, known = numbers.rate("roll_factor")
    run, _ = _terms(market, market.coins != 0.0, own_zero=True)
    each = market.delta * market.index_usd * rate
    return _group("hedged", name, market, each, run, np.ones(1), known)


def _min_delta(name: str, market: Market, numbers: Numbers) -> Charge:
    """Least charge: shares of the index on the net delta and on the hedged one."""
    u, known = numbers.rate("unhedged_factor")
    h, also = numbers.rate("hedged_factor")
    each = market.delta * market.index_usd
    run = _one_group(market.coins != 0.0)
    rate = np.array([u, h])
    return Charge(name, "min_delta", np.abs(each), each, run, rate, known and also)


def _liquidity(name: str, market: Market, numbers: Numbers) -> Charge:
    """Cost to leave: shares of the index notional of futures and of options."""
    option = is_kind(market.part, Kind.OPTION)
    of_option, known = numbers.rate("liquidity_option")
    of_future, also = numbers.rate("liquidity_futures")
    gross = market.notional * np.where(option, of_option, of_future)
    return _plain(name, market, "gross", gross, known and also)


def _concentration(name: str, market: Market, numbers: Numbers) -> Charge:
    """Share of the gross notional beyond a threshold in dollars."""
    rate, known = numbers.rate("concentration_factor")
    threshold = numbers.plain("concentration_threshold_usd", 0.0)
    nothing = np.full(len(market.part), -1, np.int32)
    gross = market.notional
    size = np.zeros(len(gross))
    return Charge(name, "excess", gross, size, nothing, np.array([rate]), known, threshold)


def _fees(name: str, market: Market, numbers: Numbers) -> Charge:
    """Taker fees to leave; an option's is at most a share of its mark."""
    part, view = market.part, market.view
    option = is_kind(part, Kind.OPTION)
    of_future, known = numbers.rate("fee_futures")
    of_option, also = numbers.rate("fee_option")
    cap = numbers.plain("fee_option_cap", 1.0)
    dollars = np.where(part.inverse, market.index_usd, market.settle_usd)
    mark_usd = np.where(option, view.mark * dollars * part.multiplier, 0.0)
    notional = market.notional
    each = np.where(option, np.minimum(notional * of_option, mark_usd * cap), notional * of_future)
    return _plain(name, market, "gross", each, known and also)


def _floor(name: str, market: Market, numbers: Numbers) -> Charge:
    """Floors: a share of the notional of the futures, coins for each short option."""
    of_future, known = numbers.rate("outright_floor")
    of_option, also = numbers.rate("option_floor")
    part = market.part
    option, future = is_kind(part, Kind.OPTION), is_kind(part, *_FUTURES)
    gross = np.where(future, market.notional * of_future, 0.0)
    short = np.where(option, market.notional * of_option, 0.0)
    pair = (
        _plain(name, market, "gross", gross, known),
        _plain(name, market, "short", short, also),
    )
    return Charge(
        name,
        "sum",
        pair[0].gross,
        pair[0].size,
        pair[0].run,
        pair[0].rate,
        known and also,
        0.0,
        pair,
    )


def _everything(name: str, market: Market, numbers: Numbers) -> Charge:
    """A component that the venue has and does not publish: any derivative may be charged."""
    del numbers
    return _plain(name, market, "gross", np.where(market.coins != 0.0, 1.0, 0.0), known=False)


BUILDERS: Mapping[str, Builder] = {
    "futures_contingency": _futures,
    "option_contingency": _short_options,
    "vega_spread": _vega_spread,
    "basis": _basis,
    "depeg": _depeg,
    "roll": _roll,
    "min_delta": _min_delta,
    "liquidity": _liquidity,
    "concentration": _concentration,
    "fees": _fees,
    "floor": _floor,
    "unpublished": _everything,
}


# ---------------------------------------------------------------- the book as it is


def evaluated(charge: Charge, held: PoolBook) -> Floats:
    """[A] dollars of a charge on the books as they stand; what is not known is weighed with 1."""
    accounts = len(held.row) - 1
    if charge.shape == "sum":
        return np.asarray(sum(evaluated(part, held) for part in charge.parts))
    rows = (held.row, held.column, held.quantity)
    if charge.shape in ("gross", "excess", "short"):
        found = row_sums(*rows, charge.gross[:, None], trusted=True)
        short = -found.short[:, 0]
        if charge.shape == "short":
            return short
        gross = found.long[:, 0] + short
        return gross if charge.shape == "gross" else _excess(charge, gross)
    found_runs = sums(*rows, charge.run, charge.size[:, None], trusted=True)
    groups = max(charge.groups, 1)
    cell = found_runs.row.astype(np.int64) * groups + found_runs.run
    net = by_row(cell, found_runs.net[:, 0], accounts * groups).reshape(accounts, groups)
    gross = np.zeros(accounts)
    if charge.shape == "min_delta":
        both = row_sums(*rows, charge.gross[:, None], trusted=True)
        gross = both.long[:, 0] - both.short[:, 0]
    return _of_nets(charge, net, net, gross)


def _excess(charge: Charge, gross: Floats) -> Floats:
    return np.asarray(np.maximum(gross - charge.threshold, 0.0) * charge.rate[0])


def _total(cells: Floats) -> Floats:
    """[A] sums of rows, added from the left."""
    out = np.zeros(len(cells))
    for g in range(cells.shape[1]):
        out = out + cells[:, g]
    return out


def _of_nets(charge: Charge, high: Floats, low: Floats, gross: Floats) -> Floats:
    """[A] the most that a charge can be while each group's net lies between ``low`` and ``high``.

    With ``high`` = ``low`` it is the charge itself, to the bit.
    """
    if charge.groups == 0:
        return np.zeros(len(high))
    reach_of = np.maximum(np.abs(high), np.abs(low))
    if charge.shape == "net":
        return _total(reach_of * charge.rate)
    if charge.shape == "net_short":
        return _total(np.maximum(-low, 0.0) * charge.rate)
    if charge.shape == "hedged":
        long, short = _total(np.maximum(high, 0.0)), _total(np.maximum(-low, 0.0))
        return np.asarray(np.minimum(long, short) * charge.rate[0])
    if charge.shape == "min_delta":
        u, h = charge.rate.tolist()
        size = reach_of[:, 0]
        # The net counts only where it costs more than it hedges.
        if high is not low:
            u = max(u, h / 2.0)
        return np.asarray(u * size + h * np.maximum(gross - size, 0.0) / 2.0)
    if charge.groups < 2:  # one expiry: nothing is hedged across
        return np.zeros(len(high))
    before = [np.cumsum(side, axis=1)[:, :-1] for side in (high, low)]
    after = [np.cumsum(side[:, ::-1], axis=1)[:, ::-1][:, 1:] for side in (high, low)]
    long_first = np.minimum(np.maximum(before[0], 0.0), np.maximum(-after[1], 0.0))
    short_first = np.minimum(np.maximum(-before[1], 0.0), np.maximum(after[0], 0.0))
    flow = np.zeros((len(high), charge.groups + 1))
    flow[:, 1:-1] = np.maximum(long_first, short_first)
    # By parts: an expiry in which the account holds nothing adds an exact zero.
    return np.maximum(_total((flow[:, :-1] - flow[:, 1:]) * charge.rate), 0.0)


# ---------------------------------------------------------------- with the worst fills


def worst_filled(charge: Charge, held: PoolBook, fills: Fills) -> Floats:
    """[A] the charge at the fills that are worst for it: never less than after any of them."""
    if not charge.known:
        return np.zeros(len(held.row) - 1)
    if charge.shape == "sum":
        return np.asarray(sum(worst_filled(part, held, fills) for part in charge.parts))
    gross = np.zeros(len(held.row) - 1)
    if charge.shape in ("gross", "excess", "short", "min_delta"):
        table = charge.gross[:, None]
        now = row_sums(held.row, held.column, held.quantity, table, trusted=True)
        more = row_sums(fills.row, fills.column, fills.size, table, trusted=True)
        short = -(now.short + more.short)[:, 0]
        if charge.shape == "short":
            return short
        gross = (now.long + more.long)[:, 0] + short
        if charge.shape == "gross":
            return gross
        if charge.shape == "excess":
            return _excess(charge, gross)
    _, high, low = reach(held, fills, charge.run, charge.size)
    return _of_nets(charge, high, low, gross)
