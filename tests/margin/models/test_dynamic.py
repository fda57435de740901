"""The wrapper: the wrapped model's rules under the numbers of the time, nothing of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS, Subject, random_book, world_of
from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.margin.families.dynamic_names import inner_set, own_numbers, scaled_set
from crossmargin.margin.families.dynamic_ranges import ranges_of
from crossmargin.margin.models.dynamic import needed_coins
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.register import is_built_in, model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.market.history import History
from crossmargin.market.view import View

MODELS = ("house-example", "greeks", "delta", "span", "tims", "deribit-xpm")


def _subject(name: str) -> Subject:
    model = model_named(name)
    return Subject(model, parameters_for(model, AS_OF_MS))


def _shifted(view: View, days: int) -> View:
    """Every observation of the history that many days later in time, cut at the as-of."""

    def moved(found: History) -> History:
        times = found.times_ms + days * DAY_MS
        keep = times <= view.as_of_ms
        vols = found.vol_times_ms + days * DAY_MS
        known = vols <= view.as_of_ms
        return History(
            found.underlying,
            frozen(times[keep], np.int64),
            frozen(found.price[keep], np.float64),
            frozen(vols[known], np.int64),
            frozen(found.vol[known], np.float64),
        )

    return replace(view, history={k: moved(v) for k, v in view.history.items()})


@pytest.mark.parametrize("name", MODELS)
def test_it_is_the_wrapped_model_under_the_numbers_of_the_time(name: str) -> None:
    subject = _subject(f"dynamic:{name}")
    world = world_of(_subject(name))
    book = random_book(_subject(name), 3)
    found = run(book, world.view, subject.model, subject.parameters)
    own = own_numbers(subject.parameters)
    coins = needed_coins(world.instruments, own)
    assert coins == ("BTC", "ETH")
    ranges = {c: ranges_of(world.view.history, c, world.view.as_of_ms, own) for c in coins}
    made = scaled_set(own, ranges).parameters
    plain = run(book, world.view, model_named(name), made)
    assert found.sheet.columns == plain.sheet.columns
    for one, other in zip(found.sheet.values, plain.sheet.values, strict=True):
        assert one.tolist() == other.tolist()
    stated = run(book, world.view, model_named(name), inner_set(own))
    assert found.sheet["im"].tolist() != stated.sheet["im"].tolist()


@pytest.mark.parametrize("name", ["house-example", "greeks"])
def test_the_history_shifted_is_the_earlier_margin(name: str) -> None:
    """A history of which the last k days are cut gives what was margined k days ago: no look-ahead.

    The same margin must come out of the history moved k days later in time, for it then ends at the
    as-of with the observation that was k days old.
    """
    subject = _subject(f"dynamic:{name}")
    view = world_of(_subject(name)).view
    book = random_book(_subject(name), 4)
    today = run(book, view, subject.model, subject.parameters).sheet["im"]
    for days in (1, 30):
        earlier = run(book, _shifted(view, days), subject.model, subject.parameters).sheet["im"]
        lost = days + 1  # the observation of a day that has not ended counts at neither time
        cut = {
            coin: replace(
                found,
                times_ms=found.times_ms[:-lost],
                price=found.price[:-lost],
                vol_times_ms=found.vol_times_ms[:-lost],
                vol=found.vol[:-lost],
            )
            for coin, found in view.history.items()
        }
        known = run(book, replace(view, history=cut), subject.model, subject.parameters)
        assert known.sheet["im"].tolist() == earlier.tolist()
        assert earlier.tolist() != today.tolist()


def test_what_is_later_than_the_view_is_not_read() -> None:
    subject = _subject("dynamic:house-example")
    view = world_of(_subject("house-example")).view
    book = random_book(_subject("house-example"), 5)
    later = {
        coin: replace(
            found,
            times_ms=np.append(found.times_ms, view.as_of_ms + DAY_MS),
            price=np.append(found.price, found.price[-1] * 0.2),
        )
        for coin, found in view.history.items()
    }
    one = run(book, view, subject.model, subject.parameters).sheet["im"]
    other = run(book, replace(view, history=later), subject.model, subject.parameters).sheet["im"]
    assert one.tolist() == other.tolist()


def test_only_holders_of_a_coin_without_history_fail() -> None:
    subject = _subject("dynamic:house-example")
    world = world_of(_subject("house-example"))
    place = {c: k for k, i in enumerate(world.instruments.items) for c in [i.underlying]}
    book = Book.of(world.instruments, [Line("b", place["BTC"], 1.0), Line("e", place["ETH"], 1.0)])
    view = replace(world.view, history={"BTC": world.view.history["BTC"]})
    found = run(book, view, subject.model, subject.parameters)
    assert [(f.subject, f.code) for f in found.failures] == [("e", "history_missing")]
    with pytest.raises(ModelError) as error:
        run(book.rows(1, 2), view, subject.model, subject.parameters)
    assert error.value.code == "history_missing"


def test_a_set_of_the_wrapped_model_is_enough_and_numbers_can_be_changed() -> None:
    subject = _subject("dynamic:house-example")
    view = world_of(_subject("house-example")).view
    book = random_book(_subject("house-example"), 6)
    plain = parameters_for(model_named("house-example"), AS_OF_MS)
    one = run(book, view, subject.model, plain).sheet["im"]
    assert one.tolist() == run(book, view, subject.model, subject.parameters).sheet["im"].tolist()
    wide = overlay(subject.parameters, {"dynamic.floor.BTC": 0.5, "dynamic.floor.ETH": 0.5}, "user")
    assert run(book, view, subject.model, wide).sheet["im"].sum() > 1.5 * one.sum()


def test_the_door_takes_a_wrapper_once() -> None:
    assert model_named("dynamic:greeks") is model_named("dynamic:greeks")
    assert is_built_in("dynamic:greeks")
    assert not is_built_in("dynamic:none")
    version = model_named("greeks").spec.version
    assert model_named(f"dynamic:greeks@{version}").spec.version == version
    for name in ("dynamic", "dynamic:", "dynamic:none", "dynamic:dynamic:greeks", "static:greeks"):
        with pytest.raises(InputError) as error:
            model_named(name)
        assert error.value.code == "model_unknown"


def test_a_model_without_ranges_is_refused_by_name() -> None:
    world = world_of(_subject("reg-t"))
    with pytest.raises(ModelError) as error:
        run(random_book(_subject("reg-t"), 1), world.view, model_named("dynamic:reg-t"))
    assert error.value.code == "parameter_missing"
    assert "reg-t" in error.value.place


@pytest.mark.parametrize("folder", ["house", "deribit-pm", "paradex-pm"])
def test_the_sets_of_a_wrapped_model_are_its_own(folder: str) -> None:
    plain, wrapped = available(folder), available(f"dynamic+{folder}")
    assert [each.label for each in plain] == [each.label for each in wrapped]
    for one, other in zip(plain, wrapped, strict=True):
        assert inner_set(other).sha256 == one.sha256
        assert (other.observed_ms, other.effective_ms) == (one.observed_ms, one.effective_ms)
        assert "dynamic.range.z" in other
