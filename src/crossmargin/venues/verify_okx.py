"""OKX's ``POST /api/v5/account/position-builder`` as a case.

The reply holds positions, marks and every risk term, and no index: ``index_tickers`` (replies of
``market/index-tickers``) gives the pairs and USDT-USD. Sizes of contracts beyond BTC and ETH come
from ``instruments`` (``public/instruments``: ctVal x ctMult), volatilities and forwards of options
from ``opt_summary`` (``public/opt-summary``). Parameters are those in force: the API prints none.
A scenario of MR1 is found by its move and the volatility's name; of moves by points and by a share
the one that loses more is compared.
Source: OKX API v5, position builder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import load
from crossmargin.margin.register import model_named
from crossmargin.margin.verification import Case, Claim, VectorClaim
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.payload import items_of, optional, required, text_of
from crossmargin.venues.payload_bundle import Bundle
from crossmargin.venues.payload_market import PayloadMarket
from crossmargin.venues.reading import unreadable

__all__ = ["okx_case"]

VENUE, ACCOUNT, MODEL = "okx", "main", "okx-pm"
_TERMS = ("mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9")
_VOLS = {"volShockUp": "up", "volSame": "same", "volShockDown": "down"}
# The account's figures -> columns that add up over the risk units and the account's own row.
_ACCOUNT = {
    "eq": ("equity",),
    "upl": ("unrealised",),
    "derivMmr": ("deriv_mmr",),
    "borrowMmr": ("borrow_mmr",),
    "totalMmr": ("deriv_mmr", "borrow_mmr"),
    "totalImr": ("deriv_imr", "borrow_imr"),
}


def okx_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of a reply; its time is ``ts``, that of the envelope, or the one given.

    Raises InputError with the place in the payload.
    """
    reply, place = bundle.reply, bundle.place
    if not isinstance(reply, Mapping) or "riskUnitData" not in reply:
        raise unreadable("not a reply of position-builder", place, "", "Give the whole reply.")
    as_of_ms = int(optional(reply, "ts", place) or 0) or bundle.time_ms or at_ms or 0
    if not as_of_ms:
        raise unreadable("the reply carries no time", place, "ts", "Give it with --at.")
    market = PayloadMarket(as_of_ms, "position-builder")
    units = items_of(reply["riskUnitData"], f"{place} riskUnitData")
    held = [
        (item, f"{place} {unit.get('riskUnit')} portfolios[{k}]")
        for unit in units
        for k, item in enumerate(items_of(unit.get("portfolios") or [], f"{place} portfolios"))
        if item.get("instType") != "SPOT"
    ]
    sizes = _sizes(bundle)
    contracts = [
        (parse(VENUE, text_of(i, "instId", w), multiplier=sizes.get(str(i["instId"]))), i, w)
        for i, w in held
    ]
    _index(bundle, market)
    _options(bundle, market, {item.native_id: item for item, _, _ in contracts})
    rows = [_position(market, item, found, where) for item, found, where in contracts]
    rows += _balances(reply, contracts, place)
    return Case(
        venue=VENUE,
        endpoint="position-builder",
        model=MODEL,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=load(model_named(MODEL).spec.folder, as_of_ms),
        claims=tuple(_claims(reply, units, place)),
        vectors=tuple(_vectors(units, place)),
        notes=("index from index_tickers: the reply itself prints none",),
    )


def _sizes(bundle: Bundle) -> dict[str, float]:
    """Coins (or dollars, inverse) a contract, of the instruments beside the reply."""
    given = bundle.section("instruments") or []
    out = {}
    for k, item in enumerate(items_of(given, f"{bundle.place} instruments")):
        where = f"{bundle.place} instruments[{k}]"
        size = required(item, "ctVal", where) * (optional(item, "ctMult", where) or 1.0)
        out[text_of(item, "instId", where)] = size
    return out


def _index(bundle: Bundle, market: PayloadMarket) -> None:
    """Pairs and currencies; USDT-USD is a currency's dollar price."""
    given = bundle.needs("index_tickers")
    for k, item in enumerate(items_of(given, f"{bundle.place} index_tickers")):
        where = f"{bundle.place} index_tickers[{k}]"
        base, sign, quote = text_of(item, "instId", where).partition("-")
        if not sign:
            raise unreadable("not an index", where, base, "BTC-USDT")
        market.index(base, quote, required(item, "idxPx", where))


def _options(bundle: Bundle, market: PayloadMarket, items: Mapping[str, Instrument]) -> None:
    for k, item in enumerate(
        items_of(bundle.section("opt_summary") or [], f"{bundle.place} opt_summary")
    ):
        where = f"{bundle.place} opt_summary[{k}]"
        held = items.get(text_of(item, "instId", where))
        if held is not None:
            market.vol(held, required(item, "markVol", where))
            market.forward(held, required(item, "fwdPx", where))


def _position(market: PayloadMarket, item: Instrument, found: Mapping[str, Any], place: str) -> Row:
    """A position in contracts; long and short sides carry their sign in words."""
    market.mark(item, required(found, "markPx", place))
    side = {"short": -1.0, "long": 1.0}.get(str(found.get("posSide", "net")))
    amount = required(found, "amt", place)
    return Row(
        kind=RowKind.POSITION,
        account=ACCOUNT,
        venue=VENUE,
        name=item.native_id,
        quantity=amount if side is None else side * abs(amount),
        place=place,
        entry_price=optional(found, "avgPx", place),
        item=item,
    )


def _balances(
    reply: Mapping[str, Any],
    contracts: list[tuple[Instrument, Mapping[str, Any], str]],
    place: str,
) -> list[Row]:
    """Cash of each currency: its equity less open profit and the value of its options."""
    paid: dict[str, float] = {}
    for item, found, where in contracts:
        if item.kind is Kind.OPTION:
            size = required(found, "amt", where) * item.multiplier
            part = size * required(found, "markPx", where)
        else:
            part = required(found, "floatPnl", where)
        paid[item.settle] = paid.get(item.settle, 0.0) + part
    rows = []
    for k, asset in enumerate(items_of(reply.get("assets") or [], f"{place} assets")):
        where = f"{place} assets[{k}]"
        name = text_of(asset, "ccy", where)
        cash = required(asset, "availEq", where) - paid.get(name, 0.0)
        rows.append(Row(RowKind.BALANCE, ACCOUNT, VENUE, name, cash, where))
    return rows


def _claims(reply: Mapping[str, Any], units: list[Mapping[str, Any]], place: str) -> list[Claim]:
    """Every term of every unit, its MMR and IMR, then the account's."""
    found = []
    for unit in units:
        name = text_of(unit, "riskUnit", place)
        columns = {term: term for term in _TERMS} | {"mmr": "deriv_mmr", "imr": "deriv_imr"}
        for theirs, column in columns.items():
            value = optional(unit, theirs, f"{place} {name}")
            if value is not None:
                found.append(Claim(f"{name} {theirs}", value, (column,), pool=name))
    for theirs, plus in _ACCOUNT.items():
        value = optional(reply, theirs, place)
        if value is not None:
            found.append(Claim(theirs, value, plus))
    return found


def _vectors(units: list[Mapping[str, Any]], place: str) -> list[VectorClaim]:
    """P&L of each unit in the scenarios of MR1, by volatility and move."""
    found = []
    for unit in units:
        name = text_of(unit, "riskUnit", place)
        grids = unit.get("mr1Scenarios")
        if not isinstance(grids, Mapping):
            continue
        for table, vol in _VOLS.items():
            grid = grids.get(table)
            if not isinstance(grid, Mapping) or not grid:
                continue
            where = f"{place} {name} {table}"
            moves = sorted(((float(move), str(move)) for move in grid), key=lambda x: x[0])
            found.append(
                VectorClaim(
                    name=f"{name} {table}",
                    theirs=tuple(required(grid, text, where) for _, text in moves),
                    at=tuple((move, vol) for move, _ in moves),
                    pool=name,
                    rule="spot_shock",
                )
            )
    return found
