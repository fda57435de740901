"""Tables of the joint scenarios of one account: coins, matrices, and what netting saves."""

from __future__ import annotations

import numpy as np

from crossmargin.margin.families.cross_scan import CrossScan, Netted
from crossmargin.margin.model import Detail

__all__ = ["cross_tables"]


def cross_tables(scan: CrossScan, now: Netted) -> tuple[Detail, ...]:
    """The tables of a block of one account; nothing where it holds no coin."""
    if len(now.plain) != 1 or not scan.coins.names:
        return ()
    return (_coins(scan, now), *_matrices(scan, now))


def _coins(scan: CrossScan, now: Netted) -> Detail:
    rows = []
    for u, name in enumerate(scan.movers):
        k = scan.coins.mover.index(name)
        joint = "joint" if scan.coins.joint[k] >= 0 else "alone"
        rows.append((name, joint, float(scan.coins.range[k]), float(now.alone[0, u])))
    return Detail(
        "coins",
        "Coins one by one",
        (
            ("coin", "Coin", "name"),
            ("nets", "Nets", "text"),
            ("range_fraction", "Price range", "fraction"),
            ("alone_usd", "Needed alone", "amount"),
        ),
        tuple(rows),
        (f"the plain sum is {now.plain[0]:,.2f} USD, netted {now.joint[0]:,.2f} USD",),
    )


def _matrices(scan: CrossScan, now: Netted) -> tuple[Detail, ...]:
    """The worst of the joint coins together under each matrix."""
    if scan.joint is None:
        return ()
    pnl = now.total[0, : len(scan.scenarios)]
    # Three states of volatility a point, three scales a point, the still market first.
    of_scenario = np.repeat(np.concatenate([[-1], np.repeat(scan.joint.of_stress, 3)]), 3)
    rows = []
    for code, stress in enumerate(scan.joint.stress):
        worst = max(-float(pnl[of_scenario == code].min()), 0.0)
        rows.append((stress.label, stress.share, stress.least_eigenvalue, worst))
    return (
        Detail(
            "matrices",
            "Correlation matrices",
            (
                ("matrix", "Matrix", "text"),
                ("share_fraction", "Stress", "fraction"),
                ("least_eigenvalue", "Least eigenvalue", "number"),
                ("worst_usd", "Worst loss of the account", "amount"),
            ),
            tuple(rows),
        ),
    )
