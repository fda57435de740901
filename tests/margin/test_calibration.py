"""The next dated set: one step from the last, from the past alone, with its evidence."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS, Subject, random_book, world_of
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.calibration import Calibrated, Evidence, calibrated, previewed
from crossmargin.margin.families.dynamic_names import own_numbers, stated_range
from crossmargin.margin.parameter_files import available, overlay, read_parameters
from crossmargin.margin.parameter_text import parameter_text
from crossmargin.margin.register import model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.totals import account_totals
from tests.margin.families.paths import DAYS, START_MS, end_ms, history, random_moves, steady

HOUSE = available("house")[-1]


@pytest.mark.parametrize("folder", available("dynamic")[-1].tables("scales"))
def test_every_declared_model_has_a_next_set(folder: str) -> None:
    view = world_of(_subject("greeks")).view
    found = calibrated(available(folder)[-1], view.history, view.as_of_ms)
    text = parameter_text(found.parameters)
    again = read_parameters(text, "next.toml")
    assert again.sha256 == found.parameters.sha256
    assert again.effective_ms == (view.as_of_ms // DAY_MS + 1) * DAY_MS
    assert again.observed_ms == view.as_of_ms
    assert set(again.entries) == set(available(folder)[-1].entries)
    assert "BTC" in {each.coin for each in found.evidence}


def _subject(name: str) -> Subject:
    model = model_named(name)
    return Subject(model, parameters_for(model, AS_OF_MS))


def _price(found: Calibrated, coin: str = "BTC") -> Evidence:
    return next(e for e in found.evidence if (e.coin, e.what) == (coin, "price"))


def test_one_set_is_one_step_from_the_last_and_never_under_the_floor() -> None:
    quiet, wild = history(steady(move=0.001)), history(random_moves(3, DAYS, 0.15))
    for found, held in ((quiet, "step down"), (wild, "step up")):
        seen = _price(calibrated(HOUSE, {"BTC": found}, end_ms(found)))
        assert seen.held_by == held
        assert seen.after == 0.15 * (0.9 if held == "step down" else 1.5)
    set_ = HOUSE
    for _ in range(8):  # month after month of calm: down to the floor, no further
        set_ = calibrated(set_, {"BTC": quiet}, end_ms(quiet)).parameters
    assert stated_range(own_numbers(set_), "BTC", "price") == 0.1


def test_nothing_later_is_read_and_a_shifted_history_gives_the_earlier_set() -> None:
    found = history(random_moves())
    until = START_MS + 300 * DAY_MS
    wild = random_moves()
    wild[300:] *= 4.0
    one, other = (calibrated(HOUSE, {"BTC": h}, until) for h in (found, history(wild)))
    assert one.parameters.sha256 == other.parameters.sha256
    assert one.evidence == other.evidence
    later = type(found)(
        "BTC", found.times_ms + 7 * DAY_MS, found.price, found.vol_times_ms, found.vol
    )
    shifted = calibrated(HOUSE, {"BTC": later}, until + 7 * DAY_MS)
    assert _price(shifted).after == _price(one).after


def test_one_seed_one_set_and_the_interval_holds_the_quantile() -> None:
    found = history(random_moves())
    one, same, other = (
        calibrated(HOUSE, {"BTC": found}, end_ms(found), seed=seed) for seed in (1, 1, 2)
    )
    assert parameter_text(one.parameters) == parameter_text(same.parameters)
    assert one.evidence == same.evidence
    assert one.parameters.sha256 == other.parameters.sha256  # the numbers themselves know no chance
    assert one.evidence != other.evidence
    seen = _price(one)
    assert seen.quantile_low <= seen.quantile <= seen.quantile_high
    price = found.price
    moves = np.abs(price[2:] / price[:-2] - 1.0)
    assert (moves >= seen.quantile * (1 - 1e-12)).sum() == pytest.approx(0.01 * len(moves), abs=1.5)
    assert seen.first_day == format_ms(START_MS)[:10]
    assert seen.days == DAYS + 1


def test_the_preview_is_the_later_change() -> None:
    subject = _subject("house-example")
    view = world_of(subject).view
    book = random_book(subject, 9)
    made = calibrated(HOUSE, view.history, view.as_of_ms).parameters
    pairs = [(book.rows(k, k + 1), view) for k in range(len(book))]
    rows = {each.account: each for each in previewed(pairs, subject.model, HOUSE, made)}
    later = read_parameters(parameter_text(made), "next.toml")
    both = [account_totals(run(book, view, subject.model, each)) for each in (HOUSE, later)]
    assert len(rows) == len(book)
    for k, name in enumerate(book.account):
        change = float(both[1].im_usd[k] - both[0].im_usd[k])
        assert rows[name].change_usd == change
        assert rows[name].mm_after_usd == both[1].mm_usd[k]
    assert any(each.change_usd for each in rows.values())


def test_what_cannot_be_calibrated_is_named() -> None:
    short = history(random_moves(days=30))
    cases = (
        (available("reg-t")[-1], {"BTC": short}, "parameter_missing"),
        (HOUSE, {}, "history_missing"),
        (available("fixed-rate")[-1], {}, "history_missing"),
        (HOUSE, {"BTC": short}, "observations_too_few"),
    )
    for set_, histories, code in cases:
        with pytest.raises(CrossMarginError) as error:
            calibrated(set_, histories, AS_OF_MS)
        assert error.value.code == code


def test_numbers_of_the_wrapper_can_be_changed() -> None:
    found = history(random_moves(3, DAYS, 0.15))
    wide = overlay(own_numbers(HOUSE), {"dynamic.calibrate.step_up": 0.0}, "test")
    assert _price(calibrated(wide, {"BTC": found}, end_ms(found))).after == 0.15
