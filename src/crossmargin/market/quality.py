"""What a snapshot is worth: counts by verdict, the coherence of each pair, every doubtful item."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from crossmargin.core.clock import YEAR_MS, format_ms
from crossmargin.instruments.symbology import parse
from crossmargin.market.fields import (
    VERDICTS,
    dated_subject,
    split_contract,
    split_dated,
    worst_verdict,
)
from crossmargin.market.snapshot import Snapshot

__all__ = ["report"]


def report(snapshot: Snapshot, *, surfaces: bool = False) -> dict[str, Any]:
    """The quality report as plain data, the same for people and machines.

    Keys: ``as_of``, ``as_of_ms``, ``sha256``, ``rows``, ``verdict`` (the gravest of all items),
    ``sources``, ``pairs`` (each with its ``expiries``), ``currencies``, ``counts`` (field ->
    verdict -> number) and ``items`` (every row that is not ok). With ``surfaces`` each pair has a
    ``surface`` with fit errors and the arbitrage checks; that fits every expiry.
    """
    counts: dict[str, Counter[str]] = {}
    for name, verdict in zip(snapshot.field, snapshot.verdict, strict=True):
        counts.setdefault(name, Counter())[verdict] += 1
    options = _options(snapshot)
    pairs = []
    for pair, number in snapshot.places("index").items():
        pairs.append(_pair(snapshot, pair, number, options))
        if surfaces:
            pairs[-1]["surface"] = _surface(snapshot, pair)
    return {
        "as_of": format_ms(snapshot.as_of_ms),
        "as_of_ms": snapshot.as_of_ms,
        "sha256": snapshot.sha256,
        "rows": len(snapshot),
        "rows_ignored": int(sum(snapshot.values("rows_ignored").values())),
        "verdict": worst_verdict(*snapshot.verdict),
        "sources": sorted(set(snapshot.source)),
        "pairs": pairs,
        "currencies": [
            {
                "currency": currency,
                "usd": float(snapshot.value[number]),
                "verdict": snapshot.verdict[number],
                "source": snapshot.source[number],
            }
            for currency, number in snapshot.places("usd").items()
        ],
        "counts": {
            name: {verdict: found[verdict] for verdict in VERDICTS if verdict in found}
            for name, found in counts.items()
        },
        "items": [
            _item(snapshot, number)
            for number, verdict in enumerate(snapshot.verdict)
            if verdict != "ok"
        ],
    }


def _item(snapshot: Snapshot, number: int) -> dict[str, Any]:
    row = snapshot.row(number)
    return {
        "field": row.field,
        "subject": row.subject,
        "value": None if row.verdict == "missing" else row.value,
        "unit": row.unit,
        "verdict": row.verdict,
        "meaning": VERDICTS[row.verdict],
        "source": row.source,
        "age_ms": snapshot.as_of_ms - row.event_ms,
    }


def _pair(
    snapshot: Snapshot,
    pair: str,
    number: int,
    options: dict[tuple[str, str, int], list[float]],
) -> dict[str, Any]:
    index, verdict = float(snapshot.value[number]), snapshot.verdict[number]
    underlying, _, quote = pair.partition("/")
    expiries: list[dict[str, Any]] = []
    for subject, row in snapshot.places("forward").items():
        base, money, expiry_ms = split_dated(subject)
        if (base, money) != (underlying, quote):
            continue
        forward = float(snapshot.value[row])
        years = (expiry_ms - snapshot.as_of_ms) / YEAR_MS
        # an incoherent pair carries no rate: days from expiry it would read -200 % a year
        readable = verdict != "incoherent" and years > 0.0
        vols = options.get((underlying, quote, expiry_ms), [])
        expiries.append(
            {
                "expiry": format_ms(expiry_ms),
                "expiry_ms": expiry_ms,
                "forward": forward,
                "verdict": snapshot.verdict[row],
                "forward_spread_bp": snapshot.get(
                    "forward_spread", dated_subject(underlying, quote, expiry_ms)
                ),
                "carry_annual": math.log(forward / index) / years if readable else None,
                "options": len(vols),
                "vol_low": min(vols, default=None),
                "vol_high": max(vols, default=None),
            }
        )
    expiries.sort(key=lambda line: line["expiry_ms"])
    return {
        "pair": pair,
        "index": index,
        "verdict": verdict,
        "index_spread_bp": snapshot.get("index_spread", pair),
        "index_gap_bp": snapshot.get("index_gap", pair),
        "expiries": expiries,
    }


def _options(snapshot: Snapshot) -> dict[tuple[str, str, int], list[float]]:
    """Volatilities by (underlying, quote, expiry)."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for subject, vol in snapshot.values("mark_iv").items():
        terms = parse(*split_contract(subject))
        found.setdefault((terms.underlying, terms.quote, terms.expiry_ms), []).append(vol)
    return found


def _surface(snapshot: Snapshot, pair: str) -> dict[str, Any]:
    surface = snapshot.surface(pair)
    return {
        "free_of_arbitrage": surface.free_of_arbitrage,
        "calendar_least": surface.calendar,
        "slices": [
            {
                "expiry": format_ms(smile.expiry_ms),
                "kind": smile.kind,
                "points": smile.points,
                "parameters": dict(
                    zip(("a", "b", "rho", "m", "sigma"), smile.parameters, strict=True)
                ),
                "error_vol": smile.error_vol,
                "error_vol_max": smile.error_vol_max,
                "butterfly_least": smile.butterfly,
            }
            for smile in surface.slices
        ],
    }
