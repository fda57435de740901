"""A margin budget for the verb frontier: contracts that stand for the assets, and their model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.estimators import Estimate
from crossmargin.decisions.mean_variance import Frontier
from crossmargin.decisions.mean_variance import frontier as exact_frontier
from crossmargin.decisions.portfolio_choice import Choice, Method, choose
from crossmargin.decisions.weight_limits import MarginBudget, WeightLimits
from crossmargin.decisions.weight_margin import least_margin, margin_budget, sharpened
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.interfaces.frontier_inputs import Holdings, refuse_out_of_reach
from crossmargin.interfaces.sources import MarketLike, snapshot_of
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot

__all__ = ["MarginAsk", "MarginReady", "margin_of", "within"]

_ROUNDS = 12  # of the exact model
_FURTHER = 5  # of them, once weights are kept: how much nearer to the budget the next ones come
_SPARE = 1e-3  # of the budget: less is left unused
_CLOSE = 1e-6  # of the budget: what is taken for the same


@dataclass(frozen=True, slots=True)
class MarginAsk:
    """The initial margin of the positions in dollars at most, of ``wealth`` dollars in all.

    ``contracts``: the contract of an asset by name; the others are the venue's perpetuals, those
    not settled in coin first. ``wealth`` None: what is held is worth.
    """

    budget_usd: float
    model: str = "deribit-xpm"
    market: MarketLike | None = None
    wealth: float | None = None
    contracts: Mapping[str, str] | None = None
    venue: str | None = None


@dataclass(frozen=True, slots=True)
class MarginReady:
    """The assets as contracts of one account. ``units[n]``: of each for a weight of one."""

    ask: MarginAsk
    prepared: PreparedBook
    column: Ints
    units: Floats
    mark: Floats
    names: tuple[str, ...]
    wealth: float
    budget: MarginBudget
    left_out: tuple[str, ...]

    def exact(self, weights: Floats) -> float:
        """Dollars of initial margin of weights by the exact model, filled at the mark."""
        legs = [
            Leg(int(column), float(size), float(mark))
            for column, size, mark in zip(
                self.column, weights * self.units, self.mark, strict=True
            )
            if abs(size) > 1e-12
        ]  # fmt: skip
        core = self.prepared.core
        return float(core.after(legs)[0].im_usd if legs else core.before.im_usd)


def margin_of(
    ask: MarginAsk, assets: Sequence[str], held: Holdings | None, history: MarketLike | None
) -> MarginReady:
    """Contracts, sizes and pieces. Errors: InputError for what is not there to trade."""
    source = history if ask.market is None else ask.market
    if source is None:
        raise _missing("--market", "a market for the margin", "--market SNAPSHOT, or --history")
    wealth = ask.wealth if ask.wealth is not None else (None if held is None else held.value)
    if wealth is None:
        raise _missing("--wealth", "what a weight of one is worth", "--wealth USD, or --current")
    for what, value in (("--margin-budget", ask.budget_usd), ("--wealth", wealth)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(
                "number_out_of_range", "no amount of money", place=what, value=value, limit="> 0"
            )
    snapshot = snapshot_of(source)
    items = _contracts(snapshot, ask, assets)
    currency = next((i.settle for i in items if not i.inverse), "USDC")
    rate = snapshot.get("usd", currency) or 1.0
    book = [{"type": "balance", "account": "frontier", "venue": items[0].venue,
             "currency": currency, "quantity": wealth / rate}]  # fmt: skip
    names = [f"{item.venue}|{item.native_id}" for item in items]
    ready = prepare(book, snapshot, ask.model, names, fee=0.0)  # no margin rule reads a fee
    column = np.array([ready.core.column[item.native_id] for item in items], np.int32)
    view = snapshot.view(ready.core.table, ready.core.base.view.as_of_ms)
    coins = coin_size(view.instruments, view)[column]
    price = view.index[view.instruments.pair][column]
    bad = [items[k].native_id for k in range(len(items)) if not coins[k] * price[k] > 0.0]
    if bad:
        raise InputError(
            "quote_missing", "a contract has no price in the market", place="--market",
            value=", ".join(bad), remedy="Give a market that quotes it.",
        )  # fmt: skip
    units = wealth / (coins * price)
    budget, left = margin_budget(ready.core, column, units, ask.budget_usd)
    return MarginReady(
        ask, ready, column, units, np.asarray(view.mark[column]),
        tuple(item.native_id for item in items), wealth, budget, left,
    )  # fmt: skip


def _contracts(snapshot: Snapshot, ask: MarginAsk, assets: Sequence[str]) -> list[Instrument]:
    """One contract an asset: that of its name, else a perpetual of the venue."""
    from crossmargin.instruments.symbology import parse  # names of contracts that are not held

    named = dict(ask.contracts or {})
    strange = [name for name in named if name not in assets]
    if strange:
        raise InputError(
            "option_unknown", "a contract of an asset that has no prices", place="--contract",
            value=", ".join(strange), limit=", ".join(assets), remedy="Name one of the assets.",
        )  # fmt: skip
    quoted = [split_contract(subject) for subject in snapshot.places("mark")]
    venues = sorted({venue for venue, _ in quoted if ask.venue in (None, venue)})
    if len(venues) != 1:
        raise InputError(
            "option_unknown", "the venue of the contracts is not clear", place="--venue",
            value=ask.venue, limit=", ".join(sorted({venue for venue, _ in quoted})),
            remedy="Name one of them.",
        )  # fmt: skip
    venue = venues[0]
    every = {name: parse(venue, name) for at, name in quoted if at == venue}
    out = []
    for asset in assets:
        if asset in named:
            found = [item for name, item in every.items() if name == named[asset]]
        else:
            found = [i for i in every.values()
                     if i.kind == Kind.PERPETUAL and i.underlying == asset]  # fmt: skip
        straight = [i for i in found if i.kind in (Kind.PERPETUAL, Kind.FUTURE)]
        if not straight:
            raise InputError(
                "instrument_unknown", "no future or perpetual stands for an asset",
                place=f"--contract {asset}", value=named.get(asset, asset),
                limit=f"a perpetual of it that {venue} quotes, or --contract {asset}=NAME",
                remedy="Name a future or perpetual that the market quotes.",
            )  # fmt: skip
        out.append(min(straight, key=lambda i: (i.inverse, i.native_id)))
    return out


def _missing(place: str, what: str, limit: str) -> InputError:
    return InputError(
        "option_unknown", f"a margin budget needs {what}", place=place, limit=limit,
        remedy="Give it with --margin-budget.",
    )  # fmt: skip


_Inside = tuple[Frontier, Choice, WeightLimits, dict[str, Any] | None]


def within(
    returns: Floats,
    known: Estimate,
    way: Method,
    allowed: WeightLimits,
    ready: MarginReady | None,
    held: Holdings | None,
    periods: float,
) -> _Inside:
    """Frontier and choice inside the limits, and inside the margin budget by the exact model.

    ``periods`` of the returns in a year: what is out of reach is said in yearly figures.

    Where the exact model asks for more at the choice than the pieces say, the difference is taken
    off the limit of the pieces (or, of a model that gives only tangents, the one at the choice is
    added) and all is solved again. Raises ModelError ``solver_failed`` where that ends nowhere.
    """
    if ready is None:
        line = exact_frontier(known.mean, known.covariance, allowed)
        refuse_out_of_reach(line, way, periods)
        return line, choose(returns, way, allowed, line=(known, line)), allowed, None
    most, limit = ready.ask.budget_usd, ready.ask.budget_usd
    budget = ready.budget
    least = least_margin(allowed, ready.budget)
    if least is not None and least > most * (1.0 + _CLOSE):
        raise InputError(
            "number_out_of_range",
            "no weights within the limits have so little margin",
            place="--margin-budget",
            value=most,
            limit=f"{least:,.2f} USD or more, the least of these limits",
            remedy="Give more margin, a smaller --wealth, or wider bounds.",
        )
    low, high = -np.inf, np.inf  # limits of the pieces that are kept and not kept
    kept: _Inside | None = None
    for n in range(1, _ROUNDS + 1):
        own = replace(allowed, margins=(replace(budget, limit=limit),))
        line = exact_frontier(known.mean, known.covariance, own)
        refuse_out_of_reach(line, way, periods)
        chosen = choose(returns, way, own, line=(known, line))
        exact = ready.exact(chosen.weights)
        if exact <= most * (1.0 + _CLOSE):
            told = _told(replace(ready, budget=budget), line, chosen, held, n)
            kept, low = (line, chosen, own, told), limit
            binds = float(budget.at(chosen.weights)) >= limit * (1.0 - _CLOSE)
            if not binds or most - exact <= _SPARE * most or limit >= most or n >= _FURTHER:
                return kept
        else:
            more = sharpened(ready.prepared.core, ready.column, budget, chosen.weights)
            budget = budget if more is None else more
            if more is not None:
                continue
            high = min(high, limit)
            if kept is not None and n >= _FURTHER:
                return kept
        limit = limit - (exact - most)
        if not low < limit < high:
            limit = 0.5 * (low + high)
        if least is not None and limit < least:
            break  # nothing has so little by the pieces
    if kept is not None:
        return kept
    raise ModelError(
        "solver_failed",
        "the exact model keeps no weights inside the margin budget",
        place="--margin-budget",
        value=exact,
        limit=f"{most:,.2f} USD",
        remedy="Give more margin.",
    )


def _told(
    ready: MarginReady, line: Frontier, chosen: Choice, held: Holdings | None, rounds: int
) -> dict[str, Any]:
    """Initial margin of the choice and of others beside it, exact and by the pieces."""
    n = len(chosen.weights)
    rows = [
        (f"chosen: {chosen.method.name}", chosen.weights),
        ("least variance", line.minimum_variance().weights),
        ("most return", line.maximum_return().weights),
        ("equal weights", np.full(n, 1.0 / n)),
    ]
    if held is not None:
        rows.append(("held now", held.weight))
    exact = [ready.exact(w) for _, w in rows]
    return {
        "model": ready.ask.model,
        "budget_usd": ready.ask.budget_usd,
        "wealth_usd": ready.wealth,
        "contracts": list(ready.names),
        "left_out": list(ready.left_out),
        "rounds": rounds,
        "rows": [
            {
                "portfolio": name,
                "im_usd": im,
                "im_by_pieces_usd": float(ready.budget.at(w)),
                "im_fraction": im / ready.wealth,
                "kept": bool(im <= ready.ask.budget_usd * (1.0 + _CLOSE)),
            }
            for (name, w), im in zip(rows, exact, strict=True)
        ],
    }
