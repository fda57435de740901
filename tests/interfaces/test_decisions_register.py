"""Every model of the register under the decisions: an answer that a what-if confirms, or margin's
own refusal. A new member is tried by itself."""

from __future__ import annotations

from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.margin.register import ALL_MODELS

MARKET = snapshot_of("sample:market")  # read once
OPTIONS = ("BTC-28AUG26-60000-P", "BTC-28AUG26-70000-C", "BTC-28AUG26-50000-P")
BOOKS = {
    "options": {OPTIONS[0]: -5.0, OPTIONS[1]: -5.0, OPTIONS[2]: 3.0, "USDC": 300_000.0},
    "perpetuals": {"BTC-PERPETUAL": -50_000.0, "ETH-PERPETUAL": 30_000.0, "USDC": 200_000.0},
    "mixed": {OPTIONS[0]: -5.0, "BTC-PERPETUAL": 40_000.0, "USDC": 200_000.0, "BTC": 1.0},
}
CANDIDATES = {
    "options": (*OPTIONS, "BTC-28AUG26-80000-C", "BTC-25SEP26-60000-P", "BTC-25SEP26-75000-C"),
    "perpetuals": ("BTC-PERPETUAL", "ETH-PERPETUAL"),
    "mixed": (*OPTIONS, "BTC-PERPETUAL", "BTC-25SEP26-60000-P"),
}
NAMES = [model.spec.name for model in ALL_MODELS]


def rows(name: str) -> list[dict[str, Any]]:
    return [
        {"account": "a", "venue": "deribit", "instrument": instrument, "quantity": size}
        for instrument, size in BOOKS[name].items()
    ]


def free_usd(state: dict[str, float]) -> float:
    return state["counted_im_usd"] - state["im_usd"]


def refusal(book: list[dict[str, Any]], model: str) -> str:
    """The code with which the model refuses the book; empty where it takes it."""
    try:
        found = xm.margin(book, MARKET, model)
    except CrossMarginError as refused:
        return refused.code
    failures = found.to_dict()["failures"]
    return failures[0]["code"] if failures else ""


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.parametrize("kind", list(BOOKS))
def test_an_answer_that_the_what_if_confirms_or_the_refusal_of_margin(
    kind: str, model: str
) -> None:
    book = rows(kind)
    given: dict[str, Any] = {"candidates": CANDIDATES[kind], "fee": 0.0003}
    code = refusal(book, model)
    if code:
        for verb in (xm.optimise, xm.rank, xm.attribute):
            with pytest.raises(CrossMarginError) as refused:
                verb(book, MARKET, model)
            assert refused.value.code == code, verb.__name__
        return
    found = xm.optimise(book, MARKET, model, funding=0.5, days=60.0, **given)
    figures = found.figures
    assert found.terms.price * found.saved_usd >= figures["cost_usd"] - 1e-6
    if found.intents.trades:
        told = xm.whatif(book, MARKET, model, found.intents, fee=0.0003).to_dict()
        before, after = told["before"], told["after"]
        cost = before["equity_usd"] - after["equity_usd"]
        assert found.saved_usd == pytest.approx(
            free_usd(after) - free_usd(before) + cost, rel=1e-6, abs=0.02
        )
    called = xm.optimise(book, MARKET, model, objective="call", **given).figures
    assert free_usd(called["after"]) >= min(free_usd(called["before"]), 0.0) - 1e-6
    shares = xm.attribute(book, MARKET, model, by="leg").figures
    for rule, fixed in (("euler", shares["euler_fixed"]), ("shapley", 0.0)):
        total = sum(each[rule] for each in shares["groups"]) + fixed
        assert total == pytest.approx(shares["positions"], rel=1e-9, abs=0.02), rule
