"""Tables of prices in both forms, and what is wrong with one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from crossmargin.core.errors import CrossMarginError, InputError, MarketDataError
from crossmargin.venues.price_table import common_period, read_prices

WIDE = "date,BTC,ETH\n2024-01-01,100,10\n2024-01-03,120,\n2024-01-02,110,11\n"
LONG = (
    "time,symbol,close,volume\n2024-01-01T00:00:00Z,BTC,100,5\n1704153600000,BTC,110,5\n"
    "2024-01-02T00:00:00Z,ETH,11,5\n2024-01-03T00:00:00Z,BTC,120,5\n2024-01-01T00:00:00Z,ETH,10,5\n"
)


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_both_forms_are_one_table(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text)
    found = read_prices(path)
    assert found.names == ("BTC", "ETH")
    assert found.times_ms.tolist() == [1704067200000, 1704153600000, 1704240000000]
    assert found.price[:, 0].tolist() == [100.0, 110.0, 120.0]
    assert found.price[:2, 1].tolist() == [10.0, 11.0] and np.isnan(found.price[2, 1])
    assert read_prices(path, ["ETH"]).price.shape == (2, 1)


def test_parquet_of_timestamps_and_dates(tmp_path: Path) -> None:
    days = [datetime(2024, 1, d, tzinfo=UTC) for d in (1, 2, 3)]
    table = pyarrow.table({"ts": days, "symbol": ["BTC"] * 3, "close": [1.0, 2.0, 3.0]})
    pyarrow.parquet.write_table(table, tmp_path / "long.parquet")
    assert read_prices(tmp_path / "long.parquet").times_ms[0] == 1704067200000
    plain = pyarrow.table({"date": [date(2024, 1, d) for d in (1, 2)], "BTC": [1.0, 2.0]})
    pyarrow.parquet.write_table(plain, tmp_path / "wide.parquet")
    assert read_prices(tmp_path / "wide.parquet").times_ms[1] == 1704153600000
    bare = pyarrow.table({"ts": [datetime(2024, 1, 1)], "BTC": [1.0]})  # no zone
    pyarrow.parquet.write_table(bare, tmp_path / "bare.parquet")
    assert read_prices(tmp_path / "bare.parquet").times_ms[0] == 1704067200000


def test_the_common_period_has_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = ["date,A,B", "2024-01-01,1,", "2024-01-02,1,2", "2024-01-03,1,2", "2024-01-04,1,2"]
    path.write_text("\n".join([*rows, "2024-01-05,1,"]))
    kept, left_out = common_period(read_prices(path))
    assert kept.price.shape == (3, 2) and left_out == 2
    path.write_text("\n".join([*rows, "2024-01-05,,2", "2024-01-06,1,2"]))
    with pytest.raises(MarketDataError, match=r"missing in the middle.*A at 1704412800000 ms"):
        common_period(read_prices(path))
    path.write_text("\n".join(rows[:3]))
    with pytest.raises(MarketDataError, match="hardly a time in common"):
        common_period(read_prices(path))


BAD = {
    "no time": "day,BTC\n2024-01-01,1\n",
    "no price": "time,symbol\n2024-01-01T00:00:00Z,BTC\n",
    "twice": "date,BTC\n2024-01-01,1\n2024-01-01,2\n",
    "zero": "date,BTC\n2024-01-01,0\n",
    "negative": "date,BTC\n2024-01-01,-1\n",
    "infinite": "date,BTC\n2024-01-01,inf\n",
    "no number": "date,BTC\n2024-01-01,one\n",
    "no zone": "date,BTC\n2024-01-01T00:00:00,1\n",
    "nothing": "date\n2024-01-01\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(CrossMarginError):
        read_prices(path)


def test_an_asset_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(WIDE)
    with pytest.raises(InputError, match="DOGE"):
        read_prices(path, ["BTC", "DOGE"])
