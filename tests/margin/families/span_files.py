"""SPAN files of random terms for tests: every kind of spread, tier, charge and method."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.margin.families.span_arrays import (
    Scan,
    composite_delta,
    future_arrays,
    option_arrays,
    standard_points,
)
from crossmargin.margin.families.span_engine import Rows, SpanResult, requirement, terms_of
from crossmargin.margin.families.span_terms import (
    Commodity,
    Contract,
    DeliveryRate,
    DeltaSpread,
    Leg,
    ScanLeg,
    ScanSpread,
    SpanFile,
    Tier,
)

PERIODS = ("202601", "202602", "202603", "202606", "202609")
SCAN = Scan(standard_points(2.0, 0.35), "forward", 1.0 / 365.0)
PRICE = {"AA": 100.0, "BB": 40.0}


def tier_legs(code: str, a: int, b: int) -> tuple[Leg, Leg]:
    """A tier against a tier, one to one."""
    return Leg(code, "A", 1.0, tier=a), Leg(code, "B", 1.0, tier=b)


def commodity(rng: np.random.Generator, code: str, scan_range: float) -> Commodity:
    """Terms drawn at random, every branch of them."""
    near, far = Tier(1, PERIODS[0], PERIODS[1]), Tier(2, PERIODS[2], PERIODS[-1])
    ratio = float(rng.choice([1.0, 2.0, 0.5]))
    series = (
        Leg(code, "A", 1.0, period=PERIODS[0], rate=0.1),
        Leg(code, "B", ratio, period=PERIODS[2], rate=0.2),
    )
    three = (
        Leg(code, "A", 1.0, period=PERIODS[0]),
        Leg(code, "B", 2.0, period=PERIODS[1]),
        Leg(code, "A", 1.0, period=PERIODS[2]),
    )
    rate = float(rng.uniform(0.0, scan_range))
    spreads = (
        DeltaSpread(series, str(rng.choice(["F", "W", "P"])), rate, rate / 10.0),
        DeltaSpread(three, "F", rate),
        *(
            DeltaSpread(tier_legs(code, a, b), "F", rate * (1.0 + k))
            for k, (a, b) in enumerate(((1, 1), (2, 2), (1, 2)))
        ),
    )
    return Commodity(
        code,
        spreads=spreads,
        scan_tiers=(near, far) if rng.random() < 0.4 else (),
        intra_tiers=(near, far),
        inter_tiers=(near, far) if rng.random() < 0.5 else (),
        som_rate=float(rng.uniform(0.0, 1.0)),
        som_tiers=(Tier(1, PERIODS[0], PERIODS[0], rate=2.0),) if rng.random() < 0.5 else (),
        som_method=str(rng.choice(["sum", "greater"])),
        delivery_method=str(rng.choice(["01", "10", "11"])),
        delivery=(DeliveryRate(PERIODS[0], 0.4, 0.7),),
        basis_rate=0.3,
        wfpr_method=str(rng.choice(["normal", "capped", "scan_range"])),
        scan_range=scan_range,
        initial_ratio=float(rng.choice([1.0, 1.1])),
        cap_nov=bool(rng.random() < 0.5),
    )


def contracts_of(code: str, price: float, psr: float) -> tuple[list[Contract], list[Any]]:
    """A physical, a future and four options of every period."""
    found = [Contract(f"{code}-PHY", code, "000000", 1.0, price=price, kind="PHY")]
    arrays = [future_arrays(price, 0.0, 0.0, psr, SCAN)[0]]
    for k, period in enumerate(PERIODS):
        found.append(Contract(f"{code}-{period}", code, period, 1.0, price=price, kind="FUT"))
        arrays.append(future_arrays(price, 0.0, 0.0, psr, SCAN)[0])
        years = 0.02 + 0.1 * k
        for share in (0.9, 1.1):
            for right in (1, -1):
                term = (price, [price * share], [right], years, 0.4, 0.0)
                delta = composite_delta(*term, psr, SCAN)
                arrays.append(option_arrays(*term, psr, 0.1, SCAN)[0])
                name = f"{code}-{period}-{share:g}{'C' if right > 0 else 'P'}"
                style = "premium" if k % 2 else "futures"
                found.append(
                    Contract(
                        name,
                        code,
                        period,
                        float(delta[0]),
                        right,
                        price * share,
                        2.0 + share,
                        1.0,
                        1.0,
                        style,
                        kind="OOF",
                    )
                )
    return found, arrays


def random_file(rng: np.random.Generator, **changes: Any) -> SpanFile:
    """A file of two commodities with everything."""
    contracts: list[Contract] = []
    arrays: list[Any] = []
    commodities = []
    for code, price in PRICE.items():
        psr = 0.1 * price
        made, lost = contracts_of(code, price, psr)
        contracts += made
        arrays += lost
        commodities.append(commodity(rng, code, psr))
    legs = (Leg("AA", "A", 1.0, rate=0.5), Leg("BB", "B", 2.5, rate=0.6))
    tiered = (Leg("AA", "A", 1.0, tier=1, rate=0.4), Leg("BB", "B", 2.0, tier=2, rate=0.3))
    supers = (DeltaSpread(tiered, "W"),) if rng.random() < 0.3 else ()
    inter: tuple[Any, ...] = (DeltaSpread(tiered, "F", 0.5), DeltaSpread(legs, "W"))
    if rng.random() < 0.4:
        inter = (*inter, ScanSpread((ScanLeg("AA", 0.5), ScanLeg("BB", 0.5, required=False))))
    given: dict[str, Any] = {
        "contracts": tuple(contracts),
        "losses": np.array(arrays),
        "commodities": tuple(commodities),
        "inter_spreads": inter,
        "super_spreads": supers,
        "points": SCAN.points,
    }
    return SpanFile(**(given | changes))


def random_sizes(rng: np.random.Generator, count: int, accounts: int) -> Any:
    """[A, K] sizes, half of them nothing."""
    sizes = rng.integers(-9, 10, (accounts, count)).astype(np.float64)
    sizes[rng.random((accounts, count)) < 0.6] = 0.0
    sizes[0] = 0.0
    return sizes


def rows_of(sizes: Any) -> Rows:
    """Positions that are not zero, as CSR."""
    counts = (sizes != 0.0).sum(axis=1)
    owner, column = np.nonzero(sizes)
    return Rows(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column.astype(np.int32),
        sizes[owner, column],
    )


def margined(file: SpanFile, sizes: Any) -> SpanResult:
    """The requirement of every row of sizes."""
    return requirement(terms_of(file, "USD"), rows_of(np.atleast_2d(sizes)))
