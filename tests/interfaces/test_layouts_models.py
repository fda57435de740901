"""The register on screen: every rule and number, and what earlier sets had otherwise."""

from __future__ import annotations

import crossmargin as xm
from tests.interfaces.test_layouts import named


def test_the_list_has_every_model() -> None:
    result = xm.models()
    table = result.document().tables[0]
    assert [row[0] for row in table.rows] == [m["model"] for m in result.to_dict()["models"]]


def test_a_card_has_rules_readings_gaps_sets_numbers_and_sources() -> None:
    document = xm.models("deribit-spm").document()
    names = [table.name for table in document.tables]
    assert names == ["known", "rules", "readings", "unknown", "sets", "numbers", "sources"]
    numbers = named(document, "numbers")
    sources = named(document, "sources")
    assert {row[-1] for row in numbers.rows} == {row[0] for row in sources.rows}
    by_name = {row[0]: row for row in numbers.rows}
    assert by_name["general.mm_factor"][1:4] == (
        "0.8",
        "fraction of risk matrix margin",
        "0.1 to 1",
    )
    assert by_name["reading.vol_shock"][3] == "relative | additive"


def test_a_number_that_changed_shows_its_earlier_values() -> None:
    numbers = named(xm.models("deribit-spm").document(), "numbers")
    assert any(row[4] and "2024-06-17: " in row[4] for row in numbers.rows)


def test_lists_are_shortened_on_screen_and_whole_in_json() -> None:
    result = xm.models("derive-pm2")
    numbers = named(result.document(), "numbers")
    shown = next(row[1] for row in numbers.rows if row[0] == "market.BTC.scenarios")
    assert "rows:" in shown
    entries = result.to_dict()["parameter_sets"][-1]["entries"]
    whole = next(e["value"] for e in entries if e["name"] == "market.BTC.scenarios")
    assert shown.startswith(f"{len(whole)} rows")
