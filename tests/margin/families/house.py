"""A rulebook written for a test, and books of a few legs under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import Parameters, from_values
from crossmargin.margin.pools import cut
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_400_000_000
DAY_MS = 86_400_000
SPOT = 50_000.0
FORM = {
    "clock": "exact",
    "day_count": "exact",
    "delta_one": "mark",
    "vol_shock": "relative",
    "base": "model",
    "coins": "cash",
    "coin_worth": "shocked",
    "balance": "settled",
    "order_loss": "none",
}
STILL = {"moves": [[0.0, 1.0]], "vols": [[0.0]]}
WIDE = {"moves": [[-0.1, 1.0], [0.0, 1.0], [0.1, 1.0]], "vols": [[0.5], [0.0], [-0.5]]}
PERPETUAL = delta_one("v", "PERP", underlying="BTC", settle="USDC")
TETHERED = delta_one("v", "PERP-T", underlying="BTC", settle="USDT")
INVERSE = delta_one("v", "PERP-I", underlying="BTC", settle="BTC", inverse=True)
COIN, USDC, USDT = asset("v", "BTC"), asset("v", "USDC"), asset("v", "USDT")


def call(days: float = 30.0, strike: float = SPOT, right: int = 1, **terms: Any) -> Instrument:
    name = f"O{days:g}-{strike:g}-{right}-{terms.get('settle', 'USDC')}"
    expiry_ms = AS_OF_MS + int(days * DAY_MS)
    whole = {"underlying": "BTC", "settle": "USDC", **terms}
    return option("v", name, right, strike, expiry_ms, **whole)


def future(days: float) -> Instrument:
    expiry_ms = AS_OF_MS + int(days * DAY_MS)
    return delta_one("v", f"F{days:g}", underlying="BTC", settle="USDC", expiry_ms=expiry_ms)


def rules(
    numbers: Mapping[str, Any],
    *,
    im: float = 1.0,
    mm: float = 1.0,
    power: tuple[float, float, float] = (0.0, 0.0, 1.0),
    more: Mapping[str, Any] | None = None,
    **form: str,
) -> Parameters:
    general = dict(
        zip(("vega_power_short", "vega_power_long", "dte_floor_days"), power, strict=True)
    )
    values = {
        "general": general,
        "form": {**FORM, **form},
        "level": {"im_factor": im, "mm_factor": mm},
        "asset": {"BTC": dict(numbers)},
        **(more or {}),
    }
    return from_values("house", "test", values, "test")


def margined(
    held: Mapping[Instrument, float],
    parameters: Parameters,
    *,
    vol: float = 0.5,
    marks: Mapping[str, float] | None = None,
    orders: Sequence[tuple[Instrument, int, float, float]] = (),
    entry: float | None = None,
    model: str = "house-example",
    reported: Reported | None = None,
) -> Requirement:
    """The book at an index, forwards and futures' marks of 50,000, unless ``marks`` says so."""
    table = Instruments.of([*held, *(order[0] for order in orders)])
    place = table.index_of()
    lines = [
        Line("a", place[item.key], size, None if item in (COIN, USDC, USDT) else entry)
        for item, size in held.items()
    ]
    quotes = {item.native_id: Quote(SPOT, vol) for item in table.items}
    for name, mark in (marks or {}).items():
        quotes[name] = Quote(mark, vol)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): SPOT},
        {"BTC": SPOT, "USDC": 1.0, "USDT": 0.5, "USD": 1.0},
        {key[3]: Dated(SPOT, key[3] - AS_OF_MS) for key in table.expiries},
        quotes,
    )
    rests = [Order("a", place[i.key], side, size, limit) for i, side, size, limit in orders]
    book = Book.of(table, lines, rests, reported)
    return run(book, view_of(table, facts), model_named(model), parameters)


def vector(found: Requirement) -> list[float]:
    priced = found.priced[0]
    full = found.via.vector(priced, cut(found.book, priced.pool, 0))
    assert full is not None
    return [float(x) for x in full[0]]


def column(found: Requirement, name: str) -> float:
    return float(found.sheet[name][0])
