"""Hyperliquid's margin tiers: the shipped tables are the listed ones, and the worked examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.parameter_files import available
from tests.vectors.building import ACCOUNT, Facts, Quote, book_of, view_of

NEWEST = available("hyperliquid")[-1]


def test_example(case: dict[str, Any]) -> None:
    """Each example of its file, at a mark of one dollar."""
    coin, notional = case["asset"], float(case["notional"])
    name = f"{coin}-PERP"
    perp = Instrument("hyperliquid", name, Kind.PERPETUAL, coin, "USD", "USDC")
    table = Instruments.of([perp])
    facts = Facts(
        utc_ms(2026, 1, 1),
        {(coin, "USD"): 1.0},
        {coin: 1.0, "USD": 1.0, "USDC": 1.0},
        quotes={name: Quote(1.0)},
    )
    view = view_of(table, facts)
    for sign in (1.0, -1.0):
        book = book_of(table, {ACCOUNT: [(name, sign * notional)]})
        found = run(book, view, model_named("hyperliquid"), NEWEST)
        ours = float(found.sheet["mm"][0])
        assert ours == pytest.approx(case["maintenance_margin"], rel=1e-12)


def test_tables(vectors_dir: Path) -> None:
    """The shipped tiers of every asset that the file lists."""
    path = vectors_dir / "hyperliquid_margin_tiers.json"
    if not path.is_file():
        pytest.skip(f"no {path.name} in the --vectors folder")
    tiers = json.loads(path.read_text(encoding="utf-8"))["tiers"]
    listed = {name: rows for names, rows in tiers.items() for name in names.split(",")}
    assert set(NEWEST.tables("asset")) == set(listed)
    for name, rows in listed.items():
        ours = NEWEST.get(f"asset.{name}.tiers")
        assert [[float(x) for x in row] for row in rows] == ours, name
