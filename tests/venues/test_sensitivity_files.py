"""Parameter files of a user: CSV and TOML, one version or several, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.interfaces.sources import parameters_of
from crossmargin.margin.families.sensitivity_entries import set_from
from crossmargin.margin.families.sensitivity_parameters import set_of
from crossmargin.margin.parameter_files import available
from crossmargin.margin.register import model_named
from crossmargin.venues.sensitivity_files import COLUMNS, read_rows, read_set, with_file
from tests.margin.families.simm_made_up import VERSION, rows

(BASE,) = available("sensitivities-crif")


def csv_file(path: Path, *versions: str) -> Path:
    lines = [",".join(COLUMNS)]
    lines += [",".join((version, *row[1:])) for version in versions for row in rows()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_csv_and_toml_say_the_same(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "numbers.csv", VERSION)
    assert read_rows(path) == tuple(rows())
    known = set_of(rows(), VERSION, 10, "x")
    assert read_set(path, VERSION).sha256 == known.sha256
    text = []
    for row in rows():
        cells = zip(COLUMNS, row, strict=True)
        text += ["[[row]]", *(f'{name} = "{cell}"' for name, cell in cells if cell)]
    toml = tmp_path / "numbers.toml"
    toml.write_text("\n".join(text), encoding="utf-8")
    assert read_set(toml, VERSION).sha256 == known.sha256


def test_versions_are_named_where_there_are_several(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "numbers.csv", "1", "2+x")
    with pytest.raises(InputError) as caught:
        with_file(BASE, str(path))
    assert caught.value.code == "version_unknown"
    assert caught.value.limit == "1, 2+x"
    assert with_file(BASE, f"{path}#2+x").version == "2+x"
    with pytest.raises(InputError, match="no such version"):
        with_file(BASE, f"{path}#3")


def test_the_option_takes_such_a_file(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "numbers.csv", VERSION)
    model = model_named("sensitivities-crif")
    found, _ = parameters_of(model, 0, str(path), {"general.horizon_days": "1"})
    assert found.get("general.horizon_days") == "1"
    assert set_from(found, 1).numbers == set_of(rows(), VERSION, 1, "x").numbers


BAD = [
    ("", "file_unreadable"),
    ("version,value\n1,2\n", "column_missing"),
    (",".join((*COLUMNS, "more")) + "\n", "column_unknown"),
    (",".join((*COLUMNS, "value")) + "\n", "column_unknown"),
    (",".join(COLUMNS) + "\n1,2,3\n", "column_missing"),
    (",".join(COLUMNS) + "\n" + ",".join("1234567890") + "\n", "column_unknown"),
    (",".join(COLUMNS) + '\n"1,2,3\n', "file_unreadable"),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_bad_files_are_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_rows(path)
    assert caught.value.code == code
    assert str(path) in caught.value.place


@pytest.mark.parametrize("text", ["not = [toml", "a = 1", "row = [1]", "[[row]]\nversion = '1'"])
def test_bad_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "numbers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_rows(path)
