"""OKX's cases: the position builder's reply, a spot hedge, hedges between stablecoins."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Parameters, Requirement, model_named, parameters_for, run
from crossmargin.margin.families.quote_hedges import cumulative_charge, hedged_pairs
from crossmargin.margin.models.okx_pm_charges import PAIRS
from crossmargin.margin.parameter_files import overlay
from tests.vectors.building import ACCOUNT, Facts, Quote, asset, view_of

MODEL = model_named("okx-pm")


def near(case: dict[str, Any], least: float = 1e-9) -> dict[str, float]:
    """The bound of a case: a recorded reply is met to 1e-9 whatever its own bound is."""
    return {"rel": min(float(case["tolerance"]), least), "abs": 1e-9}


# ---------------------------------------------------------------- the position builder


def builder(case: dict[str, Any]) -> None:
    """Every term of every risk unit, and the account, of a simulated portfolio."""
    given, expected = case["inputs"], case["expected"]
    found = _simulated(case)
    sheet = found.sheet
    labels = [found.plan.pools[k].label for k in sheet.pool.tolist()]
    units = [name for name in expected if name != "account"]
    assert units == [label for label in labels if label != "account"]
    for unit in units:
        _unit(case, found, labels.index(unit), unit)
    row, printed = labels.index("account"), expected["account"]
    derivatives = sum(float(sheet["deriv_mmr"][labels.index(unit)]) for unit in units)
    im = sum(float(value) for value in sheet["im"])
    mmr = derivatives + float(sheet["borrow_mmr"][row])
    ratio = float(sheet["counted_mm"][row]) / (mmr + float(sheet["liquidation_cost"][row]))
    gross = sum(expected[unit]["notionalUsd"] for unit in units)
    ours = {
        "eq": float(sheet["equity"][row]),
        "upl": float(sheet["unrealised"][row]),
        "borrowMmr": float(sheet["borrow_mmr"][row]),
        "borrowImr_USDT": float(sheet["borrow_imr"][row]),
        "derivMmr": derivatives,
        "totalMmr": mmr,
        "totalImr": im,
        "marginRatio": ratio,
        "acctLever": gross / float(sheet["equity"][row]),
    }
    for name, number in printed.items():
        assert ours[name] == pytest.approx(number, **near(case)), name
    assert not found.at_least.any()
    assert given["acctLv"] == "4"


def _unit(case: dict[str, Any], found: Requirement, row: int, unit: str) -> None:
    printed, sheet = case["expected"][unit], found.sheet
    for name in ("mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9"):
        if name in printed:
            assert sheet[name][row] == pytest.approx(printed[name], **near(case)), (unit, name)
    assert sheet["deriv_mmr"][row] == pytest.approx(printed["mmr"], **near(case)), unit
    assert sheet["deriv_imr"][row] == pytest.approx(printed["imr"], **near(case)), unit
    priced = found.priced[int(sheet.pool[row])]
    assert priced.risk is not None and priced.scenarios is not None
    held = found.book.column.tolist()
    place = {int(c): k for k, c in enumerate(priced.pool.columns.tolist())}
    every = zip(held, found.book.quantity.tolist(), strict=True)
    mine = [(place[c], q) for c, q in every if c in place]
    delta = sum(q * float(priced.columns["cash_delta"][k]) for k, q in mine)
    assert delta == pytest.approx(printed["delta"], **near(case)), unit
    pnl = sum(q * priced.risk.scenario_pnl()[k] for k, q in mine)
    still = dict(zip(priced.scenarios.label, np.asarray(pnl).tolist(), strict=True))
    for move, number in printed.get("mr1_volSame", {}).items():
        label = f"{100.0 * float(move):+.4g} %, vol same"
        assert still[label] == pytest.approx(number, **near(case)), (unit, move)
    if "mr1FinalResult" in printed:
        worst = printed["mr1FinalResult"]
        label = found.scenario_label(row)
        assert label.startswith(f"{100.0 * worst['spotShock']:+.4g} %, vol {worst['volShock']}")
        assert -float(sheet["mr1"][row]) == pytest.approx(worst["pnl"], **near(case))
    if "mr6FinalResult" in printed:
        worst = printed["mr6FinalResult"]
        share = found.parameters.number("general.extreme_share")
        label = f"extreme {100.0 * worst['spotShock']:+.4g} %, x{share:.4g}"
        assert still[label] == pytest.approx(worst["pnl"], **near(case))


def _contract(position: dict[str, Any]) -> Instrument:
    size = float(position["ctVal"])
    return parse("okx", position["instId"], multiplier=size)


def _simulated(case: dict[str, Any]) -> Requirement:
    """The portfolio at the index that the case backs out; the balance that gives its equity."""
    given = case["inputs"]
    printed = re.search(r"\b(\d{13})\b", case["source"])
    now = int(printed[1]) if printed else utc_ms(2025, 1, 15, 12)
    items = {p["instId"]: _contract(p) for p in given["simPos"]}
    usdt = float(given["usdt_usd"])
    currency = {item.settle for item in items.values()} | {
        name.removeprefix("availEq_") for name in given if name.startswith("availEq_")
    }
    table = Instruments.of([*items.values(), *(asset("okx", name) for name in sorted(currency))])
    quotes, index, profit = {}, {}, dict.fromkeys(currency, 0.0)
    for position in given["simPos"]:
        item = items[position["instId"]]
        quotes[item.native_id] = Quote(mark=float(position["markPx"]))
        index[item.underlying, item.quote] = float(position["implied_index_usdt"])
        gain = float(position["markPx"]) - float(position["avgPx"])
        profit[item.settle] += float(position["pos"]) * item.multiplier * gain
    place = {item.native_id: row for row, item in enumerate(table.items)}
    lines = [
        Line(ACCOUNT, place[p["instId"]], float(p["pos"]), float(p["avgPx"]))
        for p in given["simPos"]
    ]
    for name in sorted(currency):
        equity = float(given.get(f"availEq_{name}", 0.0))
        lines.append(Line(ACCOUNT, place[name], equity - profit[name]))
    facts = Facts(now, index, {"USDT": usdt, "USD": 1.0, "USDC": 1.0}, {}, quotes)
    book = Book.of(table, lines)
    found = run(book, view_of(table, facts), MODEL, _parameters(case, now))
    assert found.failures == ()
    return found


def _parameters(case: dict[str, Any], now: int) -> Parameters:
    """The set in force then; what the case itself says of its rates goes before."""
    shipped, given = parameters_for(MODEL, now), case.get("params_inferred", {})
    changes: dict[str, Any] = {}
    tiers = {
        "mr1_moves": ("spot_tier", "spot_moves"),
        "mr4_rate": ("tier_of", "basis_least"),
        "mr6_move": ("tier_of", "extreme_move"),
        "mr7_rate": ("tier_of", "minimum_rate"),
    }
    for printed, (table, name) in tiers.items():
        for coin, value in given.get(printed, {}).items():
            tier = shipped.get(f"{table}.{coin}") if f"{table}.{coin}" in shipped else "other"
            own = [[move] for move in value] if isinstance(value, list) else value
            changes[f"tier.{tier}.{name}"] = own
    plain = {"imr_factor": "general.im_factor", "mr6_factor": "general.extreme_share"}
    changes |= {name: given[printed] for printed, name in plain.items() if printed in given}
    same = {name: value for name, value in changes.items() if shipped.get(name) != value}
    return overlay(shipped, same, case["id"]) if same else shipped


# ---------------------------------------------------------------- a perpetual hedged with spot


def spot_hedge(case: dict[str, Any]) -> None:
    """The example of June 2024, at the price that its minimum charge implies."""
    given, after = case["inputs"], case["expected"]["after"]
    name = next(key for key in given if key.endswith("_contracts")).removesuffix("_contracts")
    contracts = float(given[f"{name}_contracts"])
    perpetual = parse("okx", name, multiplier=float(given["ctVal"]))
    coin = perpetual.underlying
    pair = f"{coin}-{perpetual.quote}"
    table = Instruments.of(
        [perpetual, parse("okx", pair), asset("okx", coin), asset("okx", perpetual.settle)]
    )
    place = {item.native_id: row for row, item in enumerate(table.items)}
    now = utc_ms(2024, 6, 6)
    parameters = overlay(parameters_for(MODEL, now), {"rules.spot": perpetual.quote}, "its mode")
    rate = parameters.number("tier.first.minimum_rate")
    price = float(after["MR7"]) / rate / abs(contracts * perpetual.multiplier)
    facts = Facts(
        now,
        {(coin, perpetual.quote): price},
        {coin: price, perpetual.settle: 1.0, "USD": 1.0},
        {},
        {perpetual.native_id: Quote(mark=price), coin: Quote(mark=price), pair: Quote(mark=price)},
    )
    lines = [
        Line(ACCOUNT, place[name], contracts),
        Line(ACCOUNT, place[coin], float(given[f"{coin}_spot"])),
    ]
    buys = [
        Order(ACCOUNT, place[pair], 1, float(amount), price)
        for key, amount in given.items()
        if key.startswith("spot_buy_order")
    ]
    found = run(Book.of(table, lines, buys), view_of(table, facts), MODEL, parameters)
    assert float(found.sheet["order_margin"].sum()) == pytest.approx(0.0, abs=1e-6)
    bound = {"rel": float(case["tolerance"]), "abs": float(case["tolerance"])}
    ours = {"MMR": "deriv_mmr", **{f"MR{k}": f"mr{k}" for k in (1, 2, 3, 4, 5, 6, 7)}}
    for printed, number in after.items():
        for term in _terms(printed):
            assert float(found.sheet[ours[term]][0]) == pytest.approx(number, **bound), term
    bare = overlay(parameters, {"reading.basis_spot": "free"}, "before")
    found = run(Book.of(table, lines), view_of(table, facts), MODEL, bare)
    assert float(found.sheet["mr1"][0]) == pytest.approx(0.0, abs=1e-6)


def _terms(printed: str) -> list[str]:
    """``MR1,2,3,5,6`` as MR1, MR2, …; a single name as it is."""
    if "," not in printed:
        return [printed]
    return [f"MR{number}" for number in printed.removeprefix("MR").split(",")]


# ---------------------------------------------------------------- hedges between stablecoins


def is_depeg(case: dict[str, Any]) -> bool:
    """A case of MR9 alone: a hedged size and the tiers at the stablecoin's index."""
    text = f"{case.get('model', '')} {case.get('kind', '')} {case['id']}".lower()
    return "mr9" in text or "depeg" in text or _sized(case["inputs"]) is not None


def _sized(given: dict[str, Any]) -> float | None:
    """The hedged dollars of a case."""
    for name, value in given.items():
        if "hedge" in name.lower() and isinstance(value, int | float):
            return float(value)
    return None


def depeg(case: dict[str, Any]) -> None:
    """Slice by slice: the size that one quote hedges of another."""
    given = case["inputs"]
    size = _sized(given)
    rows = next((value for value in given.values() if isinstance(value, list)), None)
    if size is None or rows is None:
        pytest.skip(f"a form of MR9 that is not known: {sorted(given)}")
    edges, rates, below = [], [], 0.0
    for row in rows:
        numbers = list(row.values()) if isinstance(row, dict) else list(row)
        rate = float(numbers[-1])
        top = next((float(x) for x in reversed(numbers[:-1]) if x is not None), np.inf)
        below = max(below, top)
        edges.append(below)
        rates.append(rate)
    pair = hedged_pairs(np.array([[size, -size, 0.0]]), PAIRS)[0]
    charge, _ = cumulative_charge(pair, np.array(edges), np.array(rates))
    number = next(float(v) for v in case["expected"].values() if isinstance(v, int | float))
    assert float(charge[0]) == pytest.approx(number, rel=float(case.get("tolerance", 1e-9)))
