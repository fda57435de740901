"""Before the trade: what a set of legs would do to an account, under any model.

An account is prepared once: the table of what it holds and may trade, the market seen through it,
pools and risk arrays, and the account's canonical rows. A what-if is then a variant of the account
in a population, and thousands of them are one call of the model. A variant has the bits of a full
recompute of the changed book, which :meth:`Prepared.changed_book` builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import map_for
from crossmargin.margin.model import Bound, MarginModel, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.whatif_costs import Schedule, lot_of
from crossmargin.margin.whatif_fit import Fit, fit, scaled, steps_of
from crossmargin.margin.whatif_greeks import Greeks, GreekTable
from crossmargin.margin.whatif_judge import Verdict, judge, verdict_of
from crossmargin.margin.whatif_legged import LEGS_EXACT, Legged, bounded, exact, subsets
from crossmargin.margin.whatif_trades import Desk, Fill, Leg, error_of
from crossmargin.margin.whatif_variants import Ground, States
from crossmargin.market.snapshot import Snapshot

__all__ = ["LegResult", "Prepared", "Ranked", "State", "WhatIf", "prepare"]

# Variants margined at once: their rows stay within some hundred megabytes.
_VARIANTS_MAX = 65_536


class State(NamedTuple):
    """An account in dollars, over all its pools."""

    cash_usd: float
    equity_usd: float
    im_usd: float
    mm_usd: float
    counted_im_usd: float
    counted_mm_usd: float


class LegResult(NamedTuple):
    """One leg: how it fills, what the initial margin is with and without it, and alone.

    ``marginal_im_usd``: IM with all legs less IM with all others. ``alone_im_usd``: IM with this
    leg alone less IM without any.
    """

    leg: Leg
    fill: Fill
    label: str
    currency: str
    usd_per_unit: float
    marginal_im_usd: float
    marginal_mm_usd: float
    alone_im_usd: float
    alone_mm_usd: float


class WhatIf(NamedTuple):
    """The answer. ``states`` row 0 is the account after all legs.

    ``verdict`` is of that state, or of the worst state on the way where the legs fill one after
    another (``legged``). Cash figures in dollars at the view's prices; gains are positive.
    """

    prepared: Prepared
    legs: tuple[LegResult, ...]
    before: State
    after: State
    verdict: Verdict
    states: States
    greeks_before: Mapping[str, Greeks]
    greeks_after: Mapping[str, Greeks]
    premium_usd: float
    fees_usd: float
    day_one_usd: float
    bound: Bound
    legged: Legged | None = None
    fit: Fit | None = None
    next_verdict: Verdict | None = None  # of one step more than fits


@dataclass(frozen=True, slots=True)
class Ranked:
    """[C] candidates, best first: ``order`` are their numbers as they came.

    Arrays are in the order of the ranking: what passes first, then by ``room_im_usd``, what counts
    less what is required after the trade, of the whole account. Ties stay as they came.
    """

    order: Ints
    passes: np.ndarray
    code: np.ndarray
    at_least: np.ndarray
    im_usd: Floats
    mm_usd: Floats
    marginal_im_usd: Floats
    marginal_mm_usd: Floats
    room_im_usd: Floats
    room_mm_usd: Floats
    premium_usd: Floats
    fees_usd: Floats
    day_one_usd: Floats
    short_im: Floats
    short_mm: Floats
    uncounted_usd: Floats  # as :meth:`Prepared.uncounted_usd`, of each


class Prepared:
    """One account, one market, one model: ready for what-ifs."""

    def __init__(
        self, table: Instruments, base: Requirement, desk: Desk, losses: tuple[str, ...]
    ) -> None:
        self.table = table  # what a leg's column means: the book's own venue
        self.base = base
        self.desk = desk
        self.losses = losses
        self.ground = Ground(base)
        self.column = {item.native_id: k for k, item in enumerate(table.items)}
        self._rate = [self.ground.usd_of(k) for k in range(len(base.book.instruments))]
        items = base.book.instruments.items
        self._name = [(base.book.instruments.label(k), i.settle) for k, i in enumerate(items)]
        self._usd = [pool.priced.usd_per_unit for pool in self.ground.pools]
        self.before = self._state([pool.values for pool in self.ground.pools], 0)
        self._greeks: GreekTable | None = None
        self._greeks_before: Mapping[str, Greeks] = {}

    # -- trades ------------------------------------------------------------------------------

    def fill(self, leg: Leg) -> Fill:
        """The leg at its price or at the executable side; errors of :class:`Desk`."""
        if not leg.reduce_only:
            return self.desk.fill(leg)
        return self.desk.fill(leg, self.ground.position(self.desk.row_of(leg.column)))

    def changed_book(self, legs: Iterable[Leg]) -> Book:
        """The book after the legs, in the table that is margined."""
        return self.ground.changed_book([self.fill(leg) for leg in legs])

    def uncounted_usd(self, state: State) -> float:
        """Dollars of equity that stopped counting against IM since before: a premium that was paid.

        Where option value does not count, a bought option takes its price out of what counts and
        a sold one brings it in; 0 where all equity counts, or no balance is known. The cost of a
        trade lowers both and is no part of it.
        """
        if not self.ground.has_balance:
            return 0.0
        before = self.before
        return (state.equity_usd - state.counted_im_usd) - (
            before.equity_usd - before.counted_im_usd
        )

    # -- the verbs ---------------------------------------------------------------------------

    def whatif(self, legs: Sequence[Leg], *, atomic: bool = True) -> WhatIf:
        """What the legs would do, all at once or (``atomic`` False) one after another.

        Raises InputError ``order_invalid`` for no leg or a bad one, ``quote_missing`` where a leg
        without a price has no quote.
        """
        fills = self._fills(legs)
        count = len(fills)
        whole, legged, verdict = [fills], None, None
        if atomic or count > LEGS_EXACT:
            variants, alone, without = _needed(fills)
            states = self.ground.evaluate(whole + variants)
            judged = judge(self.ground, states)
        else:
            variants, alone, without = _among_subsets(fills)
            states = self.ground.evaluate(whole + variants)
            judged = judge(self.ground, states)
            picked = states.without_first(), judged.without_first()
            legged, verdict = exact(self.ground, count, *picked)
        if not atomic and count > LEGS_EXACT:
            legged, worst = bounded(self.ground, fills)
            verdict = verdict_of(self.ground, judge(self.ground, worst), 0)
        values = states.values
        rate = self._rate
        after = self._state(values, 0)
        results = []
        for k, (leg, fill) in enumerate(zip(legs, fills, strict=True)):
            lone, rest = self._margins(values, alone[k]), self._margins(values, without[k])
            results.append(self._leg(leg, fill, after, lone, rest))
        greeks = self._greek_table()
        return WhatIf(
            self,
            tuple(results),
            self.before,
            after,
            verdict or verdict_of(self.ground, judged, 0),
            states,
            self._greeks_before,
            greeks.after(self._greeks_before, fills),
            sum([fill.premium * rate[fill.column] for fill in fills]),
            sum([fill.fee * rate[fill.column] for fill in fills]),
            sum([fill.gain * rate[fill.column] for fill in fills]),
            Bound.AT_LEAST if bool(states.at_least[0]) else Bound.VALUE,
            legged,
        )

    def after(self, legs: Sequence[Leg]) -> tuple[State, Verdict]:
        """The account after all legs at once, and whether the venue would take them: no more.

        The numbers are those of :meth:`whatif`, whose legs by themselves cost a variant each.
        """
        states = self.ground.evaluate([self._fills(legs)])
        judged = judge(self.ground, states)
        return self._state(states.values, 0), verdict_of(self.ground, judged, 0)

    def rank(
        self,
        candidates: Sequence[Sequence[Leg]],
        base: Sequence[Leg] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Ranked:
        """Candidates that pass before the others, each by the initial margin left, most first.

        ``base`` are legs that every candidate is added to. Each is judged all at once. One call of
        the model a pool for all of them. ``progress`` hears (candidates done, candidates in all).
        """
        if not candidates:
            raise _no_leg("there is no candidate")
        common = [self.fill(leg) for leg in base]
        fills: list[list[Fill]] = []
        parts = []
        for low in range(0, len(candidates), _VARIANTS_MAX):
            some = candidates[low : low + _VARIANTS_MAX]
            fills += [[*common, *(self.fill(leg) for leg in legs)] for legs in some]
            parts.append(self.ground.evaluate(fills[low:]))
            if progress is not None:
                progress(len(fills), len(candidates))
        judged = [judge(self.ground, part) for part in parts]
        room = np.concatenate([each.room_im_usd for each in judged])
        refused = ~np.concatenate([each.passes for each in judged])
        order = np.lexsort((-room, refused))
        im, mm = (
            np.concatenate([self._total(part.values, row) for part in parts]) for row in (0, 1)
        )
        flow = np.zeros((3, len(fills)))  # premium, fee, gain
        for v, own in enumerate(fills):
            for fill in own:
                rate = self._rate[fill.column]
                flow[0, v] += fill.premium * rate
                flow[1, v] += fill.fee * rate
                flow[2, v] += fill.gain * rate
        flow = flow[:, order]
        code = np.concatenate([each.code for each in judged])[order]
        return Ranked(
            order=frozen(order, np.int32),
            passes=code <= 1,
            code=code,
            at_least=np.concatenate([part.at_least for part in parts])[order],
            im_usd=im[order],
            mm_usd=mm[order],
            marginal_im_usd=im[order] - self.before.im_usd,
            marginal_mm_usd=mm[order] - self.before.mm_usd,
            room_im_usd=room[order],
            room_mm_usd=np.concatenate([each.room_mm_usd for each in judged])[order],
            premium_usd=flow[0],
            fees_usd=flow[1],
            day_one_usd=flow[2],
            short_im=np.concatenate([each.short_im for each in judged])[order],
            short_mm=np.concatenate([each.short_mm for each in judged])[order],
            uncounted_usd=self._uncounted(parts)[order],
        )

    def size_to_fit(
        self, legs: Sequence[Leg], *, atomic: bool = True, lot: float | None = None
    ) -> WhatIf:
        """The what-if at the largest whole number of lots that the venue would take.

        The legs give direction and ratio. Where not even one step fits, the what-if is of that
        step, with ``fit.steps`` 0. Raises InputError ``order_invalid`` where the account states no
        balance, and for sizes that are no whole lots.
        """
        fills = self._fills(legs)
        if judge(self.ground, self.ground.evaluate([fills])).code[0] == 3:
            raise InputError(
                "order_invalid",
                "no balance is known, so no size can be said to fit",
                place=self.ground.account,
                remedy="Give the account's balances.",
            )
        if not atomic and len(legs) > LEGS_EXACT:
            raise _no_leg(f"size to fit takes at most {LEGS_EXACT} legs that fill one by one")
        lots = [self._lot(leg, lot) for leg in legs]
        ways = 1 if atomic else (1 << len(legs)) - 1

        def passes(sizes: list[list[Leg]]) -> np.ndarray:
            wanted = [[self.fill(leg) for leg in each] for each in sizes]
            variants = wanted if atomic else [part for each in wanted for part in subsets(each)]
            out = [
                judge(self.ground, self.ground.evaluate(variants[low : low + _VARIANTS_MAX])).passes
                for low in range(0, len(variants), _VARIANTS_MAX)
            ]
            return np.asarray(np.concatenate(out).reshape(len(sizes), ways).all(axis=1))

        found = fit(legs, lots, passes, 8 if ways <= 64 else 1)
        step, _ = steps_of(legs, lots)
        shown = self.whatif(scaled(legs, step, max(found.steps, 1)), atomic=atomic)
        more = None
        if found.steps and not found.unlimited:
            more = self.whatif(scaled(legs, step, found.steps + 1), atomic=atomic).verdict
        return shown._replace(fit=found, next_verdict=more)

    # -- inside ------------------------------------------------------------------------------

    def _fills(self, legs: Sequence[Leg]) -> list[Fill]:
        if not legs:
            raise _no_leg("there is no leg")
        return [self.fill(leg) for leg in legs]

    def _lot(self, leg: Leg, given: float | None) -> float:
        if given is not None:
            return given
        return lot_of(self.table.items[leg.column], self.desk.schedule.parameters)

    def _greek_table(self) -> GreekTable:
        if self._greeks is None:
            self._greeks = GreekTable(self.base.view)
            self._greeks_before = self._greeks.of_book(self.base.book)
        return self._greeks

    def _uncounted(self, parts: Sequence[States]) -> Floats:
        """[V] of :meth:`uncounted_usd`."""
        if not self.ground.has_balance:
            return np.zeros(sum(part.variants for part in parts))
        left = [self._total(part.values, 5) - self._total(part.values, 2) for part in parts]
        before = self.before.equity_usd - self.before.counted_im_usd
        return np.asarray(np.concatenate(left) - before)

    def _total(self, values: Sequence[Floats], row: int) -> Floats:
        """[V] dollars over the pools, added in the order of the pools."""
        total = np.zeros(values[0].shape[1])
        for each, rate in zip(values, self._usd, strict=True):
            total += each[row] * rate
        return total

    def _margins(self, values: Sequence[Floats], v: int) -> tuple[float, float]:
        """IM and MM of a variant in dollars; -1 is the account as it stands."""
        if v < 0:
            return self.before.im_usd, self.before.mm_usd
        im = mm = 0.0
        for each, rate in zip(values, self._usd, strict=True):
            im += float(each[0, v]) * rate
            mm += float(each[1, v]) * rate
        return im, mm

    def _state(self, values: Sequence[Floats], v: int) -> State:
        sums = [0.0] * 6
        for each, rate in zip(values, self._usd, strict=True):
            for k, value in enumerate(each[:, v].tolist()):
                sums[k] += value * rate
        return State(sums[4], sums[5], sums[0], sums[1], sums[2], sums[3])

    def _leg(
        self,
        leg: Leg,
        fill: Fill,
        after: State,
        lone: tuple[float, float],
        rest: tuple[float, float],
    ) -> LegResult:
        return LegResult(
            leg,
            fill,
            *self._name[fill.column],
            self._rate[fill.column],
            after.im_usd - rest[0],
            after.mm_usd - rest[1],
            lone[0] - self.before.im_usd,
            lone[1] - self.before.mm_usd,
        )


def _no_leg(why: str) -> InputError:
    return InputError(
        "order_invalid", why, limit="NAME:SIZE[@PRICE]", remedy="Give at least one leg."
    )


def _needed(fills: list[Fill]) -> tuple[list[list[Fill]], list[int], list[int]]:
    """Variants beside the whole: every leg alone and all without it, with their row numbers."""
    count = len(fills)
    if count == 1:
        return [], [0], [-1]
    alone = [[fill] for fill in fills]
    without = [fills[:k] + fills[k + 1 :] for k in range(count)]
    return alone + without, list(range(1, count + 1)), list(range(count + 1, 2 * count + 1))


def _among_subsets(fills: list[Fill]) -> tuple[list[list[Fill]], list[int], list[int]]:
    """The same where every subset is margined: row ``m`` holds the legs of mask ``m``."""
    count = len(fills)
    full = (1 << count) - 1
    without = [full ^ (1 << k) for k in range(count)]
    return subsets(fills), [1 << k for k in range(count)], [m or -1 for m in without]


def prepare(
    book: Book,
    snapshot: Snapshot,
    model: MarginModel,
    parameters: Parameters | None = None,
    candidates: Iterable[Instrument] = (),
    *,
    as_of_ms: int | None = None,
    fee: float | Mapping[str, float] | None = None,
) -> Prepared:
    """An account ready for what-ifs over what it holds and the ``candidates``.

    Balance lines of every settlement currency are in the table from the start. A book of another
    venue is mapped as the model maps it, and the legs with it. Raises InputError
    ``option_unknown`` for a book of several accounts, and what the model raises.
    """
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "a what-if is of one account",
            value=len(book),
            limit="1 account",
            remedy="Choose an account.",
        )
    whole = _over(book, candidates)
    view = snapshot.view(whole.instruments, as_of_ms)
    chosen = parameters or parameters_for(model, view.as_of_ms)
    schedule = Schedule.at(view.as_of_ms, fee)
    table = whole.instruments
    losses: tuple[str, ...] = ()
    if is_mapped(model.spec, table.items):
        mapped = map_for(whole, view, model.spec)
        desk = Desk(
            mapped.view, schedule, mapped.place.tolist(), mapped.size_factor, mapped.price_unit
        )
        losses = mapped.losses
        whole, view = mapped.book, mapped.view
    else:
        desk = Desk(view, schedule)
    base = run(whole, view, model, chosen)
    if base.failures:
        failure = base.failures[0]
        label, _, reason = failure.reason.partition(": ")
        raise error_of(replace(failure, subject=label, reason=reason or failure.reason), view)
    return Prepared(table, base, desk, losses)


def _over(book: Book, candidates: Iterable[Instrument]) -> Book:
    """The book over its own contracts, the candidates and the balance of every currency."""
    items = [*book.instruments.items, *candidates]
    currencies = dict.fromkeys(
        (item.venue, item.settle) for item in items if item.kind != Kind.ASSET
    )
    known = {item.key for item in items}
    balances = [asset(*key) for key in currencies]
    table = Instruments.of([*items, *(item for item in balances if item.key not in known)])
    if table == book.instruments:
        return book
    place = table.index_of()
    code = np.array([place[item.key] for item in book.instruments.items], np.int32)
    orders: list[Order] = [replace(o, column=int(code[o.column])) for o in book.orders.items]
    lines = [replace(line, column=int(code[line.column])) for line in book.lines]
    return replace(
        book,
        instruments=table,
        column=frozen(code[book.column], np.int32),
        orders=replace(
            book.orders, column=frozen(code[book.orders.column], np.int32), items=tuple(orders)
        ),
        lines=tuple(lines),
    )
