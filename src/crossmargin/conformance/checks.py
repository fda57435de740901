"""What holds for every margin model, each promise a function that fails with an AssertionError.

Here: nothing held, order, neighbours, hard numbers. The functions take a `Subject`, so that the
same ones run over the register, over stubs of families that come later, and over models with a
planted fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from crossmargin.conformance.world import (
    STRANGE,
    Subject,
    World,
    accounts_of,
    contracts,
    random_book,
    random_lines,
    split,
    view_of,
    world_of,
)
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Requirement, ScaleLaw, run
from crossmargin.margin.run import BLOCK

__all__ = [
    "Answer",
    "Key",
    "answers",
    "empty_book",
    "failed_account",
    "hard_numbers",
    "margined",
    "neighbours",
    "offsetting_lots",
    "order_and_lots",
    "own_table",
    "refused",
    "refused_account",
    "sane_numbers",
    "scale_law",
    "table_has_every_kind",
]

Key = tuple[str, str]
Answer = tuple[tuple[bytes, ...], int, int, bytes, int]


def margined(
    subject: Subject,
    book: Book,
    world: World | None = None,
    *,
    block: int = BLOCK,
    threads: int = 1,
) -> Requirement:
    """The book under the subject's model and parameters."""
    view = (world or world_of(subject)).view
    return run(book, view, subject.model, subject.parameters, block=block, threads=threads)


def answers(found: Requirement) -> dict[Key, Answer]:
    """Every bit of the answer, by account and pool."""
    out: dict[Key, Answer] = {}
    for row, (account, pool) in enumerate(
        zip(found.sheet.account.tolist(), found.sheet.pool.tolist(), strict=True)
    ):
        cells = tuple(values[row].tobytes() for values in found.sheet.values)
        key = str(found.book.account[account]), found.plan.pools[pool].label
        assert key not in out, f"two rows of {key}"
        out[key] = (
            cells,
            int(found.scenario[row]),
            int(found.runner_up[row]),
            found.runner_up_loss[row].tobytes(),
            int(found.source[row]),
        )
    return out


def refused(code: str, call: Callable[[], object]) -> ModelError | InputError:
    """The error of that code that the call raises."""
    try:
        call()
    except (ModelError, InputError) as error:
        assert error.code == code, error.code
        return error
    raise AssertionError(f"not refused with {code}")


# ---------------------------------------------------------------- nothing, order, neighbours


def empty_book(subject: Subject) -> None:
    """An account without a line needs nothing, next to others too; no table is refused."""
    names = accounts_of()
    lines = [line for line in random_lines(world_of(subject), 2) if line.account != names[5]]
    found = margined(subject, Book.of(world_of(subject).instruments, lines, accounts=names))
    held = {line.account for line in lines}
    idle = [row for row, a in enumerate(found.sheet.account) if names[a] not in held]
    traded = {line.account for line in lines if line.column in world_of(subject).derivatives()}
    flat = [row for row, a in enumerate(found.sheet.account) if names[a] not in traded]
    assert flat, "the books have no account without positions"
    amounts = ("counted_im", "im", "counted_mm", "mm", "cash", "equity")
    for row in idle:
        assert all(found.sheet[name][row] == 0.0 for name in amounts)
        assert found.scenario[row] == -1
    nobody = Book.of(world_of(subject).instruments, (), accounts=())
    assert len(margined(subject, nobody).sheet) == 0
    nothing = view_of(())
    refused("book_empty", lambda: margined(subject, Book.of(nothing.instruments, ()), nothing))


def order_and_lots(subject: Subject) -> None:
    """Neither the order of lines and contracts nor a split into lots changes a bit."""
    world, rng = world_of(subject), np.random.default_rng(3)
    lines = random_lines(world, 3, 20)
    names = accounts_of(20)
    first = answers(margined(subject, Book.of(world.instruments, lines, accounts=names)))
    pieces = [part for line in lines for part in split(line, rng)]
    pieces = [pieces[k] for k in rng.permutation(len(pieces)).tolist()]
    again = Book.of(world.instruments, pieces, accounts=names)
    assert again.lots_merged > 0
    assert answers(margined(subject, again)) == first
    items = contracts(subject)
    shuffled = view_of([items[k] for k in rng.permutation(len(items)).tolist()])
    again = Book.of(shuffled.instruments, lines, accounts=names)
    assert answers(margined(subject, again, shuffled)) == first


def neighbours(subject: Subject) -> None:
    """The same bits alone, in blocks of any size and on any number of threads."""
    book = random_book(subject, 4)
    whole = answers(margined(subject, book))
    alone: dict[Key, Answer] = {}
    for a in range(len(book)):
        alone |= answers(margined(subject, book.rows(a, a + 1)))
    assert alone == whole
    for block in (1, 7, 4096):
        for threads in (1, 2, 3):
            assert answers(margined(subject, book, block=block, threads=threads)) == whole, (
                block,
                threads,
            )


def own_table(subject: Subject) -> None:
    """What others hold does not matter: on a table of its own contracts an account needs the same.

    Cash of a model with a pool an underlying stands with the first pool of the table, so only
    requirements are compared pool by pool.
    """
    book = random_book(subject, 5, 12)
    found = margined(subject, book)
    whole = _requirements(found)
    for a, name in enumerate(book.account):
        columns = book.column[book.row[a] : book.row[a + 1]].tolist()
        if not columns:
            continue
        small = view_of([book.instruments.items[c] for c in columns])
        place = small.instruments.index_of()
        lines = [
            Line(name, place[book.instruments.items[c].key], float(q))
            for c, q in zip(
                columns, book.quantity[book.row[a] : book.row[a + 1]].tolist(), strict=True
            )
        ]
        for key, needs in _requirements(
            margined(subject, Book.of(small.instruments, lines), small)
        ).items():
            assert needs == whole.get(key, (0.0, 0.0)), key


def _requirements(found: Requirement) -> dict[Key, tuple[float, float]]:
    im, mm = found.sheet["im"], found.sheet["mm"]
    return {
        (str(found.book.account[a]), found.plan.pools[p].label): (float(im[row]), float(mm[row]))
        for row, (a, p) in enumerate(zip(found.sheet.account, found.sheet.pool, strict=True))
    }


def failed_account(subject: Subject) -> None:
    """An account that holds what cannot be priced has no row, a reason, and changes no other."""
    world, book = world_of(subject), random_book(subject, 6)
    options = world.rows(lambda item: item.kind == Kind.OPTION) or world.derivatives()
    if not options:
        return
    column = options[len(options) // 2]
    item = world.instruments.items[column]
    blind = view_of(contracts(subject), (item.native_id,))
    lines = [line for line in random_lines(world, 6) if line.column != column]
    names = accounts_of()
    before = answers(margined(subject, Book.of(world.instruments, lines, accounts=names)))
    bad = (names[2], names[-1])
    more = [*lines, *(Line(name, column, -1.0) for name in bad)]
    found = margined(subject, Book.of(world.instruments, more, accounts=names), blind)
    assert [failure.subject for failure in found.failures] == list(bad)
    for failure in found.failures:
        assert failure.code == "vol_missing"
        assert item.native_id in failure.reason
    expected = {key: value for key, value in before.items() if key[0] not in bad}
    assert answers(found) == expected
    # Lots that cancel hold nothing: such an account is not lost.
    flat = [*lines, Line(names[2], column, -1.0), Line(names[2], column, 1.0)]
    found = margined(subject, Book.of(world.instruments, flat, accounts=names), blind)
    assert found.failures == ()
    assert book.instruments is world.instruments


def refused_account(subject: Subject) -> None:
    """An account with an asset that the model does not take fails alone, and changes no other.

    Whether it is taken is the model's; what must not happen is that its neighbours pay for it.
    """
    if Kind.ASSET not in subject.model.spec.kinds:
        return
    lines, names = random_lines(world_of(subject), 10), accounts_of()
    venue = subject.model.spec.venue or "deribit"
    odd = Instrument(venue, STRANGE, Kind.ASSET, STRANGE, "USD", STRANGE)
    world = view_of([*contracts(subject), odd])
    place = world.instruments.index_of()
    items = world_of(subject).instruments.items
    moved = [replace(line, column=place[items[line.column].key]) for line in lines]
    column = place[odd.key]
    before = answers(margined(subject, Book.of(world.instruments, moved, accounts=names), world))
    bad = (names[1], names[3], names[-1])
    odds = [Line(name, column, 5.0) for name in bad]
    book = Book.of(world.instruments, [*moved, *odds], accounts=names)
    found = margined(subject, book, world, block=7)
    lost = [failure.subject for failure in found.failures]
    assert lost in ([], list(bad)), lost
    after = answers(found)
    for key, value in before.items():
        if key[0] not in bad:
            assert after[key] == value, key
        elif lost:
            assert key not in after, key
    for failure in found.failures:
        assert STRANGE in failure.reason
        row = names.index(failure.subject)
        refused(failure.code, partial(margined, subject, book.rows(row, row + 1), world))
    if lost:  # lots that cancel hold nothing
        nothing = [Line(names[2], column, size) for size in (5.0, -5.0)]
        book = Book.of(world.instruments, [*moved, *nothing], accounts=names)
        assert answers(margined(subject, book, world)) == before


# ---------------------------------------------------------------- numbers


def sane_numbers(subject: Subject) -> None:
    """Finite everywhere; requirements not negative; the initial one at least the other."""
    for seed in (7, 8):
        sheet = margined(subject, random_book(subject, seed)).sheet
        for column, values in zip(sheet.columns, sheet.values, strict=True):
            assert np.isfinite(values).all(), column.name
        assert (sheet["mm"] >= 0.0).all()
        assert (sheet["im"] >= 0.0).all()
        if subject.model.spec.has_im:
            # A rule that rounds the initial requirement may take half a place off it.
            places = [c.constant for c in sheet.columns if c.operator == "round" and c.name == "im"]
            slack = 0.5 * 10.0 ** -min(places) if places else 0.0
            assert (sheet["im"] >= sheet["mm"] - slack).all()
        assert (sheet["im"] > 0.0).any(), "no account of the books needs margin"


def hard_numbers(subject: Subject) -> None:
    """Strikes from 1 to 1e9, vols from 0.01 to 9, lives of 0 and 1 ms, dust and 1e12: finite."""
    items = contracts(subject)
    if not any(item.kind == Kind.OPTION for item in items):
        return
    hard: list[Instrument] = [item for item in items if item.kind != Kind.OPTION]
    options = [item for item in items if item.kind == Kind.OPTION]
    for k, item in enumerate(options):
        strike = (1.0, item.strike, 1e9)[k % 3]
        life = (0, 1, item.expiry_ms - world_of(subject).view.as_of_ms)[k // 3 % 3]
        hard.append(
            replace(
                item,
                native_id=f"{item.native_id}-{k}",
                strike=strike,
                expiry_ms=world_of(subject).view.as_of_ms + life,
            )
        )
    world = view_of(hard)
    vol = np.where(world.view.vol > 0.0, np.resize([0.01, 0.6, 9.0], len(world.instruments)), 0.0)
    world = replace(world, view=replace(world.view, vol=vol))
    rows = world.derivatives()
    sizes = np.resize([1e-18, -1.0, 1e12, -1e12, 3.0, -1e-18], len(rows))
    lines = [
        Line(f"b{k % 7}", row, float(size))
        for k, (row, size) in enumerate(zip(rows, sizes, strict=True))
    ]
    found = margined(subject, Book.of(world.instruments, lines), world)
    assert found.failures == ()
    for column, values in zip(found.sheet.columns, found.sheet.values, strict=True):
        assert np.isfinite(values).all(), column.name


def offsetting_lots(subject: Subject) -> None:
    """Long and short of one contract is nothing."""
    world = world_of(subject)
    rows = world.derivatives() or world.rows(lambda item: item.kind == Kind.DEBT)
    lines = [Line("a", row, size) for row in rows for size in (7.25, -7.25)]
    sheet = margined(subject, Book.of(world.instruments, lines)).sheet
    assert sheet["im"].tolist() == [0.0] * len(sheet)
    assert sheet["mm"].tolist() == [0.0] * len(sheet)


def scale_law(subject: Subject) -> None:
    """Twice the book: exactly twice, at least twice, or neither, as the model declares."""
    book = random_book(subject, 9)
    once = margined(subject, book).sheet
    twice = margined(subject, replace(book, quantity=book.quantity * 2.0)).sheet
    law = subject.model.spec.scale
    for name in ("im", "mm"):
        a, b = once[name], twice[name]
        assert np.isfinite(b).all()
        if law is ScaleLaw.HOMOGENEOUS:
            assert (np.abs(b - 2.0 * a) <= 1e-12 * np.abs(b)).all(), name
        elif law is ScaleLaw.SUPERLINEAR:
            assert (b >= 2.0 * a * (1.0 - 1e-12)).all(), name


def table_has_every_kind(subject: Subject) -> None:
    """The random books reach every kind that the model accepts."""
    book = random_book(subject, 1)
    kinds = {Kind(int(kind)) for kind in book.instruments.kind[book.column]}
    assert kinds == set(subject.model.spec.kinds)
