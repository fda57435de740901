"""Components add up, conventions stand side by side, the worst moves are the worst."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import random_lines
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import MarginModel, model_named, run
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families import var_table
from crossmargin.margin.families.var_details import tail_details
from crossmargin.margin.families.var_member import ScenarioMember
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from crossmargin.statistics.quantiles import Convention
from tests.margin.families.var_books import numbers, place, world

SEEN = world()


def asked(
    name: str, given: Parameters, lines: list[Line]
) -> tuple[dict[str, Detail], Priced, PoolBook, dict[str, float]]:
    model: MarginModel = model_named(name)
    assert isinstance(model, ScenarioMember)
    book = Book.of(SEEN.instruments, lines)
    found = run(book, SEEN.view, model, given)
    held = cut(book, found.plan.pools[0], 0)
    priced = found.priced[0]
    tables = model.details(priced, held, given)
    again = tail_details(
        priced, with_equity_rows(priced, held), given, priced.facts["table"],
        priced.facts["measure"],
    )  # fmt: skip
    assert repr(again) == repr(tables)
    row = {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }
    return {each.name: each for each in tables}, priced, held, row


def own_lines(seed: int) -> list[Line]:
    return [line for line in random_lines(SEEN, seed, 12) if line.account == "a011"]


@pytest.mark.parametrize("name", ["var-historical", "es-filtered", "es-montecarlo"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_components_add_up(name: str, seed: int) -> None:
    tables, _, _, row = asked(name, numbers(name), own_lines(seed))
    rows = tables["components"].rows
    scale = sum(abs(float(r[3] or 0.0)) for r in rows)
    assert sum(float(r[3] or 0.0) for r in rows) == pytest.approx(
        row["expected_shortfall"], abs=1e-9 * scale
    )
    assert sum(float(r[2] or 0.0) for r in rows) == pytest.approx(
        row["value_at_risk"], abs=1e-9 * scale
    )
    for r in rows:
        assert float(r[1] or 0.0) * float(r[4] or 0.0) == pytest.approx(float(r[3] or 0.0))


def test_streaming_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given = numbers("es-montecarlo", draws__count=3000)
    kept = asked("es-montecarlo", given, own_lines(4))[0]
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    assert repr(asked("es-montecarlo", given, own_lines(4))[0]) == repr(kept)


def test_the_incremental_figure_is_what_the_book_needs_without_the_position() -> None:
    given = numbers("es-historical")
    lines = own_lines(2)
    tables, _, _, whole = asked("es-historical", given, lines)
    items = SEEN.instruments.items
    for r in tables["components"].rows[:4]:
        rest = [line for line in lines if items[line.column].native_id != r[0]]
        _, _, _, without = asked("es-historical", given, rest)
        difference = whole["expected_shortfall"] - without["expected_shortfall"]
        assert float(r[5] or 0.0) == pytest.approx(difference, rel=1e-9, abs=1e-5)


def test_a_population_of_values_is_not_worked_for_the_increments() -> None:
    given = numbers("es-montecarlo", draws__count=1_000_000)
    lines = [Line("a", k, 1.0) for k in range(80, 140)]
    rows = asked("es-montecarlo", given, lines)[0]["components"].rows
    assert {r[5] for r in rows} == {None}


def test_conventions_and_their_spread() -> None:
    tables, _, _, row = asked("var-historical", numbers("var-historical"), own_lines(1))
    table = tables["conventions"]
    by = {r[0]: r for r in table.rows}
    assert set(by) == {rule.value for rule in Convention} | {"coherent shortfall"}
    assert by["inverted_cdf"][1] == row["value_at_risk"]
    assert by["coherent shortfall"][2] == row["expected_shortfall"]
    three = [float(by[rule][1] or 0.0) for rule in ("lower", "linear", "higher")]
    assert three == sorted(three, reverse=True)
    assert "Spread" in table.notes[0]


def test_worst_moves_are_dated_and_in_order() -> None:
    tables, priced, _, row = asked(
        "var-historical", numbers("var-historical"), [Line("a", place(SEEN, "BTC"), 3.0)]
    )
    rows = tables["worst-moves"].rows
    losses = [float(r[1] or 0.0) for r in rows]
    assert losses == sorted(losses)
    assert losses[9] == -row["value_at_risk"]  # the tenth of a thousand
    for r in rows:
        assert str(r[0]).startswith("202")
        assert 3.0 * 64_000.0 * float(r[2] or 0.0) == pytest.approx(float(r[1] or 0.0))
    assert len(tables["worst-moves"].columns) == len(rows[0]) == 6
    assert priced.facts["table"].moves.label(0) < "2026"


def test_the_estimate_says_what_it_was_made_of() -> None:
    tables, _, _, row = asked(
        "var-historical", numbers("var-historical", form__windows="overlapping", horizon__days=5.0),
        own_lines(1),
    )  # fmt: skip
    table = tables["estimate"]
    said = {str(r[0]): r[1] for r in table.rows}
    assert said["windows that share a day"] == 5.0
    assert said["standard error of it"] == row["standard_error"]
    assert "block bootstrap" in table.notes[0]
    drawn = asked("var-montecarlo", numbers("var-montecarlo"), own_lines(1))[0]["estimate"]
    assert "independent" in drawn.notes[0]
    assert "drawn" in drawn.notes[1]
    assert np.isfinite([float(r[1] or 0.0) for r in drawn.rows]).all()
