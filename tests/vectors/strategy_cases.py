"""Cases of strategy-based margin from CSV files, as legs and rates of the engine."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crossmargin.margin.families.strategy_columns import columns_of, costs_of
from crossmargin.margin.families.strategy_names import Found, found_in
from crossmargin.margin.families.strategy_pairing import paired
from crossmargin.margin.families.strategy_rules import Leg, Legs, Rates

MULTIPLIER = 100.0
_RIGHT = {"C": 1, "P": -1}


@dataclass(frozen=True)
class Case:
    """One book: whole contracts, and shares that make no whole contract."""

    name: str
    file: str
    legs: tuple[Leg, ...]
    rates: Rates
    odd: tuple[tuple[float, float], ...] = ()  # price and shares over a whole contract
    row: dict[str, str] | None = None

    def needs(self, rates: Rates) -> tuple[float, tuple[Found, ...]]:
        """Dollars of the best pairing of whole contracts, and its strategies."""
        table = Legs.of(self.legs)
        columns = columns_of(table, rates.far_days)
        cost = costs_of(columns, table, rates)
        found = paired(columns, table, cost, whole=True)
        share = 1.0 if rates.cash else rates.linear_long
        odd = sum(price * shares * share for price, shares in self.odd)
        return found.total(cost) * MULTIPLIER + odd, found_in(found, table, cost)

    def cash(self, rates: Rates) -> float:
        """Dollars in a cash account."""
        return self.needs(replace(rates, cash=True))[0]


def given(metafunc: pytest.Metafunc, cases: list[Case], pattern: str) -> None:
    """One test a case; a single skipped one, with the reason, where there is none."""
    if "sample" not in metafunc.fixturenames:
        return
    reason = f"no case in {pattern} of the --vectors folder: give one with --vectors DIR"
    absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))
    rows = [pytest.param(case, id=f"{case.name}-{k}") for k, case in enumerate(cases)]
    metafunc.parametrize("sample", rows or [absent])


def rows_of(metafunc: pytest.Metafunc, pattern: str) -> list[tuple[str, dict[str, str]]]:
    """(file name, row) of every CSV file that matches; empty where the folder is absent."""
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    out = []
    for path in sorted(folder.glob(pattern)):
        with path.open(encoding="utf-8", newline="") as stream:
            out += [(path.name, row) for row in csv.DictReader(stream)]
    return out


def peer_case(file: str, row: dict[str, str]) -> Case:
    """``C:K125:q1:p5:d0;STK:95@92.38``: options in contracts, shares in ones."""
    spot, kind = float(row["underlying_price"]), row["etf_type"]
    legs: list[Leg] = []
    odd: list[tuple[float, float]] = []
    for word in row["legs(type:K:q:price:days_to_expiry)"].split(";"):
        if word.startswith("STK:"):
            shares, price = (float(part) for part in word.removeprefix("STK:").split("@"))
            whole = int(abs(shares) // MULTIPLIER) * (1 if shares > 0 else -1)
            if whole:
                legs.append(Leg(0, float(whole), price, spot=spot))
            if abs(shares) > abs(whole) * MULTIPLIER:
                odd.append((price, abs(shares) - abs(whole) * MULTIPLIER))
            continue
        right, *numbers = word.split(":")
        strike, size, price, days = (float(text[1:]) for text in numbers)
        legs.append(Leg(_RIGHT[right], size, price, strike, spot, days, int(days)))
    rates = Rates(
        short_share=0.15 if kind == "broad-based" else 0.20,
        leverage=float(row["leverage"]),
        index=bool(kind),
        proceeds_held=True,
    )
    return Case(row["case"], file, tuple(legs), rates, tuple(odd), row)


def leaflet_case(file: str, row: dict[str, str]) -> Case:
    """``stock@97.73x10000 C100@1.68x-100``; a fund at a tenth of its index counts ten to one."""
    spot = float(row["spot"])
    legs = []
    for word in row["legs"].split():
        name, _, rest = word.partition("@")
        price, _, size = rest.partition("x")
        if name == "stock":
            ratio = round(spot / float(price))
            contracts = float(size) / (ratio * MULTIPLIER)
            legs.append(Leg(0, contracts, float(price) * ratio, spot=spot))
            continue
        legs.append(
            Leg(_RIGHT[name[0]], float(size), float(price), float(name[1:]), spot, 57.0, 57)
        )
    rates = Rates(short_share=0.15 if row["underlying"] == "SPX" else 0.20)
    name = f"{row['strategy']}-{row['underlying']}".replace(" ", "_")
    return Case(name, file, tuple(legs), rates, (), row)
