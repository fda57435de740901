"""A margin budget of the frontier: kept by the exact model, and no weights inside do better."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.decisions.estimators import estimate
from crossmargin.decisions.weight_limits import weight_limits
from crossmargin.interfaces import frontier_margin as fm
from crossmargin.interfaces.frontier import Backtest, FrontierResult
from crossmargin.interfaces.frontier_inputs import Limits, prices_of
from crossmargin.interfaces.frontier_margin import MarginAsk, margin_of
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.market.snapshot import Snapshot

ASSETS = ("BTC", "ETH")
WEALTH = 1_000_000.0
SHORT = Limits(low=-1.0, high=2.0)


def asked(budget: float, limits: Limits | None = None, **kw: Any) -> FrontierResult:
    return xm.frontier(
        history="sample:market", last=365, risk_free=-0.9, limits=limits,
        margin=MarginAsk(budget, wealth=WEALTH), **kw,
    )  # fmt: skip


@cache
def ready() -> fm.MarginReady:
    return margin_of(MarginAsk(1e5, wealth=WEALTH), ASSETS, None, "sample:market")


def test_the_margin_is_that_of_a_whatif_of_the_positions() -> None:
    each = ready()
    assert each.names == ("BTC-PERPETUAL", "ETH-PERPETUAL")
    weights = np.array([1.5, -0.5])
    sizes = weights * each.units
    book = [{"type": "balance", "account": "a", "venue": "deribit", "currency": "USDC",
             "quantity": WEALTH}]  # fmt: skip
    legs = [
        f"{name}:{size!r}@{mark!r}"
        for name, size, mark in zip(each.names, sizes.tolist(), each.mark.tolist(), strict=True)
    ]
    plain = xm.whatif(book, "sample:market", add=legs, fee=0.0)
    assert each.exact(weights) == pytest.approx(plain.after.im_usd, rel=1e-9)
    assert each.exact(np.zeros(2)) == 0.0
    # a weight of one is the whole value in the contract: dollars of an inverse perpetual
    assert sizes == pytest.approx(weights * WEALTH, rel=2e-3)


@pytest.mark.parametrize(
    ("method", "budget", "limits"),
    [
        ("max-return", 172_000.0, None),
        ("max-return", 190_000.0, SHORT),
        ("min-variance", 175_000.0, SHORT),
        ("max-sharpe", 171_000.0, SHORT),
    ],
)
def test_no_weights_inside_the_exact_budget_do_better(
    method: str, budget: float, limits: Limits | None
) -> None:
    found = asked(budget, limits, method=method)
    told = found.figures["margin"]
    weights = np.array(list(found.weights.values()))
    assert told["rows"][0]["im_usd"] <= budget * (1.0 + 1e-6)
    assert told["rows"][0]["im_usd"] == ready().exact(weights)
    low, high = (0.0, 1.0) if limits is None else (-1.0, 2.0)
    grid = np.array([[w, 1.0 - w] for w in np.linspace(low, high, 81)])
    exact = np.array([ready().exact(w) for w in grid])
    held = prices_of(None, "sample:market", None, 365, None)
    known = estimate(held.returns, "ledoit-wolf")
    free = -0.9 / 365.0
    gain = grid @ known.mean
    risk = np.sqrt(np.einsum("ki,ij,kj->k", grid, known.covariance, grid))
    score = {"max-return": gain, "min-variance": -risk, "max-sharpe": (gain - free) / risk}[method]
    mine = {
        "max-return": weights @ known.mean,
        "min-variance": -np.sqrt(weights @ known.covariance @ weights),
        "max-sharpe": (weights @ known.mean - free) / np.sqrt(weights @ known.covariance @ weights),
    }[method]
    best = float(score[exact <= budget * (1.0 - 1e-3)].max())  # what the pieces are above the model
    assert mine >= best - 1e-3 * abs(best)
    without = xm.frontier(history="sample:market", last=365, risk_free=-0.9, limits=limits,
                          method=method)  # fmt: skip
    assert ready().exact(np.array(list(without.weights.values()))) > budget
    assert without.figures["margin"] is None


def test_what_the_exact_model_has_beside_the_pieces_is_taken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = fm.MarginReady.exact
    monkeypatch.setattr(fm.MarginReady, "exact", lambda self, w: 1.02 * plain(self, w))
    found = asked(185_000.0, SHORT, method="max-return")
    told = found.figures["margin"]
    assert told["rounds"] > 1
    assert told["rows"][0]["im_usd"] <= 185_000.0 * (1.0 + 1e-6)
    assert told["rows"][0]["im_usd"] > 184_900.0
    monkeypatch.setattr(fm.MarginReady, "exact", lambda self, w: 1e9)
    with pytest.raises(CrossMarginError):
        asked(185_000.0, SHORT, method="max-return")


def _at(venue: str, form: str) -> Snapshot:
    """The sample's perpetuals under their names at another venue."""
    rows = []
    for row in snapshot_of("sample:market").rows():
        _, bar, name = row.subject.partition("|")
        if bar and name.endswith("-PERPETUAL"):
            rows.append(row._replace(subject=f"{venue}|{form.format(name[:3])}"))
        elif not bar:
            rows.append(row)
    return Snapshot.of(rows, snapshot_of("sample:market").as_of_ms)


@pytest.mark.parametrize(
    ("venue", "form", "model"),
    [
        ("okx", "{}-USDT-SWAP", "okx-pm"),
        ("derive", "{}-PERP", "derive-pm2"),
        ("derive", "{}-PERP", "derive-sm"),  # no pieces of its own: tangents
        ("bybit", "{}USDT", "bybit-pm"),  # no fees in the table: none are needed
        ("deribit", "{}-PERPETUAL", "deribit-sm"),  # pieces below the model
    ],
)
def test_every_model_keeps_its_budget_and_uses_it(venue: str, form: str, model: str) -> None:
    market = _at(venue, form)
    ask = MarginAsk(1.0, model=model, wealth=WEALTH)
    most = 1.1 * margin_of(ask, ASSETS, None, market).exact(np.array([0.0, 1.0]))
    found = xm.frontier(
        history=market, last=365, method="max-return", limits=SHORT,
        margin=MarginAsk(most, model=model, wealth=WEALTH),
    )  # fmt: skip
    told = found.figures["margin"]["rows"][0]
    assert most * (1.0 - 2e-3) <= told["im_usd"] <= most * (1.0 + 1e-6)
    assert found.weights["ETH"] > 1.0


def test_the_document_and_the_back_test_say_what_is_kept() -> None:
    found = asked(176_000.0, method="max-return", backtest=Backtest(120, 60))
    words = " ".join(repr(found).split())
    assert "at most 176,000 USD" in words
    assert "the back-test is without the margin budget" in words
    assert "equal weights" in found.to_csv()
    rows = {each["portfolio"]: each["kept"] for each in found.figures["margin"]["rows"]}
    assert rows["chosen: max-return"]
    assert not rows["equal weights"]


def test_too_little_margin_says_the_least() -> None:
    with pytest.raises(InputError) as refused:
        asked(80_000.0)
    assert refused.value.code == "number_out_of_range"
    assert "170,000.00 USD or more" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"budget_usd": 0.0}, "--margin-budget"),
        ({"budget_usd": float("nan")}, "--margin-budget"),
        ({"wealth": None}, "--wealth"),
        ({"wealth": -1.0}, "--wealth"),
        ({"contracts": {"SOL": "SOL-PERPETUAL"}}, "--contract"),
        ({"contracts": {"BTC": "BTC-NOTHING"}}, "--contract BTC"),
        ({"venue": "okx"}, "--venue"),
        ({"model": "no-model"}, ""),
    ],
)
def test_bad_budgets(change: dict[str, Any], place: str) -> None:
    ask = replace(MarginAsk(1e5, wealth=WEALTH), **change)
    with pytest.raises((InputError, ModelError)) as refused:
        margin_of(ask, ASSETS, None, "sample:market")
    assert place in str(refused.value)


def test_a_market_is_needed_and_a_contract_may_be_named() -> None:
    with pytest.raises(InputError) as refused:
        margin_of(MarginAsk(1e5, wealth=WEALTH), ASSETS, None, None)
    assert "--market" in str(refused.value)
    dated = MarginAsk(1e5, wealth=WEALTH, contracts={"BTC": "BTC-25DEC26"}, market="sample:market")
    assert margin_of(dated, ASSETS, None, None).names == ("BTC-25DEC26", "ETH-PERPETUAL")
    with pytest.raises(InputError):
        margin_of(dated, (*ASSETS, "XYZ"), None, None)
    assert weight_limits(2).margins == ()
