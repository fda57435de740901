"""One driver for one book and for a population: plan, price, margin, stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.errors import Failure, InputError, ModelError
from crossmargin.core.threads import BLOCK, map_blocks
from crossmargin.instruments.book import Book
from crossmargin.margin.model import (
    Bound,
    MarginModel,
    Plan,
    PoolAnswer,
    Priced,
    Requirement,
)
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.pools import cut, restrict
from crossmargin.margin.selection import accounts_where, holdings, plan_for, without_refused
from crossmargin.margin.sheet import stack
from crossmargin.market.view import View

__all__ = ["BLOCK", "margin_block", "parameters_for", "run"]


def parameters_for(
    model: MarginModel, as_of_ms: int, changes: Mapping[str, Any] | None = None, label: str = "user"
) -> Parameters:
    """The set in force at ``as_of_ms``, with changes inside the bounds of the set."""
    found = load(model.spec.folder, as_of_ms)
    return overlay(found, changes, label) if changes else found


def run(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters | None = None,
    *,
    block: int = BLOCK,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Requirement:
    """The requirement of every account of a book under a model.

    ``progress`` hears (accounts done, accounts in all) after each block, from its thread.

    Blocks of accounts are independent and their rows are stacked in order, so the bits depend
    neither on the block size nor on the threads. An account that holds, or has an open order in,
    an instrument which the view cannot price has no row: it is in ``failures``. So is an account
    that the model refuses, unless it is the only one: then the model's error is raised.

    Raises ModelError ``kind_not_accepted`` for an instrument that the model does not take,
    InputError ``number_out_of_range`` for a block or threads below 1, and what the model raises.
    """
    chosen = parameters or parameters_for(model, view.as_of_ms)
    _accepts(book, model)
    kept, failures = _without_failures(book, view)
    plan, kept, view, more = plan_for(model, kept, view, chosen)
    failures += more
    priced = tuple(model.price(p, restrict(view, kept.instruments, p), chosen) for p in plan.pools)

    def margined(book: Book) -> list[PoolAnswer]:
        done: list[int] = []  # sizes of finished blocks: one append is one step for any thread

        def work(low: int, high: int) -> list[PoolAnswer]:
            answer = margin_block(model, plan, priced, book, (low, high), chosen)
            if progress is not None:
                done.append(high - low)
                progress(sum(done), len(book))
            return answer

        answers = map_blocks(work, len(book), block=block, threads=threads) or [work(0, 0)]
        return [answer for per_block in answers for answer in per_block]

    try:
        flat = margined(kept)
    except ModelError:  # who is refused is asked only then: the usual population pays nothing
        rest, more = without_refused(model, plan, priced, kept)
        if len(kept) < 2 or not more:
            raise
        kept, failures = rest, failures + more
        flat = margined(kept)
    return Requirement(
        model=model.spec,
        via=model,
        parameters=chosen,
        plan=plan,
        priced=priced,
        book=kept,
        view=view,
        sheet=stack([a.sheet for a in flat]),
        scenario=frozen(np.concatenate([a.scenario for a in flat]), np.int32),
        runner_up=frozen(np.concatenate([a.runner_up for a in flat]), np.int32),
        runner_up_loss=frozen(np.concatenate([a.runner_up_loss for a in flat]), np.float64),
        source=frozen(np.concatenate([a.source for a in flat]), np.int8),
        at_least=frozen(np.concatenate([_at_least(a) for a in flat]), np.bool_),
        loss=frozen(np.concatenate([_loss(a) for a in flat]), np.float64),
        failures=failures,
        notes=plan.notes,
    )


def margin_block(
    model: MarginModel,
    plan: Plan,
    priced: tuple[Priced, ...],
    book: Book,
    edge: tuple[int, int],
    parameters: Parameters,
) -> list[PoolAnswer]:
    """Answers of accounts ``edge[0]`` to ``edge[1]``, one a pool, in the plan's order."""
    low, high = edge
    part = book.rows(low, high)
    out = []
    for number, (pool, market) in enumerate(zip(plan.pools, priced, strict=True)):
        answer = model.margin(market, cut(part, pool, low), parameters)
        codes = frozen(np.full(high - low, number), np.int32)
        out.append(replace(answer, sheet=replace(answer.sheet, pool=codes)))
    return out


def _at_least(answer: PoolAnswer) -> Bools:
    if answer.at_least is not None:
        return answer.at_least
    return np.full(len(answer.sheet), answer.bound is Bound.AT_LEAST)


def _loss(answer: PoolAnswer) -> Floats:
    return np.zeros(len(answer.sheet)) if answer.loss is None else answer.loss


def _accepts(book: Book, model: MarginModel) -> None:
    spec = model.spec
    if len(book.instruments) == 0:
        raise InputError(
            "book_empty", "the book holds no line", remedy="Give at least one position or balance."
        )
    for item in book.instruments.items:
        if item.kind not in spec.kinds:
            raise ModelError(
                "kind_not_accepted",
                f"{spec.name} does not take this kind of instrument",
                place=f"{item.venue} {item.native_id}",
                value=item.kind.name.lower(),
                limit=", ".join(kind.name.lower() for kind in spec.kinds),
                remedy="Choose another model or remove the line.",
            )
        if spec.venue and item.venue != spec.venue:
            known = spec.maps_from or (spec.venue,)
            raise ModelError(
                "kind_not_accepted",
                f"{spec.name} margins instruments of {spec.venue}",
                place=f"{item.venue} {item.native_id}",
                value=item.venue,
                limit=", ".join(known),
                remedy="Map the book to that venue's contracts first.",
            )


def _without_failures(book: Book, view: View) -> tuple[Book, tuple[Failure, ...]]:
    """The accounts that can be margined, and why the others cannot."""
    if view.ok.all():
        return book, ()
    reason = {failure.subject: failure for failure in view.failures}
    failures: list[Failure] = []
    lost = np.zeros(len(book), np.bool_)
    for row, columns, real in holdings(book):
        for j in np.flatnonzero(~view.ok[columns] & real).tolist():
            account = int(np.searchsorted(row, j, side="right")) - 1
            if lost[account]:
                continue
            label = book.instruments.label(int(columns[j]))
            cause = reason.get(label)
            code = cause.code if cause else "mark_missing"
            text = cause.reason if cause else "no price"
            failures.append(Failure(book.account[account], code, f"{label}: {text}"))
            lost[account] = True
    if not failures:
        return book, ()
    return accounts_where(book, ~lost), tuple(failures)
