"""The verb and the command rank."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main

BOOK, MARKET = "sample:market-maker", "sample:market"


def test_candidates_of_a_file_and_what_if_agree(tmp_path: Path) -> None:
    place = tmp_path / "c.csv"
    place.write_text(
        "instrument,size\nBTC-PERPETUAL,-5000\nBTC-PERPETUAL,5000\nETH-PERPETUAL,2000\n", "utf-8"
    )
    found = xm.rank(BOOK, MARKET, candidates=place, fit=1)
    rows = found.figures["candidates"]
    assert len(rows) == 3
    for row in rows:
        leg = found.legs[[*found.names].index(row["candidate"])][0]
        name = found.prepared.core.table.items[leg.column].native_id
        asked = xm.whatif(BOOK, MARKET, add=(name, leg.size))
        saved = asked.before.im_usd - asked.after.im_usd
        assert row["saved_im_usd"] == pytest.approx(saved, abs=1e-6)
    written = found.write_intents(tmp_path / "back.csv")
    again = xm.whatif(BOOK, MARKET, rank=written)
    assert len(again.ranking) == 3


def test_the_command_lists_the_first_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "r.svg"
    line = ["rank", BOOK, "--market", MARKET, "--fit", "1", "--plot", str(plot)]
    assert main([*line, "--top", "5"]) == 0
    shown = capsys.readouterr().out
    assert "saved per" in shown
    assert "the first 5 of" in shown
    assert plot.read_text("utf-8").startswith("<svg")
    assert main([*line[:6], "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    best = figures["candidates"][0]
    assert best["saved_im_usd"] > 0.0
    assert best["largest"] is not None or best["largest_unknown"]
    whole = [each["cost_whole"] for each in figures["candidates"]]
    assert all(whole[:20]), "those that are shown have the whole cost"
    assert not all(whole)


@pytest.mark.parametrize(
    "given",
    [
        {"share": 0.0},
        {"share": float("nan")},
        {"fit": -1},
        {"least_days": -1.0},
        {"least_days": float("inf")},
        {"days": -1.0},
        {"days": float("nan")},
    ],
)
def test_bad_numbers_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        xm.rank(BOOK, MARKET, **given)  # type: ignore[arg-type] # keywords of a table
    (name, value) = next(iter(given.items()))
    assert caught.value.place == "--" + name.replace("_", "-")
    assert caught.value.value == repr(value)


def test_a_saving_says_how_long_it_lasts() -> None:
    """By default nothing is opened that expires within the week; 0 days leaves nothing out."""
    found = xm.rank(BOOK, MARKET, fit=0)
    lasts = [row["lasts_days"] for row in found.figures["candidates"]]
    assert None in lasts  # a perpetual
    assert any("only closed" in note for note in found.document().notes)
    every = xm.rank(BOOK, MARKET, fit=0, least_days=0.0)
    assert len(every.figures["candidates"]) > len(lasts)
    first = min(row["lasts_days"] or 999.0 for row in every.figures["candidates"])
    assert 0.0 < first < 1.0


@pytest.mark.parametrize("model", ["span", "deribit-sm", "derive-pm2"])
def test_the_order_goes_by_what_becomes_free(model: str) -> None:
    """A premium that does not count against the margin is locked up: it is no saving."""
    book, market = "sample:retail-short-vol", "sample:market"
    found = xm.rank(book, market, model, fit=0)
    rows = found.figures["candidates"]
    free = found.figures["free_usd"]
    for row in (*rows[:3], *rows[-3:]):
        side, size, name = row["candidate"].split()
        told = xm.whatif(book, market, model, (name, float(size) * (1 if side == "buy" else -1)))
        before, after = (told.to_dict()[key] for key in ("before", "after"))
        assert row["free_after_usd"] == pytest.approx(
            after["counted_im_usd"] - after["im_usd"], abs=1e-6
        )
        cost = before["equity_usd"] - after["equity_usd"]
        assert row["freed_usd"] == pytest.approx(row["free_after_usd"] - free + cost, abs=1e-6)
    taken = [each for each in rows if each["passes"] and each["saved_per_cost"] is not None]
    assert taken[0]["freed_usd"] > 0.0
    text = str(found.summary())
    assert ("frees" in text) == (model != "derive-pm2")


@pytest.mark.parametrize("model", ["derive-pm2", "paradex-pm", "deribit-xpm"])
def test_the_first_stand_in_their_order(model: str) -> None:
    """Of a mapped book too, whose costs are those of its own venue."""
    rows = xm.rank("sample:retail-short-vol", "sample:market", model, fit=0).figures["candidates"]
    first = [each for each in rows if each["cost_whole"]][:20]
    per = [float("inf") if each["free"] else each["saved_per_cost"] for each in first]
    assert all(each["passes"] for each in first)
    assert per == sorted(per, reverse=True)
    rest = [each["saved_per_cost"] or 0.0 for each in rows[20:] if each["passes"]]
    assert max(rest) <= per[-1]
