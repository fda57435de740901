from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.params_adapters import READERS, numbers_of
from tests.venues.test_params_deribit import NEWER


def test_the_envelope_comes_off() -> None:
    bare = numbers_of("deribit", NEWER)
    assert numbers_of("deribit", {"jsonrpc": "2.0", "result": NEWER}).values == bare.values


@pytest.mark.parametrize("venue", list(READERS))
def test_something_else_is_refused(venue: str) -> None:
    for payload in ({"a": 1}, {"jsonrpc": "2.0", "error": {"code": 1}}, {}):
        with pytest.raises(InputError):
            numbers_of(venue, payload)


def test_an_unknown_venue_is_refused() -> None:
    with pytest.raises(InputError):
        numbers_of("thalex", {})
