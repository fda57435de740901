"""dYdX v4 margin in integers: quote quantums (1e-6 USDC) and parts per million.

    notional   trunc0(base quantums x price x 10^(exponent + resolution + 6))
    imf(OI)    base i; with caps L < OI < U:  i + floor((1e6 - i) (OI - L) / (U - L)); OI >= U: 1e6
    IMR        ceil(|notional| max(imf(OI), custom) / 1e6)
    MMR        ceil(ceil(|notional| i / 1e6) fraction / 1e6)     the unscaled i, rounded twice
    NC         USDC + sum (signed notional + quote balance)

Nothing nets between markets. Source: dydxprotocol/v4-chain at 84d4664b.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.exact_units import (
    quotient_down,
    quotient_to_zero,
    quotient_up,
)

__all__ = [
    "MILLION",
    "QUOTE_DECIMALS",
    "Risk",
    "Tier",
    "Transition",
    "adjusted_imf_ppm",
    "compare_risk",
    "initial_margin",
    "maintenance_margin_ppm",
    "margin_requirements",
    "max_abs_funding_clamp_ppm",
    "quote_quantums",
    "settlement_ppm",
    "transition",
]

MILLION = 1_000_000
QUOTE_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Tier:
    """A liquidity tier: ppm of notional, ppm of the initial margin, caps in quote quantums.

    Raises ModelError ``parameter_out_of_bounds`` for a share above one.
    """

    initial_margin_ppm: int
    maintenance_fraction_ppm: int
    lower_cap: int = 0
    upper_cap: int = 0

    def __post_init__(self) -> None:
        for name in ("initial_margin_ppm", "maintenance_fraction_ppm"):
            value = getattr(self, name)
            if not 0 <= value <= MILLION:
                raise ModelError(
                    "parameter_out_of_bounds",
                    "a share of a liquidity tier",
                    place=name,
                    value=value,
                    limit=f"0 to {MILLION} ppm",
                    remedy="Correct the tier.",
                )


def quote_quantums(base: int, price: int, exponent: int, resolution: int) -> int:
    """Value of base quantums, signed, cut off toward zero."""
    shift = exponent + resolution + QUOTE_DECIMALS
    power: int = 10 ** abs(shift)
    if shift >= 0:
        return base * price * power
    return quotient_to_zero(base * price, power)


def adjusted_imf_ppm(tier: Tier, open_interest: int) -> int:
    """Initial margin share at an open interest in quote quantums."""
    if tier.upper_cap == 0 or open_interest <= tier.lower_cap:
        return tier.initial_margin_ppm
    if open_interest >= tier.upper_cap:
        return MILLION
    rise = (MILLION - tier.initial_margin_ppm) * (open_interest - tier.lower_cap)
    return tier.initial_margin_ppm + quotient_down(rise, tier.upper_cap - tier.lower_cap)


def initial_margin(notional: int, tier: Tier, open_interest: int, custom_imf_ppm: int = 0) -> int:
    """Initial requirement of a notional; ``custom_imf_ppm`` is the holder's own leverage cap."""
    share = max(adjusted_imf_ppm(tier, open_interest), custom_imf_ppm)
    return quotient_up(abs(notional) * share, MILLION)


def maintenance_margin_ppm(tier: Tier) -> int:
    """Maintenance share of the notional, rounded down; the clamp of funding reads it."""
    return quotient_down(tier.initial_margin_ppm * tier.maintenance_fraction_ppm, MILLION)


def max_abs_funding_clamp_ppm(clamp_factor_ppm: int, tier: Tier) -> int:
    """Largest absolute funding rate: clamp factor x (initial share - maintenance share)."""
    between = tier.initial_margin_ppm - maintenance_margin_ppm(tier)
    return quotient_down(clamp_factor_ppm * between, MILLION)


def margin_requirements(
    notional: int, tier: Tier, open_interest: int, custom_imf_ppm: int = 0
) -> tuple[int, int]:
    """(initial, maintenance) requirement of a position of that notional."""
    base = quotient_up(abs(notional) * tier.initial_margin_ppm, MILLION)
    mmr = quotient_up(base * tier.maintenance_fraction_ppm, MILLION)
    return initial_margin(notional, tier, open_interest, custom_imf_ppm), mmr


def settlement_ppm(index_now: int, index_then: int, base: int) -> int:
    """Funding since a position was last settled, in ppm of a quote quantum; a payment is < 0."""
    return -(index_now - index_then) * base


@dataclass(frozen=True, slots=True)
class Risk:
    """Net collateral, initial and maintenance requirement of an account, in quote quantums."""

    nc: int
    imr: int
    mmr: int

    @property
    def initial_ok(self) -> bool:
        """Whether the account may take risk."""
        return self.nc >= self.imr

    @property
    def maintenance_ok(self) -> bool:
        """Whether the account keeps its maintenance margin."""
        return self.nc >= self.mmr

    @property
    def liquidatable(self) -> bool:
        """Whether it can be liquidated: an account without positions never is."""
        return self.mmr > 0 and self.mmr > self.nc


def compare_risk(first: Risk, second: Risk) -> int:
    """-1 where the first is less risky, 1 where it is riskier: nc/mmr, crossed out; ties by mmr."""
    left, right = second.nc * first.mmr, first.nc * second.mmr
    if left != right:
        return 1 if left > right else -1
    if first.mmr == 0 and second.mmr == 0:
        return (second.nc > first.nc) - (second.nc < first.nc)
    return (first.mmr > second.mmr) - (first.mmr < second.mmr)


class Transition(StrEnum):
    """What the chain says to an update that leaves an account short of initial margin."""

    SUCCESS = "Success"
    NEWLY = "NewlyUndercollateralized"
    STILL = "StillUndercollateralized"


def transition(old: Risk, new: Risk) -> Transition:
    """Whether an account short of initial margin after an update may make it.

    It may if its maintenance margin does not rise and it is no riskier than before; where either
    maintenance margin is zero, only if both are and net collateral rises.
    """
    refused = Transition.NEWLY if old.initial_ok else Transition.STILL
    if new.mmr > old.mmr:
        return refused
    if new.mmr == 0 or old.mmr == 0:
        both = new.mmr == 0 and old.mmr == 0
        return Transition.SUCCESS if both and new.nc > old.nc else refused
    return refused if compare_risk(new, old) > 0 else Transition.SUCCESS
