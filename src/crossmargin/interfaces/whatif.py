"""The verbs before a trade: prepare an account once, then ask what legs would do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.interfaces.doubts import market_figures
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    highest_price,
    moment_of,
    one_account,
    only_account,
    parameters_of,
    price_limit,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif_figures import ranking_figures, whatif_figures
from crossmargin.interfaces.whatif_layouts import whatif_document
from crossmargin.interfaces.whatif_legs import (
    Candidate,
    LegLike,
    Wanted,
    candidates_of,
    find_instrument,
    wanted,
)
from crossmargin.margin import whatif as room
from crossmargin.margin.listings import is_mapped, takes
from crossmargin.margin.model import Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.whatif_judge import Verdict
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["PreparedBook", "WhatIfResult", "prepare", "whatif"]

CandidatesLike = str | Path | Iterable[Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, repr=False)
class WhatIfResult(Shown):
    """What legs would do. ``found`` has every number as it was computed; figures are made on need.

    ``ranking`` holds the candidates, best first, where some were ranked; ``found`` is then of the
    best one.
    """

    found: room.WhatIf
    prepared: PreparedBook
    legs: tuple[Wanted, ...]
    atomic: bool
    ranked: room.Ranked | None = None
    names: Sequence[str] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)  # flags of the command

    @property
    def verdict(self) -> Verdict:
        """Would the venue take it: status, check, by how much."""
        return self.found.verdict

    @property
    def before(self) -> room.State:
        """The account as it stands, dollars."""
        return self.found.before

    @property
    def after(self) -> room.State:
        """The account after all legs, dollars."""
        return self.found.after

    @property
    def ranking(self) -> list[dict[str, Any]]:
        """One entry a candidate, best first; empty where none were ranked."""
        return list(self.figures.get("ranking", ()))

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        seen = self.prepared.seen(self.legs if self.ranked is None else None)
        made = whatif_figures(self.prepared.core, self.found, self.prepared.account, *seen)
        if self.ranked is not None:
            made["ranking"] = ranking_figures(self.ranked, self.names)
        found: Mapping[str, Any] = checked(made)
        return found

    @cached_property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        return self.prepared.receipt(self.legs, self.asked)

    def document(self, top: int = 0) -> Document:
        """What is shown; ``top`` cuts the ranking (0: all)."""
        return whatif_document(self.figures, top)

    def report_requirements(self) -> Mapping[str, Requirement]:
        """The account before and after all legs, each margined in full."""
        core = self.prepared.core
        base = core.base
        changed = core.changed_book([leg.leg for leg in self.found.legs])
        after = run(changed, base.view, base.via, base.parameters)
        return {"before": base, "after": after}

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page, before and after; the path written is given back."""
        from crossmargin.interfaces.report import write_report  # it draws results: no cycle

        return write_report(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}


class PreparedBook:
    """One account, one market, one model, laid out so that a what-if costs microseconds."""

    def __init__(
        self,
        core: room.Prepared,
        book: Book,
        snapshot: Snapshot,
        sources: tuple[BookLike, MarketLike],
        options: Mapping[str, Any],
        made: Mapping[str, Any],
    ) -> None:
        self.core = core
        self.book = book
        self.account = book.account[0]
        self.snapshot = snapshot
        self._sources, self._options, self._made = sources, options, made
        items = core.table.items
        self._column = {item.native_id: k for k, item in enumerate(items)}
        index, pair = core.desk.view.index.tolist(), core.desk.view.instruments.pair.tolist()
        rows = [core.desk.row_of(k) for k in range(len(items))]
        # A balance of a mapped book has no row, and no price.
        self._highest = [
            highest_price(item, index[pair[row]] if row >= 0 else 0.0)
            for item, row in zip(items, rows, strict=True)
        ]
        twice = {i.native_id for i in items if items[self._column[i.native_id]] != i}
        for name in twice:  # one name at two venues: the bare name is ambiguous
            del self._column[name]
        self._column |= {f"{item.venue}|{item.native_id}": k for k, item in enumerate(items)}

    def whatif(self, legs: Sequence[LegLike], *, atomic: bool = True) -> WhatIfResult:
        """What the legs would do, all at once or one after another.

        A leg is ``"NAME:SIZE@PRICE"``, ``(name, size)``, ``(name, size, price)`` or a mapping; its
        contract must be one of those that were prepared.
        """
        asked = tuple([wanted(leg, "leg") for leg in legs])
        found = self.core.whatif([self.leg(leg) for leg in asked], atomic=atomic)
        return WhatIfResult(found, self, asked, atomic)

    def size_to_fit(
        self, legs: Sequence[LegLike], *, atomic: bool = True, lot: float | None = None
    ) -> WhatIfResult:
        """The largest whole number of lots in the legs' ratio that the venue would take."""
        asked = tuple([wanted(leg, "leg") for leg in legs])
        found = self.core.size_to_fit([self.leg(leg) for leg in asked], atomic=atomic, lot=lot)
        flags = {"size_to_fit": True, "lot": lot}
        return WhatIfResult(found, self, asked, atomic, asked=flags)

    def rank(
        self,
        candidates: CandidatesLike,
        add: Sequence[LegLike] = (),
        *,
        atomic: bool = True,
        progress: Progress | None = None,
    ) -> WhatIfResult:
        """Candidates by the initial margin that they leave; the best one in full.

        ``add`` are legs that every candidate is added to. Each is judged all at once. ``progress``
        hears (candidates done, candidates in all).
        """
        return self._rank(candidates_of(candidates), add, candidates, atomic, progress)

    def _rank(
        self,
        tried: Sequence[Candidate],
        add: Sequence[LegLike],
        source: CandidatesLike,
        atomic: bool,
        progress: Progress | None,
    ) -> WhatIfResult:
        asked = tuple([wanted(leg, "leg") for leg in add])
        base = [self.leg(leg) for leg in asked]
        many = [[self.leg(leg) for leg in each.legs] for each in tried]
        ranked = self.core.rank(many, base, progress)
        best = int(ranked.order[0])
        found = self.core.whatif([*base, *many[best]], atomic=atomic)
        flags = {"rank": str(source) if isinstance(source, str | Path) else None}
        names = [each.name for each in tried]
        return WhatIfResult(found, self, asked, atomic, ranked, names, flags)

    def leg(self, leg: Wanted) -> Leg:
        """The leg in the prepared table; InputError ``instrument_unknown`` for another."""
        column = self._column.get(leg.name)
        if column is None:
            raise InputError(
                "instrument_unknown",
                "the contract was not prepared",
                place="leg",
                value=leg.name,
                limit=f"{len(self._column)} names: the book's and the candidates",
                remedy="Name it in prepare(..., candidates=...).",
            )
        if leg.price is not None and leg.price > self._highest[column]:
            raise InputError(
                "unit_wrong",
                "the price is not one that this contract can have",
                place=f"leg {leg.name}",
                value=leg.price,
                limit=price_limit(self.core.table.items[column]),
                remedy="Give the price in the contract's own unit: NAME:SIZE@PRICE.",
            )
        return Leg(column, leg.size, leg.price, leg.reduce_only)

    def leg_column(self, name: str) -> int:
        """The column of a name in the prepared table; InputError ``instrument_unknown``."""
        return self.leg(Wanted(name, 1.0)).column

    def seen(self, legs: Sequence[Wanted] | None = None) -> tuple[View, dict[str, Any]]:
        """The market through what is held and these legs (None: all that was prepared).

        With what of it is in doubt, as the margin of the same book says it.
        """
        table = self.core.table
        if legs is not None:
            items = [table.items[self.leg(leg).column] for leg in legs]
            table = Instruments.of([*self.book.instruments.items, *items])
        view = self.snapshot.view(table, self.core.base.view.as_of_ms)
        return view, market_figures(self.snapshot, view)

    def receipt(
        self, legs: Sequence[Wanted], asked: Mapping[str, Any], verb: str = "whatif"
    ) -> Receipt:
        """Hashes of what went in, and the command for the same bits."""
        base = self.core.base
        name = base.model.name
        return Receipt(
            book=self.book.positions_sha256(),
            orders=self.book.orders_sha256(),
            snapshot=self.snapshot.sha256,
            parameters={
                name: base.parameters.sha256,
                "trading": self.core.desk.schedule.parameters.sha256,
            },
            changes=self._made,
            as_of=format_ms(base.view.as_of_ms),
            model=name,
            command=self._command(verb, legs, asked),
            build=manifest(),
        )

    def _command(self, verb: str, legs: Sequence[Wanted], asked: Mapping[str, Any]) -> str:
        """The command; empty where something came from no file or has no form there."""
        book, snapshot = self._sources
        options = {**self._options, **asked}
        if not isinstance(book, str | Path) or not isinstance(snapshot, str | Path):
            return ""
        if "rank" in options and options["rank"] is None:
            return ""
        if any(leg.reduce_only for leg in legs) or isinstance(options.get("fee"), Mapping):
            return ""
        parts = ["crossmargin", verb, str(book), "--market", str(snapshot)]
        parts += ["--model", self.core.base.model.name]
        for leg in legs:
            parts += ["--order" if verb == "check" else "--add", leg.text()]
        for key, value in options.items():
            flag = "--format" if key == "form" else "--" + key.replace("_", "-")
            if value is True:
                parts.append(flag)
            elif value is not None and value is not False:
                parts += [flag, str(value)]
        for key, value in self._made.items():
            parts += ["--set", f"{key}={value}"]
        return command_line(parts)


def prepare(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    candidates: Iterable[str] | None = None,
    *,
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
    fee: float | Mapping[str, float] | None = None,
) -> PreparedBook:
    """An account ready for what-ifs over its own contracts and the ``candidates`` (names).

    Without candidates every contract that the snapshot quotes at the book's venue in an underlying
    of the book, and that the model takes, can be traded. ``fee`` replaces the table of fees: one
    share of underlying or notional for all. The other arguments are those of ``margin``.
    """
    chosen = model_named(model)
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = only_account(held, "a trade") if account is None else one_account(held, account)
    snapshot = snapshot_of(market)
    when = moment_of(as_of, "--as-of")
    as_of_ms = snapshot.as_of_ms if when is None else when
    if held.entry_known.any() or len(held.orders.column):
        refuse_wrong_entries(held, snapshot.view(held.instruments, when))
    parameters, made = parameters_of(chosen, as_of_ms, params, changes)
    known = held.instruments.items
    quoted = {**snapshot.places("mark_iv"), **snapshot.places("mark")}
    if candidates is None:
        mapped = is_mapped(chosen.spec, known)
        items = [
            item
            for item in _quoted_beside(known, quoted, as_of_ms)
            if takes(chosen.spec, item, mapped=mapped)
        ]
    else:
        items = [
            find_instrument(name, known, quoted, as_of_ms, "leg")
            for name in dict.fromkeys(candidates)
        ]
    core = room.prepare(held, snapshot, chosen, parameters, items, as_of_ms=when, fee=fee)
    options: dict[str, Any] = {
        "as_of": None if as_of is None else format_ms(as_of_ms),
        "params": None if isinstance(params, Parameters | Mapping) else params,
        "account": account,
        "venue": venue,
        "form": form,
        "allow_duplicates": allow_duplicates,
        "fee": fee,
    }
    sources = (book, market) if not isinstance(params, Parameters) else ([], market)
    return PreparedBook(core, held, snapshot, sources, options, made)


def _several(add: Sequence[LegLike] | LegLike | Intents) -> list[LegLike]:
    """One leg, or several, as a list; the trades of a decision are legs."""
    if isinstance(add, Intents):
        return list(add.trades)
    if isinstance(add, str | Mapping | Wanted | Trade):
        return [add]
    if isinstance(add, tuple) and len(add) > 1 and isinstance(add[1], int | float):
        return [add]
    return list(add)


def _quoted_beside(
    known: Sequence[Instrument], quoted: Mapping[str, int], as_of_ms: int
) -> list[Instrument]:
    """Contracts of the snapshot at the book's venues in the book's underlyings, alive."""
    from crossmargin.instruments.symbology import parse  # names of contracts that are not held

    mine = {(item.venue, item.underlying) for item in known}
    venues = {venue for venue, _ in mine}
    out = []
    for subject in quoted:
        venue, _, name = subject.partition("|")
        if venue not in venues:
            continue
        item = parse(venue, name)
        if (venue, item.underlying) in mine and item.expiry_ms > as_of_ms:
            out.append(item)
    return out


def whatif(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    add: Sequence[LegLike] | LegLike | Intents = (),
    *,
    atomic: bool = True,
    size_to_fit: bool = False,
    rank: CandidatesLike | None = None,
    lot: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> WhatIfResult:
    """What a trade would do to an account: would the venue take it, before and after, leg by leg.

    ``add``: legs (see :func:`PreparedBook.whatif`) or the intents of a decision. ``atomic`` False:
    the worst state over the order of fills. ``size_to_fit``: the largest whole lots in the legs'
    ratio that pass. ``rank``: a CSV file or a sequence of candidates, each tried on top of ``add``.
    ``options``: as_of,
    params, changes, account, venue, form, allow_duplicates and fee of :func:`prepare`.
    ``progress`` hears (candidates done, candidates in all) of a ranking.
    Gains and received cash are positive, requirements are positive.
    """
    asked = [wanted(leg, "--add") for leg in _several(add)]
    tried = () if rank is None else candidates_of(rank)
    names = [leg.name for leg in asked] + [leg.name for each in tried for leg in each.legs]
    if not names:
        raise InputError(
            "order_invalid",
            "there is no leg",
            place="--add",
            limit="NAME:SIZE[@PRICE]",
            remedy="Give at least one leg, or candidates to rank.",
        )
    if size_to_fit and rank is not None:
        raise InputError(
            "option_unknown",
            "a size to fit is of one trade, a ranking of many",
            remedy="Ask for one of them.",
        )
    if lot is not None and not size_to_fit:
        raise InputError(
            "option_unknown",
            "a lot is of a size to fit",
            place="--lot",
            value=lot,
            limit="with --size-to-fit",
            remedy="Leave it out, or ask for the largest size.",
        )
    prepared = prepare(book, market, model, names, **options)
    if rank is not None:
        found = prepared._rank(tried, asked, rank, atomic, progress)
    elif size_to_fit:
        found = prepared.size_to_fit(asked, atomic=atomic, lot=lot)
    else:
        found = prepared.whatif(asked, atomic=atomic)
    if not atomic:
        flags = {**found.asked, "legged": True}
        found = WhatIfResult(
            found.found, prepared, found.legs, atomic, found.ranked, found.names, flags
        )
    return found
