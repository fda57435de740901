"""Tables of an attribution: the rows add up as they are drawn, units stand in the headers."""

from __future__ import annotations

import pytest

from crossmargin.interfaces.attribute import attribute, explain_change
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
