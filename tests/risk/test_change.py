from __future__ import annotations

from dataclasses import replace
from itertools import islice, permutations
from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.sources import book_of
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.totals import account_totals
from crossmargin.risk.change import CAUSES, Change, State, explain_change
from crossmargin.venues.market_import import import_market
from tests.risk.sample_books import book, market
from tests.risk.two_days import after, before, moved

MODELS = ("deribit-spm", "deribit-xpm")


def required(name: str, state: State, level: str = "im") -> float:
    view = state.snapshot.view(state.book.instruments, state.as_of_ms)
    totals = account_totals(run(state.book, view, model_named(name), state.parameters))
    return float((totals.im_usd if level == "im" else totals.mm_usd)[0])


def parts(found: Change) -> dict[str, float]:
    return {cause.name: cause.part_usd for cause in found.causes}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("level", ["im", "mm"])
def test_the_parts_are_the_change(name: str, level: str) -> None:
    model = model_named(name)
    found = explain_change(model, before(model), after(model), level=level)
    assert found.before_usd == pytest.approx(required(name, before(model), level), rel=1e-12)
    assert found.after_usd == pytest.approx(required(name, after(model), level), rel=1e-12)
    own = parts(found)
    change = found.after_usd - found.before_usd
    assert sum(own.values()) == pytest.approx(change, abs=1e-9 * found.before_usd)
    assert "rest" not in own
    assert set(own) == {"expiries", "trades", "balances", "orders", "spot", "vol", "time", "other"}
    assert own["expiries"] != 0.0
    assert own["spot"] != 0.0


def test_every_sequence_adds_up_and_the_mean_is_shapleys() -> None:
    """Three causes differ: the mean over their six sequences is the part of each."""
    model = model_named("deribit-spm")
    start = before(model)
    snapshot = moved(market(), {"index": 1.05, "forward": 1.05, "mark_iv": 1.2})
    held = Book.of(start.book.instruments, start.book.lines, start.book.orders.items[:6])
    end = State(held, snapshot, start.parameters)
    fair = parts(explain_change(model, start, end))
    active = [name for name in fair if name != "expiries"]
    rest = [name for name in CAUSES if name not in active]
    total = dict.fromkeys(active, 0.0)
    orders = list(permutations(active))
    for order in orders:
        found = explain_change(model, start, end, sequence=[*order, *rest])
        own = parts(found)
        assert sum(own.values()) == pytest.approx(found.after_usd - found.before_usd, abs=1e-5)
        assert found.method == "sequence"
        for name in active:
            total[name] += own[name] / len(orders)
    assert {name: fair[name] for name in active} == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("order", list(islice(permutations(CAUSES), 0, 40_320, 9001)))
def test_a_few_orders_of_all_causes(order: tuple[str, ...]) -> None:
    model = model_named("deribit-spm")
    found = explain_change(model, before(model), after(model), sequence=order)
    change = found.after_usd - found.before_usd
    assert sum(parts(found).values()) == pytest.approx(change, abs=1e-5)


@pytest.mark.parametrize("cause", ["trades", "balances", "orders", "spot", "vol", "time",
                                   "parameters"])  # fmt: skip
def test_what_alone_differs_has_the_whole_change(cause: str) -> None:
    model = model_named("deribit-spm")
    start, last = before(model), after(model)
    held = Book.of(start.book.instruments, start.book.lines[20:], start.book.orders.items)
    start = replace(start, book=held)
    changes = {
        "trades": lambda: replace(start, book=Book.of(
            held.instruments, held.lines[30:], held.orders.items, None, held.account)),
        "orders": lambda: replace(start, book=Book.of(held.instruments, held.lines)),
        "spot": lambda: replace(start, snapshot=moved(market(), {"index": 1.03, "forward": 1.03})),
        "vol": lambda: replace(start, snapshot=moved(market(), {"mark_iv": 1.2})),
        "time": lambda: replace(start, as_of_ms=market().as_of_ms + 3_600_000),
        "parameters": lambda: replace(start, parameters=_other(start)),
        "balances": lambda: replace(start, book=_richer(held)),
    }  # fmt: skip
    found = explain_change(model, start, changes[cause]())
    own = parts(found)
    others = {name: part for name, part in own.items() if name not in (cause, "other")}
    assert all(part == pytest.approx(0.0, abs=1e-6) for part in others.values()), others
    assert last.book is not held


def _other(state: State):  # type: ignore[no-untyped-def] # a parameter set
    from crossmargin.margin.parameter_files import overlay

    assert state.parameters is not None
    name = next(n for n in sorted(state.parameters.entries)
                if n.startswith("scan") or "range" in n or "move" in n)  # fmt: skip
    value = state.parameters.entries[name].value
    new = value * 1.01 if isinstance(value, float) else value
    return overlay(state.parameters, {name: new}, "changed")


def _richer(held: Book) -> Book:
    kind = held.instruments.kind
    lines = [replace(x, quantity=2.0 * x.quantity) if kind[x.column] == 0 else x
             for x in held.lines]  # fmt: skip
    return Book.of(held.instruments, lines, held.orders.items)


def test_a_corrected_market_is_a_cause_of_its_own() -> None:
    model = model_named("deribit-spm")
    start, end = before(model), after(model)
    mended = moved(market(), {"mark_iv": 1.05})
    found = explain_change(model, start, end, repaired=mended)
    own = parts(found)
    whole = required("deribit-spm", replace(start, snapshot=mended)) - found.before_usd
    assert own["repairs"] == pytest.approx(whole, rel=1e-12)
    change = found.after_usd - found.before_usd
    assert sum(own.values()) == pytest.approx(change, abs=1e-6)


def test_the_same_state_has_no_cause() -> None:
    model = model_named("deribit-spm")
    found = explain_change(model, before(model), before(model))
    assert parts(found) == {"expiries": 0.0}
    assert found.after_usd == found.before_usd


def test_two_days_of_a_recorded_chain(market_dir: Path) -> None:
    """A tenth off in a day: what no formula explains of the marks is a thousandth of the change."""
    file = market_dir / "deribit" / "deribit_BTC_option_chains_6h_20251230_20260822.parquet"
    if not file.is_file():
        pytest.skip("no recorded chains in the --market folder")
    days = [import_market([str(file)], parse_ms(time, "day"))
            for time in ("2026-02-04T12:00:00Z", "2026-02-05T18:00:00Z")]  # fmt: skip
    names = [sorted(subject.partition("|")[2] for subject in day.places("mark")) for day in days]
    both = [name for name in names[0] if name in set(names[1])][::40]
    gone = [name for name in names[0] if "-5FEB26-" in name][:3]
    row = {"account": "a", "venue": "deribit"}
    held = [{**row, "instrument": name, "quantity": 2.0 * (-1) ** k} for k, name in enumerate(both)]
    first = book_of([*held, *({**row, "instrument": name, "quantity": -3.0} for name in gone)])
    second = book_of([*held, {**row, "instrument": both[3], "quantity": -5.0}])
    found = explain_change(
        model_named("deribit-spm"), State(first, days[0]), State(second, days[1])
    )
    own = parts(found)
    change = found.after_usd - found.before_usd
    assert sum(own.values()) == pytest.approx(change, rel=1e-9)
    assert abs(own["other"]) < 1e-3 * abs(change)
    assert own["spot"] < 0.0 < own["expiries"]
    causes = {cause.name: cause.detail for cause in found.causes}
    assert causes["trades"] == "1 contract changed"
    assert causes["spot"].startswith("BTC -10.")


def test_bad_states() -> None:
    model = model_named("deribit-spm")
    start, end = before(model), after(model)
    bad = (
        lambda: explain_change(model, end, start),
        lambda: explain_change(model, start, end, level="both"),
        lambda: explain_change(model, start, end, sequence=["spot"]),
        lambda: explain_change(model, replace(start, book=_two(start.book)), end),
    )
    for call in bad:
        with pytest.raises(InputError, match="option_unknown"):
            call()
    assert np.isfinite(market().as_of_ms)
    assert len(book("market-maker")) == 1


def _two(held: Book) -> Book:
    more = replace(held.lines[0], account="second")
    return Book.of(held.instruments, [*held.lines, more])
