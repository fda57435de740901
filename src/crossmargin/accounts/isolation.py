"""The same book isolated and in one cross margin: each credit of pooling as a line.

    alone       sum over the lines of IM(line)
    - netting   to sum of IM over groups: futures of a coin; options of a coin and expiry
    - vega      to sum of IM over groups: futures of a coin; all options of a coin
    - hedge     to sum of IM over coins
    - coins     to IM of the pools: correlation between coins
    + orders    and holds, which no group has
    = cross     IM of the account

Each stage margins every group as an account of its own under the model itself, so the lines add up
by construction; what each credit is called depends on this order, the sum does not. A credit below
zero is a charge that pooling adds. Money is held by every group and needs nothing; a coin that the
model puts at risk is a line among the futures of its coin.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.contributions import population
from crossmargin.margin.details import stage_of
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.model import Requirement

__all__ = ["Credit", "Isolation", "isolation_of"]


@dataclass(frozen=True, slots=True)
class Credit:
    """One step in dollars: what it takes off, and what is required after it in so many groups."""

    name: str
    credit_usd: float
    after_usd: float
    groups: int


@dataclass(frozen=True, slots=True)
class Isolation:
    """One account. ``alone_usd - sum of credits + orders_usd = cross_usd``."""

    alone_usd: float
    lines: int  # that require something by themselves
    credits: tuple[Credit, ...]
    orders_usd: float
    cross_usd: float
    pools: int

    @property
    def saving_usd(self) -> float:
        """What pooling takes off, orders apart."""
        return sum(credit.credit_usd for credit in self.credits)

    def warning(self) -> str:
        """What pooling costs beside what it saves."""
        paths = "one liquidation path" if self.pools == 1 else f"{self.pools} liquidation paths"
        return (
            f"pooling makes {paths} of {self.lines}: a loss of any line is paid by all, and a "
            "breach closes legs that are healthy by themselves"
        )


_Key = Callable[[Instrument], Hashable]


def isolation_of(requirement: Requirement, account: int = 0) -> Isolation:
    """The decomposition of one account."""
    rows = np.flatnonzero(requirement.sheet.account == account).tolist()
    stages: tuple[tuple[str, _Key], ...] = (
        ("netting between legs", _by_expiry),
        ("vega offset between expiries", _by_class),
        ("options against futures", _by_coin),
        ("correlation between coins", _by_pool),
    )
    alone_usd = 0.0
    lines = pools = 0
    after = [0.0] * len(stages)
    groups = [0] * len(stages)
    cross_usd = 0.0
    for row in rows:
        usd = requirement.priced[int(requirement.sheet.pool[row])].usd_per_unit
        cross_usd += float(requirement.sheet["im"][row]) * usd
        each = _margins(requirement, row, _by_line)
        alone_usd += sum(each) * usd
        lines += sum(im > 0.0 for im in each)
        for number, (_, key) in enumerate(stages):
            found = _margins(requirement, row, key)
            after[number] += sum(found) * usd
            groups[number] += sum(im > 0.0 for im in found)
        pools += int(float(requirement.sheet["mm"][row]) > 0.0)
    before = [alone_usd, *after[:-1]]
    steps = tuple(
        Credit(name, start - end, end, count)
        for (name, _), start, end, count in zip(stages, before, after, groups, strict=True)
    )
    shared = requirement.model.one_balance or requirement.model.currency != "settle"
    return Isolation(
        alone_usd, lines, steps, cross_usd - after[-1], cross_usd, 1 if shared else max(pools, 1)
    )


def _by_line(item: Instrument) -> Hashable:
    return item.key


def _by_pool(_: Instrument) -> Hashable:
    return ""


def _by_expiry(item: Instrument) -> Hashable:
    if item.kind == Kind.OPTION:
        return item.underlying, "options", item.expiry_ms
    return item.underlying, "futures"


def _by_class(item: Instrument) -> Hashable:
    return item.underlying, "options" if item.kind == Kind.OPTION else "futures"


def _by_coin(item: Instrument) -> Hashable:
    return item.underlying


def _margins(requirement: Requirement, row: int, key: _Key) -> list[float]:
    """IM of each group of lines of a row, in the pool's currency, orders left out."""
    priced, held = stage_of(requirement, row)
    held = with_equity_rows(priced, held) if priced.risk is not None else held
    items = [priced.pool.instruments.items[c] for c in held.column.tolist()]
    shared = [item.kind == Kind.ASSET and is_money(item.underlying) for item in items]
    codes: dict[Hashable, list[int]] = {}
    for k, item in enumerate(items):
        if not shared[k]:
            codes.setdefault(key(item), []).append(k)
    if not codes:
        return []
    quantity = np.zeros((len(codes), len(items)))
    for group, members in enumerate(codes.values()):
        quantity[group, members] = held.quantity[members]
        quantity[group, shared] = held.quantity[shared]
    variants = population(held, quantity)
    answer = requirement.via.margin(priced, variants, requirement.parameters)
    im: Floats = answer.sheet["im"]
    return [float(each) for each in im.tolist()]
