"""What a venue takes of a trade: the one formula, and the share that a volume earns.

    option             |amount| min(share x index, cap x price)      coin-settled: index is 1 coin
    linear future      |amount| share x price
    inverse future     |amount| share / price                        amount in quote currency
    and ``base`` a trade, in quote currency: of an inverse future over its price, of a coin-settled
    option over the index, so that it is that much of the coin

A fee is a cost and positive; a share below zero is a rebate. Amounts are quantity times multiplier,
fees are in the currency that settles the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crossmargin.core.errors import ModelError

__all__ = ["FeeTerms", "FeeTier", "fee_of_trade", "tier_of"]


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """Fee terms of one contract: ``share`` of underlying or notional, ``cap`` of an option's price.

    ``base`` is an amount a trade, in quote currency.
    """

    share: float
    cap: float
    base: float


@dataclass(frozen=True, slots=True)
class FeeTier:
    """One line of a venue's ladder: the shares from a volume on (quote currency, its window)."""

    volume_from: float
    maker: float
    taker: float


def fee_of_trade(
    terms: FeeTerms, *, option: bool, inverse: bool, amount: float, price: float, index: float
) -> float:
    """The fee of one trade in settlement currency, with ``base``; the module has the formula.

    ``price`` in the contract's price unit (coin for an inverse option), ``index`` in quote
    currency. The sign of ``amount`` does not matter.
    """
    if option:
        unit = 1.0 if inverse else index
        base = terms.base / index if inverse else terms.base
        return abs(amount) * min(terms.share * unit, terms.cap * price) + base
    if inverse:
        return terms.share * abs(amount) / price + terms.base / price
    return terms.share * abs(amount) * price + terms.base


def tier_of(tiers: Sequence[FeeTier], volume: float) -> FeeTier:
    """The tier that a volume has reached: the last whose ``volume_from`` is not above it.

    Raises ModelError ``parameter_out_of_bounds`` for a ladder that is empty, does not begin at 0
    or does not rise, and for a volume that is not a number of at least 0.
    """
    rising = all(low.volume_from < high.volume_from for low, high in pairwise(tiers))
    if not tiers or tiers[0].volume_from != 0.0 or not rising:
        raise ModelError(
            "parameter_out_of_bounds",
            "the volumes of a fee ladder begin at 0 and rise",
            place="tiers",
            value=[tier.volume_from for tier in tiers],
            limit="0 < … < …",
            remedy="Order the tiers by volume.",
        )
    if not 0.0 <= volume < float("inf"):
        raise ModelError(
            "parameter_out_of_bounds",
            "a traded volume is a number of at least 0",
            place="volume",
            value=volume,
            limit=">= 0",
            remedy="Give the volume of the venue's window.",
        )
    return [tier for tier in tiers if tier.volume_from <= volume][-1]
