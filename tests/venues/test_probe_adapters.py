from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.register import model_named
from crossmargin.venues.probe_adapters import PROBERS, prober_of


@pytest.mark.parametrize("venue", list(PROBERS))
def test_what_a_probe_asks_of_has_readings(venue: str) -> None:
    found = prober_of(venue)
    assert model_named(found.model).spec.readings
    assert found.columns


def test_a_venue_without_probes_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        prober_of("thalex")
    assert "deribit" in caught.value.limit
