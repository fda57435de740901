"""Accounts over several rulebooks on the sample market, small enough to be searched by hand."""

from __future__ import annotations

from functools import cache

import numpy as np

from crossmargin.accounts.venue_accounts import LendingTerms, Trust, VenueAccount
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.instruments.symbology import asset, parse
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.margin.register import model_named
from crossmargin.market.snapshot import Snapshot

FEE = Trust(transfer_fee_usd=5.0)
CALL, HIGH, PUT = "BTC-31JUL26-74000-C", "BTC-31JUL26-80000-C", "BTC-31JUL26-62000-P"
PERP = "BTC-PERPETUAL"


@cache
def market() -> Snapshot:
    """The generated sample market."""
    return snapshot_of("sample:market")


def contract(name: str) -> Instrument:
    """A contract of Deribit."""
    return parse("deribit", name)


def account(
    name: str,
    model: str,
    positions: dict[str, float] | None = None,
    money: float = 300_000.0,
    trust: Trust = FEE,
) -> VenueAccount:
    """An account with positions by name and dollars in USDC."""
    held = {contract(key): size for key, size in (positions or {}).items()}
    held[asset("deribit", "USDC")] = money
    table = Instruments.of(held)
    lines = [Line(name, table.index_of()[item.key], size) for item, size in held.items()]
    book = Book.of(table, lines, [], None, (name,))
    snapshot = market()
    return VenueAccount(
        name, "deribit", book, snapshot, snapshot.as_of_ms, trust, model_named(model)
    )


def pool(name: str = "loan", ether: float = 50.0, debt: float = 20_000.0) -> VenueAccount:
    """A lending pool that holds ether against dollars borrowed."""
    lender = Instruments.of(
        [asset("deribit", "ETH"), asset("deribit", "USDC")],
    )
    place = lender.index_of()
    lines = [
        Line(name, place["deribit", "ETH"], ether),
        Line(name, place["deribit", "USDC"], -debt),
    ]
    book = Book.of(lender, lines, [], None, (name,))
    terms = LendingTerms({"ETH": 0.8, "USDC": 0.8}, {"ETH": 0.83, "USDC": 0.85})
    snapshot = market()
    return VenueAccount(name, "deribit", book, snapshot, snapshot.as_of_ms, FEE, terms=terms)


def split(seed: int) -> list[VenueAccount]:
    """Two sub-accounts whose positions offset each other in part, and one under another rule."""
    rng = np.random.default_rng(seed)
    size = round(float(rng.uniform(3.0, 9.0)), 1)
    return [
        account("one", "deribit-xpm", {CALL: -size, PERP: 50_000.0}),
        account("two", "deribit-xpm", {CALL: round(size / 2.0, 1), PUT: -2.0}),
        account("three", "house-example", {HIGH: 1.0}),
    ]
