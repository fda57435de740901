"""Sensitivity files under the registered model: its sheet, collateral, refusals, the notice."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import view_of
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.factors import Factor, instrument_of
from crossmargin.margin import run
from crossmargin.margin.details import details_of
from crossmargin.margin.families.sensitivity_entries import with_numbers
from crossmargin.margin.families.sensitivity_parameters import set_of
from crossmargin.margin.families.sensitivity_totals import table_of, totals
from crossmargin.margin.model import Requirement
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.register import model_named
from tests.margin.families.simm_made_up import VERSION, random_factor, rows

MODEL = model_named("sensitivities-crif")
(SHIPPED,) = available("sensitivities-crif")
NUMBERS = with_numbers(SHIPPED, rows(), VERSION, "file.csv")
CASH = Instrument("crif", "USDC", Kind.ASSET, "USDC", "USD", "USDC")
TIMES = Factor("", "Param_ProductClassMultiplier", "RatesFX")


def margined(accounts: dict[str, dict[Factor, float]], **changes: object) -> Requirement:
    factors = sorted({factor for held in accounts.values() for factor in held})
    world = view_of([*(instrument_of(factor) for factor in factors), CASH])
    place = world.instruments.index_of()
    lines = [
        Line(name, place[instrument_of(factor).key], amount)
        for name, held in accounts.items()
        for factor, amount in held.items()
    ]
    lines += [Line(name, place[CASH.key], 1000.0) for name in accounts]
    book = Book.of(world.instruments, lines)
    return run(book, world.view, MODEL, overlay(NUMBERS, changes, "test") if changes else NUMBERS)


def population(seed: int, count: int = 12) -> dict[str, dict[Factor, float]]:
    rng = np.random.default_rng(seed)
    return {
        f"a{k:02d}": {random_factor(rng): float(rng.normal() * 1e6) for _ in range(12)}
        for k in range(count)
    }


@pytest.mark.parametrize("days", ["10", "1"])
@pytest.mark.parametrize("side", ["collect", "post"])
def test_sheet_is_the_aggregation(days: str, side: str) -> None:
    accounts = population(3)
    changes = {"general.horizon_days": days, "general.side": side}
    found = margined(accounts, **changes)
    numbers = set_of(rows(), VERSION, int(days), "file.csv")
    for row, (name, held) in enumerate(sorted(accounts.items())):
        factors = sorted(held)
        table = table_of(factors, numbers, posted=side == "post")
        amount = np.array([held[factor] for factor in factors])
        column = np.arange(len(factors), dtype=np.int32)
        ours = totals(table, np.array([0, len(factors)]), column, amount)
        assert found.sheet["im"][row] == pytest.approx(ours.im_usd[0], rel=1e-12), name
        assert found.sheet["vega"][row] == pytest.approx(ours.part[0, ..., 1].sum(), rel=1e-12)
    assert found.sheet["counted_im"].tolist() == [pytest.approx(999.5)] * len(accounts)
    assert found.sheet["mm"].tolist() == found.sheet["im"].tolist()
    assert any("not endorsed" in note for note in found.notes)
    assert any(f"to {side}" in note for note in found.notes)


def test_tables_beside_the_sheet() -> None:
    found = margined(population(4, 1))
    (table,) = details_of(found, 0)
    assert sum(row[6] for row in table.rows) == pytest.approx(sum(
        float(found.sheet[name][0]) for name in ("delta", "vega", "curvature", "base_correlation")
    ))  # fmt: skip
    assert "not endorsed" in table.notes[0]


def test_a_bad_multiplier_fails_alone() -> None:
    accounts = population(5, 3)
    accounts["a01"] = {TIMES: 0.5}
    found = margined(accounts)
    assert [failure.subject for failure in found.failures] == ["a01"]
    assert "too small" in found.failures[0].reason
    assert len(found.sheet) == 2
    with pytest.raises(ModelError, match="too small"):
        margined({"a01": {TIMES: 0.5}})


def test_orders_are_refused() -> None:
    world = view_of([instrument_of(TIMES), CASH])
    cash = world.instruments.index_of()[CASH.key]
    book = Book.of(world.instruments, [Line("a", cash, 1.0)], [Order("a", cash, 1, 1.0, 1.0)])
    with pytest.raises(ModelError) as caught:
        run(book, world.view, MODEL, NUMBERS)
    assert caught.value.code == "order_invalid"


def test_without_numbers_nothing_is_margined() -> None:
    table = Instruments.of([instrument_of(Factor("RatesFX", "Risk_FX", "EUR"))])
    with pytest.raises(ModelError) as caught:
        MODEL.plan(table, SHIPPED)
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
    assert not any(name.startswith("number.") for name in SHIPPED.entries)
