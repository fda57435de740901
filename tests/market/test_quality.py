from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.market.quality import report
from crossmargin.venues.market_import import import_market
from tests.market.markets import assembled
from tests.market.test_chain import priced


def test_report_names_every_doubt_and_nothing_else() -> None:
    snapshot = assembled([priced(60000, "C", bid=0.2, ask=0.1), priced(61000, "C")])
    found = report(snapshot)
    doubtful = {(item["field"], item["verdict"]) for item in found["items"]}
    assert ("bid", "crossed") in doubtful
    assert ("usd", "assumed") in doubtful
    assert found["verdict"] == "crossed"
    assert found["counts"]["mark_iv"] == {"ok": 2}
    assert sum(sum(c.values()) for c in found["counts"].values()) == found["rows"] == len(snapshot)
    (pair,) = found["pairs"]
    (expiry,) = pair["expiries"]
    assert (pair["pair"], pair["index"], expiry["options"]) == ("BTC/USD", 64000.0, 2)
    assert expiry["carry_annual"] == pytest.approx(0.0775, abs=1e-3)


def test_report_is_json(market_dir: Path) -> None:
    snapshot = import_market(
        market_dir / "deribit/deribit_options_snapshot_20260205T212937Z.csv.gz"
    )
    found = report(snapshot, surfaces=True)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["sha256"] == snapshot.sha256
    for pair in found["pairs"]:
        assert pair["verdict"] == "incoherent"
        assert all(line["carry_annual"] is None for line in pair["expiries"])
        assert pair["surface"]["free_of_arbitrage"]
