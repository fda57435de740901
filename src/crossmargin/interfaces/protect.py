"""The verb protect: hedges that keep an account above a floor, by cost, and rules beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number
from crossmargin.decisions.hedge_chain import chains_of, perpetual_of
from crossmargin.decisions.hedge_finder import FAMILIES
from crossmargin.decisions.insurance_paths import Rule, drawn_paths, windows
from crossmargin.decisions.intents import Intents
from crossmargin.decisions.protection import Ask, Candidate, Protection
from crossmargin.decisions.protection import protect as find
from crossmargin.decisions.strategies import Score, Terms, rule_scores, scores
from crossmargin.decisions.tail_hedge import Crash, Margined, Tail, tail_within
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.doubts import age_notes, market_figures, verdict_notes
from crossmargin.interfaces.figures import checked, market_notes
from crossmargin.interfaces.intents_file import write_intents
from crossmargin.interfaces.protect_figures import candidate_figures, notes_of, score_figures
from crossmargin.interfaces.protect_layouts import protect_document
from crossmargin.interfaces.receipt import Receipt, command_line
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    one_account,
    only_account,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.market.fields import split_contract
from crossmargin.market.history import moves
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["CRASHES", "ProtectResult", "protect"]

# Falls at once, what volatility is multiplied by, and a weight. The numbers are round and a choice:
# the library takes others (crossmargin.decisions.tail_hedge.tail_hedge).
CRASHES = (Crash(-0.3, 1.6, 0.8), Crash(-0.5, 2.2, 0.2))
_LIKE_COINS = re.compile(r"[A-Z][A-Z0-9]{1,14}:[^/\\]*")
_NOTIONAL = re.compile(r"([A-Z][A-Z0-9]{1,14}):([0-9]+(?:[.][0-9]+)?)")
_INTEREST = 0.05  # of a put's open interest is the most that a tail hedge buys where no size shows


@dataclass(frozen=True, repr=False)
class ProtectResult(Shown):
    """Candidates in their order. ``found`` has every number as computed."""

    found: Protection
    prepared: PreparedBook
    view: View
    compared: tuple[tuple[Score, ...], str] | None
    tail: tuple[Tail, Margined, float] | None  # with the budget
    asked: Mapping[str, Any]

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """One dictionary a candidate, the best first."""
        return list(self.figures["candidates"])

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        found, core = self.found, self.prepared.core
        bare, lines = found.bare, found.field.lines
        seen = market_figures(self.prepared.snapshot, self.view)
        made: dict[str, Any] = {
            "verb": "protect",
            "account": self.prepared.account,
            "model": core.base.model.name,
            "as_of": format_ms(self.view.as_of_ms),
            "coin": found.ask.underlying,
            "price_usd": lines.price,
            "equity_usd": found.field.book.equity_usd,
            "floor_usd": found.floor_today_usd,
            "floor_unit": found.ask.unit,
            "floor_coins": found.floor_today_usd / lines.price,
            "days": found.ask.days,
            "im_usd": found.im_usd,
            "mm_usd": found.mm_usd,
            "needed": found.needed,
            "bare_least_usd": bare.least_usd,
            "bare_least_at_usd": bare.at,
            "bare_holds_from_usd": bare.holds_from,
            "bare_holds_to_usd": bare.holds_to if np.isfinite(bare.holds_to) else None,
            "vol_response": found.field.response,
            "vol_response_from": found.response_from,
            "candidates": [candidate_figures(each, found) for each in found.candidates],
            "without": list(found.without),
            "missing": [{"instrument": m.name, "sides": m.sides} for m in found.missing],
            "compared": None,
            "tail": None if self.tail is None else self._tail(),
            "notes": [
                *notes_of(found, core.losses),
                *age_notes(seen),
                *verdict_notes(seen),
                *market_notes(self.view),
            ],
        }
        if self.compared is not None:
            rows, source = self.compared
            made["compared"] = {"paths": source, "rows": [score_figures(each) for each in rows]}
        plain: Mapping[str, Any] = checked(made)
        return plain

    def _tail(self) -> dict[str, Any]:
        assert self.tail is not None
        tail, margin, budget = self.tail
        items = self.found.field.lines.items
        return {
            "budget_usd_per_year": budget,
            "cost_usd": tail.cost_usd,
            "cost_usd_per_year": tail.year_usd,
            "budget_price": tail.price_usd,
            "im_usd": margin.after_usd,
            "marginal_im_usd": margin.after_usd - margin.before_usd,
            "marginal_mm_usd": margin.mm_after_usd - margin.mm_before_usd,
            "passes": margin.passes,
            "margin_budget_usd": margin.most_usd,
            "margin_rate_fraction_per_year": margin.rate,
            "margin_price": tail.margin_price_usd,
            "im_by_pieces_usd": margin.pieces_usd,
            "left_out": list(margin.left_out),
            "legs": [
                {
                    "instrument": items[leg.row].native_id,
                    "size": leg.size,
                    "cost_usd": leg.cost_usd,
                    "cost_usd_per_year": leg.year_usd,
                }
                for leg in tail.legs
            ],
            "crashes": [
                {
                    "move_fraction": crash.move,
                    "vol_factor": crash.vol_factor,
                    "weight": crash.weight,
                    "payoff_usd": pays,
                    "convexity": ratio,
                    "breakeven_per_year": often if np.isfinite(often) else None,
                }
                for crash, pays, ratio, often in zip(
                    CRASHES, tail.payoff_usd, tail.convexity, tail.breakeven, strict=True
                )
            ],
        }

    def best(self, number: int = 1) -> Candidate:
        """The candidate of that place in the ranking, from 1; InputError where there is none."""
        if not 1 <= number <= len(self.found.candidates):
            raise InputError(
                "number_out_of_range",
                "there is no candidate of that number",
                place="--take",
                value=number,
                limit=f"1 to {len(self.found.candidates)}",
                remedy="Choose one of the table.",
            )
        return self.found.candidates[number - 1]

    def intents(self, number: int = 1) -> Intents:
        """The trades of one candidate."""
        return self.best(number).intents()

    def write_intents(self, path: str | Path, number: int = 1) -> Path:
        """Write the trades as FILE.csv or FILE.json; ``whatif --rank`` reads both."""
        return write_intents(path, {self.best(number).found.family: self.intents(number)})

    def plot(self, path: str | Path, number: int = 1) -> Path:
        """Draw the account before and after one candidate: FILE.svg, .html, or .png."""
        from crossmargin.interfaces.plots import write_plot  # drawing: only when asked for
        from crossmargin.interfaces.protect_plot import protect_svg

        chosen = self.best(number) if self.found.candidates else None

        def picture(width: float) -> str:
            return protect_svg(self.found, chosen, width)

        return write_plot(path, picture, self.summary, "Before and after")

    @property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        own = self.prepared.receipt((), {}, "protect")
        parts: list[str] = []
        if self.asked["reproducible"] and own.command:
            parts = own.command.split()
            for flag, value in self.asked["flags"].items():
                if value is None or value is False:
                    continue
                many = value if isinstance(value, list) else [value]
                parts += [flag] if value is True else [flag, *map(str, many)]
        command = command_line(parts) if parts else ""
        return Receipt(
            own.book, own.orders, own.snapshot, own.parameters, own.changes, own.as_of, own.model,
            command, own.build,
        )  # fmt: skip

    def document(self, top: int = 0) -> Document:
        """The account, the candidates, roll plans, comparison; ``top`` candidates (0: all)."""
        return protect_document(self.figures, top)

    def summary(self) -> Document:
        """The document with the best candidates alone."""
        return self.document(10)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}


def protect(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    *,
    floor: float = 0.8,
    floor_price: float | None = None,
    unit: str = "usd",
    days: float = 60.0,
    coin: str | None = None,
    strategies: Sequence[str] | None = None,
    expiries: int = 4,
    crash: float = 0.5,
    cap: float = 0.2,
    response: float | None = None,
    cppi: Sequence[float] = (),
    tail_budget: float | None = None,
    tail_margin: float | None = None,
    margin_rate: float = 0.0,
    paths: int = 2000,
    seed: int = 1,
    replay: bool = False,
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    account: str | None = None,
    fee: float | Mapping[str, float] | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> ProtectResult:
    """Hedges that keep one account's equity above a floor, ranked by cost.

    ``book``: an account, or ``"BTC:10"`` for coins held at ``venue`` (deribit). ``floor``: a share
    of today's equity; ``floor_price``: what the account is worth by itself at that price. ``unit``
    ``usd`` or ``coin``. ``days``: the horizon. ``coin``: whose price moves; default the largest of
    the account. ``strategies``: of :data:`FAMILIES`. ``crash``, ``cap``, ``response``: those of
    ``Ask``. ``cppi``: multipliers; with any, hedges and rules are compared over ``paths`` drawn
    from the market's history with ``seed``, or over its own stretches (``replay``).
    ``tail_budget``: share of the equity a year for a tail hedge, after which the IM is at most
    ``tail_margin`` dollars; one of them costs ``margin_rate`` a year of that budget. The other
    arguments are those of ``whatif``. Dollars; costs are positive.
    """
    _check(cppi, tail_budget, margin_rate)
    snapshot, source = snapshot_of(market), _coins_alone(book, venue)
    held = book_of(source, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = only_account(held if account is None else one_account(held, account), "protection")
    chosen = coin or _largest_coin(held, snapshot)
    wanted = _families(strategies)
    ask = Ask(chosen, floor, floor_price, days, unit, wanted, expiries, crash, cap, response)
    prepared = prepare(
        held, snapshot, model, _tradable(held, snapshot, chosen), as_of=as_of, params=params,
        changes=changes, fee=fee,
    )  # fmt: skip
    view, _ = prepared.seen()
    found = find(prepared.core, held, view, snapshot, ask)
    compared = _compared(found, prepared, view, cppi, paths, seed, replay) if cppi else None
    tail = _tail(found, prepared, view, snapshot, (tail_budget, tail_margin, margin_rate))
    flags: dict[str, Any] = {
        "--floor": f"{floor!r}", "--floor-price": floor_price, "--unit": unit, "--coin": coin,
        "--days": f"{days!r}", "--strategies": list(strategies or ()) or None, "--crash": crash,
        "--expiries": expiries, "--cap": cap, "--response": response, "--cppi": list(cppi) or None,
        "--tail-budget": tail_budget, "--tail-margin": tail_margin, "--paths": paths,
        "--margin-rate": margin_rate or None, "--seed": seed, "--replay": replay, "--format": form,
        "--account": account, "--venue": venue, "--allow-duplicates": allow_duplicates,
    }  # fmt: skip
    prepared._sources = (book, market)
    files = isinstance(book, str | Path) and isinstance(market, str | Path)
    asked = {"flags": flags, "reproducible": files and not isinstance(fee, Mapping)}
    return ProtectResult(found, prepared, view, compared, tail, asked)


def _check(cppi: Sequence[float], tail_budget: float | None, margin_rate: float) -> None:
    """InputError with the flag's name, before a budget is dollars."""
    for multiplier in cppi:
        number("--cppi", multiplier, 0.0, above=True)
    if tail_budget is not None:
        number("--tail-budget", tail_budget, 0.0, above=True)
    number("--margin-rate", margin_rate, 0.0)


def _families(named: Sequence[str] | None) -> tuple[str, ...]:
    """Strategies as the finder names them: ``zero-cost-collar`` is ``zero-cost collar``."""
    every = named or FAMILIES
    return tuple(each.replace("-", " ").replace("zero cost", "zero-cost") for each in every)


def _coins_alone(book: BookLike, venue: str | None) -> BookLike:
    """``COIN:AMOUNT`` as the book of one balance."""
    if not isinstance(book, str) or Path(book).exists():
        return book
    found = _NOTIONAL.fullmatch(book.upper())  # btc:5 is meant as BTC:5
    if found is None and _LIKE_COINS.fullmatch(book):
        raise InputError(
            "number_out_of_range",
            "coins that are held are COIN:AMOUNT, or a book file",
            place=book,
            limit="an amount above 0, as BTC:10",
            remedy="Correct the amount, or give the path of a book.",
        )
    if found is None:
        return book
    row = {"type": "balance", "account": "notional", "venue": venue or "deribit",
           "currency": found[1], "quantity": float(found[2])}  # fmt: skip
    return [row]


def _largest_coin(book: Book, snapshot: Snapshot) -> str:
    """The coin with most dollars of balances and contracts whose options are quoted."""
    quoted = {s.partition("|")[2].partition("-")[0] for s in snapshot.places("mark_iv")}
    sums: dict[str, float] = {}
    for column, size in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        coin = item.settle if item.kind == Kind.ASSET else item.underlying
        usd = snapshot.get("usd", coin) or snapshot.get("index", f"{coin}/USD") or 0.0
        dollars = item.inverse and item.kind != Kind.OPTION
        worth = abs(size) * item.multiplier * (1.0 if dollars else usd)
        if any(name.startswith(coin) for name in quoted):
            sums[coin] = sums.get(coin, 0.0) + worth
    if not sums:
        raise InputError(
            "option_unknown",
            "no coin of the account has options in this market",
            place="--coin",
            limit=", ".join(sorted(quoted)) or "none",
            remedy="Name a coin that the market quotes.",
        )
    return max(sorted(sums), key=lambda name: sums[name])


def _tradable(book: Book, snapshot: Snapshot, coin: str) -> list[str]:
    """Names of the coin's options and perpetuals that the market quotes at the book's venues."""
    from crossmargin.instruments.symbology import parse  # names of contracts that are not held

    venues = {item.venue for item in book.instruments.items}
    out = []
    for subject in {**snapshot.places("mark_iv"), **snapshot.places("mark")}:
        venue, name = split_contract(subject)
        if venue not in venues or not name.startswith(coin):
            continue
        item = parse(venue, name)
        wanted = item.kind in (Kind.OPTION, Kind.PERPETUAL) and item.underlying == coin
        if wanted and item.expiry_ms > snapshot.as_of_ms:
            out.append(subject)
    return out


def _compared(
    found: Protection,
    prepared: PreparedBook,
    view: View,
    cppi: Sequence[float],
    paths: int,
    seed: int,
    replay: bool,
) -> tuple[tuple[Score, ...], str]:
    """The best candidate of each kind and the rules over the same paths."""
    known = moves(view.history, [found.ask.underlying], DAY_MS)
    daily = known.log_return[0]
    steps = max(2, round(found.ask.days))
    if replay:
        price = np.exp(np.concatenate([[0.0], np.cumsum(daily)]))
        drawn = windows(price, steps)
        source = f"{len(drawn)} stretches of {steps} days, of {len(daily)} recorded"
    else:
        drawn = drawn_paths(daily, steps, paths, seed)
        source = f"{paths} paths of {steps} days, blocks of {len(daily)} recorded; seed {seed}"
    best: dict[str, Candidate] = {}
    for each in found.candidates:
        best.setdefault(each.found.family, each)
    rows, bare = scores(found, list(best.values()), drawn)
    share = min(found.floor_today_usd / found.field.book.equity_usd, 0.999)
    vol = float(np.std(daily)) * np.sqrt(365.0)
    rules = [(f"CPPI, m {m:g}", Rule("cppi", share, m)) for m in cppi]
    rules += [(f"TIPP, m {m:g}", Rule("tipp", share, m, share=share)) for m in cppi[:1]]
    rules += [
        ("rolling-peak floor", Rule("peak", share, cppi[0], share=share)),
        ("volatility-targeted", Rule("vol", share, max(*cppi, 6.0), vol=vol)),
        ("OBPI, synthetic put", Rule("obpi", share, vol=vol)),
    ]
    perp = perpetual_of(found.field.lines, view, set(prepared.core.column))
    terms = prepared.core.desk.schedule.of
    cost = 0.0005 if perp is None else terms(found.field.lines.items[perp]).share
    funding = 0.0
    if perp is not None:
        item = found.field.lines.items[perp]
        funding = view.read("funding_8h", f"{item.venue}|{item.native_id}", 0.0) * 3.0 * 365.0
    rows += rule_scores(found, rules, drawn, bare, Terms(cost, funding), daily, prepared.core, perp)
    return tuple(rows), source


def _tail(
    found: Protection,
    prepared: PreparedBook,
    view: View,
    snapshot: Snapshot,
    asked: tuple[float | None, float | None, float],
) -> tuple[Tail, Margined, float] | None:
    """The tail hedge for a share of the equity a year, within what is shown of each put.

    ``asked``: that share (None: no tail hedge), the margin budget and what margin costs a year.
    With the exact margin and the budget in dollars.
    """
    share, most, rate = asked
    if share is None:
        if most is not None or rate:
            raise InputError(
                "option_unknown",
                "a margin budget is of a tail hedge",
                place="--margin-rate" if most is None else "--tail-margin",
                limit="--tail-budget with it",
                remedy="Give --tail-budget, or leave this out.",
            )
        return None
    lines = found.field.lines
    terms = prepared.core.desk.schedule.of
    chains = chains_of(lines, view, terms, set(prepared.core.column))
    chains = [chain for chain in chains if chain.years >= 14.0 / 365.0]
    limits = {}
    for chain in chains:
        for row in chain.puts.rows:
            subject = f"{lines.items[row].venue}|{lines.items[row].native_id}"
            shown = snapshot.get("ask_size", subject)
            held = snapshot.get("open_interest", subject) or 0.0
            limits[row] = _INTEREST * held if shown is None else shown
    budget = share * found.field.book.equity_usd
    tail, margin = tail_within(
        prepared.core, found.field, chains, CRASHES, budget, limits, margin_usd=most, rate=rate
    )
    return tail, margin, budget
