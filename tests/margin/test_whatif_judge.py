"""The four verdicts, by pool and on the account's total."""

from __future__ import annotations

import pytest

from crossmargin.margin.whatif_judge import Status
from tests.margin.sample_before_trades import CALL, OTHER, SWAP, bare, leg, ready

MODELS = ("deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "paradex-pm", "fixed-rate")
EVERY = pytest.mark.parametrize("model", MODELS)


@EVERY
def test_the_four_verdicts(model: str) -> None:
    rich = ready(model, bare((CALL, -1.0), ("BTC", 5.0)))
    assert rich.whatif([leg(rich, CALL, -1.0, 0.01)]).verdict.status is Status.PASSES
    poor = ready(model, bare((CALL, -10.0), ("BTC", 0.3)))
    before = poor.before
    assert before.counted_im_usd < before.im_usd
    back = poor.whatif([leg(poor, CALL, 5.0)]).verdict
    assert back.status is Status.REDUCES
    assert back.short_by > 0.0 and back.check == "initial margin"
    more = poor.whatif([leg(poor, CALL, -1.0, 0.001)]).verdict
    assert more.status is Status.FAILS
    assert more.short_by_usd > back.short_by_usd
    silent = ready(model, bare((CALL, -1.0)))
    unknown = silent.whatif([leg(silent, CALL, -1.0, 0.01)])
    assert unknown.verdict.status is Status.UNKNOWN
    needed = unknown.verdict.cash_needed_usd
    assert needed is not None and needed > 0.0


@EVERY
def test_the_shortfall_is_the_cash_that_is_missing(model: str) -> None:
    """With as much more cash it passes, with a little less it fails."""
    name = "BTC"
    poor = ready(model, bare((CALL, -10.0), (name, 0.3)), fee=0.0)
    verdict = poor.whatif([leg(poor, CALL, -1.0, 0.002)]).verdict
    rate = poor.base.view.usd[poor.base.view.instruments.names.index("BTC")] if model in (
        "deribit-spm", "deribit-sm", "fixed-rate", "deribit-xpm"
    ) else 68_412.57  # fmt: skip
    coins = verdict.short_by_usd / float(rate)
    if model == "deribit-xpm":
        return  # the balance itself is at risk: more of it is needed than is missing
    for share, status in ((1.001, Status.PASSES), (0.999, Status.FAILS)):
        book = bare((CALL, -10.0), (name, 0.3 + coins * share))
        again = ready(model, book, fee=0.0)
        assert again.whatif([leg(again, CALL, -1.0, 0.002)]).verdict.status is status


@EVERY
def test_the_cash_needed_is_what_lets_it_pass(model: str) -> None:
    """An account without balances: with the cash that is named it passes, with less it fails."""
    if model == "deribit-xpm":
        return  # the balance itself is at risk
    silent = ready(model, bare((CALL, -1.0)))
    trade = ("BTC-31JUL26-80000-C", -2.0, 0.01)
    needed = silent.whatif([leg(silent, *trade)]).verdict.cash_needed_usd
    assert needed is not None
    for share, status in ((1.001, Status.PASSES), (0.999, Status.FAILS)):
        again = ready(model, bare((CALL, -1.0), ("BTC", needed * share / 68_412.57)))
        found = again.whatif([leg(again, *trade)]).verdict
        assert found.status is status, found


def test_each_currency_is_judged_by_itself_where_the_venue_does() -> None:
    book = bare((CALL, -10.0), ("BTC", 0.3), ("ETH", 500.0), (OTHER, 1_000.0))
    apart = ready("deribit-spm", book)
    elsewhere = apart.whatif([leg(apart, OTHER, 1_000.0)]).verdict
    assert (elsewhere.status, elsewhere.unit, elsewhere.currency) == (Status.PASSES, "ETH", "ETH")
    here = apart.whatif([leg(apart, CALL, -10.0, 0.001)]).verdict
    assert (here.status, here.unit, here.currency) == (Status.FAILS, "BTC", "BTC")
    both = apart.whatif([leg(apart, OTHER, 1_000.0), leg(apart, CALL, -10.0, 0.001)]).verdict
    assert both.status is Status.FAILS and both.unit == "BTC"
    together = ready("deribit-xpm", book)
    whole = together.whatif([leg(together, SWAP, 1_000.0)]).verdict
    assert (whole.unit, whole.currency) == ("account", "USD")
