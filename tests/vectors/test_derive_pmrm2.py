"""`derive-pm2` on the venue's own test portfolios: balances, scenario P&Ls, the worst scenario."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import model_named, run
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import cut
from tests.oracle import derive_case
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, asset, delta_one, option, view_of
from tests.vectors.derive_values import case_values
from tests.vectors.recording import seen

FILE = "derive_pmrm2_vectors.json"
AS_OF_MS = 1_740_000_000_000
COIN = "COIN"  # no collateral has this name, so that every one keeps the price of its own feed
PERPETUAL = f"{COIN}-PERP"
OUTSIDE = 1e-9  # the tolerance, relative to a balance or to gross value


def _options(case: dict[str, Any]) -> list[tuple[Instrument, dict[str, Any]]]:
    rows = []
    for row in case["Scenario"]["Options"]:
        right = 1 if row["IsCall"] else -1
        expiry_ms = AS_OF_MS + int(row["Expiry"]) * 1000
        name = f"{COIN}-{row['Expiry']}-{row['Strike']!r}-{'C' if right > 0 else 'P'}"
        item = option(
            "derive", name, right, float(row["Strike"]), expiry_ms, underlying=COIN, settle="USDC"
        )
        rows.append((item, row))
    return rows


def _book(case: dict[str, Any]) -> Book:
    held = case["Scenario"]
    options = _options(case)
    perpetual = delta_one("derive", PERPETUAL, underlying=COIN, settle="USDC")
    cash = asset("derive", "USDC")
    balances = [(asset("derive", c["Name"]), float(c["Amount"])) for c in held["Collaterals"]]
    # The perpetual is in the table even where none is held: it names the pair whose index is read.
    items = [perpetual, cash, *(item for item, _ in options), *(item for item, _ in balances)]
    instruments = Instruments.of(items)
    place = instruments.index_of()
    lines = [Line(ACCOUNT, place[cash.key], float(held["Cash"]))]
    lines += [Line(ACCOUNT, place[item.key], float(row["Amount"])) for item, row in options]
    lines += [Line(ACCOUNT, place[item.key], amount) for item, amount in balances]
    size = float(held["NumPerps"])
    if size != 0.0:
        unsettled = float(held["UnrealisedPerpPNL"]) + float(held["UnrealisedFunding"])
        entry = float(held["PerpPrice"]) - unsettled / size
        lines.append(Line(ACCOUNT, place[perpetual.key], size, entry))
    return Book.of(instruments, lines)


def _facts(case: dict[str, Any]) -> Facts:
    seen = case["Scenario"]
    dated: dict[int, Dated] = {}
    confidence: dict[str, dict[str, float]] = {
        "spot_confidence": {COIN: float(seen["SpotConfidence"])},
        "perp_confidence": {COIN: float(seen["PerpConfidence"])},
        "collateral_confidence": {c["Name"]: float(c["Confidence"]) for c in seen["Collaterals"]},
        "forward_confidence": {},
        "rate_confidence": {},
        "vol_confidence": {},
    }
    feeds = {feed["FeedExpiry"]: feed for feed in seen["OptionFeeds"]}
    for seconds, feed in feeds.items():
        free, settled = derive_case.split_forward(float(feed["Forward"]), float(seconds))
        when = AS_OF_MS + int(seconds) * 1000
        dated[when] = Dated(free, int(seconds) * 1000, settled, float(feed["Rate"]))
        confidence["forward_confidence"][str(when)] = float(feed["ForwardConfidence"])
        confidence["rate_confidence"][str(when)] = float(feed["RateConfidence"])
    quotes = {PERPETUAL: Quote(mark=float(seen["PerpPrice"]))}
    for item, row in _options(case):
        quotes[item.native_id] = Quote(vol=float(row["MarkVol"]))
        trust = float(feeds[row["Expiry"]]["OptionVolConfidences"])
        confidence["vol_confidence"][item.native_id] = trust
    usd = {c["Name"]: float(c["Price"]) for c in seen["Collaterals"]}
    spot = float(seen["SpotPrice"])
    return Facts(
        as_of_ms=AS_OF_MS,
        index={(COIN, "USD"): spot},
        usd={**usd, COIN: spot, "USD": 1.0, "USDC": float(seen["StablePrice"])},
        dated=dated,
        quotes=quotes,
        reads=confidence,
    )


def _gross(case: dict[str, Any]) -> float:
    held = case["Scenario"]
    feeds = {feed["FeedExpiry"]: float(feed["Forward"]) for feed in held["OptionFeeds"]}
    return (
        abs(float(held["NumPerps"])) * float(held["PerpPrice"])
        + sum(abs(float(c["Amount"]) * float(c["Price"])) for c in held["Collaterals"])
        + sum(abs(float(o["Amount"])) * feeds[o["Expiry"]] for o in held["Options"])
    )


def test_case(case: dict[str, Any]) -> None:
    book = _book(case)
    model = model_named("derive-pm2")
    found = run(
        book,
        view_of(book.instruments, _facts(case)),
        model,
        from_values("derive-pm2", "vector", case_values(case, COIN), "vector file"),
    )
    assert found.failures == ()
    assert len(found.sheet["im"]) == 1
    result = case["Result"]
    for level in ("im", "mm"):
        balance = float((found.sheet[f"counted_{level}"] - found.sheet[level])[0])
        theirs = float(result[level.upper()])
        seen("derive-pm2", "suite", FILE, str(case["name"]), balance, theirs, _gross(case))
        assert balance == pytest.approx(result[level.upper()], rel=OUTSIDE, abs=OUTSIDE), level

    expected = derive_case.expected_pnl(case)
    pnl = model.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert pnl is not None
    assert np.shape(pnl)[1] >= len(expected)
    room = OUTSIDE * _gross(case)
    for place, (ours, theirs) in enumerate(zip(np.asarray(pnl)[0], expected, strict=False)):
        if theirs is not None:
            assert abs(ours - theirs) <= room, (place, case["Parameters"]["Scenarios"][place])

    # The basis contingency is one more candidate, behind the scenarios.
    candidates = [
        *(np.inf if number is None else number for number in expected),
        float(result["ForwardContingency"]),
    ]
    worst = int(found.scenario[0])
    assert 0 <= worst < len(candidates)
    assert candidates[worst] <= min(candidates) + room
