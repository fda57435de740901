"""Offsets by kind, the break that eats each, and the curve."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from crossmargin.conformance.world import SPOT, view_of, world_of
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import run
from crossmargin.margin.hedges import Offset, hedge_curve, hedged_pair, offsets
from tests.margin.netting_books import BTC, ETH, book, subject

PAIR = {BTC: 2.0, ETH: -60.0}


def found_of(held: dict[str, float], **changes: object) -> tuple[Offset, ...]:
    found = subject("correlated", changes)
    made, world = book(found, held)
    return offsets(made, world.view, found.model, found.parameters)


def test_assets() -> None:
    (one,) = found_of(PAIR)
    assert (one.kind, one.first, one.second) == ("assets", "BTC", "ETH")
    assert one.hedged_usd == min(one.first_delta_usd, -one.second_delta_usd)
    assert one.eaten_at == one.saved_usd / one.hedged_usd
    assert one.stated_break == 0.2
    assert one.break_loss_usd == 0.2 * one.hedged_usd
    assert one.eaten == (one.break_loss_usd > one.saved_usd)


def test_what_is_saved_is_what_two_accounts_need_more() -> None:
    found = subject("correlated")
    (one,) = found_of(PAIR)
    im = []
    for held in ({BTC: 2.0}, {ETH: -60.0}, PAIR):
        made, world = book(found, held)
        im.append(float(run(made, world.view, found.model, found.parameters).sheet["im"][0]))
    assert one.saved_usd == pytest.approx(im[0] + im[1] - im[2], rel=1e-12)


def test_at_the_break_that_eats_it_the_loss_is_what_was_saved() -> None:
    """I20: ether against bitcoin by just so much, on the hedged dollars, costs the saving."""
    (one,) = found_of(PAIR)
    assert one.eaten_at is not None
    assert one.eaten_at * one.hedged_usd == pytest.approx(one.saved_usd)
    wide = found_of(PAIR, **{"break.asset": min(one.eaten_at * 1.01, 0.9)})[0]
    narrow = found_of(PAIR, **{"break.asset": one.eaten_at * 0.99})[0]
    assert (wide.eaten, narrow.eaten) == (True, False)


def test_same_side_is_no_offset_and_full_stress_saves_nothing() -> None:
    assert found_of({BTC: 2.0, ETH: 60.0}) == ()
    (none,) = found_of(PAIR, **{"stress.tenths": 10})
    assert none.saved_usd == 0.0
    assert none.eaten_at is None


def test_perpetual_against_spot_and_stablecoins() -> None:
    kinds = {o.kind: o for o in found_of({"BTC": 2.0, BTC: -2.0})}
    assert set(kinds) == {"basis"}
    assert kinds["basis"].second == "BTC spot"
    assert kinds["basis"].hedged_usd == pytest.approx(2.0 * SPOT["BTC"], rel=1e-3)
    # Not all is saved: the basis itself is required of the two together.
    assert kinds["basis"].saved_usd > 0.0
    found = subject("correlated")
    items = [
        Instrument("deribit", name, Kind.ASSET, name, "USD", name) for name in ("USDC", "USDT")
    ]
    world = view_of(items)
    made = Book.of(world.instruments, [Line("a", 0, 500.0), Line("a", 1, -300.0)])
    (one,) = offsets(made, world.view, found.model, found.parameters)
    assert (one.kind, one.first, one.second) == ("stable", "USDC", "USDT")
    assert one.hedged_usd == one.saved_usd == pytest.approx(300.0 * 1.0003)
    assert one.eaten_at == 1.0
    assert one.break_loss_usd == pytest.approx(0.12 * 300.0 * 1.0003)


def test_a_wrapped_token_against_its_underlying() -> None:
    found = subject("correlated")
    world = world_of(found)
    short = next(i for i in world.instruments.items if i.native_id == BTC)
    token = Instrument("deribit", "WBTC", Kind.ASSET, "WBTC", "USD", "WBTC")
    world = view_of([short, token])
    usd = world.view.usd.copy()
    usd[list(world.instruments.names).index("WBTC")] = SPOT["BTC"]
    place = world.instruments.index_of()
    made = Book.of(
        world.instruments, [Line("a", place[short.key], -1.0), Line("a", place[token.key], 1.0)]
    )
    view = replace(world.view, usd=usd)
    (one,) = offsets(made, view, found.model, found.parameters)
    assert (one.kind, one.first, one.second) == ("wrapped", "WBTC", "BTC")
    assert one.stated_break == 0.06
    assert one.saved_usd > 0.0
    alone = subject("correlated", {"wrapped.WBTC.of": "alone"})
    found_alone = offsets(made, view, alone.model, alone.parameters)
    assert [(o.kind, o.saved_usd) for o in found_alone] == [("assets", 0.0)]


def test_the_curve_rises_with_correlation_and_falls_with_the_basis() -> None:
    found = subject("correlated", {"stress.tenths": 0})
    made, world = book(found, PAIR)
    pair = hedged_pair(made, world.view, found.parameters)
    assert pair == ("BTC", "ETH")
    args = made, world.view, found.model, found.parameters, pair
    points = hedge_curve(*args, [-0.5, 0.0, 0.5, 0.8, 1.0], [0.0, 0.05])
    none, some = points[:5], points[5:]
    assert all(a.saved_usd < b.saved_usd for a, b in pairwise(none))
    (one,) = found_of(PAIR, **{"stress.tenths": 0})
    assert none[3].saved_usd == pytest.approx(one.saved_usd)
    for a, b in zip(none, some, strict=True):
        assert a.saved_usd - b.saved_usd == pytest.approx(0.05 * one.hedged_usd)
        assert a.saved_fraction == pytest.approx(1.0 - a.required_usd / a.plain_usd)
    with pytest.raises(InputError, match="number_out_of_range"):
        hedge_curve(*args, [0.5, 0.5], [0.0])


def test_no_pair_and_several_accounts() -> None:
    found = subject("correlated")
    made, world = book(found, {BTC: 1.0})
    assert hedged_pair(made, world.view, found.parameters) is None
    two = Book.of(world.instruments, [Line("a", 0, 1.0), Line("b", 0, 1.0)])
    with pytest.raises(InputError, match="one account"):
        offsets(two, world.view, found.model, found.parameters)
