from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.margin.run import run
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import attribute
from crossmargin.risk.groups import groups_of
from crossmargin.risk.statement import cost_of_margin, idle_buffer_usd, in_cents
from tests.risk.sample_books import attributed, required


@given(st.lists(st.fractions(-1000, 1000), max_size=12))
def test_cents_add_up_and_no_line_is_off_by_one(amounts: list[Fraction]) -> None:
    total, cents = in_cents(amounts)
    assert sum(cents) == total == round(100 * sum(amounts, Fraction(0)))
    assert all(abs(own - 100 * each) < 1 for own, each in zip(cents, amounts, strict=True))


def test_the_largest_remainders_get_the_cents() -> None:
    assert in_cents([Fraction(1, 3)] * 3) == (100, [34, 33, 33])
    assert in_cents([Fraction(-1, 3)] * 3) == (-100, [-33, -33, -34])
    assert in_cents([]) == (0, [])


@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm", "deribit-sm"])
@pytest.mark.parametrize("basis", [None, "shapley", "euler"])
@pytest.mark.parametrize("rate", [0.08, 0.0, 0.1337])
def test_the_statement_is_the_bill(model: str, basis: str | None, rate: float) -> None:
    found, game = attributed(model, ["desk", "strategy"])
    bill = cost_of_margin(found, game.requirement, rate, basis=basis)
    assert sum(line.cents for line in bill.lines) == bill.total_cents
    assert bill.buffer_usd is not None
    whole = game.whole + bill.buffer_usd
    assert bill.total_cents / 100 == pytest.approx(whole * rate / 365, abs=0.005 + 1e-9)
    assert sum(line.required_usd for line in bill.lines) == pytest.approx(whole, rel=1e-12)
    kinds = [line.kind for line in bill.lines]
    assert "orders" in kinds
    assert kinds[-1] == "buffer"


def test_days_and_no_buffer() -> None:
    found, game = attributed("deribit-spm", ["strategy"])
    month = cost_of_margin(found, game.requirement, 0.08, days=30, buffer=False)
    assert month.total_cents == round(100 * game.whole * 0.08 * 30 / 365)
    assert month.buffer_usd is None


def test_the_idle_buffer_is_what_counts_beyond() -> None:
    """Pools that stand apart pay for no other; where they share, the account's total counts."""
    apart, shared = required("deribit-spm"), required("deribit-xpm")
    sheet = apart.sheet
    left = [
        max(float(sheet["counted_im"][r] - sheet["im"][r]), 0.0) * apart.priced[p].usd_per_unit
        for r, p in enumerate(sheet.pool.tolist())
    ]
    assert idle_buffer_usd(apart) == pytest.approx(sum(left))
    counted = float(shared.sheet["counted_im"][0] - shared.sheet["im"][0])
    assert idle_buffer_usd(shared) == pytest.approx(counted)
    held = apart.book
    lots = [replace(line, entry_price=None) for line in held.lines if "-" in _name(held, line)]
    bare = run(Book.of(held.instruments, lots), apart.view, apart.via)
    assert idle_buffer_usd(bare) is None
    game = AccountGame(bare)
    groups = groups_of(bare.book, ["kind"], game.column, game.quantity)
    bill = cost_of_margin(attribute(game, groups, shares=False), bare)
    assert bill.buffer_usd is None
    assert sum(line.cents for line in bill.lines) == bill.total_cents


def _name(book: Book, line: Line) -> str:
    return book.instruments.items[line.column].native_id


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"rate": -0.1}, "number_out_of_range"),
        ({"rate": float("nan")}, "number_out_of_range"),
        ({"days": 0}, "number_out_of_range"),
        ({"basis": "stand-alone"}, "option_unknown"),
    ],
)
def test_bad_bills(options: dict[str, object], code: str) -> None:
    found, game = attributed("deribit-spm", ["strategy"])
    with pytest.raises(InputError, match=code):
        cost_of_margin(found, game.requirement, **options)  # type: ignore[arg-type] # what is tested


def test_one_pool_has_no_bill_and_shapley_must_be_there() -> None:
    base = required("deribit-spm")
    game = AccountGame(base, pool="BTC")
    groups = groups_of(base.book, ["kind"], game.column, game.quantity)
    found = attribute(game, groups, shares=False)
    with pytest.raises(InputError, match="unit_wrong"):
        cost_of_margin(found, base)
    with pytest.raises(InputError, match="option_unknown"):
        cost_of_margin(replace(found, unit="USD"), base, basis="shapley")
    assert np.isfinite(found.euler).all()
