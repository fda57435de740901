"""What a set says of coins that are margined together: ranges, correlations, credits, breaks.

coin.NAME          price range, relative vol shocks; OTHER stands for coins without a table
correlation.A.B    of two coins; those named are joint, every other coin stands alone
credit.A.B         fraction of the smaller requirement, where the table is read
wrapped.NAME.of    the coin that a wrapped token moves with, or alone
break.KIND         how far the two sides of an offset part
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.cross_asset import TENTHS, Pair
from crossmargin.margin.families.whole_account import coin_names, is_money
from crossmargin.margin.parameter_files import Parameters

__all__ = [
    "ALONE",
    "JOINT_MOST",
    "NETTINGS",
    "OTHER",
    "Coins",
    "coins_of",
    "correlation_of",
    "joint_names",
    "known_coins",
    "pairs_of",
    "refuse_unknown_derivatives",
    "table_of",
    "tenths_of",
    "underlying_of",
]

OTHER = "OTHER"
ALONE = "alone"
NETTINGS = ("scenarios", "credits")
JOINT_MOST = 3  # coins of one matrix: the list of points grows with two powers of their number


@dataclass(frozen=True, slots=True)
class Coins:
    """The coins of a table. ``own[k]`` is what name k moves with; groups are those that net.

    ``names`` are in order of name; ``mover[k]`` the coin whose move is taken; ``range``, ``up`` and
    ``down`` [K] are the numbers of the mover; ``joint[k]`` its place in the matrix, or -1.
    """

    names: tuple[str, ...]
    mover: tuple[str, ...]
    range: Floats
    up: Floats
    down: Floats
    joint: tuple[int, ...]


def known_coins(parameters: Parameters, names: Sequence[str]) -> tuple[str, ...]:
    """Those of ``names`` that the set has numbers for."""
    return tuple(n for n in names if _has(parameters, underlying_of(parameters, n)))


def _has(parameters: Parameters, coin: str) -> bool:
    known = parameters.tables("coin")
    return coin in known or OTHER in known


def underlying_of(parameters: Parameters, name: str) -> str:
    """The coin that a name moves with: itself, or what a wrapped token stands for."""
    key = f"wrapped.{name}.of"
    found = str(parameters.get(key)) if key in parameters else ALONE
    return name if found == ALONE else found


def table_of(parameters: Parameters, coin: str) -> str:
    """Prefix of a coin's numbers; ModelError ``parameter_missing`` for a stranger."""
    if not _has(parameters, coin):
        raise ModelError(
            "parameter_missing",
            "no range for this coin",
            place=f"{parameters.model} {parameters.label}",
            value=coin,
            limit=", ".join(parameters.tables("coin")) or "none",
            remedy="Give its numbers, or a table coin.OTHER, with --params FILE.",
        )
    return f"coin.{coin if coin in parameters.tables('coin') else OTHER}"


def refuse_unknown_derivatives(instruments: Instruments, parameters: Parameters) -> None:
    """A derivative on a coin without numbers is refused by name."""
    for item in instruments.items:
        if item.kind != Kind.ASSET and not is_money(item.underlying):
            table_of(parameters, underlying_of(parameters, item.underlying))


def joint_names(parameters: Parameters) -> tuple[str, ...]:
    """The coins of the matrix, in order of name. ModelError ``size_too_large`` beyond three."""
    found = {
        name
        for first in parameters.tables("correlation")
        for name in (first, *parameters.tables(f"correlation.{first}"))
    }
    names = tuple(sorted(found))
    if len(names) > JOINT_MOST:
        raise ModelError(
            "size_too_large",
            "too many coins in one correlation matrix",
            place=f"{parameters.model} {parameters.label}",
            value=", ".join(names),
            limit=f"{JOINT_MOST} coins",
            remedy="Leave the smaller coins out of the matrix: they stand alone.",
        )
    return names


def correlation_of(parameters: Parameters) -> Floats:
    """[n, n] of :func:`joint_names`; ModelError ``parameter_missing`` for a pair left out."""
    names = joint_names(parameters)
    out = np.eye(len(names))
    for i, j in combinations(range(len(names)), 2):
        out[i, j] = out[j, i] = _of_pair(parameters, "correlation", names[i], names[j])
    return out


def _of_pair(parameters: Parameters, what: str, first: str, second: str) -> float:
    keys = f"{what}.{first}.{second}", f"{what}.{second}.{first}"
    named = [key for key in keys if key in parameters]
    return parameters.number(named[0] if named else keys[0])


def pairs_of(
    parameters: Parameters, coins: Coins, *, stressed: bool = True
) -> tuple[tuple[str, ...], tuple[Pair, ...]]:
    """The movers of a table in order of name, and the credits between them after the stress."""
    movers = tuple(sorted(set(coins.mover)))
    place = {name: k for k, name in enumerate(movers)}
    share = 1.0 - tenths_of(parameters) / TENTHS if stressed else 1.0
    out = []
    for first in sorted(parameters.tables("credit")):
        for second in sorted(parameters.tables(f"credit.{first}")):
            if first in place and second in place and first != second:
                fraction = parameters.number(f"credit.{first}.{second}") * share
                out.append(Pair(place[first], place[second], fraction))
    return movers, tuple(out)


def tenths_of(parameters: Parameters) -> int:
    """Steps of the correlation stress; a part of a step is none."""
    return int(parameters.number("stress.tenths"))


def coins_of(instruments: Instruments, parameters: Parameters) -> Coins:
    """Names, movers and numbers of the coins of a table; those without numbers are left out."""
    names = known_coins(parameters, coin_names(instruments))
    mover = tuple(underlying_of(parameters, name) for name in names)
    tables = [table_of(parameters, coin) for coin in mover]
    place = {name: k for k, name in enumerate(joint_names(parameters))}

    def each(key: str) -> Floats:
        return np.array([parameters.number(f"{table}.{key}") for table in tables])

    joint = tuple(place.get(coin, -1) for coin in mover)
    return Coins(names, mover, each("range"), each("vol_up"), each("vol_down"), joint)
