"""What the verbs take: files, objects and rows; sets and changes; one account of several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, ModelError
from crossmargin.interfaces.sources import book_of, moment_of, one_account, parameters_of
from crossmargin.margin.register import model_named

AS_OF_MS = 1783058400000  # 2026-07-03T06:00:00Z
SPM = model_named("deribit-spm")


def test_a_book_from_file_object_and_rows_is_one_book(retail: str, market: str) -> None:
    from_file = book_of(retail)
    assert book_of(from_file) is from_file
    rows = [
        {
            "account": line.account,
            "type": "balance" if item.native_id == item.underlying else "position",
            "venue": item.venue,
            "instrument": item.native_id,
            "quantity": line.quantity,
            "entry_price": line.entry_price,
        }
        for line in from_file.lines
        for item in [from_file.instruments.items[line.column]]
    ]
    from_rows = book_of(rows, allow_duplicates=True)
    assert from_rows.positions_sha256() == from_file.positions_sha256()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "book_empty"),
        ([{"venue": "deribit", "instrument": "BTC-PERPETUAL"}], "column_missing"),
        ([{"venue": "deribit", "instrument": "BTC-PERPETUAL", "qty": 1.0}], "column_unknown"),
        (
            [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": float("nan")}],
            "number_not_finite",
        ),
        (
            [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 1.0}] * 2,
            "duplicate_row",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_rows_are_refused(rows: list[dict[str, object]], code: str) -> None:
    with pytest.raises(InputError) as caught:
        book_of(rows)
    assert caught.value.code == code


def test_moments() -> None:
    assert moment_of(None, "x") is None
    assert moment_of("2026-07-03T06:00:00Z", "x") == moment_of(AS_OF_MS, "x") == AS_OF_MS


def test_parameters_by_date_label_file_and_changes(tmp_path: Path) -> None:
    newest, none = parameters_of(SPM, AS_OF_MS)
    assert (newest.label, none) == ("2026-02-15", {})
    older, _ = parameters_of(SPM, AS_OF_MS, "2024-06-17")
    assert older.label == "2024-06-17"
    changes = tmp_path / "changes.toml"
    changes.write_text("[general]\nmm_factor = 0.75\n")
    changed, made = parameters_of(SPM, AS_OF_MS, changes, {"reading.vol_shock": "additive"})
    assert made == {"general.mm_factor": 0.75, "reading.vol_shock": "additive"}
    assert changed.number("general.mm_factor") == 0.75
    assert changed.get("reading.vol_shock") == "additive"
    assert changed.sha256 != newest.sha256
    assert parameters_of(SPM, AS_OF_MS, changed)[0] is changed


def test_a_full_set_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'model = "fixed-rate"\nversion = "1"\nobserved = "2026-01-01"\nsource = "mine"\n'
        "[im]\n"
        'future_share = { value = 0.2, unit = "fraction", min = 0.0, max = 1.0 }\n'
    )
    model = model_named("fixed-rate")
    found, _ = parameters_of(model, AS_OF_MS, path)
    assert found.number("im.future_share") == 0.2
    with pytest.raises(InputError, match="those of another model"):
        parameters_of(SPM, AS_OF_MS, path)


@pytest.mark.parametrize(
    ("content", "error", "code"),
    [
        ("general.mm_factor = 7", ModelError, "parameter_out_of_bounds"),
        ("general.mm_faktor = 0.5", ModelError, "parameter_missing"),
        ("reading.vol_shock = 'sideways'", ModelError, "parameter_out_of_bounds"),
        ("general.mm_factor = = 1", InputError, "file_unreadable"),
        ("\udcff", InputError, "file_unreadable"),
    ],
)
def test_wrong_changes_are_refused(
    content: str, error: type[Exception], code: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(error) as caught:
        parameters_of(SPM, AS_OF_MS, path)
    assert getattr(caught.value, "code", "") == code


def test_no_such_parameters_names_the_sets() -> None:
    with pytest.raises(InputError, match="2024-06-17"):
        parameters_of(SPM, AS_OF_MS, "nowhere.toml")


def test_one_account_is_cut_out_with_all_that_is_its_own(market: str) -> None:
    option = {"venue": "deribit", "instrument": "BTC-31JUL26-80000-C", "quantity": -1.0}
    perpetual = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}
    foreign = {"venue": "okx", "instrument": "BTC-USDT-SWAP", "quantity": 3.0}
    order = {
        "type": "order",
        "venue": "deribit",
        "instrument": "BTC-31JUL26-80000-C",
        "side": "buy",
        "remaining": 1.0,
        "limit_price": 0.01,
    }
    cash = {"type": "balance", "venue": "deribit", "instrument": "BTC", "amount": 1, "equity": 0.9}
    mine = [{**row, "account": "mine"} for row in (option, perpetual, order, cash)]
    book = book_of([*mine, {**foreign, "account": "other"}])
    cut = one_account(book, "mine")
    alone = book_of(mine)
    assert cut.positions_sha256() == alone.positions_sha256()
    assert cut.orders_sha256() == alone.orders_sha256()
    assert cut.reported.equity == alone.reported.equity
    # The other account's foreign contract would fail the book as a whole.
    with pytest.raises(ModelError, match="kind_not_accepted"):
        xm.margin(book, market, "deribit-spm")
    whole = xm.margin(book, market, "deribit-spm", account="mine")
    assert whole.to_dict() == xm.margin(mine, market, "deribit-spm").to_dict()
    with pytest.raises(InputError, match="no such account"):
        one_account(book, "nobody")


FUTURE = {"venue": "deribit", "instrument": "BTC_USDC-PERPETUAL", "quantity": 1.0}
CALL = {"venue": "deribit", "instrument": "BTC-31JUL26-60000-C", "quantity": 1.0}


@pytest.mark.parametrize(
    ("row", "price", "code"),
    [
        (FUTURE, 0.0, "price_not_positive"),
        (FUTURE, -60000.0, "price_not_positive"),
        (CALL, -0.01, "price_not_positive"),
        (CALL, 2100.0, "unit_wrong"),
        ({**CALL, "instrument": "BTC-31JUL26-60000-P"}, 1500.0, "unit_wrong"),
    ],
)
def test_an_entry_price_in_another_unit_is_refused(
    row: dict[str, Any], price: float, code: str, market: str
) -> None:
    with pytest.raises(InputError) as caught:
        xm.margin([{**row, "entry_price": price}], market)
    assert caught.value.code == code
    assert "entry_price" in caught.value.place


def test_a_deep_put_may_cost_more_than_a_coin(market: str) -> None:
    put = {**CALL, "instrument": "BTC-31JUL26-60000-P", "entry_price": 1.0}
    assert xm.margin([put], market, "deribit-spm").im_usd >= 0.0


@pytest.mark.parametrize("book", [None, 7, {"venue": "deribit"}, [None]])
def test_what_is_no_book_is_said(book: Any, market: str) -> None:
    with pytest.raises(InputError, match="option_unknown"):
        xm.margin(book, market)


def test_what_is_no_market_is_said(retail: str) -> None:
    with pytest.raises(InputError, match="option_unknown"):
        xm.margin(retail, None)  # type: ignore[arg-type]  # what the test is about
    with pytest.raises(InputError, match="no such sample market"):
        xm.margin(retail, "sample:nope")
    with pytest.raises(InputError, match="not a book"):
        xm.margin("sample:market", "sample:market")


def test_a_quantity_in_text_is_refused_in_rows(market: str) -> None:
    with pytest.raises(InputError, match="number_unreadable"):
        xm.margin([{**FUTURE, "quantity": "10"}], market)


def test_an_unknown_venue_is_named(market: str) -> None:
    with pytest.raises(InputError, match="was 'nowhere'"):
        xm.margin([{**FUTURE, "venue": "nowhere"}], market)
