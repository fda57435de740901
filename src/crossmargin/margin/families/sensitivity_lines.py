"""A book of coins as lines of a sensitivity file, for whoever margins such files elsewhere.

There is no class for coins in the ISDA SIMM; practice maps them to one of its classes, by choice:

    commodity_16   Risk_Commodity and Risk_CommodityVol, bucket 16 (other)
    commodity_12   the same, bucket 12 (precious metals): far lower weights
    fx             Risk_FX and Risk_FXVol against USD: coins of three letters alone

Delta is dollars for 1 % of the price, vega dollars for one point of volatility, of the account's
own side (what it collects; a reader who posts turns the sign). A vega between two tenors is split
between them, linearly in days; below the first and beyond the last it is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.factors import TENOR_DAYS, TENORS, Factor
from crossmargin.margin.families.whole_account import DollarMarket, is_money
from crossmargin.margin.model import PoolBook, Priced

__all__ = ["MAPPINGS", "lines_of", "split_days"]

MAPPINGS = ("commodity_16", "commodity_12", "fx")
_DAYS = np.array(list(TENOR_DAYS.values()))


def split_days(days: Floats) -> tuple[Ints, Floats]:
    """[N] the tenor at or below each life, and the share of the next one (0 at the ends)."""
    low = np.clip(np.searchsorted(_DAYS, days, side="right") - 1, 0, len(_DAYS) - 2)
    share = np.clip((days - _DAYS[low]) / (_DAYS[low + 1] - _DAYS[low]), 0.0, 1.0)
    return low.astype(np.int32), share


def _factor(coin: str, mapping: str, tenor: str) -> Factor:
    """The factor of a coin: a delta without a tenor, else a vega."""
    if mapping != "fx":
        kind = "Risk_CommodityVol" if tenor else "Risk_Commodity"
        return Factor("Commodity", kind, coin, mapping.removeprefix("commodity_"), tenor)
    if not (len(coin) == 3 and coin.isalpha() and coin.isupper()):
        raise InputError(
            "currency_unknown",
            "a coin can stand as a currency only under a code of three capital letters",
            value=coin,
            limit="three capital letters",
            remedy="Map the book to a commodity bucket.",
        )
    return Factor(
        "RatesFX", "Risk_FXVol" if tenor else "Risk_FX", coin + "USD" * bool(tenor), "", tenor
    )


def _check(mapping: str) -> None:
    if mapping not in MAPPINGS:
        raise InputError(
            "option_unknown",
            "no such mapping of coins",
            value=mapping,
            limit=", ".join(MAPPINGS),
            remedy="Choose one of those.",
        )


def lines_of(
    priced: Priced, held: PoolBook, mapping: str = "commodity_16"
) -> tuple[Sequence[tuple[Factor, float]], ...]:
    """Factors and dollars of each account of a block, in canonical order; what is 0 is left out.

    ``priced`` is that of the model ``sensitivities``; coins of equity must have their rows in
    ``held``. Raises InputError ``option_unknown``, ``currency_unknown``.
    """
    _check(mapping)
    market = priced.facts.get("market")
    if not isinstance(market, DollarMarket):
        raise ModelError(
            "rules_unknown",
            "a book is mapped with what the model sensitivities makes of it",
            remedy="Margin the book under `sensitivities` first.",
        )
    unit_vega = np.divide(
        priced.columns["vega_usd"],
        100.0 * market.view.vol,
        out=np.zeros(len(market.part)),
        where=market.view.vol > 0.0,
    )
    low, share = split_days(365.0 * market.life_years)
    out = []
    for a in range(len(held.row) - 1):
        found: dict[Factor, float] = {}
        for j in range(int(held.row[a]), int(held.row[a + 1])):
            k, size = int(held.column[j]), float(held.quantity[j])
            coin = market.part.items[k].underlying
            parts = [("", float(priced.columns["delta_per_cent_usd"][k]))]
            first, later = int(low[k]), float(share[k])
            parts.append((TENORS[first], float(unit_vega[k]) * (1.0 - later)))
            parts.append((TENORS[first + 1], float(unit_vega[k]) * later))
            for tenor, amount in parts:
                if amount and not is_money(coin):
                    factor = _factor(coin, mapping, tenor)
                    found[factor] = found.get(factor, 0.0) + size * amount
        out.append(tuple((factor, found[factor]) for factor in sorted(found) if found[factor]))
    return tuple(out)
