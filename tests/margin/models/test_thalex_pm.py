"""Thalex portfolio margin: refused without the venue's grid, run with what its payload shows."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin import Requirement, model_named, parameters_for, run
from crossmargin.margin.model import Extent
from crossmargin.margin.models.thalex_pm import THALEX_PM, numbers_of
from crossmargin.margin.parameter_files import Parameters, from_values
from tests.vectors.building import Dated, Facts, Quote, view_of

NOW = utc_ms(2026, 6, 1, 8)
SPOT = 50_000.0
CALL = "BTC-1JUL26-50000-C"


def scenario(percent: float, points: float, factor: float, **more: float) -> dict[str, Any]:
    return {
        "underlying_change_pct": percent,
        "vol_change_pct_point": points,
        "coverage_factor": factor,
        **more,
    }


def payload(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"portfolio": {"underlyings": [{"underlying": "BTCUSD", "scenarios": list(rows)}]}}


PAYLOAD = payload(
    scenario(-20, 45, 1.0),
    scenario(0, 0, 1.0, roll_cash_position=40_000.0, roll_contingency_margin=80.0),
    scenario(20, 45, 1.0),
    scenario(40, 45, 0.5, options_short_cash_position=-1e5, options_contingency_margin=500.0),
)


def found(held: dict[str, float], numbers: dict[str, Any] | None = None) -> Requirement:
    rules = model_named("thalex-pm")
    parameters: Parameters = parameters_for(rules, NOW)
    if numbers is not None:
        given = from_values("thalex-pm", "payload", {"asset": numbers}, "margin breakdown")
        entries = {**parameters.entries, **given.entries}
        parameters = Parameters("thalex-pm", "payload", NOW, None, None, "payload", entries, "own")
    items = [asset("thalex", n) if n in ("BTC", "USDT") else parse("thalex", n) for n in held]
    table = Instruments.of(items)
    place = table.index_of()
    facts = Facts(
        NOW,
        {("BTC", "USD"): SPOT},
        {"BTC": SPOT, "USDT": 1.0, "USD": 1.0},
        {key[3]: Dated(SPOT, key[3] - NOW) for key in table.expiries},
        {name: Quote(SPOT, 0.5) for name in held},
    )
    lines = [Line("a", place["thalex", name], size) for name, size in held.items()]
    return run(Book.of(table, lines), view_of(table, facts), rules, parameters)


def test_without_the_grid_it_refuses() -> None:
    assert THALEX_PM.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        found({"BTC-PERPETUAL": 1.0})
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy


def test_a_breakdown_shows_grid_and_rates() -> None:
    numbers = numbers_of(PAYLOAD)["BTC"]
    assert numbers["scenarios"] == [
        [-0.2, 0.45, 1.0],
        [0.0, 0.0, 1.0],
        [0.2, 0.45, 1.0],
        [0.4, 0.45, 0.5],
    ]
    assert numbers["roll_factor"] == pytest.approx(0.002)
    assert numbers["option_factor"] == pytest.approx(0.005)


def test_with_the_grid_it_runs() -> None:
    """Two short perpetuals lose 40 % at half coverage or 20 % in full: the same."""
    ours = found({"BTC-PERPETUAL": -2.0, "USDT": 1e5}, numbers_of(PAYLOAD))
    assert float(ours.sheet["scan_risk"][0]) == pytest.approx(20_000.0)
    assert float(ours.sheet["mm"][0]) == pytest.approx(0.7 * float(ours.sheet["im"][0]))
    assert not ours.at_least.any()


def test_a_coin_balance_is_a_position() -> None:
    ours = found({"BTC-PERPETUAL": -2.0, "BTC": 2.0}, numbers_of(PAYLOAD))
    assert float(ours.sheet["scan_risk"][0]) == pytest.approx(0.0, abs=1e-8)
    calls = found({CALL: -3.0, "BTC": 3.0}, numbers_of(PAYLOAD))
    assert float(calls.sheet["option_contingency"][0]) == pytest.approx(0.005 * 3.0 * SPOT)


def test_a_rate_that_the_payload_does_not_show_is_at_least() -> None:
    numbers = numbers_of(payload(scenario(-20, 45, 1.0), scenario(20, 45, 1.0)))
    assert "option_factor" not in numbers["BTC"]
    assert found({CALL: -1.0}, numbers).at_least.tolist() == [True]
    assert found({CALL: 1.0}, numbers).at_least.tolist() == [False]


@pytest.mark.parametrize(
    "wrong", [{}, {"portfolio": {"underlyings": []}}, payload({"vol_change_pct_point": 1})]
)
def test_a_payload_without_its_fields_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        numbers_of(wrong)
    assert caught.value.code == "column_missing"
