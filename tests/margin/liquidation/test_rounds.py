"""Rounds of liquidation against the venues' own table, by hand, and by what must always hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.margin import model_named, parameters_for, run
from crossmargin.margin.liquidation.rounds import Rounds, Rules
from crossmargin.margin.parameter_files import overlay
from crossmargin.market.view import View
from tests.vectors.building import Dated, Facts, Quote, delta_one, option, view_of

AS_OF_MS = 1_790_000_000_000
DAY_MS = 86_400_000
EXPIRY_MS = AS_OF_MS + 20 * DAY_MS
MARKS = {"BTC": 54_800.0, "ETH": 3_400.0}


def perpetuals(cash: float, held: dict[str, float]) -> tuple[Book, View]:
    """Linear perpetuals at the marks of the published table, with a balance in USDC."""
    items = [
        asset("paradex", "USDC"),
        *(
            delta_one("paradex", f"{coin}-USD-PERP", underlying=coin, quote="USD", settle="USDC")
            for coin in MARKS
        ),
    ]
    table = Instruments.of(items)
    place = {item.native_id: k for k, item in enumerate(table.items)}
    lines = [Line("a", place["USDC"], cash)]
    lines += [Line("a", place[f"{coin}-USD-PERP"], size) for coin, size in held.items()]
    facts = Facts(
        AS_OF_MS,
        {(coin, "USD"): price for coin, price in MARKS.items()},
        {"USDC": 1.0, "USD": 1.0, **MARKS},
        quotes={f"{coin}-USD-PERP": Quote(price) for coin, price in MARKS.items()},
    )
    return Book.of(table, lines), view_of(table, facts)


def sizes(book: Book) -> dict[str, float]:
    """Native id to quantity."""
    items = book.instruments.items
    pairs = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    return {items[column].native_id: quantity for column, quantity in pairs}


def one_percent(rules: Rules, cash: str = "USDC") -> Rounds:
    """Rounds under a maintenance margin of 1 % of notional."""
    model = model_named("fixed-rate")
    changed = overlay(parameters_for(model, AS_OF_MS), {"mm.future_share": 0.01}, "test")
    return Rounds(model, changed, rules, "test", cash)


@pytest.mark.parametrize(
    ("target", "share", "mmr", "penalty", "value", "ratio"),
    # The venue's table: MMR 88.8, account value 80, fee 50 % (its text says 70 %).
    [
        (1.0, 0.2, 71.04, 8.88, 71.12, 0.999),
        (0.9, 0.4, 53.28, 17.76, 62.24, 0.856),
        (0.7, 0.6, 35.52, 26.64, 53.36, 0.666),
        (0.5, 0.8, 17.76, 35.52, 44.48, 0.399),
    ],
)
def test_slices_are_those_of_the_published_table(
    target: float, share: float, mmr: float, penalty: float, value: float, ratio: float
) -> None:
    changes: dict[str, object] = {"rounds.fee_of_mm": 0.5, "rounds.target_ratio": target}
    rules = Rules.as_of("paradex-liquidation", AS_OF_MS, changes)
    book, view = perpetuals(80.0, {"BTC": 0.1, "ETH": -1.0})
    found = one_percent(rules).run(book, lambda _: view, AS_OF_MS)
    (step,) = found.steps
    assert found.ended == "maintenance restored"
    assert step.share == pytest.approx(share, rel=1e-12)
    figures = step.figures
    assert figures["mm"] == pytest.approx(88.8, rel=1e-12)
    assert figures["mm_after"] == pytest.approx(mmr, rel=1e-12)
    assert figures["fee"] == pytest.approx(penalty, rel=1e-12)
    assert figures["equity_after"] == pytest.approx(value, rel=1e-12)
    assert figures["ratio_after"] == pytest.approx(ratio, abs=1e-3)
    left = sizes(found.left)
    assert left["BTC-USD-PERP"] == pytest.approx(0.1 * (1.0 - share), rel=1e-12)
    assert left["ETH-USD-PERP"] == pytest.approx(-1.0 * (1.0 - share), rel=1e-12)


def test_a_safe_account_is_left_alone() -> None:
    rules = Rules.as_of("paradex-liquidation", AS_OF_MS)
    book, view = perpetuals(89.0, {"BTC": 0.1, "ETH": -1.0})
    found = one_percent(rules).run(book, lambda _: view, AS_OF_MS)
    assert found.steps == ()
    assert found.ended == "not liquidatable"
    assert found.left is book


def test_what_cannot_be_cured_is_closed_whole() -> None:
    rules = Rules.as_of("paradex-liquidation", AS_OF_MS)
    book, view = perpetuals(-5.0, {"BTC": 0.1})
    found = one_percent(rules).run(book, lambda _: view, AS_OF_MS)
    assert [step.share for step in found.steps] == [1.0]
    assert sizes(found.left)["BTC-USD-PERP"] == 0.0
    assert sizes(found.left)["USDC"] < -5.0  # the fee is still taken: bad debt grows by it


# ---------------------------------------------------------------- options, largest first


def options(
    held: dict[str, float], cash: float, quoted: bool = True, moved: float = 1.0
) -> tuple[Book, View]:
    """A coin book of two short options and their perpetual; asks above, bids below the mark."""
    items = [
        asset("deribit", "BTC"),
        delta_one("deribit", "BTC-PERPETUAL", underlying="BTC", settle="BTC", inverse=True),
        *(
            option("deribit", name, right, strike, EXPIRY_MS, underlying="BTC", settle="BTC",
                   inverse=True)
            for name, right, strike in (("C", 1, 70_000.0), ("P", -1, 50_000.0))
        ),
    ]  # fmt: skip
    table = Instruments.of(items)
    place = {item.native_id: k for k, item in enumerate(table.items)}
    index = 60_000.0 * moved
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): index},
        {"BTC": index, "USD": 1.0},
        {EXPIRY_MS: Dated(index, EXPIRY_MS - AS_OF_MS)},
        {"BTC-PERPETUAL": Quote(index), "C": Quote(0.012, 0.6), "P": Quote(0.01, 0.7)},
    )
    view = view_of(table, facts)
    if quoted:
        flags = frozen(np.ones(len(table)), np.bool_)
        view = replace(
            view,
            bid=frozen(view.mark * 0.95, np.float64),
            ask=frozen(view.mark * 1.05, np.float64),
            has_bid=flags,
            has_ask=flags,
        )
    lines = [Line("a", place["BTC"], cash)]
    lines += [Line("a", place[name], size) for name, size in held.items()]
    return Book.of(table, lines), view


def deribit(**changes: object) -> Rounds:
    model = model_named("deribit-spm")
    made = {f"rounds.{name}": value for name, value in changes.items()}
    rules = Rules.as_of("deribit-liquidation", AS_OF_MS, made)
    return Rounds(model, parameters_for(model, AS_OF_MS), rules, "deribit", "BTC")


def levels(book: Book, view: View) -> dict[str, float]:
    sheet = run(book, view, model_named("deribit-spm")).sheet
    return {name: float(sheet[name][0]) for name in ("equity", "mm", "counted_mm")}


def test_the_largest_contributor_goes_first_at_its_ask_one_round_a_second() -> None:
    book, view = options({"C": -10.0, "P": -2.0}, 0.65)
    found = deribit().run(book, lambda _: view, AS_OF_MS)
    assert found.ended == "maintenance restored"
    assert {step.what for step in found.steps} == {"close C"}
    assert [step.at_ms - AS_OF_MS for step in found.steps] == [
        1_000 * k for k in range(len(found.steps))
    ]
    first = found.steps[0]
    assert first.share == 0.1
    # One call of ten is bought back at 5 % over the mark: cash pays it, equity loses the 5 %.
    assert first.cash == pytest.approx(-0.012 * 1.05, rel=1e-12)
    assert first.figures["slippage"] == pytest.approx(-0.012 * 0.05, rel=1e-12)
    done = levels(found.left, view)
    assert done["counted_mm"] >= done["mm"]
    before = levels(found.steps[-2].left, view) if len(found.steps) > 1 else levels(book, view)
    assert before["counted_mm"] < before["mm"]  # not a round more than needed


def test_every_step_changes_equity_by_slippage_and_fee_alone() -> None:
    book, view = options({"C": -10.0, "P": -2.0, "BTC-PERPETUAL": 100_000.0}, 0.5)
    found = deribit(fee_of_mm=0.02).run(book, lambda _: view, AS_OF_MS)
    assert len(found.steps) > 2
    for step in found.steps:
        f = step.figures
        assert f["equity_after"] == pytest.approx(f["equity"] + f["slippage"] - f["fee"], abs=1e-12)
        assert f["mm_after"] < f["mm"]
        assert levels(step.left, view)["equity"] == f["equity_after"]


def test_without_quotes_the_delta_is_hedged_and_the_hedge_stays() -> None:
    book, view = options({"C": -10.0}, 0.6, quoted=False)
    found = deribit().run(book, lambda _: view, AS_OF_MS)
    assert [step.what for step in found.steps] == ["hedge delta"]
    held = sizes(found.left)
    assert held["C"] == -10.0
    assert held["BTC-PERPETUAL"] > 0.0  # short calls are hedged with a long perpetual
    assert found.ended in ("maintenance restored", "nothing lowers the margin")


def test_orders_are_cancelled_before_anything_is_closed() -> None:
    book, view = options({"C": -10.0}, 0.6)
    resting = Book.of(book.instruments, book.lines, [Order("a", 2, -1, 1.0, 0.02)], accounts=("a",))
    found = deribit().run(resting, lambda _: view, AS_OF_MS)
    assert found.steps[0].what == "orders cancelled"
    assert not len(found.left.orders.column)


def test_reported_equity_is_put_on_the_balance() -> None:
    book, view = options({"C": -10.0}, 99.0)
    reported = replace(book, reported=Reported(equity={("a", "BTC"): 0.4}))
    plain = options({"C": -10.0}, 0.4 + 10.0 * 0.012)[0]  # equity less the options' value
    found, wanted = (deribit().run(each, lambda _: view, AS_OF_MS) for each in (reported, plain))
    assert [step.figures["equity"] for step in found.steps] == pytest.approx(
        [step.figures["equity"] for step in wanted.steps], rel=1e-12
    )


def test_a_market_that_recovers_ends_the_rounds() -> None:
    book, low = options({"C": -10.0}, 0.4)
    calm = options({}, 0.4, moved=0.5)[1]
    found = deribit().run(book, lambda at: low if at < AS_OF_MS + 2_000 else calm, AS_OF_MS)
    assert len(found.steps) == 2
    assert found.ended == "maintenance restored"


def test_hedging_first_comes_before_any_close() -> None:
    model = model_named("deribit-spm")
    rules = Rules.as_of("okx-liquidation", AS_OF_MS)
    book, view = options({"C": -10.0, "P": -2.0}, 0.4)
    rounds = Rounds(model, parameters_for(model, AS_OF_MS), rules, "okx", "BTC")
    found = rounds.run(book, lambda _: view, AS_OF_MS)
    assert found.steps[0].what == "hedge delta"


def test_an_account_without_a_balance_line_is_refused() -> None:
    book, view = options({"C": -10.0}, 0.0)
    bare = Book.of(
        book.instruments, [line for line in book.lines if line.quantity], accounts=("a",)
    )
    with pytest.raises(InputError) as caught:
        deribit().run(bare, lambda _: view, AS_OF_MS)
    assert caught.value.code == "currency_unknown"


@pytest.mark.parametrize("venue", ["paradex", "deribit", "bybit", "okx"])
def test_every_venue_has_its_numbers(venue: str) -> None:
    rules = Rules.as_of(f"{venue}-liquidation", AS_OF_MS)
    assert 0.0 < rules.slice_share <= 1.0
    assert rules.target_ratio <= rules.trigger_ratio


def test_a_line_loses_in_its_own_coin_not_in_that_of_the_cash() -> None:
    """Ether options of an account whose cash is bitcoin: the ask costs ether, at its dollars."""
    price = {"BTC": 60_000.0, "ETH": 2_000.0}
    table = Instruments.of([
        asset("deribit", "BTC"),
        option("deribit", "C", 1, 2_200.0, EXPIRY_MS, underlying="ETH", settle="ETH",
               inverse=True),
    ])  # fmt: skip
    facts = Facts(
        AS_OF_MS,
        {(coin, "USD"): usd for coin, usd in price.items()},
        {**price, "USD": 1.0},
        {EXPIRY_MS: Dated(price["ETH"], EXPIRY_MS - AS_OF_MS)},
        {"C": Quote(0.03, 0.7)},
    )
    view = view_of(table, facts)
    asked = np.array([item.native_id == "C" for item in table.items])
    view = replace(
        view, ask=frozen(np.where(asked, 0.05, 0.0), np.float64), has_ask=frozen(asked, np.bool_)
    )
    place = {item.native_id: k for k, item in enumerate(table.items)}
    book = Book.of(table, [Line("a", place["BTC"], 0.3), Line("a", place["C"], -100.0)])
    model = model_named("deribit-xpm")
    rules = Rules.as_of("deribit-liquidation", AS_OF_MS, {})
    found = Rounds(model, parameters_for(model, AS_OF_MS), rules, "deribit", "BTC").run(
        book, lambda _: view, AS_OF_MS
    )
    first = found.steps[0].figures
    assert found.steps[0].what == "close C"
    assert first["slippage"] == pytest.approx(-(0.05 - 0.03) * 10.0 * price["ETH"], rel=1e-12)
    assert first["equity_after"] == pytest.approx(first["equity"] + first["slippage"], abs=1e-6)


def test_a_position_is_gone_after_as_many_rounds_as_it_has_slices() -> None:
    """A slice of what is left would never end: a hopeless account took thousands of rounds."""
    book, view = options({"C": -10.0, "P": -2.0}, 0.01)
    rounds = deribit()
    found = rounds.run(book, lambda _: view, AS_OF_MS)
    closes = [step for step in found.steps if step.what.startswith("close ")]
    most = round(1.0 / rounds.rules.slice_share)
    for name in ("C", "P"):
        mine = [step for step in closes if step.what == f"close {name}"]
        assert len(mine) <= most
    held = dict(zip(found.left.column.tolist(), found.left.quantity.tolist(), strict=True))
    items = found.left.instruments.items
    assert [items[c].native_id for c, q in held.items() if q and items[c].kind == Kind.OPTION] == []
