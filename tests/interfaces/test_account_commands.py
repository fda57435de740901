from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.account_commands import account, collateral
from crossmargin.interfaces.cli import main

BOOK = ["sample:retail-short-vol", "--market", "sample:market"]
TREASURY = """type,account,venue,instrument,quantity,entry_price,time
balance,treasury,deribit,WSTETH,2500,,2026-07-03T06:00:00Z
balance,treasury,deribit,USDC,1500000,,2026-07-03T06:00:00Z
balance,treasury,deribit,USDT,-3000000,,2026-07-03T06:00:00Z
"""


def test_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["account", *BOOK, "--buffer", "0.1", "--exit-cost", "500", "--ladder", "house"]) == 0
    )
    out = capsys.readouterr().out
    assert "account retail under deribit-xpm: ok" in out
    assert "ladder of house" in " ".join(out.split())
    assert main(["account", *BOOK, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ok"
    assert main(["account", *BOOK, "--json", "--csv"]) == 2
    assert account.__doc__


def test_collateral(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    book = tmp_path / "treasury.csv"
    book.write_text(TREASURY, "utf-8")
    command = ["collateral", str(book), "--market", "sample:market"]
    assert main(command) == 2
    assert "WSTETH" in capsys.readouterr().err
    prices = ["--price", "WSTETH.venue=1600", "--price", "WSTETH.cross=2430"]
    assert main([*command, *prices, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [v["value"] for v in found["values"]] == ["venue", "cross", "redemption"]
    assert main([*command, "--price", "WSTETH.oracle=1"]) == 2
    assert main([*command, *prices, "--threshold", "0"]) == 2
    assert collateral.__doc__


def test_a_schedule_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from crossmargin.accounts.collateral_schedule import FOLDER
    from crossmargin.margin.parameter_files import load
    from crossmargin.margin.parameter_text import parameter_text

    file = tmp_path / "mine.toml"
    file.write_text(parameter_text(load(FOLDER, 1_783_000_000_000), "mine"), "utf-8")
    assert main(["collateral", *BOOK, "--schedule", str(file), "--model", "deribit-xpm"]) == 0
    assert "collateral/mine" in capsys.readouterr().out
    assert main(["collateral", *BOOK, "--schedule", str(tmp_path / "none.toml")]) == 2
