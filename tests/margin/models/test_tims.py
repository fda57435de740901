"""``tims`` on books of coins: by hand, against a plain twin, orders, and the calibration."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.conformance.world import SPOT
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.valuation_points import POINTS, Groups
from crossmargin.margin.model import Details
from crossmargin.margin.models.tims import Tims
from crossmargin.margin.parameter_files import available, from_values
from crossmargin.margin.pools import cut
from tests.margin.models.whole_books import margined, population, stage

REPOSITORY = Path(__file__).parents[3]
USDC = 0.9995
BTC, ETH = "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"
BTC_MARK, ETH_MARK = SPOT["BTC"] * 1.0004, SPOT["ETH"] * 1.0004


def im(held: dict[str, float], **changes: Any) -> float:
    return float(margined("tims", held, **changes).sheet["im"][0])


def test_a_future_needs_its_range() -> None:
    assert im({BTC: 2.0}) == pytest.approx(0.15 * 2.0 * BTC_MARK * USDC)
    assert im({BTC: -2.0}) == pytest.approx(0.15 * 2.0 * BTC_MARK * USDC)
    assert im({ETH: 10.0}) == pytest.approx(0.20 * 10.0 * ETH_MARK * USDC)
    assert im({BTC: 2.0}, class__BTC__down=0.25) == pytest.approx(0.25 * 2.0 * BTC_MARK * USDC)


def test_a_coin_is_a_position_of_its_class() -> None:
    assert im({"BTC": 3.0}) == pytest.approx(0.15 * 3.0 * SPOT["BTC"])
    # Short as many coins of the future as are held: what is left is the mark over the index.
    hedged = im({"BTC": 3.0, BTC: -3.0})
    assert hedged == pytest.approx(3.0 * 0.001 * SPOT["BTC"] * USDC)  # the least charge


def test_gains_of_the_other_coin_count_in_part() -> None:
    loss, gain = 0.15 * 2.0 * BTC_MARK * USDC, 0.20 * 20.0 * ETH_MARK * USDC
    expected = max(loss - 0.3 * gain, gain - 0.3 * loss)
    assert im({BTC: 2.0, ETH: -20.0}) == pytest.approx(expected)
    whole = abs(loss - gain)
    assert im({BTC: 2.0, ETH: -20.0}, product__majors__class_offset=1.0) == pytest.approx(whole)
    none = max(loss, gain)
    assert im({BTC: 2.0, ETH: -20.0}, product__majors__class_offset=0.0) == pytest.approx(none)


def test_groups_of_their_own_add_up() -> None:
    loss, gain = 0.15 * 2.0 * BTC_MARK * USDC, 0.20 * 20.0 * ETH_MARK * USDC
    alone = {"class__BTC__product": "alone", "class__ETH__product": "alone"}
    found = margined("tims", {BTC: 2.0, ETH: -20.0}, **alone)
    assert float(found.sheet["im"][0]) == pytest.approx(loss + gain)
    assert float(found.sheet["mm"][0]) == pytest.approx(loss + gain)
    # At one point of the account only one of the two is lost; the other is what stands apart.
    assert float(found.sheet["scan_risk"][0]) == pytest.approx(max(loss, gain) - min(loss, gain))
    assert float(found.sheet["groups_apart"][0]) == pytest.approx(2.0 * min(loss, gain))


def test_the_least_charge_of_a_contract() -> None:
    name = "BTC_BTC-0.75-96000-C"  # far out of the money, bought: it can lose next to nothing
    found = margined("tims", {name: 5.0})
    sheet = found.sheet
    least = 5.0 * 0.001 * SPOT["BTC"]
    assert float(sheet["im"][0]) == pytest.approx(least)
    assert float(sheet["scan_risk"][0] + sheet["to_minimum"][0]) == pytest.approx(least)
    assert float(sheet["scan_risk"][0]) < least
    assert im({name: 5.0, "BTC": 0.0001}) == pytest.approx(least, rel=1e-3)


def test_the_grids_differ_between_the_ends() -> None:
    # A fly that is sold loses most at its middle strike, 10 % up.
    fly = {"BTC_USDC-6-64000-C": -10.0, "BTC_USDC-6-70400-C": 20.0, "BTC_USDC-6-96000-C": -10.0}
    both = im(fly)
    five = im(fly, reading__grid="five_and_five")
    assert both != five
    assert im({BTC: 1.0}, reading__grid="five_and_five") == im({BTC: 1.0})


@pytest.mark.parametrize("seed", [1, 2])
def test_against_a_plain_twin(seed: int) -> None:
    found = population("tims", seed)
    _, priced, _ = stage(found)
    groups: Groups = priced.facts["groups"]
    assert priced.risk is not None
    pnl, names = priced.risk.pnl, [item.underlying for item in priced.pool.instruments.items]
    for row in range(len(found.sheet)):
        held = cut(found.book.rows(row, row + 1), found.plan.pools[0], row)
        vectors = {"BTC": [0.0] * POINTS, "ETH": [0.0] * POINTS}
        least = 0.0
        for column, size in zip(held.column.tolist(), held.quantity.tolist(), strict=True):
            if names[column] in vectors:
                for k in range(POINTS):
                    vectors[names[column]][k] += size * pnl[column, k]
                least += abs(size) * groups.minimum[column]
        total = [
            sum(v[k] if v[k] < 0.0 else 0.3 * v[k] for v in vectors.values()) for k in range(POINTS)
        ]
        # One product group in its portfolio group: its own gains are 0 or more, and lose nothing.
        worst = max(*(-x for x in total), 0.0)
        expected = max(worst, least)
        assert float(found.sheet["im"][row]) == pytest.approx(expected, rel=1e-9, abs=1e-6)
        if worst > 0.0:
            assert int(found.scenario[row]) == int(np.argmin(total))


def test_an_order_is_margined_at_its_worst_fill() -> None:
    base = {BTC: 2.0}
    more = margined("tims", base, [(BTC, 1, 1.0, BTC_MARK * 1.01)])
    cost = 0.01 * BTC_MARK * USDC
    expected = 0.15 * 3.0 * BTC_MARK * USDC + cost
    assert float(more.sheet["im"][0]) == pytest.approx(expected)
    less = margined("tims", base, [(BTC, -1, 1.0, BTC_MARK)])
    assert float(less.sheet["im"][0]) == pytest.approx(im(base))
    assert float(more.sheet["mm"][0]) == pytest.approx(im(base))


def test_the_least_charge_grows_with_orders() -> None:
    name = "BTC_BTC-0.75-96000-C"
    limit = 0.0005  # coins above a mark of next to nothing
    found = margined("tims", {name: 5.0}, [(name, 1, 2.0, limit)])
    least = 7.0 * 0.001 * SPOT["BTC"]
    expected = least + 2.0 * limit * SPOT["BTC"]
    assert float(found.sheet["im"][0]) == pytest.approx(expected, rel=1e-6)
    assert float(found.sheet["mm"][0]) == pytest.approx(5.0 * 0.001 * SPOT["BTC"])


def test_details_add_up() -> None:
    found = margined("tims", {BTC: 2.0, ETH: -20.0, "BTC": 1.0})
    model, priced, held = stage(found)
    assert isinstance(model, Details)
    groups, classes = model.details(priced, held, found.parameters)
    assert [row[0] for row in groups.rows] == ["coins"]
    assert sum(float(row[4] or 0.0) for row in groups.rows) == pytest.approx(
        float(found.sheet["requirement"][0])
    )
    assert [row[0] for row in classes.rows] == ["BTC", "ETH"]
    losses = [float(row[4] or 0.0) for row in classes.rows]
    total = sum(x if x < 0.0 else 0.3 * x for x in losses)
    assert -total == pytest.approx(float(groups.rows[0][2] or 0.0))


def test_another_coin_takes_the_numbers_of_the_rest() -> None:
    odd = Instrument("deribit", "SOL", Kind.ASSET, "SOL", "USD", "SOL")
    table = Instruments.of([odd])
    model = Tims()
    model.plan(table, available("tims")[-1])
    bare = from_values("tims", "x", {"class": {"BTC": {"down": 0.1, "up": 0.1}}}, "bare")
    with pytest.raises(ModelError) as caught:
        model.plan(table, bare)
    assert caught.value.code == "parameter_missing"
    assert "SOL" in str(caught.value)


def test_the_committed_numbers_are_what_the_script_makes(market_dir: Path) -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts" / "calibrate_tims.py"))
    folder = market_dir / "prices"
    if not (folder / script["HOURLY"]).is_file() or not (folder / script["DAILY"]).is_file():
        pytest.skip("the --market folder lacks the price files of the calibration")
    parameters = available("tims")[-1]
    for name, value in script["calibrated"](folder).items():
        assert parameters.number(name) == value, name
