"""The verb rebalance: a book or weights back inside their bands, or a policy on past prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.drift import Policy
from crossmargin.decisions.fill_order import FillOrder
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.decisions.policy_backtest import Region, Summary, Track
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.rebalance_account import fills_of, held_of
from crossmargin.interfaces.rebalance_greeks import Asked, GreekPlan, greek_plan
from crossmargin.interfaces.rebalance_weights import (
    Targets,
    back_tests,
    histories,
    read_targets,
    weight_plan,
)
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import BookLike, MarketLike, snapshot_of
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.market.history import History
from crossmargin.market.snapshot import Snapshot

__all__ = ["RebalanceResult", "rebalance"]


@dataclass(frozen=True, slots=True, repr=False)
class RebalanceResult(Shown):
    """What to trade, or what a policy would have done. ``intents`` are in the order of fills."""

    figures: Mapping[str, Any]
    receipt: Receipt
    intents: Intents
    tracks: Sequence[tuple[str, Track, Summary]] = ()

    def document(self) -> Document:
        """What is shown."""
        from crossmargin.interfaces.rebalance_layouts import rebalance_document

        return rebalance_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """Before and after against the bands, or values over time, as FILE.html, .svg or .png."""
        from crossmargin.interfaces.plots import write_plot
        from crossmargin.interfaces.rebalance_plot import rebalance_svg

        heading = "Values over time" if self.tracks else "Before and after"
        return write_plot(path, lambda width: rebalance_svg(self, width), self.document, heading)

    def write_intents(self, path: str | Path) -> Path:
        """The trades as FILE.csv or FILE.json; the CSV is read back by a what-if."""
        from crossmargin.interfaces.intents_file import write_intents

        return write_intents(path, {"rebalance": self.intents})


def rebalance(
    book: BookLike | None = None,
    market: MarketLike | None = None,
    model: str = "deribit-xpm",
    *,
    delta_band: float | str | None = None,
    gamma_band: float | None = None,
    vega_band: float | None = None,
    targets: str | Path | Mapping[str, float] | None = None,
    policy: str = "absolute",
    outer: float = 0.05,
    inner: float | None = None,
    to: str | None = None,
    every: int = 30,
    aversion: float | None = None,
    horizon: int = 30,
    lookback: int = 90,
    candidates: Sequence[str] | None = None,
    underlying: str | None = None,
    coins: bool = False,
    margin_rate: float = 0.05,
    hold_days: float = 7.0,
    cost_bp: float | None = None,
    gas_usd: float = 0.0,
    wealth_usd: float | None = None,
    backtest: bool = False,
    history: str | Path | None = None,
    window: int = 90,
    **options: Any,
) -> RebalanceResult:
    """Trades that bring Greeks or weights back inside their bands, or a policy on past prices.

    Greeks: ``delta_band`` (dollars, or ``whalley-wilmott``), ``gamma_band`` (delta dollars a 1 %
    move), ``vega_band`` (dollars a point) around none, of each underlying; ``inner`` a share of the
    band (default a half); traded to the ``edge``, ``inner`` or ``target`` in the contracts of
    ``candidates``. Weights: ``targets`` with a ``policy`` (absolute, relative, region, calendar) of
    half-widths ``outer`` and ``inner``; held is the book, or value_usd of the file. ``backtest``
    runs the policies on the history of the market or of a file. ``aversion``: absolute (1/dollars)
    of a delta band, relative of a region. ``options`` as for a what-if. Raises CrossMarginError.
    """
    asked = {k: v for k, v in locals().items() if k not in ("book", "market", "options")} | options
    if targets is None:
        if backtest or book is None or market is None:
            raise _nothing(backtest)
        greeks = Asked(
            delta_band,
            gamma_band,
            vega_band,
            to or "edge",
            0.5 if inner is None else inner,
            1e-6 if aversion is None else aversion,
            margin_rate,
            hold_days,
            coins,
        )
        return _of_greeks(book, market, model, greeks, candidates, underlying, options, asked)
    region = Region(2.0 if aversion is None else aversion, lookback, horizon)
    rule = Policy(policy, outer, inner, to or ("edge" if policy == "region" else "target"), every)
    snapshot = None if market is None else snapshot_of(market)
    past = histories(snapshot, history)
    aims = read_targets(targets, 10.0 if cost_bp is None else cost_bp, gas_usd)
    source = market, snapshot, asked
    if backtest:
        return _of_history(aims, past, rule, region, wealth_usd or 1e6, window, source)
    if book is None:
        return _of_values(aims, past, rule, region, wealth_usd, source)
    return _of_book(book, model, aims, past, rule, region, source, options)


def _nothing(backtest: bool) -> InputError:
    return InputError(
        "option_unknown",
        "a back-test is of weights" if backtest else "there is nothing to rebalance",
        place="--targets",
        limit="a book with --market and a band, or --targets",
        remedy="Give them.",
    )


def _of_book(
    book: BookLike,
    model: str,
    aims: Targets,
    past: Mapping[str, History],
    rule: Policy,
    region: Region,
    source: tuple[MarketLike | None, Snapshot | None, Mapping[str, Any]],
    options: Mapping[str, Any],
) -> RebalanceResult:
    """Weights of an account, traded in whole lots with margin at each fill."""
    market, _, asked = source
    if market is None:
        raise InputError(
            "option_unknown",
            "the weights of a book need a market",
            place="--market",
            remedy="Give it, or value_usd in the file of targets.",
        )
    made = _prepared(book, market, model, options)
    held, wealth, aims = held_of(made, aims, asked["cost_bp"], asked["gas_usd"])
    found = weight_plan(aims, held, wealth, rule, region, past)
    trades, order = fills_of(made, aims, found.rows)
    figures = {
        **_head("weights", made, rule),
        **_weights(found, aims),
        "fills": _fill_rows(order, trades),
        "holds": None if order is None else order.holds,
    }
    receipt = made.receipt((), {}, "rebalance")
    return RebalanceResult(
        plain.checked(figures, "rebalance"),
        replace(receipt, command=_command(book, market, asked)),
        Intents(trades),
    )


def _prepared(
    book: BookLike, market: MarketLike, model: str, options: Mapping[str, Any]
) -> PreparedBook:
    return prepare(book, market, model, **options)


def _of_greeks(
    book: BookLike,
    market: MarketLike,
    model: str,
    greeks: Asked,
    names: Sequence[str] | None,
    underlying: str | None,
    options: Mapping[str, Any],
    asked: Mapping[str, Any],
) -> RebalanceResult:
    made = _prepared(book, market, model, options)
    found = greek_plan(made, greeks, names, underlying)
    before, after = made.core.before, None if found.after is None else found.after.after
    figures = {
        **_head("greeks", made, None),
        "to": greeks.to,
        "bands": _band_rows(found),
        "contracts": list(found.prices),
        "margin_rate_fraction": greeks.margin_rate,
        "hold_days": greeks.hold_days,
        "trades": [_trade_row(each) for each in found.intents.trades],
        "cost_usd": found.intents.cost_usd,
        "components": dict(found.split),
        "margin_usd": sum(each.margin_usd for each in found.hedges.values()),
        "carry_usd": sum(each.carry_usd for each in found.hedges.values()),
        "im_before_usd": before.im_usd,
        "im_after_usd": before.im_usd if after is None else after.im_usd,
        "mm_before_usd": before.mm_usd,
        "mm_after_usd": before.mm_usd if after is None else after.mm_usd,
        "fills": _fill_rows(found.order, found.intents.trades),
        "holds": None if found.order is None else found.order.holds,
    }
    receipt = made.receipt((), {}, "rebalance")
    return RebalanceResult(
        plain.checked(figures, "rebalance"),
        replace(receipt, command=_command(book, market, asked)),
        found.intents,
    )


def _head(mode: str, made: PreparedBook, rule: Policy | None) -> dict[str, Any]:
    return {
        "verb": "rebalance",
        "mode": mode,
        "account": made.account,
        "model": made.core.base.model.name,
        "as_of": format_ms(made.core.base.view.as_of_ms),
        "policy": None if rule is None else _rule(rule),
    }


def _rule(rule: Policy) -> dict[str, Any]:
    return {
        "trigger": rule.trigger,
        "outer": rule.outer,
        "inner": rule.inner,
        "to": rule.to,
        "every": rule.every,
    }


def _band_rows(found: GreekPlan) -> list[dict[str, Any]]:
    return [
        {
            "underlying": name,
            "greek": greek,
            "before": hedge.before[greek],
            "low": band.low,
            "high": band.high,
            "goal_low": hedge.goals[greek][0],
            "goal_high": hedge.goals[greek][1],
            "outside": greek in hedge.breached,
            "after": hedge.after[greek],
        }
        for name, hedge in found.hedges.items()
        for greek, band in found.bands[name].items()
    ]


def _trade_row(trade: Trade) -> dict[str, Any]:
    return {
        "instrument": trade.instrument,
        "size": trade.size,
        "cost_usd": trade.cost_usd,
        "reason": trade.reason,
    }


def _fill_rows(order: FillOrder | None, trades: Sequence[Trade]) -> list[dict[str, Any]]:
    if order is None:
        return []
    return [
        {
            "fill": k + 1,
            "instrument": trades[k].instrument,
            "size": trades[k].size,
            "im_usd": order.im_usd[k],
            "room_usd": order.room_usd[k],
            "passes": order.passes[k],
        }
        for k in range(len(order.order))
    ]


def _weights(found: Any, aims: Targets) -> dict[str, Any]:
    return {
        "value_before_usd": found.value_before_usd,
        "value_after_usd": found.value_after_usd,
        "cost_usd": found.cost_usd,
        "components": dict(found.components),
        "one_way_bp": {a: 1e4 * t.one_way for a, t in zip(aims.asset, aims.terms, strict=True)},
        "assets": list(found.rows),
        "turnover_two_way_fraction": sum(abs(r["trade_usd"]) for r in found.rows)
        / found.value_before_usd,
    }


def _of_values(
    aims: Targets,
    past: Mapping[str, History],
    rule: Policy,
    region: Region,
    wealth_usd: float | None,
    source: tuple[MarketLike | None, Snapshot | None, Mapping[str, Any]],
) -> RebalanceResult:
    """Weights of the file's own values; trades are dollars, without contracts."""
    values = [0.0 if value is None else value for value in aims.value_usd]
    if any(value is None for value in aims.value_usd):
        raise InputError(
            "column_missing",
            "without a book each asset needs its value",
            place="--targets",
            limit="the column value_usd",
            remedy="Give it, or a book with its market.",
        )
    held = np.array(values)
    wealth = float(held.sum()) if wealth_usd is None else wealth_usd
    found = weight_plan(aims, held, wealth, rule, region, past)
    figures = {
        "verb": "rebalance",
        "mode": "weights",
        "account": "",
        "model": "",
        "as_of": "",
        "policy": _rule(rule),
        **_weights(found, aims),
        "fills": [],
        "holds": None,
    }
    return RebalanceResult(plain.checked(figures, "rebalance"), _receipt(source), Intents())


def _of_history(
    aims: Targets,
    past: Mapping[str, History],
    rule: Policy,
    region: Region,
    wealth_usd: float,
    window: int,
    source: tuple[MarketLike | None, Snapshot | None, Mapping[str, Any]],
) -> RebalanceResult:
    tracks, told = back_tests(aims, past, rule, region, wealth_usd=wealth_usd, window=window)
    figures = {
        "verb": "rebalance",
        "mode": "backtest",
        "policy": _rule(rule),
        "assets": [
            {"asset": a, "target_fraction": float(w), "one_way_bp": 1e4 * t.one_way}
            for a, w, t in zip(aims.asset, aims.weight, aims.terms, strict=True)
        ],
        "from": format_ms(told["from_ms"]),
        "to": format_ms(told["to_ms"]),
        "observations": told["observations"],
        "left_out": told["left_out"],
        "wealth_usd": wealth_usd,
        "delay_observations": 1,
        "policies": [
            {
                "policy": name,
                **{field: getattr(each, field) for field in each.__slots__},
                "turnover_one_way": each.turnover_one_way,
                "components_usd": {n: float(v.sum()) for n, v in track.cost.items()},
            }
            for name, track, each in tracks
        ],
    }
    return RebalanceResult(
        plain.checked(figures, "rebalance"), _receipt(source), Intents(), tuple(tracks)
    )


def _receipt(
    source: tuple[MarketLike | None, Snapshot | None, Mapping[str, Any]],
) -> Receipt:
    market, snapshot, asked = source
    return Receipt(
        book="",
        orders="",
        snapshot="" if snapshot is None else snapshot.sha256,
        parameters={},
        changes={},
        as_of="" if snapshot is None else format_ms(snapshot.as_of_ms),
        model="rebalance",
        command=_command(None, market, asked),
        build=manifest(),
    )


_FLAGS = {
    "coins": "--count-coins",
    "candidates": "--with",
    "gas_usd": "--gas",
    "wealth_usd": "--wealth",
    "form": "--format",
}
_DEFAULTS = {
    "model": "deribit-xpm", "policy": "absolute", "outer": 0.05, "every": 30, "horizon": 30,
    "lookback": 90, "margin_rate": 0.05, "hold_days": 7.0, "gas_usd": 0.0, "window": 90,
}  # fmt: skip


def _command(book: BookLike | None, market: MarketLike | None, asked: Mapping[str, Any]) -> str:
    """The command that gives the same; empty where something came from no file."""
    sources = [each for each in (book, market, asked["targets"]) if each is not None]
    if not all(isinstance(each, str | Path) for each in sources):
        return ""
    parts = ["crossmargin", "rebalance", *([str(book)] if book is not None else [])]
    parts += ["--market", str(market)] if market is not None else []
    for name, value in asked.items():
        if value is None or value is False or _DEFAULTS.get(name) == value:
            continue
        flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
        if name == "changes":
            for key, changed in value.items():
                parts += ["--set", f"{key}={changed}"]
        elif isinstance(value, list | tuple):
            for each in value:
                parts += [flag, str(each)]
        else:
            parts += [flag] if value is True else [flag, str(value)]
    return command_line(parts)
