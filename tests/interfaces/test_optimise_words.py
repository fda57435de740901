"""What optimise says in words: the rule that threw a saving away, and charges by their own name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.decisions.margin_choice import Desired
from crossmargin.decisions.margin_lots import OneLot
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.optimise_words import _title, bindings_of, lot_words

MARKET, RETAIL = "sample:market", "sample:retail-short-vol"


@pytest.fixture(scope="module")
def coarse() -> xm.OptimiseResult:
    return xm.optimise(RETAIL, MARKET)


def test_what_one_lot_breaks_is_named_and_true(coarse: xm.OptimiseResult) -> None:
    first = coarse.figures["rounds"][0]
    why = coarse.figures["nothing_because"]
    assert coarse.trades == ()
    assert f"{first['saved_exactly_usd']:,.2f} USD of margin" in why
    assert "one lot of " in why


def test_of_the_lots_the_rule_is_told() -> None:
    """The reasons are made of one lot, as margin_lots finds it."""
    one = OneLot("PUT", 0.03, 0.1, 300.0, 0.5, 1.5, "delta of BTC", "BTC", 0.05, 0.01)
    assert "moves delta of BTC by 0.05 BTC where 0.01 are allowed (--delta)" in lot_words(
        one, 0.006
    )
    worse = replace(one, rule="P&L of BTC at +30 %", unit="USD", moved=-420.0, allowed=-100.0)
    assert "by -420 USD where 100 are allowed (--worse" in lot_words(worse, 0.006)
    dear = replace(one, worth_usd=-0.3, cost_usd=2.1)
    over = replace(one, worth_usd=-0.3, saved_usd=-13.8)
    assert "raises the margin by 13.80 USD" in lot_words(over, 0.006)
    assert "saves 300.00 USD, worth 1.80 USD by --days and --funding, for 2.10" in lot_words(
        dear, 0.006
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"funding": 0.0}, "100 USD of margin are worth 0.00 USD (--days 30 at --funding 0 %"),
        ({"objective": "call"}, "USD are free, no less than the 0 USD asked for (--buffer)"),
        ({"objective": "call", "buffer_usd": 9_000.0}, "no less than the 9,000 USD asked for"),
    ],
)
def test_other_reasons_for_nothing(given: dict[str, object], told: str) -> None:
    few = Desired(kept=10, least_days=30.0)
    found = xm.optimise(RETAIL, MARKET, desired=few, **given)  # type: ignore[arg-type] # keywords of a table
    assert found.trades == ()
    assert told in found.figures["nothing_because"]
    assert "nothing to do: " in " ".join(found.document().lines)


def test_an_empty_file_of_intents_is_told_at_writing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "none.csv"
    place.write_text("an older answer")
    assert main(["optimise", RETAIL, "--market", MARKET, "--intents", str(place)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "(no intents: it is empty, and whatif --rank refuses it)" in text
    assert place.read_text().count("\n") == 1, "the older answer is gone"
    with pytest.raises(InputError):
        xm.whatif(RETAIL, MARKET, rank=place)


def test_charges_have_names_of_the_field_and_no_zeros(coarse: xm.OptimiseResult) -> None:
    rows = bindings_of(coarse)
    assert rows[0]["title"] == "worst scenario"
    assert rows[0]["binds"] == rows[0]["scenario"]
    rolls = {each["of"]: each for each in rows if each["title"] == "roll shock"}
    assert "BTC-PERPETUAL" in rolls
    assert "BTC 2026-07-17" in rolls
    (table,) = [each for each in coarse.document().tables if each.name == "bindings"]
    assert not any("_" in str(cell) for row in table.rows for cell in row)
    assert all(row[3] != 0.0 for row in table.rows)


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ("worst_case", "worst scenario"),
        ("roll_shock 12", "roll shock"),
        ("mr4 3", "basis risk (MR4)"),
        ("basis 2", "basis"),
        ("a_charge_of_ours", "a charge of ours"),
    ],
)
def test_titles(term: str, title: str) -> None:
    assert _title(term) == title
