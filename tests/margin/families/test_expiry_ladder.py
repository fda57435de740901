"""Buckets of expiry: ends belong to the nearer bucket; names; ends that do not rise."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.expiry_ladder import bucket_labels, bucket_of, ladder_days
from crossmargin.margin.families.whole_account import dollar_market, plan_account
from tests.margin.greek_books import COIN, PERP, flat_world, future, parameters


def test_where_each_row_stands() -> None:
    given = parameters("delta")
    ages = (0.0, 0.5, 7.0, 7.01, 30.0, 90.0, 365.0, 365.01, 900.0)
    items = [PERP, COIN, *(future(days) for days in ages)]
    world = flat_world(items)
    market = dollar_market(plan_account(world.instruments, given).pools[0], world.view)
    days = ladder_days(given)
    assert days.tolist() == [7.0, 30.0, 90.0, 365.0]
    bucket, labels = bucket_of(market, days), bucket_labels(days)
    place = world.instruments.index_of()
    found = [labels[bucket[place[item.key]]] for item in items]
    assert found == [
        "no expiry", "no expiry", "0 to 7 d", "0 to 7 d", "0 to 7 d", "7 to 30 d", "7 to 30 d",
        "30 to 90 d", "90 to 365 d", "over 365 d", "over 365 d",
    ]  # fmt: skip


def test_every_day_of_a_bucket_end_stays_in_it() -> None:
    """Whole days in milliseconds, over a year: no rounding moves one to the next bucket."""
    given = parameters("delta")
    days = ladder_days(given)
    items = [future(float(day)) for day in range(1, 400)]
    world = flat_world(items)
    market = dollar_market(plan_account(world.instruments, given).pools[0], world.view)
    bucket = bucket_of(market, days)
    place = world.instruments.index_of()
    for day, item in enumerate(items, start=1):
        assert bucket[place[item.key]] == 1 + np.searchsorted(days, float(day)), day


def test_ends_that_fall_are_refused() -> None:
    with pytest.raises(ModelError, match="ladder.days"):
        ladder_days(parameters("delta", {"ladder.days": [[30.0], [7.0]]}))
