"""The member as a whole: figures of a block, orders, threads, money alone, a streamed table."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import answers
from crossmargin.conformance.world import random_lines, random_orders, view_of
from crossmargin.core.errors import MarketDataError, ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.families import var_table
from crossmargin.margin.families.var_member import ScenarioMember
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from tests.margin.families.var_books import history, numbers, place, with_history, world

SEEN = world()
NAMES = tuple(f"a{k:03d}" for k in range(12))


def member(name: str) -> ScenarioMember:
    found = model_named(name)
    assert isinstance(found, ScenarioMember)
    return found


def margined(name: str, book: Book, given: Parameters, **how: int) -> Requirement:
    return run(book, SEEN.view, member(name), given, **how)


def population(seed: int = 3) -> Book:
    return Book.of(
        SEEN.instruments,
        random_lines(SEEN, seed, 12),
        random_orders(SEEN, seed, 12),
        accounts=NAMES,
    )


@pytest.mark.parametrize("name", ["es-historical", "var-montecarlo"])
def test_streamed_or_kept_in_any_block_and_thread_the_bits_are_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = numbers(name, **({"draws__count": 2000} if "monte" in name else {}))
    whole = answers(margined(name, population(), given))
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    monkeypatch.setattr(var_table, "CELLS", 4000)
    for block, threads in ((1, 1), (5, 3), (4096, 2)):
        found = margined(name, population(), given, block=block, threads=threads)
        assert answers(found) == whole


def test_both_figures_against_a_plain_sort() -> None:
    given = numbers("var-historical", form__tail="outcomes")
    found = margined("var-historical", population(), given)
    priced = found.priced[0]
    held = cut(found.book, found.plan.pools[0], 0)
    vectors, _ = priced.facts["table"].vectors(var_table.Lines.of_book(held))
    worst = np.sort(vectors, axis=1)
    assert vectors.shape == (12, 1000)
    var, es = np.maximum(-worst[:, 9], 0.0), np.maximum(-worst[:, :25].mean(axis=1), 0.0)
    assert found.sheet["value_at_risk"] == pytest.approx(var, rel=1e-12)
    assert found.sheet["expected_shortfall"] == pytest.approx(es, rel=1e-12)


def test_no_subset_of_fills_needs_more_though_they_make_the_book_slow_to_exit() -> None:
    given = numbers(
        "es-historical", coin__BTC__delta_one_volume_coins=100.0,
        coin__BTC__option_volume_coins=50.0, coin__ETH__delta_one_volume_coins=1000.0,
        level__im_factor=1.7,
    )  # fmt: skip
    book = population(5)
    found = margined("es-historical", book, given)
    need = member("es-historical").order_need(
        found.priced[0], cut(book, found.plan.pools[0], 0), given
    )
    assert need is not None
    fills, rng = need.fills, np.random.default_rng(1)
    slow = found.sheet["exit_factor"]
    assert slow.max() > 1.5
    for a in range(12):
        span = range(int(fills.row[a]), int(fills.row[a + 1]))
        for _ in range(6):
            chosen = [m for m in span if rng.random() < 0.6]
            lines = [x for x in random_lines(SEEN, 5, 12) if x.account == NAMES[a]]
            lines += [Line(NAMES[a], int(fills.column[m]), float(fills.size[m])) for m in chosen]
            if not lines:
                continue
            after = margined("es-historical", Book.of(SEEN.instruments, lines), given).sheet["im"][
                0
            ]
            gain = sum(float(fills.gain[m]) for m in chosen)
            assert float(after) - gain <= float(need.need[a]) * (1.0 + 1e-9) + 1e-6
    assert need.filled.any()
    assert not need.filled.all()


def test_money_alone_needs_no_history() -> None:
    seen = with_history(SEEN, {})
    usdc = [k for k, i in enumerate(SEEN.instruments.items) if i.underlying == "USDC"]
    small = with_history(view_of([SEEN.instruments.items[usdc[0]]]), {})
    book = Book.of(small.instruments, [Line("a", 0, 100.0)])
    found = run(book, small.view, member("var-historical"))
    assert found.sheet["im"].tolist() == [0.0]
    model = member("var-historical")
    held = cut(found.book, found.plan.pools[0], 0)
    assert model.details(found.priced[0], held, found.parameters) == ()
    assert model.warnings(found.priced[0], held, found.parameters) == ()
    btc = Book.of(seen.instruments, [Line("a", place(seen, "BTC"), 1.0)])
    with pytest.raises(MarketDataError, match="history_missing"):
        run(btc, seen.view, model)


def test_a_short_history_is_refused_with_the_number_of_days() -> None:
    price = np.exp(np.cumsum(0.03 * np.random.default_rng(1).standard_normal(91)))
    seen = with_history(SEEN, {c: history(c, price, price) for c in ("BTC", "ETH")})
    book = Book.of(seen.instruments, [Line("a", place(seen, "BTC"), 1.0)])
    with pytest.raises(ModelError, match="observations_too_few") as caught:
        run(book, seen.view, member("var-historical"))
    assert "100" in caught.value.limit


def test_a_coin_held_against_a_future_sold_is_nearly_nothing() -> None:
    given = numbers("var-historical", form__funding="left_out")
    lines = [
        Line("a", place(SEEN, "BTC"), 1.0),
        Line("a", place(SEEN, "BTC_BTC-PERPETUAL"), -64_000.0 * 1.0004),
    ]
    hedged = margined("var-historical", Book.of(SEEN.instruments, lines), given).sheet["im"][0]
    alone = margined("var-historical", Book.of(SEEN.instruments, lines[:1]), given).sheet["im"][0]
    assert float(hedged) <= 1e-9 * float(alone)


def test_a_stale_history_is_said_unasked() -> None:
    rng = np.random.default_rng(1)
    price = np.exp(np.cumsum(0.03 * rng.standard_normal(300)))
    end = SEEN.view.as_of_ms - 9 * 86_400_000
    seen = with_history(SEEN, {c: history(c, price, price, end_ms=end) for c in ("BTC", "ETH")})
    model = member("var-historical")
    book = Book.of(seen.instruments, [Line("a", place(seen, "BTC"), 1.0)])
    found = run(book, seen.view, model)
    held = cut(found.book, found.plan.pools[0], 0)
    words = model.warnings(found.priced[0], held, found.parameters)
    assert any("9 days before" in word for word in words)
    assert any("outcomes" in word for word in words)  # three outcomes beyond 99 %
    assert any("inverted_cdf" in note for note in found.notes)


def test_what_a_fill_gains_counts_once_and_not_times_the_factors() -> None:
    """A bid below the mark: the need is the margin of what it buys, less its gain."""
    given = numbers("var-historical", level__im_factor=1.7)
    future = place(SEEN, "BTC_USDC-30")
    order = Order("a", future, 1, 2.0, 0.97 * float(SEEN.view.mark[future]))
    book = Book.of(SEEN.instruments, [], [order], accounts=("a",))
    found = margined("var-historical", book, given)
    held = cut(book, found.plan.pools[0], 0)
    need = member("var-historical").order_need(found.priced[0], held, given)
    assert need is not None
    filled = Book.of(SEEN.instruments, [Line("a", future, 2.0)])
    after = float(margined("var-historical", filled, given).sheet["im"][0])
    gain = float(need.fills.gain[0])
    assert gain > 0.0
    assert float(need.need[0]) == pytest.approx(after - gain, rel=1e-9)
    assert need.filled.tolist() == [True]
