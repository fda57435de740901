"""What the verb frontier reads: prices, bounds by name, holdings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.mean_variance import Frontier
from crossmargin.decisions.portfolio_choice import Method
from crossmargin.decisions.weight_limits import Distance, WeightLimits, weight_limits
from crossmargin.interfaces.sources import MarketLike, snapshot_of
from crossmargin.venues.market_text import number, read_csv
from crossmargin.venues.price_table import PriceTable, common_period, read_prices

__all__ = [
    "CASH",
    "Holdings",
    "Limits",
    "Prices",
    "holdings_of",
    "limits_of",
    "prices_of",
    "refuse_out_of_reach",
]

CASH = "USD"  # a row of the holdings that is money and no asset
DAY_MS = 86_400_000
Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Prices:
    """A common period of prices; ``periods``: steps a year of a market that never closes."""

    table: PriceTable
    left_out: int
    periods: float
    step_days: float
    source: str
    sha256: str

    @property
    def returns(self) -> Floats:
        """Simple returns ``[T - 1, n]``."""
        return np.asarray(self.table.price[1:] / self.table.price[:-1] - 1.0)


@dataclass(frozen=True, slots=True)
class Holdings:
    """``quantity[n]`` of each asset, ``cash`` and ``value`` in dollars, ``weight[n]`` of it."""

    quantity: Floats
    cash: float
    value: float
    weight: Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """What was asked of the weights, by name where it differs; see :func:`limits_of`."""

    low: float | None = None
    high: float | None = None
    bounds: Bounds | None = None
    turnover: float | None = None
    cost_bp: float = 0.0
    hold: float = 30.0


def prices_of(
    prices: str | Path | None,
    history: MarketLike | None,
    assets: Sequence[str] | None,
    last: int | None,
    periods: float | None,
) -> Prices:
    """The file of prices, or the history of a snapshot, cut to what the assets have in common."""
    if (prices is None) == (history is None):
        raise InputError(
            "option_unknown",
            "prices come from one place",
            place="PRICES, --history",
            limit="a file of prices, or --history SNAPSHOT",
            remedy="Give one of them.",
        )
    whole = _history(history, assets) if prices is None else read_prices(str(prices), assets)
    table, left_out = common_period(whole)
    if last is not None:
        if last < 3:
            raise InputError(
                "number_out_of_range", "too few rows", place="--last", value=last, limit=">= 3"
            )
        left_out += max(len(table.times_ms) - last, 0)
        table = PriceTable(table.names, table.times_ms[-last:], table.price[-last:])
    step = float(np.median(np.diff(table.times_ms))) / DAY_MS
    year = 365.0 / step if periods is None else periods
    if not (np.isfinite(year) and year > 0.0):
        raise InputError(
            "number_out_of_range", "periods a year", place="--periods", value=year, limit="> 0"
        )
    source = prices if prices is not None else history
    name = Path(source).name if isinstance(source, str | Path) else "given"
    sha = hashlib.sha256("\x1f".join(table.names).encode())
    sha.update(np.ascontiguousarray(table.times_ms).tobytes())
    sha.update(np.ascontiguousarray(table.price).tobytes())
    return Prices(table, left_out, year, step, name, sha.hexdigest())


def _history(source: MarketLike | None, assets: Sequence[str] | None) -> PriceTable:
    from crossmargin.market.history import histories_of

    assert source is not None
    snapshot = snapshot_of(source)
    found = histories_of(snapshot.values("past_price"), {}, snapshot.as_of_ms)
    names = tuple(found) if assets is None else tuple(dict.fromkeys(assets))
    absent = [name for name in names if name not in found]
    if absent or not names:
        raise InputError(
            "option_unknown",
            "the market holds no history of an asset",
            place="--history",
            value=", ".join(absent),
            limit=", ".join(found) or "a snapshot with earlier prices",
            remedy="Import one with `market import --history`.",
        )
    times = sorted({int(at) for name in names for at in found[name].times_ms})
    row = {at: i for i, at in enumerate(times)}
    price = np.full((len(times), len(names)), np.nan)
    for column, name in enumerate(names):
        for at, value in zip(found[name].times_ms.tolist(), found[name].price, strict=True):
            price[row[at], column] = value
    return PriceTable(names, np.array(times, np.int64), price)


def holdings_of(
    current: str | Path | Mapping[str, float] | None, prices: Prices
) -> Holdings | None:
    """Quantities by asset (a mapping, or a CSV with the columns asset and quantity)."""
    if current is None:
        return None
    given = dict(current) if isinstance(current, Mapping) else _read_holdings(current)
    names = prices.table.names
    unknown = [name for name in given if name not in names and name != CASH]
    if unknown:
        raise InputError(
            "option_unknown",
            "an asset is held that has no prices here",
            place="--current",
            value=", ".join(unknown),
            limit=f"{', '.join(names)}, and {CASH} for money",
            remedy="Add its prices, or leave it out.",
        )
    quantity = np.array([float(given.get(name, 0.0)) for name in names])
    cash = 0.0 if CASH in names else float(given.get(CASH, 0.0))
    worth = quantity * prices.table.price[-1]
    value = float(worth.sum()) + cash
    if not (np.isfinite(value) and value > 0.0):
        raise InputError(
            "number_out_of_range",
            "the holdings are worth nothing",
            place="--current",
            value=value,
            limit="above 0 USD",
            remedy=f"Add money as a row {CASH}.",
        )
    return Holdings(quantity, cash, value, worth / value)


def _read_holdings(path: str | Path) -> dict[str, float]:
    if not Path(path).is_file():
        raise InputError(
            "file_unreadable",
            "there is no such file of holdings",
            place="--current",
            value=str(path),
            limit="FILE.csv with the columns asset and quantity",
            remedy="Write the holdings into a file: asset,quantity and a line for each.",
        )
    table, name = read_csv(path), Path(path).name
    if not {"asset", "quantity"} <= set(table.columns):
        raise InputError(
            "column_missing",
            "holdings have an asset and a quantity",
            place=name,
            value=", ".join(table.columns)[:120],
            limit="asset, quantity",
        )
    out: dict[str, float] = {}
    for line, cells in enumerate(table.rows, start=2):
        value = number(cells["quantity"], f"{name} line {line}")
        if value is None or cells["asset"] in out:
            raise InputError(
                "duplicate_row" if value is not None else "number_unreadable",
                "one row with a quantity an asset",
                place=f"{name} line {line}",
                value=cells["asset"],
            )
        out[cells["asset"]] = value
    return out


def limits_of(asked: Limits, names: Sequence[str], held: Holdings | None) -> WeightLimits:
    """Bounds of all, bounds by name over them; turnover and costs from what is held.

    ``cost_bp`` basis points one way are paid once and spread over ``hold`` periods of return.
    """
    n = len(names)
    low, high = (
        np.full(n, v) for v in (asked.low or 0.0, 1.0 if asked.high is None else asked.high)
    )
    for name, (least, most) in (asked.bounds or {}).items():
        if name not in names:
            raise InputError(
                "option_unknown",
                "a bound of an asset that has no prices",
                place="--bound",
                value=name,
                limit=", ".join(names),
            )
        low[list(names).index(name)], high[list(names).index(name)] = least, most
    distances = []
    if asked.turnover is not None or asked.cost_bp:
        if held is None:
            raise InputError(
                "option_unknown",
                "turnover and costs count from what is held",
                place="--turnover, --cost-bp",
                limit="--current with them",
                remedy="Give the holdings.",
            )
        if not (asked.hold > 0.0 and np.isfinite(asked.hold)):
            raise InputError("number_out_of_range", "--hold", value=asked.hold, limit="> 0")
        most = np.inf if asked.turnover is None else asked.turnover
        cost = np.full(n, asked.cost_bp / 1e4 / asked.hold)
        distances.append(Distance(held.weight, most, cost))
    return weight_limits(n, low=low, high=high, distances=distances)


def refuse_out_of_reach(line: Frontier, way: Method, periods: float) -> None:
    """A point that the frontier does not have, in the yearly figures in which it was asked for.

    InputError ``number_out_of_range``: no portfolio earns the target or more than the risk-free
    return, or none has so little risk. Every mean below the risk-free return is the usual case.
    """
    most, least = float(line.mean[0]), float(line.variance[-1])
    target = 0.0 if way.target is None else way.target
    if way.name == "max-sharpe" and most <= way.risk_free:
        message = "no portfolio within the limits earns more than the risk-free return"
        place, value = "--risk-free", way.risk_free * periods
        limit = f"below {most * periods:.6g} a year, the most return"
        remedy = "Hold the risk-free asset, or take --method min-variance or risk-parity."
    elif way.name == "target-return" and target > most + 1e-12 * abs(most):
        message = "no portfolio within the limits earns so much"
        place, value = "--target", target * periods
        limit = f"{most * periods:.6g} a year or less"
        remedy = "Lower the target, or loosen the bounds."
    elif way.name == "target-volatility" and target * target < least * (1.0 - 1e-10):
        message = "no portfolio within the limits has so little risk"
        year = float(np.sqrt(periods))
        place, value = "--target", year * target
        limit = f"{year * float(np.sqrt(least)):.6g} a year or more"
        remedy = "Raise the target, or loosen the bounds."
    else:
        return
    raise InputError(
        "number_out_of_range",
        message,
        place=place,
        value=float(f"{value:.9g}"),
        limit=limit,
        remedy=remedy,
    )
