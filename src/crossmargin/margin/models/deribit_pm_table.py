"""Scenario tables of Deribit portfolio margin for one pool: moves, vols, clamps, units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Floats, Ints, Longs, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.copies import copies_of
from crossmargin.margin.deribit_common import days_to_expiry, settlement_decay
from crossmargin.margin.equity import mark_value
from crossmargin.margin.model import Pool
from crossmargin.margin.models.deribit_pm_charges import per_base
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind
from crossmargin.market.view import View
from crossmargin.pricing.revalue import padded, padded_width
from crossmargin.scenarios.risk_array import Added
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = ["Table", "equity_rows"]

_BUCKETS = 4
_STANDARD = 3 * (2 * _BUCKETS + 1)
_EXTENDED_MOVES = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)


class Table:
    """The scenario tables of one pool: moves, vols, clamps and units, per pair and expiry."""

    def __init__(self, pool: Pool, view: View, parameters: Parameters) -> None:
        self.pool = pool
        self.view = view
        self.parameters = parameters
        part = pool.instruments
        self.reach = self._of_bases([pair[0] for pair in part.pairs], "price_range")
        steps = np.repeat(np.arange(-_BUCKETS, _BUCKETS + 1) / _BUCKETS, 3)
        standard = self.reach[:, None] * steps
        extended = np.broadcast_to(_EXTENDED_MOVES, (len(part.pairs), len(_EXTENDED_MOVES)))
        self.move = np.concatenate([standard, extended], axis=1)  # [P,S]
        # A table may hold an account several times, each copy with codes of its own.
        self.copies = copies_of(part)
        self.base_pair = self._place(part.pairs, [pair[0] for pair in part.pairs])
        self.base_name = self._place(part.names, list(part.names))
        self.clamped = np.clip(self.move, -self.reach[:, None], self.reach[:, None])
        order = parameters.choice("reading.vol_order", "up_same_down")
        self.vol_label = tuple(order.split("_")) * 9 + ("up",) * len(_EXTENDED_MOVES)

    def _place(self, entries: tuple[object, ...], names: list[str]) -> Longs:
        """[G] where each base stands among the entries of its own copy: the last of that name."""
        step = len(entries) // self.copies
        bases = self.pool.facts["bases"]
        each = max(len(bases) // self.copies, 1)
        own = {name: k for k, name in enumerate(names[:step])}
        places = [g // each * step + own[base] for g, base in enumerate(bases)]
        return np.array(places, np.int64)

    def _pair(self, base: str, name: str) -> float:
        key = f"pair.{base}.{name}"
        # A pair of dollars moves against nothing: its rows carry no risk.
        return self.parameters.number(key) if key in self.parameters else 0.0

    def _of_bases(self, bases: Sequence[str], name: str) -> Floats:
        """[N] a number of the pair of each base; each base is asked once."""
        found = {base: self._pair(base, name) for base in dict.fromkeys(bases)}
        return np.array([found[base] for base in bases], np.float64)

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
            return self._of_bases(bases, name)

        days, scale = days_to_expiry(self.view), np.ones(len(bases))
        base_of = np.array(bases)
        for base in dict.fromkeys(bases):
            own = base_of == base
            short, long = (self._pair(base, f"{t}_term_vega_power") for t in ("short", "long"))
            scale[own] = power_scale(days[own], short, long, 1.0)
        up, down = of("volatility_range_up") * scale, of("volatility_range_down") * scale
        floor = of("min_volatility_for_shock_up")
        if parameters.choice("reading.vol_shock", "relative") == "relative":
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

    def conversion(self, cross: bool) -> tuple[Floats, Ints]:
        """``[C, S8]`` what multiplies a row's raw P&L, by class of row, and the class ``[I]``.

        Extended fraction, unit, settlement decay. Rows of one class differ in nothing that it
        reads: pair, expiry, kind, coin or money.
        """
        part, view = self.pool.instruments, self.view
        code = self.pool.facts["class_run"]
        rows = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
        rows[code[::-1]] = np.arange(len(code))[::-1]  # the first of each class
        pair = part.pair[rows]
        move = self.move[pair]  # [C,S]
        reach = self.reach[pair][:, None]
        clamped = self.clamped[pair]
        option = is_kind(part, Kind.OPTION)[rows, None]
        coin = part.inverse[rows, None]
        extended = (np.arange(move.shape[1]) >= _STANDARD)[None, :]
        factor = self._of_bases(part.names, "extended_table_factor")[part.underlying[rows]]
        size = np.where(extended, np.abs(move), 1.0)  # the extended moves are never zero
        unit = np.where(extended & option, factor[:, None] * reach / size, 1.0)
        # Coin P&L is worth the shocked index; the extended table counts coins at +-R.
        at_move = np.where(coin, (1.0 + move) / (1.0 + clamped), 1.0)
        if self.parameters.choice("reading.extended_option", "rescaled") == "plain":
            at_move = np.ones_like(at_move)
        unit = unit * np.where(extended & option, at_move, 1.0)
        if cross:
            dollars = np.where(part.inverse[rows], view.index[pair], view.usd[part.quote[rows]])
            unit = unit * np.where(coin, 1.0 + clamped, 1.0) * dollars[:, None]
        return padded(unit * settlement_decay(part, view)[rows, None]), code

    def dead(self, cross: bool) -> Floats:
        """[G,S8] the dampener: ``(max(|m|/R, 1) - 1) D`` dollars, in coin over the index at +-R.

        Its size is not confirmed: the rival reading leaves the ``- 1`` out.
        """
        least = 1.0 if self.parameters.choice("reading.dampener", "excess") == "excess" else 0.0
        bases = self.pool.facts["bases"]
        size = per_base(self.parameters, bases, "currency", "extended_dampener_usd")
        reach = np.maximum(self.reach[self.base_pair], 1e-12)
        far = np.maximum(np.abs(self.move[self.base_pair]) / reach[:, None], 1.0) - least
        far[:, :_STANDARD] = 0.0
        in_coin = np.array([not cross and self.pool.currency == base for base in bases], np.bool_)
        at_move = (1.0 + self.clamped[self.base_pair]) * self.index_of_bases()[:, None]
        unit = np.where(in_coin[:, None], at_move, self.pool_usd(cross)[:, None])
        filled: Floats = padded(far * size[:, None] / unit)
        return filled

    def pool_usd(self, cross: bool) -> Floats:
        """[G] dollars per unit of the pool's currency, for figures that are stated in dollars."""
        part = self.pool.instruments
        bases = self.pool.facts["bases"]
        out = np.ones(len(bases))
        if cross or self.pool.currency not in part.names:
            return out
        first = part.names.index(self.pool.currency)
        each, step = max(len(bases) // self.copies, 1), len(part.names) // self.copies
        usd = self.view.usd[np.arange(len(bases)) // each * step + first]
        out[usd > 0.0] = usd[usd > 0.0]
        return out

    def index_of_bases(self) -> Floats:
        """[G] index of each base in its quote currency; 1 where none is known.

        Accounts that hold such a row have failed before; the others must not see a division by 0.
        """
        index = self.view.index[self.base_pair]
        return np.where(index > 0.0, index, 1.0)

    def dollars_of_bases(self) -> Floats:
        """[G] dollars a coin of each base."""
        usd = self.view.usd[self.base_name]
        return np.where(usd > 0.0, usd, 1.0)

    def roll_rates(self) -> Floats:
        """[runs] ``max(exp(AMR T) - 1, min move)`` of a roll run, pool's currency a coin.

        The recorded books reach the minimum only; the rival reading is ``AMR T``.
        """
        linear = self.parameters.choice("reading.roll_shock", "exponential") == "linear"
        part = self.pool.instruments
        run = self.pool.facts["roll_run"]
        rates = np.zeros(int(run.max()) + 1 if len(run) else 0)
        rows = np.flatnonzero(~is_kind(part, Kind.ASSET))
        last = np.full(len(rates), -1, np.int64)  # of each run its last row speaks
        last[run[rows]] = rows
        code = np.flatnonzero(last >= 0)
        at = last[code]
        owner, expiry = part.underlying[at], part.expiry[at]
        held = set(owner.tolist())

        def of(name: str) -> Floats:
            found = {part.names[c]: 0.0 for c in held}
            found = {n: self.parameters.number(f"currency.{n}.{name}") for n in found}
            return np.array([found.get(n, 0.0) for n in part.names], np.float64)[owner]

        least, years = of("min_annualised_move"), np.zeros(len(at))
        years[expiry >= 0] = self.view.life_ms[expiry[expiry >= 0]] / YEAR_MS
        risk = of("annualised_move_risk") * years
        rate = np.maximum(risk if linear else np.expm1(risk), least)
        rate = np.where(expiry >= 0, rate, least)
        in_coin = np.array([n == self.pool.currency for n in part.names], np.bool_)[owner]
        rates[code] = rate * np.where(in_coin, 1.0, self.view.index[part.pair[at]])
        return rates


def equity_rows(pool: Pool, view: View, table: Table) -> tuple[Added, dict[str, Floats]]:
    """Cross mode: a coin's equity is a delta position; an option's coin value is part of it.

    What the risk array gains, and the row of one unit of each such coin, ``[S8]``.
    """
    part = pool.instruments
    mark = mark_value(part, view)
    step = len(part.pairs) // table.copies
    pairs = {pair[0]: p for p, pair in enumerate(part.pairs[:step])}

    def counts(name: str) -> bool:
        impact = f"currency.{name}.equity_side_impact"
        return impact in table.parameters and table.parameters.get(impact) != "none"

    known = {name: counts(name) for name in dict.fromkeys(part.names)}
    chosen = np.array([known[name] for name in part.names], np.bool_)[part.settle]
    own = is_kind(part, Kind.ASSET) & chosen
    coin = is_kind(part, Kind.OPTION) & part.inverse & chosen
    made = np.zeros((len(part.names), padded_width(table.move.shape[1])))
    rows: dict[str, Floats] = {}
    own_names = len(part.names) // table.copies
    for code in np.unique(part.settle[chosen]).tolist():
        name = part.names[code]
        p = code // own_names * step + pairs[name]
        made[code] = padded(table.clamped[p][None, :])[0] * view.index[p]
        rows.setdefault(name, made[code])
    held = np.flatnonzero(own | coin).astype(np.int32)
    amount = np.where(coin[held], mark[held], 1.0)
    return (held, amount, part.settle[held], made), rows
