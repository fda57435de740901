"""Receipts: the same inputs give the same receipt and bytes, another input another hash."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces import receipt
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.results import MarginResult


def test_again_gives_the_same_receipt_and_the_same_bytes(
    margined: MarginResult, retail: str, market: str
) -> None:
    again = xm.margin(retail, market, "deribit-spm", readings=True)
    assert again.receipt.to_dict() == margined.receipt.to_dict()
    assert again.statement() == margined.statement()
    assert again.explain().statement() == margined.explain().statement()


def test_threads_change_no_bit(margined: MarginResult, retail: str, market: str) -> None:
    again = xm.margin(retail, market, "deribit-spm", readings=True, threads=2)
    assert again.statement() == margined.statement()


@pytest.mark.parametrize(
    "options",
    [
        {"model": "deribit-xpm"},
        {"model": "deribit-spm", "readings": True},
        {"model": "derive-pm2", "changes": {"market.BTC.im_factor": 1.25}},
        {"model": "deribit-spm", "params": "2024-06-17", "as_of": "2026-07-03T07:00:00Z"},
        {"model": "deribit-spm", "params": {"reading.vol_shock": "additive"}},
        {"model": "paradex-pm", "account": "retail"},
    ],
    ids=lambda options: " ".join(map(str, options.values())),
)
def test_the_command_of_a_receipt_gives_the_same_bytes(
    options: dict[str, object], retail: str, market: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    result = xm.margin(retail, market, **options)  # type: ignore[arg-type] # options of the verb
    program, *arguments = shlex.split(result.receipt.command)
    assert program == "crossmargin"
    assert main([*arguments, "--json"]) == 0
    printed = capsysbinary.readouterr().out
    assert printed == result.statement()
    assert json.loads(printed)["receipt"] == json.loads(result.statement())["receipt"]


def test_each_input_has_its_hash(margined: MarginResult, retail: str, market: str) -> None:
    base = margined.receipt.to_dict()
    other = xm.margin(retail, market, "deribit-spm", changes={"general.mm_factor": 0.7})
    changed = other.receipt.to_dict()
    assert changed["parameters_sha256"] != base["parameters_sha256"]
    assert changed["parameter_changes"] == {"general.mm_factor": 0.7}
    assert changed["book_sha256"] == base["book_sha256"]
    rows = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": -10.0}]
    small = xm.margin(rows, market, "deribit-spm").receipt.to_dict()
    assert small["book_sha256"] != base["book_sha256"]
    assert small["snapshot_sha256"] == base["snapshot_sha256"]
    assert small["command"] == ""


def test_the_statement_can_be_margined_again(
    margined: MarginResult, market: str, tmp_path: Path
) -> None:
    path = tmp_path / "statement.json"
    path.write_bytes(margined.statement())
    again = xm.margin(path, market, "deribit-spm", readings=True)
    assert again.receipt.book == margined.receipt.book
    assert again.to_dict() == margined.to_dict()


def test_the_build_hash_is_of_sources_and_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "crossmargin"
    source = Path(xm.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(receipt.resources, "files", lambda name: package)
    original = receipt.build_sha256.__wrapped__()
    assert original == receipt.build_sha256.__wrapped__()
    for change in ("margin/run.py", "margin/parameters/deribit-sm/2024-06-17.toml"):
        path = package / change
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        assert receipt.build_sha256.__wrapped__() != original
        path.write_bytes(before)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.py").write_text("x")
    assert receipt.build_sha256.__wrapped__() == original
