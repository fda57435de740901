"""uniMMR (centralised-venues 4.1): plain arithmetic over balances, loans and futures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any


@dataclass(frozen=True)
class Account:
    """Balances, loans and wallets by asset; each future's profit and margin in its asset."""

    price_usd: Mapping[str, float]
    rate: Mapping[str, float]
    balance: Mapping[str, float]
    loan: Mapping[str, float]
    loan_share: float
    profit: list[tuple[str, float]] = field(default_factory=list)
    futures_mm: list[tuple[str, float]] = field(default_factory=list)
    open_loss_usd: float = 0.0


def bracket_mm(notional: float, rows: list[list[float]]) -> float:
    """Margin of one position: the shares of its slices, each at the rate of its bracket."""
    total = 0.0
    for lower, cap, rate, *_ in sorted(rows):
        total += max(min(notional, cap) - lower, 0.0) * rate
    last = sorted(rows)[-1]
    return total + max(notional - last[1], 0.0) * last[2]


def uni_mmr(account: Account) -> dict[str, float]:
    """Adjusted equity, maintenance margin and their ratio, in dollars."""
    names = {*account.balance, *account.loan, *(name for name, _ in account.profit)}
    equity = []
    for name in sorted(names):
        amount = account.balance.get(name, 0.0) - account.loan.get(name, 0.0)
        amount += fsum(size for asset, size in account.profit if asset == name)
        worth = amount * account.price_usd[name]
        equity.append(min(worth * account.rate[name], worth))
    charges = [size * account.price_usd[name] for name, size in account.futures_mm]
    charges += [
        size * account.loan_share * account.price_usd[name] for name, size in account.loan.items()
    ]
    adjusted, mm = fsum(equity) - account.open_loss_usd, fsum(charges)
    return {"adjusted_equity": adjusted, "mm": mm, "ratio": adjusted / mm if mm else float("inf")}


def account_of(
    given: Mapping[str, Any],
    price_usd: Mapping[str, float],
    rate: Mapping[str, float],
    loan_share: float,
) -> Account:
    """The inputs of the venue's example."""
    balance = {name: row[0] for name, row in given["margin"].items()}
    loan = {name: row[1] for name, row in given["margin"].items() if row[1]}
    balance["USDT"] = balance.get("USDT", 0.0) + given["um_wallet_usdt"]
    balance["BTC"] = balance.get("BTC", 0.0) + given["cm_wallet_btc"]
    profit, futures_mm = [], []
    for row in given["positions"]:
        if "usd" in row:
            coin = row["symbol"].split("USD")[0]
            profit.append((coin, row["usd"] * (1.0 / row["entry"] - 1.0 / row["mark"])))
            futures_mm.append((coin, abs(row["usd"]) / row["mark"] * row["mmr"]))
        else:
            profit.append(("USDT", row["qty"] * (row["mark"] - row["entry"])))
            futures_mm.append(("USDT", abs(row["qty"]) * row["mark"] * row["mmr"]))
    return Account(price_usd, rate, balance, loan, loan_share, profit, futures_mm)
