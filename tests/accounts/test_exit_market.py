"""One contract on the side that closes it: where its depth is from, its bound, its impact."""

from __future__ import annotations

import math

import pytest

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.symbology import parse
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.depth import Depth
from crossmargin.market.snapshot import Snapshot
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import black_value
from tests.accounts.markets import CALL, DEEP, FUTURE, INDEX, NOW, PERP, VOL, WING, book, market

TERMS = ExitTerms.at(NOW)
YEARS = (parse("deribit", CALL).expiry_ms - NOW) / YEAR_MS


def desk(name: str, snapshot: Snapshot, books: dict[str, Depth] | None = None) -> tuple[Desk, int]:
    held = book({name: 1.0})
    view = snapshot.view(held.instruments)
    given = {("deribit", key): depth for key, depth in (books or {}).items()}
    made = Desk(view, snapshot, Schedule.at(NOW), TERMS, given)
    return made, held.instruments.index_of()["deribit", name]


def test_depth_is_levels_then_sizes_then_the_touch() -> None:
    levels = {CALL: Depth.of([(0.055, 4.0), (0.05, 6.0)], [(0.06, 1.0)], "x", 25.0)}
    made, k = desk(CALL, market(sizes=2.0), levels)
    quote = made.quote(k, -1.0)
    assert (quote.source, quote.touch, quote.shown, quote.volume_day) == ("levels", 0.055, 10.0, 25)
    made, k = desk(CALL, market(sizes=2.0))
    quote = made.quote(k, 1.0)
    assert (quote.source, quote.shown, quote.volume_day) == ("touch size", 2.0, 60.0)
    made, k = desk(CALL, market())
    quote = made.quote(k, 1.0)
    assert (quote.source, quote.shown, quote.bound) == ("touch", None, "")


def test_a_side_that_the_levels_lack_has_no_quote() -> None:
    """What is given replaces the snapshot: an empty side is empty."""
    made, k = desk(CALL, market(), {CALL: Depth.of([], [(0.06, 1.0)], "x")})
    assert made.quote(k, -1.0).bound == "intrinsic"
    assert made.quote(k, 1.0).bound == ""


def test_without_a_bid_a_bought_option_is_worth_its_intrinsic_value() -> None:
    made, k = desk(DEEP, market(without=[f"bid {DEEP}"]))
    quote = made.quote(k, -1.0)
    assert quote.bound == "intrinsic"
    assert quote.touch == pytest.approx((INDEX - 40_000.0) / INDEX, rel=1e-12)
    made, k = desk(WING, market(without=[f"bid {WING}"]))
    quote = made.quote(k, -1.0)
    assert quote.touch == 0.0
    mark = float(made.view.mark[k])
    assert quote.cost.at(-2.0) == pytest.approx(2.0 * mark * INDEX, rel=1e-9)  # all of it is lost


def test_without_an_ask_a_sold_option_costs_surface_volatility_and_points() -> None:
    made, k = desk(WING, market(without=[f"ask {WING}"]))
    quote = made.quote(k, 1.0)
    want = float(black_value(INDEX, 80_000.0, (VOL + 0.1) * math.sqrt(YEARS), 1)) / INDEX
    assert quote.bound == "vol 60%"
    # the fitted surface may lie a little above the one volatility of the chain
    assert quote.touch == pytest.approx(want, rel=2e-3)
    assert quote.touch >= want * (1.0 - 1e-9)


@pytest.mark.parametrize(("sign", "bound"), [(1.0, "+2.0%"), (-1.0, "-2.0%")])
def test_a_future_without_a_quote(sign: float, bound: str) -> None:
    side = "ask" if sign > 0.0 else "bid"
    made, k = desk(FUTURE, market(without=[f"{side} {FUTURE}"]))
    quote = made.quote(k, sign)
    assert quote.bound == f"mark {bound}"
    assert quote.touch == pytest.approx(INDEX * (1.0 + 0.02 * sign))
    assert quote.at_touch.at(sign * 6000.0) > 0.0


def test_a_bound_is_never_better_than_the_mark() -> None:
    for name in (CALL, DEEP, WING, FUTURE, PERP):
        missing = market(without=[f"bid {name}", f"ask {name}"])
        made, k = desk(name, missing)
        for sign in (1.0, -1.0):
            quote = made.quote(k, sign)
            assert sign * (quote.touch - float(made.view.mark[k])) >= 0.0
            assert quote.bound


def test_impact_of_a_perpetual_and_of_an_option_by_hand() -> None:
    made, k = desk(PERP, market())
    vol = made.vol_annual(parse("deribit", PERP))
    assert vol == pytest.approx(VOL, rel=1e-3)
    day = vol * math.sqrt(1 / 365)
    impact = dict(made.quote(k, 1.0).cost.split(60_000.0))["impact"]
    volume = 0.35 * 1000.0 * INDEX
    assert impact == pytest.approx(60_000.0 * day * math.sqrt(60_000.0 / volume))
    made, k = desk(CALL, market())
    unit = greeks(INDEX, 60_000.0, YEARS, VOL, 1)
    delta, vega = float(unit.delta), float(unit.vega)
    impact = dict(made.quote(k, 1.0).cost.split(3.0))["impact"]
    of_vol = 3.0 * vega * 0.035 * math.sqrt(3.0 / (6 * 60.0))  # six options of the expiry
    of_spot = 3.0 * delta * INDEX * day * math.sqrt(3.0 * delta / (0.35 * 1000.0))
    assert impact == pytest.approx(of_vol + of_spot, rel=1e-6)


def test_impact_begins_beyond_what_is_shown() -> None:
    made, k = desk(CALL, market(sizes=5.0))
    cost = made.quote(k, -1.0).cost
    assert dict(cost.split(-5.0))["impact"] == 0.0
    assert dict(cost.split(-5.1))["impact"] > 0.0
    assert cost.convex
    for name in (CALL, FUTURE, PERP):
        made, k = desk(name, market(sizes=5.0))
        scale = 1.0 if name == CALL else INDEX
        one, two = made.quote(k, -1.0).cost.at([-20.0 * scale, -40.0 * scale])
        assert two > 2.0 * one * 1.01, name


def test_without_open_interest_nothing_is_said_of_impact_or_pace() -> None:
    made, k = desk(CALL, market(interest=None))
    quote = made.quote(k, 1.0)
    assert quote.volume_day == quote.pace_day == 0.0
    assert "impact" not in dict(quote.cost.split(1.0))


def test_the_hedge_is_the_perpetual_with_both_quotes() -> None:
    made, k = desk(CALL, market())
    found = made.hedge(made.view.instruments.items[k])
    assert found is not None
    assert (found.item.native_id, found.notional_usd, found.funding_8h) == (PERP, 1.0, 0.0001)
    assert found.one_way == pytest.approx(5e-4 + 10.0 / INDEX, rel=1e-2)
    for snapshot in (market(perpetual=False), market(without=[f"bid {PERP}"])):
        made, k = desk(CALL, snapshot)
        assert made.hedge(made.view.instruments.items[k]) is None
