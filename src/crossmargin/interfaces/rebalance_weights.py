"""Targets of a portfolio by weight: read, compared with what is held, traded, and back-tested."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number
from crossmargin.decisions.drift import Policy, breached, rebalance_to, wanted
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.policy_backtest import (
    Region,
    Summary,
    Track,
    backtest,
    common_prices,
    region_bounds,
    summary,
)
from crossmargin.market.history import History, histories_of
from crossmargin.market.snapshot import Snapshot

__all__ = [
    "Targets",
    "WeightPlan",
    "back_tests",
    "histories",
    "lots",
    "read_targets",
    "weight_plan",
]

_COLUMNS = ("asset", "target", "value_usd", "instrument", "cost_bp")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """[N] assets with their target weights; ``value_usd`` and ``instrument`` where they are given.

    ``terms`` is the cost of each asset, from ``cost_bp`` or the default.
    """

    asset: tuple[str, ...]
    weight: Floats
    value_usd: tuple[float | None, ...]
    instrument: tuple[str, ...]
    terms: tuple[CostTerms, ...]


def read_targets(
    source: str | Path | Mapping[str, float], cost_bp: float, gas_usd: float = 0.0
) -> Targets:
    """From a mapping asset -> weight, or a CSV with the columns asset, target and, where wanted,
    value_usd, instrument, cost_bp. Weights are shares; what they leave of one is cash.

    Raises InputError: column_missing, column_unknown, duplicate_row, number_unreadable, …
    """
    if isinstance(source, Mapping):
        rows = [{"asset": name, "target": value} for name, value in source.items()]
    else:
        rows = _rows(Path(source))
    if not rows:
        raise InputError(
            "book_empty", "there is no target", place="--targets", remedy="Give one a row."
        )
    names = [str(row["asset"]) for row in rows]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            "duplicate_row",
            "an asset has two targets",
            place="--targets",
            value=twice,
            limit="one row each",
            remedy="Keep one of them.",
        )
    terms = []
    for row in rows:
        own = _cell(row, "cost_bp")
        share = number("cost_bp", cost_bp if own is None else own, 0.0, 5000.0) / 1e4
        terms.append(CostTerms(fee=share, gas_usd=gas_usd))
    return Targets(
        tuple(names),
        np.array([number(f"target of {row['asset']}", _need(row), -10.0, 10.0) for row in rows]),
        tuple(_cell(row, "value_usd") for row in rows),
        tuple(str(row.get("instrument") or "") for row in rows),
        tuple(terms),
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    from crossmargin.venues.reading import text_lines  # streams, and refuses what is no text

    lines = csv.DictReader(text_lines(path))
    head = [name.strip() for name in lines.fieldnames or []]
    for code, bad in (
        ("column_missing", [name for name in _COLUMNS[:2] if name not in head]),
        ("column_unknown", [name for name in head if name not in _COLUMNS]),
    ):
        if bad:
            raise InputError(
                code,
                "the columns of a file of targets",
                place=str(path),
                value=bad[0],
                limit=", ".join(_COLUMNS),
                remedy="Correct the header.",
            )
    return [
        {str(k).strip(): (v or "").strip() for k, v in row.items() if k is not None}
        for row in lines
    ]


def _cell(row: Mapping[str, Any], name: str) -> float | None:
    from crossmargin.venues.reading import number as strict

    value = row.get(name)
    if value is None or value == "":
        return None
    return float(value) if isinstance(value, int | float) else strict(value, f"targets {name}")


def _need(row: Mapping[str, Any]) -> float:
    found = _cell(row, "target")
    if found is None:
        raise InputError(
            "column_missing",
            "an asset has no target",
            place=f"--targets {row['asset']}",
            remedy="Give its weight, 0 for none.",
        )
    return found


def histories(snapshot: Snapshot | None, path: str | Path | None) -> Mapping[str, History]:
    """Of the file where one is given, else of the market."""
    if path is not None:
        from crossmargin.venues.history_file import read_history

        rows, _ = read_history(path, 2**62)
        priced = {row.subject: row.value for row in rows if row.field == "past_price"}
        return histories_of(priced, {}, 2**62)
    if snapshot is None:
        return {}
    return histories_of(snapshot.values("past_price"), {}, snapshot.as_of_ms)


@dataclass(frozen=True, slots=True, eq=False)
class WeightPlan:
    """[N] before, after and trades of one rebalancing, dollars."""

    value_before_usd: float
    value_after_usd: float
    cost_usd: float
    components: Mapping[str, float]
    rows: tuple[dict[str, Any], ...]


def weight_plan(
    targets: Targets,
    held_usd: Floats,
    wealth_usd: float,
    policy: Policy,
    region: Region,
    past: Mapping[str, History],
) -> WeightPlan:
    """What the policy trades now. The calendar's day has come. Errors of the parts."""
    weights = held_usd / number("wealth", wealth_usd, 0.0, above=True)
    bounds = None
    if policy.trigger == "region":
        _, prices, _ = common_prices(past, targets.asset)
        bounds = region_bounds(prices, weights, targets.weight, targets.terms, region)
    bands = policy.bands(targets.weight, bounds)
    out = breached(weights, bands)
    whole = abs(float(targets.weight.sum()) - 1.0) < 1e-9
    goal = wanted(weights, targets.weight, bands, policy.to, whole=whole)
    found = rebalance_to(held_usd, wealth_usd, goal, targets.terms, fixed=goal == weights)
    rows = tuple(
        {
            "asset": name,
            "instrument": targets.instrument[k],
            "held_usd": float(held_usd[k]),
            "weight_fraction": float(weights[k]),
            "target_fraction": float(targets.weight[k]),
            "low_fraction": float(bands.low[k]),
            "high_fraction": float(bands.high[k]),
            "outside": bool(out[k]),
            "trade_usd": float(found.trade_usd[k]),
            "after_fraction": float(found.weights[k]),
        }
        for k, name in enumerate(targets.asset)
    )
    parts = {name: float(values.sum()) for name, values in found.components}
    return WeightPlan(wealth_usd, found.value_usd, found.cost_usd, parts, rows)


def back_tests(
    targets: Targets,
    past: Mapping[str, History],
    policy: Policy,
    region: Region,
    *,
    wealth_usd: float,
    window: int,
) -> tuple[list[tuple[str, Track, Summary]], dict[str, Any]]:
    """The asked policy and the others beside it on one history: (name, track, figures)."""
    times, prices, lost = common_prices(past, targets.asset)
    every = policy.every if policy.trigger == "calendar" else 30
    outer = policy.outer or 0.05
    scale = outer / max(float(np.abs(targets.weight).mean()), 1e-9)
    others = (
        Policy("calendar", every=every),
        Policy("absolute", outer),
        Policy("relative", scale),
        Policy("region", 1.0, to="edge"),
    )
    tried = [policy, *(each for each in others if _name(each) != _name(policy))]
    span = min(window, len(times) - 1)
    out = []
    for each in tried:
        track = backtest(
            times, prices, targets.weight, each, targets.terms, wealth_usd=wealth_usd, region=region
        )
        out.append((_name(each), track, summary(track, prices, targets.weight, span)))
    told = {
        "from_ms": int(times[0]),
        "to_ms": int(times[-1]),
        "observations": len(times),
        "left_out": lost,
        "window_observations": span,
    }
    return out, told


def _name(policy: Policy) -> str:
    if policy.trigger == "calendar":
        return f"calendar {policy.every}"
    if policy.trigger == "region":
        return f"region, to {policy.to}"
    wide = f"{100.0 * policy.outer:.3g} %"
    inner = "" if policy.inner is None else f" ({100.0 * policy.inner:.3g} %)"
    return f"{policy.trigger} {wide}{inner}, to {policy.to}"


def lots(usd: float, notional_usd: float, lot: float) -> float:
    """Units of a contract for so many dollars: whole lots, towards nothing."""
    count = math.floor(abs(usd) / notional_usd / lot + 1e-9)
    return math.copysign(count * lot, usd) if count else 0.0
