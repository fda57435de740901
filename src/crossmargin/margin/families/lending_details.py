"""What a lending position shows beside its sheet: health, and each token's way to liquidation."""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.margin.families.lending import (
    WAD,
    LendingAccount,
    borrowable,
    liquidation_factor,
    liquidation_price,
    repayment,
    rising_price,
    top_up,
    withdrawable,
)
from crossmargin.margin.model import Detail

__all__ = ["health_table", "price_table"]


def health_table(account: LendingAccount) -> Detail:
    """Health, debt over collateral, and the common fall of all collateral to liquidation.

    A cell is empty where there is no debt, or where no fall liquidates.
    """
    figures, health = account.figures(), account.health_wad()
    ratio = figures.debt / figures.collateral if figures.collateral else None
    factor = liquidation_factor(account)
    if not account.owes():
        state = "no debt"
    else:
        state = "healthy" if account.healthy() else "can be liquidated"
    row = (
        state,
        None if health is None else health / WAD,
        ratio,
        None if factor is None else factor / WAD - 1.0,
        None if factor is None else str(factor),
    )
    return Detail(
        "lending_health",
        "Health of the position",
        (
            ("state", "State", "text"),
            ("health", "Health", "number"),
            ("debt_share", "Debt / collateral", "fraction"),
            ("joint_move", "All collateral together", "fraction"),
            ("joint_factor_wad", "Factor, 18 decimals", "text"),
        ),
        (row,),
        ("health is what counts against liquidation over what is owed; under 1 it is liquidated",),
    )


def price_table(account: LendingAccount, decimals: Mapping[str, int], currency: str) -> Detail:
    """Each token: price, last healthy price, cure, and the most that may leave or be owed."""
    rows = [_row(account, t, "held", decimals[t]) for t in account.collateral]
    rows += [_row(account, t, "owed", decimals[t]) for t in account.debt]
    return Detail(
        "lending_prices",
        f"Tokens: prices in {currency}, amounts in tokens",
        (
            ("token", "Token", "name"),
            ("side", "Side", "text"),
            ("price", "Price", "price"),
            ("liquidation_price", "Last healthy price", "price"),
            ("move", "Move", "fraction"),
            ("to_cure", "Restores health", "quantity"),
            ("withdrawable", "Withdrawable", "quantity"),
            ("borrowable", "Borrowable", "quantity"),
        ),
        tuple(rows),
        ("beyond the last healthy price, by one unit of the oracle, the position is liquidated",),
    )


def _row(
    account: LendingAccount, token: str, side: str, decimals: int
) -> tuple[str | float | int | None, ...]:
    held = side == "held"
    now, scale = account.price[token], account.price_scale(token)
    last = (liquidation_price if held else rising_price)(account, token)
    cure = (top_up if held else repayment)(account, token)
    unit: int = 10**decimals
    return (
        token,
        side,
        now / scale,
        None if last is None else last / scale,
        None if last is None or now == 0 else last / now - 1.0,
        None if cure is None else cure / unit,
        withdrawable(account, token) / unit if held else None,
        None if held else borrowable(account, token) / unit,
    )
