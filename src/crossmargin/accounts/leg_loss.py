"""Stress "winning leg closed for you": auto-deleveraging takes one winning leg at mark.

The account keeps its equity (the profit is paid), the hedge is gone. Every hedged account is
re-margined by its venue, and by the pool, with any one winning leg removed. A leg whose entry price
is unknown may be a winner and is removed too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crossmargin.accounts.book_edits import money_line, without
from crossmargin.accounts.local_liquidation import with_money
from crossmargin.accounts.pooling import PoolRule, net_of
from crossmargin.accounts.venue_accounts import (
    Rules,
    Standing,
    VenueAccount,
    adverse_move_usd,
    deltas_of,
    standing_of,
    view_of,
)
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Instrument, Kind

__all__ = ["LegLoss", "leg_losses", "total_deltas", "without_leg"]

_DAY_S = 86_400.0
_CENT_USD = 0.01
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class LegLoss:
    """One leg gone. ``left_usd``: room above maintenance of all accounts, less the adverse day.

    ``profit_usd`` None: entry price unknown. ``unhedged_usd``: one adverse day on what is then
    unhedged over all accounts. ``net_im_usd``: what the pool then needs (None: cannot be asked).
    """

    account: str
    leg: str
    quantity: float
    profit_usd: float | None
    over_mm_usd: float  # of its own account, after
    unhedged_usd: float
    unhedged_before_usd: float
    left_usd: float
    net_im_usd: float | None


def total_deltas(accounts: Sequence[VenueAccount]) -> dict[str, tuple[float, float]]:
    """Underlying -> (coins over all accounts, dollars a coin at the first that has it)."""
    out: dict[str, tuple[float, float]] = {}
    for account in accounts:
        for name, (coins, price) in deltas_of(account).items():
            before, first = out.get(name, (0.0, price))
            out[name] = (before + coins, first)
    return {name: out[name] for name in sorted(out)}


def without_leg(account: VenueAccount, item: Instrument) -> VenueAccount:
    """The account after a leg was closed at mark: same equity, the leg gone."""
    before = standing_of(account).equity_usd
    money = money_line(account.book, account.venue, account.money)
    gone = replace(account, book=without(account.book, item, money))
    for _ in range(_ROUNDS):  # a balance that is at risk or counted with a haircut: once more
        missing = before - standing_of(gone).equity_usd
        if abs(missing) <= _CENT_USD:
            break
        gone = with_money(gone, missing)
    return gone


def leg_losses(
    accounts: Sequence[VenueAccount],
    standings: Mapping[str, Standing],
    sigma: Mapping[str, float],
    pool: PoolRule,
    rules: Rules,
) -> tuple[LegLoss, ...]:
    """Every winning leg of every account removed by itself, worst first.

    Worst is where least is left: the venues' own room, less an adverse day on what is unhedged.
    """
    now = adverse_move_usd(total_deltas(accounts), sigma, _DAY_S, rules.k)
    found = []
    for k, account in enumerate(accounts):
        for item, quantity, profit in _winners(account):
            changed = without_leg(account, item)
            rest = [*accounts[:k], changed, *accounts[k + 1 :]]
            own = standing_of(changed)
            room = sum(s.over_mm_usd for name, s in standings.items() if name != account.name)
            move = adverse_move_usd(total_deltas(rest), sigma, _DAY_S, rules.k)
            found.append(
                LegLoss(
                    account=account.name,
                    leg=item.native_id,
                    quantity=quantity,
                    profit_usd=profit,
                    over_mm_usd=own.over_mm_usd,
                    unhedged_usd=move,
                    unhedged_before_usd=now,
                    left_usd=room + own.over_mm_usd - move,
                    net_im_usd=_net(rest, pool),
                )
            )
    return tuple(sorted(found, key=lambda loss: (loss.left_usd, loss.account, loss.leg)))


def _net(accounts: Sequence[VenueAccount], pool: PoolRule) -> float | None:
    try:
        return net_of(accounts, pool).demand_im_usd
    except CrossMarginError:
        return None


def _winners(account: VenueAccount) -> list[tuple[Instrument, float, float | None]]:
    """Legs that gain since entry, and those of unknown entry: (contract, quantity, profit)."""
    book, view = account.book, view_of(account)
    out: list[tuple[Instrument, float, float | None]] = []
    for j, column in enumerate(book.column.tolist()):
        item, quantity = book.instruments.items[column], float(book.quantity[j])
        if item.kind in (Kind.ASSET, Kind.DEBT) or quantity == 0.0:
            continue
        if not bool(book.entry_known[j]):
            out.append((item, quantity, None))
            continue
        mark, entry = float(view.mark[column]), float(book.entry_price[j])
        gain = mark - entry
        if item.inverse and item.kind != Kind.OPTION:
            gain = 1.0 / entry - 1.0 / mark if mark > 0.0 else 0.0
        usd = float(view.usd[book.instruments.settle[column]])
        profit = quantity * item.multiplier * gain * usd
        if profit > 0.0:
            out.append((item, quantity, profit))
    return out
