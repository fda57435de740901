"""Which numbers are set: declared ones, in proportion, inside their bounds, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.dynamic_names import (
    inner_set,
    own_numbers,
    scaled_set,
    targets_of,
    with_tables,
)
from crossmargin.margin.families.dynamic_ranges import CoinRanges, RangePath
from crossmargin.margin.parameter_files import Parameters, available

DECLARED = available("dynamic")[-1].tables("scales")


def _ranges(price: float, vol: float | None = None, level: float = 0.0) -> CoinRanges:
    def path(value: float) -> RangePath:
        one = np.array([value])
        return RangePath(np.array([18000]), one, one, one, one)

    return CoinRanges(path(price), None if vol is None else path(vol), level)


@pytest.mark.parametrize("folder", DECLARED)
def test_every_declaration_finds_a_number(folder: str) -> None:
    own = own_numbers(available(folder)[-1])
    start = f"dynamic.scales.{own.model}."
    declared = [name[len(start) :] for name in own.entries if name.startswith(start)]
    found = targets_of(own)
    assert declared
    for text in declared:
        last = text.partition(":")[0].rpartition(".")[2]
        assert any(each.name.endswith(last) for each in found), text
    assert set(inner_set(own).entries) == set(available(folder)[-1].entries)


@pytest.mark.parametrize("folder", DECLARED)
def test_the_largest_of_a_coin_becomes_the_range_and_the_rest_keep_their_share(folder: str) -> None:
    own = own_numbers(available(folder)[-1])
    coins = {t.coin for t in targets_of(own) if t.kind == "price"}
    for coin in coins:
        made = scaled_set(own, {coin: _ranges(0.123)})
        before, after = _values(own, coin, "price"), _values(made.parameters, coin, "price")
        assert max(np.abs(after)) == 0.123
        share = np.array(before) * 0.123 / max(np.abs(before))
        assert np.array(after) == pytest.approx(share, rel=1e-15)
        assert made.stated[coin] == max(np.abs(before))
        touched = {t.name for t in targets_of(own) if t.coin == coin}
        for name, entry in made.parameters.entries.items():
            assert name in touched or entry.value == own.entries[name].value, name


def _values(parameters: Parameters, coin: str, kind: str) -> list[float]:
    out = []
    for target in targets_of(own_numbers(parameters)):
        entry = parameters.entries[target.name]
        if (target.coin, target.kind) == (coin, kind):
            names = [column.name for column in entry.columns]
            rows = entry.value if target.column else [[entry.value]]
            out += [row[names.index(target.column) if target.column else 0] for row in rows]
    return out


def test_the_stated_range_leaves_the_set_as_it_is() -> None:
    own = own_numbers(available("house")[-1])
    made = scaled_set(own, {"BTC": _ranges(0.15, 0.45), "ETH": _ranges(0.18, 0.5)})
    for name, entry in inner_set(own).entries.items():
        assert made.parameters.get(name) == entry.value
    assert made.parameters.sha256 == available("house")[-1].sha256


def test_vol_in_points_and_haircuts() -> None:
    own = own_numbers(available("span")[-1])
    made = scaled_set(own, {"BTC": _ranges(0.2, 0.3, level=0.5)})
    assert made.parameters.number("coin.BTC.vol_scan") == 0.3 * 0.5
    house = own_numbers(available("house")[-1])
    doubled = scaled_set(house, {"BTC": _ranges(0.3)})
    assert doubled.parameters.number("collateral.BTC.haircut") == 0.1
    assert doubled.parameters.number("collateral.ETH.haircut") == 0.07
    assert doubled.without_vol == ("BTC",)


def test_a_number_stays_inside_its_bounds_and_is_named() -> None:
    own = own_numbers(available("span")[-1])
    made = scaled_set(own, {"BTC": _ranges(0.5)})
    assert made.parameters.number("coin.BTC.price_scan") == 0.3
    assert made.bounded == ("coin.BTC.price_scan",)


def test_weights_without_a_range_go_by_the_reference() -> None:
    own = own_numbers(available("fixed-rate")[-1])
    made = scaled_set(own, {"BTC": _ranges(0.3), "ETH": _ranges(0.2)})
    assert made.parameters.number("im.future_share") == pytest.approx(0.2, rel=1e-15)


def test_a_coin_of_other_has_its_own_table() -> None:
    own = own_numbers(available("house")[-1])
    wide = with_tables(own, ("SOL",))
    assert wide.get("asset.SOL.moves") == own.get("asset.OTHER.moves")
    made = scaled_set(own, {"SOL": _ranges(0.6)})
    assert made.parameters.get("asset.SOL.moves")[0][0] == -0.6
    assert made.parameters.get("asset.OTHER.moves") == own.get("asset.OTHER.moves")


def test_a_model_without_declared_numbers_is_refused() -> None:
    with pytest.raises(ModelError) as error:
        own_numbers(available("reg-t")[-1])
    assert error.value.code == "parameter_missing"
    assert "house" in error.value.limit
