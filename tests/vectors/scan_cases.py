"""Cases of the venues whose models are members of the scan family."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from crossmargin.core.clock import DAY_MS, utc_ms
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin import Requirement, model_named, parameters_for, run
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.pools import cut
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, book_of, delta_one, option, view_of

__all__ = ["bit", "bybit", "gate_spot"]

CONTINGENCIES = {
    "optionContingency": "option_contingency",
    "optionVegaContingency": "vega_spread",
    "usdtUsdcContingency": "depeg",
    "futureContingency": "futures_contingency",
}
# The delta spread is inferred from one number, which it meets to this share.
DELTA_SPREAD_REL = 0.0013


def _vector(found: Requirement) -> list[float]:
    priced = found.priced[0]
    full = found.via.vector(priced, cut(found.book, priced.pool, 0))
    assert full is not None
    return [float(x) for x in full[0]]


# ---------------------------------------------------------------- Bybit portfolio margin


def _bybit_parameters(case: dict[str, Any], now_ms: int) -> Parameters:
    """The set in force; what the case states of the rule must be what the set has."""
    chosen = parameters_for(model_named("bybit-pm"), now_ms)
    said = case.get("params_inferred", {})
    stated = {
        "vega_power": "general.vega_power_short",
        "future_contingency_factor": "asset.BTC.futures_factor",
        "im_factor": "level.im_factor",
    }
    for name, entry in stated.items():
        if name in said:
            assert chosen.number(entry) == said[name], name
    changes = {"form.coins": "hedge_gains"} if "spot_hedge_size" in case["inputs"] else {}
    return overlay(chosen, changes, "spot hedging on")


def _bybit_run(case: dict[str, Any]) -> Requirement:
    held, said = case["inputs"], case["params_inferred"]
    now = int(held["time_ms"])
    items = {row["symbol"]: parse("bybit", row["symbol"]) for row in held["positions"]}
    coins = {item.underlying for item in items.values()}
    table = Instruments.of([*items.values(), *(asset("bybit", coin) for coin in sorted(coins))])
    usdt, index_usd = said["usdt_usd"], held["index_inferred"]
    usd = {"USD": 1.0, "USDT": usdt, "USDC": 1.0}
    quotes, dated = {}, {}
    for row in held["positions"]:
        item = items[row["symbol"]]
        mark = row.get("mark", row.get("mark_reported"))
        quotes[row["symbol"]] = Quote(mark, said["iv"] if item.kind is Kind.OPTION else 0.0)
        if item.kind is not Kind.PERPETUAL:
            dated[item.expiry_ms] = Dated(said["forward"], item.expiry_ms - now)
    facts = Facts(
        as_of_ms=now,
        index={pair: index_usd / usd[pair[1]] for pair in table.pairs if pair[0] in coins},
        usd={**usd, **dict.fromkeys(coins, index_usd)},
        dated=dated,
        quotes=quotes,
    )
    sizes = [(row["symbol"], row["qty"]) for row in held["positions"]]
    sizes += [(coin, held.get("spot_hedge_size", 0.0)) for coin in coins]
    book = book_of(table, {ACCOUNT: sizes})
    return run(book, view_of(table, facts), model_named("bybit-pm"), _bybit_parameters(case, now))


def bybit(case: dict[str, Any]) -> None:
    """Option and future P&L of each scenario, the account's, the contingencies, MM and IM."""
    found, expected = _bybit_run(case), case["expected"]
    assert found.failures == ()
    priced = found.priced[0]
    part = priced.pool.instruments
    held = {part.items[c].native_id: q for c, q in zip(*_lines(found), strict=True)}
    place = {item.native_id: k for k, item in enumerate(part.items)}
    moves = priced.scenarios.move[::3]
    for row in case["inputs"]["positions"]:
        grid = priced.risk.scenario_pnl()[place[row["symbol"]]] * held[row["symbol"]]
        grid = grid.reshape(len(moves), 3)  # up, same, down
        option_row = part.items[place[row["symbol"]]].kind is Kind.OPTION
        printed = expected["option_pnls_[up,same,down]" if option_row else "perp_pnl_per_move"]
        for move, numbers in printed.items():
            at = int(np.argmin(np.abs(moves - float(move))))
            assert grid[at] == pytest.approx(numbers, abs=1e-8), (row["symbol"], move)
    account = np.array(_vector(found)).reshape(len(moves), 3)
    for move, number in expected.get("all_pnl", {}).items():  # printed to four places
        at = int(np.argmin(np.abs(moves - float(move))))
        assert account[at].min() == pytest.approx(number, abs=1e-4), move
    for printed, column in CONTINGENCIES.items():
        ours = float(found.sheet[column][0])
        assert ours == pytest.approx(expected["contingency"][printed], abs=1e-7), printed
    spread = expected["contingency"]["futureDeltaContingency"]
    assert float(found.sheet["basis"][0]) == pytest.approx(spread, rel=DELTA_SPREAD_REL)
    near = float(case["tolerance"]["assetMM"])
    assert float(found.sheet["mm"][0]) == pytest.approx(expected["assetMM"], abs=near)
    ratio = expected["assetIM"] / expected["assetMM"]
    assert float(found.sheet["im"][0] / found.sheet["mm"][0]) == pytest.approx(ratio, rel=1e-12)
    move, shock = expected["maxLossPriceMove"], expected["maxLossIvShock"]
    label = f"{100.0 * move:+.4g} %, vol {100.0 * shock:+.4g} %"
    assert found.scenario_label(0) == label


def _lines(found: Requirement) -> tuple[list[int], list[float]]:
    own = cut(found.book, found.priced[0].pool, 0)
    return own.column.tolist(), own.quantity.tolist()


# ---------------------------------------------------------------- BIT.com


def bit(case: dict[str, Any]) -> None:
    """Scenario loss of a future and an option, by the example's own rounding."""
    given = case["inputs"]
    now = int(datetime.fromisoformat(given["time"]).timestamp() * 1000)
    future, leg = given["legs"]
    coin = "inverse_perp_btc" in future
    price = float(future["price"])
    terms = {"underlying": "BTC", "quote": "USD" if coin else "USDT"}
    terms |= {"settle": "BTC" if coin else "USDT", "inverse": coin}
    perpetual = delta_one("bit", "PERP", **terms)
    right = 1 if "call" in leg else -1
    year, month, day = (int(x) for x in leg["expiry"].split("-"))
    expiry = utc_ms(year, month, day, 8)
    contract = option("bit", "OPTION", right, float(leg["K"]), expiry, **terms)
    table = Instruments.of([perpetual, contract])
    size = float(future["inverse_perp_btc"]) * price if coin else float(future["perp"])
    facts = Facts(
        as_of_ms=now,
        index={("BTC", terms["quote"]): price},
        usd={"BTC": price, "USD": 1.0, "USDT": 1.0},
        dated={expiry: Dated(price, expiry - now)},
        quotes={"PERP": Quote(price), "OPTION": Quote(0.0, float(leg["iv"]))},
    )
    rules = model_named("bit-pm")
    chosen = parameters_for(rules, now)
    assert chosen.get("asset.BTC.moves")[-1][0] == given["moves"]
    assert [row[0] for row in chosen.get("asset.BTC.vols")] == [
        given["vol_up"],
        0.0,
        -given["vol_down"],
    ]
    rows = [("PERP", size), ("OPTION", float(leg["call" if right > 0 else "put"]))]
    found = run(book_of(table, {ACCOUNT: rows}), view_of(table, facts), rules, chosen)
    loss = float(found.sheet["scan_risk"][0]) / (price if coin else 1.0)
    printed = case["expected"].get("scenario_loss", case["expected"].get("scenario_loss_btc"))
    assert loss == pytest.approx(printed, abs=float(case["tolerance"]))
    move, vol = case["expected"]["worst"].split(" / ")
    assert found.scenario_label(0).startswith(move.replace("%", " %"))
    assert ("vol +" in found.scenario_label(0)) is (vol == "vol up")
    assert expiry - now > DAY_MS


# ---------------------------------------------------------------- Gate


def gate_spot(case: dict[str, Any]) -> None:
    """Spot in use: as much as offsets the net delta of the derivatives."""
    given, expected = case["inputs"], case["expected"]
    price = 50_000.0
    perpetual = delta_one("gate", "BTC_USDT", underlying="BTC", quote="USDT")
    table = Instruments.of([perpetual, asset("gate", "BTC")])
    facts = Facts(
        as_of_ms=utc_ms(2026, 6, 1),
        index={("BTC", "USDT"): price},
        usd={"BTC": price, "USDT": 1.0, "USD": 1.0},
        quotes={"BTC_USDT": Quote(price)},
    )
    rules = model_named("gate-pm")
    chosen = overlay(parameters_for(rules, facts.as_of_ms), {"form.coins": "hedge"}, "spot hedge")

    def losses(spot: float, delta: float) -> list[float]:
        book = book_of(table, {ACCOUNT: [("BTC_USDT", delta), ("BTC", spot)]})
        return _vector(run(book, view_of(table, facts), rules, chosen))

    spot, delta = float(given["spot_btc"]), float(given["derivative_net_delta"])
    used = float(expected["spot_in_use"])
    assert used + float(expected["free"]) == spot
    both, alone = np.array(losses(spot, delta)), np.array(losses(0.0, delta))
    moves = np.array(losses(0.0, 1.0)) / price
    assert both - alone == pytest.approx(used * price * moves, abs=1e-9 * price)
