"""W8: before the trade: one what-if, many candidates, the worst fill of a quoting account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.machine import Limits
from benchmarks.report import Report, WrongValue
from benchmarks.timing import Settings, latencies, one_processor
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.margin import model_named
from crossmargin.margin.whatif import Prepared, prepare
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.snapshot import Snapshot
from crossmargin.pricing.fills import fill_need, fill_need_kernel
from crossmargin.pricing.fold import fold_tables
from crossmargin.sample import market_path
from crossmargin.venues.market_file import read_snapshot

__all__ = ["run"]

HELD = 60
MODELS = ("deribit-spm", "deribit-xpm")
POSITIONS, QUOTES, SCENARIOS = 200, 1_600, 35
CANDIDATES = 5_000


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """The public what-if, the ranking, and the worst fill in the kernel."""
    del limits
    market = read_snapshot(market_path())
    with one_processor():
        for model in MODELS:
            _what_if(report, settings, market, model)
        _worst_fill(report, settings)


def _options(market: Snapshot) -> list[Instrument]:
    """Options of the sample chain in one coin with a bid and an ask."""
    from crossmargin.instruments.symbology import parse

    bid, ask = market.values("bid"), market.values("ask")
    names = [name for name in bid if name in ask and name.startswith("deribit|BTC-")]
    found = [parse("deribit", name.split("|")[1]) for name in sorted(names)]
    return [item for item in found if item.kind == Kind.OPTION]


def _account(market: Snapshot, model: str) -> tuple[Prepared, list[Leg]]:
    """An account of 60 positions with a balance, and candidates among the other options."""
    rng = np.random.default_rng(12)
    options = _options(market)
    chosen = rng.permutation(len(options))
    held = [options[k] for k in chosen[:HELD]]
    coin = asset("deribit", "BTC")
    table = Instruments.of([*held, coin])
    place = table.index_of()
    sizes = rng.integers(1, 9, HELD) * rng.choice([-1.0, 1.0], HELD)
    lines = [Line("desk", place[i.key], float(q)) for i, q in zip(held, sizes, strict=True)]
    lines.append(Line("desk", place[coin.key], 500.0))
    others = [options[k] for k in chosen[HELD:]]
    ready = prepare(Book.of(table, lines), market, model_named(model), candidates=others)
    where = {item.key: k for k, item in enumerate(ready.table.items)}
    legs = [
        Leg(where[others[k % len(others)].key], float(rng.integers(1, 9) * rng.choice([-1, 1])))
        for k in range(CANDIDATES)
    ]
    return ready, legs


def _what_if(report: Report, settings: Settings, market: Snapshot, model: str) -> None:
    ready, legs = _account(market, model)
    one = ready.whatif([legs[0]])
    ranked = ready.rank([[leg] for leg in legs])
    place = int(np.flatnonzero(ranked.order == 0)[0])
    if ranked.im_usd[place] != one.after.im_usd:
        raise WrongValue(f"W8: {model}: a candidate's IM differs between ranking and what-if")
    turn = iter(range(10**9))
    calls: list[tuple[str, Callable[[], object]]] = [
        (f"{model}, whatif()", lambda: ready.whatif([legs[next(turn) % len(legs)]])),
    ]
    made = latencies(calls, settings, count=2_000)[calls[0][0]]
    case = f"{HELD} positions, one leg"
    report.latency("W8", case, {calls[0][0]: made})
    report.goal(
        "W8", f"{case}: {model}, public what-if, p99", 200.0, made.p99_us, "µs", at_least=False,
        reason="some sixty NumPy calls of a few µs; the kernels take a tenth of it",
    )  # fmt: skip
    every = [[leg] for leg in legs]
    bulk = latencies([("rank", lambda: ready.rank(every))], settings, count=20)["rank"]
    report.latency("W8", f"{CANDIDATES} candidates", {f"{model}, rank()": bulk})
    report.goal(
        "W8", f"{CANDIDATES} candidates ranked by {model}", 100.0, bulk.p50_us / 1e3, "ms",
        at_least=False,
    )  # fmt: skip


def _worst_fill(report: Report, settings: Settings) -> None:
    """200 positions and 1,600 quotes of one account over 35 scenarios, in the kernel."""
    rng = np.random.default_rng(13)
    width = -(-SCENARIOS // 8) * 8
    pnl = rng.normal(size=(QUOTES // 2, width))
    pnl[:, SCENARIOS:] = pnl[:, :1]
    column = np.sort(rng.choice(QUOTES // 2, POSITIONS, replace=False)).astype(np.int32)
    quantity = rng.normal(size=POSITIONS)
    quoted = np.repeat(np.arange(QUOTES // 2, dtype=np.int32), 2)
    size = np.tile([1.0, -1.0], QUOTES // 2)
    moves = np.ascontiguousarray(size[:, None] * pnl[quoted])
    gain = np.full(QUOTES, -0.01)
    lone = np.full(QUOTES // 2, 0, np.int32)
    fold = fold_tables(width, lone, [0.6], [1.0])
    row, order = np.array([0, POSITIONS]), np.array([0, QUOTES])
    worth = np.zeros(QUOTES)
    least = np.empty((1, width))
    made = fill_need(row, column, quantity, pnl, SCENARIOS, fold, order, quoted, moves, worth, gain)
    held, cost = quantity @ pnl[column], gain[:, None]
    pieces = [
        slope * held + np.minimum(slope * moves + cost, 0.0).sum(axis=0) for slope in (0.6, 1)
    ]
    plain = np.minimum(*pieces)
    if not abs(made.need[0] + plain[:SCENARIOS].min()) <= 1e-10 * made.need[0]:
        raise WrongValue(f"W8: the worst fill is {made.need[0]!r}, not {-plain.min()!r}")
    tables = (row, column, quantity, pnl, *fold[:8], order, quoted, moves, worth, gain)

    def in_kernel() -> None:
        fill_need_kernel.run(*tables, least)

    def in_numpy() -> float:
        return float((quantity @ pnl[column] + np.minimum(moves + cost, 0.0).sum(axis=0)).min())

    calls: list[tuple[str, Callable[[], object]]] = [
        ("crossmargin, kernel", in_kernel),
        ("NumPy", in_numpy),
    ]
    found = latencies(calls, settings, count=5_000)
    case = f"{POSITIONS} positions, {QUOTES} quotes × {SCENARIOS}"
    report.latency("W8", case, found)
    report.goal(
        "W8", f"{case}: worst fill in the kernel, p99", 100.0,
        found["crossmargin, kernel"].p99_us, "µs", at_least=False,
    )  # fmt: skip
