"""The tables of a margin by Greeks: sums by bucket, errors by scenario, far probes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.margin.details import stage_of
from crossmargin.margin.families.greeks_calibration import width_by_history
from crossmargin.margin.families.greeks_details import greeks_tables, net_by_bucket
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from tests.margin.greek_books import COIN, ETH_PERP, PERP, option, required

HELD = {option(70_000.0): -1.0, option(75_000.0, 5.0): 2.0, COIN: 0.5, PERP: -0.25, ETH_PERP: 4.0}


def stages(held: dict) -> tuple[Priced, PoolBook, Parameters]:
    found = required("greeks", held)
    return (*stage_of(found, 0), found.parameters)


def test_net_greeks_in_the_units_of_their_titles() -> None:
    lines = {line[:2]: line[2:] for line in net_by_bucket(*stages(HELD))}
    assert set(lines) == {
        ("BTC", "no expiry"), ("BTC", "0 to 7 d"), ("BTC", "7 to 30 d"), ("BTC", "all"),
        ("ETH", "no expiry"),
    }  # fmt: skip
    assert lines["BTC", "no expiry"] == (0.25, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert lines["ETH", "no expiry"][0] == 4.0
    delta, gamma, vega, theta, vanna, volga = lines["BTC", "7 to 30 d"]
    assert delta == pytest.approx(-0.534270, abs=1e-6)
    assert gamma == pytest.approx(-0.023107, rel=1e-4)
    assert vega == pytest.approx(-11.395095 * 7.0, rel=1e-6)
    assert theta == pytest.approx(41.592098 * 700.0 / 365.0, rel=1e-6)
    assert vanna == pytest.approx(-0.00056975, rel=1e-4)
    assert volga == pytest.approx(0.140487 * 0.07, rel=1e-4)


def test_errors_are_those_of_the_sheet() -> None:
    priced, held, given = stages(HELD)
    _, near, far, _ = greeks_tables(priced, held, given)
    assert [len(near.rows), len(far.rows)] == [42, 6]
    worst = -min(line[2] for line in near.rows)
    for line in near.rows:
        assert line[3] == pytest.approx(line[1] - line[2])
        assert line[4] == pytest.approx(line[3] / worst)
        losing = min(line[1], line[2]) < 0.0
        assert (line[5] == "unsafe") is (losing and abs(line[3]) > max(0.1 * worst, 1.0))
    assert "far" in far.title.lower()
    assert far.notes


def test_widths_are_compared_with_the_history_of_the_market() -> None:
    priced, held, given = stages(HELD)
    shown = greeks_tables(priced, held, given)[3]
    assert [line[0] for line in shown.rows] == ["BTC", "ETH"]
    for line in shown.rows:
        found = width_by_history(priced.view.history, str(line[0]), given)
        assert found is not None
        width, days = found
        assert line[1] == given.number(f"asset.{line[0]}.half_width")
        assert line[2:] == (width.half_width, width.sigma_daily, width.stress, days)
    bare = replace(priced, view=replace(priced.view, history={}))
    assert greeks_tables(bare, held, given)[3].rows[0] == ("BTC", 0.14, None, None, None, None)


def test_a_book_that_cannot_lose_has_no_share_of_error() -> None:
    priced, held, given = stages({option(70_000.0): 1e-9})
    for line in greeks_tables(priced, held, given)[2].rows[3:]:
        assert line[1] > 0.0
    empty = required("greeks", {}, orders=[(PERP, 1, 1.0, 70_000.0)])
    assert greeks_tables(*stage_of(empty, 0), empty.parameters) == ()
