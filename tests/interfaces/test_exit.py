"""The door: what is asked, what comes back, and that it can be made again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.exit import ExitResult
from crossmargin.market.depth import Depth

BOOK, MARKET = "sample:retail-short-vol", "sample:market"


@pytest.fixture(scope="module")
def found() -> ExitResult:
    return xm.exit_value(BOOK, MARKET, "deribit-spm")


def test_the_figures_are_the_margins_and_the_exits(found: ExitResult) -> None:
    plain = xm.margin(BOOK, MARKET, "deribit-spm")
    figures = found.to_dict()
    mark, touch, *_ = figures["standings"]
    assert mark["im_usage"] == pytest.approx(plain.accounts[0]["im_usage"])
    assert mark["equity_usd"] == pytest.approx(plain.accounts[0]["equity_usd"])
    assert touch["cost_usd"] == pytest.approx(sum(leg["touch_usd"] for leg in figures["legs"]))
    assert figures["days"] == 5.0
    assert figures["fees"] == {"deribit": "stated"}
    assert figures["unquoted"] == []
    assert set(figures["receipt"]["parameters_sha256"]) == {"deribit-spm", "execution"}
    assert json.loads(found.to_json())["standings"] == figures["standings"]


def test_where_pools_stand_apart_usage_is_that_of_the_one_with_least_left() -> None:
    rows = [
        {"type": kind, "account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        for kind, name, size in (
            ("balance", "BTC", 0.2),
            ("balance", "ETH", 500.0),
            ("position", "BTC-PERPETUAL", 50_000.0),
            ("position", "ETH-PERPETUAL", -20_000.0),
        )
    ]
    sheet = xm.margin(rows, MARKET, "deribit-spm").requirement.sheet
    by_pool = [float(sheet["mm"][r] / sheet["counted_mm"][r]) for r in range(len(sheet))]
    mark, *_ = xm.exit_value(rows, MARKET, "deribit-spm").to_dict()["standings"]
    assert mark["mm_usage"] == pytest.approx(max(by_pool))
    assert max(by_pool) > 10.0 * min(by_pool)


def test_behind_walls_a_line_is_left_at_the_cost_of_its_own_bucket(tmp_path: Path) -> None:
    statement = {
        "schema": "margin-statement/1",
        "accounts": [
            {
                "account": "a",
                "choices": {"bucket:ETH_USDC-PERPETUAL": 3, "posted:isolated": 30_000},
            }
        ],
        "balances": [{"account": "a", "venue": "deribit", "currency": "USDC", "amount": 200_000}],
        "book": [
            {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
            for name, size in (("BTC_USDC-PERPETUAL", 1.0), ("ETH_USDC-PERPETUAL", -30.0))
        ],
    }
    file = tmp_path / "book.json"
    file.write_text(json.dumps(statement))
    found = xm.exit_value(file, MARKET, "hybrid").to_dict()
    sheet = xm.margin(file, MARKET, "hybrid").requirement.sheet
    bucket = sheet.pool.tolist().index(2)
    mm, counted = (float(sheet[name][bucket]) for name in ("mm", "counted_mm"))
    costs = {leg["instrument"]: leg["depth_usd"] for leg in found["legs"]}
    depth = next(each for each in found["standings"] if each["basis"] == "depth")
    own = next(cost for name, cost in costs.items() if "ETH" in name)
    assert depth["mm_usage"] == pytest.approx(mm / (counted - own), rel=1e-12)
    assert depth["cost_usd"] == pytest.approx(sum(costs.values()))


def test_every_table_is_drawn(found: ExitResult) -> None:
    names = [table.name for table in found.document().tables]
    assert names == ["account", "legs", "parts", "run_off"]
    legs = found.document().tables[1].rows
    assert len(legs) == 8
    assert "hedged to expiry" in repr(found)
    assert found.to_csv().count("\nlegs,") == 8
    short = found.document(top=2)
    assert len(short.tables[1].rows) == 2
    assert "6 more" in short.tables[1].notes[0]


def test_the_command_of_the_receipt_gives_the_same_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = tmp_path / "books.json"
    books.write_text('{"BTC-PERPETUAL": {"bids": [[68419, 9e6]], "asks": [[68419.5, 2e4]]}}')
    asked = xm.exit_value(
        BOOK,
        MARKET,
        "deribit-spm",
        days=3,
        books=str(books),
        fee=0.0002,
        changes={"unquoted.vol_points": 0.2},
    )
    program, *arguments = shlex.split(asked.receipt.command)
    assert program == "crossmargin"
    assert main([*arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["legs"] == json.loads(asked.to_json())["legs"]
    perp = next(leg for leg in again["legs"] if leg["instrument"] == "BTC-PERPETUAL")
    assert perp["depth_source"] == "levels"
    assert perp["shown"] == 2e4
    from_objects = xm.exit_value(xm.read_book(asked_file()), xm.read_market(sample_market()))
    assert from_objects.receipt.command == ""


def asked_file() -> str:
    from crossmargin.sample import book_path

    return str(book_path("retail-short-vol"))


def sample_market() -> str:
    from crossmargin.sample import market_path

    return str(market_path())


def test_a_deep_book_is_cheaper_than_none() -> None:
    plain = xm.exit_value(BOOK, MARKET, "deribit-spm")
    perp = ("deribit", "BTC-PERPETUAL")
    deep = {perp: Depth.of([(68_419.0, 1e9)], [(68_419.5, 1e9)], "x")}
    with_book = xm.exit_value(BOOK, MARKET, "deribit-spm", books=deep)

    def cost(found: ExitResult) -> float:
        legs = found.to_dict()["legs"]
        return float(next(leg["depth_usd"] for leg in legs if leg["instrument"] == "BTC-PERPETUAL"))

    assert cost(with_book) < cost(plain)


def test_a_model_of_another_venue_is_mapped() -> None:
    found = xm.exit_value(BOOK, MARKET, "okx-pm")
    assert found.figures["legs"][0]["venue"] == "deribit"
    assert found.figures["standings"][1]["cost_usd"] > 0.0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"days": 0}, "number_out_of_range"),
        ({"books": 3}, "option_unknown"),
        ({"books": "/nowhere.json"}, "file_unreadable"),
        ({"model": "nothing"}, "model_unknown"),
        ({"fee": 0.2}, "parameter_out_of_bounds"),
        ({"changes": {"impact.colour": 1}}, "parameter_missing"),
        ({"account": "nobody"}, "option_unknown"),
    ],
)
def test_bad_input(options: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as told:
        xm.exit_value(BOOK, MARKET, **options)  # type: ignore[arg-type] # wrong on purpose
    assert told.value.code == code
