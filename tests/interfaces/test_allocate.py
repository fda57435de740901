"""The verb allocate through its doors: a unified file, a book over models, a trade, a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces.whatif_legs import candidates_of


@pytest.fixture(scope="module")
def spread() -> xm.AllocateResult:
    """A seller's account over two rulebooks, without spread so that something moves."""
    return xm.allocate(
        "sample:retail-short-vol",
        "sample:market",
        ("deribit-sm", "deribit-xpm"),
        cash={"deribit-xpm": 200_000.0},
        days=365.0,
        at_mark=True,
        fee=0.0,
    )


def test_a_unified_file_is_cured() -> None:
    found = xm.allocate("sample:three-venues", buffers_usd={"perp": 20_000.0}, rate=0.0)
    assert found.figures["buffers_held"] and found.figures["feasible"]
    perp = next(each for each in found.figures["accounts"] if each["account"] == "perp")
    assert perp["room_before_usd"] < 20_000.0 <= perp["room_after_usd"] + 0.05
    assert found.intents.transfers
    assert all(each.amount > 0.0 for each in found.intents.transfers)


def test_a_book_is_spread_over_models(spread: xm.AllocateResult) -> None:
    figures = spread.figures
    assert figures["demand_after_usd"] <= figures["demand_before_usd"] + 0.01
    assert figures["freed_usd"] == pytest.approx(
        figures["demand_before_usd"] - figures["demand_after_usd"]
    )
    for each in figures["accounts"]:
        demand = each["equity_after_usd"] - each["room_after_usd"]
        assert each["demand_after_usd"] == pytest.approx(demand)
        assert each["buffer_held"]
    assert figures["worth_usd"] <= figures["bound_usd"] + 1.0


def test_the_intents_are_candidates_of_a_what_if(spread: xm.AllocateResult, tmp_path: Path) -> None:
    if not spread.intents.trades:
        pytest.fail("nothing moved: the case shows nothing")
    place = spread.write_intents(tmp_path / "plan.csv")
    groups = {each.name: each for each in candidates_of(place)}
    own = groups["deribit-sm"]
    found = xm.whatif(
        "sample:retail-short-vol", "sample:market", add=list(own.legs), model="deribit-sm", fee=0.0
    )
    account = next(a for a in spread.figures["accounts"] if a["account"] == "deribit-sm")
    room = found.figures["verdict"]["room_im_usd"]
    assert room == pytest.approx(account["room_after_usd"], rel=1e-6)
    whole = json.loads(spread.write_intents(tmp_path / "plan.json").read_text("utf-8"))
    assert whole["schema"] == "intents/1"


def test_every_face(spread: xm.AllocateResult, tmp_path: Path) -> None:
    text = repr(spread)
    assert "demanded before" in text and "buffer" in text
    assert json.loads(spread.to_json())["verb"] == "allocate"
    assert "accounts" in spread.to_csv()
    drawn = spread.plot(tmp_path / "plan.svg").read_text("utf-8")
    assert drawn.startswith("<svg") and "before" in drawn


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (("sample:retail-short-vol",), {}),
        (("sample:retail-short-vol", "sample:market"), {}),
        (("sample:three-venues",), {"models": ("deribit-xpm",)}),
        (("sample:three-venues",), {"buffers_usd": {"nobody": 1.0}}),
        (
            ("sample:retail-short-vol", "sample:market", ("deribit-xpm",)),
            {"cash": {"okx-pm": 1.0}},
        ),
        (("sample:three-venues",), {"add": "NO-SUCH-THING:1"}),
    ],
)
def test_what_cannot_be_asked(arguments: tuple[object, ...], more: dict[str, object]) -> None:
    with pytest.raises(xm.CrossMarginError):
        xm.allocate(*arguments, **more)  # type: ignore[arg-type] # wrong on purpose
