"""Sample data that ships with the package: a generated BTC and ETH market, and three books.

``three-venues`` is a unified account over three venues, with markets of its own for two of them.

Nothing in it was recorded at a venue: ``scripts/make_sample_data.py`` makes every number from a
seed. The market is of 2026-07-03T06:00:00Z, two hours before a daily expiry.
"""

from __future__ import annotations

from pathlib import Path

from crossmargin.core.errors import InputError

__all__ = ["BOOKS", "UNIFIED", "book_path", "market_path", "unified_path"]

BOOKS = ("retail-short-vol", "market-maker", "inverse-perp-basis")
UNIFIED = "three-venues"
_FOLDER = Path(__file__).parent


def market_path() -> Path:
    """The market snapshot, in the package's own Parquet format."""
    return _FOLDER / "market.parquet"


def book_path(name: str) -> Path:
    """A book of :data:`BOOKS` as CSV; ``market-maker.json`` is the same in the JSON form.

    Raises InputError ``option_unknown`` for another name.
    """
    book, _, form = name.partition(".")
    if book not in BOOKS or form not in ("", "csv", "json"):
        raise _unknown(name)
    path = _FOLDER / f"{book}.{form or 'csv'}"
    if not path.is_file():
        raise _unknown(name)
    return path


def unified_path(name: str = UNIFIED) -> Path:
    """The file of the unified account; InputError ``option_unknown`` for another name."""
    if name != UNIFIED:
        raise InputError(
            "option_unknown",
            "no such sample of a unified account",
            value=name,
            limit=UNIFIED,
            remedy="Choose that one, or give a file.",
        )
    return _FOLDER / f"{UNIFIED}.toml"


def _unknown(name: str) -> InputError:
    return InputError(
        "option_unknown",
        "no such sample book",
        value=name,
        limit=", ".join((*BOOKS, "market-maker.json")),
        remedy="Choose one of the sample books.",
    )
