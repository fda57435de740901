from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.venues.market_file import VERSION, is_snapshot, read_snapshot, write_snapshot
from tests.market.markets import least, row


def code(path: Path) -> str:
    with pytest.raises(CrossMarginError) as caught:
        read_snapshot(path)
    return caught.value.code


def test_written_and_read_back_equal(tmp_path: Path) -> None:
    snapshot = least().with_rows([row("usd", "USDC", 0.99, "USD", confidence=0.5, verdict="stale")])
    write_snapshot(snapshot, tmp_path / "a.parquet")
    back = read_snapshot(tmp_path / "a.parquet")
    assert back == snapshot
    assert list(back.rows()) == list(snapshot.rows())
    assert back.as_of_ms == snapshot.as_of_ms


def test_same_content_same_bytes(tmp_path: Path) -> None:
    write_snapshot(least(), tmp_path / "a.parquet")
    write_snapshot(least().with_rows([]), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    metadata = pq.read_schema(tmp_path / "a.parquet").metadata
    assert metadata[b"crossmargin.snapshot"] == VERSION.encode()
    assert is_snapshot(metadata)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_truncated(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.parquet"
    write_snapshot(least(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert code(path) == "file_unreadable"


def test_absent(tmp_path: Path) -> None:
    assert code(tmp_path / "none.parquet") == "file_unreadable"


def test_foreign(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"ts": [1], "price": [2.0]}), path)
    assert code(path) == "file_unreadable"


def rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def test_other_version(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_snapshot(least(), path)
    rewrite(
        path,
        lambda t: t.replace_schema_metadata({**t.schema.metadata, b"crossmargin.snapshot": b"9"}),
    )
    assert code(path) == "version_unknown"


def test_changed_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_snapshot(least(), path)
    rewrite(path, lambda t: t.slice(1))
    assert code(path) == "hash_mismatch"


def test_null_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_snapshot(least(), path)

    def nulled(table: Any) -> Any:
        place = table.schema.get_field_index("value")
        return table.set_column(place, "value", pa.array([None] * len(table), pa.float64()))

    rewrite(path, nulled)
    assert code(path) == "file_unreadable"


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CrossMarginError) as caught:
        write_snapshot(least(), tmp_path / "a.parquet")
    assert caught.value.code == "extra_missing"
    assert "pip install crossmargin[files]" in str(caught.value)


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(CrossMarginError) as caught:
        write_snapshot(least(), tmp_path / "none" / "a.parquet")
    assert caught.value.code == "file_unreadable"
