"""What may move between places: a position to its twin, an asset, a new trade over several places.

A move closes ``size`` units of a position at its source and opens ``size * ratio`` of the twin with
the same sign at its target. A shift sends an asset; a dollar of it is worth ``loss`` of room where
it leaves and ``gain`` where it arrives, by the venues' own rules. Nothing moves that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossmargin.accounts.book_edits import money_line
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.places import Place, twin_at
from crossmargin.instruments.contracts import Instrument

__all__ = ["Move", "Route", "Shift", "Stay", "Way", "moves_of", "route_of", "shifts_of", "stays_of"]

_LEAST_USD = 1.0
_NAMED = 3  # contracts that a reason names


@dataclass(frozen=True, slots=True)
class Move:
    """One position and where it may go; ``sign`` of the position, ``largest`` its size."""

    source: str
    target: str
    item: Instrument
    twin: Instrument
    largest: float
    sign: float
    ratio: float

    def at(self, name: str, size: float) -> tuple[Instrument, float]:
        """The contract and the signed trade at the source or the target for a size moved."""
        if name == self.source:
            return self.item, -self.sign * size
        return self.twin, self.sign * size * self.ratio


@dataclass(frozen=True, slots=True)
class Shift:
    """One asset on one way. ``most_usd`` of it is there; fees are of the source.

    ``holding``: what a dollar of the asset costs more over the time at the target than where it is.
    """

    source: str
    target: str
    item: Instrument
    price_usd: float
    most_usd: float
    loss: float
    gain: float
    fee_fraction: float
    fee_usd: float
    time_s: float
    holding: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """A place where a new trade may be done, in units of its own contract per unit asked."""

    place: str
    item: Instrument
    ratio: float


@dataclass(frozen=True, slots=True)
class Route:
    """A new trade: signed size in units of ``item``, at a price or the executable side."""

    item: Instrument
    size: float
    ways: tuple[Way, ...]
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """What of a position stays where it is, signed, in units of the book, and why."""

    place: str
    item: Instrument
    quantity: float
    reason: str


def stays_of(
    places: Sequence[Place], moves: Sequence[Move], sizes: Sequence[float], at_mark: bool = False
) -> tuple[Stay, ...]:
    """What a plan leaves where it is; ``sizes`` of the moves. In the order of the books."""
    moved: dict[tuple[str, str], float] = {}
    for move, size in zip(moves, sizes, strict=False):
        key = move.source, move.item.native_id
        moved[key] = moved.get(key, 0.0) + size
    out = []
    for source in places:
        for item, quantity in source.positions():
            left = abs(quantity) - moved.get((source.name, item.native_id), 0.0)
            if left <= 1e-9 * abs(quantity):
                continue
            signed = math.copysign(left, quantity)
            out.append(Stay(source.name, item, signed, _why(source, item, quantity, places,
                            (source.name, item.native_id) in moved, at_mark)))  # fmt: skip
    return tuple(out)


def _why(
    source: Place,
    item: Instrument,
    quantity: float,
    places: Sequence[Place],
    could: bool,
    at_mark: bool,
) -> str:
    """Why a position, or a part of it, stays."""
    if could:
        return "could move: no move of it is worth its cost"
    if source.prepared is None:
        return "positions are not to move"
    found, why = _targets(source, item, quantity, places, at_mark)
    if why:
        return "; ".join(why)
    return "positions are not to move" if found else "no other account takes this contract"


def moves_of(
    places: Sequence[Place], at_mark: bool = False
) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """Every position with every twin that can be traded, and in words what cannot."""
    out: list[Move] = []
    left: dict[str, list[str]] = {}
    for source in places:
        for item, quantity in source.positions():
            found, why = _targets(source, item, quantity, places, at_mark)
            out += found
            for reason in why:
                left.setdefault(reason, []).append(item.native_id)
    said = [
        f"{reason}: {', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"
        for reason, names in left.items()
    ]
    return tuple(out), tuple(said)


def _targets(
    source: Place, item: Instrument, quantity: float, places: Sequence[Place], at_mark: bool
) -> tuple[list[Move], list[str]]:
    out: list[Move] = []
    left = []
    try:
        source.fill(item, -quantity, source.mark(item) if at_mark else None)
    except CrossMarginError as error:
        return [], [f"stays at {source.name} ({error.code}, {error.message})"]
    for target in places:
        if target is source or target.prepared is None:
            continue
        twin = twin_at(item, target.account)
        if twin is None or twin.native_id not in target.prepared.column:
            continue
        ratio = source.coins(item) / target.coins(twin)
        sign = math.copysign(1.0, quantity)
        try:
            price = target.mark(twin) if at_mark else None
            target.fill(twin, sign * abs(quantity) * ratio, price)
        except CrossMarginError as error:
            left.append(f"does not go to {target.name} ({error.code}, {error.message})")
            continue
        move = Move(source.name, target.name, item, twin, abs(quantity), sign, ratio)
        out.append(move)
    return out, left


def shifts_of(
    places: Sequence[Place], amount_usd: float, holding: Mapping[str, float] | None = None
) -> tuple[Shift, ...]:
    """Every asset on every way where both ends value it; slopes at ``amount_usd`` or what is there.

    ``holding``: dollars that a dollar of an asset costs over the time when it is tied up, by name;
    it falls where the asset leaves a place that ties it up and rises where it arrives: only ways
    out of an untied place (a wallet) carry it.
    """
    out = []
    costs = holding or {}
    for source in places:
        for item, quantity in _may_leave(source):
            price = _price(source, item)
            held_usd = min(quantity * price, source.withdrawable_usd)
            if held_usd < _LEAST_USD:
                continue
            asked = min(amount_usd, held_usd)
            loss = -source.credit_usd(item, -asked / price) / asked
            for target in places:
                if target is source:
                    continue
                trust = source.account.trust
                kept = 1.0 - trust.transfer_fee_fraction
                gain = kept * target.credit_usd(item, asked / price) / asked
                if not (math.isfinite(loss) and math.isfinite(gain)):
                    continue
                tied = target.prepared is not None and source.prepared is None
                out.append(
                    Shift(
                        source.name,
                        target.name,
                        item,
                        price,
                        held_usd,
                        loss,
                        gain,
                        trust.transfer_fee_fraction,
                        trust.transfer_fee_usd,
                        trust.transfer_time_s,
                        costs.get(item.underlying, 0.0) if tied else 0.0,
                    )
                )
    return tuple(out)


def _may_leave(source: Place) -> list[tuple[Instrument, float]]:
    """Assets that are there; where money is borrowed, that too, as much as the rule leaves."""
    out = list(source.assets())
    if source.account.borrows:
        line = money_line(source.account.book, source.account.venue, source.account.money)
        if all(item.underlying != line.underlying for item, _ in out):
            out.append((line, math.inf))
    return out


def _price(place: Place, item: Instrument) -> float:
    """Dollars of one unit of an asset; par for dollars, 0 where no price is known."""
    if item.underlying == "USD":
        return 1.0
    found = place.account.snapshot.get("usd", item.underlying)
    if found is None:
        found = place.account.snapshot.get("index", f"{item.underlying}/USD")
    return found or 0.0


def route_of(
    places: Sequence[Place], item: Instrument, size: float, price: float | None = None
) -> Route:
    """A new trade over every place that can do it; InputError ``order_invalid`` where none can."""
    ways = []
    anchor: float | None = None
    for place in places:
        if place.prepared is None:
            continue
        twin = item if item.native_id in place.prepared.column else twin_at(item, place.account)
        if twin is None or twin.native_id not in place.prepared.column:
            continue
        coins = place.coins(twin)
        if twin.key == item.key:
            anchor = coins
        ways.append((place, twin, coins))
    first = anchor if anchor is not None else (ways[0][2] if ways else 1.0)
    good = []
    for place, twin, coins in ways:
        ratio = first / coins
        try:
            place.fill(twin, size * ratio, price)
        except CrossMarginError:
            continue
        good.append(Way(place.name, twin, ratio))
    if not good:
        raise InputError(
            "order_invalid",
            "no account can do this trade",
            place=item.native_id,
            value=size,
            limit="a contract with a quote at one of the accounts",
            remedy="Give a price, or another contract.",
        )
    return Route(item, size, tuple(good), price)
