"""Joint scenarios of a table: what moves in each, and groups that do not net."""

from __future__ import annotations

import numpy as np

from crossmargin.conformance.world import SPOT
from crossmargin.margin.families.cross_scan import CrossScan
from tests.margin.netting_books import BTC, ETH, margined, stage


def scan_of(**changes: object) -> CrossScan:
    priced, _ = stage(margined("correlated", {BTC: 1.0, ETH: 1.0}, changes))
    scan: CrossScan = priced.facts["scan"]
    return scan


def test_the_still_market_comes_first_and_every_point_has_three_volatilities() -> None:
    scan = scan_of()
    assert scan.joint is not None
    assert len(scan.scenarios) == 3 * (1 + 3 * len(scan.joint.point))
    assert scan.scenarios.move[:3].tolist() == [0.0, 0.0, 0.0]
    assert scan.scenarios.vol_label[:3] == ("up", "same", "down")
    assert len(set(scan.scenarios.label)) > 0.9 * len(scan.scenarios)


def test_a_perpetual_moves_by_its_own_coin() -> None:
    scan = scan_of(**{"stress.tenths": 0})
    names = [i.native_id for i in scan.coins and _items(scan)]
    for name, coin, spread in ((BTC, "BTC", 0.15), (ETH, "ETH", 0.2)):
        row = scan.risk.scenario_pnl()[names.index(name)]
        top = SPOT[coin] * 1.0004 * 0.9995 * spread
        np.testing.assert_allclose([row.max(), row.min()], [top, -top], rtol=1e-9)


def _items(scan: CrossScan):
    from crossmargin.conformance.world import world_of
    from tests.margin.netting_books import subject

    return world_of(subject("correlated")).instruments.items


def test_credits_need_no_joint_points() -> None:
    scan = scan_of(**{"reading.netting": "credits"})
    assert scan.joint is None
    assert len(scan.scenarios) == 3 * 7
    assert scan.base.all()


def test_breaks_are_of_perpetuals_alone() -> None:
    scan = scan_of()
    assert scan.break_labels[0] == "BTC perpetuals +3 % against the rest"
    items = _items(scan)
    moved = np.flatnonzero((scan.breaks != 0.0).any(axis=1)).tolist()
    assert {items[k].native_id for k in moved} == {
        "BTC_USDC-PERPETUAL", "BTC_BTC-PERPETUAL", "ETH_USDC-PERPETUAL", "ETH_ETH-PERPETUAL",
    }  # fmt: skip
