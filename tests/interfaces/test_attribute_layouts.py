"""Tables of an attribution: the rows add up as they are drawn, units stand in the headers."""

from __future__ import annotations

import pytest

from crossmargin.interfaces.attribute import GROUPS_SHOWN, attribute, explain_change
from crossmargin.interfaces.attribute_layouts import MARGINAL_SHOWN
from crossmargin.interfaces.tables import plain_text


def test_tables() -> None:
    found = attribute("sample:market-maker", "sample:market", "deribit-sm", by="strategy")
    tables = {table.name: table for table in found.document().tables}
    assert set(tables) == {"shares", "orders", "marginal", "statement"} | ({"greeks"} & set(tables))
    shares = tables["shares"]
    keys = [column.key for column in shares.columns]
    assert keys == ["group", "euler_usd", "ray_usd", "shapley_usd", "stand_alone_usd",
                    "incremental_usd"]  # fmt: skip
    *rows, last = shares.rows
    assert last[0] == "sum"
    for k in (1, 2, 3):
        assert last[k] == pytest.approx(sum(row[k] for row in rows), rel=1e-12)
        assert last[k] == pytest.approx(found.found.positions, rel=1e-9)
    bill = tables["statement"].rows
    assert bill[-1][3] == pytest.approx(sum(row[3] for row in bill[:-1]), abs=1e-9)
    assert len(tables["marginal"].rows) == MARGINAL_SHOWN
    assert "more, in JSON" in tables["marginal"].notes[0]
    assert "Cost of margin a day at 8 % a year, by ray" in plain_text(found.document())


def test_many_groups_are_cut_on_the_screen_alone_and_still_add_up() -> None:
    found = attribute("sample:market-maker", "sample:market", "deribit-sm", by="leg",
                      method="euler")  # fmt: skip
    names = {each["group"] for each in found.groups}
    whole, screen = found.document().tables[0].rows, found.summary().tables[0].rows
    sizes = {row[0]: abs(row[1]) for row in whole if row[0] in names}
    assert len(sizes) == len(names) > GROUPS_SHOWN
    kept, more = screen[:GROUPS_SHOWN], screen[GROUPS_SHOWN:]
    assert more[0][0] == f"{len(names) - GROUPS_SHOWN} smaller ones"
    assert more[1:] == whole[len(names) :]  # what no group moves, and the sum
    assert sum(row[1] for row in screen[:-1]) == pytest.approx(screen[-1][1], rel=1e-12)
    smallest = min(sizes.pop(row[0]) for row in kept)
    assert smallest >= max(sizes.values())
    assert found.to_csv().count("\n") > len(names)


def test_the_bill_is_cut_to_its_largest_lines_on_the_screen_and_still_adds_up() -> None:
    found = attribute("sample:market-maker", "sample:market", "deribit-sm", by="leg",
                      method="euler")  # fmt: skip
    whole, screen = (
        next(table for table in each.tables if table.name == "statement").rows
        for each in (found.document(), found.summary())
    )
    more = [row for row in screen if str(row[1]).endswith("smaller ones")]
    assert len(screen) < len(whole) and more and more[0][0] == "positions"
    count = sum(row[0] == "positions" for row in whole)
    assert more[0][1] == f"{count - GROUPS_SHOWN} smaller ones"
    assert screen[-1] == whole[-1]
    for column in (2, 3):
        assert sum(row[column] for row in screen[:-1]) == pytest.approx(screen[-1][column])
    cents = [round(100.0 * row[3]) for row in screen]
    assert sum(cents[:-1]) == cents[-1]
    assert found.to_csv().count("positions,") + found.to_csv().count(",positions") >= count


def test_a_drawn_share_stands_beside_its_error() -> None:
    found = attribute("sample:retail-short-vol", "sample:market", "deribit-spm", by="leg",
                      exact_max=2, pairs=8)  # fmt: skip
    shares = found.document().tables[0]
    keys = [column.key for column in shares.columns]
    assert "shapley_error_usd" in keys
    assert shares.rows[-1][keys.index("shapley_error_usd")] is None
    assert any("standard error" in note for note in found.document().notes)


def test_a_change_goes_from_before_to_after() -> None:
    pair = ("sample:retail-short-vol", "sample:market")
    document = explain_change(pair, pair, "deribit-spm").document()
    rows = document.tables[0].rows
    assert rows[0][0] == "before"
    assert rows[-1][0] == "after"
    assert rows[0][1] + sum(row[1] for row in rows[1:-1]) == pytest.approx(rows[-1][1])
