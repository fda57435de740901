"""The verb check and its command: faces, exit status, receipt, and doubtful data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.interfaces import whatif_commands
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.tables import drawn

CALL = "BTC-10JUL26-72000-C"
TAKEN, REFUSED = f"{CALL}:-1@0.0045", f"{CALL}:-100@0.0045"


def test_every_face_shows_the_same(retail: str, market: str) -> None:
    found = xm.check(retail, market, "deribit-spm", TAKEN)
    assert found.accepted and found.decision == "accepted"
    told = json.loads(found.to_json())
    assert told == json.loads(json.dumps(found.to_dict()))
    assert told["order_margin_usd"] == told["after"]["im_usd"] - told["before"]["im_usd"] > 0.0
    assert told["worst_set"][0]["size"] == -1.0
    text = repr(found)
    for word in ("accepted", "initial margin of BTC", "if filled", "worst fills", CALL):
        assert word in text
    margin = xm.margin(retail, market, "deribit-spm")
    assert told["before"]["im_usd"] == margin.im_usd


def test_a_rejection_names_the_gate_and_by_how_much(retail: str, market: str) -> None:
    found = xm.check(retail, market, "deribit-spm", [REFUSED])
    assert not found.accepted
    assert "initial margin of BTC is over by" in found.reason
    small = xm.check(retail, market, "deribit-spm", f"{CALL}:-0.15@0.0045")
    assert "no whole lot of 0.1" in small.reason


def test_a_gate_is_shown_in_the_digits_of_its_unit(retail: str, market: str) -> None:
    """Dollars without six decimals, counts without any; the figures keep every digit."""
    found = xm.check(retail, market, "paradex-pm", TAKEN)
    (table,) = [each for each in found.document().tables if each.name == "gates"]
    shown = {row[0]: row[2:5] for row in drawn(table).body}
    orders = next(value for name, value in shown.items() if name == "open orders")
    assert orders[0] == "1"
    value, limit, unit = shown["initial margin"]
    assert unit == "USD" and len((value + limit).partition(".")[2]) <= 5
    exact = next(e["value"] for e in found.figures["checks"] if e["gate"] == "initial margin")
    assert exact == found.figures["after"]["im_usd"]


def test_the_command_says_that_it_is_at_work(
    retail: str, market: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is counted on the error stream, and silenced for machines."""
    heard: list[tuple[str, bool]] = []

    @contextmanager
    def working(what: str, *, quiet: bool) -> Iterator[None]:
        heard.append((what, quiet))
        yield

    monkeypatch.setattr(whatif_commands, "working", working)
    common = ["check", retail, "--market", market, "--model", "deribit-spm", "--order", TAKEN]
    assert main(common) == main([*common, "--json"]) == main([*common, "--csv"]) == 0
    assert heard == [("checking", False), ("checking", True), ("checking", True)]


def test_orders_of_one_account_of_several_and_of_dollar_books(market: str) -> None:
    rows = [
        {"account": "a", "venue": "deribit", "instrument": CALL, "quantity": -1.0},
        {"account": "a", "type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 1},
        {"account": "b", "venue": "deribit", "instrument": "BTC_USDC-PERPETUAL", "quantity": -0.1},
        {"account": "b", "type": "balance", "venue": "deribit", "instrument": "USDC",
         "quantity": 5_000.0},
    ]  # fmt: skip
    coins = xm.check(rows, market, "deribit-spm", TAKEN, account="a")
    assert coins.figures["checks"][0]["gate"] == "initial margin of BTC"
    order = "BTC_USDC-PERPETUAL:{}@64000"
    dollars = xm.check(rows, market, "deribit-spm", order.format("-0.1"), account="b")
    gate = dollars.figures["checks"][0]
    assert (gate["gate"], gate["unit"]) == ("initial margin of USDC", "USDC")
    assert dollars.accepted
    assert not xm.check(
        rows, market, "deribit-spm", order.format("-2"), account="b"
    ).accepted  # its own five thousand dollars are not enough


def test_the_command_says_it_with_its_exit_status(
    retail: str, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["check", retail, "--market", market, "--model", "deribit-spm", "--json"]
    for order, status in ((TAKEN, 0), (REFUSED, 1)):
        assert main([*common, "--order", order, "--mmp", "g"]) == status
        told = json.loads(capsys.readouterr().out)
        assert told["accepted"] is (status == 0)
        assert told["receipt"]["command"].startswith("crossmargin check ")
        assert f"--order {order}" in told["receipt"]["command"]
        assert "--mmp g" in told["receipt"]["command"]


def test_doubtful_data_give_no_verdict(retail: str, market: str) -> None:
    with pytest.raises(MarketDataError) as caught:
        xm.check(retail, market, "deribit-spm", TAKEN, as_of="2026-07-03T09:00:00Z")
    assert caught.value.code == "market_doubtful"
    snapshot = xm.read_market(market)
    place = snapshot.field.index("mark"), snapshot.field.index("index")
    spoilt = list(snapshot.verdict)
    spoilt[place[1]] = "stale"
    bad = snapshot.__class__(
        **{
            name: getattr(snapshot, name)
            for name in snapshot.__dataclass_fields__
            if name != "verdict" and snapshot.__dataclass_fields__[name].init
        },
        verdict=tuple(spoilt),
    )
    with pytest.raises(MarketDataError) as caught:
        xm.check(retail, bad, "deribit-spm", TAKEN)
    assert caught.value.code == "market_doubtful"
    assert "stale" in str(caught.value)


def test_no_order_is_an_error(retail: str, market: str) -> None:
    with pytest.raises(InputError) as caught:
        xm.check(retail, market, "deribit-spm", [])
    assert caught.value.code == "order_invalid"
