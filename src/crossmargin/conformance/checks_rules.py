"""What every margin model says of itself: scenarios, sheet and tree, rules, kinds, balances."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from crossmargin.conformance.checks import margined, refused
from crossmargin.conformance.world import (
    AS_OF_MS,
    STABLE,
    Subject,
    contracts,
    random_book,
    view_of,
    world_of,
)
from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Bound, Requirement
from crossmargin.margin.model import Extent, Fidelity
from crossmargin.margin.pools import cut
from crossmargin.margin.sheet import Column, Node, Sheet
from crossmargin.pricing.netting import net

__all__ = [
    "ROOTS",
    "balances_count_once",
    "bound_is_declared",
    "haircut_lowers_the_initial_side",
    "rules_are_declared",
    "scenarios_mean_what_they_say",
    "spread_within_width",
    "strangers_are_refused",
    "tree_adds_up",
    "zero_shock",
]

ROOTS = ("counted_im", "im", "counted_mm", "mm")


# ---------------------------------------------------------------- scenarios


def zero_shock(subject: Subject) -> None:
    """Where nothing moves, the P&L of every contract is exactly zero."""
    for priced in margined(subject, random_book(subject, 10)).priced:
        if priced.scenarios is None or priced.risk is None:
            continue
        still = [
            s
            for s, (move, vol) in enumerate(
                zip(priced.scenarios.move.tolist(), priced.scenarios.vol_label, strict=True)
            )
            if move == 0.0 and vol == "same"
        ]
        for s in still:
            assert (priced.risk.pnl[:, s] == 0.0).all(), priced.scenarios.label[s]


def scenarios_mean_what_they_say(subject: Subject) -> None:
    """A long future gains where the move is up; a long option gains where the vol is up.

    The binding scenario of a row is the first of those that lose most, and no other loses more.
    """
    found = margined(subject, random_book(subject, 11))
    for priced in found.priced:
        if priced.scenarios is not None:
            _directions(found, priced.pool.label)
    for row in range(len(found.sheet)):
        pool = found.plan.pools[int(found.sheet.pool[row])]
        priced = found.priced[int(found.sheet.pool[row])]
        account = int(found.sheet.account[row])
        held = cut(found.book.rows(account, account + 1), pool, account)
        vector = subject.model.vector(priced, held)
        code = int(found.scenario[row])
        if vector is None or code < 0:
            continue
        pnl = vector[0]
        assert pnl.shape == (len(priced.scenarios or ()),)
        if code < len(pnl):  # else the rule has one more candidate, which is worse than all
            slack = 1e-12 * abs(float(pnl.min()))
            assert pnl[code] <= pnl.min() + slack
            assert code == int(np.argmax(pnl <= pnl.min() + slack))
        runner_up = int(found.runner_up[row])
        assert runner_up != code
        if runner_up in range(len(pnl)) and code < len(pnl):
            assert pnl[runner_up] <= np.delete(pnl, code).min() + 1e-12 * abs(pnl[runner_up])


def _directions(found: Requirement, label: str) -> None:
    priced = next(p for p in found.priced if p.pool.label == label)
    assert priced.risk is not None
    assert priced.scenarios is not None
    part, scenarios = priced.pool.instruments, priced.scenarios
    pnl = priced.risk.scenario_pnl()
    delta_one = np.isin(part.kind, [int(Kind.PERPETUAL), int(Kind.FUTURE)])
    option = part.kind == Kind.OPTION
    for s, (move, vol) in enumerate(zip(scenarios.move.tolist(), scenarios.vol_label, strict=True)):
        moved = np.sign(scenarios.spot[:, s] - 1.0)
        if len(np.unique(moved[part.pair[delta_one]])) > 1:  # coins move apart: each its own way
            own = moved[part.pair[delta_one]]
            assert (np.sign(pnl[delta_one, s]) == own).all(), scenarios.label[s]
            continue
        if not scenarios.reflect[s]:
            assert (np.sign(pnl[delta_one, s]) == np.sign(move)).all(), scenarios.label[s]
        if move == 0.0 and vol in ("up", "down"):
            good = pnl[option, s] if vol == "up" else -pnl[option, s]
            assert (good >= 0.0).all(), scenarios.label[s]
            assert not option.any() or good.max() > 0.0


def spread_within_width(subject: Subject) -> None:
    """A vertical spread cannot lose more than its width; the rest of its charge are add-ons.

    In coin the width is worth the most where the coin is cheapest: at the lower end of the clamped
    range. A rule of skews or discounts may not make a hedged book lose more than it can. A model
    that margins an expansion is asked for the full revaluation that stands beside it.
    """
    world = world_of(subject)
    options = [
        (k, item)
        for k, item in enumerate(world.instruments.items)
        if item.kind == Kind.OPTION and item.underlying == "BTC"
    ]
    lives = sorted({item.expiry_ms for _, item in options})[1:3]
    strikes = sorted({item.strike for _, item in options})
    for settle in sorted({item.settle for _, item in options}):
        for expiry_ms in lives:
            for right in (1, -1):
                leg = {
                    item.strike: (k, item)
                    for k, item in options
                    if (item.settle, item.expiry_ms, item.right) == (settle, expiry_ms, right)
                }
                for low, high in pairwise(strikes):
                    sold, bought = (low, high) if right > 0 else (high, low)
                    lines = [Line("a", leg[sold][0], -1.0), Line("a", leg[bought][0], 1.0)]
                    book = Book.of(world.instruments, lines)
                    _spread(subject, book, leg[sold][1], high - low)


def _spread(subject: Subject, book: Book, sold: Instrument, width: float) -> None:
    found = margined(subject, book)
    for row in range(len(found.sheet)):
        priced = found.priced[int(found.sheet.pool[row])]
        held = cut(found.book, priced.pool, 0)
        vector = subject.model.vector(priced, held)
        if vector is None or not len(held.column) or priced.scenarios is None:
            continue
        if subject.model.spec.expands:
            assert priced.risk is not None, "an expansion without the revaluation that judges it"
            vector = net(held.row, held.column, held.quantity, priced.risk.pnl)
            vector = vector[:, : priced.risk.count]
        usd = width
        if sold.inverse:
            usd /= float(priced.scenarios.spot.min())
        loss_usd = -float(vector[0].min()) * priced.usd_per_unit
        assert loss_usd <= usd * (1.0 + 1e-9), (sold.native_id, loss_usd, usd)


# ---------------------------------------------------------------- the sheet and its tree


def tree_adds_up(subject: Subject) -> None:
    """Every column is its operator on its children, to the bit; the four totals come last."""
    found = margined(subject, random_book(subject, 12))
    sheet = found.sheet
    assert tuple(column.name for column in sheet.columns[-4:]) == ROOTS
    names = [column.name for column in sheet.columns]
    assert {"cash", "equity"} <= set(names)  # the totals in dollars and the cash to hold read them
    assert len(set(names)) == len(names)
    for place, column in enumerate(sheet.columns):
        assert all(names.index(child) < place for child in column.children), column.name
        if column.operator != "leaf":
            assert (_operated(sheet, column) == sheet[column.name]).all(), column.name
    for root in ROOTS:
        for row in range(0, len(sheet), 7):
            _node(sheet, sheet.tree(row, root), row)


def _operated(sheet: Sheet, column: Column) -> np.ndarray:
    parts = [sheet[name] for name in column.children]
    total = parts[0].copy()
    for part in parts[1:]:
        match column.operator:
            case "sum":
                total = total + part
            case "difference":
                total = total - part
            case "product":
                total = total * part
            case "max":
                total = np.maximum(total, part)
            case "min":
                total = np.minimum(total, part)
    match column.operator:
        case "scale":
            return total * column.constant
        case "round":
            return np.round(total, int(column.constant))
        case "sum" | "difference" | "product" | "max" | "min":
            return total
    raise AssertionError(f"unknown operator {column.operator}")


def _node(sheet: Sheet, node: Node, row: int) -> None:
    assert node.value == sheet[node.name][row]
    column = next(c for c in sheet.columns if c.name == node.name)
    assert tuple(child.name for child in node.children) == column.children
    for child in node.children:
        _node(sheet, child, row)


def rules_are_declared(subject: Subject) -> None:
    """Every leaf follows a declared rule, every rule has a source, and none is idle."""
    spec = subject.model.spec
    declared = {rule.name for rule in spec.rules}
    assert len(declared) == len(spec.rules)
    sheet = margined(subject, random_book(subject, 13)).sheet
    for column in sheet.columns:
        if column.operator == "leaf":
            assert column.rule in declared, column.name
        assert column.rule in {"", *declared}, column.name
    used = {column.rule for column in sheet.columns}
    assert declared <= used, f"no column follows {sorted(declared - used)}"
    for rule in spec.rules:
        assert rule.text.strip(), rule.name
        assert rule.source.strip(), rule.name
        assert set(rule.readings) <= set(spec.readings), rule.name
        for kind in spec.kinds:
            rule.known(kind)
    assert spec.title.strip()
    assert spec.balance_side.strip()
    behind = {name for rule in spec.rules for name in rule.readings}
    assert set(spec.readings) <= behind, "a reading that no rule depends on"


def bound_is_declared(subject: Subject) -> None:
    """Where a rule is left out the total is *at least*, and the model says what is not known."""
    spec = subject.model.spec
    found = margined(subject, random_book(subject, 14))
    if found.bound is Bound.AT_LEAST:
        assert spec.unknown
    if spec.extent is Extent.COMPLETE:
        left_out = [
            r.name for r in spec.rules for k in spec.kinds if r.known(k) is Fidelity.MISSING
        ]
        assert not left_out, "complete, and a rule is left out"


# ---------------------------------------------------------------- kinds and venues


def strangers_are_refused(subject: Subject) -> None:
    """A kind or a venue that the model does not take is refused by name."""
    spec = subject.model.spec
    world = world_of(subject)
    first = world.instruments.items[0]
    for kind in Kind:
        if kind not in spec.kinds:
            odd = replace(first, native_id=f"odd {kind.name}", kind=kind, right=1, strike=1.0)
            _refused_item(subject, replace(odd, expiry_ms=AS_OF_MS + 30 * DAY_MS))
    if spec.venue:
        _refused_item(subject, replace(first, venue="elsewhere"))


def _refused_item(subject: Subject, item: Instrument) -> None:
    world = view_of([*contracts(subject), item])
    book = Book.of(world.instruments, [Line("a", world.instruments.index_of()[item.key], 1.0)])
    error = refused("kind_not_accepted", lambda: margined(subject, book, world))
    assert item.native_id in error.place
    assert error.limit
    assert error.remedy


# ---------------------------------------------------------------- balances


def balances_count_once(subject: Subject) -> None:
    """A dollar of cash is a dollar of equity, and the requirement of plain cash is not raised."""
    world = world_of(subject)
    cash = world.rows(lambda item: item.kind == Kind.ASSET and item.underlying == STABLE)
    if not cash:
        return
    found = margined(subject, Book.of(world.instruments, [Line("a", cash[0], 1000.0)]))
    usd = [priced.usd_per_unit for priced in found.priced]
    equity = sum(
        float(found.sheet["equity"][row]) * usd[int(found.sheet.pool[row])]
        for row in range(len(found.sheet))
    )
    # The dollars of a pool that counts in USDC are those of USDC itself.
    assert abs(equity - 999.5) <= 1e-9, equity
    assert float(np.abs(found.sheet["im"]).sum()) == 0.0


def haircut_lowers_the_initial_side(subject: Subject) -> None:
    """What counts for the initial requirement never exceeds what counts for maintenance."""
    names = [n for n in subject.parameters.entries if n.endswith("haircut")]
    changed = replace(
        subject,
        parameters=replace(
            subject.parameters,
            entries={
                **subject.parameters.entries,
                **{name: replace(subject.parameters.entries[name], value=0.3) for name in names},
            },
        ),
    )
    book = random_book(subject, 15)
    owing = {
        int(np.searchsorted(book.row, j, side="right")) - 1
        for j in np.flatnonzero(book.is_cash() & (book.quantity < 0.0)).tolist()
    }
    sheet = margined(changed, book).sheet
    free = ~np.isin(sheet.account, sorted(owing))
    assert free.any()
    assert (sheet["counted_im"] <= sheet["counted_mm"])[free].all()
