"""Greeks against revaluation, the normal linear case, covariances that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.conformance.world import random_lines, random_orders
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.families.var_parametric import (
    ParametricMember,
    covariance_of,
    expansion_columns,
    quadratic,
)
from crossmargin.margin.families.var_table import vol_scale
from crossmargin.margin.families.whole_account import (
    dollar_market,
    dollar_risk,
    scenario_set,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from tests.margin.families.var_books import forced, numbers, place, pool_of, world

SEEN = world("var-parametric")
GIVEN = numbers("var-parametric")
CORRELATIONS = [name for name in GIVEN.entries if name.startswith("correlation.")]


def member(name: str) -> ParametricMember:
    found = model_named(name)
    assert isinstance(found, ParametricMember)
    return found


def im(lines: list[Line], given: Parameters = GIVEN, name: str = "var-parametric") -> float:
    book = Book.of(SEEN.instruments, lines)
    return float(run(book, SEEN.view, member(name), given).sheet["im"][0])


def test_a_linear_book_is_z_sigma_value() -> None:
    """Two coins, long and short: z sqrt(w'Cw) of the dollars, funding left out."""
    given = numbers("var-parametric", form__funding="left_out", horizon__days=4.0)
    btc, eth = place(SEEN, "BTC_USDC-30"), place(SEEN, "ETH")
    lines = [Line("a", btc, 2.0), Line("a", eth, -30.0)]
    w = np.array([2.0 * 64_000.0 * math.exp(0.03 * 30.0 / 365.0) * 0.9995, -30.0 * 1_900.0])
    r = given.number("correlation.BTC_price.ETH_price")
    sd = 2.0 * np.array([given.number(f"coin.{c}.price_daily") for c in ("BTC", "ETH")])
    sigma = math.sqrt(float((w * sd) @ np.array([[1.0, r], [r, 1.0]]) @ (w * sd)))
    assert im(lines, given) == pytest.approx(2.3263478740408408 * sigma, rel=1e-12)
    assert im(lines, given, "es-parametric") == pytest.approx(2.3378027922014 * sigma, rel=1e-12)


def test_greeks_are_the_derivatives_of_full_revaluation() -> None:
    market = dollar_market(pool_of(SEEN, GIVEN), SEEN.view)
    columns = expansion_columns(market, GIVEN)
    scale = vol_scale(GIVEN, market.years)[:, None]
    h = 2e-4
    moves = [(x, y) for x in (-h, 0.0, h) for y in (-h, 0.0, h)]
    labels = tuple(str(m) for m in moves)
    for k, coin in enumerate(("BTC", "ETH")):
        factor = {coin: np.array([1.0 + x for x, _ in moves])}
        vols = np.exp(scale * np.array([y for _, y in moves]))
        pnl = dollar_risk(market, scenario_set(market, labels, factor, vols)).scenario_pnl()
        grid = pnl.reshape(-1, 3, 3)
        slopes = (
            (grid[:, 2, 1] - grid[:, 0, 1]) / (2.0 * h),
            (grid[:, 1, 2] - grid[:, 1, 0]) / (2.0 * h),
            (grid[:, 2, 1] + grid[:, 0, 1]) / h**2,
            (grid[:, 2, 2] - grid[:, 2, 0] - grid[:, 0, 2] + grid[:, 0, 0]) / (4.0 * h * h),
            (grid[:, 1, 2] + grid[:, 1, 0]) / h**2,
        )
        own = np.array([i.underlying == coin for i in market.part.items])
        # Days are few where a thousandth of a price is a large step: there the slopes bend.
        own &= (market.life_years == 0.0) | (market.life_years > 5.0 / 365.0)
        for j, slope in enumerate(slopes):
            found = columns[own, 5 * k + j]
            size = np.abs(found).max()
            assert np.abs(found - slope[own]).max() <= 1e-3 * size, (coin, j)


def test_theta_is_what_full_revaluation_loses_where_nothing_moves() -> None:
    given = numbers("var-parametric", horizon__days=3.0, form__funding="left_out")
    market = dollar_market(pool_of(SEEN, given), SEEN.view)
    columns = expansion_columns(market, given)
    one = {"BTC": np.ones(1), "ETH": np.ones(1)}
    vols = np.ones((len(market.part.expiries), 1))
    passed = scenario_set(market, ("none",), one, vols, passed_years=3.0 / 365.0)
    pnl = dollar_risk(market, passed).scenario_pnl()[:, 0]
    options = market.part.kind == Kind.OPTION
    assert columns[options, -1] == pytest.approx(pnl[options], rel=1e-9, abs=1e-6)


def test_full_revaluation_agrees_where_moves_are_small() -> None:
    """The quadratic figures and draws of nearly normal, tiny moves of one horizon."""
    tiny = {f"coin__{c}__{k}_daily": 0.001 for c in ("BTC", "ETH") for k in ("price", "vol")}
    wide = {f"coin__{c}__{k}_freedom": 1000.0 for c in ("BTC", "ETH") for k in ("price", "vol")}
    same = {
        name.replace(".", "__"): GIVEN.number(name) for name in CORRELATIONS
    }  # fmt: skip
    drawn = forced(
        numbers(
            "var-montecarlo", draws__count=200_000, draws__copula_freedom=1000.0, **tiny, **wide
        ),
        **same,
    )
    lines = [
        Line("a", place(SEEN, name), size)
        for name, size in (("BTC_USDC-89-64000-C", -20.0), ("ETH_ETH-30-1900-P", 300.0),
                           ("BTC_BTC-30", 300_000.0))
    ]  # fmt: skip
    book = Book.of(SEEN.instruments, lines)
    full = run(book, SEEN.view, model_named("var-montecarlo"), drawn).sheet
    quick = im(lines, numbers("var-parametric", **tiny))
    assert quick == pytest.approx(float(full["im"][0]), abs=4.0 * float(full["standard_error"][0]))


def test_no_deviation_needs_nothing() -> None:
    none = {f"coin__{c}__{k}_daily": 0.0 for c in ("BTC", "ETH") for k in ("price", "vol")}
    still = numbers("var-parametric", form__funding="left_out", **none)
    assert im([Line("a", place(SEEN, "BTC_USDC-30"), 5.0)], still) == 0.0
    option = place(SEEN, "BTC_USDC-30-64000-C")
    assert im([Line("a", option, -5.0)], still) == 0.0
    assert im([Line("a", option, 5.0)], still) > 0.0  # a day of time value is lost for sure


def test_coins_that_move_as_one_hedge_exactly() -> None:
    """An exactly singular covariance works: a hedge of it needs nothing."""
    base = numbers("var-parametric", form__funding="left_out", coin__ETH__price_daily=0.03,
                   coin__BTC__price_daily=0.03)  # fmt: skip
    one = forced(
        base,
        correlation__BTC_price__ETH_price=1.0,
        correlation__BTC_vol__ETH_price=base.number("correlation.BTC_price.BTC_vol"),
        correlation__ETH_price__ETH_vol=base.number("correlation.BTC_price.ETH_vol"),
    )
    least = np.linalg.eigvalsh(covariance_of(one))[0]
    assert abs(least) < 1e-15
    lines = [Line("a", place(SEEN, "BTC"), 1.9), Line("a", place(SEEN, "ETH"), -64.0)]
    assert im(lines, one) <= 0.01
    assert im(lines[:1], one) > 1000.0


def test_a_covariance_that_is_none_is_refused_with_the_eigenvalue() -> None:
    wrong = forced(GIVEN, correlation__BTC_price__BTC_vol=0.95,
                   correlation__BTC_price__ETH_vol=0.95,
                   correlation__BTC_vol__ETH_vol=-0.9)  # fmt: skip
    with pytest.raises(ModelError, match="matrix_not_psd") as caught:
        im([Line("a", place(SEEN, "BTC"), 1.0)], wrong)
    assert float(str(caught.value.value)) < -0.1


def test_orders_are_bounded_for_every_approximation() -> None:
    lines = random_lines(SEEN, 21, 12, 6)
    orders = [
        order for order in random_orders(SEEN, 21, 12)
        if SEEN.instruments.items[order.column].kind is not Kind.OPTION
    ]  # fmt: skip
    names = tuple(f"a{k:03d}" for k in range(12))
    for how in ("delta-normal", "delta-gamma-normal", "cornish-fisher"):
        for name in ("var-parametric", "es-parametric"):
            given = numbers(name, form__approximation=how)
            book = Book.of(SEEN.instruments, lines, orders, accounts=names)
            before = run(book, SEEN.view, member(name), given).sheet["im"]
            for a, account in enumerate(names):
                mine = [order for order in orders if order.account == account]
                if mine:
                    filled = [Line(account, o.column, o.side * o.size) for o in mine]
                    gain = sum(_gain(order) for order in mine)
                    own = [line for line in lines if line.account == account]
                    after = im(own + filled, given, name) - gain
                    assert after <= float(before[a]) * (1.0 + 1e-9) + 1e-6


def _gain(order: Order) -> float:
    item, mark = SEEN.instruments.items[order.column], float(SEEN.view.mark[order.column])
    size = order.side * order.size
    if item.inverse:
        spot = 64_000.0 if item.underlying == "BTC" else 1_900.0
        return size * (1.0 / order.limit_price - 1.0 / mark) * spot
    return size * (mark - order.limit_price) * 0.9995


def test_the_form_puts_each_sum_in_its_place() -> None:
    sums = np.arange(1.0, 12.0)[None, :]
    form = quadratic(sums)
    assert form.theta.tolist() == [11.0]
    assert form.delta.tolist() == [[1.0, 2.0, 6.0, 7.0]]
    assert form.gamma[0, :2, :2].tolist() == [[3.0, 4.0], [4.0, 5.0]]
    assert form.gamma[0, 2:, 2:].tolist() == [[8.0, 9.0], [9.0, 10.0]]
    assert not form.gamma[0, :2, 2:].any()


def test_an_expansion_outside_its_domain_is_said_unasked() -> None:
    model = member("var-parametric")
    short = [Line("a", place(SEEN, f"BTC_USDC-0.75-64000-{x}"), -10.0) for x in "CP"]
    for lines, said in ((short, True), ([Line("a", place(SEEN, "BTC"), 1.0)], False)):
        found = run(Book.of(SEEN.instruments, lines), SEEN.view, model, GIVEN)
        held = cut(found.book, found.plan.pools[0], 0)
        words = model.warnings(found.priced[0], held, GIVEN)
        assert any("outside the domain" in word for word in words) is said
