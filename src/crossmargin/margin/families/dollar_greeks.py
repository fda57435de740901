"""Greeks of a whole account in dollars: one expansion a row, and the underlying that it moves with.

The rows are those of ``whole_account.dollar_risk`` in small: a coin held, a future and a perpetual
are straight lines in the index whatever they settle in (what settles in coin is worth the shocked
index), an option has its six Greeks. In the last minutes before an expiry, where part of the
settlement average is fixed, the whole forward is taken to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.whole_account import DollarMarket, is_money
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind
from crossmargin.pricing.revalue import black_value
from crossmargin.pricing.taylor import Expansion, option_expansion, straight

__all__ = [
    "DollarGreeks",
    "derivative_coins",
    "dollar_greeks",
    "known_coins",
    "per_coin",
    "refuse_unknown_derivatives",
]


@dataclass(frozen=True, slots=True)
class DollarGreeks:
    """The expansion of each row; ``group[I]`` codes :attr:`coins`, -1 for money."""

    coins: tuple[str, ...]
    group: Ints
    index_usd: Floats  # [I] dollars per coin of the row's underlying, 0 for money
    expansion: Expansion  # [I] see `pricing.taylor`
    value_usd: Floats  # [I] model value of one option, 0 elsewhere

    @property
    def delta_usd(self) -> Floats:
        """[I] dollars that a unit gains when its underlying doubles at the present slope."""
        return np.asarray(self.expansion.delta * self.index_usd)

    @property
    def gamma_usd(self) -> Floats:
        """[I] S^2 Gamma: what ``delta_usd`` gains of slope alone when the underlying doubles."""
        return np.asarray(self.expansion.gamma * self.index_usd * self.index_usd)


def known_coins(parameters: Parameters) -> tuple[str, ...]:
    """Coins that the set has numbers of, in its order."""
    return parameters.tables("asset")


def derivative_coins(instruments: Instruments) -> tuple[str, ...]:
    """Underlyings of the derivatives of a table, in order of name."""
    derivative = is_kind(instruments, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
    items = instruments.items
    return tuple(sorted({items[k].underlying for k in np.flatnonzero(derivative).tolist()}))


def refuse_unknown_derivatives(instruments: Instruments, parameters: Parameters) -> None:
    """Raise ModelError ``parameter_missing`` for a derivative on a coin without numbers."""
    known = known_coins(parameters)
    for name in derivative_coins(instruments):
        if name not in known:
            raise ModelError(
                "parameter_missing",
                "no parameters for this underlying",
                place=f"{parameters.model} {parameters.label}",
                value=name,
                limit=", ".join(known) or "none",
                remedy="Give its numbers in a table asset.NAME with --params FILE.",
            )


def dollar_greeks(market: DollarMarket, coins: Sequence[str]) -> DollarGreeks:
    """The Greeks of a pool whose underlyings are ``coins``; a row of another coin counts for none.

    An option that the market has no vol or forward for counts for none too: the accounts that hold
    it have no result.
    """
    part, view = market.part, market.view
    place = {name: k for k, name in enumerate(coins)}
    group = np.array(
        [-1 if is_money(i.underlying) else place.get(i.underlying, -1) for i in part.items],
        np.int32,
    )
    index = np.where((group >= 0) & market.moving, market.index_usd, 0.0)
    delta = np.zeros(len(part))
    one = market.moving & ~is_kind(part, Kind.OPTION) & view.ok & (group >= 0)
    held = is_kind(part, Kind.ASSET)
    ahead = market.forward_of
    linear = one & ~held & ~part.inverse
    turned = one & ~held & part.inverse & (ahead > 0.0)
    delta[one & held] = 1.0
    scaled = part.multiplier * ahead * market.settle_usd
    delta[linear] = scaled[linear] / index[linear]
    delta[turned] = part.multiplier[turned] / ahead[turned]
    found = [each.copy() for each in straight(delta)]
    value = np.zeros(len(part))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok & (group >= 0))
    if len(rows):
        expiry = part.expiry[rows]
        forward = market.forward[expiry]
        in_coin = market.index_usd[rows] / forward
        unit = part.multiplier[rows] * np.where(
            part.inverse[rows], in_coin, market.settle_usd[rows]
        )
        right = part.right[rows].astype(np.float64)
        years, vol, spot = market.years[expiry], view.vol[rows], index[rows]
        given = option_expansion(forward, part.strike[rows], years, vol, right, spot, unit)
        for whole, each in zip(found, given, strict=True):
            whole[rows] = each
        value[rows] = _values(market, rows, forward, years, unit)
    return DollarGreeks(
        tuple(coins),
        frozen(group, np.int32),
        frozen(index, np.float64),
        Expansion(*(frozen(each, np.float64) for each in found)),
        frozen(value, np.float64),
    )


def _values(
    market: DollarMarket, rows: np.ndarray, forward: Floats, years: Floats, unit: Floats
) -> Floats:
    """[rows] dollars of one option at the unshocked market."""
    part = market.part
    stdev = market.view.vol[rows] * np.sqrt(years)
    value = black_value(forward, part.strike[rows], stdev, part.right[rows].astype(np.float64))
    return np.asarray(unit * value)


def per_coin(greeks: DollarGreeks, values: Floats) -> Floats:
    """[I, U] a column a coin: ``values`` where the row is of that coin, else 0."""
    out = np.zeros((len(values), max(len(greeks.coins), 1)))
    rows = np.flatnonzero(greeks.group >= 0)
    out[rows, greeks.group[rows]] = values[rows]
    return out
