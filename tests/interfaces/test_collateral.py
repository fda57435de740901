from __future__ import annotations

from importlib.resources import files

import pytest

import crossmargin as xm
from crossmargin.accounts.collateral import value_of
from crossmargin.core.errors import InputError
from crossmargin.interfaces.collateral import schedule_of


def test_the_figures_are_those_of_the_room(maker: str, market: str) -> None:
    result = xm.collateral(maker, market, model="deribit-xpm")
    figures = result.to_dict()
    value = value_of(result.holdings, result.schedule)
    assert result.health == figures["health"] == value.health
    assert figures["counted_usd"] == value.counted_usd
    margined = xm.margin(maker, market, "deribit-xpm")
    assert figures["required_usd"] == margined.mm_usd
    gross = sum(asset["gross_usd"] for asset in figures["assets"])
    assert gross == pytest.approx(46 * 68_412.57 + 640 * 2_036.84 + 350_000 * 0.9998)


def test_without_a_model_debts_alone_are_backed(retail: str, market: str) -> None:
    result = xm.collateral(retail, market)
    assert result.to_dict()["required_usd"] == 0.0
    assert "debts alone" in result.to_dict()["notes"][0]


def test_a_schedule_comes_in_every_form(retail: str, market: str) -> None:
    base = schedule_of(None, 1_783_000_000_000)
    assert schedule_of(base, 0) is base
    assert schedule_of(base.parameters, 0).assets == base.assets
    one = xm.collateral(retail, market, base.parameters)
    assert one.value == xm.collateral(retail, market).value


LENT = [
    {"type": "balance", "account": "a", "venue": "aave", "instrument": "ETH", "quantity": 10.0},
    {"account": "a", "venue": "aave", "instrument": "debt USDC", "quantity": 12_000.0},
]
STAND_IN = str(files("crossmargin.conformance") / "payloads/aave-v3.toml")


def test_of_a_lending_model_the_debt_is_counted_once_and_its_own_health_is_shown(
    market: str,
) -> None:
    plain = xm.collateral(LENT, market)
    found = xm.collateral(LENT, market, model="aave-v3", params=STAND_IN)
    assert found.health == plain.health
    assert found.to_dict()["required_usd"] == 0.0
    health, prices = found.to_dict()["protocol"]["tables"]
    owed = 12_000 * 0.9998
    assert health["rows"][0][1] == pytest.approx(20_368.4 * 0.83 / owed, rel=1e-6)
    rows = {row[0]: row for row in prices["rows"]}
    assert rows["ETH"][3] == pytest.approx(owed / 8.3, rel=1e-9)
    assert rows["USDC"][7] == pytest.approx((20_368.4 * 0.805 - owed) / 0.9998, rel=1e-6)
    assert "Health of the position" in str(found)
    assert plain.to_dict()["protocol"] is None
    changed = {"asset.ETH.liquidation_threshold": 8_200}
    less = xm.collateral(LENT, market, model="aave-v3", params=STAND_IN, changes=changed)
    assert less.to_dict()["protocol"]["tables"][0]["rows"][0][1] < health["rows"][0][1]


def test_parameters_without_a_model_are_refused(market: str) -> None:
    with pytest.raises(InputError) as caught:
        xm.collateral(LENT, market, params=STAND_IN)
    assert caught.value.code == "option_unknown"


@pytest.mark.parametrize("path", ["spot", "joint"])
def test_the_path_of_a_liquidation_ends_where_the_protocol_says(market: str, path: str) -> None:
    """The search along a path and the protocol's own integers find one boundary."""
    two = [{**LENT[0], "instrument": "BTC", "quantity": 0.1}, *LENT]
    beta = {"betas": {"BTC": 0.0}} if path == "joint" else {}
    lead = {"coin": "ETH"} if path == "joint" else {}
    found = xm.liquidation(two, market, "aave-v3", params=STAND_IN, path=path, **lead, **beta)
    own = xm.collateral(two, market, model="aave-v3", params=STAND_IN).to_dict()["protocol"]
    health, prices = own["tables"]
    ether = next(row for row in prices["rows"] if row[0] == "ETH")
    move = ether[4] if path == "joint" else health["rows"][0][3]
    crossing = found.to_dict()["crossings"][0]
    assert crossing["broken"] == "below"
    assert crossing["at"] - 1.0 == pytest.approx(move, rel=1e-6)
