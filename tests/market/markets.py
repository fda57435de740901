"""Small markets made by hand for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

from crossmargin.core.clock import utc_ms
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.market.chain import Quote, assemble
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot

AS_OF_MS = utc_ms(2026, 2, 5, 21, 30)
FEB_MS = utc_ms(2026, 2, 13, 8)
MAR_MS = utc_ms(2026, 3, 27, 8)


def row(field: str, subject: str, value: float, unit: str, **other: object) -> Row:
    """A row observed at the snapshot's own time."""
    made = Row(field, subject, value, unit, "test", AS_OF_MS, AS_OF_MS)
    return made._replace(**other)  # type: ignore[arg-type]  # keywords of a test


def option(native_id: str) -> str:
    return f"deribit|{native_id}"


def least_rows() -> list[Row]:
    """Index, one forward, one option with mark and volatility."""
    return [
        row("index", "BTC/USD", 64000.0, "USD"),
        row("forward", f"BTC/USD@{FEB_MS}", 64100.0, "USD"),
        row("mark", option("BTC-13FEB26-60000-C"), 0.0812, "BTC"),
        row("mark_iv", option("BTC-13FEB26-60000-C"), 0.72, "fraction"),
    ]


def least() -> Snapshot:
    return Snapshot.of(least_rows(), AS_OF_MS)


def table(*native_ids: str, venue: str = "deribit") -> Instruments:
    return Instruments.of(parse(venue, native_id) for native_id in native_ids)


def quote(native_id: str, **values: object) -> Quote:
    """A quote at the snapshot's own time."""
    made = Quote(parse("deribit", native_id), AS_OF_MS, "test")
    return made._replace(**values)  # type: ignore[arg-type]  # keywords of a test


def assembled(quotes: Sequence[Quote], **options: object) -> Snapshot:
    return assemble(quotes, AS_OF_MS, **options)  # type: ignore[arg-type]  # keywords of a test
