"""Small accounts for the tests of this room."""

from __future__ import annotations

from typing import Any

import crossmargin as xm
from crossmargin.accounts.collateral import Holdings
from crossmargin.accounts.collateral_schedule import AssetPrices, Schedule
from crossmargin.margin.model import Requirement

START_MS = 1_783_000_000_000


def schedule() -> Schedule:
    """The example that ships."""
    return Schedule.at(START_MS)


def requirement(book: str = "retail-short-vol", model: str = "deribit-xpm") -> Requirement:
    """A sample book under a model."""
    return xm.margin(f"sample:{book}", "sample:market", model).requirement


def rows(*lines: tuple[str, str, float, float | None]) -> list[dict[str, Any]]:
    """Rows of a book on Deribit from (type, instrument, quantity, entry price)."""
    out = []
    for kind, name, quantity, entry in lines:
        row: dict[str, Any] = {
            "type": kind,
            "account": "a",
            "venue": "deribit",
            "instrument": name,
            "quantity": quantity,
        }
        if entry is not None:
            row["entry_price"] = entry
        out.append(row)
    return out


def held(assets: dict[str, float], **more: Any) -> Holdings:
    """Holdings at 1 dollar a stablecoin and 50,000 and 2,000 dollars a coin."""
    prices = {
        "USD": AssetPrices(1.0),
        "USDC": AssetPrices(1.0),
        "USDT": AssetPrices(1.0),
        "BTC": AssetPrices(50_000.0),
        "ETH": AssetPrices(2_000.0),
        "SOL": AssetPrices(100.0),
        "STETH": AssetPrices(2_000.0),
        **more.pop("prices", {}),
    }
    return Holdings(assets, prices=prices, **more)
