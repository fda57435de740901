"""Order books from files: the forms that are read, recorded ones, and what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.venues.order_books import read_order_books

SIDES = {"bids": [[59_990.0, 1000], ["59980", "2000", 7]], "asks": [[60_010.0, 500.0]]}
PERP = ("deribit", "BTC-PERPETUAL")


@pytest.mark.parametrize(
    "given",
    [
        {**SIDES, "instrument_name": "BTC-PERPETUAL"},
        {"jsonrpc": "2.0", "result": {**SIDES, "instrument_name": "BTC-PERPETUAL"}},
        [{**SIDES, "instrument": "BTC-PERPETUAL", "venue": "deribit"}],
        {"BTC-PERPETUAL": SIDES},
        {"deribit|BTC-PERPETUAL": SIDES},
        {"deribit BTC-PERPETUAL": {"result": SIDES}},
    ],
)
def test_the_forms_say_the_same(given: object, tmp_path: Path) -> None:
    place = tmp_path / "books.json"
    place.write_text(json.dumps(given), "utf-8")
    for source in (place, str(place), json.dumps(given).encode(), given):
        found = read_order_books(source)  # type: ignore[arg-type] # wrong on purpose
        assert set(found) == {PERP}
        depth = found[PERP]
        assert depth.bid_price.tolist() == [59_990.0, 59_980.0]
        assert depth.bid_size.tolist() == [1000.0, 2000.0]
        assert depth.ask_price.tolist() == [60_010.0]
        assert depth.volume_day is None


def test_the_volume_of_a_day_is_in_units_of_the_contract() -> None:
    stats = {"volume": 5000.0, "volume_usd": 3e8}
    option = "BTC-31JUL26-60000-C"
    given = {"BTC-PERPETUAL": {**SIDES, "stats": stats}, option: {"bids": [], "asks": []}}
    given[option]["stats"] = stats
    found = read_order_books(given)
    assert found[PERP].volume_day == 3e8
    assert found["deribit", option].volume_day == 5000.0
    assert read_order_books({"BTC-PERPETUAL": {**SIDES, "volume_day": 7}})[PERP].volume_day == 7.0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (b"[", "file_unreadable"),
        (b"3", "file_unreadable"),
        ({"BTC-PERPETUAL": [1]}, "file_unreadable"),
        ({"BTC-PERPETUAL": {"bids": 3}}, "file_unreadable"),
        ({"BTC-PERPETUAL": {"bids": [[1.0]]}}, "file_unreadable"),
        ({"BTC-PERPETUAL": {"bids": [["x", 1.0]]}}, "number_unreadable"),
        ({"BTC-PERPETUAL": {"bids": [[1.0, float("nan")]]}}, "number_not_finite"),
        (b'{"BTC-PERPETUAL": {"bids": [[NaN, 1]]}}', "number_not_finite"),
        ({"BTC-PERPETUAL": {"bids": [[0.0, 1.0]]}}, "price_not_positive"),
        ({"BTC-PERPETUAL": {"bids": [[1.0, -1.0]]}}, "number_out_of_range"),
        ({"BTC-PERPETUAL": {"bids": [[2, 1]], "asks": [[1, 1]]}}, "market_doubtful"),
        ({"NOTHING-AT-ALL": SIDES}, "instrument_unknown"),
        ([{**SIDES, "symbol": "BTC-PERPETUAL"}] * 2, "duplicate_row"),
        ({"BTC-PERPETUAL": {**SIDES, "volume_day": "much"}}, "number_unreadable"),
        ({"BTC-PERPETUAL": {**SIDES, "volume_day": -1}}, "number_out_of_range"),
        ("/nowhere/at/all.json", "file_unreadable"),
    ],
)
def test_what_is_refused(given: object, code: str) -> None:
    with pytest.raises(CrossMarginError) as told:
        read_order_books(given)  # type: ignore[arg-type] # wrong on purpose
    assert told.value.code == code


def test_recorded_books(market_dir: Path) -> None:
    place = market_dir / "orderbooks" / "cryptofeed_DERIBIT.ws.1.0.gz"
    if not place.exists():
        pytest.skip("no recorded order books")
    books = {}
    for line in gzip.decompress(place.read_bytes()).decode().splitlines():
        body = json.loads(line.partition(": ")[2]) if ": {" in line else {}
        data = body.get("params", {}).get("data", {})
        if isinstance(data, dict) and data.get("type") == "snapshot":
            sides = {side: [level[1:] for level in data[side]] for side in ("bids", "asks")}
            books[data["instrument_name"]] = sides
    found = read_order_books(books)
    assert len(found) == len(books) >= 5
    for (_, name), depth in found.items():
        assert len(depth.bid_price) == len(books[name]["bids"])
        assert (depth.bid_price[:-1] > depth.bid_price[1:]).all()
