"""The snapshot's own Parquet format: the long table, with schema version and content hash.

Metadata: ``crossmargin.snapshot`` = version, ``crossmargin.as_of_ms``, ``crossmargin.sha256``. The
bytes depend on the content (and the Parquet writer's version) alone; a file whose rows do not give
the stated hash is refused.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from crossmargin.core.errors import CrossMarginError, InputError, StateError
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot

__all__ = ["VERSION", "is_snapshot", "parquet", "read_snapshot", "write_snapshot"]

VERSION = "1"
_KEY = b"crossmargin.snapshot"
_TEXTS = ("field", "subject", "unit", "source", "verdict")
_NUMBERS = {
    "value": "float64",
    "event_ms": "int64",
    "receive_ms": "int64",
    "confidence": "float64",
}


def _arrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow  # an extra, and 0.2 s to import: only where Parquet is read or written
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "extra_missing",
            "Parquet files need pyarrow",
            remedy="Install it: pip install crossmargin[files]",
        ) from None
    return pyarrow, pyarrow.parquet


def parquet(path: str | Path) -> Any:
    """An open ParquetFile; file_unreadable where the file is absent, truncated or another kind."""
    arrow, module = _arrow()
    try:
        return module.ParquetFile(Path(path))
    except (OSError, arrow.ArrowException) as cause:
        raise InputError(
            "file_unreadable",
            f"cannot read a Parquet file ({type(cause).__name__})",
            place=Path(path).name,
            limit="a complete Parquet file",
            remedy="Write or fetch the file again.",
        ) from None


def is_snapshot(metadata: dict[bytes, bytes] | None) -> bool:
    """Whether the schema metadata is that of a snapshot."""
    return _KEY in (metadata or {})


def write_snapshot(snapshot: Snapshot, path: str | Path) -> None:
    """Write the snapshot as Parquet; equal snapshots give equal bytes."""
    arrow, module = _arrow()
    columns: dict[str, Any] = {}
    for name in Row._fields:
        column = getattr(snapshot, name)
        if name in _TEXTS:
            columns[name] = arrow.array(column, arrow.string())
        else:
            columns[name] = arrow.array(column, getattr(arrow, _NUMBERS[name])())
    table = arrow.table(columns).replace_schema_metadata(
        {
            _KEY: VERSION.encode(),
            b"crossmargin.as_of_ms": str(snapshot.as_of_ms).encode(),
            b"crossmargin.sha256": snapshot.sha256.encode(),
        }
    )
    try:
        module.write_table(table, Path(path), compression="zstd", version="2.6")
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"cannot write the file ({type(cause).__name__})",
            place=Path(path).name,
            remedy="Choose a folder that exists and can be written.",
        ) from None


def read_snapshot(path: str | Path) -> Snapshot:
    """Read a snapshot back, equal to the one written.

    Raises InputError: file_unreadable (truncated, or another Parquet file), version_unknown,
    extra_missing; StateError hash_mismatch where the rows were changed.
    """
    handle = parquet(path)
    arrow, _ = _arrow()
    name = Path(path).name
    metadata = handle.schema_arrow.metadata or {}
    _refuse_foreign(handle, metadata, name)
    try:
        table = handle.read()
        columns = [table.column(column).to_pylist() for column in Row._fields]
        as_of_ms = int(metadata[b"crossmargin.as_of_ms"])
        snapshot = Snapshot.of((Row(*cells) for cells in zip(*columns, strict=True)), as_of_ms)
    except CrossMarginError:
        raise
    except (OSError, arrow.ArrowException, KeyError, ValueError, TypeError) as cause:
        raise InputError(
            "file_unreadable",
            f"the snapshot is damaged ({type(cause).__name__})",
            place=name,
            limit="a complete snapshot",
            remedy="Import the market again.",
        ) from None
    stated = metadata.get(b"crossmargin.sha256", b"").decode("ascii", "replace")
    if snapshot.sha256 != stated:
        raise StateError(
            "hash_mismatch",
            "the rows are not those that were written",
            place=name,
            value=snapshot.sha256,
            limit=stated,
            remedy="Import the market again.",
        )
    return snapshot


def _refuse_foreign(handle: Any, metadata: dict[bytes, bytes], name: str) -> None:
    if not is_snapshot(metadata) or not set(Row._fields) <= set(handle.schema_arrow.names):
        raise InputError(
            "file_unreadable",
            "the Parquet file is not a market snapshot",
            place=name,
            value=", ".join(handle.schema_arrow.names)[:120],
            limit="a file that `market import` wrote, or the chain panel",
            remedy="Import the market first.",
        )
    version = metadata[_KEY].decode("ascii", "replace")
    if version != VERSION:
        raise InputError(
            "version_unknown",
            "the snapshot was written in another version of the format",
            place=name,
            value=version,
            limit=VERSION,
            remedy="Import the market again with this version.",
        )
