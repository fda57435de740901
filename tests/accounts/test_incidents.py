"""Incidents of the record that concern liquidation and the market behind it, with small data.

Those of collateral, of accounts over several venues and of the cost to leave are beside what they
test; docs/incidents.md has the whole list.
"""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

import crossmargin as xm
from crossmargin.accounts import liquidation_engine, liquidation_order, waterfall
from crossmargin.accounts.liquidation_account import Judge
from crossmargin.accounts.liquidation_engine import HouseLiquidation, both_prices, no_bidder
from crossmargin.accounts.liquidation_order import ORDERS, Terms, touch_cost
from crossmargin.accounts.owner_groups import by_owner, exposures, share_multiplier
from crossmargin.accounts.waterfall import Purses, Winner, cover
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.instruments.book import Book, Line
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.margin.surface_grid import shifted_view
from crossmargin.market.coherence import LIMIT_BP, cohere
from crossmargin.market.view import View
from tests.accounts.broken_books import (
    MARKS,
    START_MS,
    house,
    liquidated,
    market_of,
    perpetuals,
    sizes,
)
from tests.tidy.source import REPOSITORY

HOUR_MS = 3_600_000
PAGE = REPOSITORY / "docs" / "incidents.md"


@pytest.mark.parametrize("wrong", [7_720.0, 9_150.0 * 1.05, 9_150.0 * 2.0, 9_150.0 * 0.01])
def test_i01_one_wrong_source_does_not_move_the_index(wrong: float) -> None:
    """Deribit 2019: one constituent at 7,720 while the others stood at 9,150."""
    ahead = {START_MS + 7 * DAY_MS * k: [9_150.0 * (1.0 + 1e-4 * k)] for k in range(1, 6)}
    true = cohere([9_150.0] * 5, ahead, {}, START_MS)
    found = cohere([9_150.0] * 4 + [wrong], ahead, {}, START_MS)
    assert true.index is not None
    assert found.index is not None
    assert abs(found.index.value / true.index.value - 1.0) * 1e4 <= LIMIT_BP
    assert found.index.verdict == "incoherent"  # and it is seen that something was wrong


def test_i02_a_position_beyond_the_depth_costs_more_than_in_proportion() -> None:
    """OKEx 2018: one long of 4,168,515 x $100 in a thin market; the winners paid for it."""
    book, view = perpetuals(2_400.0, {"BTC": 1.0})
    large, _ = perpetuals(4_800.0, {"BTC": 2.0})

    def impact(view: View, column: int, size: float) -> float:
        """The cost of a market with depth for one coin: it grows with the square of the size."""
        return float(view.mark[column]) * 0.1 * size * size

    whole = {"liquidation.max_share": 1.0, "liquidation.buffer": 10.0}
    once, twice = (
        liquidated(each, view, terms=whole, cost=impact, order="risk_per_cost")
        for each in (book, large)
    )
    assert once.bad_debt_usd > 0.0
    assert twice.bad_debt_usd > 2.0 * once.bad_debt_usd


def test_i02_a_requirement_grows_faster_than_the_position() -> None:
    """The same, before it comes to that: twice the position needs more than twice the margin."""
    mm = [
        xm.margin(
            [
                {"type": "balance", "account": "a", "venue": "deribit", "instrument": "BTC",
                 "quantity": 5_000.0},
                {"type": "position", "account": "a", "venue": "deribit",
                 "instrument": "BTC-PERPETUAL", "quantity": size},
            ],
            "sample:market",
            "deribit-sm",
        ).mm_usd
        for size in (2e8, 4e8)
    ]  # fmt: skip
    assert mm[1] > 2.0 * mm[0]


def test_i06_an_auction_without_bidders_is_a_scenario() -> None:
    """Maker 2020: 36 % of the liquidations were won with bids of zero."""
    book, view = perpetuals(2_450.0, {"BTC": 1.0})
    plain = touch_cost(Terms.as_of(START_MS))
    sold = liquidated(book, view)
    assert sold.ended == "buffer restored"
    unsold = liquidated(book, view, cost=no_bidder(plain, 0.36))
    assert unsold.bad_debt_usd > 10_000.0
    nothing = liquidated(book, view, cost=no_bidder(plain, 1.0))
    assert nothing.bad_debt_usd > unsold.bad_debt_usd
    # A venue's own auction to which nobody comes is said to be under way, and takes nothing off.
    rows = [
        {"type": "balance", "account": "w", "venue": "derive", "instrument": "USDC",
         "quantity": 2_000.0},
        {"type": "position", "account": "w", "venue": "derive", "instrument": "ETH-PERP",
         "quantity": 50.0, "entry_price": 1_730.0},
    ]  # fmt: skip
    found = xm.liquidate(rows, "sample:market", "derive-pm2")
    assert found.ended.startswith("under way")
    assert sizes(found.left)["ETH-PERP"] == 50.0


def test_i06_an_oracle_that_is_late_gives_both_prices() -> None:
    """Maker 2020: the oracle was an hour behind the market."""
    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "instrument": name,
         "quantity": size}
        for name, size in (("BTC", 2.0), ("USDC", -120_000.0))
    ]  # fmt: skip
    asked = xm.margin(rows, "sample:market", "var-parametric").requirement
    fallen = shifted_view(asked.view, 0.85, 1.0)
    start_ms = asked.view.as_of_ms

    def market(at_ms: int) -> View:
        return fallen if at_ms >= start_ms else asked.view

    own = HouseLiquidation(asked.via, asked.parameters, Terms.as_of(start_ms))
    late, live = both_prices(own, asked.book, market, start_ms, HOUR_MS)
    assert late.ended == "not liquidatable"  # on the price of an hour ago all is well
    assert "bad debt" in live.ended
    assert live.before.account < 0 < late.before.account


def test_i07_a_rise_of_the_money_that_is_owed_breaks_the_account() -> None:
    """Compound 2020: DAI at 1.30. Who owed it was liquidated, without any fall of his coins."""
    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "instrument": name,
         "quantity": size}
        for name, size in (("BTC", 2.0), ("USDC", -102_500.0))
    ]  # fmt: skip
    market = snapshot_of("sample:market")
    dearer = market.with_rows(
        [row._replace(value=1.3) for row in market.rows() if row[:2] == ("usd", "USDC")]
    )
    calm, broken = (xm.liquidate(rows, each, "var-parametric") for each in (market, dearer))
    assert calm.ended == "not liquidatable"
    assert {step["what"] for step in broken.steps} <= {"BTC", "everything"}
    assert sizes(broken.left).get("BTC", 0.0) < 2.0


def test_i08_no_liquidation_exempts_an_account() -> None:
    """FTX 2019-22: one account was never liquidated. Nothing here knows an account by its name."""
    for module in (liquidation_engine, liquidation_order, waterfall):
        for record in vars(module).values():
            if hasattr(record, "__dataclass_fields__"):
                names = {field.name for field in fields(record)}
                assert not names & {"exempt", "owner", "client", "skip"}, record
    book, view = perpetuals(2_450.0, {"BTC": 1.0})
    ends = {
        name: liquidated(Book.of(book.instruments, _renamed(book, name)), view).after
        for name in ("a", "house", "alameda")
    }
    assert len(set(ends.values())) == 1


def _renamed(book: Book, name: str) -> list[Line]:
    pairs = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    return [Line(name, column, quantity) for column, quantity in pairs]


def test_i10_accounts_that_trade_with_each_other_show_their_net() -> None:
    """Mango 2022: both sides of one contract, so that the price could be moved with profit."""
    book = _wallets({"long": 488.0, "short": -488.0})
    both = {"long": "one", "short": "one"}
    (found,) = exposures(book, both, {"SOL-PERP": 500.0})
    assert (found.matched, found.net) == (488.0, 0.0)
    assert found.share == pytest.approx(0.976)
    # Netted they are nothing; of all that is open they are nearly everything.
    assert share_multiplier(found.share) > 2.0


def test_i11_a_hundred_wallets_of_one_owner_are_one_position() -> None:
    """dYdX 2023: open interest rose 80-fold through more than a hundred wallets."""
    wallets = {f"w{k}": 1.0 for k in range(100)}
    book = _wallets({**wallets, "other": -100.0})
    owner = dict.fromkeys(wallets, "whale")
    cut_up = exposures(book, {}, {"SOL-PERP": 120.0})
    together = exposures(book, owner, {"SOL-PERP": 120.0})
    free = {share_multiplier(e.share) for e in cut_up if e.owner in wallets and e.share is not None}
    assert free == {1.0}
    (whale,) = [each for each in together if each.owner == "whale"]
    assert whale.share == pytest.approx(100.0 / 120.0)
    assert share_multiplier(whale.share or 0.0) > 2.5
    merged = by_owner(book, owner)
    assert tuple(merged.account) == ("whale", "other")
    assert merged.quantity[int(merged.row[0])] == 100.0


def _wallets(held: dict[str, float]) -> Book:
    table = perpetuals(0.0, {})[0].instruments
    column = [item.native_id for item in table.items].index("SOL-PERP")
    lines = [Line(name, column, size) for name, size in held.items()]
    return Book.of(table, lines, accounts=tuple(held))


@pytest.mark.parametrize("order", ["best", *ORDERS])
@pytest.mark.parametrize("cash", [-3_000.0, 100.0, 2_450.0])
def test_i12_whatever_is_done_the_account_is_sound_after_it(order: str, cash: float) -> None:
    """Euler 2023: one function took collateral away without asking for the health after it."""
    book, view = perpetuals(cash, {"BTC": 1.0, "ETH": -4.0})
    own = house(order=order)
    found = own.run(book, lambda _: view, START_MS)
    now = Judge(found.left, view, own.model, own.parameters).now
    assert now.counted[0, 0] >= 1.1 * now.mm[0, 0] - 2e-6
    assert (found.bad_debt_usd > 0.0) == ("bad debt" in found.ended)
    for step in found.steps:
        assert step.figures["shortfall_after"] < step.figures["shortfall"]


def test_i13_what_a_withdrawal_leaves_must_pay_for_the_close() -> None:
    """Hyperliquid, 12 March 2025: profit withdrawn down to the limit; the vault lost four million.

    A long of 300 coins of 2,500, 750,000 dollars; to close it moves the price by 4 %.
    """

    def impact(view: View, column: int, size: float) -> float:
        return 0.04 * abs(size) * float(view.mark[column]) * (abs(size) / 300.0)

    whole = {"liquidation.max_share": 1.0, "cost.penalty_share": 0.0}
    left = {}
    for share in (0.05, 0.2):
        # After the withdrawal the price falls by 3 %; profit and loss stand on the balance.
        book, _ = perpetuals(share * 750_000.0 - 22_500.0, {"ETH": 300.0})
        fallen = market_of(book.instruments, MARKS | {"ETH": 2_425.0})
        left[share] = liquidated(book, fallen, terms=whole, cost=impact)
    assert left[0.05].ended != "not liquidatable"
    assert left[0.05].bad_debt_usd > 0.0
    assert left[0.2].ended == "not liquidatable"


def test_i14_a_breached_part_is_taken_apart_on_its_own_collateral() -> None:
    """Hyperliquid JELLY 2025: the backstop shared its collateral, so that nothing ever fired."""
    book, view = perpetuals(0.0, {"BTC": 0.1, "SOL": -400.0}, settle={"SOL": "USDT"})
    rich = [
        Line("a", int(c), 1e6 if book.instruments.items[c].native_id == "USDC" else float(q))
        for c, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    ]
    found = liquidated(Book.of(book.instruments, rich), view)
    assert "bad debt" in found.ended  # though a million lies in the pool beside it
    left = sizes(found.left)
    assert (left["USDC"], left["BTC-PERP"], left["SOL-PERP"]) == (1e6, 0.1, 0.0)


def test_i17_deleveraging_is_the_last_resort_and_never_more_than_is_missing() -> None:
    """10 October 2025: 34,983 winning positions were closed; how much was needless is disputed."""
    winners = [Winner("hedger", 900, 1.0), Winner("trader", 500, 20.0)]
    _, covers = cover(Purses(-1_000, 1_000), 1_000, winners)
    assert [each.source for each in covers] == ["fund"]  # while the fund pays, nobody is closed
    after, covers = cover(Purses(-1_000, 300), 1_000, winners)
    assert [(each.name, each.units) for each in covers[1:]] == [("trader", 500), ("hedger", 200)]
    assert after.unpaid == 0
    book, view = perpetuals(-500.0, {"BTC": 1.0})
    assert liquidated(book, view, winners=None).after.counterparties > 0  # costs, and no profit
    taken = liquidated(book, view, winners=(Winner("hedger", 10**12),))
    assert taken.bad_debt_usd == 0.0
    assert [c.name for step in taken.steps for c in step.covers] == ["hedger"]  # type: ignore[attr-defined]


def test_i18_nothing_is_decided_on_inputs_from_before_the_restart() -> None:
    """dYdX, 10 October 2025: a negative transfer, a halt, then liquidations on a stale oracle."""
    with pytest.raises(InputError, match="number_out_of_range"):
        cover(Purses(-10, -5), 10)
    book, view = perpetuals(2_450.0, {"BTC": 1.0})
    with pytest.raises(MarketDataError, match="market_doubtful"):
        liquidated(book, view, not_before_ms=view.as_of_ms + 1)
    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "instrument": "BTC",
         "quantity": 0.004},
        {"type": "position", "account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL",
         "quantity": -30_000.0},
    ]  # fmt: skip
    market = snapshot_of("sample:market")
    used = [r for r in market.rows() if r[:2] == ("mark", "deribit|BTC-PERPETUAL")]
    restart = market.as_of_ms - HOUR_MS
    fresh = market.with_rows([r._replace(event_ms=market.as_of_ms) for r in market.rows()])
    one_old = fresh.with_rows([used[0]._replace(event_ms=restart - 1)])
    assert xm.liquidate(rows, fresh, "deribit-sm", not_before=restart).steps
    with pytest.raises(MarketDataError, match="deribit|BTC-PERPETUAL"):
        xm.liquidate(rows, one_old, "deribit-sm", not_before=restart)


# -- the page ------------------------------------------------------------------------------------


def test_every_incident_is_on_the_page_with_a_test_that_exists() -> None:
    text = PAGE.read_text("utf-8")
    named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`", text)
    assert named
    for path, name in named:
        assert f"def {name}(" in (REPOSITORY / path).read_text("utf-8"), f"{path}::{name}"
    wanted = [f"I{number:02}" for number in (1, 2, *range(6, 19))]
    assert [code for code in wanted if not re.search(rf"^\| {code} \|.*`tests/", text, re.M)] == []


def test_every_test_of_an_incident_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    found = {
        name
        for path in sorted((REPOSITORY / "tests").rglob("test_*.py"))
        for name in re.findall(r"^def (test_i[0-9]{2}_[a-z0-9_]+)\(", path.read_text("utf-8"), re.M)
    }
    assert [name for name in sorted(found) if f"::{name}`" not in text] == []
