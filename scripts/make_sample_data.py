"""Makes the sample data of the package: ``python scripts/make_sample_data.py [--check]``.

Writes a market of BTC and ETH, three books and a unified account over three venues into
``src/crossmargin/sample``. Everything is generated from a seed and the tables in
``sample_market.py``, ``sample_history.py``, ``sample_books.py`` and ``sample_unified.py``; no file
of market data is read. With ``--check`` nothing is written: the exit status is 1 where a committed
file is not what the script makes. A market is compared by its content (the bytes of a Parquet file
also depend on the version of its writer), the rest by its bytes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sample_books import books_of
from sample_market import Market, snapshot_of
from sample_unified import NAME, snapshots_of, texts_of

from crossmargin.venues.books import read_book, write_book
from crossmargin.venues.market_file import read_snapshot, write_snapshot

FOLDER = Path(__file__).resolve().parent.parent / "src" / "crossmargin" / "sample"
MARKET = "market.parquet"
STATEMENT = "market-maker"  # the book that is also written in the published JSON form


def write(folder: Path) -> list[str]:
    """Write every file; returns their names."""
    market = Market()
    write_snapshot(snapshot_of(market), folder / MARKET)
    names = [MARKET]
    for name, text in books_of(market).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
        names.append(f"{name}.csv")
    write_book(read_book(folder / f"{STATEMENT}.csv"), folder / f"{STATEMENT}.json")
    for name, text in texts_of().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        names.append(name)
    for name, snapshot in snapshots_of().items():
        write_snapshot(snapshot, folder / f"{NAME}-{name}.parquet")
        names.append(f"{NAME}-{name}.parquet")
    return [*names, f"{STATEMENT}.json"]


def differences(folder: Path) -> list[str]:
    """Names of the committed files that are not what the script makes."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        return [each for each in write(fresh) if not _same(fresh / each, folder / each)]


def _same(made: Path, committed: Path) -> bool:
    if not committed.exists():
        return False
    if made.suffix == ".parquet":
        return read_snapshot(made) == read_snapshot(committed)
    return made.read_bytes() == committed.read_bytes()


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        stale = differences(FOLDER)
        for name in stale:
            print(f"{name} is not what the script makes: run it without --check")
        return 1 if stale else 0
    if arguments:
        print(__doc__)
        return 2
    for name in write(FOLDER):
        print(f"{name}: {(FOLDER / name).stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
