"""The frontier: its nodes are full runs, its lines stand where the sign changes."""

from __future__ import annotations

import math
import os
import time
from typing import Any

import numpy as np
import pytest

from crossmargin.accounts.frontier import contours, frontier
from crossmargin.accounts.nodes import Move
from crossmargin.core.errors import InputError
from crossmargin.margin.model import NetsAsPriced
from tests.accounts.random_books import (
    account_of,
    contracts,
    many_legs,
    named,
    random_account,
)

SPOTS, VOLS = np.geomspace(0.5, 2.0, 13).tolist(), np.geomspace(0.5, 3.0, 9).tolist()


def test_nodes_are_runs_and_lines_are_where_the_sign_changes() -> None:
    account = random_account(17)
    found = frontier(account, SPOTS, VOLS)
    for r, c in ((0, 0), (5, 8), (12, 3)):
        alone = account.one(Move(every=SPOTS[r], vol=VOLS[c]))
        assert found.over_mm_usd[r, c] == pytest.approx(float(alone.over_mm_usd[0]), rel=1e-9)
        assert found.broken[r, c] == (alone.over_mm_usd[0] < 0.0)
        assert found.no_open[r, c] == (alone.over_im_usd[0] < 0.0)
    crossed = sum(
        int((found.broken[1:] != found.broken[:-1]).sum())
        + int((found.broken[:, 1:] != found.broken[:, :-1]).sum())
        for _ in (0,)
    )
    ends = sum(len(line) - (line[0] == line[-1] and len(line) > 2) for line in found.lines)
    assert ends == crossed


def test_contours_of_known_tables() -> None:
    axis = np.linspace(-2.0, 2.0, 41)
    circle = 1.0 - axis[:, None] ** 2 - axis[None, :] ** 2
    (ring,) = contours(axis, axis, circle)
    assert ring[0] == ring[-1]
    assert all(abs(math.hypot(x, y) - 1.0) < 0.01 for x, y in ring)
    (line,) = contours(axis, axis, np.broadcast_to(axis[:, None] - 0.33, circle.shape))
    assert line[0] != line[-1] and {round(x, 9) for x, _ in line} == {0.33}
    assert sorted(y for _, y in line) == pytest.approx(axis.tolist())
    saddle = axis[:, None] * axis[None, :] + 0.01
    lines = contours(axis + 0.05, axis, saddle)
    assert len(lines) == 2
    assert contours(axis, axis, np.ones(circle.shape)) == ()


@pytest.mark.parametrize("bad", [[1.0], [0.0, 1.0], [1.0, 0.5], [1.0, math.nan]])
def test_factors_rise(bad: list[float]) -> None:
    with pytest.raises(InputError):
        frontier(random_account(0), bad, VOLS)


# Of these the page claims how long the frontier takes: benchmarks/frontier.py measures it.
CLAIMED = ("deribit-xpm", "deribit-spm", "okx-pm", "bybit-pm", "paradex-pm", "derive-pm2")


@pytest.mark.parametrize("model", CLAIMED)
def test_two_hundred_legs_stay_cheap_and_exact(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """61 x 41 nodes in a few calls of the model, each node the single run there."""
    account = many_legs(model)
    spots, vols = np.geomspace(0.5, 2.0, 61).tolist(), np.geomspace(0.5, 2.0, 41).tolist()
    frontier(account, spots[:3], vols[:3])  # compiles
    calls: list[int] = []
    kind = type(account.model)
    name = "price_netted" if isinstance(account.model, NetsAsPriced) else "price"
    plain = getattr(kind, name)

    def counted(self: Any, pool: Any, *rest: Any) -> Any:
        calls.append(len(pool.instruments))
        return plain(self, pool, *rest)

    monkeypatch.setattr(kind, name, counted)
    start = time.process_time()
    found = frontier(account, spots, vols)
    took = time.process_time() - start
    monkeypatch.undo()
    assert account.tiled
    pools = len(account.plan.pools)
    assert len(calls) <= 24 * pools  # 16 tiles and the run that each path is compared with
    assert sum(calls) <= 1.02 * pools * len(spots) * len(vols) * len(account.book.instruments)
    assert took < 3.0  # about a fifth of a second; this is a ceiling for a loaded machine
    rng = np.random.default_rng(5)
    for r, c in zip(rng.integers(0, 61, 8).tolist(), rng.integers(0, 41, 8).tolist(), strict=True):
        alone = account.one(Move(every=spots[r], vol=vols[c]))
        for name in ("equity_usd", "mm_usd", "over_mm_usd"):
            one, all_ = float(getattr(alone, name)[0]), float(getattr(found, name)[r, c])
            assert all_ == pytest.approx(one, rel=1e-9, abs=1e-9 * float(alone.mm_usd[0]))


def test_two_hundred_legs() -> None:
    """61 x 41 nodes of 200 options; the bound on time is the benchmark's, here only a ceiling."""
    options = [i for i in contracts()["option"] if i.underlying == "BTC"][:200]
    sizes = np.random.default_rng(3).integers(-20, 20, len(options))
    legs = [(item, float(size) or 1.0) for item, size in zip(options, sizes, strict=True)]
    account = account_of([*legs, (named("BTC"), 30.0)], "house-example")
    spots, vols = np.geomspace(0.5, 2.0, 61).tolist(), np.geomspace(0.5, 2.0, 41).tolist()
    frontier(account, spots[:3], vols[:3])
    start = time.perf_counter()
    found = frontier(account, spots, vols)
    took = time.perf_counter() - start
    assert account.tiled and found.broken.any() and not found.broken.all()
    assert took < 5.0 * (os.cpu_count() or 1)
