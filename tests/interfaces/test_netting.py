"""The verb netting: figures, faces and receipt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.netting import BASES, CORRELATIONS, netting

ROWS = [
    {"type": "balance", "account": "desk", "venue": "deribit", "instrument": "USDC",
     "quantity": 400_000},
    {"type": "position", "account": "desk", "venue": "deribit",
     "instrument": "BTC_USDC-PERPETUAL", "quantity": 20},
    {"type": "position", "account": "desk", "venue": "deribit",
     "instrument": "ETH_USDC-PERPETUAL", "quantity": -600},
]  # fmt: skip


def test_figures_agree_with_the_margin() -> None:
    result = xm.netting(ROWS, "sample:market")
    im = xm.margin(ROWS, "sample:market", "correlated").im_usd
    assert result.figures["initial_usd"] == im
    (one,) = result.offsets
    plain = result.figures["plain_usd"]
    assert one["saved_usd"] == pytest.approx(plain - im, rel=1e-9)
    assert len(result.curve) == len(BASES) * len(CORRELATIONS)
    assert result.figures["base_usd"] <= result.figures["stressed_usd"] <= plain


def test_faces(tmp_path: Path) -> None:
    result = netting(ROWS, "sample:market")
    assert json.loads(result.to_json())["pair"] == ["BTC", "ETH"]
    assert "offsets" in result.to_csv()
    assert "eaten" in repr(result)
    svg = result.plot(tmp_path / "curve.svg").read_text("utf-8")
    assert svg.startswith("<svg ")
    with pytest.raises(InputError, match="option_unknown"):
        result.plot(tmp_path / "curve.pdf")
    flat = netting("sample:market-maker", "sample:market")
    assert flat.curve == []
    assert flat.receipt.command.startswith("crossmargin netting sample:market-maker")
    with pytest.raises(InputError, match="no offset between two coins"):
        flat.plot(tmp_path / "none.svg")


def test_changes_are_taken() -> None:
    full = netting(ROWS, "sample:market", changes={"stress.tenths": 10})
    assert full.offsets[0]["saved_usd"] == pytest.approx(0.0, abs=1e-6)
    assert full.offsets[0]["eaten"] is None
