"""Every command of accounts draws the three kinds of file, by one helper."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.plots import ENDINGS, standalone, write_plot
from crossmargin.interfaces.report_svg import picture, text
from crossmargin.interfaces.tables import Column, Document, Table

RETAIL = ["sample:retail-short-vol", "--market", "sample:market"]
MAKER = ["sample:market-maker", "--market", "sample:market"]
COMMANDS = {
    "account": (["account", *RETAIL, "--model", "fixed-rate"], "maintenance margin"),
    "exit": (["exit", *RETAIL, "--model", "deribit-spm"], "days over which"),
    "collateral": (["collateral", *MAKER], "average haircut"),
    "liquidation": (["liquidation", *RETAIL, "--model", "fixed-rate"], "liquidated below"),
    "unified": (["unified", "sample:three-venues"], "economic net, no claim"),
    "margin": (["margin", *RETAIL, "--model", "deribit-xpm"], "maintenance margin"),
    "dynamic": (["margin", *RETAIL, "--model", "dynamic:house-example"], "maintenance margin"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_draws_each_kind(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, words = COMMANDS[name]
    one = (".svg",) if name in ("margin", "dynamic") else (".svg", ".png")  # they search long
    kinds = ENDINGS if name in ("exit", "collateral") else one
    for ending in kinds:
        place = tmp_path / f"plot{ending}"
        assert main([*command, "--plot", str(place)]) == 0
        content = place.read_bytes()
        if ending == ".png":
            assert content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) > 20_000
            continue
        drawn = content.decode()
        assert words in drawn and not re.search(r"\bnan\b|\binf\b", drawn)
        if ending == ".svg":
            ElementTree.fromstring(drawn)
        else:
            assert drawn.count("<svg") == 2 and "<script" not in drawn and "<table" in drawn
    capsys.readouterr()


def test_calibrate_draws_the_ranges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["calibrate", "house-example", "--market", "sample:market"]
    for ending in ENDINGS:
        place = tmp_path / f"plot{ending}"
        assert main([*command, "-o", str(tmp_path / "next.toml"), "--plot", str(place)]) == 0
        assert place.stat().st_size > 10_000
    drawn = (tmp_path / "plot.svg").read_text("utf-8")
    assert "BTC: range" in drawn and "ETH: wanted" in drawn and drawn.count("<circle") == 4
    capsys.readouterr()


def test_another_ending_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    def draw(width: float) -> str:
        return picture(width, 20.0, "nothing", [text(1, 12, "nothing")])

    def shown() -> Document:
        return Document("nothing", (), (), ())

    for name, code in (("plot.pdf", "option_unknown"), ("plot", "option_unknown"),
                       ("no/plot.svg", "file_unreadable")):  # fmt: skip
        with pytest.raises(InputError) as wrong:
            write_plot(tmp_path / name, draw, shown, "Nothing")
        assert wrong.value.code == code
    assert standalone(standalone(draw(10.0))).count("xmlns") == 1
    assert write_plot(tmp_path / "PLOT.SVG", draw, shown, "Nothing").exists()


def test_a_page_has_no_section_for_what_stands_in_csv_alone(tmp_path: Path) -> None:
    machine = Table("missing", "", (Column("a", "a", "machine"),), (("x",),))
    place = tmp_path / "page.html"
    write_plot(
        place,
        lambda width: picture(width, 20.0, "label", [text(1.0, 1.0, "words", 12)]),
        lambda: Document("title", (), (machine,)),
        "heading",
    )
    assert "Missing" not in place.read_text(encoding="utf-8")
