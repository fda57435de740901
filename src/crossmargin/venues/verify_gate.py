"""Gate's ``POST /unified/portfolio_calculator`` as a case.

The request says what is held; the reply prints the stress test MR1 scenario by scenario, MR2 to MR4
and the totals. Prices stand beside: ``futures_tickers`` (contract, mark_price, index_price),
``options_tickers`` (name, mark_price, mark_iv, and the underlying's price), ``contracts``
(quanto_multiplier) and ``prices`` (dollars of USDT). Of the 33 scenarios the published slice is
known: those are compared, the rest is named; MR2 to MR4 and the factor of IM are not published.
Source: Gate API reference, unified account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.register import model_named
from crossmargin.margin.verification import Case, Claim, VectorClaim
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.payload import items_of, optional, required, text_of
from crossmargin.venues.payload_bundle import Bundle
from crossmargin.venues.payload_market import PayloadMarket
from crossmargin.venues.reading import unreadable

__all__ = ["gate_case"]

VENUE, ACCOUNT, MODEL = "gate", "main", "gate-pm"
_OWN = "original_position"  # beside it stand the books with orders of either delta
_SECOND_MAX = 10_000_000_000  # a time below is in seconds


def gate_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of a reply with its request; its time is ``calculate_time``, or the one given.

    Raises InputError with the place in the payload.
    """
    reply, place = bundle.reply, bundle.place
    if not isinstance(reply, Mapping) or "risk_unit" not in reply:
        raise unreadable("not a reply of portfolio_calculator", place, "", "Give it whole.")
    stated = int(optional(reply, "calculate_time", place) or 0)
    stated = stated * 1000 if 0 < stated < _SECOND_MAX else stated
    as_of_ms = stated or bundle.time_ms or at_ms or 0
    if not as_of_ms:
        raise unreadable("the reply carries no time", place, "calculate_time", "Give it with --at.")
    bundle.needs("request")
    request = bundle.request()
    market = PayloadMarket(as_of_ms, "portfolio_calculator")
    prices = bundle.needs("prices")
    for name in prices:
        market.usd(str(name), required(prices, str(name), f"{place} prices"))
    items = _contracts(bundle, market)
    rows = _rows(request, items, place)
    units = items_of(reply["risk_unit"], f"{place} risk_unit")
    parameters = _set(as_of_ms, request.get("spot_hedge") is True)
    vectors, unknown = _vectors(units, parameters, place)
    return Case(
        venue=VENUE,
        endpoint="unified/portfolio_calculator",
        model=MODEL,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=parameters,
        claims=tuple(claim for unit in units for claim in _claims(unit, place)),
        vectors=vectors,
        notes=(f"{unknown} scenarios of the reply are not published: not compared",),
    )


def _set(as_of_ms: int, hedged: bool) -> Parameters:
    """The set in force; spot hedging is the account's own choice."""
    found = load(model_named(MODEL).spec.folder, as_of_ms)
    return overlay(found, {"form.coins": "hedge"}, "spot hedging on") if hedged else found


def _contracts(bundle: Bundle, market: PayloadMarket) -> dict[str, Instrument]:
    """Contracts with their prices; the size of a future's contract is the venue's."""
    sizes = {
        text_of(item, "name", f"{bundle.place} contracts"): required(
            item, "quanto_multiplier", f"{bundle.place} contracts"
        )
        for item in items_of(bundle.section("contracts") or [], f"{bundle.place} contracts")
    }
    items = {}
    for part, key in (("futures_tickers", "contract"), ("options_tickers", "name")):
        for k, ticker in enumerate(items_of(bundle.section(part) or [], f"{bundle.place} {part}")):
            where = f"{bundle.place} {part}[{k}]"
            name = text_of(ticker, key, where)
            item = parse(VENUE, name, multiplier=sizes.get(name))
            items[name] = item
            market.mark(item, required(ticker, "mark_price", where))
            market.index(item.underlying, item.quote, required(ticker, "index_price", where))
            if item.kind is Kind.OPTION:
                market.vol(item, required(ticker, "mark_iv", where))
                market.forward(item, required(ticker, "underlying_price", where))
    return items


def _rows(request: Mapping[str, Any], items: Mapping[str, Instrument], place: str) -> list[Row]:
    rows = []
    for k, item in enumerate(items_of(request.get("spot_balances") or [], f"{place} spot")):
        where = f"{place} spot_balances[{k}]"
        name, amount = text_of(item, "currency", where), required(item, "equity", where)
        rows.append(Row(RowKind.BALANCE, ACCOUNT, VENUE, name, amount, where))
    for part, key in (("futures_positions", "contract"), ("options_positions", "options_name")):
        for k, item in enumerate(items_of(request.get(part) or [], f"{place} {part}")):
            where = f"{place} {part}[{k}]"
            name = text_of(item, key, where)
            if name not in items:
                raise unreadable("a position has no ticker", where, name)
            size = required(item, "size", where)
            held = items[name]
            rows.append(Row(RowKind.POSITION, ACCOUNT, VENUE, name, size, where, item=held))
    return rows


def _own_result(unit: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The result of the positions alone."""
    for found in items_of(unit.get("margin_result") or [], f"{place} margin_result"):
        if found.get("type") == _OWN:
            return found
    raise unreadable("the unit has no result of the positions alone", place, _OWN)


def _claims(unit: Mapping[str, Any], place: str) -> list[Claim]:
    """MR1 as the reply has it, what is not published, and the totals."""
    name = text_of(unit, "symbol", place)
    result = _own_result(unit, f"{place} {name}")
    found = []
    for term, column, given in (
        ("mr1", "scan_risk", True),
        ("mr2", "unpublished", False),
        ("mr3", "unpublished", False),
        ("mr4", "unpublished", False),
    ):
        value = optional(result, term, f"{place} {name}")
        if value is not None:
            found.append(Claim(f"{name} {term}", value, (column,), pool=name, given=given))
    for theirs, column in (("maintain_margin", "mm"), ("initial_margin", "initial")):
        value = optional(unit, theirs, f"{place} {name}")
        if value is not None:
            found.append(Claim(f"{name} {theirs}", value, (column,), pool=name))
    return found


def _vectors(
    units: list[Mapping[str, Any]], parameters: Parameters, place: str
) -> tuple[tuple[VectorClaim, ...], int]:
    """P&L in the scenarios of the slice that is known; how many others the reply prints."""
    found, unknown = [], 0
    for unit in units:
        name = text_of(unit, "symbol", place)
        where = f"{place} {name}"
        known = {float(row[0]) for row in parameters.get(f"asset.{name}.vols")}
        theirs, at = [], []
        ranges = _own_result(unit, where).get("profit_loss_ranges") or []
        for row in items_of(ranges, where):
            vol = required(row, "implied_volatility_percentage", where)
            if vol not in known:
                unknown += 1
                continue
            theirs.append(required(row, "profit_loss", where))
            word = "up" if vol > 0.0 else "down" if vol < 0.0 else "same"
            at.append((required(row, "price_percentage", where), word))
        if theirs:
            vector = VectorClaim(f"{name} MR1", tuple(theirs), at=tuple(at), pool=name, rule="scan")
            found.append(vector)
    return tuple(found), unknown
