"""Paradex's account as a case: ``account``, with positions, balances, margin config and markets.

    {"reply": GET /account/summary, "positions": GET /positions, "balances": GET /balances,
     "margin_config": GET /system/portfolio-margin-config, "markets": GET /markets/summary,
     "prices": {"USDC": …}}

The forward of an expiry is ``S exp(f T)`` with the ``forward_rate`` of its markets. Requirements
are those of the whole account.
Source: tradeparadex/paradex-docs, API schema.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import load
from crossmargin.margin.payload_parameters import from_payload
from crossmargin.margin.verification import Case, Claim
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.params_paradex import FOLDER, paradex_numbers
from crossmargin.venues.payload import items_of, optional, required, text_of
from crossmargin.venues.payload_bundle import Bundle
from crossmargin.venues.payload_market import PayloadMarket
from crossmargin.venues.reading import unreadable

__all__ = ["paradex_case"]

VENUE, ACCOUNT = "paradex", "main"
_MODEL = "paradex-pm"
_METHOD = "portfolio_margin"


def paradex_case(bundle: Bundle, at_ms: int | None = None, beside: Snapshot | None = None) -> Case:
    """The case of an account; its time is ``updated_at``, the envelope's, or the one given.

    Raises InputError with the place in the payload.
    """
    reply, place = bundle.reply, bundle.place
    if not isinstance(reply, Mapping) or "initial_margin_requirement" not in reply:
        raise unreadable("not a reply of account/summary", place, "", "Give the whole reply.")
    method = reply.get("margin_methodology", _METHOD)
    if method != _METHOD:
        raise InputError(
            "rules_unknown",
            "the account is not under portfolio margin",
            place=f"{place} margin_methodology",
            value=method,
            limit=_METHOD,
            remedy="Give an account under portfolio margin.",
        )
    as_of_ms = bundle.time_ms or at_ms or int(optional(reply, "updated_at", place) or 0)
    if not as_of_ms:
        raise unreadable("the reply carries no time", place, "updated_at", "Give it with --at.")
    market = PayloadMarket(as_of_ms, "account/summary")
    rows = [*_positions(bundle), *_balances(bundle)]
    held = {row.name for row in rows if row.kind is RowKind.POSITION}
    _markets(bundle, market, held)
    prices = bundle.needs("prices")
    for name in prices:
        market.usd(str(name), required(prices, str(name), f"{place} prices"))
    numbers = paradex_numbers(bundle.needs("margin_config"), f"{place} margin_config")
    base = load(FOLDER, as_of_ms)
    made = from_payload(base, numbers, "payload", as_of_ms)
    carried = ", ".join(made.carried)
    source = f"{FOLDER}/{base.label}"
    notes = (f"not in the payload, taken from {source}: {carried}",) if carried else ()
    return Case(
        venue=VENUE,
        endpoint="account/summary",
        model=_MODEL,
        as_of_ms=as_of_ms,
        book=assemble(rows, place, allow_duplicates=True),
        snapshot=market.snapshot(beside),
        parameters=made.parameters,
        claims=_claims(reply, place),
        notes=(*notes, "open orders are not in the reply: their margin is taken as none"),
    )


def _claims(reply: Mapping[str, Any], place: str) -> tuple[Claim, ...]:
    """Account value, requirements and what is free, each over all underlyings."""
    named = {
        "account_value": (("equity",), ()),
        "initial_margin_requirement": (("im",), ()),
        "maintenance_margin_requirement": (("mm",), ()),
        "free_collateral": (("counted_im",), ("im",)),
    }
    found = []
    for name, (plus, minus) in named.items():
        value = optional(reply, name, place)
        if value is not None:
            found.append(Claim(name, value, plus, minus, decimals=_decimals(reply[name])))
    return tuple(found)


def _decimals(value: object) -> int | None:
    """Decimals of a number sent as text; None where it is a float in full."""
    if not isinstance(value, str):
        return None
    whole, point, part = value.partition(".")
    return len(part) if point else 0 if whole else None


def _listed(bundle: Bundle, name: str) -> list[Mapping[str, Any]]:
    found = bundle.needs(name)
    found = found.get("results", found) if isinstance(found, Mapping) else found
    return items_of(found, f"{bundle.place} {name}")


def _positions(bundle: Bundle) -> list[Row]:
    rows = []
    for k, item in enumerate(_listed(bundle, "positions")):
        where = f"{bundle.place} positions[{k}]"
        size = required(item, "size", where)
        if size == 0.0 or item.get("status", "OPEN") != "OPEN":
            continue
        side = {"LONG": 1.0, "SHORT": -1.0}.get(text_of(item, "side", where))
        if side is None:
            raise unreadable("not a side", where, item["side"], "LONG or SHORT")
        rows.append(
            Row(
                kind=RowKind.POSITION,
                account=ACCOUNT,
                venue=VENUE,
                name=text_of(item, "market", where),
                quantity=side * abs(size),
                place=where,
                entry_price=optional(item, "average_entry_price", where),
            )
        )
    return rows


def _balances(bundle: Bundle) -> list[Row]:
    return [
        Row(
            kind=RowKind.BALANCE,
            account=ACCOUNT,
            venue=VENUE,
            name=text_of(item, "token", f"{bundle.place} balances[{k}]"),
            quantity=required(item, "size", f"{bundle.place} balances[{k}]"),
            place=f"{bundle.place} balances[{k}]",
        )
        for k, item in enumerate(_listed(bundle, "balances"))
    ]


def _markets(bundle: Bundle, market: PayloadMarket, held: set[str]) -> None:
    """Prices of the markets that are held; every one of them must be there."""
    seen = set()
    for k, item in enumerate(_listed(bundle, "markets")):
        where = f"{bundle.place} markets[{k}]"
        name = text_of(item, "symbol", where)
        if name not in held:
            continue
        seen.add(name)
        _market(market, parse(VENUE, name), item, where)
    absent = [name for name in sorted(held) if name not in seen]
    if absent:
        raise unreadable("a position has no market", f"{bundle.place} markets", absent[0])


def _market(market: PayloadMarket, item: Instrument, found: Mapping[str, Any], place: str) -> None:
    spot = required(found, "underlying_price", place)
    market.index(item.underlying, "USD", spot)
    market.mark(item, required(found, "mark_price", place))
    if item.kind is Kind.OPTION:
        market.vol(item, required(found, "mark_iv", place))
        years = (item.expiry_ms - market.as_of_ms) / YEAR_MS
        market.forward(item, spot * math.exp(required(found, "forward_rate", place) * years))
    elif item.kind is Kind.PERPETUAL:
        rate = optional(found, "funding_rate", place)
        if rate is not None:
            market.funding_8h(item, rate)
