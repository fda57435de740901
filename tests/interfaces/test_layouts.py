"""The tables of margin and compare: units in the headers, signs and bounds, sources named."""

from __future__ import annotations

import contextlib
import io

import pytest

import crossmargin as xm
from crossmargin.interfaces import screen
from crossmargin.interfaces.layouts import FIDELITY_TEXT
from crossmargin.interfaces.tables import Document, Table, drawn
from crossmargin.margin.model import Fidelity

PERPETUAL = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}


def named(document: Document, name: str) -> Table:
    """The table of that name."""
    return next(table for table in document.tables if table.name == name)


def test_every_number_has_a_unit_or_is_a_ratio(compared: xm.CompareResult) -> None:
    for table in compared.document().tables:
        for column in table.columns:
            if column.style in ("usd", "amount"):
                assert "\n" in column.header
            if column.style == "usd":
                assert column.header.endswith("USD")


def test_one_account_is_a_card_with_its_total_in_dollars(margined: xm.MarginResult) -> None:
    shape = drawn(named(margined.document(), "margin"))
    assert shape.heads == ["", "BTC", "total\nUSD"]
    titles = [row[0] for row in shape.body]
    assert titles[:2] == ["Initial margin (IM)", "Maintenance margin (MM)"]
    assert "IM, highest reading" in titles
    assert titles[-1] == "Equity comes from"


def test_several_accounts_are_rows(market: str) -> None:
    rows = [{**PERPETUAL, "account": name} for name in ("a", "b")]
    table = named(xm.margin(rows, market, "deribit-spm").document(), "margin")
    assert table.kind == "table"
    assert [row[:3] for row in table.rows] == [
        ("a", "BTC", "BTC"),
        ("a", "total", "USD"),
        ("b", "BTC", "BTC"),
        ("b", "total", "USD"),
    ]


def test_many_accounts_are_cut_to_the_largest_and_the_rest_is_summed(market: str) -> None:
    rows = [{**PERPETUAL, "account": f"a{k:02}", "quantity": 10.0 * (k + 1)} for k in range(30)]
    result = xm.margin(rows, market, "deribit-spm")
    table = named(result.summary(), "margin")
    assert [row[0] for row in table.rows[:2]] == ["a29", "a29"]
    assert len(table.rows) == 2 * 20
    assert "and 10 accounts of smaller IM" in table.notes[0]
    assert len(named(result.document(), "margin").rows) == 2 * 30


def test_a_dollar_pool_of_one_coin_is_shown_in_coin_too(retail: str, market: str) -> None:
    result = xm.margin(retail, market, "deribit-xpm")
    table = named(result.document(), "margin")
    assert [row[2] for row in table.rows] == ["USD", "BTC"]
    assert table.rows[1][3] == result.accounts[0]["im_coin"]


def test_bounds_are_marked_where_a_rule_is_left_out(crossed: xm.MarginResult) -> None:
    document = crossed.document()
    table = named(document, "margin")
    marked = {table.columns[column].key for _, column in table.marks}
    assert marked == {"im", "mm"}
    assert any(note.startswith("≥") for note in document.notes)


def test_the_table_without_readings_has_no_range(crossed: xm.MarginResult) -> None:
    keys = [column.key for column in named(crossed.document(), "margin").columns]
    assert "im_low" not in keys


def test_compare_has_a_row_a_model_and_the_legs_alone(compared: xm.CompareResult) -> None:
    document = compared.document()
    good = [row for row in compared.rows if row.error is None]
    for name in ("cash", "cash_coin", "why", "known"):
        table = named(document, name)
        assert [row[0] for row in table.rows] == [row.model for row in good]
    cash = named(document, "cash")
    assert [row[-1] for row in cash.rows] == [row.alone_im_usd for row in good]
    said = [row for row in compared.rows if row.error is not None]
    errors = [table for table in document.tables if table.name == "errors"]
    rows = errors[0].rows if errors else ()
    grouped = {name: why for why, names in rows for name in names.split(", ")}
    assert set(grouped) == {row.model for row in said}
    assert len(rows) == len({why for why, _ in rows}) <= len(said)
    for row in said:
        assert row.error is not None
        code = row.error.partition(":")[0]
        assert grouped[row.model].startswith(code)
        assert code == "kind_not_accepted" or grouped[row.model] == row.error


def test_what_orders_hold_is_one_line_over_all_models(compared: xm.CompareResult) -> None:
    notes = compared.document().notes
    held = [
        row.model for row in compared.rows if any("for open orders" in note for note in row.notes)
    ]
    said = [note for note in notes if "for open orders" in note]
    assert len(said) == min(len(held), 1)
    assert all(f"{name} " in said[0] for name in held)


def test_a_note_of_two_models_is_said_once(compared: xm.CompareResult) -> None:
    notes = compared.document().notes
    shared = [note.partition(": ")[0].split(", ") for note in notes]
    assert any({"derive-pm2", "paradex-pm"} <= set(names) for names in shared)
    assert len(notes) == len(set(notes))


def test_every_fidelity_is_explained() -> None:
    assert set(FIDELITY_TEXT) == {level.value for level in Fidelity}


def test_parameters_later_than_the_market_are_said_in_words(retail: str, market: str) -> None:
    document = xm.margin(retail, market, "paradex-pm", params="2026-11-22").document()
    assert not any("later than the market" in note for note in document.notes)
    early = xm.margin([PERPETUAL], market, "paradex-pm", as_of="2025-01-01T00:00:00Z").document()
    assert any("later than the market" in note for note in early.notes)


def test_many_accounts_fit_eighty_columns(market: str) -> None:
    rows = [
        {"account": f"desk-{k}", "venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": q}
        for k, q in enumerate((-1000.0, 5000.0, 250.0))
    ]
    result = xm.margin(rows, market, "deribit-spm", readings=True)
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        screen.show(result.document(), width=80)
    table = stream.getvalue().split("accounts\n")[1].splitlines()
    assert max(map(len, table)) <= 80
    assert sum(line.startswith("desk-0") for line in table) >= 2  # one line a row: no cell is cut


def test_a_rule_of_the_projects_own_is_not_the_venues(market: str) -> None:
    book = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 100.0}]
    text = repr(xm.margin(book, market, "fixed-rate"))
    assert "this project's own rule" in text
    assert "recorded numbers of the venue" not in text


def test_counted_figures_stand_beside_the_plain_ones(maker: str, market: str) -> None:
    result = xm.margin(maker, market, "derive-pm2").explain()
    tables = {table.name: table for table in result.document().tables}
    assert "grid_counted" in tables
    assert tables["grid_counted"].rows != tables["grid"].rows
    assert any(column.key.startswith("counted") for column in tables["grid_counted"].columns)


def test_csv_has_no_dash_for_what_is_absent(market: str) -> None:
    book = [{"venue": "deribit", "instrument": "BTC", "quantity": 1.0, "type": "balance"}]
    for result in (xm.compare(book, market), xm.margin(book, market, "deribit-sm")):
        assert "—" not in result.to_csv()


def test_readings_are_in_coin_where_the_pool_is(margined: xm.MarginResult) -> None:
    account = margined.accounts[0]
    table = next(t for t in margined.document().tables if t.name == "margin")
    place = [column.key for column in table.columns].index("im_low")
    cells = {row[2]: row[place] for row in table.rows}
    assert cells["BTC"] == account["im_low_coin"]
    assert account["im_low_coin"] * account["coin_usd"] == pytest.approx(account["im_low_usd"])


def test_a_carry_of_nothing_is_not_said(market: str) -> None:
    book = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 100.0}]
    assert "+0 USD" not in repr(xm.margin(book, market, "paradex-pm"))
    assert repr(xm.margin(book, market, "paradex-pm")).count("USDC is ") <= 1
