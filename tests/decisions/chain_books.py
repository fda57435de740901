"""Random books of one coin on the recorded chain of a crash, and a workbench for each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from crossmargin.core.clock import DAY_MS, parse_ms
from crossmargin.decisions.margin_choice import Desired, Workbench, workbench
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market
from tests.margin.sense import DAYS


@cache
def crash_market(market_dir: Path) -> Snapshot:
    """The chain of 2026-02-05 21:29 with perpetuals and futures."""
    folder = market_dir / "deribit"
    time, stamp = DAYS["crash"]
    places = [
        folder / f"deribit_options_snapshot_{stamp}.csv.gz",
        folder / "perpetual_futures_prices.csv",
        folder / "term_futures_marks.csv.gz",
    ]
    return import_market(places, at_ms=parse_ms(time))


@cache
def liquid(market_dir: Path, coin: str = "BTC") -> tuple[str, ...]:
    """Options of a coin with a bid, an ask and open interest, a day or more to live."""
    market = crash_market(market_dir)
    bid, ask = market.values("bid"), market.values("ask")
    interest = market.values("open_interest")
    out = []
    for subject in sorted(market.values("mark")):
        item = parse(*split_contract(subject))
        quoted = bid.get(subject, 0.0) > 0.0 and ask.get(subject, 0.0) > 0.0
        lives = item.expiry_ms > market.as_of_ms + DAY_MS
        mine = item.kind == Kind.OPTION and item.underlying == coin
        if mine and quoted and lives and interest.get(subject, 0.0) > 20.0:
            out.append(item.native_id)
    return tuple(out)


def random_rows(
    market_dir: Path, seed: int, legs: int, coin: str = "BTC"
) -> list[dict[str, object]]:
    """Lines of one account: options of both signs, a perpetual, coins and dollars."""
    rng = np.random.default_rng([seed, legs])
    names = rng.choice(liquid(market_dir, coin), legs - 1, replace=False).tolist()
    sizes = np.round(rng.uniform(0.5, 10.0, legs - 1) * rng.choice([-1.0, 1.0], legs - 1), 1)
    rows = dict(zip(names, sizes.tolist(), strict=True))
    rows[f"{coin}-PERPETUAL"] = float(np.round(rng.uniform(-3e5, 3e5), -1))
    rows[coin] = 60.0
    return [
        {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        for name, size in rows.items()
    ]


def bench_of(
    market_dir: Path, seed: int, legs: int = 24, others: int = 20, model: str = "deribit-spm"
) -> tuple[PreparedBook, Workbench]:
    """A book of so many legs with so many further candidates."""
    rows = random_rows(market_dir, seed, legs)
    rng = np.random.default_rng([seed, others, 7])
    names = {str(row["instrument"]) for row in rows} - {"BTC"}
    more = [n for n in rng.permutation(liquid(market_dir)).tolist() if n not in names][:others]
    market = crash_market(market_dir)
    made = prepare(rows, market, model, [*sorted(names), *more], fee=0.0003)
    return made, workbench(made.core, market, Desired(kept=400, least_days=0.0))
