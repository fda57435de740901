"""What of the market a result rests on is in doubt: verdicts of the rows used, age, rows left out.

Only what the book uses is named: its contracts, the pairs and expiries of them, its currencies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.market.fields import VERDICTS
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["BAD_VERDICTS", "SHOWN", "age_notes", "market_figures", "verdict_notes"]

# Verdicts with which a snapshot fails `market check`: the number may be wrong, not only derived.
BAD_VERDICTS = ("stale", "incoherent", "outside_bounds", "crossed")
# Verdicts that a result must name: the bad ones, and what was not quoted.
_NAMED = (*BAD_VERDICTS, "implied", "estimated", "assumed")
# What a requirement is made of; sizes and open interest are not.
_USED = ("index", "forward", "forward_settled", "rate", "mark", "mark_iv", "bid", "ask", "usd")
# Items of one verdict that are named one by one.
SHOWN = 3
# Lives may be counted from a neighbouring instant; a market older than this is another market.
_STALE_MS = 3_600_000
_AHEAD_MS = 60_000


def market_figures(snapshot: Snapshot, view: View) -> dict[str, Any]:
    """The market's own time, its distance from the as-of time, and the verdicts in use."""
    return {
        "time": format_ms(snapshot.as_of_ms),
        "as_of_minus_time_ms": view.as_of_ms - snapshot.as_of_ms,
        "rows_ignored": int(sum(snapshot.values("rows_ignored").values())),
        "verdicts": [
            {
                "verdict": verdict,
                "count": len(items),
                "fails_check": verdict in BAD_VERDICTS,
                "items": items,
            }
            for verdict, items in _used(snapshot, view).items()
        ],
    }


def _used(snapshot: Snapshot, view: View) -> dict[str, list[str]]:
    """Verdict -> "field of subject" of the rows that the book's instruments use, gravest first."""
    table = view.instruments
    contracts = {f"{item.venue}|{item.native_id}" for item in table.items}
    underlyings = {pair[0] for pair in table.pairs}
    dated = {(key[0], str(key[3])) for key in table.expiries}
    found: dict[str, list[str]] = {name: [] for name in _NAMED}
    for number, verdict in enumerate(snapshot.verdict):
        name = snapshot.field[number]
        if verdict not in found or name not in _USED:
            continue
        subject = snapshot.subject[number]
        if name == "usd":
            used = subject in table.names
        elif "|" in subject:
            used = subject in contracts
        elif "@" in subject:
            pair, _, expiry = subject.partition("@")
            used = (pair.partition("/")[0], expiry) in dated
        else:
            used = subject.partition("/")[0] in underlyings
        if used:
            found[verdict].append(f"{name} of {subject.partition('|')[2] or subject}")
    return {name: items for name, items in found.items() if items}


def verdict_notes(figures: Mapping[str, Any]) -> list[str]:
    """One sentence a verdict: how many values, the first few, what it means."""
    notes = []
    for each in figures["verdicts"]:
        if each["verdict"] == "assumed":
            continue  # the dollar prices of currencies: each is named in a note of its own
        count, verdict, items = each["count"], each["verdict"], each["items"]
        shown = ", ".join(items[:SHOWN]) + (", …" if count > SHOWN else "")
        values = "1 market value is" if count == 1 else f"{count} market values are"
        fails = "; the market fails its check" if each["fails_check"] else ""
        notes.append(f"{values} {verdict} ({VERDICTS[verdict]}): {shown}{fails}")
    return notes


def age_notes(figures: Mapping[str, Any]) -> list[str]:
    """How far the as-of time lies from the market's own, and what of its file was not taken."""
    notes = []
    gap_ms = figures["as_of_minus_time_ms"]
    hours = abs(gap_ms) / 3_600_000
    if gap_ms > _STALE_MS:
        notes.append(f"stale: the market of {figures['time']} is {hours:,.1f} h older than as-of")
    elif gap_ms < -_AHEAD_MS:
        notes.append(f"the market of {figures['time']} is {hours:,.2f} h later than as-of")
    if figures["rows_ignored"]:
        count = figures["rows_ignored"]
        rows = "1 row" if count == 1 else f"{count} rows"
        notes.append(f"{rows} of another time in the market's file {_was(count)} not taken")
    return notes


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
