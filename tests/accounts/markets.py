"""A small market of one coin, made here: an option chain, a future, a perpetual."""

from __future__ import annotations

import math
from collections.abc import Iterable

from crossmargin.core.clock import DAY_MS, YEAR_MS, utc_ms
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot
from crossmargin.pricing.revalue import black_value

NOW = utc_ms(2026, 6, 30, 8)
INDEX = 60_000.0
VOL = 0.5
CALL, PUT, WING = "BTC-31JUL26-60000-C", "BTC-31JUL26-55000-P", "BTC-31JUL26-80000-C"
DEEP = "BTC-31JUL26-40000-C"
FUTURE, PERP = "BTC-31JUL26", "BTC-PERPETUAL"
NAMES = (CALL, PUT, WING, DEEP, "BTC-31JUL26-50000-P", "BTC-31JUL26-70000-C", FUTURE, PERP)


def market(
    *,
    without: Iterable[str] = (),
    sizes: float | None = None,
    interest: float | None = 1000.0,
    perpetual: bool = True,
) -> Snapshot:
    """The snapshot; ``without`` names rows such as ``"bid BTC-31JUL26-60000-C"``."""
    rows = [
        ("index", "BTC/USD", INDEX, "USD"),
        ("usd", "BTC", INDEX, "USD"),
        ("usd", "USD", 1.0, "USD"),
        ("forward", f"BTC/USD@{parse('deribit', FUTURE).expiry_ms}", INDEX, "USD"),
    ]
    for name in NAMES:
        if name == PERP and not perpetual:
            continue
        item = parse("deribit", name)
        subject, unit = f"deribit|{name}", "BTC" if item.kind == Kind.OPTION else "USD"
        mark, tick = INDEX, 10.0
        if item.kind == Kind.OPTION:
            root = math.sqrt((item.expiry_ms - NOW) / YEAR_MS)
            mark = float(black_value(INDEX, item.strike, VOL * root, item.right)) / INDEX
            tick = min(0.0005, 0.5 * mark)
            rows.append(("mark_iv", subject, VOL, "fraction"))
        rows += [
            ("mark", subject, mark, unit),
            ("bid", subject, mark - tick, unit),
            ("ask", subject, mark + tick, unit),
        ]
        scale = 1.0 if item.kind == Kind.OPTION else INDEX
        if sizes is not None:
            rows += [(f"{side}_size", subject, sizes * scale, "amount") for side in ("bid", "ask")]
        if interest is not None:
            rows.append(("open_interest", subject, interest * scale, "amount"))
    if perpetual:
        rows.append(("funding_8h", f"deribit|{PERP}", 0.0001, "fraction"))
    left = set(without)
    return Snapshot.of(
        (
            Row(field, subject, value, unit, "made", NOW, NOW)
            for field, subject, value, unit in rows
            if f"{field} {subject.rpartition('|')[2]}" not in left
        ),
        NOW,
    )


def book(positions: dict[str, float], coins: float = 10.0) -> Book:
    """One account with a balance in coins."""
    items = [parse("deribit", name) for name in ("BTC", *positions)]
    table = Instruments.of(items)
    place = table.index_of()
    lines = [
        Line("a", place[item.key], quantity)
        for item, quantity in zip(items, [coins, *positions.values()], strict=True)
    ]
    return Book.of(table, lines)


def days(count: float) -> int:
    return int(count * DAY_MS)
