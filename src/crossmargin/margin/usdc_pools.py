"""What the dollar-settled venues share: one pool an underlying, cash with the first of them."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bytes, Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Plan, Pool, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import at_home, is_kind, make_pool
from crossmargin.market.view import View

__all__ = ["cash_and_source", "only_usdc", "plan_by_underlying", "stable_usd"]

CASH = "USDC"


def plan_by_underlying(
    instruments: Instruments,
    parameters: Parameters,
    table: str,
    note: str,
    *,
    own_assets: bool = False,
) -> Plan:
    """Pools by underlying of the derivatives; an account's assets go with its first pool.

    ``own_assets``: an asset that has parameters of its own lies in the pool of its name.
    Raises ModelError ``parameter_missing`` for an underlying that the set does not know.
    """
    kinds = (Kind.OPTION, Kind.PERPETUAL, Kind.FUTURE)
    derivative = is_kind(instruments, *kinds)
    known = parameters.tables(table)
    if own_assets:
        base = [i.kind == Kind.ASSET and i.underlying in known for i in instruments.items]
        derivative = derivative | np.array(base, np.bool_)
    named = {instruments.names[int(u)] for u in instruments.underlying[derivative]}
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
    # A derivative lies in its underlying's pool; an asset in every pool's table, and counts in the
    # first one in which its holder has a derivative: what neighbours hold changes nothing.
    home = np.array(
        [
            owner[i.underlying] if d else -1
            for i, d in zip(instruments.items, derivative, strict=True)
        ],
        np.int32,
    )
    pools: tuple[Pool, ...] = tuple(
        make_pool(
            instruments,
            np.flatnonzero((home == k) | (home < 0)).astype(np.int32),
            name,
            CASH,
            (CASH,),
            {"number": k, "pool_of": home},
        )
        for k, name in enumerate(names)
    )
    return Plan(pools, parameters, (note,) if len(pools) > 1 else ())


def only_usdc(instruments: Instruments, model: str) -> None:
    """Raises ModelError ``kind_not_accepted`` for a balance in anything but USDC."""
    for item in instruments.items:
        if item.kind == Kind.ASSET and item.underlying != CASH:
            raise ModelError(
                "kind_not_accepted",
                f"{model} takes no collateral but USDC",
                place=f"{item.venue} {item.native_id}",
                value=item.underlying,
                limit=CASH,
                remedy="Remove the balance, or convert it.",
            )


def stable_usd(view: View, part: Instruments) -> float:
    """Dollars per USDC from the view; 1 only where the view holds no price of it at all."""
    if CASH in part.names:
        price_usd = float(view.usd[part.names.index(CASH)])
        if price_usd > 0.0:
            return price_usd
    return view.read("usd", CASH, 1.0)


def cash_and_source(
    cash_flag: Bytes, held: PoolBook, pool: Pool, cash: Floats, rest: Floats
) -> tuple[Floats, Bytes]:
    """[A] cash and the code of its source in ``equity.SOURCES``.

    Where the venue reports the equity of USDC, cash is what is left of it beside ``rest[A]`` (all
    else that counts); where a balance line is given it is that; else nothing was given.
    """
    source = np.zeros(len(cash), np.int8)
    if cash_flag.any():
        lines = np.flatnonzero(cash_flag[held.column])
        source[np.searchsorted(held.row, lines, side="right") - 1] = 2
    reported = held.book.reported.equity
    if reported:
        cash = cash.copy()
        mine = at_home(held.book, pool)
        for k, name in enumerate(held.book.account):
            equity = reported.get((name, CASH))
            if equity is not None:
                # The home pool holds it all: what counts in the others is part of it.
                cash[k] = (equity if mine[k] else 0.0) - rest[k]
                source[k] = 1
    return cash, source
