"""Checkers of the published cases of execution, bands, no-trade regions and cost functions.

One function a topic: it raises AssertionError where ours is not the case's number within the case's
own tolerance. What a case gives decides what is checked of it, its id does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from crossmargin.decisions.hedge_bands import leland, whalley_wilmott
from crossmargin.decisions.no_trade import continuous, expansion_half_width, single
from crossmargin.decisions.schedules import almgren_chriss
from crossmargin.market.cost_parts import impact_square_root, proportional, steps
from crossmargin.market.costs import TradeCost
from crossmargin.market.depth import Depth
from crossmargin.pricing.greeks import greeks

__all__ = ["CHECKERS"]


def _near(ours: float, theirs: float, tolerance: float, what: str) -> None:
    """Absolute, and relative where the number is large."""
    assert ours == pytest.approx(theirs, abs=tolerance, rel=tolerance * 1e-3), what


def _schedule(inputs: Mapping[str, Any], aversion: float) -> Any:
    return almgren_chriss(
        inputs["X"],
        inputs["T"],
        inputs["N"],
        sigma=inputs["sig"],
        eps=inputs["eps"],
        gamma=inputs["gam"],
        eta=inputs["eta"],
        aversion=aversion,
    )


_EXECUTION = ("half_life", "E", "var")


def _almgren_chriss(case: Mapping[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    stated = case.get("tolerance") or 1e-6
    tolerance = stated if isinstance(stated, Mapping) else dict.fromkeys(_EXECUTION, float(stated))
    for text, days in expected.get("half_life_days", {}).items():
        ours = _schedule(inputs, float(text))
        assert ours.half_life is not None
        _near(ours.half_life, days, tolerance["half_life"], f"half-life at {text}")
    straight = _schedule(inputs, 0.0)
    if "E_linear_musd" in expected:
        _near(straight.cost_usd / 1e6, expected["E_linear_musd"], tolerance["E"], "straight cost")
    for text, variance in expected.get("var_by_lambda_musd2", {}).items():
        ours = _schedule(inputs, float(text))
        _near(ours.variance_usd2 / 1e12, variance, tolerance["var"], f"variance at {text}")
    if "kappa_at_1e6" in expected:
        ours = _schedule(inputs, 1e-6)
        _near(ours.kappa, expected["kappa_at_1e6"], 0.005, "kappa")
        assert ours.half_life is not None
        _near(ours.half_life, expected["half_life_at_1e6"], 0.05, "half-life")
    _own_runs(case)


def _own_runs(case: Mapping[str, Any]) -> None:
    """The full-precision runs that accompany the printed numbers."""
    for key, aversion in (("lam1e6", 1e-6), ("lam0", 0.0), ("lam2e6", 2e-6)):
        theirs = (case.get("check") or {}).get(key)
        if theirs is None:
            continue
        ours = _schedule(case["inputs"], aversion)
        assert list(ours.held) == pytest.approx(theirs["x"], rel=1e-9, abs=1e-6)
        assert list(ours.traded) == pytest.approx(theirs["n"], rel=1e-9)
        assert ours.cost_usd == pytest.approx(theirs["E"], rel=1e-10)
        assert ours.variance_usd2 == pytest.approx(theirs["Var"], rel=1e-10)


def _whalley_wilmott(case: Mapping[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    strike = float(inputs.get("K", 1.0))
    wanted = expected["next_hedge"], expected["bs_delta"]
    for x, hedge, delta in zip(inputs["log_moneyness"], *wanted, strict=True):
        spot = strike * math.exp(x)
        unit = greeks(spot, strike, inputs["T"], inputs["sigma"], 1.0)
        _near(float(unit.delta), delta, case["tolerance"], f"delta at {x}")
        band = whalley_wilmott(
            float(unit.gamma), spot, inputs["cost"], inputs["a"], tau_years=inputs["T"]
        )
        ours = band.nearest(inputs["prev"], float(unit.delta))
        _near(ours, hedge, case["tolerance"], f"hedge at {x}")


def _leland(case: Mapping[str, Any]) -> None:
    for row in case["expected"]["rows"]:
        ours = leland(row["sigma"], row["k"], row["dt_days"] / _days_a_year(row))
        assert ours.ratio == pytest.approx(row["A"], rel=case["tolerance"] * 10.0)
        assert ours.vol_short == pytest.approx(row["sigma_short"], rel=case["tolerance"] * 10.0)
        # the file writes 0 where no volatility of a long option exists
        long = 0.0 if ours.vol_long is None else ours.vol_long
        assert long == pytest.approx(row["sigma_long"], rel=case["tolerance"] * 10.0)


def _days_a_year(row: Mapping[str, float]) -> float:
    """365 or 252: what the row's own A was computed with."""
    implied = (row["A"] * row["sigma"] / row["k"]) ** 2 * math.pi / 2.0 * row["dt_days"]
    return min((365.0, 365.25, 252.0, 260.0, 360.0), key=lambda days: abs(days - implied))


def _single(case: Mapping[str, Any]) -> None:
    inputs = case["inputs"]
    low, high = single(inputs["mu"], inputs["sigma"], inputs["gamma"], inputs["c"])
    assert low == pytest.approx(case["expected"]["lower"], abs=case["tolerance"])
    assert high == pytest.approx(case["expected"]["upper"], abs=case["tolerance"])


def _gmms(case: Mapping[str, Any]) -> None:
    """Bounds of the free boundary: one set of inputs, or rows of them, by the names in use."""
    tolerance = case.get("tolerance") or 1e-5
    limit = float(max(tolerance.values()) if isinstance(tolerance, Mapping) else tolerance)
    seen = 0
    for row in _rows(case):
        spread = _first(row, ("spread", "eps", "epsilon", "full_spread", "bid_ask"))
        if spread is None:
            one_way = _first(row, ("k", "one_way", "cost", "c"))
            assert one_way is not None, "the case names no spread"
            spread = 2.0 * one_way
        mu, vol = _first(row, ("mu",)), _first(row, ("sigma", "vol"))
        aversion = _first(row, ("gamma", "risk_aversion", "aversion"))
        assert mu is not None
        assert vol is not None
        assert aversion is not None
        ours = continuous(mu, vol, aversion, spread)
        for names, value in (
            (("lower", "low", "pi_minus", "lo", "buy"), ours.lower),
            (("upper", "high", "pi_plus", "hi", "sell"), ours.upper),
            (("merton", "pi", "pi_star"), ours.merton),
            (("lambda", "gap"), ours.gap),
            (
                ("half_width", "half_width_expansion", "expansion", "asymptotic_half_width"),
                expansion_half_width(ours.merton, aversion, spread),
            ),
        ):
            theirs = _first(row, names)
            if theirs is not None:
                seen += 1
                assert value == pytest.approx(theirs, abs=max(limit, 5.1e-6)), names[0]
    assert seen, "the case states no number that is ours"


def _rows(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Inputs and expected numbers as flat rows, whichever of the two lists them."""
    inputs, expected = case["inputs"], case["expected"]
    for source in (expected, inputs):
        listed = (
            source.get("rows") or source.get("cases") if isinstance(source, Mapping) else source
        )
        if isinstance(listed, Sequence) and listed and isinstance(listed[0], Mapping):
            base = {**(inputs if isinstance(inputs, Mapping) else {})}
            return [{**base, **row, **_bounds(row)} for row in listed]
    return [{**inputs, **expected, **_bounds(expected)}]


def _bounds(row: Mapping[str, Any]) -> dict[str, float]:
    for name in ("bounds", "interval", "no_trade"):
        if isinstance(row.get(name), Sequence):
            return {"lower": row[name][0], "upper": row[name][1]}
    return {}


def _first(row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    return next((float(row[n]) for n in names if isinstance(row.get(n), int | float)), None)


def _three_halves(case: Mapping[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    cost = TradeCost(
        (
            proportional("linear", inputs["a"] + inputs["c"], inputs["a"] - inputs["c"]),
            impact_square_root(inputs["sigma"], inputs["V"], inputs["b"]),
        )
    )
    split = {name: float(value) for name, value in cost.split(inputs["x"])}
    tolerance = case["tolerance"]
    assert split["linear"] == pytest.approx(expected["linear"], rel=tolerance)
    assert split["impact"] == pytest.approx(expected["impact"], rel=tolerance)
    total = float(cost.at(inputs["x"]))
    assert total == pytest.approx(expected["total"], rel=tolerance)
    assert 1e4 * total / abs(inputs["x"]) == pytest.approx(expected["bps"], rel=tolerance)


def _book_walk(case: Mapping[str, Any]) -> None:
    """A purchase or a sale: money that changes hands, its average price, what it is off the mid."""
    inputs, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    sign = -1.0 if "sell" in inputs else 1.0
    size, mid = abs(float(inputs["buy" if sign > 0.0 else "sell"])), float(inputs["mid"])
    sides = [[(float(p), float(s)) for p, s in inputs.get(side, ())] for side in ("bids", "asks")]
    depth = Depth.of(*sides, "case")
    bought, sold = ((each[1], way * (each[0] - mid)) for way, each in
                    ((1.0, depth.side(1.0)), (-1.0, depth.side(-1.0))))  # fmt: skip
    cost = TradeCost((steps("walk", bought, sold),))
    lost = float(cost.at(sign * size))
    paid = size * mid + sign * lost
    found = {"cost": paid, "proceeds": paid, "avg": paid / size,
             "slippage_bps": 1e4 * lost / size / mid}  # fmt: skip
    assert set(expected) & set(found), f"nothing of {sorted(expected)} is known"
    for name in set(expected) & set(found):
        assert found[name] == pytest.approx(expected[name], rel=tolerance), name


def _trading_cost(case: Mapping[str, Any]) -> None:
    """A walk, a schedule or the three-halves law, whichever the case gives."""
    inputs = case["inputs"]
    if "asks" in inputs or "bids" in inputs:
        _book_walk(case)
    elif "eta" in inputs:
        _almgren_chriss(case)
    else:
        _three_halves(case)


def _no_trade(case: Mapping[str, Any]) -> None:
    """The region of one period, whose cost is ``c`` alone, or that of continuous trading."""
    inputs = case["inputs"]
    if isinstance(inputs, Mapping) and {"mu", "sigma", "gamma", "c"} == set(inputs):
        _single(case)
    else:
        _gmms(case)


CHECKERS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "no_trade_gmms": _gmms,
    "rebalancing-cost": _trading_cost,
    "rebalancing-cost/execution": _almgren_chriss,
    "execution": _almgren_chriss,
    "delta-band": _whalley_wilmott,
    "delta-hedge/leland": _leland,
    "delta-hedge": _leland,
    "rebalancing/no-trade band": _no_trade,
    "rebalancing": _no_trade,
}
