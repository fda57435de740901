"""Terms of a SPAN file: what is refused, and with which place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_terms import (
    Commodity,
    Contract,
    DeltaSpread,
    Leg,
    ScanLeg,
    ScanSpread,
    SpanFile,
    Tier,
    months_between,
)

FUTURE = Contract("X-F", "X", "202601", 1.0)
LEGS = Leg("X", "A", 1.0), Leg("X", "B", 1.0)
FILE = SpanFile((FUTURE,), np.zeros((1, 16)), (Commodity("X"),))


def with_commodity(**changes: Any) -> SpanFile:
    return replace(FILE, commodities=(replace(FILE.commodities[0], **changes),))


def with_contract(**changes: Any) -> SpanFile:
    return replace(FILE, contracts=(replace(FUTURE, **changes),))


def spread(*legs: Leg, **more: Any) -> dict[str, Any]:
    return {"spreads": (DeltaSpread(legs, **more),)}


BAD: list[tuple[str, str, Callable[[], Any]]] = [
    ("15 values", "shape_wrong", lambda: replace(FILE, losses=np.zeros((1, 15)))),
    ("a NaN", "number_not_finite", lambda: replace(FILE, losses=np.full((1, 16), np.nan))),
    ("unknown commodity", "option_unknown", lambda: with_contract(commodity="Y")),
    ("delta NaN", "number_not_finite", lambda: with_contract(delta=float("nan"))),
    ("right 2", "option_unknown", lambda: with_contract(right=2)),
    ("style", "option_unknown", lambda: with_contract(style="stock")),
    ("one name twice", "duplicate_row", lambda: replace(
        FILE, contracts=(FUTURE, FUTURE), losses=np.zeros((2, 16)))),
    ("one commodity twice", "option_unknown", lambda: replace(
        FILE, commodities=(Commodity("X"), Commodity("X")))),
    ("negative minimum", "number_out_of_range", lambda: with_commodity(som_rate=-1.0)),
    ("minimum method", "option_unknown", lambda: with_commodity(som_method="mean")),
    ("delivery method", "option_unknown", lambda: with_commodity(delivery_method="02")),
    ("no scan range", "option_unknown", lambda: with_commodity(wfpr_method="capped")),
    ("one side", "option_unknown", lambda: with_commodity(**spread(LEGS[0]))),
    ("side C", "option_unknown", lambda: with_commodity(**spread(LEGS[0], Leg("X", "C", 1.0)))),
    ("ratio 0", "number_out_of_range", lambda: with_commodity(
        **spread(LEGS[0], Leg("X", "B", 0.0)))),
    ("method", "option_unknown", lambda: with_commodity(**spread(*LEGS, method="Q"))),
    ("per month", "option_unknown", lambda: with_commodity(**spread(*LEGS, method="P"))),
    ("other commodity", "option_unknown", lambda: with_commodity(
        **spread(LEGS[0], Leg("Y", "B", 1.0)))),
    ("tier", "option_unknown", lambda: with_commodity(
        **spread(LEGS[0], Leg("X", "B", 1.0, tier=3)))),
    ("inter leg", "option_unknown", lambda: replace(
        FILE, inter_spreads=(DeltaSpread((LEGS[0], Leg("Y", "B", 1.0))),))),
    ("scanned leg", "option_unknown", lambda: replace(
        FILE, inter_spreads=(ScanSpread((ScanLeg("Y", 0.5),)),))),
    ("share above 1", "number_out_of_range", lambda: replace(
        FILE, inter_spreads=(ScanSpread((ScanLeg("X", 1.5),)),))),
    ("contract", "instrument_unknown", lambda: FILE.column_of("Y")),
    ("currency", "currency_unknown", lambda: FILE.rate("EUR", "USD")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "call"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_refused(code: str, call: Callable[[], Any]) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.limit


def test_tiers_hold_months_and_days() -> None:
    tier = Tier(1, "202601", "202603")
    assert [tier.holds(p) for p in ("202512", "202601", "20260131", "202603", "20260331")] == [
        False, True, True, True, True,
    ]  # fmt: skip
    assert not tier.holds("202604")
    assert Tier(2).holds("209912")


def test_months_between() -> None:
    assert months_between(("202611", "202702", "202612")) == 3


def test_rates_go_both_ways() -> None:
    file = replace(FILE, rates={("EUR", "USD"): 1.25})
    assert (file.rate("EUR", "USD"), file.rate("USD", "EUR"), file.rate("A", "A")) == (
        1.25, 0.8, 1.0,
    )  # fmt: skip


def test_value_of_options_alone() -> None:
    call = Contract("c", "X", "202601", 0.5, 1, 100.0, 3.0, 10.0)
    assert call.value == 30.0
    assert replace(call, style="futures").value == 0.0
    assert replace(call, right=0).value == 0.0
