from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.agreement import HOUSE, Ladder, Rung, Status, agreement_for
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.model import ModelSpec
from crossmargin.margin.register import model_named
from tests.accounts.books import START_MS


def spec(name: str) -> ModelSpec:
    return model_named(name).spec


def status(ladder: Ladder, im: float, counted_im: float, mm: float, counted_mm: float) -> Status:
    found = ladder.status(*(np.array([x]) for x in (im, counted_im, mm, counted_mm)))
    return Status(int(found[0]))


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (125.0, Status.OK),
        (math.nextafter(125.0, 0.0), Status.WARNING),
        (100.0, Status.WARNING),
        (math.nextafter(100.0, 0.0), Status.CALL),
        (80.0, Status.CALL),
        (math.nextafter(80.0, 0.0), Status.LIQUIDATION),
        (-1.0, Status.LIQUIDATION),
    ],
)
def test_the_boundaries_of_the_house_are_exact(counted: float, expected: Status) -> None:
    house = agreement_for(spec("tims"), START_MS).ladder
    assert house.name == HOUSE
    assert status(house, 100.0, counted, 80.0, counted) is expected


def test_a_boundary_that_fails_is_exact_too() -> None:
    binance = agreement_for(spec("binance-pm"), START_MS).ladder
    assert status(binance, 0.0, 150.0, 100.0, 150.0) is Status.WARNING
    above = math.nextafter(150.0, 1e9)
    assert status(binance, 0.0, above, 100.0, above) is Status.OK
    assert status(binance, 0.0, 120.0, 100.0, 120.0) is Status.CALL
    assert status(binance, 0.0, 105.0, 100.0, 105.0) is Status.LIQUIDATION
    deribit = agreement_for(spec("deribit-spm"), START_MS).ladder
    assert status(deribit, 100.0, 80.0, 80.0, 80.0) is Status.LIQUIDATION
    derive = agreement_for(spec("derive-pm2"), START_MS).ladder
    assert status(derive, 100.0, 80.0, 80.0, 80.0) is Status.CALL


def test_an_empty_account_is_no_breach() -> None:
    for name in ("deribit-spm", "binance-pm", "tims", "okx-pm"):
        ladder = agreement_for(spec(name), START_MS).ladder
        assert status(ladder, 0.0, 0.0, 0.0, 0.0) is Status.OK
        assert status(ladder, 0.0, -1e-9, 0.0, -1e-9) is Status.LIQUIDATION


def test_okx_warns_at_three_times() -> None:
    ladder = agreement_for(spec("okx-pm"), START_MS).ladder
    assert status(ladder, 100.0, 240.0, 80.0, 240.0) is Status.WARNING
    above = math.nextafter(240.0, 1e9)
    assert status(ladder, 100.0, above, 80.0, above) is Status.OK


@given(
    im=st.floats(0.0, 1e12),
    mm_share=st.floats(0.0, 1.0),
    counted=st.floats(-1e12, 1e13),
    less=st.floats(0.0, 1e12),
)
def test_less_never_stands_better(im: float, mm_share: float, counted: float, less: float) -> None:
    ladder = agreement_for(spec("tims"), START_MS).ladder
    mm = im * mm_share
    worse = counted - less
    assert status(ladder, im, worse, mm, worse) >= status(ladder, im, counted, mm, counted)


def test_a_number_that_is_none_fails() -> None:
    house = agreement_for(spec("tims"), START_MS).ladder
    assert status(house, 1.0, math.nan, 1.0, math.nan) is Status.LIQUIDATION


def test_no_rung_stands_below_the_requirement() -> None:
    with pytest.raises(ModelError) as caught:
        Rung(Status.LIQUIDATION, "mm", 0.99)
    assert caught.value.code == "parameter_out_of_bounds"
    with pytest.raises(ModelError) as caught:
        Ladder("mild", (Rung(Status.CALL, "im", 1.0),))
    assert caught.value.code == "rules_unknown"


def test_changes_stay_inside_their_bounds() -> None:
    assert agreement_for(spec("tims"), START_MS, {"buffer": 0.1}).buffer == 0.1
    with pytest.raises(ModelError):
        agreement_for(spec("tims"), START_MS, {"withdrawal_multiple": 0.5})
    with pytest.raises(InputError) as caught:
        agreement_for(spec("tims"), START_MS, ladder="kindest")
    assert caught.value.code == "option_unknown"
    assert agreement_for(spec("tims"), START_MS, ladder="okx").ladder.name == "okx"
