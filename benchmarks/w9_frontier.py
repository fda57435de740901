"""W9: the frontier equity = maintenance margin of one account of 200 options on 61 × 41 nodes."""

from __future__ import annotations

import numpy as np

import crossmargin as xm
from benchmarks.machine import Limits
from benchmarks.report import Measure, Report, WrongValue
from benchmarks.timing import Candidate, Settings, interleaved, one_processor
from crossmargin.accounts.frontier import Frontier, frontier
from crossmargin.accounts.nodes import Account, Move
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.sample import market_path

__all__ = ["account_of", "check", "run"]

LEGS, SPOTS, VOLS = 200, 61, 41
LIMIT_S = 0.150
MODELS = (
    "deribit-xpm",
    "deribit-spm",
    "okx-pm",
    "bybit-pm",
    "paradex-pm",
    "derive-pm2",
    "derive-pm1",
    "house-example",
    "deribit-sm",
    "sensitivities",
    "var-historical",
)


def account_of(model: str) -> Account:
    """Two hundred listed options of the sample on BTC, of both signs, and coins beside them."""
    market = xm.read_market(str(market_path()))
    subjects = sorted({*market.places("mark_iv"), *market.places("mark")})
    known = [parse(*subject.split("|", 1)) for subject in subjects if subject.startswith("deribit")]
    options = [
        item
        for item in known
        if item.kind == Kind.OPTION
        and item.underlying == "BTC"
        and item.expiry_ms > market.as_of_ms
    ]
    sizes = np.random.default_rng(3).integers(-20, 20, LEGS).tolist()
    rows = [
        {"venue": "deribit", "instrument": item.native_id, "quantity": float(size) or 1.0}
        for item, size in zip(options[:LEGS], sizes, strict=True)
    ]
    coins = {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 30.0}
    need = xm.margin([*rows, coins], market, model).requirement
    return Account(need.book, need.view, need.via, need.parameters)


def check(model: str, account: Account, found: Frontier) -> None:
    """Five nodes are the single runs there, to 1e-9 of the requirement."""
    rng = np.random.default_rng(1)
    shape = found.over_mm_usd.shape
    for r, c in zip(*(rng.integers(0, size, 5).tolist() for size in shape), strict=True):
        move = Move(every=float(found.spot_factor[r]), vol=float(found.vol_factor[c]))
        alone = account.one(move)
        gap = abs(float(alone.over_mm_usd[0] - found.over_mm_usd[r, c]))
        if not gap <= 1e-9 * float(alone.mm_usd[0]):
            raise WrongValue(f"W9: {model} at {move} is {gap:g} dollars from the single run")


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Each model on all processors, then pinned to one."""
    del limits
    spots = np.geomspace(0.5, 2.0, settings.size(SPOTS, 16)).tolist()
    vols = np.geomspace(0.5, 2.0, settings.size(VOLS, 11)).tolist()
    for model in MODELS:
        account = account_of(model)
        check(model, account, frontier(account, spots, vols))
        candidate = Candidate(model, lambda a=account: frontier(a, spots, vols), 1.0)
        both = interleaved([candidate], settings)[model]
        with one_processor():
            alone = interleaved([candidate], settings)[model]
        case = f"{model}: {LEGS} options, {len(spots)} × {len(vols)} nodes"
        for name, timing in (("all processors", both), ("one processor", alone)):
            report.measures.append(
                Measure(
                    "W9", f"{case}, {name}", "crossmargin", "s", timing.wall_s,
                    timing.wall_s, timing.cpu_s, timing.rounds, timing.spread,
                )
            )  # fmt: skip
        reason = f"{alone.cpu_s:.3f} s on one processor; {both.processors}"
        report.goal(
            "W9", f"{case}, two threads", LIMIT_S, both.wall_s, "s",
            at_least=False, reason=reason,
        )  # fmt: skip
