"""What the dollar-settled venues share: one pool an underlying, cash with the first of them."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bytes, Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Plan, Pool, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool, row_of_position
from crossmargin.market.view import View

__all__ = ["cash_and_source", "plan_by_underlying", "stable_usd"]

CASH = "USDC"


def plan_by_underlying(
    instruments: Instruments, parameters: Parameters, table: str, note: str
) -> Plan:
    """Pools by underlying of the derivatives; cash and other assets go with the first.

    Raises ModelError ``parameter_missing`` for an underlying that the set does not know.
    """
    kinds = (Kind.OPTION, Kind.PERPETUAL, Kind.FUTURE)
    derivative = is_kind(instruments, *kinds)
    named = {instruments.names[int(u)] for u in instruments.underlying[derivative]}
    known = parameters.tables(table)
    names = sorted(named) or [known[0]]
    for name in names:
        if name not in known:
            raise ModelError(
                "parameter_missing",
                "no parameters for this underlying",
                place=f"{parameters.model} {parameters.label}",
                value=name,
                limit=", ".join(known),
                remedy="Give the venue's parameters of that underlying with --params FILE.",
            )
    owner = {name: k for k, name in enumerate(names)}
    home = np.array([owner.get(item.underlying, 0) for item in instruments.items], np.int32)
    pools: tuple[Pool, ...] = tuple(
        make_pool(
            instruments,
            np.flatnonzero(home == k).astype(np.int32),
            name,
            CASH,
            (CASH,),
            {"home": k == 0},
        )
        for k, name in enumerate(names)
    )
    return Plan(pools, parameters, (note,) if len(pools) > 1 else ())


def stable_usd(view: View, part: Instruments) -> float:
    """Dollars per USDC from the view; 1 only where the view holds no price of it at all."""
    if CASH in part.names:
        price_usd = float(view.usd[part.names.index(CASH)])
        if price_usd > 0.0:
            return price_usd
    return view.read("usd", CASH, 1.0)


def cash_and_source(cash_flag: Bytes, held: PoolBook, cash: Floats) -> tuple[Floats, Bytes]:
    """Cash of each account and the code of its source (2: balances, 0: nothing given)."""
    source = np.zeros(len(cash), np.int8)
    if cash_flag.any():
        rows = row_of_position(held.row)
        source[rows[cash_flag[held.column] > 0]] = 2
    return cash, source
