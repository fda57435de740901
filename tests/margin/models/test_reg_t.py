"""`reg-t`: what stands for the stock, both levels, open orders against every set of fills."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.conformance.world import AS_OF_MS, SPOT, STABLE, Subject, subject_of, world_of
from crossmargin.core.clock import DAY_MS, NEVER_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.details import details_of
from crossmargin.margin.families import strategy_pairing
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut

SUBJECT: Subject = subject_of(model_named("reg-t"))
WORLD = world_of(SUBJECT)
ITEMS = WORLD.instruments.items
BTC = SPOT["BTC"]
USD = 0.9995  # of the stable coin in which linear contracts are quoted


def row(kind: Kind, settle: str = "BTC", days: float = 0.0, strike: float = 0.0, right: int = 0):
    expiry = AS_OF_MS + int(days * DAY_MS) if days else NEVER_MS
    found = [
        k
        for k, item in enumerate(ITEMS)
        if (item.kind, item.settle, item.expiry_ms, item.strike, item.right)
        == (kind, settle, expiry, strike, right)
        and item.underlying == ("BTC" if kind != Kind.ASSET else settle)
    ]
    assert len(found) == 1, found
    return found[0]


COIN = row(Kind.ASSET)
PERPETUAL = row(Kind.PERPETUAL, STABLE)
INVERSE = row(Kind.PERPETUAL)
FUTURE = row(Kind.FUTURE, days=30.0)


def option(right: int, share: float, days: float = 30.0, settle: str = "BTC") -> int:
    return row(Kind.OPTION, settle, days, float(round(BTC * share, -2)), right)


CALL, HIGHER = option(1, 1.1), option(1, 1.5)
PUT, LOWER = option(-1, 0.9), option(-1, 0.7)


def coins(k: int) -> float:
    """Of one unit at its mark."""
    item = ITEMS[k]
    inverse = item.inverse and item.kind != Kind.OPTION
    return 1.0 / float(WORLD.view.mark[k]) if inverse else 1.0


def price(k: int) -> float:
    """Dollars of one coin of a row."""
    item, mark = ITEMS[k], float(WORLD.view.mark[k])
    if item.kind == Kind.ASSET:
        return BTC
    if item.kind == Kind.OPTION:
        return mark * (BTC if item.inverse else USD)
    return mark * (1.0 if item.inverse else USD)


def margined(held: dict[int, float], orders: tuple[Order, ...] = (), **changes: float):
    lines = [Line("a", k, size) for k, size in held.items()]
    parameters = overlay(SUBJECT.parameters, changes, "test") if changes else SUBJECT.parameters
    book = Book.of(WORLD.instruments, lines, orders, accounts=("a",))
    return run(book, WORLD.view, SUBJECT.model, parameters)


def needs(held: dict[int, float]) -> tuple[float, float]:
    sheet = margined(held).sheet
    return float(sheet["im"][0]), float(sheet["mm"][0])


@pytest.mark.parametrize(("k", "share"), [(COIN, 1.0), (PERPETUAL, 1.0), (INVERSE, 1.0)])
def test_linear_positions(k: int, share: float) -> None:
    """Half of what is held at mark; a quarter long, 30 % short to keep it."""
    size = 3.0 / coins(k)
    assert needs({k: size}) == pytest.approx((1.5 * price(k), 0.75 * price(k) * share))
    assert needs({k: -size}) == pytest.approx((1.5 * price(k), 0.9 * price(k)))


@pytest.mark.parametrize("settle", ["BTC", STABLE])
def test_options_alone(settle: str) -> None:
    """In dollars of their own quote: 20 % less out of the money, and the long one its premium."""
    unit = BTC if settle == "BTC" else BTC * USD
    call, far = option(1, 1.1, settle=settle), option(-1, 0.7, settle=settle)
    short = 0.20 * unit - (ITEMS[call].strike * unit / BTC - unit)
    assert needs({call: -2.0}) == pytest.approx((2.0 * short,) * 2)
    assert needs({far: -2.0}) == pytest.approx((0.2 * ITEMS[far].strike * unit / BTC,) * 2)
    assert needs({call: 2.0}) == pytest.approx((2.0 * price(call),) * 2)


@pytest.mark.parametrize("k", [COIN, PERPETUAL, INVERSE, FUTURE])
def test_what_covers_a_call(k: int) -> None:
    held = {k: 2.0 / coins(k), CALL: -2.0}
    im, mm = needs(held)
    assert im == pytest.approx(2.0 * (0.5 * price(k) - price(CALL)))
    strike = ITEMS[CALL].strike
    assert mm == pytest.approx(2.0 * (0.25 * min(price(k), strike) - price(CALL)))


def test_a_future_covers_no_call_that_outlives_it() -> None:
    later = option(1, 1.1, 89.0)
    held = {FUTURE: 1.0 / coins(FUTURE), later: -1.0}
    apart = sum(needs({k: size})[0] for k, size in held.items())
    assert needs(held)[0] == pytest.approx(apart)


def test_contracts_in_coin_and_in_dollars_pair() -> None:
    """A call in coin against a higher one in dollars: the width, and the premiums net."""
    higher = option(1, 1.5, settle=STABLE)
    strike = ITEMS[higher].strike * USD
    width = strike - ITEMS[option(1, 1.0)].strike
    held = {option(1, 1.0): -1.0, higher: 1.0}
    im, mm = needs(held)
    naked = 0.2 * BTC + price(higher)
    spread = width + price(higher) - price(option(1, 1.0))
    assert im == mm == pytest.approx(min(naked, spread))


def test_coins_do_not_pair_with_each_other() -> None:
    other = next(
        k for k, i in enumerate(ITEMS) if i.underlying == "ETH" and i.kind == Kind.PERPETUAL
    )
    held = {PERPETUAL: 1.0, other: -300.0}
    apart = [needs({k: size}) for k, size in held.items()]
    assert needs(held) == pytest.approx(tuple(map(sum, zip(*apart, strict=True))))


def test_offset_of_a_coin_and_a_perpetual() -> None:
    held = {COIN: 2.0, PERPETUAL: -2.0}
    assert needs(held) == pytest.approx((0.2 * max(BTC, price(PERPETUAL)),) * 2)


def test_protection_counts_at_maintenance_alone() -> None:
    held = {COIN: 1.0, PUT: 1.0}
    im, mm = needs(held)
    assert im == pytest.approx(0.5 * BTC + price(PUT))
    least = 0.1 * ITEMS[PUT].strike + BTC - ITEMS[PUT].strike
    assert mm == pytest.approx(min(least, 0.25 * BTC) + price(PUT))


def test_spread_within_its_width() -> None:
    for sold, bought in ((CALL, HIGHER), (PUT, LOWER)):
        width = abs(ITEMS[sold].strike - ITEMS[bought].strike)
        im, _ = needs({sold: -1.0, bought: 1.0})
        assert im <= width


def test_equity_counts_options_at_mark() -> None:
    """A long option that is worth its premium adds to equity what it adds to the requirement."""
    cash = row(Kind.ASSET, STABLE)
    for k in (CALL, PUT):
        before, after = margined({cash: 1e5}).sheet, margined({cash: 1e5, k: 3.0}).sheet
        spare = [float(s["counted_im"][0] - s["im"][0]) for s in (before, after)]
        assert spare[0] == pytest.approx(spare[1])


def test_parameters_reach_the_rules() -> None:
    assert (
        margined({CALL: -1.0}, **{"option.short_share": 0.5}).sheet["im"][0]
        > needs({CALL: -1.0})[0]
    )
    long = option(1, 1.0, 206.0)
    lent = margined({long: 1.0}, **{"option.far_days": 100.0}).sheet["im"][0]
    assert lent == pytest.approx(0.75 * price(long))


# ---------------------------------------------------------------- details, refusals


def test_details_name_the_strategies() -> None:
    held = {COIN: 1.5, CALL: -1.5, PUT: 1.0}
    found = margined(held)
    initial, maintenance = details_of(found, 0)
    names = [name for name, *_ in initial.rows]
    assert sorted(map(str, names)) == ["covered call", "long put"]
    assert "collar" in {name for name, *_ in maintenance.rows}
    for table, level in ((initial, "im"), (maintenance, "mm")):
        total = sum(float(need) for *_, need in table.rows if need is not None)
        assert total == pytest.approx(float(found.sheet[level][0]))
        assert "no pairing needs less than" in table.notes[0]
    legs = next(str(text) for name, text, _ in initial.rows if name == "covered call")
    assert legs == "+1.5 deribit BTC, -1.5 deribit BTC_BTC-30-70400-C"


def test_an_unproven_account_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = {CALL: -1.0, HIGHER: 2.0, PUT: -1.5, LOWER: 1.0, COIN: 0.5, PERPETUAL: -1.0}
    lines = [Line("bad", k, size) for k, size in spread.items()]
    lines += [Line("good", PERPETUAL, 1.0)]
    whole = Book.of(WORLD.instruments, lines)
    assert run(whole, WORLD.view, SUBJECT.model, SUBJECT.parameters).failures == ()
    monkeypatch.setattr(strategy_pairing, "_GAP_MAX", -1.0)
    found = run(whole, WORLD.view, SUBJECT.model, SUBJECT.parameters)
    assert [(f.subject, f.code) for f in found.failures] == [("bad", "optimum_unproven")]
    assert len(found.sheet) == 1
    with pytest.raises(ModelError):
        run(whole.rows(0, 1), WORLD.view, SUBJECT.model, SUBJECT.parameters)


# ---------------------------------------------------------------- open orders


ROWS = (CALL, HIGHER, PUT, LOWER, option(1, 1.0), COIN, PERPETUAL, FUTURE)
SIZE = st.sampled_from((-3.0, -1.0, -0.5, 1.0, 2.0))
PLACED = st.tuples(st.sampled_from(ROWS[:5] + ROWS[6:]), SIZE, st.floats(0.9, 1.1))


@given(
    st.dictionaries(st.sampled_from(ROWS), SIZE, max_size=6),
    st.lists(PLACED, min_size=1, max_size=4),
)
def test_no_set_of_fills_needs_more(
    held: dict[int, float], placed: list[tuple[int, float, float]]
) -> None:
    """Options too, and orders that close what hedges something else."""
    scale = {k: 1.0 / coins(k) for k in ROWS}
    lines = {k: size * scale[k] for k, size in held.items()}
    orders = tuple(
        Order("a", k, 1 if size > 0.0 else -1, abs(size) * scale[k], _limit(k, share))
        for k, size, share in placed
    )
    found: Requirement = margined(lines, orders)
    need = SUBJECT.model.order_need(
        found.priced[0], cut(found.book, found.plan.pools[0], 0), SUBJECT.parameters
    )
    assert need is not None
    fills = need.fills
    most = float(found.sheet["im"][0])
    assert most >= float(need.need[0]) * (1.0 - 1e-12)
    for chosen in product((0.0, 1.0), repeat=len(fills)):
        after = dict(lines)
        for m in np.flatnonzero(chosen).tolist():
            k = int(fills.column[m])
            after[k] = after.get(k, 0.0) + float(fills.size[m])
            if ITEMS[k].settle == "BTC":  # a premium is paid out of the coin, or into it
                after[COIN] = after.get(COIN, 0.0) + float(fills.cash[m])
        gain = float(np.cumsum(np.array(chosen) * fills.gain)[-1])
        assert needs(after)[0] - gain <= most + 1e-6


def _limit(k: int, share: float) -> float:
    return float(WORLD.view.mark[k]) * share


def test_selling_a_hedge_may_cost_more_than_its_own_charge() -> None:
    """A spread without the option that it holds: the plain bound by addition is too low."""
    held = {option(1, 1.0): -1.0, CALL: 1.0}
    alone, spread = needs({CALL: -1.0})[0], needs(held)[0]
    bare = needs({option(1, 1.0): -1.0})[0]
    order = Order("a", CALL, -1, 1.0, _limit(CALL, 1.0))
    assert float(margined(held, (order,)).sheet["im"][0]) >= bare
    assert alone > 0.0
    assert spread < bare
