"""Vectors of insurance, collars and option values: one checker an identifier.

The functions under test take forwards; what a source states of spot, rate and yield is turned into
forwards here, from the definition of each Greek.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from crossmargin.decisions.insurance import (
    cppi_exposure,
    cppi_terminal,
    gap_probability,
    multiplier_of_crash,
    obpi,
    zero_cost_strike,
)
from crossmargin.decisions.insurance_paths import Rule, simulate
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import black_value

Case = dict[str, Any]


def _near(found: float, wanted: float, allowed: float) -> None:
    assert abs(found - wanted) <= allowed * max(1.0, abs(wanted)), (found, wanted, allowed)


def _tolerance(case: Case, name: str = "") -> float:
    given = case["tolerance"]
    if isinstance(given, dict):
        return float(given.get(name, min(given.values())))
    return float(given)


def _spot(row: Case) -> dict[str, float]:
    """Value and Greeks by spot of one option with yield ``q``, from those by forward."""
    s, k, r, q = (float(row[name]) for name in ("S", "K", "r", "q"))
    years, vol = float(row["T"]), float(row["vol"])
    side = 1.0 if row["type"] == "call" else -1.0
    paid, grown = math.exp(-r * years), math.exp((r - q) * years)
    found = greeks([s * grown], [k], [years], [vol], [side], [paid])
    value, slope = float(found.value[0]), float(found.delta[0])
    delta = slope * grown
    return {
        "value": value,
        "delta": delta,
        "elasticity": delta * s / value,
        "gamma": float(found.gamma[0]) * grown * grown,
        "vega": float(found.vega[0]),
        # spot and vol stay while time passes: the forward and the discount move
        "theta": float(found.theta[0]) + r * value - (r - q) * s * delta,
        "rho": float(found.rho[0]),
        "rho_q": -years * s * delta,
    }


def _rows(case: Case) -> list[Case]:
    """Rows that name their cells, or lists of cells in the order of ``cols``."""
    names = [name.strip() for name in str(case["inputs"].get("cols", "")).split(",")]
    return [
        row if isinstance(row, dict) else dict(zip(names, row, strict=True))
        for row in case["expected"]["rows"]
    ]


def _haug_values(case: Case) -> None:
    rows = _rows(case)
    assert rows
    for row in rows:
        _near(_spot(row)["value"], row["value"], _tolerance(case))
        w = row["vol"] * math.sqrt(row["T"])
        grown = math.exp((row["r"] - row["q"]) * row["T"])
        side = 1.0 if row["type"] == "call" else -1.0
        value = black_value(row["S"] * grown, row["K"], w, side) * math.exp(-row["r"] * row["T"])
        _near(float(value), row["value"], _tolerance(case))


def _haug_greeks(case: Case) -> None:
    assert _rows(case)
    for row in _rows(case):
        _near(_spot(row)[row["greek"]], row["value"], _tolerance(case))


def _one_call(case: Case) -> dict[str, float]:
    return _spot({"type": "call", "q": 0.0, **case["inputs"]})


def _hull(case: Case) -> None:
    found = _one_call(case)
    found["price"] = found["value"]
    for name, wanted in case["expected"].items():
        assert abs(found[name] - wanted) <= _tolerance(case, name), (name, found[name], wanted)


def _fightfinance(case: Case) -> None:
    found, wanted = _one_call(case), case["expected"]
    given = case["inputs"]
    w = given["vol"] * math.sqrt(given["T"])
    d2 = (math.log(given["S"] / given["K"]) + (given["r"] - given["q"]) * given["T"]) / w - w / 2
    values = {
        "price": found["value"],
        "delta": found["delta"],
        "gamma": found["gamma"],
        "nd2": 0.5 * math.erfc(-d2 / math.sqrt(2.0)),
        "dC_dT_correct": -found["theta"],
    }
    for name, value in values.items():
        _near(value, wanted[name], _tolerance(case))
    # The page prints another number: it must stay told apart, and never be matched.
    assert abs(values["dC_dT_correct"] - wanted["page_prints_dC_dT"]) > 0.05


def _collar(case: Case) -> None:
    """Rows of collars, or one with prices of options beside it."""
    given, expected = case["inputs"], case["expected"]
    rows = expected.get("rows") or [{**given, **expected}]
    for row in rows:
        base = {**given, **row}
        forward = {"q": 0.0, **{n: base[n] for n in ("S", "vol", "T", "r", "q") if n in base}}
        seen = _option_prices(case, base, forward)
        strike = next((base[n] for n in ("Kput", "K_put", "put_strike", "K") if n in base), None)
        wanted = next((base[n] for n in _ZERO_COST if n in base), None)
        if strike is not None:
            put = _spot({**forward, "type": "put", "K": strike})["value"]
            if isinstance(base.get("put"), int | float):
                _near(put, base["put"], _tolerance(case))
                seen += 1
            if wanted is not None:
                years, rate = float(base["T"]), float(base["r"])
                ahead = base["S"] * math.exp((rate - forward["q"]) * years)
                found = zero_cost_strike(put, ahead, years, base["vol"], rate)
                _near(found, wanted, _tolerance(case))
                seen += 1
        assert seen, f"nothing of {sorted(row)} is known"


_ZERO_COST = ("zero_cost_call_strike", "zero_cost_strike", "Kcall", "call_strike")


def _option_prices(case: Case, row: Case, forward: Case) -> int:
    """How many calls and puts were checked: by strike, or as rows of strike, call and put."""
    wanted: list[tuple[str, float, float]] = []
    for kind in ("call", "put"):
        listed = row.get(f"{kind}s")
        if isinstance(listed, dict):
            wanted += [(kind, float(k), float(v)) for k, v in listed.items()]
    prices = row.get("prices")
    if isinstance(prices, dict):
        prices = [{"K": float(k), **v} for k, v in prices.items() if isinstance(v, dict)]
    for each in prices if isinstance(prices, list) else []:
        wanted += [(n, each["K"], each[n]) for n in ("call", "put") if each.get(n) is not None]
    for kind, strike, value in wanted:
        _near(_spot({**forward, "type": kind, "K": strike})["value"], value, _tolerance(case))
    return len(wanted)


def _cppi_first_step(case: Case) -> None:
    given, wanted = case["inputs"], case["expected"]
    m = multiplier_of_crash(given["crash"]) if "crash" in given else given["m"]
    exposure = float(cppi_exposure(given["V"], given["floor"], m))
    found = {"multiplier": m, "exposure": exposure, "safe": given["V"] - exposure}
    for name, value in wanted.items():
        _near(found[name], value, _tolerance(case))


def _cppi_path(case: Case) -> None:
    given = case["inputs"]
    rule = Rule("cppi", floor=given["floor"], multiplier=given["m"], cap=given["cap"])
    found = simulate([given["S"]], rule, given["dt"], rate=given["r"])
    for row in case["expected"]["rows"]:
        t = row["t"]
        value, floor = found.value[0, t], found.floor[0, t]
        for name, number in (
            ("V", value),
            ("F", floor),
            ("C", max(value - floor, 0.0)),
            ("E", found.exposure[0, t]),
        ):
            _near(float(number), row[name], _tolerance(case))
    steps = np.diff(given["S"]) / np.array(given["S"])[:-1]
    if (steps < -1.0 / given["m"]).any():
        assert found.breached[0]


def _cppi_continuous(case: Case) -> None:
    given = case["inputs"]
    for price, wanted in case["expected"]["V_T"].items():
        found = cppi_terminal(
            float(price) / given["S0"],
            value=given["V0"],
            floor=given["F0"],
            multiplier=given["m"],
            rate=given["r"],
            vol=given["sigma"],
            years=given["T"],
        )
        _near(float(found), wanted, _tolerance(case))


def _gap(case: Case) -> None:
    given = case["inputs"]
    for row in case["expected"]["rows"]:
        # n is printed whole; the chance of a year is of 365 days, 52.14 weeks
        steps = 365.0 / row["dt_days"]
        assert int(steps) == row["n"]
        years = row["dt_days"] / 365.0
        found = gap_probability(row["m"], years, steps, given["sigma"], given["mu"])
        _near(found.step, row["p_step"], _tolerance(case))
        _near(found.any, row["p_year"], _tolerance(case))


def _obpi(case: Case) -> None:
    assert case["expected"]["rows"]
    for row in case["expected"]["rows"]:
        found = obpi(row["V0"], row["floor"], row["S0"], row["vol"], row["T"], row["r"])
        for name, value in (
            ("K", found.strike),
            ("N", found.units),
            ("put", found.put),
            ("upside_capture", found.units),
        ):
            _near(value, row[name], _tolerance(case))


def _greeks(case: Case) -> None:
    """Any case of Greeks: a table, one that states a wrong number of its page, or one option."""
    wanted = case["expected"]
    if "rows" in wanted:
        _haug_greeks(case)
    elif "dC_dT_correct" in wanted:
        _fightfinance(case)
    else:
        _hull(case)


def _cppi(case: Case) -> None:
    """Any case of CPPI, by what it states."""
    rows = case["expected"].get("rows")
    if "V_T" in case["expected"]:
        _cppi_continuous(case)
    elif rows is None:
        _cppi_first_step(case)
    elif "p_step" in rows[0]:
        _gap(case)
    else:
        _cppi_path(case)


def _protection(case: Case) -> None:
    """Any other case of protection, by its inputs."""
    given = case["inputs"]
    if "floor" in given or "F0" in given or "cases" in given:
        _cppi(case)
    else:
        _collar(case)


CHECKERS: dict[str, Callable[[Case], None]] = {
    "cppi_investopedia": _cppi_first_step,
    "tipp_newbelgiandentist": _cppi_first_step,
    "cppi_path_computed": _cppi_path,
    "cppi_continuous": _cppi_continuous,
    "cppi_gap_probability": _gap,
    "obpi_self_financed": _obpi,
    "collar_crypto_computed": _collar,
    "haug_bs_values": _haug_values,
    "haug_greeks": _haug_greeks,
    "hull_49_50": _hull,
    "fightfinance_834": _fightfinance,
    # other cases of the same topics
    "protection/CPPI": _cppi,
    "protection/TIPP": _cppi,
    "protection/OBPI": _obpi,
    "protection/collar": _collar,
    "protection": _protection,
    "option price": _haug_values,
    "greeks": _greeks,
}
