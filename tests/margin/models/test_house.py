"""The house rulebook: the example is a member, and a file of one's own needs no code."""

from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.models.house import HOUSE
from crossmargin.margin.parameter_files import available
from crossmargin.sample import book_path, market_path

OWN = """
model = "house"
version = "desk 7"
observed = "2026-05-01"
source = "minutes of the risk committee"

[general]
vega_power_short = { value = 0.0, unit = "exponent", min = 0.0, max = 1.0 }
vega_power_long = { value = 0.0, unit = "exponent", min = 0.0, max = 1.0 }
dte_floor_days = { value = 1.0, unit = "days", min = 0.1, max = 30.0 }

[form]
clock = { value = "exact", choices = ["exact"] }
day_count = { value = "exact", choices = ["exact"] }
delta_one = { value = "index", choices = ["index", "mark"] }
vol_shock = { value = "points", choices = ["points"] }
base = { value = "model", choices = ["model"] }
coins = { value = "cash", choices = ["cash", "position"] }
coin_worth = { value = "shocked", choices = ["shocked"] }
balance = { value = "settled", choices = ["settled"] }
order_loss = { value = "none", choices = ["none"] }

[level]
im_factor = { value = 1.5, unit = "fraction", min = 1.0, max = 3.0 }
mm_factor = { value = 1.0, unit = "fraction", min = 0.1, max = 1.0 }

[asset.OTHER]
futures_factor = { value = 0.01, unit = "fraction of notional", min = 0.0, max = 1.0 }

[asset.OTHER.moves]
unit = "price move, weight"
columns = [{ name = "move", min = -0.9, max = 9.0 }, { name = "weight", min = 0.0, max = 1.0 }]
value = [[-0.2, 1.0], [0.0, 1.0], [0.2, 1.0]]

[asset.OTHER.vols]
unit = "vol points"
columns = [{ name = "vol_shock", min = -1.0, max = 1.0 }]
value = [[0.1], [-0.1]]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("house") / "desk.toml"
    place.write_text(OWN, encoding="utf-8")
    return place


def test_a_file_of_ones_own_is_the_rulebook(own: Path) -> None:
    book, market = str(book_path("market-maker")), str(market_path())
    result = xm.margin(book, market, "house-example", params=own)
    found = result.requirement
    assert found.parameters.version == "desk 7"
    assert found.priced[0].scenarios is not None
    assert found.priced[0].scenarios.label == (
        "-20 %, vol +10 points",
        "-20 %, vol -10 points",
        "+0 %, vol +10 points",
        "+0 %, vol -10 points",
        "+20 %, vol +10 points",
        "+20 %, vol -10 points",
    )
    sheet = found.sheet
    assert (sheet["futures_contingency"] > 0.0).any()
    for absent in ("option_contingency", "depeg", "concentration", "fees", "min_delta", "floor"):
        assert (sheet[absent] == 0.0).all()
    assert sheet["initial"].tolist() == (sheet["requirement"] * 1.5).tolist()
    assert not found.at_least.any()


def test_the_example_takes_every_venue_of_the_sample() -> None:
    found = xm.margin(str(book_path("retail-short-vol")), str(market_path()), "house-example")
    assert found.requirement.failures == ()
    assert HOUSE.spec.venue == ""


def test_the_example_has_every_charge_of_the_family() -> None:
    names = set(available("house")[-1].entries)
    for each in ("option_factor", "vega_spread_factor", "basis_rate_annual", "roll_factor"):
        assert f"asset.BTC.{each}" in names
    assert {"asset.OTHER.moves", "collateral.BTC.haircut", "level.im_factor"} <= names


def test_a_number_outside_its_own_bounds_does_not_load(tmp_path: Path) -> None:
    place = tmp_path / "wrong.toml"
    place.write_text(OWN.replace("value = 1.5", "value = 7.5"), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        xm.margin(str(book_path("market-maker")), str(market_path()), "house-example", params=place)
    assert caught.value.code == "parameter_out_of_bounds"


def test_the_rulebook_of_another_model_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "other.toml"
    place.write_text(OWN.replace('model = "house"', 'model = "bybit-pm"'), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        xm.margin(str(book_path("market-maker")), str(market_path()), "house-example", params=place)
    assert caught.value.limit == "house"
