from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.interfaces.probe import ProbeResult, write_probes
from crossmargin.margin.parameter_files import read_parameters
from crossmargin.margin.probing import combinations
from crossmargin.margin.register import model_named
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import market_path
from tests.interfaces.synthetic_venue import answer

ALL = combinations(model_named("deribit-spm").spec)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return xm.read_market(str(market_path()))


@pytest.fixture(scope="module")
def probes(snapshot: Snapshot) -> ProbeResult:
    return xm.probe("deribit", snapshot)


def answers(snapshot: Snapshot, probes: ProbeResult, changes: Any) -> list[dict[str, Any]]:
    return [
        answer(snapshot, each["positions"], changes, "BTC") for each in probes.to_dict()["probes"]
    ]


def test_few_requests_part_every_pair_of_readings(probes: ProbeResult) -> None:
    found = probes.to_dict()
    assert found["combinations"] == len(ALL) == 64
    assert found["pairs_together"] == 0
    assert found["open"] == []
    assert 1 <= len(found["probes"]) <= 40
    params = found["probes"][0]["request"]["params"]
    assert params["add_positions"] is False
    assert params["simulated_positions"] == found["probes"][0]["positions"]


@pytest.mark.parametrize("number", range(len(ALL)))
def test_the_reading_of_the_venue_is_found(
    snapshot: Snapshot, probes: ProbeResult, number: int
) -> None:
    found = xm.fit("deribit", {"answers": answers(snapshot, probes, ALL[number])})
    assert found.fits
    assert found.outcome.decided() == ALL[number]
    assert [trial.choices for trial in found.outcome.holding] == [ALL[number]]


@pytest.mark.parametrize("number", [0, 13, 42, 63])
def test_it_is_found_through_what_a_ticker_prints(
    snapshot: Snapshot, probes: ProbeResult, number: int
) -> None:
    """Volatilities to 0.01 %, forwards to a cent: a tenth of a per cent is left to them."""
    given = [
        answer(snapshot, each["positions"], ALL[number], "BTC", printed=True)
        for each in probes.to_dict()["probes"]
    ]
    assert xm.fit("deribit", given).outcome.decided() == ALL[number]


@pytest.mark.parametrize(
    "rule",
    [
        {"pair.BTC.long_term_vega_power": 0.2},  # another shape of the volatility shock
        {"pair.BTC.extended_table_factor": 1.1},
        {"general.mm_factor": 0.75},
    ],
    ids=str,
)
def test_none_fits_is_said(snapshot: Snapshot, probes: ProbeResult, rule: Any) -> None:
    """A venue that does not margin by the numbers that it prints, under any reading."""
    given = answers(snapshot, probes, rule)
    for each in given:  # the printed numbers stay what they were
        assert each["reply"]["result"]["model_params"]["general"]["mm_factor"] == 0.8
    found = xm.fit("deribit", {"answers": given})
    assert not found.fits
    assert "none fits" in repr(found)
    assert found.to_dict()["nearest"][0]["first"]
    with pytest.raises(InputError):
        found.parameter_file()


def test_the_dated_file_has_the_reading_and_its_evidence(
    snapshot: Snapshot, probes: ProbeResult, tmp_path: Path
) -> None:
    chosen = ALL[37]
    file = tmp_path / "probes.json"
    write_probes(probes, file)
    content = json.loads(file.read_text("utf-8"))
    for each in content["probes"]:
        each.update(answer(snapshot, each["positions"], chosen, "BTC"))
    file.write_text(json.dumps(content), "utf-8")
    found = xm.fit("deribit", file)
    text = found.parameter_file()
    again = read_parameters(text, "deribit-pm/fit.toml")
    assert {name: again.get(name) for name in chosen} == chosen
    assert again.observed_ms == snapshot.as_of_ms
    assert "holds in all" in again.entries["reading.vol_shock"].source
    assert found.parameters is not None
    assert again.sha256 == found.parameters.sha256


def test_one_that_cannot_be_told_apart_stays_open(snapshot: Snapshot) -> None:
    """A perpetual alone feels neither volatility nor roll: only what it reaches is decided."""
    given = [answer(snapshot, {"BTC-PERPETUAL": 1.0}, {}, "BTC")]
    found = xm.fit("deribit", {"answers": given})
    assert found.fits
    assert set(found.outcome.undecided()) >= {"reading.vol_shock", "reading.roll_shock"}
    assert "not told apart" in found.parameter_file()


def test_what_is_no_probe_or_answer_is_refused(snapshot: Snapshot, probes: ProbeResult) -> None:
    with pytest.raises(InputError):
        xm.probe("paradex", snapshot)
    with pytest.raises(MarketDataError):
        xm.probe("deribit", snapshot, "DOGE")
    with pytest.raises(InputError):
        xm.probe("deribit", snapshot, most=41)
    with pytest.raises(InputError) as caught:
        xm.fit("deribit", probes.to_dict())  # no reply filled in
    assert caught.value.code == "file_unreadable"
