from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import answering, one_account, random_book, subject_of
from crossmargin.instruments.book import Book, Reported
from crossmargin.margin import ALL_MODELS, Requirement, model_named
from crossmargin.margin.contributions import contributions, population, smooth
from crossmargin.margin.pools import cut


def answer(model: str, held: dict[str, float], reported: Reported | None = None) -> Requirement:
    subject = subject_of(model_named(model))
    book, world = one_account(subject, held)
    if reported is not None:
        book = Book.of(book.instruments, book.lines, reported=reported)
    return margined(subject, book, world)


def row_of(found: Requirement, pool: str) -> int:
    numbers = [found.plan.pools[p].label for p in found.sheet.pool.tolist()]
    return numbers.index(pool)


@pytest.mark.parametrize("model", answering(ALL_MODELS), ids=lambda model: model.spec.name)
@pytest.mark.parametrize("column", ["im", "mm"])
def test_lines_and_what_is_fixed_add_up(model: object, column: str) -> None:
    subject = subject_of(model)  # type: ignore[arg-type] # a registered model
    found = margined(subject, random_book(subject, 51, 6, 8))
    for row in range(0, len(found.sheet), 3):
        made = contributions(found, row, column)
        whole = float(found.sheet[column][row])
        total = sum(line.value for line in made.lines) + made.fixed
        assert total == pytest.approx(whole, rel=1e-9, abs=1e-9)
        assert made.column == column
        assert made.currency == found.plan.pools[int(found.sheet.pool[row])].currency


def test_without_netting_each_position_bears_its_own_charge() -> None:
    """10 % of a coin at 64,025.6 (its mark), and 15 % of the index and the mark of a short."""
    found = answer("fixed-rate", {"BTC_USDC-PERPETUAL": 1.0, "BTC_USDC-30-64000-C": -2.0})
    made = contributions(found, row_of(found, "USDC"))
    values = {line.label: line.value for line in made.lines}
    assert values["deribit BTC_USDC-PERPETUAL"] == pytest.approx(0.1 * 64_025.6, rel=1e-9)
    option = float(found.sheet["option_im"][row_of(found, "USDC")])
    assert values["deribit BTC_USDC-30-64000-C"] == pytest.approx(option, rel=1e-9)
    assert made.fixed == pytest.approx(0.0, abs=1e-5)


def test_a_hedge_has_a_negative_contribution() -> None:
    """Long 2 coins and short 1: each line is its own P&L in the one binding scenario."""
    found = answer("paradex-pm", {"BTC_USDC-PERPETUAL": 2.0, "BTC_USDC-30-64000-C": -1.0})
    made = contributions(found, row_of(found, "BTC"))
    values = [line.value for line in made.lines]
    assert min(values) < 0.0 < max(values)
    assert sum(values) + made.fixed == pytest.approx(float(found.sheet["im"].max()), rel=1e-9)


def test_a_charge_that_grows_with_size_is_shared_along_the_way() -> None:
    """n price (2 % + step n): the integral over the ray is the whole charge, nothing is fixed."""
    found = answer("deribit-sm", {"BTC_BTC-PERPETUAL": 6_400_000.0})
    row = row_of(found, "BTC")
    made = contributions(found, row)
    assert made.lines[0].value == pytest.approx(float(found.sheet["im"][row]), rel=1e-7)
    assert abs(made.fixed) <= 1e-7


def test_holds_are_fixed() -> None:
    holds = {("a", "BTC"): {"spot_margin": 0.25}}
    found = answer("deribit-spm", {"BTC_BTC-PERPETUAL": 64_000.0}, Reported(holds=holds))
    made = contributions(found, row_of(found, "BTC"))
    assert made.fixed == pytest.approx(0.25, abs=1e-6)


def test_cash_and_closed_positions_have_no_line() -> None:
    held = {"BTC": 1.0, "BTC_BTC-PERPETUAL": 0.0, "BTC_BTC-30-64000-C": -1.0}
    found = answer("deribit-spm", held)
    made = contributions(found, row_of(found, "BTC"))
    assert [line.label for line in made.lines] == ["deribit BTC_BTC-30-64000-C"]
    assert made.lines[0].quantity == -1.0


def test_a_coin_balance_that_the_rule_puts_at_risk_has_a_line() -> None:
    """In cross mode the equity of a coin is a position; it hedges a short perpetual."""
    found = answer("deribit-xpm", {"BTC": 1.0, "BTC_BTC-PERPETUAL": -64_000.0})
    made = contributions(found, 0)
    assert {line.label for line in made.lines} == {"deribit BTC", "deribit BTC_BTC-PERPETUAL"}
    total = sum(line.value for line in made.lines) + made.fixed
    assert total == pytest.approx(float(found.sheet["im"][0]), rel=1e-12)


def test_a_population_of_variants_is_margined_as_one_block() -> None:
    subject = subject_of(model_named("deribit-spm"))
    found = answer("deribit-spm", {"BTC_BTC-PERPETUAL": 64_000.0, "BTC_BTC-30-64000-C": -1.0})
    pool = found.plan.pools[int(found.sheet.pool[row_of(found, "BTC")])]
    held = cut(found.book, pool, 0)
    priced = found.priced[row_of(found, "BTC")]
    scaled = held.quantity * np.array([[1.0], [2.0], [0.0]])
    answers = subject.model.margin(priced, population(held, scaled), subject.parameters)
    rounded = answers.sheet["im"]
    assert rounded[0] == found.sheet["im"][row_of(found, "BTC")]
    assert rounded[1] > 1.9 * rounded[0]
    assert rounded[2] == 0.0
    plain = smooth(answers.sheet, "im")
    assert plain.tolist() == pytest.approx(rounded.tolist(), abs=2e-9)
    assert plain[0] != rounded[0]
