"""Intents are rows of a what-if, and refuse what says nothing."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions import Intents, Trade, Transfer
from crossmargin.interfaces.whatif_legs import candidates_of, wanted

TRADES = (
    Trade("BTC-27MAR26-100000-C", -3.0, 0.0125, cost_usd=12.5, reason="sells the rich leg"),
    Trade("BTC-PERPETUAL", 1000.0, reduce_only=True, venue="deribit", cost_usd=0.5),
)


def test_rows_are_read_back_as_one_candidate(tmp_path: Path) -> None:
    rows = Intents(TRADES).rows("hedge")
    path = tmp_path / "intents.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (only,) = candidates_of(path)
    assert only.name == "hedge"
    assert [(leg.name, leg.size, leg.price, leg.reduce_only) for leg in only.legs] == [
        ("BTC-27MAR26-100000-C", -3.0, 0.0125, False),
        ("deribit|BTC-PERPETUAL", 1000.0, None, True),
    ]


def test_a_leg_is_the_text_of_the_command_line() -> None:
    for trade, leg in zip(TRADES, Intents(TRADES).legs(), strict=True):
        read = wanted(leg)
        assert (read.size, read.price) == (trade.size, trade.price)


def test_costs_add_up_and_nothing_is_nothing() -> None:
    moved = Transfer("deribit/main", "derive/7", "USDC", 1000.0, cost_usd=2.0, seconds=900.0)
    both = Intents(TRADES, (moved,))
    assert both.cost_usd == 15.0
    assert len(both) == 3
    assert [each["amount"] for each in both.to_dict()["transfers"]] == [1000.0]
    assert Intents().cost_usd == 0.0
    assert Intents().to_dict() == {"trades": [], "transfers": []}


@pytest.mark.parametrize(
    ("size", "code"), [(0.0, "number_out_of_range"), (math.nan, "number_not_finite")]
)
def test_a_trade_of_nothing_is_refused(size: float, code: str) -> None:
    with pytest.raises(InputError) as refused:
        Trade("BTC-PERPETUAL", size)
    assert refused.value.code == code


@pytest.mark.parametrize(("amount", "seconds"), [(-1.0, 0.0), (1.0, -1.0), (math.inf, 0.0)])
def test_a_transfer_backwards_is_refused(amount: float, seconds: float) -> None:
    with pytest.raises(InputError):
        Transfer("a", "b", "USDC", amount, seconds=seconds)
