"""Figures of a what-if: every number of the answer, in one place."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.interfaces.whatif_figures import ranking_figures, verdict_text, whatif_figures
from crossmargin.margin.whatif_judge import Status, Verdict

CALL = "BTC-10JUL26-72000-C"


def test_figures_add_up(retail: str, market: str) -> None:
    found = xm.whatif(retail, market, "deribit-spm", [f"{CALL}:-1", "BTC-PERPETUAL:1000"])
    seen = found.prepared.seen(found.legs)
    figures = whatif_figures(found.prepared.core, found.found, "retail", *seen)
    legs = figures["legs"]
    assert figures["premium_usd"] == pytest.approx(sum(leg["premium_usd"] for leg in legs))
    assert figures["fees_usd"] == pytest.approx(sum(leg["fee_usd"] for leg in legs))
    assert figures["day_one_usd"] == pytest.approx(sum(leg["day_one_usd"] for leg in legs))
    pool = next(each for each in figures["pools"] if each["pool"] == "BTC")
    for side in ("before", "after"):
        total = figures[side]["im_usd"]
        assert pool[side]["im"] * pool["usd_per_unit"] == pytest.approx(total)
    assert pool["after"]["worst_scenario"]
    (greeks,) = figures["greeks"]
    change = greeks["delta_coins_after"] - greeks["delta_coins_before"]
    assert change < 0.0  # a call was sold
    assert figures["fees"]["fidelity"] == {"deribit": "stated"}


def test_the_ranking_names_its_candidates(retail: str, market: str) -> None:
    found = xm.whatif(retail, market, "deribit-spm", rank=[f"{CALL}:-1", f"{CALL}:1"])
    assert found.ranked is not None
    rows = ranking_figures(found.ranked, found.names)
    assert [row["candidate"] for row in rows] == [f"{CALL}:1", f"{CALL}:-1"]
    assert rows[0]["marginal_im_usd"] < rows[1]["marginal_im_usd"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(Status.PASSES, "", "account", "USD", 0.0, 0.0, 12.0, 13.0, 12.0), "12.00 USD"),
        (
            Verdict(Status.REDUCES, "initial margin", "BTC", "BTC", 0.5, 30_000.0, -1.0, 1.0, -1.0),
            "because it reduces risk: initial margin of BTC is short by 0.5 BTC (30,000.00 USD)",
        ),
        (
            Verdict(
                Status.FAILS, "maintenance margin", "account", "USD", 7.0, 7.0, -7.0, -7.0, -7.0
            ),
            "refuse it: maintenance margin is short by 7 USD",
        ),
        (
            Verdict(Status.UNKNOWN, "", "BTC", "BTC", 0.0, 0.0, -9.0, -8.0, -9.0, 9.0),
            "9.00 USD of BTC must be there before the trade",
        ),
    ],
)
def test_the_verdict_in_a_sentence(verdict: Verdict, words: str) -> None:
    assert words in verdict_text(verdict)
