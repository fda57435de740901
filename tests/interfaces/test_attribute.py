"""The verbs attribute and explain_change: sums, mapped books, further contracts, errors."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.attribute import attribute, explain_change
from crossmargin.interfaces.verbs import margin
from crossmargin.sample import BOOKS, book_path

MARKET = "sample:market"


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-sm", "okx-pm", "derive-pm2", "tims"])
def test_the_requirement_is_that_of_margin(name: str, model: str) -> None:
    """Own and mapped books: the whole is margin's, and every sum is the whole."""
    found = attribute(f"sample:{name}", MARKET, model, pairs=4)
    own = found.figures
    whole = margin(f"sample:{name}", MARKET, model).im_usd
    assert own["required"] == pytest.approx(whole, rel=1e-9)
    parts = own["positions"] + own["open_orders"] + own["holds"] + own["rounding"]
    assert parts == pytest.approx(whole, rel=1e-9)
    euler = sum(each["euler"] for each in found.groups) + own["euler_fixed"]
    assert euler == pytest.approx(own["positions"], rel=1e-9, abs=1e-6)
    shapley = sum(each["shapley"] for each in found.groups) + own["nobody"]
    assert shapley == pytest.approx(own["positions"], rel=1e-9, abs=1e-6)
    assert found.statement is not None
    assert sum(line.cents for line in found.statement.lines) == found.statement.total_cents


def test_levels_and_tags_of_a_mapped_book() -> None:
    found = attribute("sample:market-maker", MARKET, "okx-pm", by="desk,strategy")
    paths = {tuple(each["path"]) for each in found.groups}
    assert ("vol", "surface") in paths
    assert ("hedge", "hedge") in paths or any(path[1] == "hedge" for path in paths)
    assert [each["path"] for each in found.figures["orders"]] == [["vol", "quotes"]]
    derive = attribute("sample:market-maker", MARKET, "derive-pm2", method="euler")
    assert any("mapped to derive" in note for note in derive.figures["notes"])


def test_one_method_alone_and_one_pool() -> None:
    found = attribute("sample:market-maker", MARKET, "deribit-spm", method="euler", pool="BTC")
    assert found.statement is None
    assert found.figures["unit"] == "BTC"
    assert all(each["shapley"] is None for each in found.groups)
    columns = found.document().tables[0].columns
    assert [column.key for column in columns] == ["group", "euler"]
    assert columns[1].header == "Euler\nBTC"


def test_the_marginal_of_a_contract_that_is_not_held() -> None:
    """One contract more, by margin itself."""
    name = "BTC-25SEP26-80000-C"
    found = attribute("sample:retail-short-vol", MARKET, "deribit-spm", instruments=[name])
    line = next(each for each in found.figures["marginal"] if each["instrument"] == name)
    assert line["quantity"] == 0.0
    with book_path("retail-short-vol").open(encoding="utf-8") as lines:
        rows: list[dict[str, object]] = [
            {k: (float(v) if k in ("quantity", "entry_price") else v) for k, v in row.items() if v}
            for row in csv.DictReader(lines)
        ]
    size = 0.001
    account = rows[0]["account"]
    for sign, key in ((1.0, "one_more"), (-1.0, "one_less")):
        more = {"type": "position", "account": account, "venue": "deribit", "instrument": name,
                "quantity": sign * size}  # fmt: skip
        changed = margin([*rows, more], MARKET, "deribit-spm").im_usd
        assert (changed - found.figures["required"]) / size == pytest.approx(line[key], rel=1e-3)


def test_a_change_beside_the_shares(tmp_path: Path) -> None:
    before = tmp_path / "before.csv"
    text = book_path("market-maker").read_text(encoding="utf-8").splitlines(keepends=True)
    before.write_text("".join(text[:-8]), encoding="utf-8")
    found = attribute("sample:market-maker", MARKET, "deribit-spm", against=str(before))
    change = found.figures["change"]
    total = sum(each["part_usd"] for each in change["causes"])
    assert total == pytest.approx(change["change_usd"], rel=1e-9)
    assert change["after_usd"] == pytest.approx(found.figures["required"], rel=1e-12)
    orders = next(each for each in change["causes"] if each["cause"] == "orders")
    assert orders["part_usd"] == pytest.approx(change["change_usd"], rel=1e-9)
    assert f"--against {before}" in found.receipt.command
    alone = explain_change((str(before), MARKET), ("sample:market-maker", MARKET), "deribit-spm")
    assert alone.figures["causes"] == change["causes"]
    picture = alone.plot(tmp_path / "change.svg").read_text("utf-8")
    assert picture.startswith("<svg ")
    assert "orders" in picture


def test_a_change_of_a_book_that_is_mapped(tmp_path: Path) -> None:
    """The parts add up between the requirements that margin gives of both days."""
    before = tmp_path / "before.csv"
    text = book_path("retail-short-vol").read_text(encoding="utf-8").splitlines(keepends=True)
    before.write_text("".join(text[:-1]), encoding="utf-8")
    found = attribute("sample:retail-short-vol", MARKET, "derive-pm2", against=str(before))
    change = found.figures["change"]
    assert change["before_usd"] == margin(str(before), MARKET, "derive-pm2").im_usd
    assert change["after_usd"] == pytest.approx(found.figures["required"], rel=1e-12)
    assert change["after_usd"] != change["before_usd"]
    total = sum(each["part_usd"] for each in change["causes"])
    assert total == pytest.approx(change["change_usd"], rel=1e-9)
    assert any(note.startswith("mapped to derive") for note in change["notes"])


def test_the_receipt_gives_the_same_again() -> None:
    first = attribute("sample:retail-short-vol", MARKET, "deribit-spm", by="strategy")
    again = attribute("sample:retail-short-vol", MARKET, "deribit-spm", by="strategy")
    assert first.to_json() == again.to_json()
    assert first.receipt.command.startswith("crossmargin attribute sample:retail-short-vol")
    rows = attribute([{"account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL",
                       "quantity": 1000}], MARKET)  # fmt: skip
    assert rows.receipt.command == ""
    assert rows.figures["statement"]["buffer_usd"] is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"method": "fair"}, "option_unknown"),
        ({"tie": "best"}, "option_unknown"),
        ({"basis": "incremental"}, "option_unknown"),
        ({"by": "trader"}, "option_unknown"),
        ({"pool": "DOGE"}, "option_unknown"),
        ({"level": "both"}, "option_unknown"),
        ({"rate": 20.0}, "number_out_of_range"),
        ({"exact_max": 30}, "number_out_of_range"),
        ({"instruments": ["BTC-1JAN30-1-C"]}, "instrument_unknown"),
    ],
)
def test_errors(options: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        attribute("sample:retail-short-vol", MARKET, "deribit-spm", **options)  # type: ignore[arg-type] # what is tested
    assert caught.value.code == code
