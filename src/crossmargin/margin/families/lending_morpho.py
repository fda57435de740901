"""Morpho Blue in integers: one market of one collateral and one loan token.

    max borrow = floor(floor(coll price / 1e36) lltv / 1e18) >= borrowed (shares to assets, up)
    LIF        = min(1.15, 1 / (1 - 0.3 (1 - lltv)))            in wad, rounded down

The price has ``36 + loan decimals - collateral decimals`` decimals. Shares have a virtual million
against one virtual asset. Bad debt is realised when the collateral is gone. Source:
morpho-org/morpho-blue at 3085651a.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from crossmargin.margin.families.lending import WAD, Figures, LendingAccount, barred

__all__ = [
    "ORACLE_SCALE",
    "MorphoAccount",
    "MorphoLiquidation",
    "MorphoMarket",
    "liquidation_incentive",
    "liquidate",
    "to_assets_down",
    "to_assets_up",
    "to_shares_down",
    "to_shares_up",
]

_PLACE = "morpho-blue liquidation"
ORACLE_SCALE = 10**36
_VIRTUAL_SHARES = 10**6
_VIRTUAL_ASSETS = 1
_CURSOR = 3 * WAD // 10
_LIF_MAX = 115 * WAD // 100


def liquidation_incentive(lltv: int) -> int:
    """The liquidation incentive factor of an LLTV, both wad."""
    return min(_LIF_MAX, WAD * WAD // (WAD - _CURSOR * (WAD - lltv) // WAD))


def to_shares_down(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares of assets, rounded down."""
    return assets * (total_shares + _VIRTUAL_SHARES) // (total_assets + _VIRTUAL_ASSETS)


def to_shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares of assets, rounded up."""
    return -(-assets * (total_shares + _VIRTUAL_SHARES) // (total_assets + _VIRTUAL_ASSETS))


def to_assets_down(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets of shares, rounded down."""
    return shares * (total_assets + _VIRTUAL_ASSETS) // (total_shares + _VIRTUAL_SHARES)


def to_assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets of shares, rounded up."""
    return -(-shares * (total_assets + _VIRTUAL_ASSETS) // (total_shares + _VIRTUAL_SHARES))


@dataclass(frozen=True, slots=True)
class MorphoMarket:
    """A market: tokens with decimals, LLTV in wad, and all borrowed assets and shares."""

    collateral: str
    loan: str
    collateral_decimals: int
    loan_decimals: int
    lltv: int
    total_assets: int = 0
    total_shares: int = 0


@dataclass(frozen=True)
class MorphoAccount(LendingAccount):
    """A position; its debt is in assets of the loan token, rounded up."""

    market: MorphoMarket = field(default_factory=lambda: MorphoMarket("", "", 18, 18, 0))

    def figures(self) -> Figures:
        """In units of the loan token."""
        market = self.market
        unit: int = 10**market.loan_decimals
        held = self.collateral.get(market.collateral, 0)
        value = held * self.price.get(market.collateral, 0) // ORACLE_SCALE
        power = value * market.lltv // WAD
        owed = self.debt.get(market.loan, 0)
        return Figures(unit, value, owed, power, power, owed, owed)

    def healthy(self) -> bool:
        """The most that could be borrowed covers what is."""
        figures = self.figures()
        return figures.power_mm >= figures.owed_mm

    def may_borrow(self) -> bool:
        """The same test."""
        return self.healthy()

    def price_scale(self, token: str) -> int:
        """Of the collateral in the loan token; that itself is 1."""
        market = self.market
        if token == market.loan:
            return 1
        return int(10 ** (36 + market.loan_decimals - market.collateral_decimals))


@dataclass(frozen=True, slots=True)
class MorphoLiquidation:
    """``repaid`` assets (for ``repaid_shares``) against ``seized``; bad debt realised."""

    repaid: int
    repaid_shares: int
    seized: int
    bad_debt: int
    collateral_after: int
    shares_after: int
    total_assets_after: int
    total_shares_after: int


def liquidate(
    market: MorphoMarket,
    collateral: int,
    shares: int,
    price: int,
    *,
    seized: int = 0,
    repaid_shares: int = 0,
) -> MorphoLiquidation:
    """Seize so much collateral, or repay so many shares: exactly one is given.

    Raises InputError ``number_out_of_range`` for a healthy position, or for more than it has.
    """
    owed = to_assets_up(shares, market.total_assets, market.total_shares)
    if collateral * price // ORACLE_SCALE * market.lltv // WAD >= owed:
        raise barred("the position is healthy", _PLACE, owed, "more than can be borrowed")
    if (seized > 0) == (repaid_shares > 0):
        raise barred("one of the two amounts", _PLACE, (seized, repaid_shares), "exactly one")
    factor = liquidation_incentive(market.lltv)
    totals = market.total_assets, market.total_shares
    if seized > 0:
        quoted = -(-seized * price // ORACLE_SCALE)
        repaid_shares = to_shares_up(-(-quoted * WAD // factor), *totals)
    else:
        worth = to_assets_down(repaid_shares, *totals) * factor // WAD
        seized = worth * ORACLE_SCALE // price
    repaid = to_assets_up(repaid_shares, *totals)
    if seized > collateral or repaid_shares > shares:
        raise barred("more than the position has", _PLACE, (seized, repaid_shares), "what it has")
    left = replace(
        market,
        total_assets=max(totals[0] - repaid, 0),
        total_shares=totals[1] - repaid_shares,
    )
    rest, bad = shares - repaid_shares, 0
    if collateral == seized and rest > 0:
        worst = to_assets_up(rest, left.total_assets, left.total_shares)
        bad = min(left.total_assets, worst)
        left = replace(
            left, total_assets=left.total_assets - bad, total_shares=left.total_shares - rest
        )
        rest = 0
    return MorphoLiquidation(
        repaid,
        repaid_shares,
        seized,
        bad,
        collateral - seized,
        rest,
        left.total_assets,
        left.total_shares,
    )
