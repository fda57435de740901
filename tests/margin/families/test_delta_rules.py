"""Net, gross and hedged delta, and each charge, by hand and as properties."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.margin import model_named
from crossmargin.margin.families.delta_rules import (
    CONVENTIONS,
    DeltaSums,
    Rates,
    charges_of,
    delta_sums,
    delta_usd,
    ladder_of,
    liquidity_cost,
    rates_of,
)
from crossmargin.margin.families.dollar_greeks import dollar_greeks
from crossmargin.margin.families.expiry_ladder import bucket_of, ladder_days
from crossmargin.margin.families.whole_account import dollar_market, plan_account
from tests.margin.greek_books import parameters

RATES = Rates(
    net=np.array([0.1, 0.2]),
    hedged=0.01,
    across=0.03,
    floor_net=0.02,
    floor_hedged=0.01,
    impact="none",
    sigma_daily=np.array([0.03, 0.04]),
    impact_share=0.5,
    turnover_usd=np.array([1e6, 2e6]),
    depth_usd=np.array([1e4, 2e4]),
    depth_fraction=0.001,
)


def test_charges_by_hand() -> None:
    """BTC: long 100 and short 40 in one bucket, short 30 in another; ETH: short 10."""
    sums = DeltaSums(
        net=np.array([[30.0, -10.0]]),
        by_bucket=np.array([[90.0, 10.0]]),
        gross=np.array([[170.0, 10.0]]),
    )
    found = charges_of(RATES, sums)
    assert found.net[0] == pytest.approx(0.1 * 30.0 + 0.2 * 10.0)
    assert found.hedged[0] == pytest.approx(0.01 * 40.0)
    assert found.across[0] == pytest.approx(0.03 * 30.0)
    assert found.floor[0] == pytest.approx(0.02 * 40.0 + 0.01 * 70.0)
    assert found.liquidity[0] == 0.0


@given(st.floats(0.0, 1e12), st.floats(1.0, 100.0))
def test_impact_grows_at_least_as_size(net: float, more: float) -> None:
    for impact in ("square_root", "linear", "none"):
        rates = replace(RATES, impact=impact)
        one, many = (float(liquidity_cost(rates, 1, np.array([x]))[0]) for x in (net, more * net))
        assert one >= 0.0
        assert many >= more * one * (1.0 - 1e-12)
        assert np.isfinite(many)


def test_sums_against_loops() -> None:
    subject = subject_of(model_named("delta"))
    world, book = world_of(subject), random_book(subject, 5)
    market = dollar_market(plan_account(world.instruments, subject.parameters).pools[0], world.view)
    greeks = dollar_greeks(market, ("BTC", "ETH"))
    bucket = bucket_of(market, ladder_days(subject.parameters))
    for way in CONVENTIONS:
        dollars = delta_usd(market, greeks, way)
        ladder = ladder_of(greeks, bucket, dollars)
        found = delta_sums(ladder, book.row, book.column, book.quantity)
        for a in range(len(book)):
            nets: dict[tuple[int, int], float] = {}
            gross = [0.0, 0.0]
            for j in range(int(book.row[a]), int(book.row[a + 1])):
                c, own = int(book.column[j]), float(book.quantity[j])
                u = int(greeks.group[c])
                if u >= 0:
                    key = u, int(bucket[c])
                    nets[key] = nets.get(key, 0.0) + own * float(dollars[c])
                    gross[u] += abs(own * float(dollars[c]))
            for u in (0, 1):
                mine = [x for (v, _), x in nets.items() if v == u]
                close = {"rel": 1e-9, "abs": 1e-9 * (gross[u] + 1.0)}
                assert found.net[a, u] == pytest.approx(sum(mine), **close)
                assert found.by_bucket[a, u] == pytest.approx(sum(map(abs, mine)), **close)
                assert found.gross[a, u] == pytest.approx(gross[u], **close)
    assert (found.gross >= found.by_bucket * (1.0 - 1e-12)).all()
    assert (found.by_bucket >= np.abs(found.net) * (1.0 - 1e-12) - 1e-6).all()


def test_a_table_without_coins_has_no_rungs() -> None:
    subject = subject_of(model_named("delta"))
    world = world_of(subject)
    market = dollar_market(plan_account(world.instruments, subject.parameters).pools[0], world.view)
    greeks = dollar_greeks(market, ())
    dollars = delta_usd(market, greeks, "black")
    ladder = ladder_of(greeks, np.zeros(len(dollars), np.int32), dollars)
    assert (ladder.rung == -1).all()
    book = random_book(subject, 5)
    assert delta_sums(ladder, book.row, book.column, book.quantity).net.shape == (len(book), 0)


def test_rates_of_a_set_and_its_bounds() -> None:
    stated = rates_of(("BTC", "ETH"), parameters("delta"))
    assert stated.net.tolist() == [0.14, 0.21]
    var = rates_of(("BTC",), parameters("delta", {"form.net_rate": "var"}))
    assert var.net[0] == pytest.approx(3.0 * 0.03007 * 2.0**0.5)
    for name in ("asset.BTC.depth_usd", "asset.BTC.turnover_usd", "asset.BTC.sigma_daily"):
        for bad in (-1.0, nan, inf):
            with pytest.raises(Exception, match="parameter_out_of_bounds"):
                parameters("delta", {name: bad})
