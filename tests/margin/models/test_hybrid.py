"""``hybrid``: the pure models at weight 0 and 1, walls that hold, the incident of shared margin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.conformance.world import Subject, random_book, subject_of, world_of
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.comparison import cash_needed
from crossmargin.margin.contributions import contributions
from crossmargin.margin.details import warnings_of
from crossmargin.margin.surface_grid import grid
from crossmargin.margin.totals import account_totals, stands_apart
from tests.margin.netting_books import BTC, ETH, dollars, margined, subject, with_choices

NO_FLOOR = {"bucket.core.im_floor_share": 0.0, "bucket.core.mm_floor_share": 0.0}
COLUMNS = ("im", "mm", "equity", "counted_im", "counted_mm", "cash", "unrealised")


@pytest.mark.parametrize("seed", [3, 4])
def test_weight_one_is_the_pure_model_and_weight_nothing_the_static_one(seed: int) -> None:
    """Bitcoin and ether lie in the core; the floor is taken off."""
    full = subject("hybrid", {**NO_FLOOR, "bucket.core.weight": 1.0})
    world, book = world_of(full), random_book(full, seed)
    model = subject_of(model_named("correlated"))
    pure = run(book, world.view, model.model, model.parameters).sheet
    mine = run(book, world.view, full.model, full.parameters).sheet
    core = mine.pool == 0
    for column in ("im", "mm", "counted_im", "counted_mm", "equity"):
        np.testing.assert_array_equal(mine[column][core], pure[column])
    assert not mine["im"][~core].any()
    none = subject("hybrid", {**NO_FLOOR, "bucket.core.weight": 0.0})
    fixed = subject_of(model_named("fixed-rate"))
    static = account_totals(run(book, world.view, fixed.model, fixed.parameters))
    mine = run(book, world.view, none.model, none.parameters).sheet
    for column in ("im", "mm", "counted_im", "counted_mm"):
        own, theirs = mine[column][mine.pool == 0], getattr(static, f"{column}_usd")
        np.testing.assert_allclose(own, theirs, rtol=1e-11, atol=1e-6)


def test_the_blend_lies_between_and_the_floor_holds() -> None:
    ends = []
    for weight in (0.0, 0.3, 1.0):
        found = subject("hybrid", {**NO_FLOOR, "bucket.core.weight": weight})
        world, book = world_of(found), random_book(found, 8, 12)
        ends.append(run(book, world.view, found.model, found.parameters).sheet["im"])
    np.testing.assert_allclose(ends[1], 0.7 * ends[0] + 0.3 * ends[2], rtol=1e-12, atol=1e-9)
    high = subject("hybrid", {"bucket.core.im_floor_share": 1.0, "bucket.core.mm_floor_share": 0.9})
    sheet = run(book, world.view, high.model, high.parameters).sheet
    assert (sheet["im"] >= sheet["floor_im"]).all()
    assert (sheet["im"][sheet.pool == 0] >= ends[2][sheet.pool == 0]).all()


def test_a_basis_that_parts_is_required_in_a_bucket_too() -> None:
    """A perpetual hedged with the coin itself: the scenarios see nothing, the break does."""
    held = {"BTC": 10.0, BTC: -10.0}
    changes = {"break.basis": 0.05}
    pure = dollars(margined("correlated", held, changes))
    full = {**NO_FLOOR, "bucket.core.weight": 1.0, **changes}
    assert dollars(margined("hybrid", held, full)) == pytest.approx(pure, rel=1e-12)
    assert pure >= 1.25 * 10.0 * 64_000.0 * 0.9995 * 0.05 * (1.0 - 1e-9)


# ---------------------------------------------------------------- walls


def walled(found: Subject, core: float, isolated: float, posted: float) -> Book:
    world = world_of(found)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    lines = [
        Line("a", place["USDC"], 50_000.0),
        Line("a", place[BTC], core, 64_000.0),
        Line("a", place[ETH], isolated, 1_900.0),
    ]
    made = Book.of(world.instruments, [line for line in lines if line.quantity])
    return with_choices(made, {f"bucket:{ETH}": 3.0, "posted:isolated": posted})


def ether_at(found: Subject, factor: float):  # a View
    """The market after ether alone moved."""
    world = world_of(found)
    view, part = world.view, world.instruments
    ether = np.array([item.underlying == "ETH" for item in part.items])
    pair = np.array([key[0] == "ETH" for key in part.pairs])
    expiry = np.array([key[0] == "ETH" for key in part.expiries])
    name = np.array([n == "ETH" for n in part.names])
    option = part.kind == Kind.OPTION

    def moved(values: np.ndarray, which: np.ndarray) -> np.ndarray:
        return frozen(np.where(which, values * factor, values), np.float64)

    return replace(
        view,
        index=moved(view.index, pair),
        forward=moved(view.forward, expiry),
        usd=moved(view.usd, name),
        mark=moved(view.mark, ether & ~option),
    )


SIZE = st.integers(-500, 500).map(lambda x: x / 10.0)


@settings(max_examples=25)
@given(SIZE, SIZE, st.floats(0.05, 20.0), st.sampled_from([0.0, 3_000.0]))
def test_an_isolated_loss_never_touches_the_core(
    core: float, isolated: float, factor: float, posted: float
) -> None:
    """However far ether goes, not a bit of the core changes; the bucket loses its own."""
    found = subject("hybrid")
    book = walled(found, core, isolated, posted)
    calm = run(book, world_of(found).view, found.model, found.parameters).sheet
    wild = run(book, ether_at(found, factor), found.model, found.parameters).sheet
    for column in calm.columns:
        assert calm[column.name][0].tobytes() == wild[column.name][0].tobytes(), column.name
    profit = isolated * 0.9995 * (1_900.0 * 1.0004 * factor - 1_900.0)
    assert wild["equity"][2] == pytest.approx(posted + profit, rel=1e-9, abs=1e-6)
    assert wild["equity"][0] == pytest.approx(50_000.0 * 0.9995 - posted)
    assert wild["posted"].sum() == 0.0  # what one bucket has the other lacks


def test_shared_collateral_does_not_mask_a_breached_part() -> None:
    """I14: a backstop with shared collateral let a position run; here its bucket fails alone."""
    found = subject("hybrid")
    book = walled(found, 0.1, -200.0, 400_000.0)
    book = replace(
        book, choices={**book.choices, "posted:isolated": frozen([20_000.0], np.float64)}
    )
    squeezed = run(book, ether_at(found, 4.0), found.model, found.parameters)
    sheet = squeezed.sheet
    assert sheet["counted_mm"][2] < 0.0 < sheet["mm"][2]
    assert sheet["counted_mm"][0] >= sheet["mm"][0]
    assert stands_apart(squeezed.model)
    # A rich core hides nothing: what is left is that of the bucket that fails first.
    rich = replace(
        book, quantity=frozen(np.where(book.quantity == 5e4, 5e9, book.quantity), np.float64)
    )
    view = ether_at(found, 4.0)
    cell = grid(rich, view, found.model, found.parameters, [1.0], [1.0])
    assert cell.over_mm_usd()[0, 0] == pytest.approx(sheet["counted_mm"][2] - sheet["mm"][2])


def test_a_surface_keeps_the_walls() -> None:
    """With every coin moved together: the profit of the bucket is not settled in the core."""
    found = subject("hybrid")
    book = walled(found, 1.0, 40.0, 1_000.0)
    plain = grid(book, world_of(found).view, found.model, found.parameters, [1.0, 0.5], [1.0])
    lost = float(plain.equity_usd[1, 0] - plain.equity_usd[0, 0])
    both = -0.5 * 0.9995 * 1.0004 * (64_000.0 + 40.0 * 1_900.0)
    assert lost == pytest.approx(both, rel=1e-6)


def test_contributions_are_those_of_the_bucket() -> None:
    found = subject("hybrid")
    book = walled(found, 1.0, 40.0, 1_000.0)
    result = run(book, world_of(found).view, found.model, found.parameters)
    for row, name in ((0, BTC), (2, ETH)):
        parts = contributions(result, row)
        assert [name in line.label for line in parts.lines] == [True]
        assert parts.lines[0].value == pytest.approx(float(result.sheet["im"][row]), rel=1e-6)


def test_a_position_without_entry_price_is_said() -> None:
    found = subject("hybrid")
    book = walled(found, 1.0, 40.0, 1_000.0)
    blind = replace(book, entry_known=frozen(np.zeros(3), np.bool_))
    view = world_of(found).view
    (said,) = warnings_of(run(blind, view, found.model, found.parameters), 2)
    assert ETH in said
    assert warnings_of(run(book, view, found.model, found.parameters), 2) == ()


def test_cash_to_hold_is_that_of_every_bucket_whatever_was_posted() -> None:
    found = subject("hybrid")
    view = world_of(found).view
    needs = []
    for posted in (0.0, 2_000.0):
        result = run(walled(found, 1.0, 40.0, posted), view, found.model, found.parameters)
        needs.append(cash_needed(result, "im"))
        sheet = result.sheet
        plain = sum(max(sheet["im"][row] - sheet["unrealised"][row], 0.0) for row in range(4))
        assert needs[-1] == pytest.approx(plain)
    assert needs[0] == needs[1]
