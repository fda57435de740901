"""Books from ccxt's unified structures: fetch_positions, fetch_open_orders, fetch_balance.

``contracts`` is unsigned (Deribit's is not) and counts the venue's own unit; ``contractSize`` is
that unit's size, the contract's multiplier here. Deribit is the exception: ccxt passes its native
size through (USD for inverse futures, coin for the rest) and ``contractSize`` is something else.
An unlisted option's expiry comes as 00:00 of its day; the venue's hour is taken instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument
from crossmargin.instruments.symbology import CCXT_VENUES, parse_ccxt
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.deribit_book import summary_rows
from crossmargin.venues.payload import difference, items_of, optional, required, text_of, time_of
from crossmargin.venues.reading import label

__all__ = ["ccxt_rows", "from_ccxt"]

Dict = Mapping[str, object]

# Exchanges whose ``total`` is the venue's equity (unrealised profit included), not the cash.
_TOTAL_IS_EQUITY = frozenset({"deribit", "okx"})
_SIGNS = {"long": 1.0, "short": -1.0}
_SIDES = {"buy": 1, "sell": -1}


def from_ccxt(
    exchange: str,
    positions: Sequence[Dict] = (),
    orders: Sequence[Dict] = (),
    balance: Dict | None = None,
    account: str = "main",
) -> Book:
    """The book of one account from ccxt's structures; ``exchange`` is ccxt's id.

    Raises InputError with the place in the structure; a spot pair of an exchange where its name
    is the perpetual's is ``instrument_unknown``.
    """
    rows = ccxt_rows(exchange, positions, orders, balance, account)
    # Orders have ids that the book does not keep: two alike are two orders.
    return assemble(rows, f"ccxt {exchange}", allow_duplicates=True)


def ccxt_rows(
    exchange: str,
    positions: Sequence[Dict],
    orders: Sequence[Dict],
    balance: Dict | None,
    account: str,
) -> list[Row]:
    """The rows of the three structures."""
    if exchange not in CCXT_VENUES:
        raise InputError(
            "instrument_unknown",
            "the exchange is not known",
            value=exchange,
            limit=", ".join(CCXT_VENUES),
            remedy="Give ccxt's id of the exchange.",
        )
    label(account, "account")
    rows = list(_position_rows(exchange, items_of(positions, "positions"), account))
    rows.extend(_order_rows(exchange, items_of(orders, "orders"), account))
    if balance is not None:
        rows.extend(_balance_rows(exchange, balance, account))
    return rows


def _info(item: Dict) -> Dict:
    info = item.get("info")
    return info if isinstance(info, Mapping) else {}


def _item(exchange: str, item: Dict, place: str) -> Instrument:
    """The contract of a structure; its size, where ccxt knows it, must be the venue's."""
    size = None if exchange == "deribit" else optional(item, "contractSize", place)
    expiry = item.get("expiry")
    exact = isinstance(expiry, int) and not isinstance(expiry, bool) and expiry % DAY_MS != 0
    return parse_ccxt(
        exchange,
        text_of(item, "symbol", place),
        multiplier=size,
        expiry_ms=expiry if exact and isinstance(expiry, int) else None,
    )


def _position_rows(exchange: str, items: Sequence[Dict], account: str) -> Iterator[Row]:
    for k, item in enumerate(items):
        where = f"positions[{k}]"
        native = optional(_info(item), "size", where) if exchange == "deribit" else None
        size = native if native is not None else required(item, "contracts", where)
        if size == 0.0:
            continue  # closed
        side = item.get("side")
        if side not in _SIGNS:
            raise InputError(
                "option_unknown",
                "the side of a position is neither long nor short",
                place=where,
                value=side,
                limit="long, short",
                remedy="Give the structure of fetch_positions unchanged.",
            )
        found = _item(exchange, item, where)
        price = optional(item, "entryPrice", where)
        yield Row(
            kind=RowKind.POSITION,
            account=account,
            venue=found.venue,
            name=found.native_id,
            quantity=_SIGNS[str(side)] * abs(size),
            place=where,
            entry_price=price if price else None,
            time_ms=time_of(item, "timestamp"),
            item=found,
        )


def _order_rows(exchange: str, items: Sequence[Dict], account: str) -> Iterator[Row]:
    for k, item in enumerate(items):
        where = f"orders[{k}]"
        if _info(item).get("order_state") == "untriggered":
            continue  # waits for its trigger: not resting
        side = _SIDES.get(str(item.get("side")))
        price = optional(item, "price", where)
        if side is None or price is None:
            raise InputError(
                "order_invalid",
                "an open order needs a side and a limit price",
                place=where,
                value=f"side {item.get('side')}, price {item.get('price')}",
                limit="buy or sell, at a price",
                remedy="Leave out market and trigger orders: they do not rest.",
            )
        remaining = optional(item, "remaining", where)
        if remaining is None:
            filled = optional(item, "filled", where) or 0.0
            remaining = difference(required(item, "amount", where), filled)
        found = _item(exchange, item, where)
        name = item.get("clientOrderId") or _info(item).get("label")
        yield Row(
            kind=RowKind.ORDER,
            account=account,
            venue=found.venue,
            name=found.native_id,
            quantity=remaining,
            place=where,
            side=side,
            limit_price=price,
            reduce_only=item.get("reduceOnly") is True or _info(item).get("reduce_only") is True,
            mmp=_info(item).get("mmp") is True,
            group=str(_info(item).get("mmp_group") or ""),
            tags=(("label", label(name, f"{where} label")),) if name else (),
            time_ms=time_of(item, "timestamp"),
            item=found,
        )


def _balance_rows(exchange: str, balance: Dict, account: str) -> Iterator[Row]:
    info = _info(balance)
    if exchange == "deribit" and ("summaries" in info or "currency" in info):
        yield from summary_rows(info, "balance info", account)
        return
    totals = balance.get("total")
    if not isinstance(totals, Mapping):
        raise InputError(
            "column_missing",
            "a balance structure has no totals",
            place="balance",
            value="total",
            limit="total",
            remedy="Give the structure of fetch_balance unchanged.",
        )
    for currency in sorted(totals):
        where = f"balance {currency}"
        total = optional(totals, currency, where)
        each = balance.get(currency)
        debt = optional(each, "debt", where) if isinstance(each, Mapping) else None
        if debt:
            raise InputError(
                "unit_wrong",
                "exchanges differ in whether a total already carries the debt",
                place=where,
                value=debt,
                limit="balances without debt",
                remedy="Give the net amounts as balances in a file.",
            )
        if not total:
            continue
        yield Row(
            kind=RowKind.BALANCE,
            account=account,
            venue=CCXT_VENUES[exchange],
            name=currency,
            quantity=total,
            place=where,
            equity=total if CCXT_VENUES[exchange] in _TOTAL_IS_EQUITY else None,
        )
