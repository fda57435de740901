"""Small venue accounts of our own making: perpetuals on Paradex, a lending pool, one market."""

from __future__ import annotations

from typing import Any

from crossmargin.accounts.venue_accounts import LendingTerms, Trust, VenueAccount
from crossmargin.core.clock import parse_ms
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin.register import model_named
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot

AS_OF_MS = parse_ms("2026-07-03T06:00:00Z")
PRICES = {"BTC": 68_400.0, "ETH": 2_036.0}
SIGMA = {"BTC": 0.4, "ETH": 0.55}
OPEN = Trust(
    enforceability=1.0,
    transfer_time_s=0.0,
    oracle_lag_s=0.0,
    basis_fraction=0.0,
    recovery=1.0,
    wind_down_days=0.0,
)


def market(factor: float = 1.0, at_ms: int = AS_OF_MS) -> Snapshot:
    """Both coins at their price times a factor, marks of the perpetuals at the index."""
    rows = [Row("usd", "USDC", 1.0, "USD", "own", at_ms, at_ms)]
    for name, price in PRICES.items():
        rows.append(Row("index", f"{name}/USD", price * factor, "USD", "own", at_ms, at_ms))
        subject = f"paradex|{name}-USD-PERP"
        rows.append(Row("mark", subject, price * factor, "USD", "own", at_ms, at_ms))
    return Snapshot.of(rows, at_ms)


def perp(
    name: str = "perp",
    coins: float = 2.0,
    usdc: float = 20_000.0,
    coin: str = "BTC",
    entry: float | None = None,
    **changes: Any,
) -> VenueAccount:
    """A perpetual and dollars at Paradex; entry at the mark unless it is given."""
    contract, cash = parse("paradex", f"{coin}-USD-PERP"), asset("paradex", "USDC")
    table = Instruments.of([contract, cash])
    at = table.index_of()
    price = PRICES[coin] if entry is None else entry
    lines = [Line(name, at[cash.key], usdc), Line(name, at[contract.key], coins, price)]
    given: dict[str, Any] = {
        "snapshot": market(),
        "as_of_ms": AS_OF_MS,
        "trust": Trust(),
        "model": model_named("paradex-xm"),
        **changes,
    }
    return VenueAccount(name=name, venue="paradex", book=Book.of(table, lines), **given)


def loan(
    name: str = "loan",
    ether: float = 100.0,
    usdc_owed: float = 100_000.0,
    owed: Kind = Kind.ASSET,
    **changes: Any,
) -> VenueAccount:
    """Ether deposited, dollars borrowed: a negative balance, or a line of debt (positive)."""
    kinds = {"ETH": Kind.ASSET, "USDC": owed}
    table = Instruments.of(
        Instrument("pool", _native(each, kind), kind, each, "USD", each)
        for each, kind in kinds.items()
    )
    at = table.index_of()
    sign = 1.0 if owed is Kind.DEBT else -1.0
    lines = [
        Line(name, at["pool", "ETH"], ether),
        Line(name, at["pool", _native("USDC", owed)], sign * usdc_owed),
    ]
    given: dict[str, Any] = {
        "snapshot": market(),
        "as_of_ms": AS_OF_MS,
        "trust": Trust(),
        "terms": LendingTerms({"ETH": 0.8}, {"ETH": 0.83}),
        **changes,
    }
    return VenueAccount(name=name, venue="pool", book=Book.of(table, lines), **given)


def _native(name: str, kind: Kind) -> str:
    return f"debt {name}" if kind is Kind.DEBT else name
