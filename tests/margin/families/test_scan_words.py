"""What a scan rulebook may say: every word of the shipped files, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.scan_words import FORMS, NUMBERS, check_words
from crossmargin.margin.parameter_files import available
from tests.margin.families.house import PERPETUAL, WIDE, margined, rules


def test_the_example_of_a_house_spells_every_number() -> None:
    said = {name.rpartition(".")[2] for name in available("house")[-1].entries}
    assert set(NUMBERS) - said == {"vol_points", "min_shock_up"}
    assert set(FORMS) - said == {"floor"}
    check_words(available("house")[-1])


@pytest.mark.parametrize(
    ("numbers", "form", "word"),
    [
        ({"option_facter": 0.1}, {}, "option_facter"),
        ({}, {"clock": "sundial"}, "sundial"),
        ({}, {"clocks": "exact"}, "clocks"),
        ({}, {"vol_shock": "log"}, "log"),
    ],
)
def test_a_word_that_is_not_known_is_refused(
    numbers: dict[str, Any], form: dict[str, str], word: str
) -> None:
    with pytest.raises(ModelError) as caught:
        margined({PERPETUAL: 1.0}, rules({**WIDE, **numbers}, **form))
    assert caught.value.code == "option_unknown"
    assert word in str(caught.value.value)
    assert caught.value.limit


def test_a_table_that_is_not_known_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({PERPETUAL: 1.0}, rules(WIDE, more={"charges": {"futures": 0.1}}))
    assert "charges.futures" in str(caught.value.value)
