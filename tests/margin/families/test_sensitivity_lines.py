"""A book of coins as lines of a sensitivity file: amounts add up, tenors are split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import SPOT, random_book, subject_of, world_of
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.factors import TENOR_DAYS, TENORS, checked
from crossmargin.margin import run
from crossmargin.margin.families.sensitivity_lines import MAPPINGS, lines_of, split_days
from crossmargin.margin.pools import cut
from crossmargin.margin.register import model_named

SUBJECT = subject_of(model_named("sensitivities"))


def made(accounts: int = 8):  # type: ignore[no-untyped-def] # a stage, as the driver makes it
    book = random_book(SUBJECT, 5, accounts)
    found = run(book, world_of(SUBJECT).view, SUBJECT.model, SUBJECT.parameters)
    return found.priced[0], cut(book, found.plan.pools[0], 0)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_amounts_are_those_of_the_positions(mapping: str) -> None:
    priced, held = made()
    items = priced.pool.instruments.items
    for a, lines in enumerate(lines_of(priced, held, mapping)):
        span = range(int(held.row[a]), int(held.row[a + 1]))
        for coin in SPOT:
            delta = vega = 0.0
            for j in span:
                k, q = int(held.column[j]), float(held.quantity[j])
                if items[k].underlying == coin:
                    delta += q * priced.columns["delta_per_cent_usd"][k]
                    if priced.view.vol[k] > 0.0:
                        vega += q * priced.columns["vega_usd"][k] / priced.view.vol[k] / 100.0
            mine = [(f, x) for f, x in lines if f.qualifier.startswith(coin)]
            assert sum(x for f, x in mine if not f.volatility) == pytest.approx(delta, abs=1e-6)
            assert sum(x for f, x in mine if f.volatility) == pytest.approx(vega, abs=1e-6)
        for factor, _ in lines:
            assert checked(factor, "here") == factor
        assert [f for f, _ in lines] == sorted(f for f, _ in lines)


def test_lives_are_split_between_tenors() -> None:
    days = np.array([0.5, 14.0, 20.0, 365.0, 20_000.0])
    low, share = split_days(days)
    names = [TENORS[k] for k in low.tolist()]
    assert names == ["2w", "2w", "2w", "1y", "20y"]
    month = TENOR_DAYS["1m"]
    assert share.tolist() == [0.0, 0.0, pytest.approx(6.0 / (month - 14.0)), 0.0, 1.0]


def test_what_cannot_be_mapped() -> None:
    priced, held = made(3)
    with pytest.raises(InputError, match="no such mapping"):
        lines_of(priced, held, "equity")
    with pytest.raises(ModelError, match="sensitivities"):
        lines_of(replace(priced, facts={}), held)
    items = tuple(replace(i, underlying="LONGNAME") for i in priced.pool.instruments.items)
    market = priced.facts["market"]
    other = replace(market, part=replace(market.part, items=items))
    stage = replace(priced, facts={**priced.facts, "market": other})
    with pytest.raises(InputError) as caught:
        lines_of(stage, held, "fx")
    assert caught.value.code == "currency_unknown"
