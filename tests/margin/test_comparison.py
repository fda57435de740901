from __future__ import annotations

import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import AS_OF_MS, contracts, one_account, subject_of, view_of
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import Bound, Requirement, model_named
from crossmargin.margin.comparison import ComparisonRow, cash_needed, compare, gross_notional_usd
from crossmargin.margin.totals import account_totals
from tests.vectors import building
from tests.vectors.building import Facts, Quote, delta_one

XPM = subject_of(model_named("deribit-xpm"))
PERPETUAL = "BTC_BTC-PERPETUAL"
CALL = "BTC_BTC-30-64000-C"


def only(held: dict[str, float], reported: Reported | None = None) -> Book:
    """One account on the table of exactly what it holds."""
    items = [item for item in contracts(XPM) if item.native_id in held]
    world = view_of(items)
    place = {item.native_id: row for row, item in enumerate(world.instruments.items)}
    lines = [Line("a", place[name], size) for name, size in held.items()]
    return Book.of(world.instruments, lines, reported=reported)


def compared(
    held: dict[str, float], *names: str, reported: Reported | None = None
) -> dict[str, ComparisonRow]:
    book = only(held, reported)
    world = view_of(book.instruments.items)
    return {row.model: row for row in compare(book, world.view, names)}


def answer(model: str, held: dict[str, float], reported: Reported | None = None) -> Requirement:
    book = only(held, reported)
    subject = subject_of(model_named(model))
    return margined(subject, book, view_of(book.instruments.items))


def test_a_row_a_model_in_the_order_asked_for() -> None:
    found = compared({PERPETUAL: 64_000.0}, "fixed-rate", "deribit-sm")
    assert list(found) == ["fixed-rate", "deribit-sm"]
    assert len(compared({PERPETUAL: 64_000.0})) >= 6


def test_figures_of_one_row() -> None:
    """A coin's worth of dollars at the mark 64,025.6, 10 % of it, with 0.5 BTC of cash."""
    row = compared({PERPETUAL: 64_025.6, "BTC": 0.5}, "fixed-rate")["fixed-rate"]
    assert row.coin == "BTC"
    assert row.im_coin == pytest.approx(0.1, rel=1e-14)
    assert row.im_usd == pytest.approx(6_400.0, rel=1e-14)
    assert row.mm_usd == pytest.approx(3_200.0, rel=1e-14)
    assert row.cash_to_hold_usd == pytest.approx(6_400.0, rel=1e-14)
    assert row.cash_to_stay_alive_coin == pytest.approx(0.05, rel=1e-14)
    assert row.gross_leverage == pytest.approx(2.0, rel=1e-12)
    assert row.stress_leverage is None  # no scenarios
    assert row.saving_fraction is None  # the baseline saves nothing against itself
    assert row.alone_im_usd == pytest.approx(6_400.0, rel=1e-14)
    assert row.bound is Bound.VALUE
    assert row.error is None


def test_cash_to_hold_counts_what_the_model_counts() -> None:
    """3 long calls: their value backs a portfolio margin account, and not a standard one."""
    held = {CALL: 3.0, PERPETUAL: -64_000.0, "BTC": 1.0}
    for name in ("deribit-spm", "deribit-sm"):
        found = answer(name, held)
        value = float(found.sheet["option_value"][0]) if name == "deribit-spm" else 0.0
        need = float(found.sheet["im"][0]) - value
        assert cash_needed(found, "im") == pytest.approx(need * 64_000.0, rel=1e-12)


@pytest.mark.parametrize("name", ["deribit-spm", "deribit-xpm", "deribit-sm", "fixed-rate"])
@pytest.mark.parametrize("level", ["im", "mm"])
@pytest.mark.parametrize(
    "held",
    [
        {PERPETUAL: 640_000.0, "BTC": 3.0},
        {PERPETUAL: -640_000.0, "BTC": 3.0},
        {CALL: -5.0, "BTC": 0.1},
        {CALL: -5.0, PERPETUAL: 300_000.0, "BTC_BTC-89-57600-P": 4.0, "BTC": 0.1},
    ],
)
def test_with_exactly_that_cash_the_account_just_passes(
    name: str, level: str, held: dict[str, float]
) -> None:
    needed = cash_needed(answer(name, held), level)
    exact = answer(name, {**held, "BTC": needed / 64_000.0})
    totals = account_totals(exact)
    counted, required = {
        "im": (totals.counted_im_usd[0], totals.im_usd[0]),
        "mm": (totals.counted_mm_usd[0], totals.mm_usd[0]),
    }[level]
    assert counted == pytest.approx(required, rel=1e-7, abs=1e-3)


@pytest.mark.parametrize("name", ["deribit-spm", "deribit-xpm"])
def test_holds_must_be_covered_too(name: str) -> None:
    """What the venue holds for resting orders is part of the initial requirement."""
    held = {PERPETUAL: 640_000.0, "BTC": 3.0}
    holds = Reported(holds={("a", "BTC"): {"open_orders_margin": 0.5}})
    plain, more = (cash_needed(answer(name, held, r), "im") for r in (None, holds))
    if name == "deribit-spm":
        assert more - plain == pytest.approx(32_000.0, rel=1e-9)
    else:  # cash in coin is itself at risk, so more than the hold is needed
        assert 32_000.0 <= more - plain <= 40_000.0
    alive = [cash_needed(answer(name, held, r), "mm") for r in (None, holds)]
    assert alive[0] == pytest.approx(alive[1], rel=1e-12)


def test_the_saving_is_against_the_same_venues_standard_margin() -> None:
    """Never the IM of one model minus that of another: cash to hold against cash to hold."""
    held = {CALL: -5.0, "BTC_BTC-30-70400-C": 5.0, "BTC": 1.0}
    found = compared(held, "deribit-spm", "deribit-sm")
    spm, sm = found["deribit-spm"], found["deribit-sm"]
    assert spm.saving_against == "deribit-sm"
    assert sm.saving_against == ""
    assert spm.saving_fraction == pytest.approx(1.0 - spm.cash_to_hold_usd / sm.cash_to_hold_usd)
    assert spm.saving_fraction is not None
    assert spm.saving_fraction > 0.0
    alone = compared(held, "deribit-spm")["deribit-spm"]
    assert alone.saving_fraction == spm.saving_fraction


def test_the_sum_of_the_legs_alone_shows_the_netting() -> None:
    held = {CALL: -5.0, "BTC_BTC-30-70400-C": 5.0}
    row = compared(held, "deribit-spm")["deribit-spm"]
    legs = sum(
        compared({name: size}, "deribit-spm")["deribit-spm"].im_usd for name, size in held.items()
    )
    assert row.alone_im_usd == pytest.approx(legs, rel=1e-9)
    assert row.im_usd < legs


def test_another_venues_model_says_what_the_mapping_loses() -> None:
    """Here one that maps dated futures; the same venue's model and the baseline lose nothing."""
    found = compared({"BTC_USDC-30": 1.0}, "paradex-pm", "deribit-spm", "fixed-rate")
    assert any("dated futures" in note for note in found["paradex-pm"].notes)
    # The set of the venue is older than the day of the test; the baseline's numbers do not age.
    assert found["deribit-spm"].notes == ("parameters_old",)
    assert found["fixed-rate"].notes == ()


def test_a_model_that_cannot_margin_the_book_has_an_error_and_no_number() -> None:
    doge = delta_one("deribit", "DOGE_USDC-PERPETUAL", underlying="DOGE", quote="USDC")
    table = Instruments.of([doge])
    facts = Facts(
        AS_OF_MS, {("DOGE", "USDC"): 0.1}, {"USDC": 1.0}, {}, {doge.native_id: Quote(0.1)}
    )
    book = Book.of(table, [Line("a", 0, 1_000.0)])
    names = ("deribit-spm", "fixed-rate")
    row, good = compare(book, building.view_of(table, facts), names)
    assert good.error is None
    assert good.im_usd == pytest.approx(10.0)
    assert row.error is not None
    assert row.error.startswith("parameter_missing")
    assert "DOGE" in row.error
    assert (row.im_usd, row.saving_fraction, row.fidelity) == (0.0, None, {})


def test_a_comparison_is_of_one_account() -> None:
    book, world = one_account(XPM, {PERPETUAL: 1.0})
    two = Book.of(book.instruments, [Line(name, 0, 1.0) for name in ("a", "b")])
    with pytest.raises(InputError) as caught:
        compare(two, world.view)
    assert caught.value.code == "option_unknown"


def test_gross_notional() -> None:
    """64,025.6 dollars at the mark are one coin, at the index 64,000 dollars; 2 options are two."""
    book = only({PERPETUAL: -64_025.6, CALL: 2.0, "BTC": 7.0})
    world = view_of(book.instruments.items)
    assert gross_notional_usd(book, world.view) == pytest.approx(3 * 64_000.0, rel=1e-14)
