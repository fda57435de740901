from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.sheet import SheetBuilder, stack


def built() -> SheetBuilder:
    sheet = SheetBuilder(2)
    sheet.leaf("a", np.array([1.0, 0.1]), "rule a")
    sheet.leaf("b", np.array([2.0, 0.2]), "rule b")
    sheet.leaf("c", 3.0, "rule c")  # one number for every row
    return sheet


def test_operators() -> None:
    sheet = built()
    sheet.sum("sum", "a", "b", "c")
    sheet.difference("difference", "c", "a")
    sheet.product("product", "b", "c")
    sheet.max("max", "a", "b", "c")
    sheet.min("min", "a", "b", "c")
    sheet.scale("scale", "b", 0.5, "rule s")
    sheet.leaf("fine", np.array([1.00049, 0.125]), "rule f")
    sheet.round("round", "fine", 2)
    found = sheet.build(np.array([4, 5], np.int32), 7)
    assert found["sum"].tolist() == [6.0, (0.1 + 0.2) + 3.0]  # added from the left
    assert found["difference"].tolist() == [2.0, 2.9]
    assert found["product"].tolist() == [6.0, 0.2 * 3.0]
    assert found["max"].tolist() == [3.0, 3.0]
    assert found["min"].tolist() == [1.0, 0.1]
    assert found["scale"].tolist() == [1.0, 0.1]
    assert found["round"].tolist() == [1.0, 0.12]  # a half goes to the even place
    assert found.account.tolist() == [4, 5]
    assert found.pool.tolist() == [7, 7]
    assert len(found) == 2
    assert "scale" in found
    assert "elsewhere" not in found
    assert not found["sum"].flags.writeable


def test_a_sum_does_not_change_its_first_child() -> None:
    sheet = built()
    sheet.sum("sum", "a", "b")
    assert sheet["a"].tolist() == [1.0, 0.1]


def test_a_row_is_a_tree() -> None:
    sheet = built()
    sheet.sum("ab", "a", "b")
    sheet.max("im", "ab", "c")
    sheet.scale("half", "im", 0.5, "rule h")
    found = sheet.build(np.array([0, 1], np.int32), 0)
    node = found.tree(0)
    assert (node.name, node.operator, node.value) == ("im", "max", 3.0)
    assert [child.name for child in node.children] == ["ab", "c"]
    assert [leaf.rule for leaf in node.children[0].children] == ["rule a", "rule b"]
    assert [leaf.value for leaf in found.tree(1).children[0].children] == [0.1, 0.2]
    half = found.tree(0, "half")
    assert (half.constant, half.rule, half.children[0].name) == (0.5, "rule h", "im")
    with pytest.raises(KeyError):
        found.tree(0, "elsewhere")


def test_a_column_that_is_not_there_is_a_named_error() -> None:
    with pytest.raises(ModelError) as caught:
        _ = built().build(np.array([0, 1], np.int32), 0)["d"]
    assert caught.value.code == "option_unknown"
    assert caught.value.limit == "a, b, c"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_leaf_that_is_not_finite_is_refused(bad: float) -> None:
    sheet = SheetBuilder(2)
    sheet.leaf("a", np.array([1.0, bad]), "rule")
    with pytest.raises(ModelError) as caught:
        sheet.build(np.arange(2, dtype=np.int32), 0)
    assert (caught.value.code, caught.value.place) == ("number_not_finite", "row 1")


def test_a_name_is_given_once() -> None:
    sheet = built()
    with pytest.raises(ModelError) as caught:
        sheet.sum("a", "b", "c")
    assert caught.value.code == "option_unknown"


def test_sheets_stand_under_each_other() -> None:
    first = built().build(np.array([0, 1], np.int32), 0)
    second = built().build(np.array([2, 3], np.int32), 1)
    found = stack([first, second])
    assert found.account.tolist() == [0, 1, 2, 3]
    assert found.pool.tolist() == [0, 0, 1, 1]
    assert found["a"].tolist() == [1.0, 0.1, 1.0, 0.1]
    assert found.columns == first.columns
    assert stack([first]) is first


def test_a_sheet_of_many_columns_keeps_them_all() -> None:
    """More columns than the builder has room for at first."""
    made = SheetBuilder(2)
    for k in range(100):
        made.leaf(f"c{k}", np.array([float(k), -0.0]), "r")
    made.sum("all", *(f"c{k}" for k in range(100)))
    sheet = made.build(np.zeros(2, np.int32), 0)
    assert sheet["c7"].tolist() == [7.0, 0.0]
    assert sheet["all"].tolist() == [4950.0, 0.0]
    assert not np.signbit(sheet["c7"][1])


def test_a_sum_of_one_column_is_that_column() -> None:
    made = SheetBuilder(1)
    made.leaf("a", 3.0, "r")
    made.sum("alone", "a")
    assert made.build(np.zeros(1, np.int32), 0)["alone"].tolist() == [3.0]


def test_one_row_has_the_bits_that_it_has_among_others() -> None:
    """Plain floats and a table of rows: every operator, to the bit."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 50)) * 1e3

    def made(rows: slice) -> list[list[float]]:
        count = len(first[rows])
        builder = SheetBuilder(count)
        builder.leaf("a", first[rows], "r")
        builder.leaf("b", second[rows], "r")
        builder.leaf("c", 0.1, "r")
        builder.sum("s", "a", "b", "c")
        builder.difference("d", "a", "b")
        builder.product("p", "a", "b")
        builder.max("x", "a", "b", "c")
        builder.min("n", "a", "b", "c")
        builder.scale("f", "a", 1.1)
        builder.round("o", "p", 3)
        assert builder["s"].shape == (count,)
        sheet = builder.build(np.arange(count, dtype=np.int32), 0)
        return [values.tolist() for values in sheet.values]

    many = made(slice(None))
    for k in range(50):
        assert made(slice(k, k + 1)) == [[column[k]] for column in many]


def test_one_row_refuses_what_many_refuse() -> None:
    one = SheetBuilder(1)
    one.leaf("a", np.array([np.inf]), "r")
    with pytest.raises(ModelError, match="number_not_finite"):
        one.build(np.zeros(1, np.int32), 0)
    with pytest.raises(ModelError, match="option_unknown"):
        one.leaf("a", 1.0, "r")
