"""The verb liquidation: at which price, volatility or time an account is liquidated."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.accounts.crossings import Crossing, Crossings, crossings
from crossmargin.accounts.distance import (
    TERMS,
    Distance,
    VenueTerms,
    after_lag,
    distance,
    late_marks,
    spread_cost,
)
from crossmargin.accounts.exit_nodes import ExitAtNodes
from crossmargin.accounts.nodes import Account, Hook
from crossmargin.accounts.path import (
    NODES,
    factors,
    joint_path,
    response_path,
    spot_path,
    time_path,
    vol_path,
)
from crossmargin.accounts.path import (
    Path as MarketPath,
)
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.liquidation_layouts import liquidation_document
from crossmargin.interfaces.liquidation_plot import plot_svg
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt, command_line
from crossmargin.interfaces.results import MarginResult, Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    one_account,
    only_account,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verbs import margin
from crossmargin.margin.comparison import gross_notional_usd

__all__ = ["BASES", "HEADING", "PATHS", "LiquidationResult", "liquidation", "pictured"]

HEADING = "Equity and requirement"
PATHS = ("spot", "vol", "time", "response", "joint")
BASES = ("mark", "quotes", "exit")
_NO_QUOTES: dict[str, Any] = {"cost_usd": 0.0, "quoted": 0, "unquoted": [], "crossings": []}
# Nodes of an account whose every node is a run of its own.
_NODES_ALONE = 1000
_NODES_PICTURED = 240
# How far beyond a crossing a jump goes for the delay of smoothed marks.
_BEYOND = 0.05


@dataclass(frozen=True, slots=True, repr=False)
class LiquidationResult(Shown):
    """Every crossing of an account along one path; ``found`` holds them with the whole grid."""

    found: Crossings
    distances: tuple[Distance, ...]
    figures: Mapping[str, Any]
    receipt: Receipt

    @property
    def crossings(self) -> list[dict[str, Any]]:
        """One entry a crossing, in rising order of the path's number."""
        return list(self.figures["crossings"])

    def document(self) -> Document:
        """Standing now, crossings with both sides, distances and what the venue adds."""
        return liquidation_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """Equity that counts and requirement along the path, as FILE.html, .svg or .png."""

        def draw(width: float) -> str:
            return plot_svg(self.found, self.figures, width)

        return write_plot(path, draw, self.document, HEADING)


def liquidation(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    path: str | None = None,
    *,
    coin: str | None = None,
    betas: Mapping[str, float] | None = None,
    nodes: int | None = None,
    penalty: float | None = None,
    oracle_lag_s: float | None = None,
    mark_lag_s: float | None = None,
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    account: str | None = None,
    on: str = "mark",
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
    value_of: Hook | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LiquidationResult:
    """Where one account crosses its maintenance margin along a path, on both sides of now.

    ``path``: spot, vol, time, response or joint (see ``crossmargin.accounts.path``); default
    response where the book holds options and the market a history of volatility, else spot.
    ``coin``: that coin alone (spot), or the lead (joint). ``betas``: responses by coin instead of
    fitted ones. ``penalty`` (fraction of notional), ``oracle_lag_s`` and ``mark_lag_s`` replace
    what is stated of the venue. ``on``: what the account is worth at a node: mark (the venue's
    marks), quotes (the distance of each leg to its touch now is taken off everywhere) or exit (what
    closing costs there, see ``crossmargin.accounts.exit_nodes``). ``value_of``: dollars to add to
    equity at a node, by book and view, instead of those of exit.
    The other arguments are those of ``margin``; ``progress`` hears (nodes done, nodes in all).
    Raises InputError ``column_missing`` for an account without equity.
    """
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    what = "a liquidation price"
    held = only_account(held, what) if account is None else one_account(held, account)
    base = margin(
        held if not isinstance(book, str | Path) else book, market, model, as_of, params,
        account=account, changes=changes, venue=venue, form=form,
        allow_duplicates=allow_duplicates,
    )  # fmt: skip
    valued = _valued(base, on, value_of)
    name = path or _default(valued)
    alone = NODES if valued.tiled and valued.value_of is None else _NODES_ALONE
    grid_nodes = alone if nodes is None else nodes
    chosen = _path(valued, name, coin, betas, grid_nodes)
    steps = _Steps(progress, valued, chosen)
    found = crossings(valued, chosen, steps if progress else None)
    terms = _terms(held.instruments.items, penalty, oracle_lag_s, mark_lag_s)
    distances = tuple(
        distance(valued, chosen, each)
        for each in found.found
        if chosen.unit == "factor" and name != "vol"
    )
    figures = _figures(base.figures, valued, found, distances, terms, on)
    asked: dict[str, Any] = {"path": name, "coin": coin, "nodes": nodes, "penalty": penalty}
    asked["on"] = None if on == "mark" else on
    asked |= {"oracle-lag": oracle_lag_s, "mark-lag": mark_lag_s, "beta": betas}
    return LiquidationResult(found, distances, checked(figures), _receipt(base.receipt, asked))


def pictured(made: MarginResult, account: str | None = None) -> LiquidationResult:
    """The crossings of an account that was margined, on its default path, as a picture needs them.

    An account whose every node is a run of its own is searched at fewer points, which it says.
    Raises what :func:`liquidation` raises.
    """
    need = made.requirement
    valued = Account(need.book, need.view, need.via, need.parameters)
    return liquidation(
        made.book,
        made.snapshot,
        need.model.name,
        as_of=need.view.as_of_ms,
        params=need.parameters,
        account=account,
        nodes=None if valued.tiled else _NODES_PICTURED,
    )


def _valued(base: MarginResult, on: str, value_of: Hook | None) -> Account:
    """The account on the basis that is asked for."""
    need = base.requirement
    if on not in BASES:
        raise InputError(
            "option_unknown",
            "no such value of an account",
            place="--on",
            value=on,
            limit=", ".join(BASES),
            remedy="Choose one of these.",
        )
    if on == "exit" and value_of is None:
        value_of = ExitAtNodes(need.view, base.snapshot)
    valued = Account(need.book, need.view, need.via, need.parameters, value_of=value_of)
    return valued.with_offset(-spread_cost(valued).dollars) if on == "quotes" else valued


def _on(account: Account, on: str, found: Crossings) -> dict[str, Any]:
    """What the account is worth along the path, and what leaving costs now and at the crossings."""
    if on == "exit" and account.value_of is not None:
        hook = account.value_of
        costs = [-hook(*account.market(found.path.move(each.at))) for each in found.found]
        now = -hook(*account.market(found.path.move(found.path.origin)))
        return {"basis": on, "cost_usd": now, "cost_at_crossings_usd": costs}
    cost = spread_cost(account).dollars if on == "quotes" else 0.0
    return {"basis": on, "cost_usd": cost, "cost_at_crossings_usd": [cost for _ in found.found]}


class _Steps:
    """Counts nodes for a progress line: a step is one node, or one block of them."""

    def __init__(
        self, progress: Callable[[int, int], None] | None, account: Account, path: MarketPath
    ) -> None:
        self.progress, self.account, self.total = progress, account, len(path.grid)
        self.done = 0

    def __call__(self) -> None:
        """One more."""
        self.done += 1
        if self.progress is not None:
            total = self.account.blocks(self.total)
            self.progress(min(self.done, total), total)


def _default(account: Account) -> str:
    """Response where options and a history of volatility are there, else spot."""
    table, column = account.book.instruments, account.book.column
    names = {table.items[k].underlying for k in column.tolist()
             if table.items[k].kind == Kind.OPTION}  # fmt: skip
    history = account.view.history
    known = all(name in history and len(history[name].vol) for name in names)
    return "response" if names and known else "spot"


def _path(
    account: Account,
    name: str,
    coin: str | None,
    betas: Mapping[str, float] | None,
    nodes: int,
) -> MarketPath:
    if name not in PATHS:
        raise InputError(
            "option_unknown",
            "no such path",
            place="--path",
            value=name,
            limit=", ".join(PATHS),
            remedy="Choose one of these.",
        )
    for given, flag, paths in ((coin, "--coin", ("spot", "joint")),
                               (betas or None, "--beta", ("response", "joint"))):  # fmt: skip
        if given is not None and name not in paths:
            raise InputError(
                "option_unknown",
                "this path has no use for it",
                place=flag,
                value=name,
                limit=f"--path {' or '.join(paths)}",
                remedy="Leave it out, or choose another path.",
            )
    stray = sorted(set(betas or ()) - set(account.coins()))
    if stray:
        raise InputError(
            "option_unknown", "the account holds nothing that moves with this coin",
            place="--beta", value=", ".join(stray), limit=", ".join(account.coins()),
            remedy="Name a coin of the account.",
        )  # fmt: skip
    if name == "time":
        return time_path(account)
    grid = factors(nodes=nodes)
    if name == "vol":
        return vol_path(account, grid)
    if name == "response":
        return response_path(account, betas, grid)
    if name == "joint":
        return joint_path(account, coin, betas, grid)
    return spot_path(account, coin, grid)


def _terms(
    items: Sequence[Any],
    penalty: float | None,
    oracle_lag_s: float | None,
    mark_lag_s: float | None,
) -> VenueTerms:
    """What is stated of the book's venue, and what the caller says instead."""
    for number, flag in ((penalty, "--penalty"), (oracle_lag_s, "--oracle-lag"),
                         (mark_lag_s, "--mark-lag")):  # fmt: skip
        if number is not None and not 0.0 <= number < 1e9:
            raise InputError(
                "number_out_of_range", "a penalty or a lag is not negative",
                place=flag, value=number, limit=">= 0", remedy="Correct it.",
            )  # fmt: skip
    venues = {item.venue for item in items}
    stated = TERMS.get(next(iter(venues)), VenueTerms()) if len(venues) == 1 else VenueTerms()
    own = {
        key: value
        for key, value in (
            ("penalty_fraction", penalty),
            ("oracle_lag_s", oracle_lag_s),
            ("mark_lag_s", mark_lag_s),
        )
        if value is not None
    }
    source = f"{', '.join(own)} as given; else {stated.source}" if own else stated.source
    return replace(stated, **own, source=source)


def _figures(
    base: Mapping[str, Any],
    account: Account,
    found: Crossings,
    distances: tuple[Distance, ...],
    terms: VenueTerms,
    on: str,
) -> dict[str, Any]:
    path, now = found.path, found.now
    by_at = {each.crossing.at: each for each in distances}
    entries = [_entry(account, path, each, by_at.get(each.at), terms) for each in found.found]
    entry = base["accounts"][0]
    notes = list(base["notes"])
    if account.book.orders.column.size:
        notes.append("open orders rest at every node; each node is a full run of its own")
    if len(path.grid) < NODES and path.unit == "factor":
        notes.append(
            f"searched at {len(path.grid)} points: two crossings between them are not seen"
        )
    return {
        "verb": "liquidation",
        "model": base["model"],
        "as_of": base["as_of"],
        "account": entry["account"],
        "path": {
            "name": path.name,
            "title": path.title,
            "says": path.says,
            "lead": path.lead,
            "unit": path.unit,
            "from": float(path.grid[0]),
            "to": float(path.grid[-1]),
            "nodes": len(path.grid),
            "tiled": account.tiled,
            "fits": [
                {
                    "coin": f.name,
                    "beta": f.beta,
                    "r_squared": f.r_squared,
                    "moves": f.count,
                    "step_ms": f.step_ms,
                    "largest_log_move": f.largest,
                }
                for f in path.fits
            ],
        },
        "on": _on(account, on, found),
        "bound": base["bound"],
        "status": entry["status"],
        "says": found.says(),
        "equity_usd": float(now.equity_usd[0]),
        "counted_mm_usd": float(now.counted_mm_usd[0]),
        "mm_usd": float(now.mm_usd[0]),
        "over_mm_usd": float(now.over_mm_usd[0]),
        "crossings": entries,
        "quotes": _on_quotes(account, found) if on == "mark" else _NO_QUOTES,
        "late_marks": _late(account, path, found, terms),
        "terms": {
            "penalty_fraction": terms.penalty_fraction,
            "oracle_lag_s": terms.oracle_lag_s,
            "mark_lag_s": terms.mark_lag_s,
            "source": terms.source,
        },
        "notes": notes,
    }


def _entry(
    account: Account,
    path: MarketPath,
    each: Crossing,
    far: Distance | None,
    terms: VenueTerms,
) -> dict[str, Any]:
    """One crossing as plain values; price, distance and probabilities where it is one of spot."""
    side = "below" if each.at < path.origin else "above"
    out: dict[str, Any] = {
        "kind": each.kind,
        "side": side,
        "at": each.at,
        "broken": each.broken,
        "over_low_usd": each.over_low_usd,
        "over_high_usd": each.over_high_usd,
        "over_usd": each.over_usd,
        "need_mm_usd": each.need_usd,
    }
    if path.unit == "ms":
        out["time"] = format_ms(account.view.as_of_ms + int(each.at))
        out["hours"] = each.at / 3_600_000.0
    elif far is None:
        out["percent"] = each.at - 1.0
    else:
        out |= {
            "coin": far.coin,
            "price_usd": far.price,
            "percent": far.percent,
            "sigma_daily": far.sigma_daily,
            "sigmas": far.sigmas,
            "touch": [
                {"hours": t.hours, "probability": t.probability, "how": t.how,
                 "windows": t.windows, "apart": t.apart}
                for t in far.touch
            ],
            "price_after_lag_usd": after_lag(far, terms) if terms.oracle_lag_s else None,
        }  # fmt: skip
    if terms.penalty_fraction:
        held, seen = account.market(path.move(each.at))
        equity = float(account.one(path.move(each.at)).equity_usd[0])
        cost = terms.penalty_fraction * gross_notional_usd(held, seen)
        out["left_after_penalty_usd"] = equity - cost
    return out


def _on_quotes(account: Account, found: Crossings) -> dict[str, Any]:
    """The nearest crossings where each leg is worth what it can be closed at now."""
    cost = spread_cost(account)
    out: dict[str, Any] = {
        "cost_usd": cost.dollars,
        "quoted": cost.quoted,
        "unquoted": list(cost.unquoted),
        "crossings": [],
    }
    if not cost.quoted:
        return out
    over = found.values.over_mm_usd - cost.dollars
    broken = over < 0.0
    moved = account.with_offset(account.offset_usd - cost.dollars)
    places = np.flatnonzero(broken[1:] != broken[:-1]).tolist()
    grid = found.path.grid
    under = [k for k in places if grid[k] < found.path.origin][-1:]
    beyond = [k for k in places if grid[k] >= found.path.origin][:1]
    near = sorted({*under, *beyond})
    for k in near:
        piece = replace(found.path, grid=grid[k : k + 2])
        out["crossings"] += [
            {"kind": each.kind, "at": each.at, "broken": each.broken}
            for each in crossings(moved, piece).found
        ]
    return out


def _late(
    account: Account, path: MarketPath, found: Crossings, terms: VenueTerms
) -> list[dict[str, Any]]:
    """After a jump beyond each nearest crossing: when smoothed marks show it."""
    if path.name != "response" or not terms.mark_lag_s or found.broken_now:
        return []
    out = []
    for each in (found.below, found.above):
        if each is None:
            continue
        away = 1.0 - _BEYOND if each.at < path.origin else 1.0 + _BEYOND
        for factor in (each.at, each.at * away):
            late = late_marks(account, path, factor, terms.mark_lag_s)
            out.append({"factor": factor, "vol_factor": late.vol_factor, "after_s": late.after_s})
    return out


def _receipt(base: Receipt, asked: Mapping[str, Any]) -> Receipt:
    """The receipt of the margin run with this verb's command."""
    if not base.command:
        return base
    parts = shlex.split(base.command)
    parts[1] = "liquidation"
    for flag, value in asked.items():
        if isinstance(value, Mapping):
            for name, number in value.items():
                parts += [f"--{flag}", f"{name}={number!r}"]
        elif value is not None:
            parts += [f"--{flag}", str(value)]
    return replace(base, command=command_line(parts))
