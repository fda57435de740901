from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.names import VENUES
from crossmargin.venues.verify_adapters import ADAPTERS, adapter_of, case_of


@pytest.mark.parametrize("venue", list(ADAPTERS))
def test_every_adapter_is_of_a_venue_whose_names_are_known(venue: str) -> None:
    assert venue in VENUES


def test_an_unknown_venue_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError) as caught:
        adapter_of("ftx")
    assert caught.value.code == "option_unknown"
    assert "deribit" in caught.value.limit


@pytest.mark.parametrize("venue", list(ADAPTERS))
def test_no_adapter_takes_something_else(venue: str) -> None:
    for payload in ({"reply": {}}, {"reply": []}, {"reply": {"a": 1}}):
        with pytest.raises(InputError):
            case_of(venue, payload)
