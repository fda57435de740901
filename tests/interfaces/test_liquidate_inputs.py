"""The move before a liquidation, and the command that gives the same bits."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.liquidation_account import with_cash_rows
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.liquidate_inputs import command_text, moved_by
from crossmargin.margin.totals import account_totals

BOOK, MARKET = "sample:retail-short-vol", "sample:market"


def test_the_moved_account_is_the_one_of_the_liquidation_path() -> None:
    """Equity and requirement at the move are those that the path of `liquidation` has there."""
    made = xm.margin(BOOK, MARKET, "deribit-spm")
    asked = made.requirement
    wide = with_cash_rows(asked.book, False)
    view = made.snapshot.view(wide.instruments, asked.view.as_of_ms)
    path = xm.liquidation(BOOK, MARKET, "deribit-spm", "spot").found
    for number in (1500, 1700, 2300):
        factor = float(path.path.grid[number])
        moved, _, seen = moved_by(asked, wide, view, factor - 1.0)
        totals = account_totals(moved)
        assert totals.mm_usd[0] == pytest.approx(path.values.mm_usd[number], rel=1e-9)
        assert totals.equity_usd[0] == pytest.approx(path.values.equity_usd[number], rel=1e-9)
        option = seen.instruments.kind == Kind.OPTION
        here = seen.has_ask & option
        assert here.any()
        far = (view.ask - view.mark)[here]
        assert np.allclose((seen.ask - seen.mark)[here], far, rtol=0.0, atol=1e-12)
        future = seen.has_bid & ~option
        assert np.allclose((seen.bid / factor)[future], view.bid[future], rtol=1e-3)
        assert (seen.bid[seen.has_bid] > 0.0).all() and not (seen.has_bid & ~view.has_bid).any()


@pytest.mark.parametrize("spot", [-1.0, 19.0, float("nan"), float("inf")])
def test_a_move_out_of_bounds_is_refused(spot: float) -> None:
    with pytest.raises(InputError) as wrong:
        xm.liquidate(BOOK, MARKET, "deribit-spm", spot=spot)
    assert wrong.value.code == "number_out_of_range"


def test_no_move_is_the_market_itself_and_a_path_takes_none() -> None:
    still = xm.liquidate(BOOK, MARKET, "deribit-spm", spot=0.0).figures
    plain = xm.liquidate(BOOK, MARKET, "deribit-spm").figures
    assert still["before"]["mm_usd"] == plain["before"]["mm_usd"]
    assert still["before"]["equity_usd"] == pytest.approx(plain["before"]["equity_usd"], rel=1e-12)
    first = xm.read_market(xm.sample.market_path())
    later = type(first).of([first.row(k) for k in range(len(first))], first.as_of_ms + 60_000)
    with pytest.raises(CrossMarginError) as wrong:
        xm.liquidate(BOOK, [first, later], "deribit-spm", spot=-0.1)
    assert wrong.value.code == "option_unknown"


def test_the_receipt_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = xm.liquidate(
        BOOK, MARKET, "deribit-spm", mechanics="house", spot=-0.45, fund_usd=250.0, buffer=0.2,
        terms={"cost.penalty_share": 0.01}, winners={"them": (5_000.0, 3.0)},
    )  # fmt: skip
    program, *command = shlex.split(found.figures["receipt"]["command"])
    assert program == "crossmargin" and command[0] == "liquidate"
    assert main([*command, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["steps"] == json.loads(found.to_json())["steps"]
    assert again["purses"] == json.loads(found.to_json())["purses"]


def test_what_came_from_no_file_has_no_command() -> None:
    assert command_text(([{"a": 1}], "m"), {}, {}, None) == ""
    text = command_text(("b c.csv", ["m1", "m2"]), {"--x": 1.5, "--no": None, "--on": True}, {},
                        {"p.q": 2})  # fmt: skip
    assert text == (
        "crossmargin liquidate 'b c.csv' --market m1 --market m2 --x 1.5 --on --set p.q=2"
    )
