"""Equity from exactly one source, and the identities of recorded account summaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import EquitySource, Requirement, model_named, run
from crossmargin.margin.equity import SOURCES, mark_value, profit_since_entry
from crossmargin.margin.pools import cut
from crossmargin.venues.deribit_book import from_deribit
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_780_000_000_000
EXPIRY_MS = AS_OF_MS + 30 * 86_400_000
CASH = asset("deribit", "BTC")
PERPETUAL = delta_one("deribit", "P", underlying="BTC", settle="BTC", inverse=True)
CALL = option("deribit", "C", 1, 60_000.0, EXPIRY_MS, underlying="BTC", settle="BTC", inverse=True)
TABLE = Instruments.of([CASH, PERPETUAL, CALL])
MARK_PERPETUAL, MARK_CALL = 50_000.0, 0.02


def facts(**more: Any) -> Facts:
    return Facts(
        as_of_ms=AS_OF_MS,
        index={("BTC", "USD"): 50_000.0},
        usd={"BTC": 50_000.0, "USD": 1.0},
        dated={EXPIRY_MS: Dated(50_000.0, 30 * 86_400_000)},
        quotes={"P": Quote(MARK_PERPETUAL), "C": Quote(MARK_CALL, 0.6)},
        **more,
    )


def line(account: str, name: str, quantity: float, entry: float | None = None) -> Line:
    row = [item.native_id for item in TABLE.items].index(name)
    return Line(account, row, quantity, entry)


def found(
    *lines: Line, reported: Reported | None = None, model: str = "deribit-spm"
) -> Requirement:
    book = Book.of(TABLE, lines, reported=reported)
    return run(book, view_of(TABLE, facts()), model_named(model))


def equity(requirement: Requirement, row: int = 0) -> dict[str, float]:
    sheet = requirement.sheet
    names = ("cash", "unrealised", "option_value", "equity")
    return {name: float(sheet[name][row]) for name in names}


def source(requirement: Requirement, row: int = 0) -> EquitySource:
    return SOURCES[int(requirement.source[row])]


def test_balances_are_cash_and_futures_profit_is_in_them() -> None:
    """2 BTC of cash and 3 short calls at 0.02: 2 - 0.06. The entry prices are not counted again."""
    requirement = found(
        line("a", "BTC", 2.0), line("a", "P", 1_000.0, 40_000.0), line("a", "C", -3.0, 0.03)
    )
    assert source(requirement) is EquitySource.BALANCES
    assert equity(requirement) == {
        "cash": 2.0,
        "unrealised": 0.0,
        "option_value": pytest.approx(-0.06, rel=1e-15),
        "equity": pytest.approx(1.94, rel=1e-15),
    }


def test_the_venues_equity_is_taken_as_it_is() -> None:
    reported = Reported(equity={("a", "BTC"): 1.75})
    requirement = found(
        line("a", "BTC", 2.0),
        line("a", "C", -3.0, 0.03),
        line("a", "P", 9.0, 1.0),
        reported=reported,
    )
    assert source(requirement) is EquitySource.VENUE
    numbers = equity(requirement)
    assert numbers["equity"] == pytest.approx(1.75, rel=1e-15)
    assert numbers["option_value"] == pytest.approx(-0.06, rel=1e-15)
    assert numbers["unrealised"] == 0.0


def test_without_any_balance_it_is_rebuilt_from_entry_prices() -> None:
    """10,000 dollars long from 40,000: 10,000 (1/40,000 - 1/50,000) = 0.05 BTC.

    3 calls sold at 0.03, now 0.02: received 0.09, worth -0.06, profit 0.03.
    """
    requirement = found(line("a", "P", 10_000.0, 40_000.0), line("a", "C", -3.0, 0.03))
    assert source(requirement) is EquitySource.REBUILT
    numbers = equity(requirement)
    assert numbers["unrealised"] == pytest.approx(0.05, rel=1e-13)
    assert numbers["cash"] == pytest.approx(0.09, rel=1e-13)
    assert numbers["option_value"] == pytest.approx(-0.06, rel=1e-15)
    assert numbers["equity"] == pytest.approx(0.08, rel=1e-13)


def test_one_unknown_entry_price_and_nothing_is_rebuilt() -> None:
    requirement = found(line("a", "P", 10_000.0, 40_000.0), line("a", "C", -3.0))
    assert source(requirement) is EquitySource.NONE
    assert equity(requirement)["unrealised"] == 0.0
    assert equity(requirement)["cash"] == 0.0


def test_the_venues_equity_is_never_added_to_a_rebuilt_one() -> None:
    """Account a reports equity but lists no balance line; account b makes the column known."""
    reported = Reported(equity={("a", "BTC"): 1.75})
    for model in ("deribit-spm", "deribit-xpm", "deribit-sm", "fixed-rate"):
        requirement = found(
            line("a", "P", 10_000.0, 40_000.0),
            line("b", "BTC", 1.0),
            reported=reported,
            model=model,
        )
        rate = 50_000.0 if model == "deribit-xpm" else 1.0
        assert source(requirement) is EquitySource.VENUE
        assert equity(requirement)["equity"] == pytest.approx(1.75 * rate, rel=1e-15), model


@pytest.mark.parametrize("model", ["deribit-spm", "deribit-sm", "fixed-rate"])
def test_reported_equity_needs_no_balance_line(model: str) -> None:
    """It is known, so nothing is rebuilt from the entry price; of a currency not held it fails."""
    table = Instruments.of([PERPETUAL])
    lines = [Line("a", 0, 10_000.0, 40_000.0)]
    view = view_of(table, facts())
    book = Book.of(table, lines, reported=Reported(equity={("a", "BTC"): 1.75}))
    requirement = run(book, view, model_named(model))
    assert source(requirement) is EquitySource.VENUE
    assert equity(requirement)["equity"] == pytest.approx(1.75, rel=1e-15)
    book = Book.of(table, lines, reported=Reported(equity={("a", "ETH"): 1.75}))
    with pytest.raises(InputError) as caught:
        run(book, view, model_named(model))
    assert caught.value.code == "currency_unknown"
    assert caught.value.place == "account a"


def test_in_cross_mode_a_coins_equity_is_a_position_and_needs_its_line() -> None:
    table = Instruments.of([PERPETUAL])
    for currency in ("BTC", "ETH"):
        reported = Reported(equity={("a", currency): 1.75})
        book = Book.of(table, [Line("a", 0, 10_000.0, 40_000.0)], reported=reported)
        with pytest.raises(CrossMarginError) as caught:
            run(book, view_of(table, facts()), model_named("deribit-xpm"))
        assert caught.value.code == "currency_unknown"


@pytest.mark.parametrize("with_line", [False, True])
def test_equity_of_pools_that_share_a_currency_is_counted_once(with_line: bool) -> None:
    """Two underlyings that settle in USDC are two pools, and one account."""
    swaps = [
        delta_one("paradex", f"{coin}-USD-PERP", underlying=coin, settle="USDC")
        for coin in ("BTC", "ETH")
    ]
    table = Instruments.of([*swaps, asset("paradex", "USDC")] if with_line else swaps)
    market = facts()
    market.index = {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0}
    market.usd = {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": 1.0, "USD": 1.0}
    market.quotes = {"BTC-USD-PERP": Quote(50_000.0), "ETH-USD-PERP": Quote(2_000.0)}
    book = Book.of(
        table,
        [Line("a", row, 1.0) for row in range(len(table))],
        reported=Reported(equity={("a", "USDC"): 7_000.0}),
    )
    requirement = run(book, view_of(table, market), model_named("paradex-pm"))
    assert len(requirement.sheet) == 2
    assert float(requirement.sheet["equity"].sum()) == 7_000.0


def test_sources_are_of_each_account() -> None:
    requirement = found(
        line("a", "BTC", 2.0),
        line("b", "P", 10_000.0, 40_000.0),
        line("c", "P", 10_000.0),
        line("d", "BTC", 0.0),
        reported=Reported(equity={("d", "BTC"): 0.5}),
    )
    wanted = ["balances", "rebuilt", "none", "venue"]
    assert [source(requirement, row).value for row in range(4)] == wanted
    assert requirement.sheet["equity"].tolist() == pytest.approx([2.0, 0.05, 0.0, 0.5], rel=1e-13)


def test_mark_value_is_of_options_alone() -> None:
    values = dict(
        zip(
            [item.native_id for item in TABLE.items],
            mark_value(TABLE, view_of(TABLE, facts())).tolist(),
            strict=True,
        )
    )
    assert values == {"BTC": 0.0, "P": 0.0, "C": MARK_CALL}


def test_profit_of_linear_contracts() -> None:
    """q m (mark - entry): 2 x (50,000 - 49,000) and -1 x (51,000 - 52,500)."""
    swap = delta_one("deribit", "L", underlying="BTC", quote="USDC")
    put = option("deribit", "U", -1, 60_000.0, EXPIRY_MS, underlying="BTC", quote="USDC")
    table = Instruments.of([swap, put])
    market = facts()
    market.quotes = {"L": Quote(50_000.0), "U": Quote(51_000.0, 0.6)}
    rows = {item.native_id: row for row, item in enumerate(table.items)}
    book = Book.of(
        table, [Line("a", rows["L"], 2.0, 49_000.0), Line("a", rows["U"], -1.0, 52_500.0)]
    )
    view = view_of(table, market)
    held = cut(book, model_named("deribit-sm").plan(table, _no_parameters()).pools[0], 0)
    names = [table.items[c].native_id for c in held.column.tolist()]
    both = dict(zip(names, profit_since_entry(table, view, held, True).tolist(), strict=True))
    assert both == {"L": 2_000.0, "U": 1_500.0}
    futures = dict(zip(names, profit_since_entry(table, view, held, False).tolist(), strict=True))
    assert futures == {"L": 2_000.0, "U": 0.0}


def _no_parameters() -> Any:
    return None  # a plan by settlement currency reads no parameter


# ---------------------------------------------------------------- recorded account summaries


def summaries(market_dir: Path, name: str) -> tuple[Path, dict[str, dict[str, float]]]:
    path = market_dir / "payloads" / "nautilus" / "deribit" / name
    if not path.is_file():
        pytest.skip(f"the market folder has no {name}")
    book = from_deribit(summaries=path)
    return path, {c: dict(values) for (_, c), values in book.reported.fields.items()}


STANDARD = "http_get_account_summaries.json"
CROSS = "http_get_account_summaries_cross_margin.json"


def test_identities_of_a_segregated_account(market_dir: Path) -> None:
    """To the digits of the payload (eight places; six of delta and of the ETH account)."""
    _, fields = summaries(market_dir, STANDARD)
    assert set(fields) == {"BTC", "ETH"}
    for currency, f in fields.items():
        digit = 1.01e-8 if currency == "BTC" else 1.01e-6
        assert abs(f["margin_balance"] - (f["equity"] - f["options_value"])) <= digit
        assert abs(f["available_funds"] - (f["margin_balance"] - f["initial_margin"])) <= digit
        session = f["futures_session_upl"] + f["futures_session_rpl"]
        rebuilt = f["balance"] + session + f["options_value"]
        assert abs(f["equity"] - rebuilt) <= digit
        # A session's futures profit is not paid out before it is settled.
        free = f["available_funds"] - max(session, 0.0)
        assert abs(f["available_withdrawal_funds"] - free) <= digit
        assert f["session_upl"] == pytest.approx(
            f["futures_session_upl"] + f["options_session_upl"], abs=digit
        )
        assert f["total_pl"] == pytest.approx(f["futures_pl"] + f["options_pl"], abs=digit)


def test_delta_total_is_the_map_less_the_option_value(market_dir: Path) -> None:
    """``delta_total`` counts an option at its delta less its mark in coin, the map at its delta."""
    path, fields = summaries(market_dir, STANDARD)
    for item in json.loads(path.read_text("utf-8"))["result"]["summaries"]:
        f, mapped = fields[item["currency"]], sum(item["delta_total_map"].values())
        assert abs(f["delta_total"] - (mapped - f["options_value"])) <= 1e-6
        assert abs(f["projected_delta_total"] - (mapped - f["options_delta"])) <= 1e-6


def test_our_margin_balance_is_the_venues(market_dir: Path) -> None:
    """Standard margin counts equity less option value: a short call of the payload's value."""
    path, fields = summaries(market_dir, STANDARD)
    name = "BTC-25AUG23-40000-C"
    position = {"instrument_name": name, "size": -1.0, "direction": "sell", "average_price": 0.0021}
    book = from_deribit(positions=[position], summaries=path)
    table = book.instruments
    now = 1_687_352_432_143
    expiry_ms = next(key[3] for key in table.expiries)
    market = Facts(
        as_of_ms=now,
        index={("BTC", "USD"): 28_900.0, ("ETH", "USD"): 1_830.0},
        usd={"BTC": 28_900.0, "ETH": 1_830.0, "USD": 1.0},
        dated={expiry_ms: Dated(28_950.0, expiry_ms - now)},
        quotes={name: Quote(mark=0.0086, vol=0.55)},
    )
    requirement = run(book, view_of(table, market), model_named("deribit-sm"))
    pools = [requirement.plan.pools[p].label for p in requirement.sheet.pool]
    for row, currency in enumerate(pools):
        f = fields[currency]
        assert source(requirement, row) is EquitySource.VENUE
        sheet = requirement.sheet
        assert sheet["equity"][row] == pytest.approx(f["equity"], abs=5e-9)
        assert sheet["option_value"][row] == pytest.approx(f["options_value"], abs=1e-15)
        for level in ("counted_im", "counted_mm"):
            assert sheet[level][row] == pytest.approx(f["margin_balance"], abs=5e-9)
    portfolio = run(book, view_of(table, market), model_named("deribit-spm"))
    row = [portfolio.plan.pools[p].label for p in portfolio.sheet.pool].index("BTC")
    assert portfolio.sheet["counted_mm"][row] == pytest.approx(fields["BTC"]["equity"], abs=5e-9)


def test_totals_of_a_cross_account_are_repeated_and_never_summed(market_dir: Path) -> None:
    """Every currency repeats the whole account in dollars and in its own unit.

    The equities add up to 25.68 of 25.71 dollars (the recording leaves small balances out); four
    times the total would be 102.84.
    """
    path, fields = summaries(market_dir, CROSS)
    assert set(fields) == {"BTC", "USDT", "ETH"}  # SOL holds nothing
    totals = {f["total_equity_usd"] for f in fields.values()}
    assert len(totals) == 1
    total = totals.pop()
    for f in fields.values():
        assert f["total_margin_balance_usd"] == total
        digit = 1.01e-6 if f["margin_balance"] > 0.001 else 1.01e-8
        assert abs(f["available_funds"] - (f["margin_balance"] - f["initial_margin"])) <= digit
        ratio = f["initial_margin"] / f["margin_balance"]
        assert ratio == pytest.approx(f["total_initial_margin_usd"] / total, rel=2e-3)
    book = from_deribit(summaries=path)
    usd = {name: total / f["margin_balance"] for name, f in fields.items()}
    market = Facts(
        as_of_ms=1_778_048_572_519,
        index={("BTC", "USD"): usd["BTC"], ("ETH", "USD"): usd["ETH"], ("USDT", "USD"): 1.0},
        usd={**usd, "USD": 1.0},
    )
    requirement = run(book, view_of(book.instruments, market), model_named("deribit-xpm"))
    assert len(requirement.sheet) == 1
    assert source(requirement) is EquitySource.VENUE
    by_hand = sum(f["equity"] * usd[name] for name, f in fields.items())
    assert equity(requirement)["equity"] == pytest.approx(by_hand, rel=1e-14)
    assert equity(requirement)["equity"] == pytest.approx(total, rel=2e-3)
    assert np.isfinite(requirement.sheet["im"]).all()
