"""Greeks, approximations beside the exact law, components that add up."""

from __future__ import annotations

import pytest

from crossmargin.conformance.world import random_lines
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import model_named, run
from crossmargin.margin.families.var_parametric import ParametricMember
from crossmargin.margin.families.var_parametric_details import APPROXIMATIONS, quadratic_details
from crossmargin.margin.model import Detail
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from tests.margin.families.var_books import numbers, place, world

SEEN = world("var-parametric")


def asked(given: Parameters, lines: list[Line]) -> tuple[dict[str, Detail], dict[str, float]]:
    model = model_named("var-parametric")
    assert isinstance(model, ParametricMember)
    found = run(Book.of(SEEN.instruments, lines), SEEN.view, model, given)
    held = cut(found.book, found.plan.pools[0], 0)
    tables = model.details(found.priced[0], held, given)
    row = {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }
    return {each.name: each for each in tables}, row


@pytest.mark.parametrize("how", APPROXIMATIONS)
@pytest.mark.parametrize("seed", [1, 5])
def test_components_add_up_to_the_sheet(how: str, seed: int) -> None:
    lines = [x for x in random_lines(SEEN, seed, 12) if x.account == "a011"]
    tables, row = asked(numbers("var-parametric", form__approximation=how), lines)
    rows = tables["components"].rows
    scale = sum(abs(float(r[3] or 0.0)) for r in rows)
    for place_, name in ((2, "value_at_risk"), (3, "expected_shortfall")):
        total = sum(float(r[place_] or 0.0) for r in rows)
        assert total == pytest.approx(row[name], abs=1e-9 * scale)


def test_every_approximation_stands_beside_the_exact_law() -> None:
    lines = [
        Line("a", place(SEEN, "BTC_USDC-89-64000-C"), -10.0),
        Line("a", place(SEEN, "BTC"), 6.0),
    ]
    tables, row = asked(numbers("var-parametric"), lines)
    by = {str(r[0]): r for r in tables["approximations"].rows}
    assert set(by) == {*APPROXIMATIONS, "sum of the parts' shortfalls", "exact"}
    assert by["cornish-fisher"][1] == row["value_at_risk"]
    exact = float(by["exact"][1] or 0.0)
    assert exact <= float(by["sum of the parts' shortfalls"][1] or 0.0)
    assert "domain" in tables["approximations"].notes[0]


def test_greeks_by_coin() -> None:
    tables, _ = asked(numbers("var-parametric"), [Line("a", place(SEEN, "BTC"), 2.0)])
    btc, eth = tables["greeks"].rows
    assert btc[:5] == ("BTC", 128_000.0, 0.0, 0.0, 0.0)
    assert btc[6] == pytest.approx(0.0256)
    assert eth[1] == 0.0
    assert quadratic_details.__doc__
