"""The verb rank: candidate trades by the margin that each saves for its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isinf
from pathlib import Path
from typing import Any

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.decisions.margin_costs import funding_usd, trade_usd
from crossmargin.decisions.margin_rank import (
    RankedTrades,
    costed,
    largest_that_fits,
    life_days,
    ranked_trades,
    standard_candidates,
)
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.intents_file import write_intents
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.rank_layouts import differs, rank_document
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.results import SHOWN, Shown
from crossmargin.interfaces.sources import BookLike, MarketLike
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif import CandidatesLike, PreparedBook, prepare
from crossmargin.interfaces.whatif_legs import candidates_of
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.fields import contract_subject

__all__ = ["LEAST_DAYS", "RankResult", "rank"]

# Life below which a contract is no candidate by default: what it saves is back within the week.
LEAST_DAYS = 7.0


@dataclass(frozen=True, repr=False)
class RankResult(Shown):
    """The candidates, best first. ``found`` has every number as it was computed."""

    found: RankedTrades
    prepared: PreparedBook
    names: tuple[str, ...]
    legs: tuple[tuple[Leg, ...], ...]
    fits: Mapping[int, tuple[tuple[float, ...] | None, str]]  # by place in the ranking
    lasts_days: tuple[float, ...]  # of each candidate as it came; infinite where nothing expires
    least_days: float | None  # None: the candidates were given
    days: float
    maker: bool
    asked: Mapping[str, Any]

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        core, found = self.prepared.core, self.found
        rows = []
        for place, k in enumerate(found.order.tolist()):
            sizes, why = self.fits.get(place, (None, ""))
            infinite = found.per_cost[place] == float("inf")
            rows.append(
                {
                    "candidate": self.names[k],
                    "saved_im_usd": float(found.saved_im_usd[place]),
                    "freed_usd": float(found.freed_usd[place]),
                    "saved_mm_usd": float(found.saved_mm_usd[place]),
                    "cost_usd": float(found.cost_usd[place]),
                    "lasts_days": None if isinf(self.lasts_days[k]) else self.lasts_days[k],
                    "cost_whole": bool(found.whole[place]),
                    "saved_per_cost": None if infinite else float(found.per_cost[place]),
                    "free": bool(infinite),
                    "passes": bool(found.passes[place]),
                    "im_usd": float(found.im_usd[place]),
                    "free_after_usd": float(found.room_im_usd[place]),
                    "largest": None if sizes is None else [float(s) for s in sizes],
                    "largest_unknown": why,
                }
            )
        made: Mapping[str, Any] = checked(
            {
                "verb": "rank",
                "model": core.base.model.name,
                "account": self.prepared.account,
                "as_of": format_ms(core.base.view.as_of_ms),
                "im_usd": core.before.im_usd,
                "free_usd": core.before.counted_im_usd - core.before.im_usd,
                "least_days": self.least_days,
                "days": self.days,
                "maker": self.maker,
                "funding_unknown": list(self._unknown()),
                "candidates": rows,
            }
        )
        return made

    def _unknown(self) -> tuple[str, ...]:
        """Perpetuals among the candidates whose funding is not recorded."""
        items = self.prepared.core.table.items
        traded = sorted({leg.column for each in self.legs for leg in each})
        get = self.prepared.snapshot.get
        return tuple(
            items[k].native_id
            for k in traded
            if items[k].kind == Kind.PERPETUAL
            and get("funding_8h", contract_subject(*items[k].key)) is None
        )

    @cached_property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        return self.prepared.receipt((), self.asked, "rank")

    def document(self, top: int = 0) -> Document:
        """The candidates, best first (0: all)."""
        return rank_document(self.figures, top)

    def summary(self) -> Document:
        """The first of them."""
        return self.document(SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def intents(self, top: int = SHOWN) -> Mapping[str, Intents]:
        """The first candidates as intents, each a group by its name."""
        items = self.prepared.core.table.items
        out: dict[str, Intents] = {}
        for k in self.found.order.tolist()[: top or None]:
            trades = tuple(
                Trade(items[leg.column].native_id, leg.size, leg.price, leg.reduce_only)
                for leg in self.legs[k]
            )
            out[self.names[k]] = Intents(trades)
        return out

    def write_intents(self, path: str | Path, top: int = SHOWN) -> Path:
        """The first candidates as FILE.csv or FILE.json, which ``whatif --rank`` reads back."""
        return write_intents(path, self.intents(top))

    def plot(self, path: str | Path) -> Path:
        """Margin saved by each of the first candidates as FILE.html, .svg or .png."""
        from crossmargin.interfaces.charts import bars_svg  # only when it is drawn

        rows = [each for each in self.figures["candidates"] if each["freed_usd"] > 0.0][:SHOWN]
        if not rows:
            raise InputError(
                "option_unknown",
                "there is nothing to draw: no candidate saves margin",
                place="--plot",
                remedy="Give other candidates.",
            )
        bars = [(each["candidate"], [each["freed_usd"]]) for each in rows]
        premium = differs(self.figures["candidates"])
        word = "Freed for other trades" if premium else "Initial margin saved"
        title = f"{word}, best for the cost first"

        def picture(width: float) -> str:
            return bars_svg(title, bars, ["freed" if premium else "IM saved"], width, unit="USD")

        return write_plot(path, picture, self.summary, title)


def rank(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    candidates: CandidatesLike | None = None,
    *,
    share: float = 0.1,
    fit: int = 5,
    least_days: float = LEAST_DAYS,
    first: int = SHOWN,
    days: float = 30.0,
    maker: bool = False,
    progress: Callable[[int, int], None] | None = None,
    asked: Mapping[str, Any] | None = None,
    **options: Any,
) -> RankResult:
    """Candidate trades by the initial margin that each saves for a dollar of cost.

    ``candidates``: a CSV file or a sequence as for ``whatif(rank=...)``; left out, every contract
    that is quoted in the book's underlyings, both sides, at ``share`` of the book's largest
    position, with ``least_days`` of life or more (less: only to close what is held, since what a
    contract saves is back when it expires). ``fit``: of so many of the first the largest size that
    the venue takes. ``first``: so many are ranked by the whole cost (walk and impact too), the rest
    by spread and fee. ``days``: over which a perpetual that is traded pays funding, where the
    market has it; funding received is no gain. ``maker``: costs of orders that rest, of
    every candidate by the whole cost; a leg with a price of its own is costed at it. The other
    options are those of ``prepare``. Savings and costs are positive dollars. Raises
    CrossMarginError with one code.
    """
    _refuse("--share", share, 0.0 < share < inf, "a number above 0")
    _refuse("--fit", fit, fit >= 0, "0 or more")
    _refuse("--least-days", least_days, 0.0 <= least_days < inf, "0 days or more")
    _refuse("--days", days, 0.0 <= days < inf, "0 days or more")
    if candidates is None:
        prepared = prepare(book, market, model, None, **options)
        core = prepared.core
        view = prepared.snapshot.view(core.table, core.base.view.as_of_ms)
        pairs = standard_candidates(core, view, share, least_days)
    else:
        given = candidates_of(candidates)
        named = [leg.name for each in given for leg in each.legs]
        prepared = prepare(book, market, model, named, **options)
        pairs = [(each.name, [prepared.leg(leg) for leg in each.legs]) for each in given]
    names, legs = [name for name, _ in pairs], [each for _, each in pairs]
    # A taker's plain cost is no bound below a maker's, nor another venue's below one's own.
    every_whole = maker or is_mapped(prepared.core.base.model, prepared.core.table.items)
    count = len(legs) if every_whole else max(first, fit)
    found = _ranked(prepared, legs, (count, days, maker), progress)
    tried = found.order[:fit].tolist()
    fits = {place: largest_that_fits(prepared.core, legs[k]) for place, k in enumerate(tried)}
    source = str(candidates) if isinstance(candidates, str | Path) else None
    kept = least_days if candidates is None else None
    flags = {
        "candidates": source,
        "share": share,
        "fit": fit,
        "least_days": least_days,
        "days": days,
        "maker": maker,
        **(asked or {}),
    }
    life = life_days(prepared.core.table, prepared.core.base.view.as_of_ms)
    lasts = tuple(min((float(life[leg.column]) for leg in each), default=inf) for each in legs)
    every = tuple(tuple(each) for each in legs)
    return RankResult(found, prepared, tuple(names), every, fits, lasts, kept, days, maker, flags)


def _refuse(flag: str, value: float, good: bool, limit: str) -> None:
    if not good:
        raise InputError(
            "number_out_of_range",
            "a number of the ranking is out of bounds",
            place=flag,
            value=value,
            limit=limit,
            remedy="Correct the number.",
        )


def _ranked(
    prepared: PreparedBook,
    legs: Sequence[Sequence[Leg]],
    terms: tuple[int, float, bool],
    progress: Callable[[int, int], None] | None,
) -> RankedTrades:
    """The ranking, the first of it by the cost object; a leg with a price of its own keeps it.

    ``terms``: how many are the first, the days over which a perpetual pays funding, and whether
    the orders rest.
    """
    first, days, maker = terms
    core = prepared.core
    found = ranked_trades(core, legs, progress)
    view = prepared.snapshot.view(core.table, core.base.view.as_of_ms)
    desk = Desk(view, prepared.snapshot, core.desk.schedule, ExitTerms.at(view.as_of_ms))
    plain = dict(zip(found.order.tolist(), found.cost_usd.tolist(), strict=True))

    def cost_of(k: int) -> float:
        if any(leg.price is not None for leg in legs[k]):
            return float(plain[k]) + sum(
                funding_usd(desk, leg.column, leg.size, days) for leg in legs[k]
            )
        return sum(trade_usd(desk, leg.column, leg.size, days, maker=maker) for leg in legs[k])

    return costed(found, cost_of, first, core.before.im_usd)
