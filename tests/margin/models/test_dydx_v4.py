"""dYdX v4 through the model: by hand to the last quantum, an own rewrite, and the screening."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, trunc
from time import perf_counter

import numpy as np
import pytest

from crossmargin.conformance.world import view_of
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Bound, Requirement, model_named, run
from crossmargin.margin.families.screening import screen
from crossmargin.margin.models.dydx_v4 import DydxV4
from crossmargin.margin.parameter_files import Parameters, available
from crossmargin.market.view import View

MODEL = DydxV4()
SET = available("dydx-v4")[0]
NAMES = ("USDC", "BTC-USD", "ETH-USD")


def market(marks: dict[str, float], interest: dict[str, float] | None = None) -> View:
    """The world's view of the named contracts, with marks and open interest set by hand."""
    items = [parse("dydx", name) for name in NAMES]
    view = view_of(items).view
    mark = [marks.get(item.native_id, 1.0) for item in view.instruments.items]
    reads = {"open_interest": {f"dydx|{k}": v for k, v in (interest or {}).items()}}
    return replace(view, mark=np.array(mark), reads={**view.reads, **reads})


def book_of(held: dict[str, tuple[float, float | None]], **more: object) -> Book:
    items = Instruments.of(parse("dydx", name) for name in NAMES)
    place = items.index_of()
    lines = [Line("a", place["dydx", name], q, p) for name, (q, p) in held.items()]
    return Book.of(items, lines, **more)  # type: ignore[arg-type] # keywords of Book.of


def margined(book: Book, view: View, parameters: Parameters = SET) -> Requirement:
    return run(book, view, MODEL, parameters)


def test_a_subaccount_by_hand() -> None:
    """0.1234567891 BTC at 64,000.12345: 7,901.249744 dollars, 2 % of it, and 60 % of that."""
    view = market({"BTC-USD": 64_000.12345, "ETH-USD": 1_900.5})
    book = book_of({"USDC": (500.0, None), "BTC-USD": (0.1234567891, 60_000.0)})
    sheet = margined(book, view).sheet
    notional = trunc(Fraction(1234567891) * 6400012345 / 10**9)  # quantums of 1e-6 dollars
    assert notional == 7_901_249_743
    assert sheet["im"][0] == ceil(Fraction(notional, 50)) / 1e6
    assert sheet["mm"][0] == ceil(ceil(Fraction(notional, 50)) * Fraction(6, 10)) / 1e6
    cost = floor(-Fraction(1234567891, 10**10) * 60_000 * 10**6)
    assert sheet["equity"][0] == (500_000_000 + notional + cost) / 1e6
    assert sheet["surplus_mm"][0] == pytest.approx(sheet["equity"][0] - sheet["mm"][0], rel=1e-12)


def test_nothing_nets_between_markets() -> None:
    view = market({"BTC-USD": 64_000.0, "ETH-USD": 2_000.0})
    apart = [
        float(margined(book_of({name: (size, None)}), view).sheet["im"][0])
        for name, size in (("BTC-USD", 1.0), ("ETH-USD", -32.0))
    ]
    both = margined(book_of({"BTC-USD": (1.0, None), "ETH-USD": (-32.0, None)}), view)
    assert both.sheet["im"][0] == sum(apart) == 2 * 1_280.0


def test_a_holders_own_leverage_cap_raises_the_initial_margin_alone() -> None:
    view = market({"BTC-USD": 64_000.0, "ETH-USD": 2_000.0})
    book = book_of({"BTC-USD": (1.0, None)})
    capped = replace(book, choices={"custom_imf_ppm": np.array([200_000.0])})
    plain, own = margined(book, view).sheet, margined(capped, view).sheet
    assert own["im"][0] == 12_800.0
    assert own["mm"][0] == plain["mm"][0] == 768.0


def test_open_interest_scales_and_where_it_is_unknown_the_answer_is_a_lower_bound() -> None:
    """A small cap with 35 million dollars open: 10 % and half of the way to 100 %."""
    items = [parse("dydx", name) for name in ("SOL-USD",)]
    view = view_of([replace(items[0], underlying="ETH", native_id="ETH-USD")]).view
    tiers = replace(SET, entries={**SET.entries, "market.ETH.tier": SET.entries["market.SOL.tier"]})
    view = replace(view, mark=np.array([100.0]))
    lines = [Line("a", 0, -10.0)]
    book = Book.of(view.instruments, lines)
    unknown = run(book, replace(view, reads={}), MODEL, tiers)
    assert unknown.bound is Bound.AT_LEAST
    assert unknown.sheet["im"][0] == 100.0
    known = replace(view, reads={"open_interest": {"dydx|ETH-USD": 350_000.0}})
    found = run(book, known, MODEL, tiers)
    assert found.bound is Bound.VALUE
    assert found.sheet["im"][0] == pytest.approx(1_000.0 * (0.1 + 0.9 / 2))
    assert found.sheet["mm"][0] == 50.0


def test_a_market_without_a_tier_is_refused_by_name() -> None:
    item = parse("dydx", "NEWCOIN-USD")
    with pytest.raises(ModelError) as caught:
        MODEL.plan(Instruments.of([item]), SET)
    assert caught.value.code == "parameter_missing"
    assert "NEWCOIN" in str(caught.value)
    with pytest.raises(ModelError) as caught:
        MODEL.plan(Instruments.of([parse("dydx", "BTC")]), SET)
    assert caught.value.code == "kind_not_accepted"


def test_the_venues_own_equity_holds_open_profit() -> None:
    view = market({"BTC-USD": 64_000.0, "ETH-USD": 2_000.0})
    told = Reported(equity={("a", "USDC"): 1_234.5})
    held = {"USDC": (500.0, None), "BTC-USD": (1.0, 60_000.0)}
    sheet = margined(book_of(held, reported=told), view).sheet
    assert sheet["equity"][0] == 1_234.5
    assert sheet["unrealised"][0] == 0.0


def test_exact_counts_decide_where_floats_tie() -> None:
    """One quantum in 10**16 too little: the columns tie, the surplus is negative."""
    view = market({"BTC-USD": 100_000.0, "ETH-USD": 2_000.0})
    book = book_of({"USDC": (12e9, None), "BTC-USD": (1e7, None)})
    for short, sign in ((0, 0.0), (1, -1.0)):
        order = [book.instruments.items[c].kind for c in book.column.tolist()]
        exact = tuple(12 * 10**15 - short if k == Kind.ASSET else 10**17 for k in order)
        sheet = margined(replace(book, exact=exact), view).sheet
        assert sheet["mm"][0] == 12e9
        assert sheet["counted_mm"][0] == pytest.approx(12e9, rel=1e-15)
        assert np.sign(sheet["surplus_mm"][0]) == sign


# -- a population, screened in floats --------------------------------------------------------------


def population(accounts: int, seed: int = 5) -> tuple[Book, View]:
    """Accounts whose cash lies close to their maintenance margin, every tenth to the quantum."""
    view = market({"BTC-USD": 64_000.12345, "ETH-USD": 1_900.123456})
    rng = np.random.default_rng(seed)
    items = view.instruments
    place = items.index_of()
    columns = np.array([place["dydx", name] for name in NAMES], np.int32)
    btc = rng.uniform(-3.0, 3.0, accounts).round(10)
    eth = rng.uniform(-90.0, 90.0, accounts).round(9)
    zero = np.zeros(accounts)
    order = np.argsort(columns)

    def book(cash: np.ndarray) -> Book:
        table = np.stack([cash, btc, eth], axis=1)[:, order]
        row = np.arange(accounts + 1, dtype=np.int64) * 3
        return Book.of_arrays(items, row, np.tile(np.sort(columns), accounts), table.reshape(-1))

    needs = run(book(zero), view, MODEL, SET).sheet["mm"]
    off = rng.normal(0.0, 0.3, accounts) * needs
    off[::10] = rng.integers(-3, 4, len(off[::10])) * 1e-6
    return book((needs + off).round(6)), view


@pytest.mark.parametrize("level", ["im", "mm"])
def test_screened_answers_are_those_of_the_integers(level: str) -> None:
    book, view = population(3_000)
    sheet = run(book, view, MODEL, SET).sheet
    (found,) = screen(book, view, MODEL, SET, level)
    truth = sheet[f"surplus_{level}"] >= 0.0
    assert (found.passes == truth).all()
    assert 0 < truth.sum() < len(truth)
    assert np.allclose(found.needed, sheet[level], rtol=1e-12, atol=1e-5)
    assert np.allclose(found.counted, sheet[f"counted_{level}"], rtol=1e-12, atol=1e-5)
    assert (found.needed == sheet[level])[found.exact].all()
    if level == "mm":  # every tenth account lies within three quantums of the threshold
        assert found.exact[::10].all()
        assert found.exact.sum() < 0.15 * len(book)


def test_the_slack_covers_every_account() -> None:
    """Float surplus and exact surplus differ by less than the slack, and not by a thousandth."""
    book, view = population(2_000, seed=8)
    pool = MODEL.plan(book.instruments, SET).pools[0]
    priced = MODEL.price(pool, view, SET)
    from crossmargin.margin.pools import cut

    held = cut(book, pool, 0)
    bounds = MODEL.bounds(priced, held, SET, "mm")
    assert bounds is not None
    exact = MODEL.margin(priced, held, SET).sheet["surplus_mm"]
    off = np.abs(bounds.counted - bounds.needed - exact)
    assert (off <= bounds.slack).all()
    assert bounds.slack.max() < 1e-3


def test_screening_is_faster_than_the_integers() -> None:
    book, view = population(20_000, seed=6)
    screen(book, view, MODEL, SET)
    start = perf_counter()
    (found,) = screen(book, view, MODEL, SET)
    screened_s = perf_counter() - start
    start = perf_counter()
    sheet = run(book, view, MODEL, SET).sheet
    exact_s = perf_counter() - start
    assert (found.passes == (sheet["surplus_mm"] >= 0.0)).all()
    print(f"20,000 accounts: integers {exact_s:.3f} s, screened {screened_s:.3f} s")
    assert screened_s < exact_s / 2.0


def test_a_level_that_is_none_is_refused() -> None:
    book, view = population(20)
    with pytest.raises(ModelError) as caught:
        screen(book, view, MODEL, SET, "both")
    assert caught.value.code == "option_unknown"


def test_it_is_registered() -> None:
    assert model_named("dydx-v4").spec.quantum == 1e-6
