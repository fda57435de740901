"""The engine of `reg-t` on a peer's test cases, many of them examples of the Cboe margin manual.

A case gives a book, the requirement of a margin account with proceeds held, and of a cash account:
what the case expects, or else what the peer computes. Where the two engines differ:

| what | why |
|---|---|
| long options of 90 to 274 days | the peer lends on them; the rule says more than nine months. Here the peer's limit is used to compare |
| whole dollars | the peer rounds each short option to a dollar: half a dollar a contract |
| several strategies in one book | the peer takes strategies one after another; the best pairing needs no more |
| straddles and strangles of n contracts | the peer scales the larger side by n twice |
| boxes | the peer is conservative; the worst loss at expiry needs no more |
| cash account, several contracts | the peer's figure is that of one contract |
"""  # noqa: E501 # a table

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vectors.recording import seen
from tests.vectors.strategy_cases import Case, given, peer_case, rows_of

PATTERN = "cboe_strategy_margin_*.csv"
PEER_FAR_DAYS = 90.0
ROUNDED = 0.5 + 1e-9  # of a dollar a contract


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a row of every file of the pattern."""
    given(metafunc, [peer_case(*row) for row in rows_of(metafunc, PATTERN)], PATTERN)


def stated(case: Case, what: str) -> float:
    assert case.row is not None
    return float(case.row[f"expected_{what}"] or case.row[f"margin_estimator_0.4.1_{what}"])


def slack(case: Case) -> float:
    return ROUNDED * sum(abs(leg.size) for leg in case.legs if leg.right)


def test_margin_account(sample: Case) -> None:
    rates = replace(sample.rates, far_days=PEER_FAR_DAYS)
    need, found = sample.needs(rates)
    theirs = stated(sample, "margin")
    assert need <= theirs + slack(sample), "the best pairing never needs more"
    names = {part.name for part in found}
    scaled_twice = any(part.kind == "combinations" and abs(part.legs[0][1]) > 1.0 for part in found)
    if len(found) == 1 and not scaled_twice and not names & {"long box", "short box"}:
        assert need >= theirs - slack(sample), names
    if abs(need - theirs) <= slack(sample):
        assert sample.row is not None
        seen("reg-t", "suite", sample.file, f"{sample.name} {sample.legs}", need, theirs)


def test_cash_account(sample: Case) -> None:
    """Contracts one of each: the strategy is secured in full."""
    if any(abs(leg.size) != 1.0 for leg in sample.legs if leg.right):
        pytest.skip("the peer's cash requirement is of one contract")
    need, found = sample.needs(replace(sample.rates, cash=True))
    theirs = stated(sample, "cash")
    assert need <= theirs + 1e-6
    if len(found) == 1:
        assert need == pytest.approx(theirs, abs=1e-6)


def test_nine_months(sample: Case) -> None:
    """What the rule lends on is a part of what the peer lends on."""
    peer, _ = sample.needs(replace(sample.rates, far_days=PEER_FAR_DAYS))
    rule, _ = sample.needs(sample.rates)
    assert rule >= peer - 1e-9
    between = [leg for leg in sample.legs if PEER_FAR_DAYS < leg.days <= sample.rates.far_days]
    if not between:
        assert rule == peer
