"""Linear pieces of the scan family: the worst scenario, and the charges that are convex.

Gross, net and short charges are convex. A least charge on delta is where its rate on the net is no
less than half of that on the hedged part. What is charged on hedges (between expiries, strikes or
settlement currencies) falls as the book grows to one side: it is left out, so that the pieces are a
lower bound.
"""

from __future__ import annotations

import numpy as np

from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.scan_charges import Charge
from crossmargin.margin.families.scan_hedge import Hedge, used_coins
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.piece_shapes import (
    equity_map,
    gross,
    larger,
    nets,
    scaled,
    scenarios,
    shortages,
)
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, Term, WorstOf

__all__ = ["charge_terms", "scan_pieces"]

_WORDS = {
    "spread": "charged on hedges between groups in order of time",
    "hedged": "charged on what is hedged",
    "min_delta": "its rate on the hedged part is more than twice that on the net",
}


def scan_pieces(priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
    """The pieces of one pool of a scan member near the one account of a block."""
    risk, facts = priced.risk, priced.facts
    assert priced.scenarios is not None and risk is not None  # set by price()
    weight, labels = priced.scenarios.weight, priced.scenarios.label
    scan = scenarios("scan_risk", risk.pnl, weight, labels)
    hedge: Hedge = facts["hedge"]
    if facts["coins_at_risk"]:
        scan = _with_coins(priced, held, scan, hedge)
    left: list[str] = []
    added: list[Term] = [scan]
    for charge in facts["charges"]:
        added += charge_terms(charge, left)
    floors = [(charge.name, charge_terms(charge, left)) for charge in facts["floors"]]
    terms = larger("requirement", ("risk", added), *floors)
    near = hedge.on and _moves(priced, held, hedge)
    notes = ("coins that hedge the derivatives count as they are used now",) if near else ()
    factor = parameters.number("level.im_factor")
    return Pieces(scaled(factor, terms), tuple(left), notes, near)


def _moves(priced: Priced, held: PoolBook, hedge: Hedge) -> bool:
    """Whether coins are held, or a trade pays in coin: without either none can hedge."""
    counted = with_equity_rows(priced, held)
    has = bool((hedge.coin[counted.column] * counted.quantity).any())
    return has or bool(priced.pool.instruments.inverse.any())


def _with_coins(priced: Priced, held: PoolBook, scan: WorstOf, hedge: Hedge) -> WorstOf:
    """The scan with reported equity as a balance, and used coins frozen where they hedge."""
    turn, fixed = equity_map(priced, held)
    rows, offset = scan.rows @ turn, scan.offset + scan.rows @ fixed
    if hedge.on:
        used = float(used_coins(hedge, with_equity_rows(priced, held))[0])
        leg = np.asarray(hedge.leg[: len(offset)])
        if hedge.gains_only:
            leg = np.maximum(leg, 0.0) if used > 0.0 else np.minimum(leg, 0.0)
        assert priced.scenarios is not None  # set by price()
        offset = offset - used * leg * priced.scenarios.weight
    return WorstOf(scan.name, rows, offset, scan.scenario)


def charge_terms(charge: Charge, left: list[str]) -> tuple[Term, ...]:
    """The terms of one charge; what is not convex is named in ``left`` and charges nothing.

    A charge that is not known is none, as in the requirement.
    """
    if not charge.known:
        return ()
    name, rate = charge.name, charge.rate
    if charge.shape == "sum":
        return tuple(t for part in charge.parts for t in charge_terms(part, left))
    if charge.shape == "gross":
        return gross(name, charge.gross)
    if charge.shape == "short":
        some = charge.gross.any()
        return (Separable(name, np.zeros(len(charge.gross)), charge.gross),) if some else ()
    if charge.shape == "net":
        return nets(name, charge.size, charge.run, rate)
    if charge.shape == "net_short":
        return shortages(name, charge.size, charge.run, rate)
    if charge.shape == "excess":
        part = Part(name, scaled(float(rate[0]), gross(name, charge.gross)), _beyond(charge))
        return (LargestOf(name, (part,)),) if rate[0] > 0.0 else ()
    if charge.shape == "min_delta" and rate[0] >= rate[1] / 2.0:
        on_net = np.array([rate[0] - rate[1] / 2.0])
        half = scaled(float(rate[1]) / 2.0, gross(name, charge.gross))
        return (*nets(name, charge.size, charge.run, on_net), *half)
    if charge.groups > (1 if charge.shape == "spread" else 0) and rate.any():
        left.append(f"{name}: {_WORDS[charge.shape]}")
    return ()


def _beyond(charge: Charge) -> float:
    return -charge.threshold * float(charge.rate[0])
