"""The verb: the worked example, what it writes, and what a change of anything does to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.accounts.commitment import Proof, proof_verified
from crossmargin.core.errors import InputError
from crossmargin.interfaces.unified import unified
from tests.interfaces.unified_case import BY_TERMS, copied, sample


def test_the_worked_example() -> None:
    """Healthy in total, about to lose a leg; the transfer that cures it, in time."""
    figures = sample().to_dict()
    totals = figures["totals"]
    assert totals["economic_net_im_usd"] < 0.5 * totals["demanded_im_usd"]
    assert totals["credit_usd"] == 0.0
    assert totals["credited_im_usd"] == totals["demanded_im_usd"]
    assert {each["name"]: each["status"] for each in figures["accounts"]}.keys() == {
        "options",
        "perp",
        "loan",
    }
    (danger,) = figures["dangers"]
    assert danger["account"] == "perp"
    assert danger["whole_is_healthy"]
    assert danger["cured"]
    assert danger["in_time"]
    assert -0.02 < danger["move_fraction"] < -0.01
    assert all(after["over_im_usd"] > 0.0 for after in danger["after"].values())


def test_the_sums_are_those_of_the_accounts() -> None:
    figures = sample().to_dict()
    accounts, totals = figures["accounts"], figures["totals"]
    for total, one in (
        ("equity_usd", "equity_usd"),
        ("demanded_im_usd", "demand_im_usd"),
        ("demanded_mm_usd", "demand_mm_usd"),
        ("free_usd", "free_usd"),
        ("withdrawable_usd", "withdrawable_usd"),
        ("staleness_usd", "staleness_usd"),
        ("credit_usd", "credit_usd"),
    ):
        assert totals[total] == pytest.approx(sum(each[one] for each in accounts)), total


def test_an_account_is_what_margin_says_of_it(tmp_path: Path) -> None:
    copied(tmp_path)
    book, market = (str(tmp_path / f"three-venues-{n}") for n in ("paradex.csv", "perp.parquet"))
    alone = xm.margin(book, market, model="paradex-xm")
    perp = sample().to_dict()["accounts"][1]
    assert perp["demand_im_usd"] == pytest.approx(alone.im_usd)
    assert perp["demand_mm_usd"] == pytest.approx(alone.mm_usd)
    assert perp["equity_usd"] == pytest.approx(alone.accounts[0]["equity_usd"])


def test_trust_earns_credit(tmp_path: Path) -> None:
    enforced = copied(
        tmp_path,
        ("transfer_time_s = 900\n", "transfer_time_s = 900\nenforceability = 0.9\n"),
        ("transfer_time_s = 600\n", "transfer_time_s = 600\nenforceability = 0.5\n"),
        ("transfer_time_s = 60\n", "transfer_time_s = 60\nenforceability = 1\n"),
        ("[net]", "[rules]\nlower_of = false\n\n[net]"),
    )
    found, before = unified(enforced).to_dict(), sample().to_dict()
    assert 1_000.0 < found["totals"]["credit_usd"] < 0.5 * 193_121.0
    assert found["waterfall"][-1]["enforced_usd"] == pytest.approx(
        2.0 * found["totals"]["credit_usd"]
    )
    for name in ("free_usd", "withdrawable_usd", "demanded_im_usd"):
        assert found["totals"][name] == before["totals"][name]
    assert found["dangers"] == before["dangers"]


def test_age_costs() -> None:
    later = unified("sample:three-venues", as_of="2026-07-03T06:30:00Z").to_dict()["totals"]
    assert later["staleness_usd"] > 5.0 * sample().to_dict()["totals"]["staleness_usd"]
    with pytest.raises(InputError, match="number_out_of_range"):
        unified("sample:three-venues", as_of="2026-07-03T05:30:00Z")


def test_the_commitment_proves_every_record_and_names_what_changed(tmp_path: Path) -> None:
    result = sample()
    place = result.write_commitment(tmp_path / "c.json")
    content = json.loads(place.read_text("utf-8"))
    assert content["count"] == len(result.records) == len(content["records"])
    for each in content["records"]:
        sisters = tuple((s["hash"], s["side"] == "left") for s in each["proof"])
        value = result.records[each["path"]]
        proof = Proof(each["path"], value, "", content["count"], sisters)
        assert proof_verified(content["root"], proof)
    assert result.changed_since(place) == []
    other = copied(tmp_path, ("quantity = 118", "quantity = 118.5"))
    changed = unified(other).changed_since(place)
    assert {"account/loan", "position/loan/aave/ETH", "totals"} <= set(changed)
    assert "position/perp/paradex/BTC-USD-PERP" not in changed
    content["root"] = "00" * 32
    place.write_text(json.dumps(content), "utf-8")
    assert result.changed_since(place) == ["root"]


def test_every_position_is_committed_to() -> None:
    paths = [path for path in sample().records if path.startswith("position/")]
    assert len(paths) == 8


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "commitment/1", "root": "", "records": [1]}']
)
def test_a_file_that_is_no_commitment(tmp_path: Path, text: str) -> None:
    place = tmp_path / "c.json"
    place.write_text(text, "utf-8")
    with pytest.raises(InputError, match="file_unreadable"):
        sample().changed_since(place)


def test_graphs_are_written_by_their_ending(tmp_path: Path) -> None:
    for name, start in (("g.svg", "<svg"), ("g.json", "{"), ("g.graphml", "<?xml")):
        assert sample().write_graph(tmp_path / name).read_text("utf-8").startswith(start)
    with pytest.raises(InputError, match="option_unknown"):
        sample().write_graph(tmp_path / "g.png")
    with pytest.raises(InputError, match="file_unreadable"):
        sample().write_graph(tmp_path / "nowhere" / "g.svg")


def test_json_is_plain_and_the_summary_is_short() -> None:
    content = json.loads(sample().to_json())
    assert content["totals"] == sample().to_dict()["totals"]
    assert content["accounts"][0]["trust"]["concentration_cap_usd"] is None
    assert "three venues" in repr(sample())
    assert len(sample().summary().tables[-1].rows) <= 10


def test_the_protocol_and_its_terms_by_hand_agree(tmp_path: Path) -> None:
    """Two roads to the loan: integers of the protocol, and shares written into the file."""
    model = sample().to_dict()
    terms = unified(copied(tmp_path, *BY_TERMS)).to_dict()
    one, two = model["accounts"][2], terms["accounts"][2]
    assert one["model"] == "aave-v3" and two["model"] == "lending terms"
    for name in ("equity_usd", "demand_im_usd", "demand_mm_usd", "health", "withdrawable_usd"):
        assert one[name] == pytest.approx(two[name], rel=1e-9), name
    assert one["health"] == pytest.approx(118 * 2035.92 * 0.83 / 126_000, rel=1e-12)
    for name in ("equity_usd", "demanded_im_usd", "economic_net_im_usd", "free_usd"):
        assert model["totals"][name] == pytest.approx(terms["totals"][name], rel=1e-9), name
    # Nothing is asked of a protocol that takes no contracts, and nothing is said of it.
    assert "aave-v3" not in {each["model"] for each in model["savings"]}
    assert not any("aave" in text for text in model["warnings"])


def test_the_worked_example_is_cured_by_borrowing_more_of_the_protocol() -> None:
    """docs/unified.md quotes it: the perpetual is lost at -1.66 %, the loan sends the money."""
    (danger,) = sample().to_dict()["dangers"]
    assert danger["account"] == "perp" and danger["whole_is_healthy"]
    assert round(100 * danger["move_fraction"], 2) == -1.66
    assert round(danger["needed_usd"]) == 12_483 and danger["cured"] and danger["in_time"]
    (sent,) = danger["transfers"]
    assert (sent["source"], sent["target"], round(sent["sent_usd"])) == ("loan", "perp", 12_491)
    before = sample().to_dict()["accounts"][2]
    # The debt has grown by what was sent: health falls from 1.58 to 1.44, far from 1.
    assert before["health"] == pytest.approx(1.5825, abs=1e-4)
    after = danger["after"]["loan"]["health"]
    assert after == pytest.approx(118 * 2035.92 * 0.83 / (126_000 + sent["sent_usd"]), rel=1e-6)
    assert round(danger["whole_there_usd"]) == 285_603


def test_a_loan_about_to_be_liquidated_is_found_and_repaid(tmp_path: Path) -> None:
    """With 78 ether the loan is the leg; the price is the protocol's own, by its integers."""
    found = unified(copied(tmp_path, ("quantity = 118", "quantity = 78"))).to_dict()
    danger = next(each for each in found["dangers"] if each["account"] == "loan")
    closed = 126_000 / (78 * 0.83 * 2035.92)
    assert danger["move_fraction"] == pytest.approx(closed - 1.0, abs=1e-7)
    assert danger["whole_is_healthy"] and danger["cured"]
    moved = sum(each["sent_usd"] - each["fee_usd"] for each in danger["transfers"])
    assert danger["after"]["loan"]["health"] == pytest.approx(
        78 * 2035.92 * 0.83 / (126_000 - moved), rel=1e-6
    )
    row = next(each for each in found["accounts"] if each["name"] == "loan")
    assert row["health"] == pytest.approx(1.0461, abs=1e-4)
