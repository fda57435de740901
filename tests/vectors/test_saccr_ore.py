"""SA-CCR on ORE's example: add-ons of the hedging sets, replacement cost, multiplier and EAD.

The trades come with adjusted notional, delta and maturity factor; the value of the netting set and
its margin terms stand with the expected totals. A set with terms is taken as margined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin.families.exposure_at_default import (
    MarginTerms,
    Trade,
    add_ons,
    exposure,
    factors_of,
    supervisory_duration,
)
from crossmargin.margin.parameter_files import load
from tests.vectors.recording import seen
from tests.vectors.tables import given, rows, tables

PATTERN = "saccr_*_trades.csv"
CLASSES = {"IR": ("rates", "rates"), "FX": ("fx", "fx")}
MICRO = 1e-6  # the file states six places
EVERY = "All"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test a row of expected results, with its trades."""
    found: list[tuple[str, object]] = []
    for path in tables(metafunc, PATTERN):
        other = path.with_name(path.name.replace("_trades", "_expected"))
        trades, expected = rows(path), rows(other) if other.is_file() else []
        for row in expected:
            name = f"{row['NettingSet']}-{row['AssetClass']}-{row['HedgingSet']}"
            found.append((name, (path.name, row, trades, expected)))
    given(metafunc, found, PATTERN)


def factors() -> Any:
    return factors_of(load("sa-ccr", utc_ms(2026, 12, 1, 0)))


def trade_of(row: dict[str, str]) -> Trade:
    name, sector = CLASSES[row["AssetClass"]]
    return Trade(
        name,
        sector,
        row["HedgingSet"],
        float(row["d"]),
        float(row["delta"]),
        float(row["MF"]),
        float(row["E"]),
        row["HedgingSubset"],
    )


def ead_of(row: dict[str, str], trades: list[dict[str, str]]) -> Any:
    """The exposure of one netting set from its row of totals and its trades."""
    mine = [trade_of(t) for t in trades if t["NettingSet"] == row["NettingSet"]]
    numbers = {
        name: float(row[name] or 0.0)
        for name in (
            "NPV",
            "IndependentAmountHeld",
            "InitialMargin",
            "VariationMargin",
            "ThresholdAmount",
            "MinimumTransferAmount",
        )
    }
    independent = numbers["IndependentAmountHeld"] + numbers["InitialMargin"]
    terms = MarginTerms(numbers["ThresholdAmount"], numbers["MinimumTransferAmount"], independent)
    margined = terms.threshold + terms.minimum_transfer > 0.0
    collateral = numbers["VariationMargin"] + independent
    return exposure(numbers["NPV"], collateral, mine, factors(), terms=terms if margined else None)


def test_case(sample: Any) -> None:
    file, row, trades, expected = sample
    label = f"{row['NettingSet']} {row['AssetClass']} {row['HedgingSet']}"
    if row["NettingSet"] == EVERY:
        sets = [r for r in expected if r["NettingSet"] != EVERY and r["AssetClass"] == EVERY]
        found = {"CC": sum(ead_of(each, trades).ead * float(each["RW"]) for each in sets)}
    elif row["AssetClass"] == EVERY:
        each = ead_of(row, trades)
        found = {
            "AddOn": each.add_on,
            "RC": each.replacement_cost,
            "Multiplier": each.multiplier,
            "PFE": each.pfe,
            "EAD": each.ead,
            "CC": each.ead * float(row["RW"]),
        }
    else:
        mine = [t for t in trades if t["NettingSet"] == row["NettingSet"]]
        sets_of = add_ons([trade_of(t) for t in mine], factors())
        name = CLASSES[row["AssetClass"]][0]
        wanted = (row["HedgingSet"], EVERY)
        found = {
            "AddOn": sum(v for (c, h), v in sets_of.items() if c == name and h in wanted)
            if row["HedgingSet"] != EVERY
            else sum(v for (c, _), v in sets_of.items() if c == name)
        }
    for name, ours in found.items():
        theirs = float(row[name])  # CC: the exposure times the weight of the counterparty
        assert ours == pytest.approx(theirs, rel=1e-9, abs=2.0 * MICRO), name
        seen("sa-ccr", "suite", file, label, ours, theirs)


def test_adjusted_notional_is_a_round_notional(vectors_dir: Path) -> None:
    """d over the supervisory duration is the notional: of one trade in the base it is round."""
    paths = sorted(vectors_dir.glob(PATTERN))
    if not paths:
        pytest.skip(f"no file {PATTERN} in the --vectors folder")
    for path in paths:
        notionals = [
            float(row["d"]) / supervisory_duration(float(row["S"]), float(row["E"]))
            for row in rows(path)
            if row["AssetClass"] == "IR"
        ]
        assert any(abs(n / 1e5 - round(n / 1e5)) < 1e-3 for n in notionals), notionals
