"""What a margin by Greeks shows of one account: net Greeks, and the error scenario by scenario."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.families.expiry_ladder import bucket_labels, bucket_of, ladder_days
from crossmargin.margin.families.greeks_calibration import width_by_history
from crossmargin.margin.families.greeks_error import gaps, limit_of
from crossmargin.margin.families.greeks_grid import Grid, expanded_pnl, shift_terms
from crossmargin.margin.families.whole_account import DollarMarket, dollar_risk
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.pricing.netting import net
from crossmargin.pricing.taylor import TERMS

__all__ = ["greeks_tables", "net_by_bucket"]

_DAYS_A_YEAR = 365.0
_POINT = 0.01

_GREEKS = (
    ("coin", "Coin", "name"),
    ("bucket", "Expiry", "text"),
    ("delta_coins", "Delta, coins", "quantity"),
    ("gamma_coins_per_percent", "Gamma, coins a 1 % move", "quantity"),
    ("vega_usd_per_point", "Vega a point", "amount"),
    ("theta_usd_per_day", "Theta a day", "amount"),
    ("vanna_coins_per_point", "Vanna a point, coins", "quantity"),
    ("volga_usd_per_point2", "Volga a point squared", "amount"),
)
_WIDTHS = (
    ("coin", "Coin", "name"),
    ("stated_fraction", "Half-width stated", "fraction"),
    ("by_history_fraction", "By the history", "fraction"),
    ("sigma_daily_fraction", "Sigma a day", "fraction"),
    ("largest_move_fraction", "Largest move", "fraction"),
    ("days", "Days", "count"),
)
_ERRORS = (
    ("scenario", "Scenario", "text"),
    ("expansion_usd", "Expansion", "amount"),
    ("full_usd", "Full revaluation", "amount"),
    ("error_usd", "Expansion less full", "amount"),
    ("error_fraction", "Error of full loss", "fraction"),
    ("verdict", "Verdict", "text"),
)


def greeks_tables(priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
    """The tables of the one account of a block; coins at risk are lines of ``held``."""
    if len(held.row) != 2 or not len(held.column):
        return ()
    grid: Grid = priced.facts["grid"]
    risk = priced.risk
    assert risk is not None  # set by price()
    limit = 100.0 * parameters.number("check.unsafe_share")
    note = f"unsafe: a loss is at stake and the error exceeds {limit:g} % of the worst full loss"
    near = _errors(held, grid, priced.facts["taylor"], risk.pnl, parameters)
    far = _probes(priced, held, parameters)
    return (
        Detail("net_greeks", "Net Greeks", _GREEKS, net_by_bucket(priced, held, parameters)),
        Detail(
            "taylor_errors", "Expansion and full revaluation, by scenario", _ERRORS, near, (note,)
        ),
        Detail(
            "taylor_probes",
            "Far moves, judged and not margined",
            _ERRORS,
            far,
            ("nothing is margined beyond the grid: an expansion means nothing out here", note),
        ),
        Detail(
            "grid_widths",
            "Half-widths of the grid, stated and by the market's history",
            _WIDTHS,
            _widths(priced, parameters),
            ("the stated width is margined; the other shows whether it has grown too narrow",),
        ),
    )


def _widths(priced: Priced, parameters: Parameters) -> tuple[tuple[str | float | None, ...], ...]:
    """The stated width of each coin, and what the market's own history would make of it."""
    out: list[tuple[str | float | None, ...]] = []
    for coin in priced.facts["greeks"].coins:
        stated = parameters.number(f"asset.{coin}.half_width")
        found = width_by_history(priced.view.history, coin, parameters)
        if found is None:
            out.append((coin, stated, None, None, None, None))
        else:
            width, days = found
            made = (width.half_width, width.sigma_daily, width.stress, days)
            out.append((coin, stated, *made))
    return tuple(out)


def net_by_bucket(
    priced: Priced, held: PoolBook, parameters: Parameters
) -> tuple[tuple[str | float, ...], ...]:
    """Net Greeks of one account by coin and expiry bucket that it holds, and by coin."""
    greeks: DollarGreeks = priced.facts["greeks"]
    market: DollarMarket = priced.facts["market"]
    days = ladder_days(parameters)
    labels, bucket = bucket_labels(days), bucket_of(market, days)
    column, quantity = held.column, held.quantity
    out: list[tuple[str | float, ...]] = []
    for u, coin in enumerate(greeks.coins):
        percent = _POINT * float(greeks.index_usd[greeks.group == u].max())
        scale = (1.0, percent, _POINT, 1.0 / _DAYS_A_YEAR, _POINT, _POINT * _POINT)
        mine = (greeks.group[column] == u) & (quantity != 0.0)
        held_buckets = np.unique(bucket[column[mine]]).tolist()
        chosen = [(labels[code], mine & _at(bucket, held, code)) for code in held_buckets]
        if len(held_buckets) > 1:
            chosen.append(("all", mine))
        out += [(coin, name, *_sums(greeks, held, which, scale)) for name, which in chosen]
    return tuple(out)


def _at(bucket: np.ndarray, held: PoolBook, code: int) -> Bools:
    return np.asarray(bucket[held.column] == code)


def _sums(
    greeks: DollarGreeks, held: PoolBook, chosen: Bools, scale: tuple[float, ...]
) -> tuple[float, ...]:
    """Sums of the six Greeks over chosen positions, added in order, in the units of the table."""
    size, column = held.quantity[chosen], held.column[chosen]
    found = []
    for name, factor in zip(TERMS, scale, strict=True):
        values = size * getattr(greeks.expansion, name)[column]
        found.append(factor * sum(values.tolist(), 0.0))
    return tuple(found)


def _errors(
    held: PoolBook, grid: Grid, expansion: Floats, full: Floats, parameters: Parameters
) -> tuple[tuple[str | float | None, ...], ...]:
    """One line a scenario of the one account."""
    count = len(grid)
    where = (held.row, held.column, held.quantity)
    first, second = (net(*where, pnl)[:, :count] for pnl in (expansion, full))
    together = np.maximum(-second.min(axis=1), 0.0)
    gap, limit = gaps(first, second)[0], float(limit_of(together, parameters)[0])
    worst = float(together[0])
    return tuple(
        (
            grid.scenarios.label[s],
            float(first[0, s]),
            float(second[0, s]),
            float(first[0, s] - second[0, s]),
            float(first[0, s] - second[0, s]) / worst if worst > 0.0 else None,
            "unsafe" if gap[s] > limit else "",
        )
        for s in range(count)
    )


def _probes(
    priced: Priced, held: PoolBook, parameters: Parameters
) -> tuple[tuple[str | float | None, ...], ...]:
    grid: Grid = priced.facts["probes"]
    market: DollarMarket = priced.facts["market"]
    expansion, _ = expanded_pnl(shift_terms(market, priced.facts["greeks"], grid))
    return _errors(held, grid, expansion, dollar_risk(market, grid.scenarios).pnl, parameters)
