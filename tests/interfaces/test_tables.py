"""Tables: one number of decimals a column, nothing lost on the way to text and CSV."""

from __future__ import annotations

import csv
import io

import pytest

from crossmargin.interfaces.tables import (
    Column,
    Document,
    Table,
    amount_text,
    csv_text,
    drawn,
    plain_text,
)


def table(*columns: Column, rows: tuple[tuple[object, ...], ...], **options: object) -> Table:
    return Table("t", "", columns, rows, **options)  # type: ignore[arg-type] # options of a table


@pytest.mark.parametrize(
    ("style", "cells", "texts"),
    [
        ("usd", (1234567.891, -5.0), ["1,234,568", "-5"]),
        ("usd", (9999.5, -0.001), ["9,999.50", "0.00"]),
        ("amount", (13.52691234, 0.5), ["13.5269", "0.5000"]),
        ("quantity", (-1500000.0, 0.5, 18.25), ["-1,500,000.00", "0.50", "18.25"]),
        ("price", (63720.438, 12.5, 0.0925), ["63,720.44", "12.5000", "0.092500"]),
        ("fraction", (0.2, 0.0345), ["20.0 %", "3.5 %"]),
        ("fraction", (0.01234,), ["1.23 %"]),
        ("bp", (44.62,), ["44.6"]),
        ("count", (599.7, None), ["600", "—"]),
        ("text", ("a", None, ""), ["a", "—", "—"]),
    ],
)
def test_cells(style: str, cells: tuple[object, ...], texts: list[str]) -> None:
    shape = drawn(table(Column("x", "x", style), rows=tuple((cell,) for cell in cells)))
    assert [row[0] for row in shape.body] == texts


def test_amounts_of_two_currencies_have_decimals_of_their_own() -> None:
    columns = (Column("currency", "currency", "name"), Column("im", "IM", "amount"))
    rows = (("BTC", 0.0912346), ("USD", 1234567.8))
    shape = drawn(table(*columns, rows=rows, currency="currency"))
    assert [row[1] for row in shape.body] == ["0.091235", "1,234,568"]


def test_a_card_is_drawn_with_measures_down_and_leaves_out_what_no_row_has() -> None:
    columns = (
        Column("account", "account", "machine"),
        Column("pool", "pool", "name"),
        Column("currency", "currency", "name"),
        Column("im", "Initial", "amount"),
        Column("gap", "Gap", "amount"),
    )
    rows = (("a", "BTC", "BTC", 1.5, None), ("a", "total", "USD", 100000.0, None))
    shape = drawn(table(*columns, rows=rows, kind="card", heads=3, currency="currency"))
    assert shape.heads == ["", "BTC", "total\nUSD"]
    assert shape.body == [["Initial", "1.50000", "100,000"]]


def test_a_tree_is_drawn_with_its_guides() -> None:
    columns = (Column("depth", "depth", "count"), Column("node", "node", "name"))
    rows = ((0, "im"), (1, "a"), (2, "b"), (1, "c"), (0, "mm"), (1, "d"))
    shape = drawn(table(*columns, rows=rows, kind="tree"))
    assert [row[0] for row in shape.body] == ["im", "├─ a", "│  └─ b", "└─ c", "mm", "└─ d"]


def test_a_mark_stands_before_a_number_and_not_before_nothing() -> None:
    rows = ((1.0,), (None,))
    shape = drawn(table(Column("x", "x", "usd"), rows=rows, marks={(0, 0): "≥", (1, 0): "≥"}))
    assert [row[0] for row in shape.body] == ["≥ 1.00", "—"]


def test_csv_writes_numbers_in_full_and_disarms_formulas() -> None:
    first = table(
        Column("model", "m"),
        Column("im_usd", "IM", "usd"),
        rows=(("=HYPERLINK(1)", 0.1 + 0.2), ("-2+3", -5.5)),
    )
    second = Table("u", "", (Column("code", "c", "machine"),), ((7,),))
    document = Document("title", (), (first, second), ("a note",))
    found = list(csv.DictReader(io.StringIO(csv_text(document))))
    assert [row["table"] for row in found] == ["t", "t", "u", "notes"]
    assert float(found[0]["im_usd"]) == 0.1 + 0.2
    assert found[1]["im_usd"] == "-5.5"
    assert (found[0]["model"], found[1]["model"]) == ("'=HYPERLINK(1)", "'-2+3")
    assert (found[2]["code"], found[3]["note"]) == ("7", "a note")


def test_machine_columns_are_in_csv_and_on_no_screen() -> None:
    one = table(Column("a", "a", "machine"), Column("b", "b"), rows=(("secret", "shown"),))
    document = Document("title", ("line",), (one,))
    assert "secret" in csv_text(document)
    assert "secret" not in plain_text(document)


def test_an_amount_alone() -> None:
    assert amount_text(1295545.4, "USD") == "1,295,545"
    assert amount_text(0.07078, "BTC") == "0.070780"


def test_a_table_for_machines_is_in_csv_and_nowhere_else() -> None:
    shown = Table("s", "", (Column("a", "a"), Column("m", "m", "machine")), (("x", "hidden"),))
    machine = Table("m", "", (Column("b", "b", "machine"),), (("y",),))
    document = Document("title", (), (shown, machine))
    assert machine.for_machines and not shown.for_machines
    assert plain_text(document).splitlines()[-1] == "x"
    assert "y" in csv_text(document)
