"""The command netting: screen, JSON, CSV, drawing, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

BOOK = """type,account,venue,instrument,quantity,entry_price
balance,desk,deribit,USDC,400000,
position,desk,deribit,BTC_USDC-PERPETUAL,20,64000
position,desk,deribit,ETH_USDC-PERPETUAL,-600,2000
"""


def test_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book, picture = tmp_path / "book.csv", tmp_path / "curve.svg"
    book.write_text(BOOK, "utf-8")
    command = ["netting", str(book), "--market", "sample:market"]
    assert main([*command, "--plot", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert "Offsets and the break that eats each" in shown
    assert "crossmargin netting" in shown
    assert picture.read_text("utf-8").startswith("<svg ")
    assert main([*command, "--json", "--set", "stress.tenths=10"]) == 0
    assert json.loads(capsys.readouterr().out)["offsets"][0]["eaten"] is None
    assert main([*command, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,")


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["netting", "sample:market-maker", "--market", "sample:market"]
    assert main([*command, "--plot", "x.svg"]) == 2
    assert main([*command, "--json", "--csv"]) == 2
    assert "option_unknown" in capsys.readouterr().err
