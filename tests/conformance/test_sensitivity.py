from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.sensitivity import SEED, sensitivity, unmeasured
from crossmargin.conformance.world import Subject, random_book, subject_of, world_of
from crossmargin.margin import model_named, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.totals import account_totals

PARADEX = subject_of(model_named("paradex-pm"))


def im_usd(subject: Subject) -> list[float]:
    view = world_of(subject).view
    found = run(random_book(subject, SEED), view, subject.model, subject.parameters)
    return account_totals(found).im_usd.tolist()


def test_the_interval_is_that_of_two_runs() -> None:
    (found,) = sensitivity(PARADEX)
    assert (found.reading, found.rules) == ("reading.min_vol_shock", ("scan",))
    other = overlay(PARADEX.parameters, {found.reading: found.choices[1]}, "reading")
    first, second = im_usd(PARADEX), im_usd(replace(PARADEX, parameters=other))
    change = (sum(second) - sum(first)) / sum(first)
    assert (found.low_fraction, found.high_fraction) == pytest.approx(
        (min(change, 0), max(change, 0))
    )
    shares = [(b - a) / a for a, b in zip(first, second, strict=True) if a > 0.0]
    assert found.largest_fraction == pytest.approx(max(shares, key=abs))


def test_rules_without_readings_have_no_interval() -> None:
    assert sensitivity(subject_of(model_named("fixed-rate"))) == ()
    assert unmeasured(subject_of(model_named("fixed-rate"))) == ()
    assert unmeasured(PARADEX) == ("fee_provision", "order_margin")
