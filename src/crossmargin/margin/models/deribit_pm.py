"""Deribit portfolio margin: segregated (S:PM) and cross (X:PM).

    standard table   9 price buckets m = R k/4 (k = -4..4) x vol up, same, down: 27 numbers
    extended table   -66 -33 +50 +100 +200 +300 +400 +500 %, vol up; delta-one clamped at +-R,
                     options x factor x R/|m| (coin: x (1+m)/(1+sgn R)), then the dampener
    offset           per currency: gains x pnl_offset, at most max_offsetable_pnl
    worst_case       -min(27 + 8 numbers, 0), rounded to nine places
    roll_shock       sum over expiries of max(exp(AMR T) - 1, min move) |delta_expiry|
    delta_shock      |D*| min(m_inc max(|D*| - threshold/I, 0), max): long options reduce, never add
    risk_matrix      worst_case + delta_shock + roll_shock + correlation_contingency
    IM = risk_matrix + open orders + maker protection + spot, rounded to nine places
    MM = 0.8 risk_matrix

Segregated: one pool a settlement currency, in coin. Cross: one pool in dollars at the *shocked*
index, in which the equity of a coin is itself a delta position.
Source: the venue's API reference, change log and help pages; third-party rewrites where marked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.deribit_common import (
    coin_size,
    days_to_expiry,
    has_other_orders,
    hold,
    margin_delta,
    mmp_hold,
    settlement_decay,
)
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.model import Bound, Plan, Pool, PoolAnswer, PoolBook, Priced
from crossmargin.margin.models.deribit_pm_rules import CROSS, SEGREGATED
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_net, fold_tables, fold_worst
from crossmargin.pricing.revalue import padded
from crossmargin.pricing.sums import row_sums, sums
from crossmargin.scenarios.risk_array import RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = ["DeribitPM"]

_BUCKETS = 4
_STANDARD = 3 * (2 * _BUCKETS + 1)
_EXTENDED_MOVES = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
_NO_CAP = 1e300


@final
class DeribitPM:
    """One class for both modes: ``cross`` chooses the pool and its currency."""

    def __init__(self, *, cross: bool) -> None:
        self.cross = cross
        self.spec = CROSS if cross else SEGREGATED

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Segregated: a pool per settlement currency. Cross: one pool."""
        settles = sorted({item.settle for item in instruments.items})
        if self.cross:
            everything = np.arange(len(instruments), dtype=np.int32)
            pools: tuple[Pool, ...] = (
                _pool(instruments, everything, "account", "USD", tuple(settles)),
            )
        else:
            codes = instruments.settle
            pools = tuple(
                _pool(
                    instruments,
                    np.flatnonzero(codes == instruments.names.index(name)).astype(np.int32),
                    name,
                    name,
                    (name,),
                )
                for name in settles
            )
        for pool in pools:
            for name in pool.facts["bases"]:
                if f"pair.{name}.price_range" not in parameters:
                    raise _no_parameters(name, parameters)
        return Plan(pools, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array and delta columns of a pool."""
        table = _Table(pool, view, parameters)
        scenarios = table.scenarios()
        raw = price(pool.instruments, view, scenarios, view.mark)
        unit = table.conversion(self.cross)
        pnl = raw.pnl * padded(unit)
        worth = _worth(pool, view, cross=self.cross)
        if self.cross:
            _equity_rows(pnl, pool, view, table)
        delta = margin_delta(pool.instruments, view)
        option = is_kind(pool.instruments, Kind.OPTION)
        columns = {
            "delta": delta,
            "long_option_delta": np.where(option & (delta > 0), delta, 0.0),
            "short_option_delta": np.where(option & (delta < 0), delta, 0.0),
            "future_delta": np.where(option, 0.0, delta),
        }
        bases = pool.facts["bases"]
        usd_per_unit = 1.0 if self.cross else _usd_of(pool, view)
        facts = {
            "fold": fold_tables(
                pnl.shape[1],
                pool.facts["base_run"],
                _per_base(parameters, bases, "currency", "pnl_offset"),
                np.ones(len(bases)),
                _caps(bases, parameters, 1.0 if self.cross else usd_per_unit),
                table.dead(self.cross),
            ),
            "roll": table.roll_rates(),
            "worth": worth,
            "usd": table.usd_of_coin(),
        }
        return Priced(
            pool,
            view,
            usd_per_unit,
            scenarios,
            RiskArray(frozen(pnl, np.float64), raw.value, raw.count),
            columns,
            mark_value(pool.instruments, view),
            facts,
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        pool, scenarios, risk = priced.pool, priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        equity = equity_of(priced, held, priced.facts["worth"])
        counted = _with_equity_rows(priced, held) if self.cross else held
        bases = pool.facts["bases"]
        worst = fold_worst(
            counted.row,
            counted.column,
            counted.quantity,
            risk.pnl,
            len(scenarios),
            priced.facts["fold"],
            trusted=True,
        )
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("worst_case_unrounded", worst.loss, "risk_matrix")
        sheet.round("worst_case", "worst_case_unrounded", 9, "rounding")
        sheet.leaf("delta_shock", _delta_shock(priced, held, parameters), "delta_shock")
        sheet.leaf("roll_shock", _roll_shock(priced, held), "roll_shock")
        several = len(bases) > 1
        sheet.leaf("correlation_contingency", 0.0, "correlation_contingency")
        parts = ("worst_case", "delta_shock", "roll_shock", "correlation_contingency")
        sheet.sum("risk_matrix_margin", *parts)
        _holds(sheet, priced, held)
        parts = ("risk_matrix_margin", "open_orders_margin", "mmp_margin", "spot_margin")
        sheet.sum("im_unrounded", *parts)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        sheet.leaf("collateral_haircut", _haircut(priced, held, parameters), "haircut")
        sheet.difference("counted_im", "equity", "collateral_haircut")
        sheet.round("im", "im_unrounded", 9, "rounding")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.scale("mm", "risk_matrix_margin", parameters.number("general.mm_factor"), "mm_factor")
        open_ended = several or has_other_orders(held)
        return PoolAnswer(
            sheet.build(held.account, 0),
            worst.scenario,
            worst.runner_up_scenario,
            worst.runner_up,
            equity.source,
            Bound.AT_LEAST if open_ended else Bound.VALUE,
        )

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, 35] aggregated P&L: after offset and dampener."""
        assert priced.risk is not None  # set by price()
        counted = _with_equity_rows(priced, held) if self.cross else held
        full = fold_net(
            counted.row, counted.column, counted.quantity, priced.risk.pnl, priced.facts["fold"]
        )
        return full[:, : priced.risk.count]


def _no_parameters(base: str, parameters: Parameters) -> ModelError:
    known = ", ".join(parameters.tables("pair"))
    return ModelError(
        "parameter_missing",
        "the risk parameters of this underlying are not known at that date",
        place=f"{parameters.model} {parameters.label}",
        value=base,
        limit=known,
        remedy="Give the venue's parameters of that pair with --params FILE.",
    )


def _pool(
    instruments: Instruments, rows: Ints, label: str, currency: str, cash: tuple[str, ...]
) -> Pool:
    """A pool with its codes: fold runs by underlying, roll runs by expiry."""
    pool = make_pool(instruments, rows, label, currency, cash)
    part = pool.instruments
    run = part.runs("settle", "underlying")
    bases: dict[int, str] = {}
    for k, item in enumerate(part.items):
        # Dollars and stablecoins have no matrix of their own: their rows carry no P&L.
        bases.setdefault(int(run[k]), item.underlying)
    derivative = {int(run[k]) for k, item in enumerate(part.items) if item.kind != Kind.ASSET}
    in_matrix = currency == "USD"  # cross mode: a coin's equity is a position of its own
    kept = [
        code
        for code, base in bases.items()
        if code in derivative or (in_matrix and not _is_dollar(base))
    ]
    place = {code: k for k, code in enumerate(kept)}
    base_run = np.array([place.get(int(code), -1) for code in run], np.int32)
    facts = {
        "bases": tuple(bases[code] for code in kept),
        "base_run": frozen(base_run, np.int32),
        "roll_run": part.runs("settle", "underlying", "expiry"),
    }
    return replace(pool, facts=facts)


def _is_dollar(name: str) -> bool:
    return name in ("USD", "USDC", "USDT", "USDE", "EURR", "USYC", "BUIDL")


def _worth(pool: Pool, view: View, *, cross: bool) -> Floats:
    """[I] pool currency per unit of a row's settlement currency."""
    if not cross:
        return np.ones(len(pool.instruments))
    return np.asarray(view.usd[pool.instruments.settle])


def _per_base(parameters: Parameters, bases: tuple[str, ...], table: str, name: str) -> Floats:
    return np.array([parameters.number(f"{table}.{base}.{name}") for base in bases], np.float64)


def _caps(bases: tuple[str, ...], parameters: Parameters, usd_per_unit: float) -> Floats:
    """[G] the largest gain that may offset, in the pool's currency; no cap on a lone currency."""
    if len(bases) == 1:
        return np.full(1, _NO_CAP)
    return _per_base(parameters, bases, "currency", "max_offsetable_pnl_usd") / usd_per_unit


def _usd_of(pool: Pool, view: View) -> float:
    """Dollars per unit of a pool's currency."""
    return float(view.usd[pool.instruments.names.index(pool.currency)])


class _Table:
    """The scenario tables of one pool: moves, vols, clamps and units, per pair and expiry."""

    def __init__(self, pool: Pool, view: View, parameters: Parameters) -> None:
        self.pool = pool
        self.view = view
        self.parameters = parameters
        part = pool.instruments
        self.reach = np.array([self._pair(pair[0], "price_range") for pair in part.pairs])
        steps = np.repeat(np.arange(-_BUCKETS, _BUCKETS + 1) / _BUCKETS, 3)
        standard = self.reach[:, None] * steps
        extended = np.broadcast_to(_EXTENDED_MOVES, (len(part.pairs), len(_EXTENDED_MOVES)))
        self.move = np.concatenate([standard, extended], axis=1)  # [P,S]
        self.clamped = np.clip(self.move, -self.reach[:, None], self.reach[:, None])
        self.vol_label = ("up", "same", "down") * 9 + ("up",) * len(_EXTENDED_MOVES)

    def _pair(self, base: str, name: str) -> float:
        key = f"pair.{base}.{name}"
        # A pair of dollars moves against nothing: its rows carry no risk.
        return self.parameters.number(key) if key in self.parameters else 0.0

    def scenarios(self) -> ScenarioSet:
        """The 35 scenarios in the venue's order."""
        part, view = self.pool.instruments, self.view
        rise, fall, floor, skew = self._vol_tables()
        root = np.sqrt(view.life_ms / YEAR_MS)
        shape = (len(part.expiries), len(self.vol_label))
        factor = np.ones(shape)
        low = np.zeros(shape)
        for s, name in enumerate(self.vol_label):
            if name == "up":
                factor[:, s], low[:, s] = rise, floor
            elif name == "down":
                factor[:, s] = fall
        expiry_move = self.move[part.expiry_pair]
        settled = np.zeros(len(part.expiries))
        return ScenarioSet(
            label=self._labels(),
            move=frozen(self._shown_move(), np.float64),
            vol_label=self.vol_label,
            spot=frozen(1.0 + self.clamped, np.float64),
            forward=shocked_forwards(
                view.forward + view.forward_settled, settled, 1.0 + expiry_move
            ),
            vol_factor=frozen(factor * root[:, None], np.float64),
            vol_shift=frozen(np.zeros(shape), np.float64),
            vol_floor=frozen(low * root[:, None], np.float64),
            discount=frozen(np.ones(len(part.expiries)), np.float64),
            root_years=frozen(root, np.float64),
            weight=frozen(np.ones(len(self.vol_label)), np.float64),
            reflect=frozen(np.zeros(len(self.vol_label)), np.bool_),
            strike_factor=skew,
        )

    def _vol_tables(self) -> tuple[Floats, Floats, Floats, Floats | None]:
        """[E] factors up and down, floor of the shocked vol; [I,S] where a reading needs it."""
        part, parameters = self.pool.instruments, self.parameters
        bases = [key[0] for key in part.expiries]

        def of(name: str) -> Floats:
            return np.array([self._pair(base, name) for base in bases], np.float64)

        scale = np.array(
            [
                power_scale(
                    days_to_expiry(self.view)[k : k + 1],
                    self._pair(base, "short_term_vega_power"),
                    self._pair(base, "long_term_vega_power"),
                    1.0,
                )[0]
                for k, base in enumerate(bases)
            ],
            np.float64,
        )
        up, down = of("volatility_range_up") * scale, of("volatility_range_down") * scale
        floor = of("min_volatility_for_shock_up")
        if parameters.get("reading.vol_shock") == "relative":
            return 1.0 + up, np.maximum(1.0 - down, 0.0), floor, None
        return (
            np.ones_like(up),
            np.ones_like(up),
            np.zeros_like(up),
            self._additive(up, down, floor),
        )

    def _additive(self, up: Floats, down: Floats, floor: Floats) -> Floats:
        """[I,S] shocked over base vol where the shock is a share of ``max(vol, floor)``."""
        part, vol = self.pool.instruments, self.view.vol
        factor = np.ones((len(part), len(self.vol_label)))
        rows = np.flatnonzero(is_kind(part, Kind.OPTION) & (vol > 0.0))
        expiry = part.expiry[rows]
        base = np.maximum(vol[rows], floor[expiry]) / vol[rows]
        for s, name in enumerate(self.vol_label):
            if name == "up":
                factor[rows, s] = 1.0 + base * up[expiry]
            elif name == "down":
                factor[rows, s] = np.maximum(1.0 - base * down[expiry], 0.0)
        return factor

    def _shown_move(self) -> Floats:
        """[S] the move that a person reads: of the first pair that has a range."""
        first = int(np.argmax(self.reach > 0.0))
        move: Floats = self.move[first]
        return move

    def _labels(self) -> tuple[str, ...]:
        moves = self._shown_move()
        several = len({float(r) for r in self.reach if r > 0.0}) > 1
        out = []
        for s, name in enumerate(self.vol_label):
            if s < _STANDARD and several:
                text = f"{(s // 3 - _BUCKETS) / _BUCKETS:+.2f} R"
            else:
                text = f"{100.0 * moves[s]:+.4g} %"
            table = "" if s < _STANDARD else "extended "
            out.append(f"{table}{text}, vol {name}")
        return tuple(out)

    def conversion(self, cross: bool) -> Floats:
        """[I,S] what multiplies a row's raw P&L: extended fraction, unit, settlement decay."""
        part, view = self.pool.instruments, self.view
        move = self.move[part.pair]  # [I,S]
        reach = self.reach[part.pair][:, None]
        clamped = self.clamped[part.pair]
        option = is_kind(part, Kind.OPTION)[:, None]
        coin = part.inverse[:, None]
        extended = (np.arange(move.shape[1]) >= _STANDARD)[None, :]
        factor = np.array([self._pair(i.underlying, "extended_table_factor") for i in part.items])
        with np.errstate(divide="ignore", invalid="ignore"):
            damped = factor[:, None] * reach / np.abs(move)
        unit = np.where(extended & option, np.where(move == 0.0, 1.0, damped), 1.0)
        # Coin P&L is worth the shocked index; the extended table counts coins at +-R.
        at_move = np.where(coin, (1.0 + move) / (1.0 + clamped), 1.0)
        unit = unit * np.where(extended & option, at_move, 1.0)
        if cross:
            dollars = np.where(part.inverse, view.index[part.pair], view.usd[part.quote])
            unit = unit * np.where(coin, 1.0 + clamped, 1.0) * dollars[:, None]
        return unit * settlement_decay(part, view)[:, None]

    def dead(self, cross: bool) -> Floats:
        """[G,S8] the dampener: ``(max(|m|/R, 1) - 1) D`` dollars, in coin over the index at +-R."""
        bases = self.pool.facts["bases"]
        part = self.pool.instruments
        pairs = {pair[0]: k for k, pair in enumerate(part.pairs)}
        out = np.zeros((len(bases), self.move.shape[1]))
        for g, base in enumerate(bases):
            p = pairs[base]
            size = self.parameters.number(f"currency.{base}.extended_dampener_usd")
            reach = max(float(self.reach[p]), 1e-12)
            far = np.maximum(np.abs(self.move[p]) / reach, 1.0) - 1.0
            far[:_STANDARD] = 0.0
            in_coin = not cross and self.pool.currency == base
            unit = (1.0 + self.clamped[p]) * self.view.index[p] if in_coin else 1.0
            out[g] = far * size / unit
        filled: Floats = padded(out)
        return filled

    def usd_of_coin(self) -> Floats:
        """[G] index of each base: dollars a coin (1 / index where the pool counts in coin)."""
        pairs = {pair[0]: k for k, pair in enumerate(self.pool.instruments.pairs)}
        index = [float(self.view.index[pairs[base]]) for base in self.pool.facts["bases"]]
        return np.array(index, np.float64)

    def roll_rates(self) -> Floats:
        """[runs] ``max(exp(AMR T) - 1, min move)`` of a roll run, pool's currency a coin."""
        part = self.pool.instruments
        run = part.runs("settle", "underlying", "expiry")
        rates = np.zeros(int(run.max()) + 1 if len(run) else 0)
        for k, item in enumerate(part.items):
            if item.kind == Kind.ASSET:
                continue
            least = self.parameters.number(f"currency.{item.underlying}.min_annualised_move")
            rate = least
            if part.expiry[k] >= 0:
                years = float(self.view.life_ms[part.expiry[k]]) / YEAR_MS
                risk = self.parameters.number(f"currency.{item.underlying}.annualised_move_risk")
                rate = max(float(np.expm1(risk * years)), least)
            in_coin = self.pool.currency == item.underlying
            rates[run[k]] = rate * (1.0 if in_coin else float(self.view.index[part.pair[k]]))
        return rates


def _equity_rows(pnl: Floats, pool: Pool, view: View, table: _Table) -> None:
    """Cross mode: a coin's equity is a delta position; an option's coin value is part of it."""
    part = pool.instruments
    mark = mark_value(part, view)
    for k, item in enumerate(part.items):
        impact = f"currency.{item.settle}.equity_side_impact"
        if impact not in table.parameters or table.parameters.get(impact) == "none":
            continue
        pairs = {pair[0]: p for p, pair in enumerate(part.pairs)}
        p = pairs[item.settle]
        dollars = padded(table.clamped[p][None, :])[0] * view.index[p]
        if item.kind == Kind.ASSET:
            pnl[k] += dollars
        elif item.kind == Kind.OPTION and item.inverse:
            pnl[k] += mark[k] * dollars


def _with_equity_rows(priced: Priced, held: PoolBook) -> PoolBook:
    """The book whose coin balances are the coin's equity less option value (which has its own row).

    Only where the venue reports equity does the balance differ from what is held.
    """
    given = held.book.reported.equity
    if not given:
        return held
    quantity = held.quantity.copy()
    part = priced.pool.instruments
    place = {name: k for k, name in enumerate(held.book.account)}
    for (account, currency), amount in given.items():
        if account not in place:
            continue
        a = place[account]
        span = slice(int(held.row[a]), int(held.row[a + 1]))
        columns = held.column[span]
        same = np.array([part.items[c].settle == currency for c in columns.tolist()], np.bool_)
        value = float((held.quantity[span] * priced.option_value[columns])[same].sum())
        for j, column in enumerate(columns.tolist()):
            item = part.items[column]
            if item.kind == Kind.ASSET and item.underlying == currency:
                quantity[int(held.row[a]) + j] = amount - value
    return replace(held, quantity=quantity)


def _delta_shock(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[A] the charge on large directional books, summed over the currencies of the pool."""
    names = ("long_option_delta", "short_option_delta", "future_delta")
    table = np.stack([priced.columns[name] for name in names], axis=1)
    run = priced.pool.facts["base_run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    long_options = found.long[:, 0] + found.short[:, 1]
    rest = found.net[:, 2] + found.short[:, 0] + found.long[:, 1]
    both = long_options + rest
    left = np.where(
        rest < 0.0,
        np.minimum(np.maximum(both, rest), 0.0),
        np.maximum(np.minimum(both, rest), 0.0),
    )
    bases = priced.pool.facts["bases"]
    slope = _per_base(parameters, bases, "pair", "m_inc")[found.run]
    most = _per_base(parameters, bases, "pair", "max_delta_shock")[found.run]
    limit = _per_base(parameters, bases, "pair", "delta_total_liq_shock_threshold_usd")
    index = priced.facts["usd"]
    size = np.abs(left)
    excess = np.maximum(size - (limit / index)[found.run], 0.0)
    coins = size * np.minimum(slope * excess, most)
    unit = np.array([1.0 if base == priced.pool.currency else 0.0 for base in bases])
    worth = np.where(unit == 1.0, 1.0, index)[found.run]
    return by_row(found.row, coins * worth, len(held.row) - 1)


def _roll_shock(priced: Priced, held: PoolBook) -> Floats:
    """[A] the basis charge: no netting between expiries."""
    table = priced.columns["delta"][:, None]
    run = priced.pool.facts["roll_run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    charge = priced.facts["roll"][found.run] * np.abs(found.net[:, 0])
    return by_row(found.row, charge, len(held.row) - 1)


def _holds(sheet: SheetBuilder, priced: Priced, held: PoolBook) -> None:
    pool = priced.pool
    names = {item.underlying: k for k, item in enumerate(pool.instruments.items) if pool.cash[k]}
    names.setdefault(pool.currency, -1)
    unit: dict[str, float] = {
        name: 1.0 if k < 0 else float(priced.facts["worth"][k]) for name, k in names.items()
    }
    place: dict[int, int] = {int(c): k for k, c in enumerate(pool.columns)}
    part, view = pool.instruments, priced.view
    size = coin_size(part, view) * _coin_worth(priced)
    sheet.leaf("open_orders_margin", hold(held, "open_orders_margin", unit), "open_orders")
    reported = hold(held, "mmp_margin", unit)
    sheet.leaf("mmp_margin", mmp_hold(held, place, size, reported), "mmp_hold")
    sheet.leaf("spot_margin", hold(held, "spot_margin", unit), "spot_margin")


def _coin_worth(priced: Priced) -> Floats:
    """[I] pool currency per coin of underlying."""
    part = priced.pool.instruments
    in_coin = np.array([item.underlying == priced.pool.currency for item in part.items])
    return np.where(in_coin, 1.0, priced.view.index[part.pair])


def _haircut(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[A] what the initial side takes off positive balances, in the pool's currency."""
    pool = priced.pool
    rate = np.zeros(len(pool.instruments))
    for k, item in enumerate(pool.instruments.items):
        key = f"currency.{item.underlying}.haircut"
        if pool.cash[k] and key in parameters:
            rate[k] = parameters.number(key) * float(priced.facts["worth"][k])
    if not rate.any():
        return np.zeros(len(held.row) - 1)
    table = rate[:, None]
    return row_sums(held.row, held.column, np.maximum(held.quantity, 0.0), table).net[:, 0]
