from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main
from crossmargin.interfaces.probe_commands import MOST
from crossmargin.margin.probing import PROBES_MAX
from crossmargin.sample import market_path
from crossmargin.venues.market_import import read_market
from tests.interfaces.synthetic_venue import answer


def test_probe_then_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "probes.json", tmp_path / "fit.toml"
    arguments = ["probe", "deribit", "--market", "sample:market", "-o", str(file)]
    assert main(arguments) == 0
    assert "part 2016" in " ".join(capsys.readouterr().out.split())
    content = json.loads(file.read_text("utf-8"))
    snapshot = read_market(str(market_path()))
    chosen = {"reading.vol_shock": "additive"}
    for each in content["probes"]:
        each.update(answer(snapshot, each["positions"], chosen, "BTC"))
    file.write_text(json.dumps(content), "utf-8")
    assert main(["verify", "deribit", "--fit", str(file), "-o", str(out)]) == 0
    assert "additive" in capsys.readouterr().out
    book = ["margin", "sample:retail-short-vol", "--market", "sample:market"]
    assert main([*book, "--model", "deribit-spm", "--params", str(out)]) == 0
    for each in content["probes"]:
        each.update(answer(snapshot, each["positions"], {"general.mm_factor": 0.7}, "BTC"))
    file.write_text(json.dumps(content), "utf-8")
    assert main(["verify", "deribit", "--fit", str(file)]) == 1
    assert "none fits" in capsys.readouterr().out


def test_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (["verify", "deribit"], ["verify", "deribit", "a.json", "--fit", "b.json"])
    for arguments in (*wrong, ["verify", "deribit", "a.json", "-o", "c.toml"]):
        assert main(arguments) == 2
        assert "option_unknown" in capsys.readouterr().err


def test_the_default_is_what_is_allowed() -> None:
    assert MOST == PROBES_MAX
