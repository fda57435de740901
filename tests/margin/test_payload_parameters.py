from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.parameter_files import available
from crossmargin.margin.payload_parameters import Numbers, from_payload

BASE = available("deribit-pm")[-1]
NOW = 1_780_000_000_000


def given(**values: float) -> Numbers:
    dotted = {name.replace("__", "."): value for name, value in values.items()}
    return Numbers("deribit-pm", dotted, None, "a reply")


def test_numbers_of_the_payload_stand_and_the_rest_is_named() -> None:
    made = from_payload(BASE, given(pair__BTC__price_range=0.2), "live", NOW)
    found = made.parameters
    assert found.get("pair.BTC.price_range") == 0.2
    assert found.entries["pair.BTC.price_range"].source == "a reply"
    assert found.entries["pair.BTC.price_range"].high == 0.9
    assert (found.label, found.observed_ms, found.effective_ms) == ("live", NOW, None)
    assert "pair.BTC.m_inc" in made.carried
    assert "pair.ETH.m_inc" not in made.carried  # the payload does not speak of it


def test_a_new_underlying_has_the_bounds_of_its_neighbours() -> None:
    found = from_payload(BASE, given(pair__SOL__price_range=0.3), "live", NOW).parameters
    entry = found.entries["pair.SOL.price_range"]
    assert (entry.value, entry.low, entry.high) == (0.3, 0.01, 0.9)


def test_a_new_number_and_one_beyond_its_bounds_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        from_payload(BASE, given(pair__BTC__gravity=9.8), "live", NOW)
    assert caught.value.code == "column_unknown"
    with pytest.raises(ModelError) as bounds:
        from_payload(BASE, given(pair__SOL__price_range=2.0), "live", NOW)
    assert bounds.value.code == "parameter_out_of_bounds"
