"""W10: decisions: the margin of 50 legs optimised among 100 further contracts, book by book.

Timed is what a new price asks for: pieces, limits and profile built, programme solved, the answer
priced by the exact model. The account is prepared and the costs are read before. Each book is once
one call; the first few warm the kernels and do not count.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.machine import Limits
from benchmarks.report import Report, WrongValue
from benchmarks.timing import Latency, Settings, one_processor
from crossmargin.core.clock import DAY_MS
from crossmargin.decisions.margin_choice import (
    Desired,
    Tolerances,
    Workbench,
    blocks_of,
    limits_of,
    profile_of,
    workbench,
)
from crossmargin.decisions.margin_exact import Priced, made_good
from crossmargin.decisions.margin_lp import Contradiction, Goal, MarginProblem
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin import model_named, parameters_for
from crossmargin.margin.whatif import prepare
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import market_path
from crossmargin.venues.market_file import read_snapshot

__all__ = ["run"]

LEGS, OTHERS, BOOKS, WARM = 50, 100, 50, 3
PRICE = 0.08 * 30.0 / 365.0
# The scan alone: 31 moves x 3 volatilities and 3 far ones.
GRID: dict[str, Any] = {
    "asset.BTC.moves": [[round(0.01 * k, 2), 1.0] for k in range(-15, 16)],
    "asset.BTC.scenarios": [[-0.5, 0.45, 0.4], [0.75, 0.45, 0.27], [-0.3, 0.45, 0.6]],
}
CHARGES = (
    "vega_spread_factor basis_rate_annual roll_factor depeg_factor futures_factor "
    "liquidity_futures liquidity_option concentration_factor fee_futures fee_option "
    "unhedged_factor hedged_factor outright_floor option_floor"
)
ALONE = GRID | {f"asset.BTC.{name}": 0.0 for name in CHARGES.split()}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "96 scenarios and short options": ("house-example", ALONE),
    "96 scenarios and every charge of a house": ("house-example", GRID),
    "deribit-xpm": ("deribit-xpm", {}),
    "okx-pm": ("okx-pm", {}),
    "derive-pm2": ("derive-pm2", {}),
}


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """One line a case: build, solve, exact re-pricing."""
    del limits
    market = read_snapshot(market_path())
    with one_processor():
        for case, (model, changes) in CASES.items():
            made = _timed(market, model, changes, settings.size(BOOKS, 6))
            text = f"{LEGS} legs, {OTHERS} candidates: {case}"
            report.latency("W10", text, {model: made})
            if "every charge" not in case:
                report.goal(
                    "W10", f"{text}, build, solve, re-price, p50", 50.0, made.p50_us / 1e3, "ms",
                    at_least=False, reason="wall time: see the load of the machine",
                )  # fmt: skip


def _timed(market: Snapshot, model: str, changes: dict[str, Any], books: int) -> Latency:
    took = []
    for seed in range(books + WARM):
        bench = _bench(market, model, changes, seed)
        begin = time.perf_counter()
        found = _answer(bench)
        took.append(1e6 * (time.perf_counter() - begin))
        if isinstance(found, Contradiction) or found.saved_usd * PRICE < found.cost_usd - 1e-6:
            raise WrongValue(f"W10: {model}: book {seed} is worse than doing nothing")
    counted = np.array(took[WARM:])
    return Latency(
        "crossmargin", float(np.median(counted)), float(np.percentile(counted, 99)), len(counted)
    )


def _answer(bench: Workbench) -> Priced | Contradiction:
    before, bands = bench.prepared.before.im_usd, Tolerances()
    problem = MarginProblem(
        blocks_of(bench.prepared, bench.column),
        bench.tickets,
        Goal(PRICE),
        limits_of(bench, bands),
        profile_of(bench, bands, before),
        uncounted=bench.uncounted,
    )
    return made_good(bench, problem, whole=False)


def _options(market: Snapshot) -> list[Instrument]:
    """Options of the sample chain in one coin with both quotes, two days or more to live."""
    bid, ask = market.values("bid"), market.values("ask")
    names = [name for name in sorted(bid) if name in ask and name.startswith("deribit|BTC-")]
    found = [parse("deribit", name.split("|")[1]) for name in names]
    until = market.as_of_ms + 2 * DAY_MS
    return [item for item in found if item.kind == Kind.OPTION and item.expiry_ms > until]


def _bench(market: Snapshot, model: str, changes: dict[str, Any], seed: int) -> Workbench:
    rng = np.random.default_rng([seed, 9])
    options = _options(market)
    chosen = [options[k] for k in rng.permutation(len(options))[: LEGS + OTHERS - 1]]
    held = [*chosen[: LEGS - 1], parse("deribit", "BTC-PERPETUAL")]
    coin = asset("deribit", "BTC")
    table = Instruments.of([*held, coin])
    place = table.index_of()
    sizes = np.round(rng.uniform(0.5, 8.0, LEGS - 1), 1) * rng.choice([-1.0, 1.0], LEGS - 1)
    quantity = [*sizes.tolist(), 1000.0 * float(rng.integers(-300, 300))]
    lines = [Line("desk", place[i.key], q) for i, q in zip(held, quantity, strict=True)]
    lines.append(Line("desk", place[coin.key], 200.0))
    chosen_model = model_named(model)
    parameters = parameters_for(chosen_model, market.as_of_ms, changes or None)
    book = Book.of(table, lines)
    ready = prepare(book, market, chosen_model, parameters, chosen[LEGS - 1 :], fee=0.0003)
    return workbench(ready, market, Desired(kept=LEGS + OTHERS, least_days=0.0))
