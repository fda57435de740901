"""Why a requirement changed from one state to the next: parts that add up to the change.

A state is a book, a snapshot and parameters. Two causes are taken first, in this order, because the
others have no meaning before them:

    repairs      the first snapshot was corrected after the fact: R under the corrected one less R
    expiries     contracts that ended in between leave the book, in the first market

What is left is the game of the causes that differ between the states,

    trades, balances, orders, parameters, spot, vol, time, other (rates, quotes, histories)

whose coalitions are states between the two: M(S) has the new state's part for each cause in S. The
parts are Shapley's shares of that game, or the steps of a stated sequence. Either way they add up
to M(all) - M(none), whatever the order. Causes in which the states agree have no part.

Another venue's book is mapped to the model's contracts in every state, at that state's prices. In
the states between, the contracts of both days are mapped side by side. Where that turns a contract
or a balance into something else than the day's own mapping does, the difference is a cause by its
own name, ``mapping``: R of the first day's live book mapped beside the second's, less R of it
mapped alone, and on the last day the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.mapping import Mapped
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.totals import account_totals
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.risk.between import (
    MARKET_PARTS,
    alike,
    books_between,
    mapped_states,
    over,
    view_between,
    without_expired,
)
from crossmargin.risk.games import shapley

__all__ = ["CAUSES", "Cause", "Change", "State", "explain_change"]

BOOK_PARTS = ("trades", "balances", "orders")
CAUSES = (*BOOK_PARTS, "parameters", *MARKET_PARTS)
FIRST = ("repairs", "expiries")


@dataclass(frozen=True, slots=True)
class State:
    """One account at one time. ``parameters`` default to those in force then."""

    book: Book
    snapshot: Snapshot
    parameters: Parameters | None = None
    as_of_ms: int | None = None

    def at_ms(self) -> int:
        """The instant that lives are counted from."""
        return self.snapshot.as_of_ms if self.as_of_ms is None else self.as_of_ms


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of the change in dollars, and what differs in words and numbers."""

    name: str
    part_usd: float
    detail: str


@dataclass(frozen=True, slots=True)
class Change:
    """``after_usd - before_usd`` is the sum of the parts (to rounding of the sums: 1e-9)."""

    level: str
    before_usd: float
    after_usd: float
    causes: tuple[Cause, ...]
    method: str
    states: int  # states between that were margined
    notes: tuple[str, ...]


def explain_change(
    model: MarginModel,
    before: State,
    after: State,
    *,
    level: str = "im",
    repaired: Snapshot | None = None,
    sequence: Sequence[str] | None = None,
) -> Change:
    """The change of one account's requirement under one model, cause by cause.

    ``repaired``: the first snapshot as corrected since. ``sequence``: take the causes one after
    another in that order (all of ``CAUSES``), instead of Shapley's mean over all orders.

    Raises InputError ``option_unknown`` for several accounts, a second state before the first, or a
    sequence that is not one; ``instrument_unknown`` for another venue's contract that the model's
    venue has no counterpart of; and what the model raises of a state between.
    """
    _check(before, after, level, sequence)
    first = before if repaired is None else State(
        before.book, repaired, before.parameters, before.at_ms()
    )  # fmt: skip
    start, m0 = (_alone(model, state, level) for state in (before, first))
    end = _alone(model, after, level)
    game = _Between(model, first, after, level)
    active = [name for name in CAUSES if game.differs(name)]
    ends = np.repeat(np.array([[False], [True]]), len(active), axis=1)
    none, every = game.values(ends, active).tolist()
    if sequence is None:
        parts = shapley(lambda flags: game.values(flags, active), len(active)).values.tolist()
    else:
        order = [name for name in sequence if name in active]
        steps = np.array([[name in order[:k] for name in active] for k in range(len(order) + 1)])
        found = game.values(steps, active).tolist() if active else [none]
        gain = {name: found[k + 1] - found[k] for k, name in enumerate(order)}
        parts = [gain[name] for name in active]
    causes = []
    if repaired is not None:
        text = f"{_changed(before.snapshot, repaired)} observations differ in the corrected market"
        causes.append(Cause("repairs", m0 - start, text))
    live = none
    if game.mapped:
        live = _alone(model, State(game.live, first.snapshot, first.parameters, first.at_ms()),
                      level)  # fmt: skip
    causes.append(Cause("expiries", live - m0, game.expired_text()))
    causes += [
        Cause(name, part, game.detail(name)) for name, part in zip(active, parts, strict=True)
    ]
    name, text = "rest", "what the states between do not carry"
    if game.mapped:
        name, text = "mapping", game.moved_text()
    left = (none - live) + (end - every)
    if abs(left) > 1e-9 * max(abs(end), 1.0):
        causes.append(Cause(name, left, text))
    return Change(
        level=level,
        before_usd=start,
        after_usd=end,
        causes=tuple(causes),
        method="shapley" if sequence is None else "sequence",
        states=game.states,
        notes=game.notes,
    )


def _check(before: State, after: State, level: str, sequence: Sequence[str] | None) -> None:
    faults = (
        (len(before.book) != 1 or len(after.book) != 1, "a change is of one account", "1 account"),
        (after.at_ms() < before.at_ms(), "the second state is earlier than the first", ""),
        (level not in ("im", "mm"), "no such level", "im or mm"),
        (sequence is not None and sorted(sequence) != sorted(CAUSES),
         "a sequence names every cause once", ", ".join(CAUSES)),
    )  # fmt: skip
    for wrong, message, limit in faults:
        if wrong:
            raise InputError(
                "option_unknown", message, limit=limit, remedy="Choose what can be explained."
            )


def _parameters(model: MarginModel, state: State) -> Parameters:
    return state.parameters or parameters_for(model, state.at_ms())


def _alone(model: MarginModel, state: State, level: str) -> float:
    """The state's own requirement in dollars, over its own table."""
    view = state.snapshot.view(state.book.instruments, state.at_ms())
    return float(_margined(model, state.book, view, _parameters(model, state), level)[0])


def _margined(
    model: MarginModel, book: Book, view: View, parameters: Parameters, level: str
) -> Floats:
    book, view, _ = mapped_states(book, view, model.spec)
    requirement = run(book, view, model, parameters)
    for failure in requirement.failures:
        raise InputError(
            failure.code,
            failure.reason,
            place=f"account {failure.subject}",
            remedy="Give a market that prices the book of its time.",
        )
    totals = account_totals(requirement)
    return totals.im_usd if level == "im" else totals.mm_usd


class _Between:
    """The states between two: books over one table, views that price the same contracts."""

    def __init__(self, model: MarginModel, before: State, after: State, level: str) -> None:
        self.model, self.level, self.states = model, level, 0
        self.as_of = before.at_ms(), after.at_ms()
        self._snapshots = before.snapshot.sha256, after.snapshot.sha256
        old, items = before.book, before.book.instruments.items
        live = self.live = without_expired(old, self.as_of[1])
        self.expired = sorted(
            {items[line].native_id for line in old.column.tolist()}
            - {items[line].native_id for line in live.column.tolist()}
        )
        wanted = [item for item in items if item.expiry_ms > self.as_of[1]]
        wanted += [i for i in after.book.instruments.items if i.expiry_ms > self.as_of[1]]
        unique = {item.key: item for item in wanted}
        table = Instruments.of(unique.values())
        self.books = over(live, table, "a"), over(after.book, table, "a")
        views = [
            state.snapshot.view(table, at)
            for state, at in ((before, self.as_of[0]), (after, self.as_of[1]))
        ]
        first, second, self.notes = alike(views[0], views[1])
        self.views = first, second
        self._compare_mappings(before, after)
        self.parameters = _parameters(model, before), _parameters(model, after)

    def _compare_mappings(self, before: State, after: State) -> None:
        """What stands for each contract and balance of a day alone, and beside the other day's."""
        spec, states = self.model.spec, (before, after)
        losses: list[tuple[str, ...]] = []
        own: list[dict[str, str]] = []
        both: list[dict[str, str]] = []
        self.mapped = False
        for k, book in enumerate((self.live, after.book)):
            view = states[k].snapshot.view(book.instruments, self.as_of[k])
            one = mapped_states(book, view, spec)[2]
            two = mapped_states(self.books[k], self.views[k], spec)[2]
            self.mapped |= one is not None or two is not None
            losses.append(() if one is None else one.losses)
            own.append(_stands(book, one))
            both.append(_stands(self.books[k], two))
        self.moved = sorted(
            (name, told[name], beside[name])
            for told, beside in zip(own, both, strict=True)
            for name in told
            if told[name] != beside[name]
        )
        said = [
            f"mapped to {spec.venue}{'' if loss in losses[1 - k] else day}: {loss}"
            for k, day in enumerate((" before", " after"))
            for loss in losses[k]
            if k == 0 or loss not in losses[0]
        ]
        self.notes = (*self.notes, *said)

    def moved_text(self) -> str:
        """What is mapped otherwise alone than beside the contracts of the other day."""
        if not self.moved:
            return "the same contracts, read against another index beside the other day's"
        shown = [f"{name}: {one} alone, {two} beside the other day's" for name, one, two in
                 self.moved[:2]]  # fmt: skip
        more = len(self.moved) - len(shown)
        return "; ".join(shown) + (f" and {more} more" if more else "")

    def values(self, flags: Bools, active: Sequence[str]) -> Floats:
        """[V] dollars of states ``flags[V, C]`` over the active causes; others stay old.

        One run of the model for each market and parameter set that occurs: the books of a market
        are one population.
        """
        on = {name: flags[:, k] if (k := _place(active, name)) >= 0 else np.zeros(len(flags), bool)
              for name in CAUSES}  # fmt: skip
        out = np.empty(len(flags))
        outer = [*MARKET_PARTS, "parameters"]
        code: Longs = sum((on[name].astype(np.int64) << k for k, name in enumerate(outer)),
                          np.zeros(len(flags), np.int64))  # fmt: skip
        for bits in product((False, True), repeat=len(outer)):
            key = sum(bit << k for k, bit in enumerate(bits))
            rows = np.flatnonzero(code == key)
            if not len(rows):
                continue
            new = dict(zip(outer, bits, strict=True))
            view = view_between(*self.views, new)
            inner = np.stack([on[name][rows] for name in BOOK_PARTS], axis=1)
            kept, back = np.unique(inner, axis=0, return_inverse=True)
            book = books_between(*self.books, kept)
            chosen = self.parameters[new["parameters"]]
            found = _margined(self.model, book, view, chosen, self.level)
            out[rows] = found[back.reshape(-1)]
            self.states += len(kept)
        return out

    def differs(self, name: str) -> bool:
        """Whether the two states differ in a cause."""
        first, second = self.views
        if name in BOOK_PARTS:
            flags = np.zeros((2, 3), np.bool_)
            flags[1, BOOK_PARTS.index(name)] = True
            made = [books_between(*self.books, row[None]) for row in flags]
            return (
                made[0].positions_sha256() != made[1].positions_sha256()
                or made[0].orders_sha256() != made[1].orders_sha256()
            )
        if name == "parameters":
            return self.parameters[0].sha256 != self.parameters[1].sha256
        if name == "time":
            return self.as_of[0] != self.as_of[1]
        if name == "vol":
            return bool((first.vol != second.vol).any())
        if name == "spot":
            pairs = ("index", "usd", "forward", "forward_settled")
            dollars = (first.reads.get("usd"), second.reads.get("usd"))
            return dollars[0] != dollars[1] or any(
                (getattr(first, n) != getattr(second, n)).any() for n in pairs
            )
        # A later instant in one market leaves the marks where they are: that differs too.
        return self._snapshots[0] != self._snapshots[1] or self.as_of[0] != self.as_of[1]

    def detail(self, name: str) -> str:
        """What differs, shortly."""
        first, second = self.views
        if name == "spot":
            table = first.instruments
            moves = [
                f"{base} {100.0 * (b / a - 1.0):+.2f} %"
                for (base, quote), a, b in zip(
                    table.pairs, first.index.tolist(), second.index.tolist(), strict=True
                )
                if a > 0.0 and a != b and quote == "USD"
            ]
            return ", ".join(dict.fromkeys(moves))
        if name == "vol":
            option = (first.vol > 0.0) & (second.vol > 0.0)
            move = 100.0 * (second.vol[option] - first.vol[option])
            return f"median {float(np.median(move)):+.2f} points" if len(move) else ""
        if name == "time":
            return f"{(self.as_of[1] - self.as_of[0]) / DAY_MS:.2f} days"
        if name == "trades":
            count = self._traded()
            return f"{count} contract{'' if count == 1 else 's'} changed"
        if name == "orders":
            counts = [len(book.orders.column) for book in self.books]
            return f"{counts[0]} orders before, {counts[1]} after"
        if name == "parameters":
            return f"{self.parameters[0].label} to {self.parameters[1].label}"
        return {"balances": "cash, debts, reported equity, choices"}.get(
            name, "rates, quotes, histories, marks off their formula"
        )

    def _traded(self) -> int:
        """How many contracts are held in another size."""
        kind = self.books[0].instruments.kind
        held = [
            dict(zip(book.column.tolist(), book.quantity.tolist(), strict=True))
            for book in self.books
        ]
        money = (Kind.ASSET, Kind.DEBT)
        both = sorted({*held[0], *held[1]})
        own = [k for k in both if kind[k] not in money]
        return sum(held[0].get(k, 0.0) != held[1].get(k, 0.0) for k in own)

    def expired_text(self) -> str:
        """Names of what expired."""
        if not self.expired:
            return "none"
        more = f" and {len(self.expired) - 4} more" if len(self.expired) > 4 else ""
        return ", ".join(self.expired[:4]) + more


def _stands(book: Book, mapped: Mapped | None) -> dict[str, str]:
    """What stands for every contract and balance of an account, by name."""
    table = book.instruments.items
    held = sorted({*book.column.tolist(), *book.orders.column.tolist()})
    money = {currency for _, currency in book.reported.equity}
    money |= {table[k].underlying for k in held if table[k].kind == Kind.ASSET}
    items = table if mapped is None else mapped.book.instruments.items
    kept = {item.underlying for item in items if item.kind == Kind.ASSET} | (
        money if mapped is None else set()
    )
    out = {f"{name} balance": name if name in kept else "dollars" for name in sorted(money)}
    for k in held:
        if table[k].kind != Kind.ASSET:
            out[table[k].native_id] = items[k if mapped is None else int(mapped.place[k])].native_id
    return out


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _changed(first: Snapshot, second: Snapshot) -> int:
    """How many observations are not the same in two snapshots."""
    rows = {(r.field, r.subject): (r.value, r.verdict) for r in first.rows()}
    others = {(r.field, r.subject): (r.value, r.verdict) for r in second.rows()}
    both = sorted({*rows, *others})
    return sum(rows.get(key) != others.get(key) for key in both)
