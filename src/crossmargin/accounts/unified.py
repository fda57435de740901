"""One unified account over several venues: always two numbers, and what lies between them.

What the venues demand is the sum of stand-alone requirements under each venue's own rule; it binds.
The economic net is all positions in one pool under a model of no venue. What is free, what may be
withdrawn and every alert come from the first alone: `local_liquidation` does not know the second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossmargin.accounts.graph import Failing, RiskGraph, failures_of, graph_of
from crossmargin.accounts.leg_loss import LegLoss, leg_losses
from crossmargin.accounts.local_liquidation import Danger, Room, local_liquidations, room_of
from crossmargin.accounts.pooling import PoolRule, Saving, merged_snapshot, net_of, savings
from crossmargin.accounts.recognition import Credit, Facts, VenueFacts, recognise
from crossmargin.accounts.venue_accounts import (
    Rules,
    Standing,
    VenueAccount,
    age_s,
    check_hashes,
    deltas_of,
    standing_of,
)
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.margin.model import MarginModel
from crossmargin.market.snapshot import Snapshot

__all__ = ["NET_MODEL", "Unified", "sigma_of", "status_of", "unify"]

# The pool's model where the file names none: whole-account revaluation, coins held at risk.
NET_MODEL = "tims"
_RETURNS_MIN = 20
_RETURNS = 60
_REPORTED_GAP = 0.005


@dataclass(frozen=True, slots=True)
class Unified:
    """All that is known of the whole. Mappings are by account, in the order given."""

    now_ms: int
    accounts: tuple[VenueAccount, ...]
    standings: Mapping[str, Standing]
    rooms: Mapping[str, Room]
    ages_s: Mapping[str, float]
    sigma: Mapping[str, float]
    net_model: str
    net: Standing
    savings: tuple[Saving, ...]
    credit: Credit
    dangers: tuple[Danger, ...]
    leg_losses: tuple[LegLoss, ...]
    graph: RiskGraph
    failing: tuple[Failing, ...]
    blocked: tuple[str, ...] = ()  # accounts older than the restart: no decision rests on them
    warnings: tuple[str, ...] = field(default=())

    @property
    def equity_usd(self) -> float:
        """Sum of the accounts' equity; each line is counted once."""
        return sum(standing.equity_usd for standing in self.standings.values())

    @property
    def staleness_usd(self) -> float:
        """The charge for the age of what was read."""
        return sum(room.staleness_usd for room in self.rooms.values())

    @property
    def free_usd(self) -> float:
        """New risk that the venues themselves would take, account by account."""
        return sum(room.free_usd for room in self.rooms.values())

    @property
    def withdrawable_usd(self) -> float:
        """Money that may leave, account by account."""
        return sum(room.withdrawable_usd for room in self.rooms.values())


def status_of(standing: Standing, room: Room) -> str:
    """``liquidation``, ``call`` (below initial), ``warning`` (inside the buffer) or ``ok``.

    Of one account on its own collateral: what another holds never masks it.
    """
    if not standing.over_mm_usd >= 0.0:
        return "liquidation"
    if not standing.over_im_usd >= 0.0:
        return "call"
    if not standing.over_mm_usd >= room.buffer_usd + room.staleness_usd:
        return "warning"
    return "ok"


def unify(
    accounts: Sequence[VenueAccount],
    net_model: MarginModel,
    rules: Rules | None = None,
    *,
    now_ms: int | None = None,
    not_before_ms: int | None = None,
    sigma: Mapping[str, float] | None = None,
) -> Unified:
    """The accounts as one.

    ``now_ms``: when it is judged (default: the newest reading). ``not_before_ms``: the end of the
    last gap; while any account is older, no decision is given. ``sigma``: yearly volatility by
    underlying; what it leaves out is read from the markets' histories. Raises StateError
    ``hash_mismatch`` for a changed snapshot, InputError for accounts that stand twice or are read
    in the future, MarketDataError ``vol_missing``, and what the models raise.
    """
    rules = rules or Rules()
    _refuse_twice(accounts)
    for account in accounts:
        check_hashes(account)
    newest = max(max(a.as_of_ms, a.snapshot.as_of_ms) for a in accounts)
    now = newest if now_ms is None else now_ms
    ages = {account.name: age_s(account, now) for account in accounts}
    deltas = {account.name: deltas_of(account) for account in accounts}
    market = merged_snapshot(accounts)
    vols = sigma_of(market, deltas, sigma or {})
    standings = {account.name: standing_of(account) for account in accounts}
    rooms = {a.name: room_of(a, standings[a.name], vols, now, rules) for a in accounts}
    # From here on the net: it enters the credit and the stresses, never the lines above.
    pool = PoolRule(net_model, market)
    net = net_of(accounts, pool)
    saved = savings(accounts, _models_asked(accounts, net_model, rules), market)
    venues = _venue_facts(accounts, standings, deltas)
    rest = [[a for a in accounts if a is not gone] for gone in accounts]
    without = tuple(net_of(left, pool).demand_im_usd if left else 0.0 for left in rest)
    known = tuple(each.saving_usd for each in saved if each.saving_usd is not None)
    credit = recognise(Facts(venues, net.demand_im_usd, without, known, vols), rules)
    blocked = _blocked(accounts, not_before_ms)
    graph = graph_of(accounts, standings)
    return Unified(
        now_ms=now,
        accounts=tuple(accounts),
        standings=standings,
        rooms=rooms,
        ages_s=ages,
        sigma=vols,
        net_model=net_model.spec.name,
        net=net,
        savings=saved,
        credit=credit,
        dangers=() if blocked else local_liquidations(accounts, standings, vols, now, rules),
        leg_losses=leg_losses(accounts, standings, vols, pool, rules),
        graph=graph,
        failing=failures_of(accounts, graph, vols, pool, rules),
        blocked=blocked,
        warnings=_warnings(accounts, standings, deltas, saved, rules),
    )


def _refuse_twice(accounts: Sequence[VenueAccount]) -> None:
    """No collateral counts twice: neither a name nor the content of a venue's account repeats."""
    if not accounts:
        raise InputError(
            "book_empty", "no account is given", remedy="Give at least one venue account."
        )
    seen: dict[tuple[str, str], str] = {}
    for account in accounts:
        content = account.book.positions_sha256()
        for key in ((account.name, ""), (account.venue, content)):
            if key in seen:
                raise InputError(
                    "duplicate_row",
                    "the same account stands twice: its collateral would count twice",
                    place=f"{seen[key]} and {account.name}",
                    remedy="Name it once.",
                )
            seen[key] = account.name


def sigma_of(
    market: Snapshot,
    deltas: Mapping[str, Mapping[str, tuple[float, float]]],
    given: Mapping[str, float],
) -> dict[str, float]:
    """Yearly volatility of every underlying that is held.

    As given; else the newest implied one of the market's history; else the root mean square of
    its last sixty daily returns. MarketDataError ``vol_missing`` where there is none.
    """
    histories = market.histories(market.as_of_ms)
    out = {}
    for name in sorted({name for each in deltas.values() for name in each}):
        known = given.get(name, 0.0)
        past = histories.get(name)
        if not known > 0.0 and past is not None and len(past.vol):
            known = float(past.vol[-1])
        if not known > 0.0 and past is not None and len(past) > _RETURNS_MIN:
            moves = np.diff(np.log(past.price[-_RETURNS - 1 :]))
            days = np.diff(past.times_ms[-_RETURNS - 1 :]) / DAY_MS
            known = math.sqrt(float(np.mean(moves**2 / days)) * 365.0)
        if not 0.0 < known < math.inf:
            raise MarketDataError(
                "vol_missing",
                "no volatility of an underlying is known: alerts and charges rest on it",
                place=name,
                value=given.get(name),
                remedy="Give it in [volatility], or a market with a history.",
            )
        out[name] = known
    return out


def _models_asked(
    accounts: Sequence[VenueAccount], net_model: MarginModel, rules: Rules
) -> list[MarginModel]:
    """The pool's model, and with the lower-of rule every venue's own, each once.

    A lending protocol's is left out: it takes no contracts, so that it nets nothing.
    """
    own = [
        a.model
        for a in accounts
        if rules.lower_of and a.model is not None and a.model.spec.family != "lending"
    ]
    return list({model.spec.name: model for model in (net_model, *own)}.values())


def _venue_facts(
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    deltas: Mapping[str, Mapping[str, tuple[float, float]]],
) -> tuple[VenueFacts, ...]:
    return tuple(
        VenueFacts(
            account.name,
            standings[account.name].equity_usd,
            standings[account.name].demand_im_usd,
            standings[account.name].demand_mm_usd,
            deltas[account.name],
            account.trust,
        )
        for account in accounts
    )


def _blocked(accounts: Sequence[VenueAccount], not_before_ms: int | None) -> tuple[str, ...]:
    if not_before_ms is None:
        return ()
    return tuple(a.name for a in accounts if min(a.as_of_ms, a.snapshot.as_of_ms) < not_before_ms)


def _warnings(
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    deltas: Mapping[str, Mapping[str, tuple[float, float]]],
    saved: Sequence[Saving],
    rules: Rules,
) -> tuple[str, ...]:
    """What a reader must know: prices apart, reported equity off, bounds, models not asked."""
    out = []
    for name in sorted({name for each in deltas.values() for name in each}):
        prices = {a.name: deltas[a.name][name][1] for a in accounts if name in deltas[a.name]}
        low, high = min(prices, key=lambda k: prices[k]), max(prices, key=lambda k: prices[k])
        gap = prices[high] / prices[low] - 1.0
        if gap > rules.price_gap_fraction:
            out.append(f"{name} is {100.0 * gap:.2f} % dearer at {high} than at {low}")
    for account in accounts:
        said, made = account.reported_equity_usd, standings[account.name].equity_usd
        if said is not None and abs(made - said) > _REPORTED_GAP * max(abs(said), 1.0):
            out.append(
                f"{account.name} reports an equity of {said:,.2f} USD, its book gives {made:,.2f}"
            )
        if standings[account.name].at_least:
            out.append(f"{account.name}: the demand is at least that; a rule is unknown")
    out += [f"lower-of: {each.model} was not asked: {each.reason}" for each in saved if each.reason]
    chains: dict[str, list[tuple[int, str]]] = {}
    for account in accounts:
        if account.trust.chain and account.block is not None:
            chains.setdefault(account.trust.chain, []).append((account.block, account.name))
    for chain, blocks in chains.items():
        if min(blocks)[0] != max(blocks)[0]:
            text = ", ".join(f"{name} {block}" for block, name in blocks)
            out.append(f"accounts on {chain} were read at different blocks: {text}")
    return tuple(out)
