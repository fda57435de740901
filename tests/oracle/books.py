"""Random markets and books for the comparison of the batch engine with the oracle.

Everything is drawn with `random.Random`, so that a seed gives the same books everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log
from random import Random

from crossmargin.core.clock import NEVER_MS
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.market.view import View
from tests.vectors.building import Dated, Facts, Quote, view_of

from .black import price
from .types import DAY_MS, YEAR_MS, Leg

KINDS = {
    Kind.OPTION: "option",
    Kind.FUTURE: "future",
    Kind.PERPETUAL: "perpetual",
    Kind.ASSET: "asset",
}
HALF_HOUR_MS = 30 * 60_000


@dataclass
class Market:
    """Contracts, what is known of them, and each contract as a leg of quantity one."""

    instruments: Instruments
    view: View
    facts: Facts
    legs: dict[str, Leg] = field(default_factory=dict)

    def held(self, rows: Sequence[tuple[str, float]]) -> list[Leg]:
        """Legs of a book's (name, quantity)."""
        return [replace(self.legs[name], quantity=quantity) for name, quantity in rows]


def market(
    rng: Random,
    items: Sequence[Instrument],
    now_ms: int,
    spot: Mapping[str, float],
    *,
    usd: Mapping[str, float] | None = None,
    reads: Mapping[str, Mapping[str, float]] | None = None,
    settling: bool = False,
    negative_rates: bool = False,
) -> Market:
    """Forwards, rates, smiles and marks at random around ``spot``.

    ``settling``: in the last half hour a part of the forward is fixed already.
    """
    instruments = Instruments.of(items)
    dated: dict[int, Dated] = {}
    carry: dict[int, float] = {}
    for item in instruments.items:
        if item.expiry_ms != NEVER_MS and item.expiry_ms not in dated:
            life = item.expiry_ms - now_ms
            years = life / YEAR_MS
            carry[item.expiry_ms] = rng.uniform(-0.08, 0.15)
            # A forward belongs to one underlying; expiry times of two underlyings are kept apart.
            whole = spot[item.underlying] * exp(carry[item.expiry_ms] * years)
            free = min(life / HALF_HOUR_MS, 1.0) if settling else 1.0
            rate = rng.uniform(-0.03 if negative_rates else 0.0, 0.12)
            dated[item.expiry_ms] = Dated(whole * free, life, whole * (1.0 - free), rate)
    quotes: dict[str, Quote] = {}
    legs: dict[str, Leg] = {}
    for item in instruments.items:
        here = dated.get(item.expiry_ms)
        whole = here.forward + here.settled if here else spot.get(item.underlying, 0.0)
        vol = 0.0
        mark = whole * (1.0 + rng.uniform(-0.002, 0.002))
        if item.kind is Kind.OPTION and here:
            k = log(item.strike / whole)
            vol = rng.uniform(0.25, 0.9) + rng.uniform(0.0, 0.6) * abs(k)
            if rng.random() < 0.05:
                vol = rng.choice([0.03, 2.5, 4.0])
            value = price(item.right, whole, item.strike, vol, here.life_ms / YEAR_MS)
            mark = value * (1.0 + rng.uniform(-0.01, 0.01))
            mark = round(mark / whole, 4) if item.inverse else mark
        quotes[item.native_id] = Quote(mark, vol)
        legs[item.native_id] = Leg(
            kind=KINDS[item.kind],
            quantity=1.0,
            name=item.native_id,
            underlying=item.underlying,
            right=item.right,
            strike=item.strike,
            expiry=item.expiry_ms if here else None,
            life_ms=here.life_ms if here else 0,
            mark=mark,
            vol=vol,
            forward=here.forward if here else 0.0,
            settled=here.settled if here else 0.0,
            rate=here.rate if here else 0.0,
            multiplier=item.multiplier,
            inverse=item.inverse,
        )
    facts = Facts(
        as_of_ms=now_ms,
        index={(i.underlying, i.quote): spot.get(i.underlying, 0.0) for i in instruments.items},
        usd={**spot, "USD": 1.0, **(usd or {})},
        dated=dated,
        quotes=quotes,
        reads=reads or {},
    )
    return Market(instruments, view_of(instruments, facts), facts, legs)


def books(
    rng: Random, table: Market, names: Sequence[str], count: int, legs_max: int = 12
) -> list[list[tuple[str, float]]]:
    """Random books of (name, quantity); sizes range over four decades, so that all charges bite."""
    hedges = [name for name in names if table.legs[name].kind != "option"]
    out = []
    for _ in range(count):
        size = rng.randint(1, min(legs_max, len(names)))
        scale = 10.0 ** rng.uniform(-2.0, 2.0)
        drawn = rng.sample(list(names), size)
        if rng.random() < 0.5:  # every other book holds a future or a perpetual
            drawn = list(dict.fromkeys([*drawn, rng.choice(hedges)]))
        rows = []
        for name in drawn:
            leg = table.legs[name]
            units = scale * rng.uniform(0.1, 3.0) * rng.choice([-1.0, 1.0])
            unit = leg.mark if leg.inverse and leg.kind != "option" else 1.0
            rows.append((name, units * unit / leg.multiplier))
        out.append(rows)
    return out


def strikes(spot: float) -> list[float]:
    """Strikes from far below to far above."""
    return [float(round(spot * m, -1)) for m in (0.4, 0.7, 0.85, 0.95, 1.0, 1.08, 1.3, 2.5, 4.0)]


def lives(*parts: float) -> list[int]:
    """Lives in milliseconds from days."""
    return [round(part * DAY_MS) for part in parts]
