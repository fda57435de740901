"""The verb optimise: trades that lower an account's margin, re-priced by the exact model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.decisions.margin_choice import (
    Desired,
    Tolerances,
    Workbench,
    limits_of,
    profile_of,
    workbench,
)
from crossmargin.decisions.margin_exact import Priced, made_good
from crossmargin.decisions.margin_lp import Contradiction, Goal, MarginProblem
from crossmargin.decisions.margin_outlook import (
    GreekMove,
    GridMove,
    Outlook,
    after_of,
    dense_moves,
    exit_usd,
    finer,
    greek_moves,
    grid_moves,
    outlooks,
)
from crossmargin.decisions.programme import relaxed_text
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.intents_file import write_intents
from crossmargin.interfaces.optimise_figures import optimise_figures
from crossmargin.interfaces.optimise_layouts import optimise_document
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import BookLike, MarketLike
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif import PreparedBook, prepare

__all__ = ["OBJECTIVES", "OptimiseResult", "Terms", "horizon_of", "life_of", "optimise"]

OBJECTIVES = ("margin", "call", "free-equity")
_TOLERANCES = ("delta", "gamma", "vega", "worse", "better")
TOLD = 2  # relaxations that an error names
FINER = 4  # times that an answer is made; what is left beyond a limit is said


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked: the objective, the price of a dollar of margin, the tolerances."""

    objective: str
    days: float
    funding: float
    buffer_usd: float
    tolerances: Tolerances
    desired: Desired
    legs: int | None
    whole: bool

    @property
    def price(self) -> float:
        """Dollars that a dollar of margin costs over the horizon."""
        return self.funding * self.days / 365.0


@dataclass(frozen=True, repr=False)
class OptimiseResult(Shown):
    """The trades and what they do; ``priced`` has every number as it was computed."""

    priced: Priced
    bench: Workbench
    prepared: PreparedBook
    terms: Terms
    greeks: tuple[GreekMove, ...]
    grid: tuple[GridMove, ...]
    dense: tuple[GridMove, ...]
    outlooks: tuple[Outlook, ...]
    exits_usd: tuple[float, float]
    asked: Mapping[str, Any]

    @property
    def trades(self) -> tuple[Trade, ...]:
        """The trades, the one that costs most first."""
        return self.intents.trades

    @property
    def saved_usd(self) -> float:
        """Initial margin before less after, of the exact model with open orders."""
        return self.priced.saved_usd

    @property
    def cost_usd(self) -> float:
        """Spread, walk, impact and fees of the trades, and funding paid over the days."""
        return self.priced.cost_usd

    @cached_property
    def intents(self) -> Intents:
        """The trades as intents: nothing is sent."""
        items, several = self.bench.view.instruments.items, len(self._venues()) > 1
        out = []
        for j in np.flatnonzero(self.priced.sizes).tolist():
            item, size = items[int(self.bench.column[j])], float(self.priced.sizes[j])
            cost = self.bench.cost_usd(j, size)
            venue = item.venue if several else ""
            trade = Trade(item.native_id, size, venue=venue, cost_usd=cost)
            out.append(replace(trade, account=self.prepared.account, reason="lowers margin"))
        return Intents(tuple(sorted(out, key=lambda trade: (-trade.cost_usd, trade.instrument))))

    def _venues(self) -> set[str]:
        return {item.venue for item in self.bench.view.instruments.items}

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        found: Mapping[str, Any] = checked(optimise_figures(self))
        return found

    @cached_property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        return self.prepared.receipt((), self.asked, "optimise")

    def document(self) -> Document:
        """Trades, before and after, what binds, what got worse, what was left out."""
        return optimise_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def write_intents(self, path: str | Path) -> Path:
        """The trades as FILE.csv or FILE.json, which ``whatif --rank FILE.csv`` reads back."""
        return write_intents(path, {"optimise": self.intents})

    def plot(self, path: str | Path) -> Path:
        """P&L over the own grid and margin by scenario, before and after: .html, .svg or .png."""
        from crossmargin.interfaces.optimise_plot import optimise_svg  # only when it is drawn

        heading = "P&L and margin, before and after"
        return write_plot(path, lambda width: optimise_svg(self, width), self.document, heading)


def life_of(objective: str, days: float) -> float:
    """Days of life below which a contract is only closed: what expires earlier saves for less."""
    return days if objective == "margin" else 1.0


def horizon_of(objective: str, days: float) -> float:
    """Days over which a saving is priced; 0 where it is wanted at once, however long it lasts."""
    return days if objective == "margin" else 0.0


def optimise(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    *,
    objective: str = "margin",
    days: float = 30.0,
    funding: float = 0.08,
    buffer_usd: float = 0.0,
    tolerances: Tolerances | None = None,
    desired: Desired | None = None,
    legs: int | None = None,
    whole: bool = True,
    maker: bool = False,
    candidates: Iterable[str] | None = None,
    asked: Mapping[str, Any] | None = None,
    **options: Any,
) -> OptimiseResult:
    """The trades that lower the margin of one account the most for their cost.

    ``objective``: ``margin`` (funding x days of the requirement, and the cost), ``call`` (least
    cost that brings requirement and cost under what counts, less ``buffer_usd``), ``free-equity``
    (a dollar of margin is a dollar). ``tolerances``: how far Greeks and P&L may move. ``desired``:
    sizes, the life of what may be opened (default: ``days`` where margin is priced over them) and
    how many contracts are looked at; ``candidates``: names (default: every quoted contract of the
    book's underlyings). ``legs``: at most so many. ``whole``: in whole lots.
    ``maker``: costs of orders that rest and are filled; whether they are is not known. The
    other options are those of ``prepare``. Requirements and costs are positive dollars. Raises
    CrossMarginError; InputError ``option_unknown`` with the least relaxations where nothing is
    feasible.
    """
    desired = desired or Desired(
        least_days=life_of(objective, days), horizon_days=horizon_of(objective, days)
    )
    terms = Terms(
        objective,
        days,
        funding,
        buffer_usd,
        tolerances or Tolerances(),
        replace(desired, held_days=days, maker=maker or desired.maker),
        legs,
        whole or legs is not None,
    )
    _check(terms)
    prepared = prepare(book, market, model, candidates, **options)
    core = prepared.core
    bench = workbench(core, prepared.snapshot, terms.desired)
    priced = _kept(bench, prepared, terms)
    now, then = bench.quantity, after_of(bench, priced.sizes)
    return OptimiseResult(
        priced,
        bench,
        prepared,
        terms,
        greek_moves(bench, priced.sizes),
        grid_moves(bench, priced.sizes),
        dense_moves(bench, prepared.snapshot, priced.sizes),
        outlooks(bench, prepared.book, prepared.snapshot, priced.sizes),
        (exit_usd(bench, now), exit_usd(bench, then)),
        asked or {},
    )


def _kept(bench: Workbench, prepared: PreparedBook, terms: Terms) -> Priced:
    """The answer; made again with the points between those of the grid at which it breaks it."""
    problem, rest = _problem(bench, terms), FINER
    while True:
        priced = made_good(bench, problem, whole=terms.whole)
        if isinstance(priced, Contradiction):
            raise _infeasible(priced)
        profile, rest = problem.profile, rest - 1
        more = None if profile is None else finer(bench, prepared.snapshot, priced.sizes, profile)
        if more is None or rest == 0:
            return priced
        problem = replace(problem, profile=more)


def _problem(bench: Workbench, terms: Terms) -> MarginProblem:
    before = bench.prepared.before
    if terms.objective == "call":
        goal = Goal(0.0, before.counted_im_usd - terms.buffer_usd)
    else:
        goal = Goal(1.0 if terms.objective == "free-equity" else terms.price)
    profile = profile_of(bench, terms.tolerances, before.im_usd)
    limits = limits_of(bench, terms.tolerances)
    return MarginProblem(
        bench.blocks, bench.tickets, goal, limits, profile, terms.legs, bench.uncounted
    )


def _check(terms: Terms) -> None:
    if terms.objective not in OBJECTIVES:
        raise InputError(
            "option_unknown",
            "no such objective",
            place="--objective",
            value=terms.objective,
            limit=", ".join(OBJECTIVES),
            remedy="Choose one of them.",
        )
    shares = {n: getattr(terms.tolerances, n) for n in _TOLERANCES}
    numbers = {
        "--days": terms.days,
        "--funding": terms.funding,
        "--buffer": terms.buffer_usd,
        "--largest": terms.desired.largest,
        "--least-days": terms.desired.least_days,
        "--least-usd": terms.desired.least_usd,
        "--legs": 1 if terms.legs is None else terms.legs,
        **{f"--{name}": share for name, share in shares.items() if share is not None},
    }
    for place, value in numbers.items():
        if not 0.0 <= value < float("inf"):
            raise InputError(
                "number_out_of_range",
                "a number of the optimisation is out of bounds",
                place=place,
                value=value,
                limit=">= 0",
                remedy="Correct the number.",
            )


def _infeasible(found: Contradiction) -> InputError:
    return InputError(
        "option_unknown",
        "no trades keep every limit",
        place="optimise",
        value=_first_of(found),
        limit="the limits as they were given",
        remedy="Loosen what is named by as much (a call: transfer it), or allow larger sizes.",
    )


# The row of a call: margin and cost within what counts.
_COUNTED = "what counts against IM, less --buffer,"


def _first_of(found: Contradiction) -> str:
    """The first relaxations in words, and how many more there are: a message is cut elsewhere."""
    first, more = found.relaxations[:TOLD], len(found.relaxations) - TOLD
    said = [
        replace(each, name=_COUNTED) if each.name == "margin budget" else each for each in first
    ]
    text = relaxed_text(said, {**found.units, _COUNTED: "USD"})
    return f"{text}; and {more} more" if more > 0 else text
