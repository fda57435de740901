"""Greek bands: inside no trade, outside the cheapest whole lots, against exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.greek_bands import Candidate, GreekBand, bring_inside, price_of_delta


def flat(name: str, cost: float, lot: float = 1.0, most: float = 6.0, **greeks: float) -> Candidate:
    side = (np.array([most]), np.array([cost]))
    return Candidate(name, greeks, lot, side, side)


PERP = flat("perp", 0.5, delta=1000.0, most=100.0)
CALL = flat("call", 40.0, delta=500.0, gamma=30.0, vega=80.0)
PUT = flat("put", 35.0, delta=-450.0, gamma=32.0, vega=90.0)
BANDS = {"delta": GreekBand.around(0.0, 2000.0), "vega": GreekBand.around(0.0, 150.0)}


@given(st.floats(-4e3, 4e3), st.floats(-500.0, 500.0))
def test_after_the_trade_everything_is_inside_and_nothing_is_cheaper(
    delta: float, vega: float
) -> None:
    exposure = {"delta": delta, "vega": vega, "gamma": 0.0}
    found = bring_inside(exposure, BANDS, [PERP, CALL, PUT])
    for name, band in BANDS.items():
        assert not band.breached(found.after[name]), name
    if not found.breached:
        assert not found.size.any()
        return
    least = min(
        0.5 * abs(p) + 40.0 * abs(c) + 35.0 * abs(q)
        for p, c, q in itertools.product(range(-8, 9), range(-6, 7), range(-6, 7))
        if abs(delta + 1000.0 * p + 500.0 * c - 450.0 * q) <= 2000.0 + 1e-6
        and abs(vega + 80.0 * c + 90.0 * q) <= 150.0 + 1e-6
    )
    assert found.cost_usd == pytest.approx(least, abs=1e-6)


def test_the_trade_goes_to_the_edge_or_to_the_inner_band() -> None:
    fine = flat("perp", 0.5, lot=0.001, delta=1000.0, most=100.0)
    edge = bring_inside({"delta": 9000.0}, {"delta": GreekBand.around(0.0, 2000.0)}, [fine])
    assert edge.after["delta"] == pytest.approx(2000.0)
    inner = bring_inside({"delta": 9000.0}, {"delta": GreekBand.around(0.0, 2000.0, 500.0)}, [fine])
    assert inner.after["delta"] == pytest.approx(500.0)
    resting = bring_inside(
        {"delta": 1900.0}, {"delta": GreekBand.around(0.0, 2000.0, 500.0)}, [fine]
    )
    assert resting.breached == ()


def test_margin_and_carry_choose_the_contract_but_make_no_trade() -> None:
    side = (np.array([100.0]), np.array([0.6]))
    freeing = Candidate("freeing", {"delta": 1000.0}, 1.0, side, side, 50.0, -50.0)
    dear = bring_inside(
        {"delta": 9000.0}, {"delta": GreekBand.around(0.0, 2000.0)}, [PERP, freeing]
    )
    assert dear.size.tolist() == [-7.0, 0.0]
    freed = bring_inside(
        {"delta": 9000.0}, {"delta": GreekBand.around(0.0, 2000.0)}, [PERP, freeing], 0.01
    )
    assert freed.size.tolist() == [0.0, -7.0]
    assert freed.margin_usd == pytest.approx(-3.5)
    carried = Candidate("carried", {"delta": 1000.0}, 1.0, side, side, carry_usd=10.0)
    found = bring_inside(
        {"delta": 9000.0}, {"delta": GreekBand.around(0.0, 2000.0)}, [PERP, carried]
    )
    assert found.size.tolist() == [
        0.0,
        -7.0,
    ]  # a sale of it receives the carry, and no more is sold
    assert found.carry_usd == pytest.approx(-70.0)


def test_cost_per_delta_adds_up() -> None:
    found = price_of_delta(
        Candidate("f", {"delta": 500.0}, 1.0, PERP.buy, PERP.sell, 20.0, -10.0, 0.25), -4.0, 0.01
    )
    assert found["trading"] == pytest.approx(0.5 * 4.0 / 2000.0)
    assert found["carry"] == pytest.approx(-1.0 / 2000.0)
    assert found["margin"] == pytest.approx(0.01 * 4.0 * -10.0 / 2000.0)
    assert found["total"] == pytest.approx(sum(found[n] for n in ("trading", "carry", "margin")))
    with pytest.raises(InputError):
        price_of_delta(flat("cash", 1.0), 1.0, 0.0)


@pytest.mark.parametrize(
    ("exposure", "bands", "candidates", "code"),
    [
        ({"delta": 1.0}, {}, [PERP], "option_unknown"),
        ({"delta": 1.0}, {"rho": GreekBand.around(0.0, 1.0)}, [PERP], "option_unknown"),
        (
            {"delta": float("nan")},
            {"delta": GreekBand.around(0.0, 1.0)},
            [PERP],
            "number_not_finite",
        ),
        ({"delta": 500.0}, {"delta": GreekBand.around(0.0, 10.0)}, [PERP], "solver_failed"),
        (
            {"vega": 500.0, "delta": 0.0},
            {"vega": GreekBand.around(0.0, 9.0)},
            [PERP],
            "solver_failed",
        ),
    ],
)
def test_what_cannot_be_brought_inside_is_refused(
    exposure: dict[str, float], bands: dict[str, GreekBand], candidates: list[Candidate], code: str
) -> None:
    with pytest.raises(CrossMarginError) as refused:
        bring_inside(exposure, bands, candidates)
    assert refused.value.code == code


def test_the_refusal_says_how_near_whole_lots_come() -> None:
    bands = {"delta": GreekBand.around(0.0, 10.0), "vega": GreekBand.around(0.0, 9.0)}
    with pytest.raises(CrossMarginError) as refused:
        bring_inside({"vega": 500.0, "delta": 600.0}, bands, [PERP])
    # one lot sold leaves -400, ten dollars of which are allowed; nothing moves vega
    assert "delta outside by 390, vega outside by 491" in str(refused.value.value)


def test_a_band_inside_out_is_refused() -> None:
    with pytest.raises(InputError):
        GreekBand(0.0, 1.0, -1.0, 0.5)
    with pytest.raises(InputError):
        GreekBand.around(0.0, 1.0, 2.0)
