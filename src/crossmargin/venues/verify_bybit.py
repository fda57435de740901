"""Bybit's ``GET /v5/asset/portfolio-margin`` as a case.

The reply prints P&L ranges of each position, each group and the coin, contingencies, IM and MM, and
neither sizes nor prices: ``positions`` (``/v5/position/list``) and ``tickers``
(``/v5/market/tickers``: markPrice, indexPrice, markIv, underlyingPrice) stand beside it, and
``prices`` the dollars of USDT and USDC. Rows of spot hedging come with the reply. It reads several
instants at once (its own parts miss its total by 0.009 % in the documented sample), so that its
numbers are met to 0.02 %; the P&L of one position to its eight decimals needs its own mark.
Source: bybit-exchange/docs, v5/asset/portfolio-margin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from crossmargin.venues.reading import real, unreadable

__all__ = ["bybit_case"]

VENUE, ACCOUNT, MODEL = "bybit", "main", "bybit-pm"
_VOLS = ("up", "same", "down")
_DECIMALS = 8
_SEVERAL_INSTANTS = 2e-4
_CONTINGENCIES = {
    "optionContingency": "option_contingency",
    "optionVegaContingency": "vega_spread",
    "usdtUsdcContingency": "depeg",
    "futureDeltaContingency": "basis",
    "futureContingency": "futures_contingency",
}


def bybit_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of a reply with its positions and tickers; its time is that of the envelope.

    Raises InputError with the place in the payload.
    """
    reply, place = bundle.reply, bundle.place
    if not isinstance(reply, Mapping) or "assetPnlRange" not in reply:
        raise unreadable("not a reply of asset/portfolio-margin", place, "", "Give it whole.")
    as_of_ms = bundle.time_ms or at_ms
    if not as_of_ms:
        raise unreadable("the reply carries no time", place, "time", "Give it with --at.")
    market = PayloadMarket(as_of_ms, "asset/portfolio-margin")
    prices = bundle.needs("prices")
    for name in prices:
        market.usd(str(name), required(prices, str(name), f"{place} prices"))
    items = _tickers(bundle, market)
    rows = _positions(bundle, items)
    units = items_of(reply["assetPnlRange"], f"{place} assetPnlRange")
    hedged = False
    for unit in units:
        spot = _spot(unit, market, place)
        rows += spot
        hedged = hedged or bool(spot)
    return Case(
        venue=VENUE,
        endpoint="asset/portfolio-margin",
        model=MODEL,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=_set(as_of_ms, hedged),
        claims=tuple(claim for unit in units for claim in _claims(unit, place)),
        vectors=tuple(vector for unit in units for vector in _vectors(unit, items, place)),
        notes=("the reply reads several instants: components are met to 0.02 %",),
        room_fraction=_SEVERAL_INSTANTS,
    )


def _set(as_of_ms: int, hedged: bool) -> Parameters:
    """The set in force; spot hedging is the account's own choice."""
    found = load(model_named(MODEL).spec.folder, as_of_ms)
    return overlay(found, {"form.coins": "hedge_gains"}, "spot hedging on") if hedged else found


def _tickers(bundle: Bundle, market: PayloadMarket) -> dict[str, Instrument]:
    """Mark, index in dollars, and of options volatility and forward."""
    given = bundle.needs("tickers")
    listed = given.get("list", given) if isinstance(given, Mapping) else given
    items = {}
    for k, ticker in enumerate(items_of(listed, f"{bundle.place} tickers")):
        where = f"{bundle.place} tickers[{k}]"
        item = parse(VENUE, text_of(ticker, "symbol", where))
        items[item.native_id] = item
        market.mark(item, required(ticker, "markPrice", where))
        index = optional(ticker, "indexPrice", where)
        if index is not None:
            market.index(item.underlying, "USD" if item.kind is Kind.OPTION else item.quote, index)
        if item.kind is Kind.OPTION:
            market.vol(item, required(ticker, "markIv", where))
            market.forward(item, required(ticker, "underlyingPrice", where))
    return items


def _positions(bundle: Bundle, items: Mapping[str, Instrument]) -> list[Row]:
    given = bundle.needs("positions")
    listed = given.get("list", given) if isinstance(given, Mapping) else given
    rows = []
    for k, item in enumerate(items_of(listed, f"{bundle.place} positions")):
        where = f"{bundle.place} positions[{k}]"
        name = text_of(item, "symbol", where)
        side = {"Buy": 1.0, "Sell": -1.0, "": 0.0, "None": 0.0}.get(str(item.get("side", "")))
        if name not in items or side is None:
            raise unreadable("a position has no ticker or no side", where, name)
        size = required(item, "size", where)
        if size != 0.0:
            kind = RowKind.POSITION
            held = items[name]
            rows.append(Row(kind, ACCOUNT, VENUE, name, side * size, where, item=held))
    return rows


def _spot(unit: Mapping[str, Any], market: PayloadMarket, place: str) -> list[Row]:
    """Spot that hedges the unit, at the dollar index that the reply prints."""
    info = unit.get("spotHedgeInfo")
    if not isinstance(info, Mapping):
        return []
    coin = text_of(unit, "baseCoin", place)
    where = f"{place} {coin} spotHedgeInfo"
    index = optional(info, "usdIndexPrice", where)
    if index is not None:
        market.index(coin, "USD", index)
    size = optional(info, "hedgeSpotSize", where) or 0.0
    return [Row(RowKind.BALANCE, ACCOUNT, VENUE, coin, size, where)] if size else []


def _claims(unit: Mapping[str, Any], place: str) -> Iterator[Claim]:
    """Contingencies in the reply's order of forming, then MM and IM of the coin."""
    coin = text_of(unit, "baseCoin", place)
    parts = unit.get("contingency", {})
    for theirs, column in _CONTINGENCIES.items() if isinstance(parts, Mapping) else ():
        value = optional(parts, theirs, f"{place} {coin} contingency")
        if value is not None:
            yield Claim(f"{coin} {theirs}", value, (column,), pool=coin, decimals=_DECIMALS)
    asset = unit.get("asset", {})
    for theirs, column in (("assetMM", "mm"), ("assetIM", "im")):
        value = optional(asset, theirs, f"{place} {coin}") if isinstance(asset, Mapping) else None
        if value is not None:
            yield Claim(f"{coin} {theirs}", value, (column,), pool=coin, decimals=_DECIMALS)


def _vectors(
    unit: Mapping[str, Any], items: Mapping[str, Instrument], place: str
) -> Iterator[VectorClaim]:
    """P&L of each position, of futures and options together, and of all that the coin holds."""
    coin = text_of(unit, "baseCoin", place)
    listed = list(unit.get("perpPositionPnlRanges") or [])
    for expiry in unit.get("optionExpiryDatePnlRanges") or []:
        listed += expiry.get("optionPositionPnlRanges") or []
    for part in listed:
        name = text_of(part, "symbol", place)
        if name not in items:
            raise unreadable("a position of the reply is not among the positions", place, name)
        yield _vector(name, part, coin, ((VENUE, name),), place)
    groups = unit.get("totalPnlRanges", {})
    if isinstance(groups, Mapping) and isinstance(groups.get("ALL"), Mapping):
        yield _vector(f"{coin} ALL", groups["ALL"], coin, (), place)


def _vector(
    name: str,
    part: Mapping[str, Any],
    coin: str,
    members: tuple[tuple[str, str], ...],
    place: str,
) -> VectorClaim:
    """Three numbers a move are up, same, down; one is the worst of them."""
    theirs: list[float] = []
    at: list[tuple[float, str]] = []
    for row in items_of(part.get("pnlRanges"), f"{place} {name}"):
        move = required(row, "priceScale", f"{place} {name}")
        numbers = row.get("pnls")
        if not isinstance(numbers, list) or len(numbers) not in (1, len(_VOLS)):
            raise unreadable("a row of the range has neither one nor three numbers", place, name)
        for vol, number in zip(_VOLS if len(numbers) > 1 else ("",), numbers, strict=True):
            theirs.append(real(number, f"{place} {name}"))
            at.append((move, vol))
    return VectorClaim(
        name=name,
        theirs=tuple(theirs),
        at=tuple(at),
        members=members,
        pool=coin,
        decimals=_DECIMALS,
        rule="scan",
    )
