"""Pages of a book of 200 legs on the recorded chain of the crash of 2026-02-05: small, in time.

100 options of BTC and 100 of ETH that were quoted on both sides, long and short in turn, with open
orders in twenty of them; and what selling two more would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.clock import parse_ms
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.report import report_html
from crossmargin.market.fields import split_contract
from crossmargin.venues.market_import import import_market
from tests.interfaces.browser import Browser
from tests.interfaces.pages import DRAW_MAX_S, SIZE_MAX, WIDTHS, Page
from tests.margin.sense import COINS, DAYS

LEGS, EACH = 200, 100


@dataclass(frozen=True)
class Real:
    """Pages by name, with the files that a browser opens."""

    texts: dict[str, str]
    files: dict[str, Path]


@pytest.fixture(scope="module")
def real(market_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Real:
    time, stamp = DAYS["crash"]
    path = market_dir / "deribit" / f"deribit_options_snapshot_{stamp}.csv.gz"
    market = import_market([path], at_ms=parse_ms(time))
    bids, asks = market.values("bid"), market.values("ask")
    items = [parse(*split_contract(subject)) for subject in bids if subject in asks]
    rows: list[dict[str, Any]] = []
    legs: list[str] = []
    for coin in COINS:
        options = [i for i in items if i.kind == Kind.OPTION and i.settle == coin]
        options = options[:: len(options) // (EACH + 1)]
        size = 2.0 if coin == "BTC" else 30.0
        for k, item in enumerate(options[:EACH]):
            line = {"account": "desk", "venue": "deribit", "instrument": item.native_id}
            quantity = size * (1 + k % 3) * (-1.0) ** k
            rows.append({"type": "position", "quantity": quantity, **line})
            if k % 10 == 0:
                limit = bids[f"deribit|{item.native_id}"]
                rows.append({"type": "order", "side": "buy", "quantity": size,
                             "limit_price": limit, **line})  # fmt: skip
        rows.append({"type": "balance", "account": "desk", "venue": "deribit",
                     "currency": coin, "quantity": 50.0 * size})  # fmt: skip
        legs.append(f"{options[EACH].native_id}:{-size}")
    assert sum(row["type"] == "position" for row in rows) == LEGS
    results = {
        "margin": xm.margin(rows, market, "deribit-xpm"),
        "whatif": xm.whatif(rows, market, "deribit-xpm", legs),
        "derive": xm.margin(rows, market, "derive-pm2"),  # two pools
    }
    folder = tmp_path_factory.mktemp("real")
    texts = {name: report_html(result) for name, result in results.items()}
    files = {name: folder / f"{name}.html" for name in [*texts, "blank"]}
    for name, page in [*texts.items(), ("blank", "<!DOCTYPE html><title>blank</title>")]:
        files[name].write_text(page, encoding="utf-8")
    return Real(texts, files)


NAMES = ("margin", "whatif", "derive")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_small_and_holds_every_leg(name: str, real: Real) -> None:
    assert len(real.texts[name].encode()) <= SIZE_MAX
    tables = Page(real.texts[name]).tables
    held = {row[0] for t in tables if t[0][:2] == ["position", "quantity"] for row in t[1:]}
    assert sum(row[-2:] in ("-C", "-P") for row in held) >= LEGS
    # With orders and bent scenarios too every table stands at its place.
    heads = {table[0][0] for table in tables}
    assert {"order margin by", "order", "rule", "requirement", "scenario", "spot"} <= heads


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_drawn_in_time_and_readable(
    name: str, width: int, real: Real, browser: Browser, tmp_path: Path
) -> None:
    found = browser.measure(real.files[name], width)
    assert found["overlaps"] == []
    assert found["outside"] == []
    assert found["small"] == []
    assert found["page_width"] <= found["window_width"] == width
    assert found["laid_out_ms"] <= 1000.0 * DRAW_MAX_S
    shot = browser.shoot(real.files[name], tmp_path / "page.png", width)
    assert shot.console == []
    blank = real.files["blank"]
    start = min(browser.shoot(blank, tmp_path / "b.png", width).seconds for _ in range(2))
    assert shot.seconds - start <= DRAW_MAX_S
