"""The model ``correlated``: limits of netting, stress, credits, breaks, and a slow twin."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.conformance.world import SPOT, random_book, subject_of, world_of
from crossmargin.core.errors import ModelError
from crossmargin.margin import model_named, run
from crossmargin.margin.details import details_of
from crossmargin.margin.parameter_files import read_parameters
from tests.margin.netting_books import BTC, CALL, ETH, PUT, dollars, margined, subject

SAME = {
    "coin.ETH.range": 0.15,
    "coin.ETH.vol_up": 0.45,
    "correlation.ETH.BTC": 1.0,
    "stress.tenths": 0,
}
QUIET = {"break.basis": 0.0}
SIZE = st.floats(-50.0, 50.0).map(lambda x: round(x, 3))


def needed(held: dict[str, float], **changes: object) -> float:
    return dollars(margined("correlated", held, {**QUIET, **changes}), "requirement")


@settings(max_examples=15)
@given(SIZE, SIZE)
def test_full_correlation_is_one_asset(a: float, b: float) -> None:
    """Ether of as many dollars nets as bitcoin does."""
    ratio = SPOT["BTC"] / SPOT["ETH"]
    two = needed({BTC: a, ETH: b * ratio}, **SAME)
    one = needed({BTC: a + b}, **SAME)
    assert two == pytest.approx(one, rel=1e-9, abs=1e-6)


@settings(max_examples=15)
@given(SIZE, SIZE)
def test_no_credit_is_the_plain_sum(a: float, b: float) -> None:
    held = {BTC: a, ETH: 30.0 * b, CALL: -b, PUT: a}
    off = {"reading.netting": "credits", "credit.ETH.BTC": 0.0}
    found = margined("correlated", held, {**QUIET, **off})
    assert dollars(found, "requirement") == pytest.approx(dollars(found, "plain_sum"), rel=1e-12)
    full = needed(held, **{"reading.netting": "credits", "credit.ETH.BTC": 1.0})
    assert full <= dollars(found, "requirement") + 1e-6


@pytest.mark.parametrize("reading", ["scenarios", "credits"])
@settings(max_examples=10)
@given(a=SIZE, b=SIZE)
def test_margin_never_falls_with_the_stress(reading: str, a: float, b: float) -> None:
    held = {BTC: a, ETH: -30.0 * b, CALL: b, PUT: -a}
    found = [
        needed(held, **{"reading.netting": reading, "stress.tenths": t}) for t in (0, 1, 4, 10)
    ]
    assert all(x <= y * (1.0 + 1e-12) + 1e-9 for x, y in pairwise(found))
    plain = dollars(margined("correlated", held, QUIET), "plain_sum")
    assert found[-1] <= plain * (1.0 + 1e-9) + 1e-9


def test_the_whole_stress_takes_a_linear_hedge_apart() -> None:
    held = {BTC: 5.0, ETH: -150.0}
    found = margined("correlated", held, {**QUIET, "stress.tenths": 10})
    assert dollars(found, "requirement") == pytest.approx(dollars(found, "plain_sum"), rel=1e-9)
    assert dollars(found, "base_risk") < 0.7 * dollars(found, "requirement")


@pytest.mark.parametrize("seed", [71, 72])
def test_the_sheet_is_that_of_plain_loops(seed: int) -> None:
    """Every account's P&L by scenario added up in plain Python, coin by coin."""
    found = subject_of(model_named("correlated"))
    world, book = world_of(found), random_book(found, seed, 12)
    result = run(book, world.view, found.model, found.parameters)
    priced = result.priced[0]
    pnl = priced.risk.scenario_pnl()
    items = world.instruments.items
    for a in range(len(book)):
        total = np.zeros(pnl.shape[1])
        coins = {"BTC": np.zeros(pnl.shape[1]), "ETH": np.zeros(pnl.shape[1])}
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            column = int(book.column[j])
            total = total + float(book.quantity[j]) * pnl[column]
            if items[column].underlying in coins:
                coins[items[column].underlying] += float(book.quantity[j]) * pnl[column]
        plain = sum(max(-v.min(), 0.0) for v in coins.values())
        sheet = result.sheet
        assert sheet["joint_risk"][a] == pytest.approx(max(-total.min(), 0.0), rel=1e-9, abs=1e-6)
        assert sheet["plain_sum"][a] == pytest.approx(plain, rel=1e-9, abs=1e-6)
        assert sheet["base_risk"][a] <= sheet["joint_risk"][a] + 1e-9
        assert sheet["joint_risk"][a] <= sheet["plain_sum"][a] * (1.0 + 1e-12) + 1e-6


def test_a_basis_that_parts_is_required_where_nothing_else_moves() -> None:
    """A perpetual hedged with the coin itself: only the basis is left."""
    found = margined("correlated", {"BTC": 10.0, BTC: -10.0}, {"break.basis": 0.05})
    perp = 10.0 * SPOT["BTC"] * 0.9995 * 0.05  # the index is quoted in USDC
    assert dollars(found, "break_risk") == pytest.approx(perp, rel=1e-9)
    assert dollars(found, "requirement") >= dollars(found, "break_risk")


def test_details_name_the_matrices_and_what_each_costs() -> None:
    found = margined("correlated", {BTC: 5.0, ETH: -150.0})
    coins, matrices = details_of(found, 0)
    assert [row[0] for row in coins.rows] == ["BTC", "ETH"]
    assert len(matrices.rows) == 1 + 2 * 3
    worst = max(row[3] for row in matrices.rows)
    assert worst == pytest.approx(dollars(found, "scan_risk"))
    assert all(row[2] >= -1e-12 for row in matrices.rows)


def test_a_coin_outside_the_matrix_adds_up_and_a_stranger_is_refused() -> None:
    found = subject("correlated")
    text = {n: e for n, e in found.parameters.entries.items() if not n.startswith("coin.OTHER")}
    from dataclasses import replace

    bare = replace(found.parameters, entries=text)
    world = world_of(found)
    items = [replace(i, underlying="SOL") for i in world.instruments.items if i.native_id == ETH]
    from crossmargin.instruments.contracts import Instruments

    with pytest.raises(ModelError, match="parameter_missing"):
        found.model.plan(Instruments.of(items), bare)
    assert found.model.plan(Instruments.of(items), found.parameters).pools


def test_a_fourth_coin_of_the_matrix_is_refused() -> None:
    from crossmargin.margin.families.cross_rules import joint_names

    rows = "\n".join(
        f'[correlation.{c}]\nBTC = {{ value = 0.5, unit = "correlation", min = -1, max = 1 }}'
        for c in ("A", "B", "C")
    )
    head = 'model = "correlated"\nversion = "1"\nobserved = "2026-01-01"\nsource = "test"\n'
    with pytest.raises(ModelError, match="size_too_large"):
        joint_names(read_parameters(head + rows, "test"))
