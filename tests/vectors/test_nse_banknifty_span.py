"""Risk arrays of an exchange: every row of its file, by its own parameters, generated anew."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.families.span_arrays import (
    Scan,
    option_arrays,
    plain_delta,
    standard_points,
    years_of,
)

DAYS_LONG = 270  # beyond it the file's second price scan range is in force


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Each file of arrays with the file of its parameters."""
    found = [
        (path, path.with_name(f"{path.stem}_params.csv"))
        for path in sorted(folder.glob("nse_*_span_*.csv"))
        if not path.stem.endswith("_params")
    ]
    if not found:
        pytest.skip("no file nse_*_span_*.csv in the --vectors folder")
    return found


def generated(rows: list[dict[str, str]], by: dict[str, str]) -> tuple[Any, Any, Any]:
    """Worst loss of a short, delta and the whole arrays of the rows of one snapshot."""
    number = {
        name: float(text)
        for name, text in by.items()
        if name not in ("valuation_date", "day_count")
    }
    days = np.array([float(row["days"]) for row in rows])
    share = np.where(days > DAYS_LONG, number["price_scan_pct_over_270d"], number["price_scan_pct"])
    scan = Scan(
        standard_points(number["extreme_multiple"], number["extreme_cover"]),
        "spot",
        number["lookahead_days"] / 365.0,
    )
    option = (
        number["spot"],
        [float(row["strike"]) for row in rows],
        [1.0 if row["type"] == "C" else -1.0 for row in rows],
        years_of(days),
        number["sigma"],
        number["rate"],
    )
    loss = option_arrays(*option, share * number["spot"], number["vol_scan"], scan)
    return -loss.min(axis=1), plain_delta(*option, scan), loss


def test_every_row(vectors_dir: Path) -> None:
    """Worst loss within 0.0055 and 99 % to the cent; delta to four decimals."""
    for path, parameters in pairs(vectors_dir):
        rows, sets = rows_of(path), {row["snapshot"]: row for row in rows_of(parameters)}
        errors: list[float] = []
        cents = 0
        for snapshot in dict.fromkeys(row["snapshot"] for row in rows):
            mine = [row for row in rows if row["snapshot"] == snapshot]
            worst, delta, _ = generated(mine, sets[snapshot])
            published = np.array([float(row["worst_loss_short_per_unit"]) for row in mine])
            errors += np.abs(worst - published).tolist()
            cents += int((np.abs(worst.round(2) - published) < 0.005).sum())
            given = np.array([float(row["delta"]) for row in mine])
            assert np.abs(delta - given).max() <= 5.1e-5
        assert len(errors) == len(rows)
        assert max(errors) <= 0.0055
        assert cents >= 0.99 * len(rows), cents
        print(f"{path.name}: {len(rows)} rows, worst {max(errors):.5f}, {cents} to the cent")
