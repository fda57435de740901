"""Vaults of an account: which short stands with which long, and what the vaults need.

A book does not say which vault a position lies in. Inside a series (underlying, strike asset,
collateral, expiry, right) either the k-th short stands with the k-th long, both by rising strike,
or every short stands alone; positions are not split.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_opyn import (
    BASE_DECIMALS,
    Naked,
    OToken,
    Prices,
    Vault,
    margin_required,
    to_scaled,
)
from crossmargin.margin.families.exact_units import held_units, units
from crossmargin.margin.model import PoolBook

__all__ = ["Product", "naked_product", "otokens", "vault_needs", "vaults_of"]

Product = tuple[str, bool]  # underlying, whether a put


def otokens(instruments: Instruments) -> dict[int, OToken]:
    """Terms of the option rows of a table."""
    return {
        k: OToken(
            item.right < 0,
            item.underlying,
            item.quote,
            item.settle,
            units(item.strike, BASE_DECIMALS),
            item.expiry_ms,
        )
        for k, item in enumerate(instruments.items)
        if item.kind is Kind.OPTION
    }


def naked_product(spot_shock: float, dust: int, rows: list[list[float]]) -> Naked:
    """A product's table: shock and bounds as fractions, rows of (seconds left, bound)."""
    table = sorted((int(time_s), units(bound, 27)) for time_s, bound in rows)
    return Naked(
        units(spot_shock, 27), tuple(t for t, _ in table), tuple(b for _, b in table), dust
    )


def vaults_of(
    held: PoolBook, account: int, tokens: Mapping[int, OToken], *, paired: bool, naked: bool
) -> list[Vault]:
    """The vaults of an account of a block, in the order of the table; nothing held is no vault."""
    series: dict[tuple[object, ...], tuple[list[tuple[OToken, int]], ...]] = {}
    for j in range(int(held.row[account]), int(held.row[account + 1])):
        token = tokens.get(int(held.column[j]))
        amount = 0 if token is None else held_units(held, j, BASE_DECIMALS)
        if token is None or amount == 0:
            continue
        key = (token.underlying, token.strike_asset, token.collateral, token.expiry_ms, token.put)
        sides = series.setdefault(key, ([], []))
        sides[amount > 0].append((token, abs(amount)))
    found = []
    for shorts, longs in series.values():
        by_strike = [sorted(side, key=lambda one: one[0].strike) for side in (shorts, longs)]
        pairs = list(zip_longest(*by_strike)) if paired and not naked else []
        pairs = pairs or [(one, None) for one in by_strike[0]] + [(None, x) for x in by_strike[1]]
        for short, long in pairs:
            found.append(
                Vault(
                    (short[0],) if short else (),
                    (short[1],) if short else (),
                    (long[0],) if long else (),
                    (long[1],) if long else (),
                    naked=naked and short is not None,
                )
            )
    return found


def vault_needs(
    vaults: list[Vault],
    prices: Mapping[int, Prices],
    decimals: Mapping[str, int],
    naked: Mapping[Product, Naked],
    as_of_ms: int,
) -> tuple[int, int]:
    """(needed, paid out) by the vaults in units of their collateral, each vault rounded by itself.

    ``prices`` by expiry. A vault that has expired in the money pays, rounded down. Raises
    ModelError where the contract would revert.
    """
    needed = paid = 0
    for vault in vaults:
        token = (vault.shorts or vault.longs)[0]
        product = naked.get((token.underlying, token.put))
        left_s = max(token.expiry_ms - as_of_ms, 0) // 1000
        vault.checked()
        required = margin_required(vault, prices[token.expiry_ms], product, left_s)
        units_of = decimals[token.collateral]
        if required > 0:
            needed += to_scaled(required, units_of, down=False)
        else:
            paid += to_scaled(required, units_of, down=True)
    return needed, paid
