"""The committed table and plot of docs/optimise.md are what the script makes of the chain.

Whole lots are searched to a gap and a number of nodes, and the last bits of a matrix product are
the processor's own: another processor may stop at another answer, which must be worth the same to
that gap. ``scripts/optimise_evidence.py FOLDER --check`` compares to the letter.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / "scripts" / "optimise_evidence.py"
sys.path.insert(0, str(SCRIPT.parent))
import optimise_evidence  # noqa: E402 # a script, not a module of the package

from crossmargin.decisions.margin_lp import WHOLE_GAP  # noqa: E402 # as the script, after the path

# The search may end at the limit of its nodes before the gap is closed.
GAPS = 3.0


def _rows(page: str) -> dict[tuple[str, str], list[float]]:
    """IM before, saved and cost of each model and width, as printed."""
    own = page.partition(optimise_evidence.BEGIN)[2].partition(optimise_evidence.END)[0]
    out = {}
    for line in own.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith("`"):
            figures = [float(cell.replace(",", "")) for cell in cells[2:5]]
            out[cells[0].strip("`"), cells[1]] = figures
    return out


def _skeleton(drawn: str) -> str:
    """A picture with its coordinates to whole points."""
    return re.sub(r"\d+\.\d+", lambda each: f"{float(each[0]):.0f}", drawn)


def test_the_page_is_what_the_chain_gives(pytestconfig: pytest.Config) -> None:
    folder = Path(pytestconfig.getoption("--market")).resolve() / "deribit"
    if not (folder / "deribit_options_snapshot_20260205T212937Z.csv.gz").is_file():
        pytest.skip("no recorded chain in the --market folder")
    found = optimise_evidence.measured(folder)
    text = (REPOSITORY / "docs" / optimise_evidence.PAGE).read_text("utf-8")
    shown = _rows(text)
    assert set(shown) == set(found)
    for key, result in found.items():
        before_usd, saved_usd, cost_usd = shown[key]
        assert round(result.figures["before"]["im_usd"]) == before_usd
        price = result.terms.price
        here = price * result.figures["saved_usd"] - result.figures["cost_usd"]
        assert here == pytest.approx(
            price * saved_usd - cost_usd, abs=GAPS * WHOLE_GAP * price * before_usd + 1.0
        ), key
    if optimise_evidence.table(found) in text:
        drawn = (REPOSITORY / "docs" / optimise_evidence.PLOT).read_text("utf-8")
        assert _skeleton(optimise_evidence.plot(found)) == _skeleton(drawn)
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
