"""Deribit's simulations as cases: ``private/pme/simulate`` and ``private/simulate_portfolio``.

Book, market and parameters are rebuilt from the payload; sizes there are in the base currency. A
simulation of one currency is in its own coin (S:PM), of CROSS in dollars (X:PM). The reply of
``simulate_portfolio`` holds no book: it is given with its request or with ``positions``. Options
need forward and volatility, which the reply does not print: ``tickers`` (replies of
``public/ticker``) or a snapshot beside it give them; else the volatility follows from the option's
own mark and the mark of the future of its expiry.
Source: docs.deribit.com, private/pme/simulate, private/simulate_portfolio, public/ticker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import Parameters, load
from crossmargin.margin.payload_parameters import Numbers, from_payload
from crossmargin.margin.verification import Case, Claim, VectorClaim
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.deribit_book import summary_rows
from crossmargin.venues.params_deribit import FOLDER, deribit_numbers, pair_of
from crossmargin.venues.payload import items_of, optional, required, text_of
from crossmargin.venues.payload_bundle import Bundle
from crossmargin.venues.payload_market import PayloadMarket
from crossmargin.venues.reading import real, unreadable

__all__ = ["deribit_case"]

VENUE, ACCOUNT, CROSS = "deribit", "main", "CROSS"
_STANDARD, _EXTENDED, _VOLS = 27, 8, 3
# Tickers print a volatility to 0.01 %: what that leaves open of an option's P&L.
_PRINTED_VOL = 1e-3
_HOLDS = ("open_orders_margin", "mmp_margin", "spot_margin")
_MATRIX = {
    "worst_case": "worst_case_unrounded",
    "delta_shock": "delta_shock",
    "roll_shock": "roll_shock",
    "correlation_contingency": "correlation_contingency",
}
_MODELS = {
    "segregated_pm": "deribit-spm",
    "cross_pm": "deribit-xpm",
    "segregated_sm": "deribit-sm",
}


def deribit_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of a reply; ``at_ms`` where it carries no time, ``beside`` fills its market.

    Raises InputError with the place in the payload.
    """
    reply = bundle.reply
    if not isinstance(reply, Mapping):
        raise unreadable("an object was expected", bundle.place, type(reply).__name__)
    if "margins" in reply or "model_params" in reply:
        return _Simulation(bundle, reply, at_ms).case(beside)
    if "margin_model" in reply or "projected_initial_margin" in reply:
        return _portfolio_case(bundle, reply, at_ms, beside)
    raise unreadable(
        "neither a reply of private/pme/simulate nor of private/simulate_portfolio",
        bundle.place,
        ", ".join(sorted(str(name) for name in reply)[:8]),
        "Give the whole reply of one of them.",
    )


def _moment(bundle: Bundle, stated_ms: int | None, at_ms: int | None) -> int:
    """Time of a reply: its own, that of the envelope, or the one given."""
    for found in (stated_ms, bundle.time_ms, at_ms):
        if found is not None:
            return found
    raise InputError(
        "column_missing",
        "the reply carries no time",
        place=bundle.place,
        value="timestamp",
        limit="model_params.general.timestamp, usOut or time",
        remedy="Give the time of the reply with --at.",
    )


class _Simulation:
    """One reply of private/pme/simulate."""

    def __init__(self, bundle: Bundle, reply: Mapping[str, Any], at_ms: int | None) -> None:
        self.bundle, self.reply, self.place = bundle, reply, bundle.place
        self.numbers = deribit_numbers(reply, self.place)
        self.as_of_ms = _moment(bundle, self.numbers.observed_ms, at_ms)
        self.currency, self.margins = self._margins()
        self.cross = self.currency == CROSS
        self.sizes = _sizes(self._object("portfolio"), f"{self.place} portfolio")
        self.items = {name: parse(VENUE, name) for name in self.sizes}

    def _object(self, name: str) -> Mapping[str, Any]:
        found = self.reply.get(name)
        if not isinstance(found, Mapping):
            raise unreadable(f"the reply has no object '{name}'", self.place, name)
        return found

    def _margins(self) -> tuple[str, Mapping[str, Any]]:
        """The currency of the simulation and its margins."""
        margins = {str(name).upper(): item for name, item in self._object("margins").items()}
        asked = str(self.bundle.request().get("currency", "")).upper()
        chosen = asked if asked in margins else next(iter(margins), "")
        if CROSS in margins or asked == CROSS:
            chosen = next((name for name in (CROSS, "USD") if name in margins), chosen)
        if len(margins) > 1 and not asked and chosen not in (CROSS, "USD"):
            raise unreadable(
                "the reply speaks of several currencies",
                f"{self.place} margins",
                ", ".join(margins),
                "Give it with its request.",
            )
        found = margins.get(chosen)
        if not isinstance(found, Mapping):
            raise unreadable("the reply has no margins", f"{self.place} margins")
        return (CROSS if asked == CROSS or chosen in (CROSS, "USD") else chosen), found

    def case(self, beside: Snapshot | None) -> Case:
        """The case of the reply."""
        market = PayloadMarket(self.as_of_ms, "private/pme/simulate")
        _tickers(self.bundle, market, self.items)
        _indices(market, self._object("index_price"), f"{self.place} index_price")
        ticker = self._object("ticker")
        for name, item in self.items.items():
            if name not in ticker:
                raise unreadable("a position has no ticker", f"{self.place} ticker", name)
            _ticker(market, item, ticker[name], f"{self.place} ticker {name}")
        details = self.margins.get("initial_margin_details", {})
        held = details if isinstance(details, Mapping) else {}
        rows = self._rows(held)
        book = assemble(rows, self.place, allow_duplicates=True)
        model = "deribit-xpm" if self.cross else "deribit-spm"
        made, notes = _set_of(self.numbers, self.as_of_ms)
        return Case(
            venue=VENUE,
            endpoint="private/pme/simulate",
            model=model,
            as_of_ms=self.as_of_ms,
            book=book,
            snapshot=market.snapshot(beside),
            parameters=made,
            claims=self._claims(held),
            vectors=self._vectors(),
            binding=self._binding(held),
            notes=(*notes, *self._cross_notes(), *_option_notes(self.items.values())),
            room_fraction=_PRINTED_VOL if _has_options(self.items.values()) else 0.0,
        )

    def _rows(self, held: Mapping[str, Any]) -> list[Row]:
        """Positions in the book's own unit, equity of the currencies, holds of the orders."""
        portfolio = self._object("portfolio")
        rows = [
            _position(name, item, self.sizes[name], _mark_of(self.reply, name), self.place)
            for name, item in self.items.items()
        ]
        where = f"{self.place} initial_margin_details"
        holds = tuple((name, required(held, name, where)) for name in _HOLDS if name in held)
        own = "USD" if self.cross else self.currency
        equity = portfolio.get("currency", {})
        known = {}
        if isinstance(equity, Mapping):
            known = {
                str(name).upper(): real(x, f"{self.place} {name}")
                for name, x in equity.items()
                if self.cross or str(name).upper() == self.currency  # others are not margined
            }
        for name in dict.fromkeys((*known, own)):
            amount = known.get(name)
            rows.append(
                Row(
                    kind=RowKind.BALANCE,
                    account=ACCOUNT,
                    venue=VENUE,
                    name=name,
                    quantity=amount or 0.0,
                    place=f"{self.place} portfolio {name}",
                    equity=amount,
                    holds=holds if name == own else (),
                )
            )
        return rows

    @property
    def _pool(self) -> str:
        return "account" if self.cross else self.currency

    def _claims(self, held: Mapping[str, Any]) -> tuple[Claim, ...]:
        """Components in the order in which they are built."""
        matrix = held.get("risk_matrix_margin_details", {})
        where = f"{self.place} margins {self.currency}"
        found = []
        for name, column in _MATRIX.items():
            value = optional(matrix, name, where) if isinstance(matrix, Mapping) else None
            if value is not None:
                found.append(Claim(name, value, (column,), pool=self._pool))
        value = optional(held, "risk_matrix_margin", where)
        if value is not None:
            found.append(
                Claim("risk_matrix_margin", value, ("risk_matrix_margin",), pool=self._pool)
            )
        for name in _HOLDS:
            value = optional(held, name, where)
            if value is not None:
                found.append(Claim(name, value, (name,), pool=self._pool, given=True))
        for name, column in (("initial_margin", "im"), ("maintenance_margin", "mm")):
            value = required(self.margins, name, where)
            found.append(Claim(name, value, (column,), pool=self._pool))
        return tuple(found)

    def _vectors(self) -> tuple[VectorClaim, ...]:
        """Each instrument, each currency before the offset, and the account after it."""
        found = []
        if not self.cross:
            for name, printed in self._risk_vectors("initial_risk_vectors").items():
                if name in self.items:
                    found.append(self._vector(name, printed, ((VENUE, name),)))
            for name, printed in self._risk_vectors("pre_aggregated_risk_vectors").items():
                base, settle = pair_of(name, f"{self.place} pre_aggregated_risk_vectors")
                members = tuple(
                    item.key
                    for item in self.items.values()
                    if (item.underlying, item.settle) == (base, settle)
                )
                found.append(self._vector(f"{name} before offset", printed, members))
        after = self._risk_vectors("aggregated_risk_vectors")
        if after:
            total = tuple(sum(numbers) for numbers in zip(*after.values(), strict=True))
            found.append(self._vector(" + ".join(after), total, ()))
        return tuple(found)

    def _vector(
        self, name: str, printed: tuple[float, ...], members: tuple[tuple[str, str], ...]
    ) -> VectorClaim:
        numbers = tuple(range(_STANDARD + _EXTENDED))
        return VectorClaim(
            name, printed, numbers, members=members, pool=self._pool, rule="risk_matrix"
        )

    def _risk_vectors(self, name: str) -> dict[str, tuple[float, ...]]:
        """27 standard and 8 extended numbers of each key."""
        found = self.reply.get(name)
        if found is None:
            return {}
        out = {}
        for key, tables in found.items():
            place = f"{self.place} {name} {key}"
            numbers: list[float] = []
            for table, count in (("standard", _STANDARD), ("extended", _EXTENDED)):
                values = tables.get(table) if isinstance(tables, Mapping) else None
                if not isinstance(values, list) or len(values) != count:
                    raise InputError(
                        "shape_wrong",
                        "a risk vector has another length than the table",
                        place=f"{place} {table}",
                        value=len(values) if isinstance(values, list) else type(values).__name__,
                        limit=str(count),
                        remedy="Give the reply unchanged; another shape is another rulebook.",
                    )
                numbers += [real(x, place) for x in values]
            out[str(key)] = tuple(numbers)
        return out

    def _binding(self, held: Mapping[str, Any]) -> tuple[int, ...]:
        """Our scenarios that the venue's worst bucket stands for; empty where it names none."""
        matrix = held.get("risk_matrix_margin_details", {})
        bucket = matrix.get("worst_case_bucket") if isinstance(matrix, Mapping) else None
        if not isinstance(bucket, Mapping) or not required(matrix, "worst_case", self.place) > 0.0:
            return ()
        place = f"{self.place} worst_case_bucket"
        number = int(required(bucket, "index", place)) - 1
        if bucket.get("source") == "standard":
            first = number - number % _VOLS
            return tuple(range(first, first + _VOLS))
        return (_STANDARD + number,)

    def _cross_notes(self) -> tuple[str, ...]:
        if not self.cross:
            return ()
        return (
            "CROSS: equity is a position of the matrix, so vectors of single instruments are not "
            "compared; portfolio.currency is read as the equity of each currency",
        )


def _has_options(items: Iterable[Instrument]) -> bool:
    return any(item.kind is Kind.OPTION for item in items)


def _option_notes(items: Iterable[Instrument]) -> tuple[str, ...]:
    if not _has_options(items):
        return ()
    return ("volatilities are printed to 0.01 %: numbers of a book with options are met to 0.1 %",)


def _set_of(numbers: Numbers, as_of_ms: int) -> tuple[Parameters, tuple[str, ...]]:
    """The set of the payload, and a note on what it does not give."""
    base = load(FOLDER, as_of_ms)
    made = from_payload(base, numbers, "payload", as_of_ms)
    if not made.carried:
        return made.parameters, ()
    names = ", ".join(made.carried)
    return made.parameters, (f"not in the payload, taken from {FOLDER}/{base.label}: {names}",)


def _sizes(portfolio: Mapping[str, Any], place: str) -> dict[str, float]:
    """Positions that are not zero, in the base currency."""
    found = portfolio.get("position", {})
    if not isinstance(found, Mapping):
        raise unreadable("the positions are not an object", f"{place} position")
    sizes = {str(name): real(size, f"{place} {name}") for name, size in found.items()}
    return {name: size for name, size in sizes.items() if size != 0.0}


def _position(name: str, item: Instrument, size: float, mark: float, place: str) -> Row:
    """A position: inverse futures are counted in dollars of their mark."""
    turned = item.inverse and item.kind in (Kind.PERPETUAL, Kind.FUTURE)
    units = size * mark if turned else size
    return Row(
        kind=RowKind.POSITION,
        account=ACCOUNT,
        venue=VENUE,
        name=name,
        quantity=units / item.multiplier,
        place=f"{place} position {name}",
        item=item,
    )


def _mark_of(reply: Mapping[str, Any], name: str) -> float:
    ticker = reply["ticker"][name]
    return required(ticker, "mark_price", f"ticker {name}")


def _ticker(market: PayloadMarket, item: Instrument, ticker: object, place: str) -> None:
    """Mark and index, and what a full ticker says beside them."""
    if not isinstance(ticker, Mapping):
        raise unreadable("an object was expected", place, type(ticker).__name__)
    market.mark(item, required(ticker, "mark_price", place))
    index = optional(ticker, "index_price", place)
    if index is not None:
        market.index(item.underlying, item.quote, index)
    vol, forward = optional(ticker, "mark_iv", place), optional(ticker, "underlying_price", place)
    if vol is not None and item.kind is Kind.OPTION:
        market.vol(item, vol / 100.0)  # the venue writes per cent
    if forward is not None and item.kind is Kind.OPTION:
        market.forward(item, forward)


def _tickers(bundle: Bundle, market: PayloadMarket, items: Mapping[str, Instrument]) -> None:
    """Volatilities and forwards of the tickers beside the reply; marks are the reply's own."""
    given = bundle.section("tickers")
    listed = list(given.values()) if isinstance(given, Mapping) else given or []
    for k, ticker in enumerate(items_of(listed, f"{bundle.place} tickers")):
        place = f"{bundle.place} tickers[{k}]"
        ticker = _inner(ticker)
        name = text_of(ticker, "instrument_name", place)
        item = items.get(name) or parse(VENUE, name)
        if item.kind is Kind.OPTION:
            partial = {n: ticker.get(n) for n in ("mark_iv", "underlying_price")}
            vol, forward = (optional(partial, n, place) for n in partial)
            if vol is not None:
                market.vol(item, vol / 100.0)
            if forward is not None:
                market.forward(item, forward)


def _indices(market: PayloadMarket, given: Mapping[str, Any], place: str) -> None:
    for name in given:
        market.index(*pair_of(str(name), place), required(given, str(name), place))


def _portfolio_case(
    bundle: Bundle, reply: Mapping[str, Any], at_ms: int | None, beside: Snapshot | None
) -> Case:
    """Totals of an account under its margin model; the book comes with the reply."""
    place = bundle.place
    kind = text_of(reply, "margin_model", place)
    if kind not in _MODELS:
        raise InputError(
            "rules_unknown",
            "no model of ours margins accounts of that kind",
            place=f"{place} margin_model",
            value=kind,
            limit=", ".join(_MODELS),
            remedy="Simulate under one of those.",
        )
    as_of_ms = _moment(bundle, None, at_ms)
    market = PayloadMarket(as_of_ms, "private/simulate_portfolio")
    request = bundle.request()
    sizes = request.get("simulated_positions")
    tickers = _by_name(bundle)
    rows = []
    if sizes is not None and request.get("add_positions") is False:
        sizes = _sizes({"position": sizes}, f"{place} simulated_positions")
        for name, size in sizes.items():
            item = parse(VENUE, name)
            if name not in tickers:
                raise unreadable("a position has no ticker", f"{place} tickers", name)
            mark = required(tickers[name], "mark_price", f"{place} {name}")
            rows.append(_position(name, item, size, mark, place))
    else:
        bundle.needs("positions")
        raise InputError(
            "rules_unknown",
            "a simulation on top of held positions does not say what it margined",
            place=place,
            limit='a request with "add_positions": false',
            remedy="Simulate the whole book, held positions included, with add_positions false.",
        )
    for name, ticker in tickers.items():
        _ticker(market, parse(VENUE, name), ticker, f"{place} tickers {name}")
    currency = text_of(reply, "currency", place) if "currency" in reply else ""
    currency = currency or str(request.get("currency", ""))
    cross = kind == "cross_pm"
    if cross:  # the equity of every currency is in the matrix
        rows += summary_rows(bundle.needs("summaries"), f"{place} summaries", ACCOUNT)
    else:
        equity = optional(reply, "equity", place)
        amount = equity or 0.0
        rows.append(Row(RowKind.BALANCE, ACCOUNT, VENUE, currency, amount, place, equity=equity))
    model = _MODELS[kind]
    folder = "deribit-sm" if model == "deribit-sm" else FOLDER
    return Case(
        venue=VENUE,
        endpoint="private/simulate_portfolio",
        model=model,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=load(folder, as_of_ms),
        claims=_totals(reply, place, currency, cross),
        room_fraction=_PRINTED_VOL if _has_options(row.item for row in rows if row.item) else 0.0,
        notes=("open orders are not in the reply: their margin is taken as none",),
    )


def _totals(reply: Mapping[str, Any], place: str, currency: str, cross: bool) -> tuple[Claim, ...]:
    """IM and MM; of a cross account those in dollars, for each currency repeats the whole."""
    claims = []
    for name, column in (("initial_margin", "im"), ("maintenance_margin", "mm")):
        total = optional(reply, f"total_{name}_usd", place) if cross else None
        value = total if total is not None else required(reply, name, place)
        if cross and total is None:
            raise unreadable(
                "a cross account needs its totals in dollars", place, f"total_{name}_usd"
            )
        pool = "account" if cross else currency
        claims.append(Claim(name, value, (column,), pool=pool))
    return tuple(claims)


def _inner(ticker: Mapping[str, Any]) -> Mapping[str, Any]:
    """A ticker without the envelope of its reply."""
    found = ticker.get("result")
    return found if isinstance(found, Mapping) else ticker


def _by_name(bundle: Bundle) -> dict[str, Mapping[str, Any]]:
    """Tickers beside the reply by instrument."""
    given = bundle.needs("tickers")
    listed = list(given.values()) if isinstance(given, Mapping) else given
    out = {}
    for k, ticker in enumerate(items_of(listed, f"{bundle.place} tickers")):
        ticker = _inner(ticker)
        out[text_of(ticker, "instrument_name", f"{bundle.place} tickers[{k}]")] = ticker
    return out
