from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.margin.parameter_files import Parameters, available, read_parameters
from crossmargin.margin.parameter_scope import Scope
from crossmargin.margin.parameter_text import parameter_text
from crossmargin.margin.register import ALL_MODELS

SETS = [found for model in ALL_MODELS for found in available(model.spec.folder)]


@pytest.mark.parametrize("found", SETS, ids=lambda found: f"{found.model}-{found.label}")
def test_a_set_is_read_back_as_it_was(found: Parameters) -> None:
    again = read_parameters(parameter_text(found, "first\nsecond"), f"x/{found.label}.toml")
    assert again.sha256 == found.sha256
    for name, entry in found.entries.items():
        assert again.entries[name] == entry, name
    for part in ("model", "version", "observed_ms", "effective_ms", "announced_ms", "label"):
        assert getattr(again, part) == getattr(found, part)


def test_times_to_the_minute_and_the_scope_are_written() -> None:
    made = replace(
        SETS[0],
        effective_ms=1_736_496_000_000,
        announced_ms=1_736_000_040_000,
        effective_for=Scope(accounts=('a "b"', "c")),
    )
    text = parameter_text(made)
    assert 'effective_from = "2025-01-10T08:00:00Z"' in text
    again = read_parameters(text, "x/y.toml")
    assert (again.effective_ms, again.announced_ms) == (made.effective_ms, made.announced_ms)
    assert again.effective_for == made.effective_for
