"""Intents as files: a what-if reads the CSV back, the JSON holds everything, else it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions import Intents, Trade, Transfer
from crossmargin.interfaces.intents_file import intents_line, write_intents, written_line
from crossmargin.interfaces.whatif_legs import candidates_of

TRADES = Intents((Trade("BTC-PERPETUAL", -1000.0, 90_000.0, account="a", cost_usd=1.0),))
MOVED = Intents((), (Transfer("a", "b", "USDC", 5.0),))


def test_the_csv_is_a_file_of_candidates(tmp_path: Path) -> None:
    place = write_intents(tmp_path / "all.csv", {"hedge": TRADES, "cure": MOVED})
    (only,) = candidates_of(place)
    assert only.name == "hedge"
    assert [(leg.name, leg.size, leg.price) for leg in only.legs] == [
        ("BTC-PERPETUAL", -1000.0, 90_000.0)
    ]


def test_the_json_holds_transfers_too(tmp_path: Path) -> None:
    place = write_intents(tmp_path / "all.json", {"hedge": TRADES, "cure": MOVED})
    content = json.loads(place.read_text("utf-8"))
    assert content["schema"] == "intents/1"
    assert [each["candidate"] for each in content["groups"]] == ["hedge", "cure"]
    assert content["groups"][0]["trades"][0]["cost_usd"] == 1.0
    assert content["groups"][1]["transfers"][0]["amount"] == 5.0


def test_no_trade_is_a_header_alone(tmp_path: Path) -> None:
    place = write_intents(tmp_path / "none.csv", {"nothing": Intents()})
    assert place.read_text("utf-8") == "candidate,instrument,side,size,price,reduce_only\n"


@pytest.mark.parametrize(
    ("name", "groups", "code"),
    [
        ("all.txt", {"hedge": TRADES}, "option_unknown"),
        ("all.csv", {"cure": MOVED}, "option_unknown"),
        ("no/such/folder.csv", {"hedge": TRADES}, "file_unreadable"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, name: str, groups: dict[str, Intents], code: str
) -> None:
    with pytest.raises(InputError) as told:
        write_intents(tmp_path / name, groups)
    assert told.value.code == code


def test_what_is_said_of_a_file_that_was_written() -> None:
    assert intents_line("a.csv", 3) == "written: a.csv (3 intents)"
    assert written_line("a.svg") == "written: a.svg"
    assert written_line("a.json", "2 rows") == "written: a.json (2 rows)"
    assert intents_line("a.csv", 1) == "written: a.csv (1 intent)"
    assert "it is empty, and whatif --rank refuses it" in intents_line("a.csv", 0)
