"""Figures are the numbers of the finder; notes say what a reader must know."""

from __future__ import annotations

import pytest

from crossmargin.decisions.protection import Ask
from crossmargin.decisions.strategies import Score
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.protect_figures import candidate_figures, notes_of, score_figures
from tests.decisions.protect_case import answer


def test_a_candidate_as_plain_values() -> None:
    found = answer()
    for each in found.candidates:
        made = checked(candidate_figures(each, found))
        assert made["holds"] is each.holds
        whole = made["loss_usd"] + made["least_usd"]
        assert whole == pytest.approx(found.field.book.equity_usd, rel=1e-12)
        assert made["horizon_cost_usd"] == (
            made["cost_usd"] + made["roll_usd"] - made["resale_usd"]
        )
        assert (made["expiry"] is None) is (made["strategy"] == "perp short")
        assert made["loss_above_floor_usd"] > 0.0


def test_never_liquidated_is_no_price() -> None:
    made = score_figures(Score("x", 0.0, 0.0, 1.0, 1.0, None, 0.0, 0.0, liquidation_price=0.0))
    assert made["liquidation_price_usd"] is None
    assert made["gap_history_fraction"] is None


def test_notes_follow_the_answer() -> None:
    words = " ".join(notes_of(answer(), ("a loss",)))
    for part in ("-0.70", "rolled", "funding", "spreads need hold", "call", "a loss"):
        assert part in words
    both = " ".join(notes_of(answer("sample:retail-short-vol", Ask("BTC", 0.7)), ()))
    assert "above" in both
    assert "cheapest mix buys calls" in both
    none = " ".join(notes_of(answer(ask=Ask("BTC", 0.8, unit="coin")), ()))
    assert "holds at every price without a hedge" in none


def test_where_no_bought_mix_holds_the_highest_floor_is_told() -> None:
    high = Ask("BTC", floor_price=90_000.0, days=14.0, families=("put", "cheapest mix"))
    found = answer(ask=high)
    assert found.without == ("put", "cheapest mix")
    assert found.reach is not None
    level, _ = found.reach
    assert 0.98 < level / found.field.book.equity_usd < 1.1
    assert "the highest floor that bought options hold" in " ".join(notes_of(found, ()))
    lower = Ask("BTC", 0.9, days=14.0, families=("cheapest mix",))
    assert answer(ask=lower).candidates
    assert answer(ask=lower).reach is None
