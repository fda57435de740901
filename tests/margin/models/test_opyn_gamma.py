"""Opyn Gamma through the model: vaults by hand, payouts at expiry, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance import world
from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Parameters, Requirement, model_named, parameters_for, run
from crossmargin.margin.models.opyn_gamma import OpynGamma
from crossmargin.margin.parameter_files import available, from_values, overlay

MODEL = OpynGamma()
SET = available("opyn-gamma")[0]
WHEN = utc_ms(2026, 12, 31, 8)
PUT = {k: f"oETHUSDC/USDC-31DEC26-{k}P" for k in (1500, 1800)}
CALL = {k: f"oETHUSDC/ETH-31DEC26-{k}C" for k in (2000, 2500)}
USDC_CALL = "oETHUSDC/USDC-31DEC26-2000C"


def margined(held: dict[str, float], parameters: Parameters = SET, **choices: float) -> Requirement:
    items = Instruments.of(parse("opyn", name) for name in held)
    place = items.index_of()
    book = Book.of(items, [Line("a", place["opyn", name], q) for name, q in held.items()])
    book = replace(book, choices={name: np.array([x]) for name, x in choices.items()})
    return run(book, world.view_of(items.items).view, MODEL, parameters)


def row(found: Requirement, currency: str) -> dict[str, float]:
    at = [found.plan.pools[p].label for p in found.sheet.pool.tolist()].index(currency)
    return {
        c.name: float(v[at]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }


def test_a_put_spread_needs_its_width_and_a_long_backs_nothing_else() -> None:
    found = row(margined({"USDC": 400.0, PUT[1800]: -1.0, PUT[1500]: 1.0}), "USDC")
    assert (found["im"], found["mm"], found["counted_im"]) == (300.0, 300.0, 400.0)
    assert found["surplus_mm"] == 100.0
    wide = row(margined({"USDC": 400.0, PUT[1800]: -2.0, PUT[1500]: 1.0}), "USDC")
    assert wide["im"] == 2 * 1800.0 - 1500.0


def test_a_call_is_held_in_its_coin() -> None:
    found = row(margined({"ETH": 1.0, CALL[2000]: -1.0, CALL[2500]: 1.0}), "ETH")
    assert found["im"] == 0.2
    assert row(margined({"ETH": 1.0, CALL[2000]: -3.0, CALL[2500]: 1.0}), "ETH")["im"] == 2.0


def test_a_call_on_another_collateral_is_converted_at_live_prices() -> None:
    found = row(margined({"USDC": 5_000.0, USDC_CALL: -1.0}), "USDC")
    assert found["im"] == pytest.approx(1_900.0 / 0.9995, abs=2e-6)
    assert found["im"] * 0.9995 >= 1_900.0  # a shortfall is rounded up


def test_the_readings_differ_by_the_cover_of_the_long() -> None:
    held = {"USDC": 1.0, PUT[1800]: -1.0, PUT[1500]: 1.0}
    alone = overlay(SET, {"reading.vaults": "alone"}, "test")
    assert row(margined(held, alone), "USDC")["im"] == 1_800.0


def test_at_expiry_a_vault_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "AS_OF_MS", WHEN)
    short = row(margined({"USDC": 400.0, PUT[1800]: -1.0}), "USDC")
    assert (short["im"], short["payout"]) == (0.0, 0.0)
    name = "oETHUSDC/USDC-31DEC26-2000P"
    found = row(margined({"USDC": 400.0, name: 1.0}), "USDC")
    strike = 2_000.0 - 1_900.0 / 0.9995  # in the strike asset
    assert found["payout"] == pytest.approx(strike, abs=2e-6)
    assert found["payout"] <= strike
    assert found["counted_im"] == found["equity"] == pytest.approx(400.0 + strike, abs=2e-6)
    assert row(margined({"USDC": 1.0, name: -1.0}), "USDC")["im"] >= strike


def test_naked_margin_needs_its_table() -> None:
    held = {"USDC": 2_000.0, PUT[1800]: -1.0}
    with pytest.raises(ModelError) as caught:
        margined(held, naked_margin=1.0)
    assert caught.value.code == "parameter_missing"
    rows = [[86_400.0 * 7, 0.1678], [86_400.0 * 56, 0.4603]]
    table = {"spot_shock": 0.75, "dust": 0, "bounds": rows}
    given = from_values("opyn-gamma", "v2", {"naked": {"ETH": {"put": {"USDC": table}}}}, "t")
    whole = replace(SET, entries={**SET.entries, **given.entries})
    found = row(margined(held, whole, naked_margin=1.0), "USDC")
    assert found["im"] == pytest.approx(0.4603 * 0.75 * 1_900.0 + 1_800.0 - 0.75 * 1_900.0)
    assert row(margined(held, whole), "USDC")["im"] == 1_800.0


def test_an_account_is_refused_alone() -> None:
    items = Instruments.of(parse("opyn", name) for name in ("USDC", PUT[1800]))
    place = items.index_of()
    lines = [Line(a, place["opyn", PUT[1800]], -1.0) for a in ("good", "naked")]
    book = Book.of(items, lines)
    book = replace(book, choices={"naked_margin": np.array([0.0, 1.0])})
    found = run(book, world.view_of(items.items).view, MODEL, SET)
    assert [failure.subject for failure in found.failures] == ["naked"]
    assert found.sheet["im"].tolist() == [1_800.0]


def test_a_token_without_decimals_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        MODEL.plan(Instruments.of([parse("opyn", "DAI")]), SET)
    assert caught.value.code == "parameter_missing"
    assert parameters_for(MODEL, WHEN).label == SET.label
    assert model_named("opyn-gamma").spec.venue == "opyn"
