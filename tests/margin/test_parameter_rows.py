from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import ModelError
from crossmargin.margin.parameter_files import Parameters, from_values, load, overlay
from crossmargin.margin.parameter_rows import PAYLOAD_DERIVE_PM2, PAYLOAD_PARADEX_PM


@pytest.mark.parametrize(
    ("folder", "name", "rows", "place"),
    [
        ("paradex-pm", "asset.BTC.scenarios", [["x", 0.4, 1.0]], "row 1 spot_shock"),
        ("paradex-pm", "asset.BTC.scenarios", [[0.1, 0.4, 1.0], [0.1, 0.4]], "row 2"),
        ("paradex-pm", "asset.BTC.scenarios", [[16.0, 0.4, 1.0]], "row 1 spot_shock"),
        ("paradex-pm", "asset.BTC.scenarios", [[-2.0, 0.4, 1.0]], "row 1 spot_shock"),
        ("paradex-pm", "asset.BTC.scenarios", [[float("nan"), 0.4, 1.0]], "row 1 spot_shock"),
        ("paradex-pm", "asset.BTC.scenarios", [[0.1, 40.0, 1.0]], "row 1 vol_shock"),
        ("paradex-pm", "asset.BTC.scenarios", [[0.1, 0.4, True]], "row 1 weight"),
        ("paradex-pm", "asset.BTC.scenarios", [0.1], "row 1"),
        ("paradex-pm", "asset.BTC.scenarios", [], "scenarios"),
        ("derive-pm2", "market.BTC.scenarios", [[1.1, "sideways", 1.0]], "row 1 vol"),
        ("derive-pm2", "market.BTC.scenarios", [[1.1, ["up"], 1.0]], "row 1 vol"),
        ("derive-pm2", "market.BTC.scenarios", [[0.0, "up", 1.0]], "row 1 spot_factor"),
        ("derive-pm2", "market.BTC.scenarios", [[1.1, "up", -1.0]], "row 1 dampening"),
    ],
)
def test_a_list_is_checked_cell_by_cell(
    folder: str, name: str, rows: list[Any], place: str
) -> None:
    base = load(folder, parse_ms("2026-06-20T00:00:00Z"))
    with pytest.raises(ModelError) as caught:
        overlay(base, {name: rows}, "mine")
    assert caught.value.code == "parameter_out_of_bounds"
    assert caught.value.place.endswith(place)
    same = overlay(base, {name: base.get(name)}, "mine")
    assert same.sha256 == base.sha256
    with pytest.raises(ModelError):
        overlay(same, {name: rows}, "again")  # the columns stay with the entry


def test_a_payload_is_held_to_the_venues_own_bounds() -> None:
    def of(row: Sequence[Any]) -> Parameters:
        return from_values("m", "1", {"scenarios": [list(row)]}, "a reply")

    row: list[Any] = [20.0, "linear", 7.0]
    assert of(row).rows("scenarios", PAYLOAD_DERIVE_PM2) == [row]
    assert of([-0.999, -2, 9]).rows("scenarios", PAYLOAD_PARADEX_PM) == [[-0.999, -2, 9]]
    bad: Sequence[Any]
    for bad in ([0.0, "up", 1.0], [20.1, "up", 1.0], [1.0, "up", -0.1], [1.0, "up"]):
        with pytest.raises(ModelError, match="parameter_out_of_bounds"):
            of(bad).rows("scenarios", PAYLOAD_DERIVE_PM2)
    for bad in ([-1.0, 0.4, 1.0], [0.1, "up", 1.0], [0.1, 0.4, float("inf")]):
        with pytest.raises(ModelError, match="parameter_out_of_bounds"):
            of(bad).rows("scenarios", PAYLOAD_PARADEX_PM)
