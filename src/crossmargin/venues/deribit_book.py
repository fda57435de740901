"""Books from Deribit's own replies: get_positions, get_open_orders, get_account_summaries.

Deribit counts inverse futures in USD and options and linear contracts in the underlying; so does
the book. The equity of each currency is the venue's own figure (`Reported.equity`); nothing is
rebuilt from entry prices where a summary is given. Trigger orders that wait are not resting and
need no margin; they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.payload import (
    Payload,
    difference,
    items_of,
    load,
    optional,
    required,
    text_of,
    time_of,
)
from crossmargin.venues.reading import label, unreadable

__all__ = ["deribit_rows", "from_deribit", "summary_rows"]

_HOLDS = ("open_orders_margin", "mmp_margin", "spot_margin")
_RESTING = "open"
_WAITING = frozenset({"untriggered"})


def from_deribit(
    positions: Payload | None = None,
    orders: Payload | None = None,
    summaries: Payload | None = None,
    *,
    account: str = "main",
) -> Book:
    """The book of one account from Deribit's replies (decoded, bytes, or the path of a file).

    Each is the whole JSON-RPC reply or its ``result``. Raises InputError with the place in it.
    """
    rows = deribit_rows(positions, orders, summaries, account)
    # Identical rows cannot come from one reply: positions are one a contract, orders have ids.
    return assemble(rows, "Deribit replies", allow_duplicates=True)


def deribit_rows(
    positions: Payload | None,
    orders: Payload | None,
    summaries: Payload | None,
    account: str,
) -> list[Row]:
    """The rows of the three replies; each may be absent."""
    label(account, "account")
    rows: list[Row] = []
    if positions is not None:
        value, place = _result(positions, "get_positions")
        rows.extend(_position_rows(value, place, account))
    if orders is not None:
        value, place = _result(orders, "get_open_orders")
        rows.extend(_order_rows(value, place, account))
    if summaries is not None:
        value, place = _result(summaries, "get_account_summaries")
        rows.extend(summary_rows(value, place, account))
    return rows


def _result(payload: Payload, what: str) -> tuple[object, str]:
    """The ``result`` of a JSON-RPC reply, or the value itself where it is not wrapped."""
    value, place = load(payload, what)
    if isinstance(value, Mapping) and "error" in value:
        raise unreadable("the reply is an error", place, value["error"], "Ask the venue again.")
    if isinstance(value, Mapping) and ("jsonrpc" in value or "result" in value):
        if "result" not in value:
            raise unreadable("the reply has no result", place)
        return value["result"], place
    return value, place


def _signed(item: Mapping[str, object], place: str) -> float:
    """Size with the sign of its direction; Deribit writes the sign, older replies did not."""
    size = required(item, "size", place)
    direction = text_of(item, "direction", place)
    sign = {"buy": 1.0, "sell": -1.0, "zero": 0.0}.get(direction)
    if sign is None or (sign >= 0.0 and size < 0.0) or (sign == 0.0 and size != 0.0):
        raise InputError(
            "number_out_of_range",
            "size and direction of a position contradict each other",
            place=place,
            value=f"size {size}, direction {direction}",
            limit="buy with a size above 0, sell, or zero",
            remedy="Give the venue's reply unchanged.",
        )
    return sign * abs(size)


def _position_rows(value: object, place: str, account: str) -> Iterator[Row]:
    for k, item in enumerate(items_of(value, place)):
        where = f"{place}[{k}]"
        size = _signed(item, where)
        if size == 0.0:
            continue  # closed: the reply keeps the row until settlement
        price = optional(item, "average_price", where)
        yield Row(
            kind=RowKind.POSITION,
            account=account,
            venue="deribit",
            name=text_of(item, "instrument_name", where),
            quantity=size,
            place=where,
            entry_price=price if price else None,
            time_ms=time_of(item, "creation_timestamp"),
        )


def _order_rows(value: object, place: str, account: str) -> Iterator[Row]:
    for k, item in enumerate(items_of(value, place)):
        where = f"{place}[{k}]"
        state = item.get("order_state", _RESTING)
        if state in _WAITING:
            continue
        if state != _RESTING:
            raise _bad_order("the order is not open", where, state, "open or untriggered")
        side = {"buy": 1, "sell": -1}.get(text_of(item, "direction", where))
        if side is None:
            raise _bad_order("not a side", where, item["direction"], "buy or sell")
        if isinstance(item.get("price"), str):
            raise _bad_order("a resting order has no limit price", where, item["price"], "a price")
        filled = optional(item, "filled_amount", where) or 0.0
        tag = item.get("label")
        yield Row(
            kind=RowKind.ORDER,
            account=account,
            venue="deribit",
            name=text_of(item, "instrument_name", where),
            quantity=difference(required(item, "amount", where), filled),
            place=where,
            side=side,
            limit_price=required(item, "price", where),
            reduce_only=_flag(item, "reduce_only", where),
            mmp=_flag(item, "mmp", where),
            group=str(item.get("mmp_group") or ""),
            tags=(("label", label(tag, f"{where} label")),) if tag else (),
            time_ms=time_of(item, "creation_timestamp"),
        )


def _flag(item: Mapping[str, object], name: str, place: str) -> bool:
    value = item.get(name, False)
    if not isinstance(value, bool):
        raise InputError(
            "option_unknown",
            "not a flag",
            place=f"{place} {name}",
            value=value,
            limit="true, false",
        )
    return value


def _bad_order(why: str, place: str, value: object, limit: str) -> InputError:
    return InputError(
        "order_invalid",
        why,
        place=place,
        value=value,
        limit=limit,
        remedy="Give the reply of get_open_orders unchanged.",
    )


def summary_rows(value: object, place: str, account: str) -> Iterator[Row]:
    """One balance a currency: amount = balance, equity as reported, every number of the payload.

    A currency without balance and equity is passed over. In the cross models ``margin_balance``,
    ``initial_margin`` and ``maintenance_margin`` of *each* currency repeat the whole account
    converted to it: they are kept as they are, among the reported fields, and never summed.
    """
    if isinstance(value, Mapping) and "summaries" in value:
        items = items_of(value["summaries"], f"{place} summaries")
    elif isinstance(value, Mapping) and "currency" in value:
        items = [value]  # get_account_summary: one currency
    else:
        items = items_of(value, place)
    for k, item in enumerate(items):
        where = f"{place} summaries[{k}]"
        amount, equity = required(item, "balance", where), required(item, "equity", where)
        if amount == 0.0 and equity == 0.0:
            continue
        figures = {
            name: required(item, name, where)
            for name, figure in sorted(item.items())
            if isinstance(figure, (int, float)) and not isinstance(figure, bool)
        }
        details = item.get("initial_margin_details")
        held = details if isinstance(details, Mapping) else {}
        holds = {name: optional(held, name, f"{where} initial_margin_details") for name in _HOLDS}
        yield Row(
            kind=RowKind.BALANCE,
            account=account,
            venue="deribit",
            name=text_of(item, "currency", where),
            quantity=amount,
            place=where,
            equity=equity,
            holds=tuple((name, hold) for name, hold in holds.items() if hold is not None),
            reported=tuple(figures.items()),
        )
