from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.sample import market_path
from crossmargin.venues.history_file import read_history
from crossmargin.venues.market_file import write_snapshot
from crossmargin.venues.market_import import import_market, read_market

NOW_MS = utc_ms(2026, 7, 3, 6)
TEXT = """time,underlying,price,vol
2026-07-01T00:00:00Z,BTC,67000.5,0.41
2026-07-02T00:00:00Z,BTC,68000,
2026-07-02T00:00:00Z,ETH,,0.55
2026-07-04T00:00:00Z,BTC,69000,0.4
"""


def written(folder: Path, text: str = TEXT, name: str = "past.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_and_what_is_later(tmp_path: Path) -> None:
    rows, later = read_history(written(tmp_path), NOW_MS)
    assert [(r.field, r.value, r.unit) for r in rows] == [
        ("past_price", 67000.5, "USD"),
        ("past_vol", 0.41, "fraction"),
        ("past_price", 68000.0, "USD"),
        ("past_vol", 0.55, "fraction"),
    ]
    assert later == {"BTC/USD": 1}
    packed = tmp_path / "past.csv.gz"
    packed.write_bytes(gzip.compress(TEXT.encode()))
    assert [r[:4] for r in read_history(packed, NOW_MS)[0]] == [r[:4] for r in rows]


def test_parquet_says_the_same(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "time": pyarrow.array(
                [utc_ms(2026, 7, 1), utc_ms(2026, 7, 2)], pyarrow.timestamp("ms", "UTC")
            ),
            "underlying": ["BTC", "BTC"],
            "price": [67000.5, 68000.0],
            "vol": [0.41, None],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "past.parquet")
    rows, _ = read_history(tmp_path / "past.parquet", NOW_MS)
    assert [r.subject for r in rows if r.field == "past_price"] == [
        f"BTC/USD@{utc_ms(2026, 7, 1)}",
        f"BTC/USD@{utc_ms(2026, 7, 2)}",
    ]
    assert len(rows) == 3


def test_a_snapshot_takes_a_history(tmp_path: Path) -> None:
    before = read_market(market_path())
    bare = before.of([r for r in before.rows() if not r.field.startswith("past_")], NOW_MS)
    assert bare.histories(NOW_MS) == {}
    write_snapshot(bare, tmp_path / "bare.parquet")
    made = import_market(tmp_path / "bare.parquet", history=written(tmp_path))
    assert made.histories(NOW_MS)["BTC"].price.tolist() == [67000.5, 68000.0]
    assert made.histories(NOW_MS)["BTC"].vol.tolist() == [0.41]
    assert made.values("rows_ignored") == {"BTC/USD": 1.0}
    write_snapshot(made, tmp_path / "made.parquet")
    assert read_market(tmp_path / "made.parquet") == made


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("time,price\n1770000000000,1\n", "column_missing", "past.csv"),
        ("time,underlying\n1770000000000,BTC\n", "column_missing", "past.csv"),
        ("time,underlying,price,odd\n", "column_unknown", "past.csv"),
        ("time,underlying,price\nyesterday,BTC,1\n", "time_unreadable", "line 2"),
        ("time,underlying,price\n2026-07-01T00:00:00,BTC,1\n", "time_unreadable", "line 2"),
        ("time,underlying,price\n1770000000000,BTC,1e\n", "number_unreadable", "line 2"),
        ("time,underlying,price\n1770000000000,,1\n", "column_missing", "line 2"),
        ("time,underlying,price\n" + 2 * "1770000000000,BTC,1\n", "duplicate_row", "line 3"),
        ("time,underlying,price,quote\n1770000000000,BTC,1,EUR\n", "currency_unknown", "BTC"),
        ("time,underlying,price\n1770000000000,BTC,-1\n", "price_not_positive", "past_price"),
        ("time,underlying,vol\n1770000000000,BTC,55\n", "vol_out_of_bounds", "past_vol"),
        ("time,underlying,price\n1770000000,BTC,1\n", "time_unreadable", "line 2"),
    ],
)
def test_bad_histories(tmp_path: Path, text: str, code: str, place: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        import_market(market_path(), history=written(tmp_path, text))
    assert caught.value.code == code
    assert place in caught.value.place
    assert caught.value.remedy
