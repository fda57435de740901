"""Published SPAN examples: a textbook's scan risks, spread charges and credits, one real array."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.families.span_arrays import Scan, future_arrays, standard_points
from crossmargin.margin.families.span_engine import Rows, SpanResult, requirement, terms_of
from crossmargin.margin.families.span_terms import Commodity, Contract, DeltaSpread, Leg, SpanFile
from tests.vectors.recording import seen

POINTS = standard_points(2.0, 0.35)


def contents(folder: Path) -> Iterator[dict[str, Any]]:
    """Every file of the format."""
    paths = sorted(folder.glob("span_*.json"))
    if not paths:
        pytest.skip("no file span_*.json in the --vectors folder")
    for path in paths:
        yield json.loads(path.read_text(encoding="utf-8"))


def outright(amount: float) -> list[float]:
    """The array of one future whose scan range is ``amount``."""
    return (POINTS.weight * POINTS.price * -amount).tolist()


def margined(file: SpanFile, sizes: list[float]) -> SpanResult:
    held = Rows(np.array([0, len(sizes)]), np.arange(len(sizes), dtype=np.int32), np.array(sizes))
    return requirement(terms_of(file, "USD"), held)


def book(losses: list[list[float]], codes: list[str], **more: Any) -> SpanFile:
    """One contract an array, each of the next period of its commodity."""
    contracts = tuple(
        Contract(f"c{k}", code, f"2026{k + 1:02d}", 1.0, kind="FUT") for k, code in enumerate(codes)
    )
    named = more.pop("commodities", None) or tuple(Commodity(c) for c in dict.fromkeys(codes))
    return SpanFile(contracts, np.array(losses), named, **more)


def test_textbook_arrays(vectors_dir: Path) -> None:
    for content in contents(vectors_dir):
        case = content["mcmillan_sp500_future_option"]
        future = [-x for x in case["pnl_long_future"]]
        call = [-x for x in case["pnl_long_dec410_call"]]
        file = book([future, call], ["SP", "SP"])

        def only(k: int, file: SpanFile = file) -> float:
            return float(margined(file, [float(k == 0), float(k == 1)]).scan.sum())

        assert only(0) == case["requirement_long_future"]
        assert only(1) == case["requirement_long_call_scan_only"]
        write = margined(file, [1.0, -1.0])
        for name, ours, key in (
            ("covered write", float(write.scan.sum()), "requirement_covered_write"),
            ("call", only(1), "requirement_long_call_scan_only"),
            ("future", only(0), "requirement_long_future"),
        ):
            seen("span", "example", "span_vectors.json", name, ours, float(case[key]))
        assert write.scan.sum() == case["requirement_covered_write"]
        assert (-write.losses[0, 0]).tolist() == case["pnl_covered_write"]
        # The extreme moves are 2 ranges of which 35 % counts.
        assert np.allclose(outright(10_000.0), np.array(future), atol=5.0)


def test_inter_commodity_credit(vectors_dir: Path) -> None:
    for content in contents(vectors_dir):
        case = content["cme_inter_commodity_credit"]
        long, short = case["legs"]
        ratio = [float(x) for x in case["ratio"].split(":")]
        legs = (
            Leg(long["name"], "A", ratio[0], rate=case["credit_pct"]),
            Leg(short["name"], "B", ratio[1], rate=case["credit_pct"]),
        )
        file = book(
            [outright(long["outright"]), outright(short["outright"])],
            [long["name"], short["name"]],
            inter_spreads=(DeltaSpread(legs, "W"),),
        )
        found = margined(file, [float(long["qty_long"]), -float(short["qty_short"])])
        assert found.scan.sum() == pytest.approx(case["gross"], rel=1e-14)
        ours, theirs = float(found.maintenance[0]), float(case["requirement"])
        seen("span", "example", "span_vectors.json", "inter-commodity", ours, theirs)
        assert found.inter.sum() == pytest.approx(case["credit"], rel=1e-14)
        assert found.maintenance[0] == pytest.approx(case["requirement"], rel=1e-14)


def spread_between(code: str, rate: float) -> Commodity:
    legs = (Leg(code, "A", 1.0, period="202601"), Leg(code, "B", 1.0, period="202602"))
    return Commodity(code, spreads=(DeltaSpread(legs, "F", rate),))


def test_intra_commodity_charge(vectors_dir: Path) -> None:
    for content in contents(vectors_dir):
        for case in content["cme_intra_commodity"]:
            near, far = case["outrights"]
            file = book(
                [outright(near), outright(far)], ["X", "X"],
                commodities=(spread_between("X", case["charge"]),),
            )  # fmt: skip
            for sign in (1.0, -1.0):
                found = margined(file, [sign, -sign])
                ours, theirs = float(found.maintenance[0]), float(case["requirement"])
                name = f"intra-commodity {near} {far} {case['charge']}"
                seen("span", "example", "span_vectors.json", name, ours, theirs)
                assert ours == pytest.approx(theirs, rel=1e-14)


def test_nse_calendar(vectors_dir: Path) -> None:
    for content in contents(vectors_dir):
        for case in content["nse_calendar"]:
            lot = float(case["lot"])
            file = book(
                [outright(2_000.0), outright(2_000.0)], ["X", "X"],
                commodities=(spread_between("X", case["spread_charge_per_unit"]),),
            )  # fmt: skip
            found = margined(file, [lot, -lot]).maintenance[0]
            published = case.get("margin_1_near_long_1_far_short", case.get("margin"))
            assert abs(found - published) <= case["tolerance"]


def test_future_array(vectors_dir: Path) -> None:
    """Every value of the exchange's array within a cent, by the two numbers that fit all of them.

    Five days to expiry and the day itself; two days of look-ahead. What is fitted is the value of
    the look-ahead time and the step of one range: they give the spot and the rate.
    """
    for content in contents(vectors_dir):
        case = content["nse_nifty_jun26_future"]
        given, psr = np.array(case["risk_array_long_unit"]), case["price_scan"]
        now, later = 6.0 / 365.0, 4.0 / 365.0
        columns = POINTS.weight[:, None] * np.column_stack([np.ones(16), -POINTS.price])
        still, step = np.linalg.lstsq(columns, given, rcond=None)[0].tolist()
        rate = math.log(step / psr) / later
        spot = still / (math.exp(rate * now) - math.exp(rate * later))
        scan = Scan(POINTS, "spot", 2.0 / 365.0)
        made = future_arrays(spot, now, rate, psr, scan)[0]
        assert np.abs(made - given).max() <= 0.01
        assert np.abs(made.round(2) - case["model_array"]).max() <= 0.011
        assert abs(-made.min() - case["worst_short_unit"]) <= 0.01
        assert abs(made.max() - case["worst_long_unit"]) <= 0.01


def test_risk_and_net_option_value(vectors_dir: Path) -> None:
    """risk = max(scan + intra + delivery - inter, SOM); required = max(risk - NOV, 0)."""
    for content in contents(vectors_dir):
        assert "max(risk-NOV,0)" in content["kdpw_like_requirement"]["formula"]
    option = Contract("call", "X", "202601", 0.5, 1, 100.0, 7.0, 10.0, kind="OOF")
    losses = np.array([[*([5.0] * 15), -50.0]])
    for som, size, risk, needs in (
        (0.0, 1.0, 5.0, 0.0),
        (0.0, -1.0, 50.0, 120.0),
        (80.0, -1.0, 80.0, 150.0),
    ):
        file = SpanFile((option,), losses, (Commodity("X", som_rate=som),))
        found = margined(file, [size])
        assert found.risk[0, 0] == risk
        assert found.maintenance[0] == needs
