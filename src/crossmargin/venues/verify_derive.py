"""Derive's ``public/get_margin`` and ``private/get_margin`` as cases.

The reply holds balances (what counts less the requirement) after the simulated changes; the book is
that of the request, the market that of ``tickers`` (replies of ``public/get_ticker``) and
``prices`` (dollars per unit of USDC and of collateral that has no ticker). The API does not print
the parameters: they are those of the section ``parameters`` (a dump of the managers), else the set
in force.
Source: docs.derive.xyz, get_margin, get_ticker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import load
from crossmargin.margin.payload_parameters import from_payload
from crossmargin.margin.register import model_named
from crossmargin.margin.verification import Case, Claim
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.params_derive import derive_numbers
from crossmargin.venues.payload import items_of, optional, required, text_of, time_of
from crossmargin.venues.payload_bundle import Bundle
from crossmargin.venues.payload_market import PayloadMarket
from crossmargin.venues.reading import unreadable

__all__ = ["derive_case"]

VENUE, ACCOUNT = "derive", "main"
_MODELS = {"PM2": "derive-pm2", "PM": "derive-pm1", "SM": "derive-sm"}
_LEVELS = (("initial_margin", "im"), ("maintenance_margin", "mm"))


def derive_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of a reply with its request and tickers; balances after the changes.

    Raises InputError with the place in the payload.
    """
    reply, place = bundle.reply, bundle.place
    if not isinstance(reply, Mapping) or "post_initial_margin" not in reply:
        raise unreadable("not a reply of get_margin", place, "", "Give the whole reply.")
    bundle.needs("request")
    request = bundle.request()
    kind = text_of(request, "margin_type", f"{place} request")
    if kind not in _MODELS:
        raise InputError(
            "option_unknown",
            "not a margin type",
            place=f"{place} margin_type",
            value=kind,
            limit=", ".join(_MODELS),
        )
    tickers = _tickers(bundle)
    times = [found for ticker in tickers if (found := time_of(ticker, "timestamp")) is not None]
    as_of_ms = bundle.time_ms or at_ms or max(times, default=0)
    if not as_of_ms:
        raise InputError(
            "column_missing",
            "neither the reply nor a ticker carries a time",
            place=place,
            value="timestamp",
            remedy="Give the time with --at.",
        )
    market = PayloadMarket(as_of_ms, "get_margin")
    items = {}
    for k, ticker in enumerate(tickers):
        item = _ticker(market, ticker, f"{place} tickers[{k}]")
        items[item.native_id] = item
    _prices(bundle, market)
    rows = _rows(request, market, items, place)
    model = model_named(_MODELS[kind])
    made = load(model.spec.folder, as_of_ms)
    dump = bundle.section("parameters")
    if dump is not None:
        numbers = derive_numbers(dump, f"{place} parameters")
        made = from_payload(made, numbers, "payload", as_of_ms).parameters
    claims = tuple(
        Claim(
            f"post_{theirs}",
            required(reply, f"post_{theirs}", place),
            (f"counted_{ours}",),
            (ours,),
        )
        for theirs, ours in _LEVELS
    )
    return Case(
        venue=VENUE,
        endpoint="get_margin",
        model=model.spec.name,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=made,
        claims=claims,
        notes=("oracle confidences are not in the API: taken as 1",),
    )


def _tickers(bundle: Bundle) -> list[Mapping[str, Any]]:
    given = bundle.needs("tickers")
    listed = list(given.values()) if isinstance(given, Mapping) else given
    found = items_of(listed, f"{bundle.place} tickers")
    inner = [ticker.get("result", ticker) for ticker in found]
    return [ticker for ticker in inner if isinstance(ticker, Mapping)]


def _ticker(market: PayloadMarket, ticker: Mapping[str, Any], place: str) -> Instrument:
    """Index, mark, and of an option forward, rate and volatility (fractions, as decimal texts)."""
    details = ticker.get("option_details")
    expiry_s = optional(details, "expiry", place) if isinstance(details, Mapping) else None
    expiry_ms = None if expiry_s is None else int(expiry_s) * 1000
    item = parse(VENUE, text_of(ticker, "instrument_name", place), expiry_ms=expiry_ms)
    market.index(item.underlying, "USD", required(ticker, "index_price", place))
    if item.kind is Kind.ASSET:
        return item
    market.mark(item, required(ticker, "mark_price", place))
    pricing = ticker.get("option_pricing")
    if item.kind is Kind.OPTION:
        if not isinstance(pricing, Mapping):
            raise unreadable("the ticker of an option has no option_pricing", place)
        market.forward(item, required(pricing, "forward_price", place))
        market.vol(item, required(pricing, "iv", place))
        rate = optional(pricing, "rate", place)
        if rate is not None:
            market.rate(item, rate)
    return item


def _prices(bundle: Bundle, market: PayloadMarket) -> None:
    given = bundle.needs("prices")
    if not isinstance(given, Mapping):
        raise unreadable("prices are an object of dollars per unit", f"{bundle.place} prices")
    for name in given:
        market.usd(str(name), required(given, str(name), f"{bundle.place} prices"))


def _rows(
    request: Mapping[str, Any],
    market: PayloadMarket,
    items: Mapping[str, Instrument],
    place: str,
) -> list[Row]:
    """Collateral and positions of the request, with their changes as further lots."""
    rows = []
    for part in ("simulated_collaterals", "simulated_collateral_changes"):
        for k, item in enumerate(items_of(request.get(part) or [], f"{place} {part}")):
            where = f"{place} {part}[{k}]"
            name = text_of(item, "asset_name", where)
            amount = required(item, "amount", where)
            if not market.holds("usd", name):
                raise unreadable("a collateral has no price", f"{place} prices", name)
            held = Instrument(VENUE, name, Kind.ASSET, name, "USD", name)
            kind = RowKind.BALANCE
            rows.append(Row(kind, ACCOUNT, VENUE, name, amount, where, item=held))
    for part in ("simulated_positions", "simulated_position_changes"):
        for k, item in enumerate(items_of(request.get(part) or [], f"{place} {part}")):
            where = f"{place} {part}[{k}]"
            name = text_of(item, "instrument_name", where)
            if name not in items:
                raise unreadable("a position has no ticker", f"{place} tickers", name)
            rows.append(
                Row(
                    kind=RowKind.POSITION,
                    account=ACCOUNT,
                    venue=VENUE,
                    name=name,
                    item=items[name],
                    quantity=required(item, "amount", where),
                    place=where,
                    entry_price=optional(item, "entry_price", where),
                )
            )
    return rows
