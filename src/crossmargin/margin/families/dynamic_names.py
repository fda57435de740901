"""Which numbers of a model the wrapper sets, and the set with those numbers.

They are declared under ``dynamic.scales.<folder>`` of a parameter file: a name, or ``NAME:COLUMN``
of a list, with ``*`` for the coin, and what kind of number it is:

    price       a range of prices: the largest of a coin becomes its range R, the others keep their
                proportion to it
    vol         a relative shock to volatility: the same with the shock's own range
    vol_points  a shock in volatility a year: the relative shock times the last volatility
    haircut     of a coin: times R over the stated range
    weight      the same of a share of notional; where a model states no range at all, over
                ``dynamic.reference.range``

A number never leaves the bounds of its entry. A coin whose numbers are those of ``OTHER`` gets a
table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.dynamic_ranges import OTHER, CoinRanges
from crossmargin.margin.parameter_files import Entry, Parameters, available

__all__ = [
    "FOLDER",
    "Scaled",
    "Target",
    "inner_set",
    "own_numbers",
    "scaled_set",
    "stated_range",
    "targets_of",
    "with_tables",
]

FOLDER = "dynamic"
_PREFIX = "dynamic."


@dataclass(frozen=True, slots=True)
class Target:
    """One number or column that is set; ``coin`` is empty where it is of every coin."""

    name: str
    column: str
    kind: str
    coin: str


@dataclass(frozen=True, slots=True)
class Scaled:
    """The wrapped model's set as it was made, what it rests on, and what its bounds cut."""

    parameters: Parameters
    ranges: Mapping[str, CoinRanges]
    stated: Mapping[str, float]  # the coin's largest price range in the set itself
    bounded: tuple[str, ...]  # names whose value was cut to the bounds of its entry
    without_vol: tuple[str, ...]  # coins whose vol ranges stayed as stated


def own_numbers(parameters: Parameters) -> Parameters:
    """The set with every number of the wrapper: those that it lacks are the shipped ones.

    Raises ModelError ``parameter_missing`` where nothing declares what may be set.
    """
    entries = dict(parameters.entries)
    for name, entry in available(FOLDER)[-1].entries.items():
        entries.setdefault(_PREFIX + name, entry)
    own = replace(parameters, entries=entries)
    if not own.tables(f"dynamic.scales.{parameters.model}"):
        raise ModelError(
            "parameter_missing",
            "nothing declares which numbers of the model are ranges, haircuts or weights",
            place=f"dynamic round {parameters.model}",
            value=f"dynamic.scales.{parameters.model}",
            limit=", ".join(own.tables("dynamic.scales")),
            remedy="Wrap one of those, or declare the numbers in a parameter file "
            f"([dynamic.scales.{parameters.model}], --params FILE).",
        )
    return own


def inner_set(parameters: Parameters) -> Parameters:
    """The set as the wrapped model knows it: without the wrapper's numbers."""
    kept = {n: e for n, e in parameters.entries.items() if not n.startswith(_PREFIX)}
    return replace(parameters, entries=kept)


def targets_of(parameters: Parameters) -> tuple[Target, ...]:
    """What the declarations find in a set, in the set's order; the first declaration counts."""
    start = f"dynamic.scales.{parameters.model}."
    declared = [
        (name[len(start) :], str(entry.value))
        for name, entry in parameters.entries.items()
        if name.startswith(start)
    ]
    out: dict[tuple[str, str], Target] = {}
    for name, entry in parameters.entries.items():
        if name.startswith(_PREFIX):
            continue
        for text, kind in declared:
            pattern, _, column = text.partition(":")
            coin = _coin(pattern, name)
            if coin is not None and _holds(entry, column):
                out.setdefault((name, column), Target(name, column, kind, coin))
    return tuple(out.values())


def _coin(pattern: str, name: str) -> str | None:
    """The coin that ``*`` stands for, empty for a pattern without one; None for another name."""
    wanted, parts = pattern.split("."), name.split(".")
    if len(wanted) != len(parts):
        return None
    coin = ""
    for want, part in zip(wanted, parts, strict=True):
        if want == "*":
            coin = part.partition("_")[0]  # pairs are named BTC or SOL_USDC
        elif want != part:
            return None
    return coin


def _holds(entry: Entry, column: str) -> bool:
    """Whether the entry is a number, or a list with that column."""
    if column:
        return any(each.name == column and not each.choices for each in entry.columns)
    return isinstance(entry.value, int | float) and not isinstance(entry.value, bool)


def with_tables(parameters: Parameters, coins: Sequence[str]) -> Parameters:
    """A coin that takes the numbers of ``OTHER`` has them under its own name."""
    entries = dict(parameters.entries)
    heads = dict.fromkeys(
        target.name.rpartition(f".{OTHER}.")[0]
        for target in targets_of(parameters)
        if target.coin == OTHER
    )
    for head in heads:
        shared = [name for name in parameters.entries if name.startswith(f"{head}.{OTHER}.")]
        known = {name.partition("_")[0] for name in parameters.tables(head)}
        for coin in coins:
            if coin not in known:
                for name in shared:
                    place = name.replace(f"{head}.{OTHER}.", f"{head}.{coin}.", 1)
                    entries[place] = parameters.entries[name]
    return replace(parameters, entries=entries)


def scaled_set(parameters: Parameters, ranges: Mapping[str, CoinRanges]) -> Scaled:
    """The set with the numbers of the coins in ``ranges``; all others stay."""
    own = with_tables(parameters, tuple(ranges))
    targets = targets_of(own)
    reference = own.number("dynamic.reference.range")
    price = {coin: _largest(own, targets, coin, "price") or reference for coin in ranges}
    entries, bounded = dict(own.entries), []
    for target in targets:
        ratio = _ratio(own, targets, target, ranges, price)
        if ratio is not None:
            entry = entries[target.name]
            value, cut = _times(entry, target.column, *ratio)
            entries[target.name] = replace(entry, value=value, source="set by the forecast")
            bounded += [target.name] if cut else []
    vol_kinds = ("vol", "vol_points")
    named = {target.coin for target in targets if target.kind in vol_kinds}
    return Scaled(
        inner_set(replace(own, entries=entries, label=f"{own.label} + forecast")),
        ranges,
        price,
        tuple(dict.fromkeys(bounded)),
        tuple(coin for coin, found in ranges.items() if found.vol is None and coin in named),
    )


def stated_range(parameters: Parameters, coin: str, kind: str) -> float:
    """The largest size of a coin's numbers of a kind; the reference where it states none."""
    found = _largest(parameters, targets_of(parameters), coin, kind)
    return found or parameters.number("dynamic.reference.range")


def _ratio(
    own: Parameters,
    targets: Sequence[Target],
    target: Target,
    ranges: Mapping[str, CoinRanges],
    price: Mapping[str, float],
) -> tuple[float, float] | None:
    """(stated, new): a value becomes value / stated x new; None where it stays."""
    if not target.coin:
        pairs = [(price[coin], float(ranges[coin].price.range[-1])) for coin in ranges]
        return max(pairs, key=lambda pair: pair[1] / pair[0], default=None)
    found = ranges.get(target.coin)
    if found is None:
        return None
    if target.kind not in ("vol", "vol_points"):
        return price[target.coin], float(found.price.range[-1])
    stated = _largest(own, targets, target.coin, target.kind)
    if found.vol is None or stated == 0.0:
        return None
    level = found.level if target.kind == "vol_points" else 1.0
    return stated, float(found.vol.range[-1]) * level


def _largest(own: Parameters, targets: Sequence[Target], coin: str, kind: str) -> float:
    """The largest size of a coin's numbers of a kind, 0 where it has none."""
    sizes = [
        abs(value)
        for target in targets
        if target.coin == coin and target.kind == kind
        for value in _values(own.entries[target.name], target.column)
    ]
    return max(sizes, default=0.0)


def _values(entry: Entry, column: str) -> list[float]:
    if not column:
        return [float(entry.value)]
    place = [each.name for each in entry.columns].index(column)
    return [float(row[place]) for row in entry.value]


def _times(entry: Entry, column: str, stated: float, new: float) -> tuple[Any, bool]:
    """The value (or the column of a list) over ``stated`` times ``new``, inside its bounds."""
    if not column:
        low = -float("inf") if entry.low is None else entry.low
        high = float("inf") if entry.high is None else entry.high
        raw = float(entry.value) / stated * new
        value = min(max(raw, low), high)
        return value, value != raw
    place = [each.name for each in entry.columns].index(column)
    bounds = entry.columns[place]
    rows, cut = [], False
    for row in entry.value:
        raw = float(row[place]) / stated * new
        value = min(max(raw, bounds.low), bounds.high)
        cut |= value != raw
        rows.append([*row[:place], value, *row[place + 1 :]])
    return rows, cut
