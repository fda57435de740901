"""The command line says what the function says, in text, JSON and CSV."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces.cli import main

CALL, PUT = "BTC-10JUL26-72000-C", "BTC-10JUL26-59000-P"
ARGUMENTS = ["whatif", "sample:retail-short-vol", "--market", "sample:market", "--model",
             "deribit-spm", "--add", f"{CALL}:-1@0.0045", "--add", f"{PUT}:-2"]  # fmt: skip


def said(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsysbinary.readouterr().out.decode()


@pytest.mark.parametrize("flag", ["--atomic", "--legged"])
def test_command_function_and_json_agree(
    capsysbinary: pytest.CaptureFixture[bytes], flag: str
) -> None:
    legs = [f"{CALL}:-1@0.0045", f"{PUT}:-2"]
    found = xm.whatif(
        "sample:retail-short-vol", "sample:market", "deribit-spm", legs, atomic=flag == "--atomic"
    )
    told = json.loads(said(capsysbinary, *ARGUMENTS, flag, "--json"))
    assert told == json.loads(found.to_json())
    assert said(capsysbinary, *ARGUMENTS, flag, "--csv") == found.to_csv()
    text = said(capsysbinary, *ARGUMENTS, flag)
    assert found.figures["verdict"]["text"] in " ".join(text.split())
    assert f"{found.after.im_usd:,.0f}" in text


def test_the_command_of_the_receipt_gives_the_same_bits(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"candidate,instrument,size\nx,{CALL},-1\nx,{PUT},-1\ny,{CALL},1\n", "utf-8")
    for more in ([], ["--legged"], ["--size-to-fit", "--lot", "0.5"], ["--rank", str(path)],
                 ["--fee", "0.001", "--set", "general.mm_factor=0.9"]):  # fmt: skip
        first = json.loads(said(capsysbinary, *ARGUMENTS, *more, "--json"))
        command = shlex.split(first["receipt"]["command"])[1:]
        assert json.loads(said(capsysbinary, *command, "--json")) == first


@pytest.mark.parametrize(
    ("leg", "code"),
    [
        (CALL, "order_invalid"),
        (f"{CALL}:0", "order_invalid"),
        (f"{CALL}:-1@0", "order_invalid"),
        (f"{CALL}:--1", "number_unreadable"),
        ("NOPE:1", "instrument_unknown"),
        ("BTC-26JUN26-72000-C:1", "instrument_expired"),
    ],
)
def test_bad_legs_are_one_line_and_status_two(
    capsys: pytest.CaptureFixture[str], leg: str, code: str
) -> None:
    assert main([*ARGUMENTS[:6], "--add", leg]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"crossmargin: {code}: ") and err.count("\n") == 1


def test_watch_on_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, market: str
) -> None:
    (tmp_path / "one.parquet").write_bytes(Path(market).read_bytes())
    line = ["watch", "sample:retail-short-vol", "--market", str(tmp_path), "--model", "deribit-spm"]
    assert main([*line, "--once"]) == 0
    text = capsys.readouterr().out
    margin = xm.margin("sample:retail-short-vol", "sample:market", "deribit-spm")
    assert text.count("\n") == 1 and f"IM {margin.im_usd:,.0f}" in text
    assert "to liquidation" in text
    assert main([*line, "--count", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["im_usd"] == margin.im_usd
    assert main([*line, "--once", "--csv"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=False))["im_usd"] == repr(margin.im_usd)
    (tmp_path / "two.parquet").write_bytes(b"PAR1")
    assert main([*line, "--once"]) == 2
    assert "no number" in capsys.readouterr().out
