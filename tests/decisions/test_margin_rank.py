"""The ranking: exact differences of a full recompute, in the right order, sizes on their edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.margin_rank import (
    costed,
    largest_that_fits,
    life_days,
    ranked_trades,
    standard_candidates,
)
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.margin.run import run
from crossmargin.margin.whatif_trades import Leg

BOOK, MARKET = "sample:market-maker", "sample:market"


@pytest.fixture(scope="module")
def prepared() -> PreparedBook:
    return prepare(BOOK, MARKET, "deribit-xpm", fee=0.0003)


def candidates(prepared: PreparedBook, count: int) -> list[list[Leg]]:
    core = prepared.core
    view = prepared.snapshot.view(core.table, core.base.view.as_of_ms)
    every = standard_candidates(core, view, 0.1)
    rng = np.random.default_rng(3)
    return [every[k][1] for k in rng.choice(len(every), count, replace=False).tolist()]


def test_a_saving_is_the_difference_of_two_full_runs(prepared: PreparedBook) -> None:
    core, tried = prepared.core, candidates(prepared, 40)
    found = ranked_trades(core, tried)
    base = core.base
    for place in (0, 1, 7, 20, 39):
        legs = tried[int(found.order[place])]
        after = run(core.changed_book(legs), base.view, base.via, base.parameters)
        rates = [priced.usd_per_unit for priced in after.priced]
        im = sum(
            float(after.sheet["im"][row]) * rates[int(after.sheet.pool[row])]
            for row in range(len(after.sheet["im"]))
        )
        assert found.saved_im_usd[place] == pytest.approx(core.before.im_usd - im, abs=1e-6)
        fill = core.fill(legs[0])
        rate = core.ground.usd_of(fill.column)
        assert found.cost_usd[place] == pytest.approx((fill.fee - fill.gain) * rate, abs=1e-9)


def test_best_first(prepared: PreparedBook) -> None:
    found = ranked_trades(prepared.core, candidates(prepared, 300))
    taken = found.passes
    assert (np.diff(taken.astype(int)) <= 0).all()
    assert (np.diff(found.per_cost[taken]) <= 0.0).all()
    helps = found.saved_im_usd > 1.0
    np.testing.assert_allclose(
        found.per_cost[helps & (found.cost_usd > 0.01)],
        (found.saved_im_usd / np.where(found.cost_usd == 0.0, 1.0, found.cost_usd))[
            helps & (found.cost_usd > 0.01)
        ],
    )
    assert (found.per_cost[found.saved_im_usd < 0.0] == 0.0).all()
    assert sorted(found.order.tolist()) == list(range(300))


def test_the_first_are_those_of_the_whole_cost(prepared: PreparedBook) -> None:
    plain = ranked_trades(prepared.core, candidates(prepared, 300))
    rng = np.random.default_rng(5)
    dearer = np.zeros(300)
    dearer[plain.order] = np.maximum(plain.cost_usd, 0.02) * (1.0 + 9.0 * rng.random(300))
    seen: list[int] = []

    def cost_of(k: int) -> float:
        seen.append(k)
        return float(dearer[k])

    before = prepared.core.before.im_usd
    found = costed(plain, cost_of, 15, before)
    every = costed(plain, lambda k: float(dearer[k]), 300, before)
    assert every.whole.all()
    assert (np.diff(every.per_cost[every.passes]) <= 0.0).all()
    assert found.order[:15].tolist() == every.order[:15].tolist()
    assert found.whole[:15].all()
    assert len(seen) == len(set(seen)) == int(found.whole.sum()) < 200
    assert sorted(found.order.tolist()) == list(range(300))
    for each in (found, every):
        place = {k: n for n, k in enumerate(plain.order.tolist())}
        same = [place[k] for k in each.order.tolist()]
        assert each.saved_im_usd.tolist() == plain.saved_im_usd[same].tolist()
        whole = each.whole
        assert each.cost_usd[whole].tolist() == dearer[each.order[whole]].tolist()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_largest_size_fits_and_one_lot_more_does_not(
    prepared: PreparedBook, sign: float
) -> None:
    core = prepared.core
    column = core.column["BTC-PERPETUAL"]
    sizes, why = largest_that_fits(core, [Leg(column, sign * 10.0)])
    assert sizes is not None
    assert not why
    assert core.after([Leg(column, sizes[0])])[1].status.value == "passes"
    assert core.after([Leg(column, sizes[0] + sign * 10.0)])[1].status.value != "passes"


def test_candidates_are_whole_lots_on_quoted_sides(prepared: PreparedBook) -> None:
    core = prepared.core
    view = prepared.snapshot.view(core.table, core.base.view.as_of_ms)
    every = standard_candidates(core, view, 0.1)
    for name, (leg,) in every[::50]:
        there = view.has_ask if leg.size > 0.0 else view.has_bid
        assert there[leg.column]
        assert name.startswith("buy" if leg.size > 0.0 else "sell")
        steps = abs(leg.size) / core._lot(leg, None)
        assert abs(steps - round(steps)) < 1e-9
    blind = replace(view, has_bid=view.has_bid & False, has_ask=view.has_ask & False)
    with pytest.raises(InputError):
        standard_candidates(core, blind, 0.1)


def test_what_is_gone_soon_is_only_closed(prepared: PreparedBook) -> None:
    """A saving ends with its contract: new positions live long enough, held ones may be closed."""
    core = prepared.core
    view = prepared.snapshot.view(core.table, core.base.view.as_of_ms)
    life = life_days(core.table, view.as_of_ms)
    every = standard_candidates(core, view, 0.1)
    kept = standard_candidates(core, view, 0.1, least_days=7.0)
    assert len(kept) < len(every)
    short = [legs[0] for _, legs in kept if life[legs[0].column] < 7.0]
    assert short
    for leg in short:
        assert leg.size * core.ground.position(core.desk.row_of(leg.column)) < 0.0
    names = {name for name, _ in kept}
    for name, (leg,) in every:
        if life[leg.column] >= 7.0:
            assert name in names
