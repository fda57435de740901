"""The committed table and plot of docs/optimise.md are what the script makes of the chain."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / "scripts" / "optimise_evidence.py"
sys.path.insert(0, str(SCRIPT.parent))
import optimise_evidence  # noqa: E402 # a script, not a module of the package


def test_the_page_is_what_the_chain_gives(pytestconfig: pytest.Config) -> None:
    folder = Path(pytestconfig.getoption("--market")).resolve() / "deribit"
    if not (folder / "deribit_options_snapshot_20260205T212937Z.csv.gz").is_file():
        pytest.skip("no recorded chain in the --market folder")
    found = optimise_evidence.measured(folder)
    text = (REPOSITORY / "docs" / optimise_evidence.PAGE).read_text("utf-8")
    assert optimise_evidence.table(found) in text
    drawn = (REPOSITORY / "docs" / optimise_evidence.PLOT).read_text("utf-8")
    assert optimise_evidence.plot(found) == drawn
    # What the page claims: every band is kept, on the grid and by the exact model.
    for (_, band), result in found.items():
        tolerances, figures = optimise_evidence.BANDS[band], result.figures
        assert tolerances.worse is not None
        assert tolerances.delta is not None
        assert tolerances.vega is not None
        for each in (*figures["grid"], *figures["dense_grid"]):
            least = -tolerances.worse * figures["before"]["im_usd"] * (1 + 2e-5)
            assert each["largest_loss_added_usd"] >= least
        bench = result.bench
        gross = abs(bench.quantity[:, None] * bench.greek).sum(axis=0)
        delta, _, vega = figures["greeks"]
        for each, share, most in (
            (delta, tolerances.delta, gross[0]),
            (vega, tolerances.vega, gross[2]),
        ):
            assert abs(each["after"] - each["before"]) <= share * most * (1 + 1e-6)
        assert figures["saved_usd"] * result.terms.price >= figures["cost_usd"]
