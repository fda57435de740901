"""Cases of models without scenarios: uniMMR, cross margin of perpetuals, collateral, borrowing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import Parameters, Requirement, model_named, run
from crossmargin.margin.equity import profit_since_entry
from crossmargin.margin.families.binance_tiers import bracket_name
from crossmargin.margin.liquidation.rounds import Rounds, Rules
from crossmargin.margin.liquidation.steps import Outcome
from crossmargin.margin.parameter_files import available, from_values, overlay
from crossmargin.margin.pools import cut
from tests.oracle import binance_pm
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, asset, view_of

__all__ = ["CASES"]

AS_OF_MS = utc_ms(2022, 6, 1)
Held = list[tuple[Instrument, float, float | None]]


def _near(case: dict[str, Any]) -> dict[str, float]:
    bound = float(case.get("tolerance", 1e-9))
    return {"rel": bound, "abs": bound}


def _run(
    model: str,
    held: Held,
    usd: Mapping[str, float],
    marks: Mapping[str, float],
    parameters: Parameters,
    orders: list[tuple[Instrument, float, float]] | None = None,
) -> Requirement:
    table = Instruments.of([*(row[0] for row in held), *(row[0] for row in orders or [])])
    place = table.index_of()
    lines = [Line(ACCOUNT, place[item.key], size, entry) for item, size, entry in held]
    resting = [
        Order(ACCOUNT, place[item.key], 1 if size > 0 else -1, abs(size), limit)
        for item, size, limit in orders or []
    ]
    facts = Facts(
        AS_OF_MS,
        {pair: usd.get(pair[0], 0.0) for pair in table.pairs},
        {"USD": 1.0, "USDC": 1.0, "USDT": 1.0, **usd},
        {key[3]: Dated(usd.get(key[0], 0.0), key[3] - AS_OF_MS) for key in table.expiries},
        {name: Quote(mark) for name, mark in marks.items()},
    )
    book = Book.of(table, lines, resting, accounts=(ACCOUNT,))
    return run(book, view_of(table, facts), model_named(model), parameters)


def _with(model: str, values: dict[str, Any]) -> Parameters:
    """The newest set with numbers of the case beside its own."""
    base = available(model)[-1]
    return replace(
        base, entries={**base.entries, **from_values(model, "v", values, "case").entries}
    )


# ---------------------------------------------------------------- Binance


def _binance_contract(row: dict[str, Any]) -> Instrument:
    stem, _, tail = row["symbol"].partition("_")
    base = stem.removesuffix("USDT").removesuffix("USD")
    linear = stem.endswith("USDT")
    settle = "USDT" if linear else base
    terms: dict[str, Any] = {"inverse": not linear, "multiplier": 1.0}
    kind = Kind.PERPETUAL
    if tail != "PERP":
        kind = Kind.FUTURE
        day = tail[-6:]
        terms["expiry_ms"] = utc_ms(2000 + int(day[:2]), int(day[2:4]), int(day[4:]), 8)
    quote = "USDT" if linear else "USD"
    return Instrument("binance", row["symbol"], kind, base, quote, settle, **terms)


def uni_mmr(case: dict[str, Any]) -> None:
    """Profit of each position as printed; the ratio as plain arithmetic gives it."""
    given, expected = case["inputs"], case["expected"]
    rows = given["positions"]
    coins = {row["symbol"].split("USD")[0]: float(row["mark"]) for row in rows}
    names = sorted({*given["margin"], *coins, "USDT"})
    rates = {name: float(given.get("collateral_rates", {}).get(name, 0.9)) for name in names}
    usd = {name: float(given.get("index", {}).get(name, coins.get(name, 1.0))) for name in names}
    items = {row["symbol"]: _binance_contract(row) for row in rows}
    wallet = {"USDT": given["um_wallet_usdt"], "BTC": given["cm_wallet_btc"]}
    held: Held = []
    for name in names:
        own, lent = given["margin"].get(name, [0.0, 0.0])
        held.append((asset("binance", name), own + wallet.get(name, 0.0), None))
        if lent:
            loan = Instrument("binance", f"loan {name}", Kind.DEBT, name, "USD", name)
            held.append((loan, -lent, None))
    for row in rows:
        size = row.get("qty", row.get("usd"))
        held.append((items[row["symbol"]], float(size), float(row["entry"])))
    tiers = {
        bracket_name(items[row["symbol"]]).split(".")[1]: [[0.0, 1e15, row["mmr"], 100.0, 0.0]]
        for row in rows
    }
    values = {"tier": tiers, "collateral": {name: {"rate": rates[name]} for name in names}}
    marks = {row["symbol"]: float(row["mark"]) for row in rows}
    found = _run("binance-pm", held, usd, marks, _with("binance-pm", values))
    pool = found.plan.pools[0]
    block = cut(found.book, pool, 0)
    profit = profit_since_entry(pool.instruments, found.priced[0].view, block, False)
    label = [pool.instruments.items[k].native_id for k in block.column.tolist()]
    ours = dict(zip(label, profit.tolist(), strict=True))
    for symbol, printed in expected["upl"].items():
        assert ours[symbol] == pytest.approx(printed, **_near(case)), symbol
    share = found.parameters.number("general.loan_mm_share")
    theirs = binance_pm.uni_mmr(binance_pm.account_of(given, usd, rates, share))
    counted, mm = float(found.sheet["counted_mm"][0]), float(found.sheet["mm"][0])
    assert counted == pytest.approx(theirs["adjusted_equity"], rel=1e-12)
    assert mm == pytest.approx(theirs["mm"], rel=1e-12)
    if "uniMMR" in expected:
        assert counted / mm == pytest.approx(expected["uniMMR"], **_near(case))


# ---------------------------------------------------------------- Paradex


def cross_perp_imr(case: dict[str, Any]) -> None:
    """Net IMR of one market: no fee, orders at the mark."""
    given = case["inputs"]
    perp = Instrument("paradex", "BTC-USD-PERP", Kind.PERPETUAL, "BTC", "USD", "USDC")
    mark = float(given["mark"])
    changes = {"general.perp_taker_fee": 0.0, "perpetual.BTC.imf": float(given["imf"])}
    parameters = overlay(available("paradex-xm")[-1], changes, "case")
    held: Held = [(perp, float(given["position"]), None)]
    orders = [
        (perp, sign * float(given[side]), mark)
        for side, sign in (("buy_orders", 1.0), ("sell_orders", -1.0))
        if given.get(side)
    ]
    found = _run("paradex-xm", held, {"BTC": mark}, {"BTC-USD-PERP": mark}, parameters, orders)
    net_imr = float(found.sheet["im"][0])
    assert net_imr == pytest.approx(case["expected"]["net_imr"], **_near(case))


def liquidation_share(case: dict[str, Any]) -> None:
    """Every share of the venue's table, and the one that it chooses; the fee is the table's."""
    given, expected = case["inputs"], case["expected"]
    coins = ("BTC", "ETH")  # the page names no market
    marks = {c: float(row["mark"]) for c, row in zip(coins, given["positions"], strict=True)}
    cash = asset("paradex", "USDC")
    held: Held = [(cash, float(given["usdc"]), None)]
    for coin, row in zip(coins, given["positions"], strict=True):
        perp = Instrument("paradex", f"{coin}-USD-PERP", Kind.PERPETUAL, coin, "USD", "USDC")
        held.append((perp, float(row["qty"]), float(row["entry"])))
    changes = {"general.perp_taker_fee": 0.0}
    half = available("paradex-xm")[-1].number("general.mmf_factor")
    changes |= {f"perpetual.{coin}.imf": float(given["mmf"]) / half for coin in coins}
    parameters = overlay(available("paradex-xm")[-1], changes, "case")
    quoted = {f"{coin}-USD-PERP": mark for coin, mark in marks.items()}
    base = _run("paradex-xm", held, marks, quoted, parameters)
    near = _near(case)

    def liquidated(target: float | None) -> Outcome:
        changed: dict[str, object] = {"rounds.fee_of_mm": float(given["liq_fee_used_in_table"])}
        if target is not None:
            changed["rounds.target_ratio"] = target
        rules = Rules.as_of("paradex-liquidation", AS_OF_MS, changed)
        rounds = Rounds(model_named("paradex-xm"), parameters, rules, "paradex", "USDC")
        return rounds.run(base.book, lambda _: base.view, AS_OF_MS)

    for share, row in expected["table"].items():
        # The table is cut after the third digit: the first ratio under it is that share's own.
        step = liquidated(float(row["ratio"]) + 2e-3).steps[0]
        figures = step.figures
        assert step.share == pytest.approx(float(share), **near)
        assert figures["mm"] == pytest.approx(expected["mmr"], **near)
        assert figures["equity"] == pytest.approx(expected["account_value"], **near)
        assert figures["mm_after"] == pytest.approx(row["mmr"], **near)
        assert figures["fee"] == pytest.approx(row["penalty"], **near)
        assert figures["equity_after"] == pytest.approx(row["av"], **near)
        assert figures["ratio_after"] == pytest.approx(row["ratio"], **near)
    found = liquidated(None)
    assert found.steps[0].share == pytest.approx(expected["chosen_share"], **near)
    place = found.left.instruments.index_of()[cash.key]
    left = found.left.quantity[found.left.column == place]
    assert left.tolist() == pytest.approx([expected["left_usdc"]], **near)


# ---------------------------------------------------------------- Hyperliquid, Coinbase


def borrowable(case: dict[str, Any]) -> None:
    """What a balance of collateral can be borrowed against."""
    given = case["inputs"]
    changes = {"collateral.HYPE.ltv": float(given["ltv"])}
    parameters = overlay(available("hyperliquid-pm")[-1], changes, "case")
    held: Held = [(asset("hyperliquid", "HYPE"), float(given["balance"]), None)]
    found = _run("hyperliquid-pm", held, {"HYPE": float(given["price"])}, {}, parameters)
    ours = float(found.sheet["borrowable"][0])
    assert ours == pytest.approx(case["expected"]["borrowable"], **_near(case))


def collateral_weight(case: dict[str, Any]) -> None:
    """What a balance of that value counts."""
    given = case["inputs"]
    values = {"collateral": {"BTC": {"weight": float(given["weight"])}}}
    held: Held = [(asset("coinbase-intl", "BTC"), 1.0, None)]
    parameters = _with("coinbase-intl", values)
    found = _run("coinbase-intl", held, {"BTC": float(given["notional"])}, {}, parameters)
    ours = np.array([found.sheet["counted_im"][0], found.sheet["counted_mm"][0]])
    assert ours == pytest.approx(case["expected"]["collateral_value"], **_near(case))


CASES: Mapping[tuple[str, str], Callable[[dict[str, Any]], None]] = {
    ("binance", "portfolio_margin_uniMMR"): uni_mmr,
    ("paradex", "cross_perp_imr"): cross_perp_imr,
    ("paradex", "liquidation_share"): liquidation_share,
    ("hyperliquid", "borrowable"): borrowable,
    ("coinbase_international", "collateral_weight"): collateral_weight,
}
