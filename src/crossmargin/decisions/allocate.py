"""The allocation of an account over venues, checked by the venues' exact rules.

The programme's plan is rounded to lots and cents, then every venue's rule is run again on the book
that would be there. What the rule gives below the programme's promise is asked of the programme as
further room, and it is solved again; so that what is given back holds by the exact rules, or says
which buffer it does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.accounts.venue_accounts import Standing, VenueAccount
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.allocation import Found, Problem, Tangent, Wish, best
from crossmargin.decisions.intents import Intents, Trade, Transfer
from crossmargin.decisions.moves import (
    Move,
    Route,
    Shift,
    Stay,
    moves_of,
    route_of,
    shifts_of,
    stays_of,
)
from crossmargin.decisions.places import TRADED, Place, place_of, twin_at
from crossmargin.decisions.polish import polish
from crossmargin.decisions.programme import Relaxation
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_trades import Fill

__all__ = ["Allocation", "Asked", "PlaceResult", "allocate"]

_ROUNDS = 8
_CENT_USD = 0.01
_NEAR_USD = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """What may be done. ``add``: a new trade (contract, signed size, limit price or None).

    ``holding``: dollars a year that a dollar of an asset costs when a venue ties it up, by name.
    """

    trades: bool = True
    transfers: bool = True
    lots: bool = True
    add: tuple[Instrument, float, float | None] | None = None
    holding: Mapping[str, float] | None = None
    fee: float | Mapping[str, float] | None = None  # as in a what-if
    at_mark: bool = False  # no spread: with a fee of 0, what would be where if placed anew


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """One account before and after, by the venue's exact rule; ``least_room_usd`` on the way."""

    name: str
    rulebook: str
    before: Standing
    after: Standing
    buffer_usd: float
    least_room_usd: float

    @property
    def held(self) -> bool:
        """Whether the buffer is there after the plan."""
        return bool(self.after.over_im_usd >= self.buffer_usd - _NEAR_USD)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The plan and what it does. ``cost_usd``: trades against the mark, fees, transfers.

    ``freed_usd``: the venues' demand before less after, at equal equity: what the plan saves
    beside its cost. ``bound_usd``: no plan of these columns is worth more, where ``proven``.
    """

    places: tuple[PlaceResult, ...]
    intents: Intents
    cost_usd: float
    freed_usd: float
    worth_usd: float
    bound_usd: float
    proven: bool
    rounds: int
    solver: str
    relaxations: tuple[Relaxation, ...]
    notes: tuple[str, ...]
    stays: tuple[Stay, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether a plan was found that the programme says holds every buffer."""
        return not self.relaxations

    @property
    def held(self) -> bool:
        """Whether every buffer holds by the exact rules."""
        return self.feasible and all(each.held for each in self.places)

    def payback_days(self, rate_annual: float) -> float | None:
        """Days of the saved funding that the cost takes; None where nothing is saved."""
        daily = rate_annual * self.freed_usd / 365.0
        return self.cost_usd / daily if daily > 0.0 else None


def allocate(
    accounts: Sequence[VenueAccount], wish: Wish, asked: Asked | None = None
) -> Allocation:
    """The best plan over the accounts; the module says how it is found and checked.

    Raises InputError for accounts of one name and for a trade that no account can do, and what the
    models raise.
    """
    asked = asked or Asked()
    places = _places(accounts, asked)
    moves, notes = moves_of(places, asked.at_mark) if asked.trades else ((), ())
    route = None if asked.add is None else route_of(places, *asked.add)
    holding = {name: cost * wish.days / 365.0 for name, cost in (asked.holding or {}).items()}
    amount = max(1000.0, 0.1 * sum(place.withdrawable_usd for place in places))
    shifts = shifts_of(places, amount, holding) if asked.transfers else ()
    problem = Problem(places, moves, shifts, route, asked.at_mark)
    tangents: list[Tangent] = []
    found, plan, problem = _solved(problem, wish, asked.lots, tangents)
    plan = plan or _plan(problem, found, asked.lots)
    if problem.trades:
        found, plan, said = _polished(problem, wish, found, plan, asked.lots, tangents)
        notes = (*notes, *said)
    return _result(problem, wish, found, plan, notes)


def _solved(
    problem: Problem, wish: Wish, lots: bool, tangents: list[Tangent]
) -> tuple[Found, _Plan | None, Problem]:
    """The programme's plan, asked again with more room where the exact rules find too little."""
    slack: dict[str, float] = {}
    found, plan = best(problem, wish, tangents=tangents), None
    for _ in range(_ROUNDS):
        if found.relaxations:
            break
        plan = _plan(problem, found, lots)
        after = _after(problem, plan)
        short = _short(problem, wish, plan, after)
        if not short:
            break
        for name, missing in short.items():
            slack[name] = slack.get(name, 0.0) - missing - _CENT_USD
        problem = replace(problem, shifts=_at_size(problem, found))
        again = best(problem, wish, slack)
        if again.relaxations:
            break
        # The bound is that of the buffers as they are asked for, not as they were tightened.
        bound = max(found.bound_usd, again.bound_usd)
        found = replace(again, bound_usd=bound, proven=again.proven and found.proven)
    return found, plan, problem


def _polished(
    problem: Problem,
    wish: Wish,
    found: Found,
    plan: _Plan,
    lots: bool,
    tangents: Sequence[Tangent],
) -> tuple[Found, _Plan, list[str]]:
    """The plan in whole lots improved by the exact rules; a rule that is not convex is told."""
    steps = np.zeros(len(problem.trades))
    if lots:
        steps[: len(problem.moves)] = [_step(move) for move in problem.moves]
        if problem.route is not None:
            ways = [_lot(way.item) / way.ratio for way in problem.route.ways]
            steps[len(problem.moves) :] = ways
    starts = [] if found.relaxations else [plan.sizes]
    made = polish(problem, wish, starts, _sent(problem, plan), steps, tangents)
    said = [
        f"{name}: the rule is not convex: a book leaves {usd:,.2f} USD more than a tangent says,"
        " so that the bound is no proof"
        for name, usd in made.over_usd.items()
    ]
    if found.relaxations and made.short_usd > 0.0:
        return found, plan, []
    other = _Plan(made.sizes, plan.sent_usd)
    lacks = _short(problem, wish, other, _after(problem, other))
    if lacks and not _short(problem, wish, plan, _after(problem, plan)):
        return replace(found, proven=found.proven and not made.over_usd), plan, said
    worth = made.worth_usd - _shift_cost(problem, wish, plan)
    # The programme counts a hair for every dollar sent, and the solver works to a part of it all.
    near = _NEAR_USD + 2e-6 * (float(plan.sent_usd.sum()) + abs(found.bound_usd))
    convex = not made.over_usd and worth <= found.bound_usd + near
    convex = convex and not found.relaxations
    bound = found.bound_usd if convex else max(found.bound_usd, worth)
    return (
        replace(found, proven=found.proven and convex, bound_usd=bound, relaxations=()),
        other,
        said,
    )


def _step(move: Move) -> float:
    """The least size that is whole lots at both ends."""
    return max(_lot(move.item), _lot(move.twin) / move.ratio)


def _sent(problem: Problem, plan: _Plan) -> dict[str, tuple[float, float]]:
    """By place, dollars of room and of equity that the transfers bring; negative: take."""
    out = {place.name: (0.0, 0.0) for place in problem.places}
    for shift, dollars in zip(problem.shifts, plan.sent_usd.tolist(), strict=True):
        if dollars > 0.0:
            room, equity = out[shift.source]
            out[shift.source] = room - shift.loss * dollars, equity - dollars
            room, equity = out[shift.target]
            kept = dollars * (1.0 - shift.fee_fraction) - shift.fee_usd
            out[shift.target] = room + shift.gain * dollars - shift.fee_usd, equity + kept
    return out


def _shift_cost(problem: Problem, wish: Wish, plan: _Plan) -> float:
    """What the transfers cost less what they free, dollars."""
    total = 0.0
    for shift, dollars in zip(problem.shifts, plan.sent_usd.tolist(), strict=True):
        if dollars > 0.0:
            fee = shift.fee_usd + shift.fee_fraction * dollars
            total += fee + shift.holding * dollars
            total -= wish.price * ((shift.gain - shift.loss) * dollars - shift.fee_usd + fee)
    return total


def _places(accounts: Sequence[VenueAccount], asked: Asked) -> tuple[Place, ...]:
    names = [account.name for account in accounts]
    if not names or len(set(names)) != len(names):
        raise InputError(
            "duplicate_row",
            "an allocation is over accounts of different names",
            place=", ".join(names),
            limit="one account or more, each once",
            remedy="Name each once.",
        )
    out = []
    for account in accounts:
        wanted = [] if not asked.trades else _held_elsewhere(account, accounts)
        if asked.add is not None:
            wanted.append(asked.add[0])
        twins = {t.key: t for item in wanted if (t := twin_at(item, account)) is not None}
        own = {item.key for item in account.book.instruments.items}
        out.append(place_of(account, [t for key, t in twins.items() if key not in own], asked.fee))
    return tuple(out)


def _held_elsewhere(account: VenueAccount, accounts: Sequence[VenueAccount]) -> list[Instrument]:
    return [
        each.book.instruments.items[column]
        for each in accounts
        if each is not account
        for column in each.book.column.tolist()
        if each.book.instruments.items[column].kind in TRADED
    ]


@dataclass(frozen=True, slots=True)
class _Plan:
    sizes: Floats
    sent_usd: Floats


def _plan(problem: Problem, found: Found, lots: bool) -> _Plan:
    """Sizes down to whole lots of both ends, the new trade's total kept; dollars up to the cent."""
    sizes = found.sizes.copy()
    for k, move in enumerate(problem.moves):
        step = _step(move) if lots else 0.0
        sizes[k] = _down(sizes[k], step, move.largest)
    if problem.route is not None and lots:
        first = len(problem.moves)
        sizes[first:] = _shared(problem.route, sizes[first:])
    sent = np.ceil(found.sent_usd / _CENT_USD - 1e-6) * _CENT_USD
    most = np.array([shift.most_usd for shift in problem.shifts])
    return _Plan(sizes, np.minimum(np.where(found.sent_usd > _CENT_USD, sent, 0.0), most))


def _lot(item: Instrument) -> float:
    from crossmargin.margin.whatif_costs import Schedule  # its table is read when lots are asked

    try:
        return lot_of(item, Schedule.at(0).parameters)
    except ModelError:
        return 0.0


def _down(size: float, step: float, largest: float) -> float:
    if size >= largest * (1.0 - 1e-9):
        return largest  # the whole position closes, whatever its odd lot
    return math.floor(size / step + 1e-9) * step if step > 0.0 else size


def _shared(route: Route, sizes: Floats) -> Floats:
    """Whole lots at every place, what is left over to the place with the most."""
    out = sizes.copy()
    for k, way in enumerate(route.ways):
        step = _lot(way.item) / way.ratio
        out[k] = math.floor(out[k] / step + 1e-9) * step if step > 0.0 else out[k]
    out[int(sizes.argmax())] += abs(route.size) - float(out.sum())
    return out


def _moved(problem: Problem, plan: _Plan, name: str) -> list[tuple[Instrument, float]]:
    """Assets that arrive at a place (negative: leave), units."""
    out = []
    for shift, dollars in zip(problem.shifts, plan.sent_usd.tolist(), strict=True):
        if dollars <= 0.0:
            continue
        if shift.source == name:
            out.append((shift.item, -dollars / shift.price_usd))
        elif shift.target == name:
            arrives = dollars * (1.0 - shift.fee_fraction) - shift.fee_usd
            out.append((shift.item, arrives / shift.price_usd))
    return out


def _after(problem: Problem, plan: _Plan) -> dict[str, Standing]:
    out = {}
    for place in problem.places:
        fills, moved = problem.fills(place.name, plan.sizes), _moved(problem, plan, place.name)
        out[place.name] = place.after(fills, moved) if fills or moved else place.standing
    return out


def _buffer(wish: Wish, name: str, after: Standing) -> float:
    return max(wish.buffers_usd.get(name, 0.0), wish.buffer_fraction * after.demand_im_usd)


def _short(
    problem: Problem, wish: Wish, plan: _Plan, after: Mapping[str, Standing]
) -> dict[str, float]:
    """Dollars that each place lacks of its buffer, where it is touched by the plan."""
    out = {}
    for place in problem.places:
        own = after[place.name]
        missing = _buffer(wish, place.name, own) - own.over_im_usd
        if missing > _NEAR_USD and (own is not place.standing or plan.sent_usd.any()):
            out[place.name] = missing
    return out


def _at_size(problem: Problem, found: Found) -> tuple[Shift, ...]:
    """Shifts with what a dollar is worth at the amounts of the last plan, both ends asked again."""
    places = {place.name: place for place in problem.places}
    out = []
    for shift, dollars in zip(problem.shifts, found.sent_usd.tolist(), strict=True):
        if dollars > 1.0:
            units = dollars / shift.price_usd
            loss = -places[shift.source].credit_usd(shift.item, -units) / dollars
            kept = 1.0 - shift.fee_fraction
            gain = kept * places[shift.target].credit_usd(shift.item, units) / dollars
            if math.isfinite(loss) and math.isfinite(gain):
                out.append(replace(shift, loss=loss, gain=gain))
                continue
        out.append(shift)
    return tuple(out)


def _result(
    problem: Problem, wish: Wish, found: Found, plan: _Plan, notes: tuple[str, ...]
) -> Allocation:
    after = _after(problem, plan)
    intents = _intents(problem, plan)
    results = []
    for place in problem.places:
        own = after[place.name]
        results.append(
            PlaceResult(
                place.name,
                place.account.rulebook,
                place.standing,
                own,
                _buffer(wish, place.name, own),
                min(_way_room(problem, plan, place), own.over_im_usd),
            )
        )
    before = sum(each.before.demand_im_usd for each in results)
    freed = before - sum(each.after.demand_im_usd for each in results)
    said = list(notes)
    touched = {each.account for each in intents.trades}
    for place in problem.places:
        if place.name in touched or place.positions():
            said += [f"{place.name}: {loss}" for loss in _losses(place)]
    if any(each.standing.at_least for each in problem.places):
        low = ", ".join(each.name for each in problem.places if each.standing.at_least)
        said.append(f"{low}: the demand is at least that; a rule of the venue is unknown")
    if problem.at_mark:
        said.append("trades are at the mark: no spread is paid; they say what would be where")
    else:
        said.append("trades are at the quoted touch: see `exit` for what the depth behind costs")
    return Allocation(
        places=tuple(results),
        intents=intents,
        cost_usd=intents.cost_usd,
        freed_usd=freed,
        worth_usd=wish.price * freed - intents.cost_usd,
        bound_usd=found.bound_usd,
        proven=found.proven,
        rounds=found.rounds,
        solver="" if found.evidence is None else found.evidence.solver,
        relaxations=found.relaxations,
        notes=tuple(dict.fromkeys(said)),
        stays=stays_of(problem.places, problem.moves, plan.sizes.tolist(), problem.at_mark),
    )


def _losses(place: Place) -> tuple[str, ...]:
    return () if place.prepared is None else place.prepared.losses


def _way_room(problem: Problem, plan: _Plan, place: Place) -> float:
    """The least room while the trades fill in their order, with what was sent already there."""
    fills = problem.fills(place.name, plan.sizes)
    if not fills:
        return math.inf
    prefixes: list[list[Fill]] = [fills[: n + 1] for n in range(len(fills))]
    arrived = sum(
        dollars * (shift.gain if shift.target == place.name else -shift.loss)
        for shift, dollars in zip(problem.shifts, plan.sent_usd.tolist(), strict=True)
        if place.name in (shift.source, shift.target)
    )
    return float(place.rooms(prefixes).im_usd.min()) + float(arrived)


def _intents(problem: Problem, plan: _Plan) -> Intents:
    places = {place.name: place for place in problem.places}
    trades = []
    for move, size in zip(problem.moves, plan.sizes.tolist(), strict=False):
        if size <= 0.0:
            continue
        for name in (move.source, move.target):
            item, signed = move.at(name, size)
            why = f"moves to {move.target}" if name == move.source else f"from {move.source}"
            price = places[name].mark(item) if problem.at_mark else None
            trades.append(_trade(places[name], item, signed, price, why))
    if problem.route is not None:
        sign = math.copysign(1.0, problem.route.size)
        ways = zip(problem.route.ways, plan.sizes[len(problem.moves) :].tolist(), strict=True)
        for way, size in ways:
            if size > 0.0:
                signed = sign * size * way.ratio
                own = places[way.place]
                price = own.mark(way.item) if problem.at_mark else problem.route.price
                trades.append(_trade(own, way.item, signed, price, "new"))
    transfers = []
    for shift, dollars in zip(problem.shifts, plan.sent_usd.tolist(), strict=True):
        if dollars > 0.0:
            transfers.append(
                Transfer(
                    shift.source,
                    shift.target,
                    shift.item.underlying,
                    dollars / shift.price_usd,
                    shift.fee_usd + shift.fee_fraction * dollars,
                    shift.time_s,
                    f"worth {shift.gain:.4g} of a dollar there, {shift.loss:.4g} here",
                )
            )
    return Intents(tuple(trades), tuple(transfers))


def _trade(place: Place, item: Instrument, size: float, price: float | None, why: str) -> Trade:
    """The trade in the contract that the account's model margins, of another venue where mapped."""
    fill = place.fill(item, size, price)
    if place.prepared is None:
        raise AssertionError  # a place that traded
    made = place.prepared.base.book.instruments.items[fill.column]
    rate = place.prepared.ground.usd_of(fill.column)
    cost = float((fill.fee - fill.gain) * rate)
    limit = None if fill.quoted != "given" else fill.price
    return Trade(made.native_id, fill.size, limit, False, place.name, made.venue, cost, why)
