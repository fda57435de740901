"""Small books for margins by Greeks and delta, and what they need by plain loops.

Nothing of the package's pricing or netting is used by the twins: Greeks are textbook formulas, the
revaluation is a second Black-76, sums are Python's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, pi, sqrt
from typing import Any

import numpy as np

from crossmargin.conformance.world import World, view_of
from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS, NEVER_MS, YEAR_MS, utc_ms
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Parameters, Requirement, model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay
from tests.oracle.black import normal_cdf
from tests.oracle.black import price as black

AS_OF_MS = utc_ms(2026, 12, 1, 8)
INDEX = {"BTC": 70_000.0, "ETH": 2_000.0}
PERP = Instrument("deribit", "perp", Kind.PERPETUAL, "BTC", "USD", "USD")
INVERSE = Instrument("deribit", "inverse", Kind.PERPETUAL, "BTC", "USD", "BTC", True)
COIN = Instrument("deribit", "BTC", Kind.ASSET, "BTC", "USD", "BTC")
MONEY = Instrument("deribit", "USD", Kind.ASSET, "USD", "USD", "USD")
ETH_PERP = replace(PERP, native_id="eth perp", underlying="ETH")


def option(strike: float, days: float = 30.0, right: int = 1, **more: Any) -> Instrument:
    """A linear option on BTC, or what ``more`` makes of it."""
    when = AS_OF_MS + round(days * DAY_MS)
    own = Instrument(
        "deribit", "", Kind.OPTION, "BTC", "USD", "USD", False, 1.0, right, strike, when
    )
    own = replace(own, **more)
    letter = "C" if right > 0 else "P"
    name = f"{own.underlying}-{own.settle}-{days:g}-{strike!r}-{letter}"
    return replace(own, native_id=name)


def future(days: float, **more: Any) -> Instrument:
    """A linear future on BTC, or what ``more`` makes of it."""
    own = replace(PERP, kind=Kind.FUTURE, expiry_ms=AS_OF_MS + round(days * DAY_MS), **more)
    return replace(own, native_id=f"{own.underlying}-{own.settle}-{days:g}")


def call_at(d1: float, vol: float, days: float = 30.0) -> Instrument:
    """The call with that d1 on a flat forward: its delta is N(d1)."""
    spread = vol * sqrt(days / 365.0)
    return option(INDEX["BTC"] * exp(0.5 * spread * spread - d1 * spread), days)


def flat_world(items: list[Instrument], vol: float = 0.6) -> World:
    """A market of flat forwards at the index, one vol, marks at the model, dollars of one."""
    world = view_of(items)
    table = world.instruments
    index = np.array([INDEX.get(pair[0], 1.0) for pair in table.pairs])
    forward = np.array([INDEX[key[0]] for key in table.expiries])
    vols = np.where(table.kind == Kind.OPTION, vol, 0.0)
    mark = []
    for item in table.items:
        spot = INDEX.get(item.underlying, 0.0)
        if item.kind == Kind.OPTION:
            years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
            value = black(item.right, spot, item.strike, vol, years)
            mark.append(value / spot if item.inverse else value)
        else:
            mark.append(0.0 if item.kind == Kind.ASSET else spot)
    usd = [INDEX.get(name, 1.0) for name in table.names]
    view = replace(
        world.view,
        index=frozen(index, np.float64),
        usd=frozen(usd, np.float64),
        forward=frozen(forward, np.float64),
        vol=frozen(vols, np.float64),
        mark=frozen(mark, np.float64),
    )
    return World(table, view)


def required(
    model: str,
    held: dict[Instrument, float],
    changes: dict[str, Any] | None = None,
    *,
    vol: float = 0.6,
    orders: list[tuple[Instrument, int, float, float]] | None = None,
) -> Requirement:
    """The requirement of one account; ``orders`` are (contract, side, size, limit)."""
    extra = [order[0] for order in orders or []]
    world = flat_world(list(dict.fromkeys([*held, *extra])), vol)
    place = world.instruments.index_of()
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    resting = [Order("a", place[o[0].key], *o[1:]) for o in orders or []]
    book = Book.of(world.instruments, lines, resting, accounts=("a",))
    return run(book, world.view, model_named(model), parameters(model, changes))


def parameters(model: str, changes: dict[str, Any] | None = None) -> Parameters:
    """The shipped set with some numbers changed."""
    found = parameters_for(model_named(model), AS_OF_MS)
    return overlay(found, changes, "test") if changes else found


def cell(found: Requirement, name: str) -> float:
    """A column of the only row."""
    assert len(found.sheet) == 1
    return float(found.sheet[name][0])


# ---------------------------------------------------------------- the twin of the expansion


@dataclass
class Six:
    """Dollar Greeks of one contract, by textbook formulas."""

    delta: float
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    vanna: float = 0.0
    volga: float = 0.0


@dataclass
class Row:
    """One row of the table with what the twin needs of the market."""

    item: Instrument
    quantity: float
    index: float
    ahead: float
    usd: float
    vol: float
    years: float

    @property
    def unit(self) -> float:
        """Dollars per unit of the Black-76 value."""
        own = self.index / self.ahead if self.item.inverse else self.usd
        return self.item.multiplier * own

    def value(self, move: float = 0.0, factor: float = 1.0, passed: float = 0.0) -> float:
        """Dollars of one option after a shift."""
        left = max(self.years - passed, 0.0)
        forward = self.ahead * (1.0 + move)
        right, strike = self.item.right, self.item.strike
        return self.unit * black(right, forward, strike, self.vol * factor, left)

    def full(self, move: float, factor: float, passed: float) -> float:
        """P&L of one unit in full."""
        if self.item.kind == Kind.ASSET:
            return self.index * move
        if self.item.kind == Kind.OPTION:
            return self.value(move, factor, passed) - self.value()
        if self.item.inverse:
            own = self.item.multiplier / self.ahead * (1.0 - 1.0 / (1.0 + move))
            return own * self.index * (1.0 + move)
        return self.item.multiplier * self.ahead * move * self.usd

    def greeks(self) -> Six:
        """Textbook Greeks of one unit in dollars."""
        if self.item.kind == Kind.ASSET:
            return Six(1.0)
        if self.item.kind != Kind.OPTION:
            slope = self.full(0.5, 1.0, 0.0) / 0.5
            return Six(slope / self.index)
        f, k, v, t, c = self.ahead, self.item.strike, self.vol, self.years, self.item.right
        carry = f / self.index
        w = v * sqrt(t)
        if w <= 0.0:
            inside = c * (f - k) >= 0.0
            return Six(self.unit * carry * (c if inside else 0.0))
        d1 = log(f / k) / w + 0.5 * w
        d2 = d1 - w
        hump = exp(-0.5 * d1 * d1) / sqrt(2.0 * pi)
        vega = f * hump * sqrt(t)
        return Six(
            self.unit * carry * c * normal_cdf(c * d1),
            self.unit * carry**2 * hump / (f * w),
            self.unit * vega,
            -self.unit * vega * v / (2.0 * t),
            -self.unit * carry * hump * d2 / v,
            self.unit * vega * d1 * d2 / v,
        )

    def expansion(self, move: float, factor: float, passed: float) -> list[float]:
        """Six terms of one unit."""
        g, ds, dv = self.greeks(), self.index * move, self.vol * (factor - 1.0)
        dt = min(passed, self.years)
        return [
            g.delta * ds,
            0.5 * g.gamma * ds * ds,
            g.vega * dv,
            g.theta * dt,
            g.vanna * ds * dv,
            0.5 * g.volga * dv * dv,
        ]


def rows_of(world: World, book: Book, account: int) -> list[Row]:
    """Rows of coins and contracts on coins that an account holds."""
    view, table = world.view, world.instruments
    out = []
    for j in range(int(book.row[account]), int(book.row[account + 1])):
        k = int(book.column[j])
        item = table.items[k]
        if item.underlying not in INDEX:
            continue
        coin = float(view.usd[table.names.index(item.underlying)])
        pair = float(view.index[table.pair[k]]) * float(view.usd[table.quote[k]])
        index = coin if item.kind == Kind.ASSET else pair
        ahead, years = float(view.mark[k]), 0.0
        if item.expiry_ms != NEVER_MS:
            ahead = float(view.forward[table.expiry[k]])
            years = (item.expiry_ms - view.as_of_ms) / YEAR_MS
        usd = float(view.usd[table.settle[k]])
        vol = float(view.vol[k])
        out.append(Row(item, float(book.quantity[j]), index, ahead, usd, vol, years))
    return out


def vol_scale(years: float, given: Parameters) -> float:
    """(30 / max(days, floor)) ** p."""
    days = years * 365.0
    short = days <= 30.0
    power = given.number(f"general.vega_power_{'short' if short else 'long'}")
    return float((30.0 / max(days, given.number("general.dte_floor_days"))) ** power)


def cells_of(
    coins: list[str], given: Parameters, width: str, days: float
) -> list[tuple[dict[str, float], dict[str, float], float]]:
    """(move by coin, 30-day vol shock by coin, years passed) in the order of the grid."""
    out = []
    for (vol_share,) in given.get("grid.vols"):
        for (share,) in given.get("grid.moves"):
            moves, shocks = {}, {}
            for coin in coins:
                moves[coin] = share * given.number(f"asset.{coin}.{width}")
                side = "up" if vol_share > 0.0 else "down"
                shocks[coin] = vol_share * given.number(f"asset.{coin}.vol_{side}")
            out.append((moves, shocks, days / 365.0))
    return out


def plain_greeks(world: World, book: Book, account: int, given: Parameters) -> dict[str, float]:
    """The sheet of ``greeks`` by plain loops."""
    rows = rows_of(world, book, account)
    coins = sorted({i.underlying for i in world.instruments.items if i.underlying in INDEX})
    cells = cells_of(coins, given, "half_width", 0.0)
    cells += cells_of(coins, given, "half_width", given.number("general.horizon_days"))
    common = given.number("netting.common_share")
    pnl: dict[str, list[dict[str, float]]] = {"taylor": [], "full": []}
    terms: list[list[float]] = []
    for moves, shocks, passed in cells:
        by = {"taylor": dict.fromkeys(coins, 0.0), "full": dict.fromkeys(coins, 0.0)}
        own = [0.0] * 6
        for row in rows:
            coin = row.item.underlying
            factor = max(1.0 + vol_scale(row.years, given) * shocks[coin], 0.0)
            six = row.expansion(moves[coin], factor, passed)
            own = [a + row.quantity * b for a, b in zip(own, six, strict=True)]
            by["taylor"][coin] += row.quantity * sum(six)
            by["full"][coin] += row.quantity * row.full(moves[coin], factor, passed)
        terms.append(own)
        for name, cells_so_far in pnl.items():
            cells_so_far.append(by[name])

    def netted(name: str) -> tuple[float, float, int]:
        whole = [sum(each.values()) for each in pnl[name]]
        together = max(0.0, -min(whole))
        apart = sum(max(0.0, -min(each[coin] for each in pnl[name])) for coin in coins)
        return (
            together,
            together + (1.0 - common) * max(apart - together, 0.0),
            whole.index(min(whole)),
        )

    loss, whole, worst = netted("taylor")
    together, full, _ = netted("full")
    gaps = [
        abs(sum(a.values()) - sum(b.values()))
        for a, b in zip(pnl["taylor"], pnl["full"], strict=True)
        if min(sum(a.values()), sum(b.values())) < 0.0
    ]
    gap = max(gaps, default=0.0)
    limit = max(given.number("check.unsafe_share") * together, given.number("check.least_usd"))
    buffer = 0.0
    for coin in coins:
        gamma = sum(
            r.quantity * r.greeks().gamma * r.index**2 for r in rows if r.item.underlying == coin
        )
        step = given.number("buffer.rehedge_hours") / 24.0
        steps = given.number("general.horizon_days") / step
        sigma, cost = given.number(f"asset.{coin}.sigma_daily"), given.number("buffer.cost")
        buffer += sqrt(2.0 / pi) * cost * sigma * abs(gamma) * sqrt(step) * steps
    return {
        "taylor_loss": loss,
        "netted_loss": whole,
        "full_loss": full,
        "largest_gap": gap,
        "unsafe": float(gap > limit),
        "gamma_buffer": buffer,
        **{
            f"{name}_loss": -part if loss > 0.0 else 0.0
            for name, part in zip(
                ("delta", "gamma", "vega", "theta", "vanna", "volga"), terms[worst], strict=True
            )
        },
    }


# ---------------------------------------------------------------- the twin of the delta


def plain_delta(world: World, book: Book, account: int, given: Parameters) -> dict[str, float]:
    """The charges of ``delta`` by plain loops, black convention and stated rates."""
    out = dict.fromkeys(
        ("net_charge", "hedged_charge", "ladder_charge", "liquidity_charge", "min_delta"), 0.0
    )
    ends = [row[0] for row in given.get("ladder.days")]
    rows = rows_of(world, book, account)
    for coin in sorted({row.item.underlying for row in rows}):
        net: dict[int, float] = {}
        gross = 0.0
        for row in rows:
            if row.item.underlying != coin:
                continue
            bucket = 0
            if row.item.expiry_ms != NEVER_MS:
                days = row.years * 365.0
                bucket = 1 + sum(1 for end in ends if end < days * (1.0 - 1e-12))
            dollars = row.quantity * row.greeks().delta * row.index
            net[bucket] = net.get(bucket, 0.0) + dollars
            gross += abs(dollars)
        own, bare = abs(sum(net.values())), sum(abs(x) for x in net.values())
        table = f"asset.{coin}"
        out["net_charge"] += given.number(f"{table}.net_rate") * own
        out["hedged_charge"] += given.number("charge.hedged") * (gross - bare) / 2.0
        out["ladder_charge"] += given.number("charge.across") * (bare - own) / 2.0
        strength = given.number("liquidity.impact") * given.number(f"{table}.sigma_daily")
        share = sqrt(own / given.number(f"{table}.turnover_usd"))
        out["liquidity_charge"] += strength * own * share
        floor = given.number("floor.net") * own + given.number("floor.hedged") * (gross - own) / 2.0
        out["min_delta"] += floor
    return out
