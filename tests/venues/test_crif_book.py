"""Lines as a book of factors and back; regulators as accounts of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.factors import Factor
from crossmargin.venues.books import read_book
from crossmargin.venues.crif import CrifLine, write_crif
from crossmargin.venues.crif_book import crif_book, crif_lines, regulated_book

EUR = Factor("RatesFX", "Risk_FX", "EUR")
BTC = Factor("Commodity", "Risk_Commodity", "BTC", "16")
TIMES = Factor("", "Param_ProductClassMultiplier", "RatesFX")


def test_lines_are_lots_of_their_factor() -> None:
    lines = [CrifLine("b", EUR, 0.1), CrifLine("b", EUR, 0.2), CrifLine("a", BTC, -5.0)]
    book = crif_book(lines)
    assert list(book.account) == ["a", "b"]
    assert book.quantity.tolist() == [-5.0, 0.3]  # decimals are added as they were written
    assert book.lots_merged == 1
    assert {item.kind for item in book.instruments.items} == {Kind.FACTOR}
    assert [(x.account, x.factor, x.amount) for x in crif_lines(book)] == [
        ("a", BTC, -5.0),
        ("b", EUR, 0.3),
    ]


def test_a_parameter_stands_once_in_an_account() -> None:
    first, second = CrifLine("a", TIMES, 1.5, place="f:2"), CrifLine("a", TIMES, 1.5, place="f:3")
    with pytest.raises(InputError) as caught:
        crif_book([first, second])
    assert caught.value.code == "duplicate_row"
    assert caught.value.place == "f:3"
    assert "f:2" in caught.value.limit
    crif_book([first, CrifLine("b", TIMES, 1.5, place="f:4")])


def test_regulators() -> None:
    lines = [CrifLine("a", EUR, 1.0, ("ESA", "USPR")), CrifLine("a", BTC, 2.0, ("USPR",), ("ESA",))]
    book, regimes = regulated_book(lines)
    assert list(book.account) == ["a [ESA]", "a [USPR]"]
    assert [regime.regulator for regime in regimes] == ["ESA", "USPR"]
    assert book.row.tolist() == [0, 1, 3]
    posted, _ = regulated_book(lines, "post")
    assert posted.row.tolist() == [0, 1]
    with pytest.raises(InputError, match="no such side"):
        regulated_book(lines, "both")


def test_a_file_is_a_book(tmp_path: Path) -> None:
    lines = [CrifLine("a", EUR, 1.0), CrifLine("b", BTC, 2.0)]
    write_crif(lines, tmp_path / "x.csv")
    found = read_book(tmp_path / "x.csv", format="crif")
    assert found.positions_sha256() == crif_book(lines).positions_sha256()


def test_a_book_without_factors() -> None:
    with pytest.raises(InputError) as caught:
        crif_lines(Book.of(Instruments.of([]), []))
    assert caught.value.code == "book_empty"
