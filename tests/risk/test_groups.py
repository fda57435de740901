from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.risk.groups import BALANCES, groups_of, order_groups, tags_of
from tests.risk.sample_books import book

NAMES = ("BTC", "BTC-PERPETUAL", "BTC-25SEP26-80000-C")
TABLE = Instruments.of(parse("deribit", name) for name in NAMES)
AT = {item.native_id: k for k, item in enumerate(TABLE.items)}


def line(name: str, quantity: float, **tags: str) -> Line:
    return Line("a", AT[name], quantity, None, tuple(sorted(tags.items())))


def one() -> Book:
    """Two desks hold one option, long and short; a balance and an untagged perpetual."""
    return Book.of(TABLE, [
        line("BTC", 2.0), line("BTC-PERPETUAL", 1000.0),
        line("BTC-25SEP26-80000-C", 3.0, desk="vol", client="x"),
        line("BTC-25SEP26-80000-C", -1.0, desk="flow", client="x"),
    ])  # fmt: skip


def test_lots_of_one_contract_belong_to_several_groups() -> None:
    held = one()
    found = groups_of(held, ["desk"], held.column, held.quantity)
    assert found.paths == (("flow",), ("no desk",), ("vol",), (BALANCES,))
    assert found.parts.sum(axis=0) == pytest.approx(held.quantity)
    option = held.column.tolist().index(AT["BTC-25SEP26-80000-C"])
    assert found.parts[:, option].tolist() == [-1.0, 0.0, 3.0, 0.0]


def test_a_hierarchy_has_a_path_a_group() -> None:
    held = one()
    found = groups_of(held, ["client", "desk"], held.column, held.quantity)
    assert ("x", "flow") in found.paths
    assert ("no client", "no desk") in found.paths
    assert "x / vol" in found.labels


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("leg", {"BTC balance", "BTC-PERPETUAL", "BTC-25SEP26-80000-C"}),
        ("underlying", {"BTC", BALANCES}),
        ("expiry", {"no expiry", "2026-09-25", BALANCES}),
        ("kind", {"option", "perpetual", BALANCES}),
    ],
)
def test_levels_that_every_book_has(by: str, wanted: set[str]) -> None:
    held = one()
    found = groups_of(held, [by], held.column, held.quantity)
    assert {path[0] for path in found.paths} == wanted
    assert found.parts.sum(axis=0) == pytest.approx(held.quantity)


def test_what_the_lots_do_not_explain_is_the_balances() -> None:
    """A reported equity stands as another balance than the line says."""
    held = one()
    quantity = np.array(held.quantity)
    cash = held.column.tolist().index(AT["BTC"])
    quantity[cash] += 0.5
    found = groups_of(held, ["desk"], held.column, quantity)
    assert found.parts.sum(axis=0) == pytest.approx(quantity)


def test_a_population_without_lots_and_the_orders_of_a_book() -> None:
    held = one()
    bare = Book.of_arrays(TABLE, held.row, held.column, held.quantity)
    assert tags_of(bare) == ()
    found = groups_of(bare, ["kind"], bare.column, bare.quantity)
    assert found.parts.sum(axis=0) == pytest.approx(held.quantity)
    maker = book("market-maker")
    assert set(tags_of(maker)) == {"desk", "strategy"}
    assert set(order_groups(maker, ["desk", "strategy"])) == {("vol", "quotes")}


@pytest.mark.parametrize("by", [["trader"], [], ["desk", "desk"]])
def test_a_level_that_is_none(by: list[str]) -> None:
    held = one()
    with pytest.raises(InputError, match="option_unknown"):
        groups_of(held, by, held.column, held.quantity)
