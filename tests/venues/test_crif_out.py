"""Coins margined here, margined elsewhere: the file says the same of the account."""

from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.conformance.world import one_account, random_book, subject_of, world_of
from crossmargin.core.errors import InputError
from crossmargin.margin import run
from crossmargin.margin.register import model_named
from crossmargin.venues.crif import read_crif, write_crif
from crossmargin.venues.crif_out import crif_of

SUBJECT = subject_of(model_named("sensitivities"))


def test_a_population_makes_a_round_trip(tmp_path: Path) -> None:
    book = random_book(SUBJECT, 8, 10)
    found = run(book, world_of(SUBJECT).view, SUBJECT.model, SUBJECT.parameters)
    lines = crif_of(found)
    write_crif(lines, tmp_path / "out.csv")
    again = read_crif(tmp_path / "out.csv")
    assert [(x.account, x.factor, x.amount) for x in again] == [
        (x.account, x.factor, x.amount) for x in lines
    ]
    assert {x.account for x in lines} <= set(book.account)
    assert {x.factor.bucket for x in lines} == {"16"}
    assert {x.factor.bucket for x in crif_of(found, "commodity_12")} == {"12"}
    assert {x.factor.risk_class for x in crif_of(found, "fx")} == {"FX"}


def test_the_package_names_it() -> None:
    assert xm.crif_of is crif_of
    assert xm.read_crif is read_crif


def test_money_alone_is_no_sensitivity() -> None:
    book, world = one_account(SUBJECT, {"USDC": 5.0})
    with pytest.raises(InputError) as caught:
        crif_of(run(book, world.view, SUBJECT.model, SUBJECT.parameters))
    assert caught.value.code == "book_empty"
