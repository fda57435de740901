"""What a trade costs while it is held: funding by hand, a maker's fee by hand, and their sum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.errors import ModelError
from crossmargin.decisions.margin_choice import Desired, workbench
from crossmargin.decisions.margin_costs import (
    BEATS,
    funding_of,
    funding_usd,
    held_cost,
    split_of,
    trade_usd,
    usd_of,
)
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.market.cost_parts import proportional
from crossmargin.market.costs import TradeCost
from crossmargin.market.snapshot import Snapshot

SAMPLE = Path(xm.__file__).parent / "sample"
BOOK, MARKET, PERP = "sample:market-maker", "sample:market", "BTC-PERPETUAL"


def market(rate: float | None) -> Snapshot:
    """The sample with this funding of every perpetual, or with none recorded."""
    given = snapshot_of(MARKET)
    rows = [row for row in given.rows() if row.field != "funding_8h"]
    paid = [row for row in given.rows() if row.field == "funding_8h"]
    assert len(paid) == 2
    more = [] if rate is None else [row._replace(value=rate) for row in paid]
    return Snapshot.of([*rows, *more], given.as_of_ms)


def desk_of(
    rate: float | None, fee: dict[str, float] | None = None
) -> tuple[Desk, int, PreparedBook]:
    made = prepare(BOOK, market(rate), "deribit-xpm", [PERP], fee=fee)
    bench = workbench(made.core, made.snapshot, Desired(held_days=30.0))
    names = [item.native_id for item in bench.view.instruments.items]
    return bench.desk, names.index(PERP), made


@pytest.mark.parametrize(
    ("rate", "size", "paid"),
    [
        (0.0004, 500.0, 0.0004 * 500.0 * 3.0 * 30.0),  # longs pay three times a day
        (0.0004, -500.0, 0.0),  # what a sale receives, or pays no longer, is no gain
        (-0.0002, -200.0, 0.0002 * 200.0 * 3.0 * 30.0),  # shorts pay
        (-0.0002, 200.0, 0.0),
        (0.0, 200.0, 0.0),
        (None, 200.0, 0.0),
    ],
)
def test_the_perpetual_pays_its_funding(rate: float | None, size: float, paid: float) -> None:
    desk, k, _ = desk_of(rate)
    item = desk.view.instruments.items[k]
    assert item.inverse
    dollars = item.multiplier  # of one unit, whatever the price
    assert funding_of(desk, k) == rate
    sign = float(np.sign(size))
    parts = dict(held_cost(desk, k, sign, 30.0).split(size))
    assert ("funding" in parts) == (rate is not None)
    assert float(parts.get("funding", 0.0)) == pytest.approx(paid * dollars, rel=1e-12)
    assert funding_usd(desk, k, size, 30.0) == pytest.approx(paid * dollars, rel=1e-12)
    plain = usd_of(desk.quote(k, sign).cost, size)
    assert trade_usd(desk, k, size, 30.0) == pytest.approx(plain + paid * dollars, rel=1e-12)
    assert trade_usd(desk, k, size, 0.0) == plain, "nothing is held"
    assert held_cost(desk, k, sign, 30.0).convex


def test_a_linear_perpetual_pays_on_its_price() -> None:
    given = snapshot_of(SAMPLE / "three-venues-perp.parquet")
    mark = next(row for row in given.rows() if row.field == "mark")
    rate = mark._replace(field="funding_8h", unit="fraction", value=0.0002)
    snapshot = Snapshot.of([*given.rows(), rate], given.as_of_ms)
    book = SAMPLE / "three-venues-paradex.csv"
    made = prepare(book, snapshot, "paradex-xm", ["BTC-USD-PERP"])
    view = snapshot.view(made.core.table, given.as_of_ms)
    desk = Desk(view, snapshot, made.core.desk.schedule, ExitTerms.at(view.as_of_ms))
    k = [item.native_id for item in view.instruments.items].index("BTC-USD-PERP")
    assert not view.instruments.items[k].inverse
    by_hand = 2.0 * mark.value * 0.0002 * 3.0 * 10.0  # three times a day for ten days
    assert funding_usd(desk, k, 2.0, 10.0) == pytest.approx(by_hand, rel=1e-12)
    assert funding_usd(desk, k, -2.0, 10.0) == 0.0


def test_leaving_has_no_funding_and_no_option_pays_any() -> None:
    desk, k, _ = desk_of(0.0004)
    for sign in (1.0, -1.0):
        assert "funding" not in [part.name for part in desk.quote(k, sign).cost.parts]
    items = desk.view.instruments.items
    for other in (n for n, item in enumerate(items) if item.kind == Kind.OPTION):
        assert [p.name for p in held_cost(desk, other, 1.0, 30.0).parts] == [
            p.name for p in desk.quote(other, 1.0).cost.parts
        ]
        break


def test_a_quote_that_beats_the_mark_pays_for_neither_fee_nor_funding() -> None:
    parts = (proportional("spread", -5.0), proportional("fee", 1.0), proportional("funding", 2.0))
    cost = TradeCost(parts)
    assert usd_of(cost, 10.0) == pytest.approx(30.0)
    split = split_of(cost, 10.0)
    assert dict(split)[BEATS] == pytest.approx(50.0)
    assert sum(usd for _, usd in split) == pytest.approx(usd_of(cost, 10.0))
    assert BEATS not in dict(split_of(TradeCost(parts[1:]), 10.0))


def test_a_resting_order_pays_the_makers_fee_alone() -> None:
    """Of the table: nothing for a future; 0.0003 of the underlying, at most 12.5 % of the price."""
    desk, k, _ = desk_of(None)
    names = [part.name for part in held_cost(desk, k, 1.0, 30.0, maker=True).parts]
    assert "spread" not in names
    assert "walk" not in names
    view = desk.view
    assert dict(held_cost(desk, k, 1.0, 30.0, maker=True).split(1.0))["fee"] == 0.0
    for n, item in enumerate(view.instruments.items):
        if item.kind != Kind.OPTION or not (view.has_bid[n] and view.has_ask[n]):
            continue
        usd = float(view.usd[view.instruments.settle[n]])
        for sign, price in ((1.0, float(view.bid[n])), (-1.0, float(view.ask[n]))):
            fee = min(0.0003, 0.125 * price) * usd * item.multiplier
            found = dict(held_cost(desk, n, sign, 30.0, maker=True).split(2.0 * sign))["fee"]
            assert float(found) == pytest.approx(2.0 * fee, rel=1e-12)
            assert trade_usd(desk, n, sign, maker=True) <= trade_usd(desk, n, sign) + 1e-9


def test_a_rebate_is_no_income_and_an_unknown_fee_is_refused() -> None:
    desk, k, _ = desk_of(None, fee={"deribit.maker.future": -0.0001})
    assert float(dict(held_cost(desk, k, 1.0, 30.0, maker=True).split(9.0))["fee"]) == 0.0
    known = desk.schedule.parameters
    bare = {n: e for n, e in known.entries.items() if not n.startswith("deribit.maker")}
    desk.schedule = replace(desk.schedule, parameters=replace(known, entries=bare))
    with pytest.raises(ModelError, match="parameter_missing"):
        held_cost(desk, k, 1.0, 30.0, maker=True)


@pytest.mark.parametrize("maker", [False, True])
def test_the_optimiser_counts_and_prints_the_same_expression(maker: bool) -> None:
    found = xm.optimise(
        BOOK, market(0.00001), maker=maker, funding=1.0, whole=False, candidates=[PERP]
    )
    figures, bench = found.figures, found.bench
    assert found.trades
    split = {each["component"]: each["usd"] for each in figures["cost_split"]}
    assert sum(split.values()) == pytest.approx(figures["cost_usd"], rel=1e-12)
    paid = 0.0
    for j in np.flatnonzero(found.priced.sizes).tolist():
        k, size = int(bench.column[j]), float(found.priced.sizes[j])
        paid += funding_usd(bench.desk, k, size, 30.0)
        pieces = bench.tickets[j].cost_usd(size) + bench.tickets[j].fixed_usd
        assert pieces >= bench.cost_usd(j, size) * (1.0 - 1e-9)
    assert paid > 0.0, "a perpetual is bought"
    assert split["funding"] == pytest.approx(paid, rel=1e-12)
    assert any("is no gain" in note for note in figures["cost_notes"])
    assert any("resting" in note for note in figures["cost_notes"]) == maker


def test_the_slope_of_the_objective_has_the_funding() -> None:
    both = []
    for rate in (0.0, 0.0004):
        _, _, made = desk_of(rate)
        bench = workbench(made.core, made.snapshot, Desired(held_days=30.0))
        both.append(next(t for t in bench.tickets if t.name == PERP))
    unit = 0.0004 * 90.0
    assert both[1].buy_slope == pytest.approx(both[0].buy_slope + unit, rel=1e-9)
    assert both[1].sell_slope == pytest.approx(both[0].sell_slope, rel=1e-12)


@pytest.mark.parametrize(("rate", "unknown"), [(None, [PERP]), (0.0004, [])])
def test_rank_counts_it_and_says_where_it_is_not_known(
    rate: float | None, unknown: list[str]
) -> None:
    given = [{"instrument": PERP, "size": 100.0}, {"instrument": PERP, "size": -100.0}]
    costs = {}
    for days in (0.0, 30.0):
        found = xm.rank(BOOK, market(rate), candidates=given, fit=0, days=days)
        assert found.figures["funding_unknown"] == unknown
        for k, place in enumerate(np.argsort(found.found.order).tolist()):
            costs[days, k] = found.figures["candidates"][place]["cost_usd"]
    paid = 0.0 if rate is None else 100.0 * rate * 90.0
    assert costs[30.0, 0] - costs[0.0, 0] == pytest.approx(paid, rel=1e-9)
    assert costs[30.0, 1] == costs[0.0, 1]
    resting = xm.rank(BOOK, market(rate), candidates=given, fit=0, days=0.0, maker=True)
    assert all(each["cost_whole"] for each in resting.figures["candidates"])
    assert min(each["cost_usd"] for each in resting.figures["candidates"]) <= costs[0.0, 0]
