from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.margin.parameter_files import (
    Parameters,
    available,
    from_values,
    load,
    overlay,
    read_parameters,
    select,
)

HEAD = 'model = "m"\nversion = "1"\nobserved = "2026-02-03"\nsource = "a page"\n'
GOOD = (
    HEAD
    + 'effective = "2026-02-01"\n'
    + '[general]\nshare = { value = 0.5, unit = "fraction", min = 0.0, max = 1.0 }\n'
    + 'table = { value = [[1, "up"]], unit = "rows", columns = ['
    + '{ name = "move", min = -0.5, max = 5 }, { name = "vol", choices = ["up", "down"] }] }\n'
    + '[pair.BTC]\nrange = { value = 3, unit = "USD", min = 1, max = 9, source = "another" }\n'
    + '[pair.ETH]\nrange = { value = 4, unit = "USD", min = 1, max = 9 }\n'
    + '[reading]\nform = { value = "a", choices = ["a", "b"] }\n'
)
ROWS = "[t]\nx = {{ value = {}, unit = 'u', columns = [{{ name = 'a', min = {}, max = {} }}] }}\n"


def moment(text: str) -> int:
    return parse_ms(f"{text}T00:00:00Z")


def dated(effective: str | None, observed: str) -> Parameters:
    made = read_parameters(HEAD + "[t]\nx = { value = 1, unit = 'u', min = 0, max = 2 }\n", "m/x")
    return replace(
        made,
        label=effective or observed,
        effective_ms=moment(effective) if effective else None,
        observed_ms=moment(observed),
    )


def test_a_file_is_read_with_units_bounds_and_sources() -> None:
    found = read_parameters(GOOD, "m/2026-02-01.toml")
    assert (found.model, found.version, found.label) == ("m", "1", "2026-02-01")
    assert found.observed_ms == moment("2026-02-03")
    assert found.effective_ms == moment("2026-02-01")
    assert found.announced_ms is None
    assert found.get("general.share") == 0.5
    assert found.number("pair.BTC.range") == 3.0
    assert found.tables("pair") == ("BTC", "ETH")
    assert found.tables("pair.BTC") == ("range",)
    assert "pair.SOL.range" not in found
    entry = found.entries["pair.BTC.range"]
    assert (entry.unit, entry.low, entry.high, entry.source) == ("USD", 1, 9, "another")
    assert found.entries["general.share"].source == "a page"
    assert found.entries["reading.form"].choices == ("a", "b")


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("model = ", "file_unreadable", "m/x.toml"),
        ('version = "1"\nobserved = "2026-02-03"\nsource = "s"\n', "column_missing", "m/x.toml"),
        ('model = "m"\nobserved = "2026-02-03"\nsource = "s"\n', "column_missing", "m/x.toml"),
        ('model = "m"\nversion = "1"\nsource = "s"\n', "column_missing", "m/x.toml"),
        ('model = "m"\nversion = "1"\nobserved = "2026-02-03"\n', "column_missing", "m/x.toml"),
        (HEAD.replace("2026-02-03", "2026-02-30"), "time_unreadable", "m/x.toml"),
        (HEAD + "[t]\nx = 0.5\n", "unit_wrong", "t.x"),
        (HEAD + "[t]\nx = { value = 0.5, min = 0, max = 1 }\n", "unit_wrong", "t.x"),
        (HEAD + "[t]\nx = { value = 0.5, unit = 'u' }\n", "unit_wrong", "t.x"),
        (HEAD + "[t]\nx = { value = 0.5, unit = 'u', min = 0 }\n", "unit_wrong", "t.x"),
        (
            HEAD + "[t]\nx = { value = 0.5, unit = 'u', min = 1, max = 0 }\n",
            "number_out_of_range",
            "t.x",
        ),
        (
            HEAD + "[t]\nx = { value = 2, unit = 'u', min = 0, max = 1 }\n",
            "parameter_out_of_bounds",
            "t.x",
        ),
        (
            HEAD + "[t]\nx = { value = -0.1, unit = 'u', min = 0, max = 1 }\n",
            "parameter_out_of_bounds",
            "t.x",
        ),
        (
            HEAD + "[t]\nx = { value = nan, unit = 'u', min = 0, max = 1 }\n",
            "parameter_out_of_bounds",
            "t.x",
        ),
        (
            HEAD + "[t]\nx = { value = true, unit = 'u', min = 0, max = 1 }\n",
            "parameter_out_of_bounds",
            "t.x",
        ),
        (HEAD + "[t]\nx = { value = [[1]], unit = 'u' }\n", "unit_wrong", "t.x"),
        (
            HEAD + "[t]\nx = { value = [[1]], unit = 'u', columns = [{ name = 'a' }] }\n",
            "unit_wrong",
            "t.x",
        ),
        (HEAD + ROWS.format("[[2]]", 1, 0), "number_out_of_range", "t.x a"),
        (HEAD + ROWS.format("[[2]]", 0, 1), "parameter_out_of_bounds", "t.x row 1 a"),
        (HEAD + ROWS.format("[]", 0, 1), "parameter_out_of_bounds", "t.x"),
        (
            HEAD + "[t]\nx = { value = 'c', choices = ['a', 'b'] }\n",
            "parameter_out_of_bounds",
            "t.x",
        ),
    ],
)
def test_bad_files(text: str, code: str, place: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        read_parameters(text, "m/x.toml")
    assert caught.value.code == code
    assert place in caught.value.place


@pytest.mark.parametrize("value", [0.0, 1.0, 0, 1])
def test_a_bound_itself_is_allowed(value: float) -> None:
    base = read_parameters(GOOD, "m/x.toml")
    assert overlay(base, {"general.share": value}, "test").get("general.share") == value


def test_an_overlay_stays_inside_the_bounds_and_leaves_the_base_alone() -> None:
    base = read_parameters(GOOD, "m/x.toml")
    found = overlay(base, {"general.share": 0.25, "reading.form": "b"}, "mine")
    assert (base.get("general.share"), base.get("reading.form")) == (0.5, "a")
    assert (found.get("general.share"), found.get("reading.form")) == (0.25, "b")
    assert found.entries["general.share"].source == "mine"
    assert found.entries["pair.BTC.range"].source == "another"
    assert found.label == "x + mine"
    assert found.sha256 != base.sha256
    bad: dict[str, Any]
    for bad in ({"general.share": 1.5}, {"reading.form": "c"}, {"general.table": 1.0}):
        with pytest.raises(ModelError) as caught:
            overlay(base, bad, "mine")
        assert caught.value.code == "parameter_out_of_bounds"
    with pytest.raises(ModelError) as caught:
        overlay(base, {"general.shore": 0.5}, "mine")
    assert caught.value.code == "parameter_missing"
    assert "general.shore" in str(caught.value)


def test_the_hash_is_of_the_values_alone() -> None:
    base = read_parameters(GOOD, "m/x.toml")
    moved = GOOD.replace("a page", "another page").replace("[general]", "# why\n[general]")
    assert read_parameters(moved, "m/y.toml").sha256 == base.sha256
    assert read_parameters(GOOD.replace("0.5", "0.6"), "m/x.toml").sha256 != base.sha256
    assert read_parameters(GOOD.replace('"1"', '"2"'), "m/x.toml").sha256 != base.sha256


def test_a_number_that_is_not_there_is_a_named_error() -> None:
    with pytest.raises(ModelError) as caught:
        read_parameters(GOOD, "m/x.toml").number("pair.SOL.range")
    assert caught.value.code == "parameter_missing"
    assert "pair.SOL.range" in str(caught.value)


@pytest.mark.parametrize(
    ("when", "chosen", "verdicts"),
    [
        ("2026-03-01", "2026-03-01", ()),  # from its own first moment
        ("2026-02-28", "2026-02-10", ()),  # a day earlier the one before
        ("2026-04-01", "2026-03-20", ()),  # no effective date: from when it was seen
        ("2026-02-10", "2026-02-10", ()),
        ("2026-02-09", "2026-02-10", ("parameters_later_than_market",)),
        ("2009-06-01", "2026-02-10", ("parameters_later_than_market",)),
    ],
)
def test_the_newest_set_that_is_not_later_is_chosen(
    when: str, chosen: str, verdicts: tuple[str, ...]
) -> None:
    """The second was announced and seen long before it came into force."""
    sets = (
        dated("2026-02-10", "2026-02-12"),
        dated("2026-03-01", "2026-02-11"),
        dated(None, "2026-03-20"),
    )
    found = select(sets, moment(when))
    assert found.label == chosen
    assert found.verdicts == verdicts


def test_shipped_sets_are_found_by_folder_and_date() -> None:
    sets = available("paradex-pm")
    assert [p.label for p in sets] == sorted(p.label for p in sets)
    assert load("paradex-pm", moment("2026-05-01")).label == "2026-04-06"
    for day, label in (("06-12", "2026-06-10"), ("06-13", "2026-06-13"), ("07-13", "2026-07-13")):
        found = load("paradex-pm", moment(f"2026-{day}"))
        assert found.label == label
        assert ("ZEC" in found.tables("asset")) is (label == "2026-06-13")
    zec = load("paradex-pm", moment("2026-07-12"))
    assert zec.get("asset.ZEC.scenarios") == zec.get("asset.HYPE.scenarios")
    assert load("paradex-pm", moment("2026-05-25")).label == "2026-05-25"
    assert load("derive-pm2", moment("2026-02-05")).date_text == "observed 2025-12-08"
    assert load("fixed-rate", moment("2026-02-05")).date_text == "effective 2020-01-01"


def test_plain_values_become_a_set() -> None:
    found = from_values("m", "7", {"a": {"b": 1.5, "c": {"d": "x"}}, "e": [1]}, "a reply")
    assert found.get("a.b") == 1.5
    assert found.get("a.c.d") == "x"
    assert found.entries["a.c.d"].choices == ("x",)
    assert found.entries["a.b"].source == found.source == found.label == "a reply"
    with pytest.raises(InputError):
        read_parameters("", "m/empty.toml")


@pytest.mark.parametrize(
    ("effective", "wanted"),
    [("2026-02-01", "2026-02-01T00:00:00Z"), ("2026-02-01T08:00:00Z", "2026-02-01T08:00:00Z")],
)
def test_a_set_is_in_force_from_a_day_or_from_an_hour(effective: str, wanted: str) -> None:
    made = read_parameters(GOOD.replace("2026-02-01", effective), "m/x")
    assert made.effective_ms == parse_ms(wanted)


def test_an_hour_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        read_parameters(GOOD.replace("2026-02-01", "2026-02-01T08:00"), "m/x")
    assert caught.value.code == "time_unreadable"


def test_a_set_is_old_sixty_days_after_it_was_last_known() -> None:
    day = 86_400_000
    made = dated("2026-02-01", "2026-03-01")
    assert made.doubts(moment("2026-02-10")) == ()  # in force nine days, not seen yet
    assert made.doubts(moment("2026-03-01") + 60 * day) == ()
    assert made.doubts(moment("2026-03-01") + 60 * day + 1) == ("parameters_old",)
    assert made.doubts(moment("2026-01-01")) == ()
