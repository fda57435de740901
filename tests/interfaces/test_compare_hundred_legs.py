"""A hundred legs of BTC and ETH under every classical model, on a calm and on a crashed chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.results import CompareResult
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market
from tests.real_history import real_history

LEGS = 100
CLASSICAL = (
    "greeks delta span tims reg-t sensitivities schedule-im sa-ccr var-historical var-filtered "
    "var-montecarlo var-parametric es-historical es-filtered es-montecarlo es-parametric"
).split()
CHAINS = {"calm": "20260128T212943Z", "crash": "20260205T212937Z"}
VENUES = ("deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "okx-pm", "house-example")


@pytest.fixture(scope="module", params=CHAINS)
def compared(market_dir: Path, request: pytest.FixtureRequest) -> CompareResult:
    """A seller's legs over the whole chain with some wings, perpetuals and coins as collateral."""
    folder = market_dir / "deribit"
    found = list(folder.rglob(f"*{CHAINS[request.param]}*.csv.gz"))
    if not found:
        pytest.skip("the chain is absent")
    snapshot = import_market(found[0])
    full = snapshot.with_rows(real_history(market_dir, snapshot.as_of_ms))
    return xm.compare(_book(full), full)


def _book(snapshot: Snapshot) -> list[dict[str, object]]:
    rng = np.random.default_rng(100)
    rows: list[dict[str, object]] = []
    for coin, size in (("BTC", 4.0), ("ETH", 60.0)):
        names = sorted(
            item.native_id
            for item in (parse(*split_contract(s)) for s in snapshot.values("mark_iv"))
            if item.underlying == coin
            and item.kind is Kind.OPTION
            and item.expiry_ms > snapshot.as_of_ms
        )
        chosen = [names[int(k)] for k in np.linspace(0, len(names) - 1, LEGS // 2 - 1)]
        for name in dict.fromkeys(chosen):
            signed = round(float(rng.uniform(-size, 0.4 * size)), 1) or -size
            rows.append({"venue": "deribit", "instrument": name, "quantity": signed})
        rows.append({"venue": "deribit", "instrument": f"{coin}-PERPETUAL", "quantity": -50_000.0})
    for coin, held in (("BTC", 12.0), ("ETH", 150.0)):
        rows.append({"type": "balance", "venue": "deribit", "currency": coin, "amount": held})
    return rows


def test_every_classical_model_has_a_number(compared: CompareResult) -> None:
    rows = {row.model: row for row in compared.rows}
    held = compared.book.instruments.items
    assert sum(item.kind is not Kind.ASSET for item in held) == LEGS
    for name in CLASSICAL:
        row = rows[name]
        assert row.error is None, f"{name}: {row.error}"
        assert row.im_usd > 0.0, name
        assert row.im_usd >= row.mm_usd > 0.0, name
        assert np.isfinite(row.cash_to_hold_usd), name
    for name in VENUES:
        assert rows[name].error is None, f"{name}: {rows[name].error}"


def test_the_classical_models_stand_in_one_order_of_size(compared: CompareResult) -> None:
    """No number that a trader would not believe: within the gross notional, above a thousandth."""
    gross = float(compared.figures["gross_notional_usd"])
    for row in compared.rows:
        if row.model in CLASSICAL and row.error is None:
            assert 0.001 * gross < row.im_usd < gross, (row.model, row.im_usd, gross)


def test_es_is_not_below_the_var_of_its_own_level(compared: CompareResult) -> None:
    """97.5 % ES stands near 99 % VaR: of fat tails above it, never far below."""
    rows = {row.model: row for row in compared.rows}
    for kind in ("historical", "filtered", "montecarlo", "parametric"):
        assert rows[f"es-{kind}"].im_usd > 0.8 * rows[f"var-{kind}"].im_usd
