"""The command liquidate: a healthy account is left alone, a fallen one is taken apart."""

from __future__ import annotations

import json

import pytest

from crossmargin.interfaces.cli import main
from crossmargin.interfaces.liquidate_commands import liquidate

COMMAND = ["liquidate", "sample:retail-short-vol", "--market", "sample:market",
           "--model", "deribit-spm"]  # fmt: skip


def test_a_healthy_account_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(COMMAND) == 0
    out = capsys.readouterr().out
    assert "not liquidatable" in out and "crossmargin liquidate sample:retail" in out
    assert liquidate.__doc__


def test_the_venues_rounds_and_a_house(capsys: pytest.CaptureFixture[str]) -> None:
    fallen = [*COMMAND, "--spot", "-0.4"]
    assert main(fallen) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "deribit rounds" in out and "maintenance restored" in out
    assert "every coin is moved by -40 % first" in out
    assert main([*fallen, "--mechanics", "house", "--fund", "1000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mechanics"] == "house" and found["ended"] == "buffer restored"
    assert found["units"]["before"] == found["units"]["after"]
    assert found["before"]["counted_usd"] < found["before"]["mm_usd"]
    one = [*fallen, "--mechanics", "house", "--order", "pro_rata", "--json"]
    assert main(one) == 0
    assert json.loads(capsys.readouterr().out)["order"] == "pro_rata"


def test_the_last_resort_names_who_is_deleveraged(capsys: pytest.CaptureFixture[str]) -> None:
    gone = [*COMMAND, "--spot", "-0.6", "--mechanics", "house", "--winner", "rival=9000:4"]
    assert main([*gone, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    paid = {each["source"]: each["usd"] for each in found["covers"]}
    assert paid["deleveraged"] > 0.0 and "rival" in {each["name"] for each in found["covers"]}
    assert found["bad_debt_usd"] == pytest.approx(paid.get("unpaid", 0.0))


@pytest.mark.parametrize(
    "flags",
    [
        ["--mechanics", "own"],
        ["--order", "random", "--mechanics", "house"],
        ["--winner", "rival"],
        ["--winner", "rival=1:x"],
        ["--bid", "30"],
        ["--fund", "-1", "--mechanics", "house"],
        ["--lot", "BTC-PERPETUAL=0", "--mechanics", "house"],
        ["--json", "--csv"],
    ],
)
def test_what_is_wrong_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, *flags]) == 2
    assert capsys.readouterr().err
