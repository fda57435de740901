"""A leg about to be liquidated at its own venue while the whole is healthy, and the cure.

Only the venues' own rules are read here: no netted requirement enters what is free, what may be
withdrawn, or an alert. An account's liquidation price is the nearest move of all coins at which
what counts falls below maintenance. The whole is healthy where the sum of all accounts' room is
positive now *and at that very price*. Prices move as a driftless lognormal; a barrier a factor f
away is touched within t with probability ``2 Φ(-|ln f| / (σ sqrt(t)))`` (reflection principle).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from crossmargin.accounts.book_edits import edited, money_line
from crossmargin.accounts.venue_accounts import (
    Rules,
    Standing,
    VenueAccount,
    adverse_move_usd,
    age_s,
    deltas_of,
    parameters_of,
    standing_of,
    view_of,
)
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.surface_grid import grid

__all__ = [
    "Danger",
    "Room",
    "Transfer",
    "crossings",
    "local_liquidations",
    "room_at",
    "room_of",
    "touch_probability",
    "with_money",
]

_YEAR_S = YEAR_MS / 1000.0
# Moves that are searched for a crossing: nearest first, to a quarter and to four times the price.
_STEPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, math.log(4.0))
_BISECTIONS = 30
_ROUNDS = 8
_CENT_USD = 0.01
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Room:
    """What an account may do by itself, in dollars. Its inputs are its venue's rule alone.

    ``buffer_usd`` is the adverse move until money can arrive, ``keep_usd`` the one over the horizon
    of the alerts, ``staleness_usd`` the one since the account was read. ``free``: new risk.
    ``withdrawable``: money that may leave so that the account itself raises no alert.
    """

    free_usd: float
    withdrawable_usd: float
    buffer_usd: float
    keep_usd: float
    staleness_usd: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of money. ``sent_usd`` leaves, less the fee arrives after ``time_s``."""

    source: str
    target: str
    currency: str
    sent_usd: float
    fee_usd: float
    time_s: float

    @property
    def arrives_usd(self) -> float:
        """What the target receives."""
        return self.sent_usd - self.fee_usd


@dataclass(frozen=True, slots=True)
class Danger:
    """One account about to be liquidated by itself. Probabilities are of the nearer crossing.

    ``whole_now_usd``, ``whole_there_usd``: sum over all accounts of what is left of maintenance,
    now and at the account's liquidation price. ``transfers`` cure it where ``cured``; with
    ``in_time`` they arrive before the price does, at ``late_probability`` or less. ``after``:
    standing of every account after the transfers.
    """

    account: str
    factor: float | None  # of every coin's price; None: already below maintenance
    probability: float
    late_probability: float
    whole_now_usd: float
    whole_there_usd: float
    whole_is_healthy: bool
    needed_usd: float
    transfers: tuple[Transfer, ...]
    after: Mapping[str, Standing]
    cured: bool
    in_time: bool


@dataclass(frozen=True, slots=True)
class _Case:
    factor: float
    chance: float
    vol: float
    stale_s: float


def touch_probability(factor: float, sigma: float, seconds: float) -> float:
    """Probability that a driftless lognormal touches ``factor`` times its price within a time."""
    if factor == 1.0:
        return 1.0
    spread = sigma * math.sqrt(seconds / _YEAR_S)
    return math.erfc(abs(math.log(factor)) / spread / math.sqrt(2.0)) if spread > 0.0 else 0.0


def room_of(
    account: VenueAccount,
    standing: Standing,
    sigma: Mapping[str, float],
    now_ms: int,
    rules: Rules,
) -> Room:
    """Free and withdrawable from the venue's own standing; the careful one of both levels."""
    deltas = deltas_of(account)
    buffer = adverse_move_usd(deltas, sigma, account.trust.transfer_time_s, rules.k)
    staleness = adverse_move_usd(deltas, sigma, age_s(account, now_ms), rules.k)
    free = max(0.0, standing.over_im_usd - staleness)
    keep = max(buffer, adverse_move_usd(deltas, sigma, rules.alert_horizon_s, _keeping(rules)))
    leave = min(standing.over_im_usd, standing.over_mm_usd - keep) - staleness
    if not account.borrows:  # an unrealised gain and an option cannot be sent
        leave = min(leave, standing.cash_usd)
    return Room(free, max(0.0, leave), buffer, keep, staleness)


def _keeping(rules: Rules) -> float:
    """Deviations that keep the touch below the alert on either side, and no fewer than ``k``."""
    share = min(max(0.5 * rules.alert_probability, _LEAST), 0.5)
    return max(rules.k, NormalDist().inv_cdf(1.0 - 0.5 * share))


def room_at(account: VenueAccount, factors: Sequence[float]) -> list[float]:
    """Dollars left of maintenance with every coin's price times each factor."""
    if account.model is None:
        return [_lending_room(account, factor) for factor in factors]
    parameters = parameters_of(account, account.model)
    found = grid(account.book, view_of(account), account.model, parameters, factors, (1.0,))
    return [float(value) for value in found.over_mm_usd()[:, 0]]


def _lending_room(account: VenueAccount, factor: float) -> float:
    view, book, terms = view_of(account), account.book, account.terms
    if terms is None:
        raise InputError(
            "model_unknown", "an account has neither a model nor terms", place=account.name
        )
    total = 0.0
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        name = item.underlying
        moved = 1.0 if is_money(name) else factor
        worth = (
            (-abs(quantity) if item.kind == Kind.DEBT else quantity)
            * float(view.usd[book.instruments.underlying[column]])
            * moved
        )
        total += worth if worth < 0.0 else worth * terms.threshold.get(name, 0.0)
    return total


def crossings(account: VenueAccount, standing: Standing) -> tuple[float | None, float | None]:
    """The nearest factors below and above 1 at which the account is liquidated; None: none seen.

    Searched between a quarter and four times the price, bisected to 1e-9 of the logarithm.
    """
    if not standing.over_mm_usd >= 0.0:
        return 1.0, 1.0
    found: list[float | None] = []
    for sign in (-1.0, 1.0):
        logs = [sign * step for step in _STEPS]
        rooms = room_at(account, [math.exp(log) for log in logs])
        bad = next((k for k, room in enumerate(rooms) if not room >= 0.0), None)
        if bad is None:
            found.append(None)
            continue
        good_log, bad_log = (logs[bad - 1] if bad else 0.0), logs[bad]
        for _ in range(_BISECTIONS):
            middle = 0.5 * (good_log + bad_log)
            if room_at(account, [math.exp(middle)])[0] >= 0.0:
                good_log = middle
            else:
                bad_log = middle
        found.append(math.exp(bad_log))
    return found[0], found[1]


def with_money(account: VenueAccount, amount_usd: float) -> VenueAccount:
    """The account after dollars of its money arrived (negative: left); a debt is repaid first."""
    view = view_of(account)
    item = money_line(account.book, account.venue, account.money)
    names = view.instruments.names
    known = float(view.usd[names.index(item.underlying)]) if item.underlying in names else 0.0
    price = known or account.snapshot.get("usd", item.underlying) or 0.0
    price = 1.0 if item.underlying == "USD" else price
    if not price > 0.0:
        raise InputError(
            "currency_unknown",
            "the money of an account has no dollar price",
            place=account.name,
            value=account.money,
            remedy="Give a market with its price in dollars, or name another money.",
        )
    amount = amount_usd / price
    owed = _owed(account, item.underlying)
    if owed is None:
        return replace(account, book=edited(account.book, {item: amount}))
    line, quantity = owed
    repaid = min(amount, abs(quantity))  # a negative amount is borrowed: the debt grows
    sign = 1.0 if quantity < 0.0 else -1.0
    rest = {item: amount - repaid} if amount > repaid else {}
    return replace(account, book=edited(account.book, {line: sign * repaid, **rest}))


def _owed(account: VenueAccount, currency: str) -> tuple[Instrument, float] | None:
    """The line of debt in a currency and its quantity, whose sign is the venue's own."""
    book = account.book
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        if item.kind == Kind.DEBT and item.underlying == currency and quantity != 0.0:
            return item, float(quantity)
    return None


def local_liquidations(
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    sigma: Mapping[str, float],
    now_ms: int,
    rules: Rules,
) -> tuple[Danger, ...]:
    """Every account in danger by itself, the likeliest first, with the transfer that cures it."""
    rooms = {a.name: room_of(a, standings[a.name], sigma, now_ms, rules) for a in accounts}
    found = []
    for account in accounts:
        standing = standings[account.name]
        vol = _vol(account, sigma)
        if vol == 0.0 and standing.over_mm_usd >= 0.0:
            continue
        stale_s = age_s(account, now_ms)
        factor, chance = _nearest(account, standing, vol, rules.alert_horizon_s + stale_s)
        if factor is None or (chance < rules.alert_probability and standing.over_mm_usd >= 0.0):
            continue
        case = _Case(factor, chance, vol, stale_s)
        found.append(_danger(account, accounts, standings, rooms, case, rules))
    return tuple(sorted(found, key=lambda danger: -danger.probability))


def _vol(account: VenueAccount, sigma: Mapping[str, float]) -> float:
    """The largest volatility of what the account is exposed to: all coins move together here."""
    table = account.book.instruments
    held = {table.items[c].underlying for c in account.book.column.tolist()}
    return max((sigma[name] for name in sorted(held) if name in sigma), default=0.0)


def _nearest(
    account: VenueAccount, standing: Standing, vol: float, seconds: float
) -> tuple[float | None, float]:
    """The likelier of both crossings, and the probability of touching either."""
    low, high = crossings(account, standing)
    chances = [
        (touch_probability(each, vol, seconds), each) for each in (low, high) if each is not None
    ]
    if not chances:
        return None, 0.0
    return max(chances)[1], min(1.0, sum(chance for chance, _ in chances))


def _danger(
    account: VenueAccount,
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    rooms: Mapping[str, Room],
    case: _Case,
    rules: Rules,
) -> Danger:
    factor = case.factor
    now = sum(standings[a.name].over_mm_usd - rooms[a.name].staleness_usd for a in accounts)
    there = now
    if factor != 1.0:
        there = sum(room_at(a, [factor])[0] - rooms[a.name].staleness_usd for a in accounts)
    transfers, after, cured, needed = _cure(account, accounts, standings, rooms)
    time_s = max((transfer.time_s for transfer in transfers), default=0.0)
    late = touch_probability(factor, case.vol, time_s + case.stale_s) if transfers else 0.0
    breached = not standings[account.name].over_mm_usd >= 0.0
    return Danger(
        account=account.name,
        factor=None if breached else factor,
        probability=1.0 if breached else case.chance,
        late_probability=1.0 if breached else late,
        whole_now_usd=now,
        whole_there_usd=there,
        whole_is_healthy=now >= 0.0 and there >= 0.0,
        needed_usd=needed,
        transfers=transfers,
        after=after,
        cured=cured,
        in_time=cured and not breached and late <= rules.late_probability,
    )


def _short_usd(standing: Standing, room: Room) -> float:
    """What is missing to what should be kept and to the initial demand, whichever is more."""
    local = standing.over_mm_usd - room.keep_usd - room.staleness_usd
    return max(0.0, -local, room.staleness_usd - standing.over_im_usd)


def _cure(
    account: VenueAccount,
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    rooms: Mapping[str, Room],
) -> tuple[tuple[Transfer, ...], Mapping[str, Standing], bool, float]:
    """Transfers, every standing after them, whether all are then in order, and what was missing.

    Money that counts with a haircut restores less than its amount: what is still missing is added
    until nothing is. The fastest source comes first, then the largest.
    """
    needed = _short_usd(standings[account.name], rooms[account.name])
    donors = sorted(
        (a for a in accounts if a.name != account.name and rooms[a.name].withdrawable_usd > 0.0),
        key=lambda a: (a.trust.transfer_time_s, -rooms[a.name].withdrawable_usd, a.name),
    )
    wanted, after = needed, dict(standings)
    transfers: tuple[Transfer, ...] = ()
    for _ in range(_ROUNDS):
        transfers = _from(donors, account, rooms, wanted)
        got = sum(transfer.arrives_usd for transfer in transfers)
        after = dict(standings)
        after[account.name] = standing_of(with_money(account, got))
        for donor in donors:
            sent = sum(t.sent_usd for t in transfers if t.source == donor.name)
            if sent > 0.0:
                after[donor.name] = standing_of(with_money(donor, -sent))
        missing = _short_usd(after[account.name], rooms[account.name])
        if missing <= _CENT_USD or got < wanted - _CENT_USD:
            break
        wanted += missing
    moved = [account.name, *(transfer.source for transfer in transfers)]
    cured = all(_short_usd(after[name], rooms[name]) <= _CENT_USD for name in moved)
    return transfers, after, cured, needed


def _from(
    donors: Sequence[VenueAccount],
    target: VenueAccount,
    rooms: Mapping[str, Room],
    wanted_usd: float,
) -> tuple[Transfer, ...]:
    out = []
    for donor in donors:
        if wanted_usd <= 0.0:
            break
        trust = donor.trust
        rest = 1.0 - trust.transfer_fee_fraction
        most = rooms[donor.name].withdrawable_usd
        if rest <= 0.0 or most * rest <= trust.transfer_fee_usd:
            continue
        sent = min((wanted_usd + trust.transfer_fee_usd) / rest, most)
        fee = trust.transfer_fee_usd + trust.transfer_fee_fraction * sent
        time_s = trust.transfer_time_s + target.trust.transfer_time_s
        out.append(Transfer(donor.name, target.name, donor.money, sent, fee, time_s))
        wanted_usd -= sent - fee
    return tuple(out)
