"""Venues' own payloads and examples through their models, to the printed digits."""

from __future__ import annotations

import re
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Reported
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import cut
from tests.vectors import cex_okx as okx
from tests.vectors import cex_standard as standard
from tests.vectors import scan_cases
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, book_of, delta_one, option, view_of
from tests.vectors.recording import seen

FILE = "cex_vectors.json"
AS_OF_MS = 1_740_000_000_000
DAY_MS = 86_400_000
STANDARD, VOLS, TAILS = 27, 3, 8  # prices x vols, then the extended table
HOLDS = ("open_orders_margin", "mmp_margin", "spot_margin")
CROSS = "CROSS"  # the currency that the venue gives for the account as a whole
# The venue's name of a parameter -> the model's, where they differ.
RENAMED = {
    "delta_total_liq_shock_threshold": "delta_total_liq_shock_threshold_usd",
    "extended_dampener": "extended_dampener_usd",
    "max_offsetable_pnl": "max_offsetable_pnl_usd",
}
COUNTS = {"buckets_count": 4, "vol_scenarios_count": 3}  # the shape of the table is the model's


def test_case(case: dict[str, Any]) -> None:
    venue, kind = case["venue"], case["model"]
    if venue == "deribit" and kind.endswith("_pm"):
        _portfolio(case)
    elif venue == "deribit" and kind == "standard_margin_linear_perp":
        _standard(case)
    elif venue == "paradex" and kind == "min_delta":
        _min_delta(case)
    elif venue == "okx" and "simPos" in case["inputs"]:
        okx.builder(case)
    elif venue == "okx" and "BTC_spot" in case["inputs"]:
        okx.spot_hedge(case)
    elif venue == "okx" and okx.is_depeg(case):
        okx.depeg(case)
    elif venue == "bybit" and kind == "uta_portfolio_margin":
        scan_cases.bybit(case)
    elif venue == "bit.com" and kind.startswith("pm_"):
        scan_cases.bit(case)
    elif venue == "gate" and kind == "spot_hedge_use":
        scan_cases.gate_spot(case)
    elif (venue, kind) in standard.CASES:
        standard.CASES[venue, kind](case)
    else:
        pytest.skip(f"model not in this version: {venue} {kind}")


def _near(case: dict[str, Any]) -> dict[str, float]:
    return {"rel": float(case["tolerance"]), "abs": float(case["tolerance"])}


# ---------------------------------------------------------------- Deribit portfolio margin


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in values.items()}


def _portfolio_values(case: dict[str, Any]) -> dict[str, Any]:
    given, coin = case["params"], case["inputs"]["currency"]
    general = dict(given["general"])
    for name, count in COUNTS.items():
        assert general.pop(name, count) == count
    currencies = {name for name in given if name not in ("pair", "general")}
    return {
        "general": general,
        "reading": {"vol_shock": "relative"},
        "pair": {coin: _renamed(given["pair"])},
        "currency": {name.upper(): _renamed(given[name]) for name in currencies},
    }


def _as_of_ms(case: dict[str, Any], items: list[Instrument]) -> int:
    """The time printed with the case, else ten days before its first expiry."""
    printed = re.search(r"timestamp (\d{13})", case["source"])
    if printed:
        return int(printed[1])
    dated = [item.expiry_ms for item in items if item.kind is not Kind.PERPETUAL]
    return min(dated) - 10 * DAY_MS if dated else AS_OF_MS


def _portfolio_run(case: dict[str, Any]) -> Requirement:
    held = case["inputs"]
    items = {name: parse("deribit", name) for name in held["positions"]}
    now = _as_of_ms(case, list(items.values()))
    instruments = Instruments.of(items.values())
    sizes = []
    for name, row in held["positions"].items():
        item = items[name]
        units = row["size_coin"] * row["mark"] if item.inverse else row["size_coin"]
        sizes.append((name, units / item.multiplier))
    holds = {name: float(held.get(name, 0.0)) for name in HOLDS}
    book = book_of(
        instruments,
        {ACCOUNT: sizes},
        Reported(holds={(ACCOUNT, held["currency"]): holds}),
    )
    facts = Facts(
        as_of_ms=now,
        index={(item.underlying, item.quote): held["index_price"] for item in items.values()},
        usd={held["currency"]: held["index_price"], "USD": 1.0},
        dated={
            item.expiry_ms: Dated(held["positions"][name]["mark"], item.expiry_ms - now)
            for name, item in items.items()
            if item.kind is not Kind.PERPETUAL
        },
        quotes={name: Quote(mark=row["mark"]) for name, row in held["positions"].items()},
    )
    # A simulation of one currency is in its own coin, whatever the account's margin model is.
    name = "deribit-xpm" if held["currency"] == CROSS else "deribit-spm"
    parameters = from_values(name, "vector", _portfolio_values(case), case["source"])
    return run(book, view_of(instruments, facts), model_named(name), parameters)


def _check_vectors(case: dict[str, Any], found: Requirement) -> None:
    """Risk vectors of each instrument (the position's) and of the account."""
    near, expected, book = _near(case), case["expected"], found.book
    held = dict(zip(book.column.tolist(), book.quantity.tolist(), strict=True))
    table = book.instruments.index_of()
    pool = found.plan.pools[0].instruments.index_of()
    for name, printed in expected.get("initial_risk_vectors", {}).items():
        key = ("deribit", name)
        vector = np.asarray(found.priced[0].risk.pnl[pool[key]]) * held[table[key]]
        # Futures do not feel the vol: each of the three entries of a price is the printed one.
        for vol in range(VOLS):
            ours = vector[vol:STANDARD:VOLS]
            assert ours == pytest.approx(printed["standard_by_price"], **near), name
        ours = vector[STANDARD : STANDARD + TAILS]
        assert ours == pytest.approx(printed["extended"], **near), name
    account = _account_vector(found)
    for vol in range(VOLS):
        ours = account[vol:STANDARD:VOLS]
        assert ours == pytest.approx(expected["aggregated_standard_by_price"], **near)
    ours = account[STANDARD : STANDARD + TAILS]
    assert ours == pytest.approx(expected["aggregated_extended"], **near)


def _account_vector(found: Requirement) -> np.ndarray:
    """P&L of the first account in every scenario, after offset and dampener."""
    model = model_named(found.model.name)
    vector = model.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert vector is not None
    return np.asarray(vector)[0]


def _portfolio(case: dict[str, Any]) -> None:
    found = _portfolio_run(case)
    assert found.failures == ()
    near, expected = _near(case), case["expected"]
    _check_vectors(case, found)
    columns = {
        "worst_case": "worst_case_unrounded",
        "roll_shock": "roll_shock",
        "delta_shock": "delta_shock",
        "correlation_contingency": "correlation_contingency",
        "risk_matrix_margin": "risk_matrix_margin",
        "initial_margin": "im",
        "maintenance_margin": "mm",
    }
    for printed, column in columns.items():
        if printed in expected:
            ours = float(found.sheet[column][0])
            seen(found.model.name, "example", FILE, case["id"], ours, expected[printed])
            assert ours == pytest.approx(expected[printed], **near), printed
    bucket = expected.get("worst_case_bucket")
    if bucket and bucket["source"] == "standard":
        # The venue counts from 1 and names the first vol entry of the price.
        assert int(found.scenario[0]) == bucket["index"] - 1
        assert bucket["bucket"] == int(found.scenario[0]) // VOLS + 1


# ---------------------------------------------------------------- Deribit standard margin


def _standard(case: dict[str, Any]) -> None:
    held = case["inputs"]
    coin, price = held["ccy"], float(held["price"])
    name = f"{coin}_USDC-PERPETUAL"
    perpetual = delta_one("deribit", name, underlying=coin, quote="USDC")
    instruments = Instruments.of([perpetual])
    rates = {
        "im_base": float(held["base_rate"]),
        "mm_base": float(held["base_rate"]),
        "increment": float(held["increment_per_coin"]),
        "leverage": 1.0,
    }
    values = {
        "option": {"im_itm_share": 0.15, "im_least_share": 0.10, "mm_share": 0.075},
        "reading": {"future_rule": "increment"},
        "future_tier": {"mm_fraction": 2.0 / 3.0},
        "future": {coin: rates},
    }
    facts = Facts(
        as_of_ms=AS_OF_MS,
        index={(coin, "USDC"): price},
        usd={coin: price, "USDC": 1.0, "USD": 1.0},
        quotes={name: Quote(mark=price)},
    )
    found = run(
        book_of(instruments, {ACCOUNT: [(name, float(held["size_coin"]))]}),
        view_of(instruments, facts),
        model_named("deribit-sm"),
        from_values("deribit-sm", "vector", values, case["source"]),
    )
    assert found.failures == ()
    assert set(case["expected"]) <= {"IM", "MM"}
    for level, number in case["expected"].items():
        ours = float(found.sheet[level.lower()][0])
        seen("deribit-sm", "example", FILE, case["id"], ours, number)
        assert ours == pytest.approx(number, **_near(case))


# ---------------------------------------------------------------- Paradex


def _min_delta_book(case: dict[str, Any]) -> tuple[Book, Facts]:
    """Legs of the given deltas: delta 1 is a perpetual, any other a call of a year at vol 0.5.

    The strike that gives a call its printed delta follows from N(d1) = delta.
    """
    held = case["inputs"]
    spot = float(held["spot"])
    expiry_ms = AS_OF_MS + 365 * DAY_MS
    items, sizes, quotes = [], [], {}
    for place, (size, delta) in enumerate(held["legs"]):
        if delta == 1.0:
            name = f"PERP-{place}"
            items.append(delta_one("paradex", name, underlying="BTC", settle="USDC"))
            quotes[name] = Quote(mark=spot)
        else:
            # The spread is 0.5, so d1 = ln(F / K) / 0.5 + 0.25.
            d1 = NormalDist().inv_cdf(delta)
            strike = spot * float(np.exp(-0.5 * (d1 - 0.25)))
            name = f"CALL-{place}"
            items.append(
                option("paradex", name, 1, strike, expiry_ms, underlying="BTC", settle="USDC")
            )
            quotes[name] = Quote(vol=0.5)
        sizes.append((name, float(size)))
    instruments = Instruments.of(items)
    facts = Facts(
        as_of_ms=AS_OF_MS,
        index={("BTC", "USD"): spot},
        usd={"BTC": spot, "USDC": 1.0, "USD": 1.0},
        dated={expiry_ms: Dated(spot, expiry_ms - AS_OF_MS)},
        quotes=quotes,
    )
    return book_of(instruments, {ACCOUNT: sizes}), facts


def _min_delta(case: dict[str, Any]) -> None:
    held, expected = case["inputs"], case["expected"]
    book, facts = _min_delta_book(case)
    values = {
        "general": {
            "mmf_factor": 0.5,
            "funding_provision_hours": 0.0,
            "dte_floor_days": 1.0,
            "vega_power_short_dte": 0.3,
            "vega_power_long_dte": 0.13,
            "perp_taker_fee": 0.0,
            "option_taker_fee": 0.0,
            "option_fee_cap": 0.0,
        },
        "reading": {"min_vol_shock": "floor_of_shock"},
        "asset": {
            "BTC": {
                "scenarios": [[0.0, 0.0, 1.0]],  # nothing moves: the floor alone is left
                "min_vol_shock_up": 0.0,
                "unhedged_margin_factor": float(held["unhedged"]),
                "hedged_margin_factor": float(held["hedged"]),
            }
        },
    }
    found = run(
        book,
        view_of(book.instruments, facts),
        model_named("paradex-pm"),
        from_values("paradex-pm", "vector", values, "example of the venue's documentation"),
    )
    assert found.failures == ()
    near = _near(case)
    names = {c.name for c in found.sheet.columns}
    for printed in ("net_delta", "gross_delta", "hedged_delta"):
        if printed in names:
            assert float(found.sheet[printed][0]) == pytest.approx(expected[printed], **near)
    ours = float(found.sheet["min_delta_risk"][0])
    seen("paradex-pm", "example", FILE, case["id"], ours, expected["min_delta_risk"])
    assert ours == pytest.approx(expected["min_delta_risk"], **near)
    assert float(found.sheet["net_pimr"][0]) == pytest.approx(expected["min_delta_risk"], **near)
