"""Opyn Gamma vaults in integers: 27 decimals, products and quotients cut off toward zero.

A vault holds at most one short, one long and one collateral; strikes, prices and amounts of oTokens
have 8 decimals. S short, L long amount; K strikes; P price of the underlying in the strike asset.

    put   [S K_s - K_l min(S, L)]+                      strike asset
    call  max((K_l - K_s) S / K_l, [S - L]+)            underlying; [S - L]+ where K_l = 0
    expired  cash_s S - cash_l L                        strike asset, at the prices of expiry
    naked put   (v min(K, s P) + [K - s P]+) S          v by time left, s the spot shock
    naked call  (v min(1, K s / P) + [1 - K s / P]+) S  underlying

What is needed is converted to the collateral; a surplus is rounded down to the collateral's own
decimals, a shortfall up. Source: opynfinance/GammaProtocol at 841f81d9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.exact_units import quotient_to_zero

__all__ = [
    "AUCTION_SECONDS",
    "BASE_DECIMALS",
    "ONE",
    "Naked",
    "OToken",
    "Prices",
    "Vault",
    "cash_value",
    "debt_price",
    "excess_collateral",
    "from_scaled",
    "margin_required",
    "naked_required",
    "to_scaled",
    "upper_bound",
]

DECIMALS = 27
ONE = 10**DECIMALS
BASE_DECIMALS = 8
AUCTION_SECONDS = 3_600


def from_scaled(number: int, decimals: int) -> int:
    """An amount of a token of that many decimals, in 27; what goes beyond is cut off."""
    power: int = 10 ** abs(DECIMALS - decimals)
    return number // power if decimals > DECIMALS else number * power


def to_scaled(value: int, decimals: int, *, down: bool) -> int:
    """The size of a 27-decimal number in a token's own decimals, rounded down or up."""
    power: int = 10 ** abs(DECIMALS - decimals)
    size = abs(value)
    if decimals >= DECIMALS:
        return size * power
    return size // power if down else -(-size // power)


def _mul(a: int, b: int) -> int:
    return quotient_to_zero(a * b, ONE)


def _div(a: int, b: int) -> int:
    return quotient_to_zero(a * ONE, b)


@dataclass(frozen=True, slots=True)
class OToken:
    """Terms of an option token; ``strike`` has 8 decimals."""

    put: bool
    underlying: str
    strike_asset: str
    collateral: str
    strike: int
    expiry_ms: int = 0


@dataclass(frozen=True, slots=True)
class Vault:
    """What a vault holds: lists, because the contract stores lists and refuses longer ones."""

    shorts: tuple[OToken, ...] = ()
    short_amounts: tuple[int, ...] = ()
    longs: tuple[OToken, ...] = ()
    long_amounts: tuple[int, ...] = ()
    collaterals: tuple[str, ...] = ()
    collateral_amounts: tuple[int, ...] = ()
    naked: bool = False

    def checked(self) -> Vault:
        """The vault itself; ModelError with the contract's own reason where it would revert."""
        lists = (
            ("short", "otokens", self.shorts, self.short_amounts),
            ("long", "otokens", self.longs, self.long_amounts),
            ("collateral", "assets", self.collaterals, self.collateral_amounts),
        )
        for name, what, held, _ in lists:
            if len(held) > 1:
                fault = f"Too many {name} {what} in the vault"
                raise _refused("number_out_of_range", fault, len(held), "one")
        for name, _, held, amounts in lists:
            if len(held) != len(amounts):
                fault = f"{name.capitalize()} asset and amount mismatch"
                raise _refused("shape_wrong", fault, len(amounts), f"{len(held)}")
        self._check_long()
        self._check_collateral()
        return self

    def _check_long(self) -> None:
        if self.naked and self.longs:
            fault = "naked margin vault cannot have long otoken"
            raise _refused("kind_not_accepted", fault, self.longs[0].strike, "a short alone")
        if self.longs and self.shorts:
            long, short = self.longs[0], self.shorts[0]
            same = (
                (long.underlying, long.strike_asset, long.collateral)
                == (short.underlying, short.strike_asset, short.collateral)
                and long.expiry_ms == short.expiry_ms
                and long.put == short.put
            )
            if long == short or not same:
                fault = "long asset not marginable for short asset"
                raise _refused(
                    "kind_not_accepted", fault, long.strike, "same series, another strike"
                )

    def _check_collateral(self) -> None:
        held = self.shorts or self.longs
        if held and self.collaterals and self.collaterals[0] != held[0].collateral:
            fault = "collateral asset not marginable for short asset"
            raise _refused("kind_not_accepted", fault, self.collaterals[0], held[0].collateral)


def _refused(code: str, fault: str, value: object, limit: str) -> ModelError:
    return ModelError(
        code,
        fault,
        place="vault",
        value=value,
        limit=limit,
        remedy="Hold the positions in vaults that the protocol takes.",
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars of assets with 8 decimals, live or at expiry; ``expired`` says which rule holds."""

    of: Mapping[str, int]
    expired: bool = False

    def convert(self, amount: int, asset: str, into: str) -> int:
        """An amount of one asset in another; ModelError ``mark_missing`` without a price."""
        if asset == into:
            return amount
        for name in (asset, into):
            if self.of.get(name, 0) <= 0:
                raise ModelError(
                    "mark_missing",
                    "price at expiry not finalized yet" if self.expired else "no oracle price",
                    place="vault",
                    value=name,
                    remedy="Give the oracle's price of the asset.",
                )
        price = from_scaled(self.of[asset], BASE_DECIMALS)
        return _div(_mul(amount, price), from_scaled(self.of[into], BASE_DECIMALS))


@dataclass(frozen=True, slots=True)
class Naked:
    """Parameters of naked margin for one product, 27 decimals; ``dust`` in the collateral's own."""

    spot_shock: int
    times_s: tuple[int, ...]
    bounds: tuple[int, ...]
    dust: int = 0


def upper_bound(times_s: Sequence[int], bounds: Sequence[int], left_s: int) -> int:
    """The bound of the first time that is not less than what is left.

    ModelError ``parameter_missing`` where the table is empty or ends before.
    """
    for time_s, bound in zip(times_s, bounds, strict=True):
        if time_s >= left_s:
            return bound
    raise ModelError(
        "parameter_missing",
        "product have no upper bound value" if times_s else "product have no expiry values",
        place="naked margin",
        value=left_s,
        limit=f"at most {max(times_s, default=0)} s",
        remedy="Give the table of the product with --params FILE.",
    )


def naked_required(
    put: bool, amount: int, strike: int, spot: int, spot_shock: int, bound: int
) -> int:
    """Naked margin of a short, all in 27 decimals: strike asset of a put, underlying of a call."""
    if put:
        shocked = _mul(spot_shock, spot)
        part = _mul(bound, min(strike, shocked)) + max(strike - shocked, 0)
    else:
        ratio = _div(_mul(strike, spot_shock), spot)
        part = _mul(bound, min(ONE, ratio)) + max(ONE - ratio, 0)
    return _mul(part, amount)


def cash_value(strike: int, spot: int, put: bool) -> int:
    """Intrinsic value of one option."""
    return max(strike - spot, 0) if put else max(spot - strike, 0)


def _before_expiry(put: bool, short: int, long: int, strike_s: int, strike_l: int) -> int:
    """Strike asset of a put, underlying of a call."""
    if put:
        return max(_mul(short, strike_s) - _mul(strike_l, min(short, long)), 0)
    bare = max(short - long, 0)
    if strike_l == 0:
        return bare
    return max(_div(_mul(strike_l - strike_s, short), strike_l), bare)


def margin_required(vault: Vault, prices: Prices, naked: Naked | None, left_s: int) -> int:
    """What a checked vault needs, 27 decimals of its collateral; negative where the long pays."""
    token = (vault.shorts or vault.longs)[0]
    short = from_scaled(sum(vault.short_amounts), BASE_DECIMALS)
    long = from_scaled(sum(vault.long_amounts), BASE_DECIMALS)
    strikes = [
        from_scaled(side[0].strike, BASE_DECIMALS) if side else 0
        for side in (vault.shorts, vault.longs)
    ]
    if prices.expired:
        spot = prices.convert(ONE, token.underlying, token.strike_asset)
        cash = [
            cash_value(strike, spot, token.put) if side else 0
            for strike, side in zip(strikes, (vault.shorts, vault.longs), strict=True)
        ]
        needed = _mul(cash[0], short) - _mul(cash[1], long)
        return prices.convert(needed, token.strike_asset, token.collateral)
    if vault.naked and vault.shorts:
        return _naked(vault, prices, naked, left_s)
    needed = _before_expiry(token.put, short, long, strikes[0], strikes[1])
    asset = token.strike_asset if token.put else token.underlying
    return prices.convert(needed, asset, token.collateral)


def _naked(vault: Vault, prices: Prices, naked: Naked | None, left_s: int) -> int:
    token = vault.shorts[0]
    if naked is None:
        raise ModelError(
            "parameter_missing",
            "the shock and the bounds of naked margin are set on chain and are not known here",
            place=f"{token.underlying} {'put' if token.put else 'call'}",
            value="naked",
            remedy="Give the table of the product with --params FILE.",
        )
    amount = sum(vault.collateral_amounts)
    if 0 < amount <= naked.dust:
        raise _refused(
            "number_out_of_range",
            "naked margin vault should have collateral amount greater than dust amount",
            amount,
            f"more than {naked.dust}",
        )
    return naked_required(
        token.put,
        from_scaled(sum(vault.short_amounts), BASE_DECIMALS),
        from_scaled(token.strike, BASE_DECIMALS),
        from_scaled(prices.of.get(token.underlying, 0), BASE_DECIMALS),
        naked.spot_shock,
        upper_bound(naked.times_s, naked.bounds, left_s),
    )


def excess_collateral(
    vault: Vault,
    prices: Prices,
    decimals: Mapping[str, int],
    naked: Naked | None = None,
    left_s: int = 0,
) -> tuple[int, bool]:
    """(what can be withdrawn, True) or (what is missing, False), in the collateral's decimals.

    Raises ModelError where the contract would revert, with the contract's own reason.
    """
    vault.checked()
    if not vault.shorts and not vault.longs:
        return sum(vault.collateral_amounts), True
    token = (vault.longs or vault.shorts)[0]
    held = from_scaled(sum(vault.collateral_amounts), decimals[token.collateral])
    excess = held - margin_required(vault, prices, naked, left_s)
    return to_scaled(excess, decimals[token.collateral], down=excess >= 0), excess >= 0


def debt_price(
    put: bool,
    collateral: int,
    debt: int,
    strike: int,
    spot: int,
    deviation: int,
    elapsed_s: int,
) -> int:
    """Price of one oToken in a liquidation, 27 decimals of the collateral.

    It rises over the auction from the intrinsic value less the oracle's possible deviation
    (divided by the spot for a call) to all of the collateral, and never exceeds that.
    """
    end = _div(collateral, debt)
    if elapsed_s >= AUCTION_SECONDS:
        return end
    start = max(cash_value(strike, spot, put) - _mul(deviation, spot), 0)
    if not put:
        start = _div(start, spot)
    grown = _div(_mul(end - start, elapsed_s * ONE), AUCTION_SECONDS * ONE)
    return min(start + grown, end)
