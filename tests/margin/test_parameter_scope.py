from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import read_parameters, select
from crossmargin.margin.parameter_scope import ALL, Scope, moment_of_head, scope_of

HEAD = 'model = "m"\nversion = "1"\nobserved = "2025-01-01"\nsource = "a page"\n'
BODY = "[t]\nx = { value = 1, unit = 'u', min = 0, max = 2 }\n"
OLD = replace(
    read_parameters(HEAD + BODY, "m/old.toml"), effective_ms=parse_ms("2024-01-01T00:00Z")
)


def test_times_to_the_minute_or_a_date() -> None:
    assert moment_of_head("2025-01-10T08:00Z", "x") == parse_ms("2025-01-10T08:00:00Z")
    assert moment_of_head("2025-01-10", "x") == parse_ms("2025-01-10T00:00:00Z")
    with pytest.raises(InputError):
        moment_of_head("2025-01-10 08:00", "x")


@pytest.mark.parametrize(
    "wrong", ["some", {"accounts": []}, {"accounts": [1]}, {"until": "soon"}, {}, 7], ids=str
)
def test_what_is_no_scope_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError):
        scope_of(wrong, "x")


def test_a_file_states_its_scope_and_all_is_the_default() -> None:
    assert read_parameters(HEAD + BODY, "x").effective_for == ALL
    text = HEAD + 'effective_for = { accounts = ["a"] }\neffective_from = "2025-01-10T08:00Z"\n'
    found = read_parameters(text + BODY, "x")
    assert found.effective_for == Scope(accounts=("a",))
    assert found.effective_ms == parse_ms("2025-01-10T08:00Z")


def test_a_set_of_listed_accounts_stands_for_those_alone() -> None:
    begin = parse_ms("2025-01-10T08:00Z")
    new = replace(OLD, label="new", effective_ms=begin, effective_for=Scope(accounts=("a",)))
    sets = (OLD, new)
    assert select(sets, begin, "a").label == "new"
    assert select(sets, begin, "b").label == "old"
    assert select(sets, begin, "b").verdicts == ()
    assert select(sets, begin).verdicts == ("parameters_of_some_accounts",)
    assert select(sets, begin - 1, "a").label == "old"


def test_a_phased_set_is_everybodys_when_its_window_ends() -> None:
    begin, end = parse_ms("2024-12-30T00:00Z"), parse_ms("2025-01-21T08:00Z")
    new = replace(OLD, label="new", effective_ms=begin, effective_for=Scope(until_ms=end))
    sets = (OLD, new)
    assert select(sets, begin - 1).verdicts == ()
    within = select(sets, begin)
    assert (within.label, within.verdicts) == ("old", ("parameters_being_phased_in",))
    assert select(sets, end - 1).label == "old"
    after = select(sets, end)
    assert (after.label, after.verdicts) == ("new", ())


def test_an_announced_set_is_loaded_for_a_coming_date() -> None:
    begin = parse_ms("2027-01-01T08:00Z")
    coming = replace(OLD, label="coming", effective_ms=begin, announced_ms=begin - 1000)
    assert select((OLD, coming), begin - 1).label == "old"
    assert select((OLD, coming), begin).label == "coming"


def test_words() -> None:
    assert ALL.text == "all"
    assert Scope(accounts=("a", "b")).text == "accounts a, b"
    assert "2025-01-21T08:00:00Z" in Scope(until_ms=parse_ms("2025-01-21T08:00Z")).text
