"""What a report draws: each requirement with its explanation and its surface over spot and vol.

A case is one requirement of one account: of a margin result the only one, of a comparison one a
model, of a what-if the book before and after. Everything is computed here; the sections only draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.explanation import explain
from crossmargin.interfaces.figures import checked
from crossmargin.margin.model import Requirement
from crossmargin.margin.surface_grid import PEGGED, Grid, grid

__all__ = [
    "CELLS",
    "SHOWN_SPOTS",
    "SPOT_FACTORS",
    "VOL_FACTORS",
    "Case",
    "account_of",
    "cases_of",
    "crossings",
    "moves",
]

# Spot from 40 % down to 40 % up by 2.5 %, volatility from 30 % lower to 50 % higher by 10 %.
SPOT_FACTORS: Floats = frozen(np.linspace(0.6, 1.4, 33).round(6), np.float64)
VOL_FACTORS: Floats = frozen(np.linspace(0.7, 1.5, 9).round(6), np.float64)
CELLS = len(SPOT_FACTORS) * len(VOL_FACTORS)
# Every second spot has a printed cell; lines and the zero line use all of them.
SHOWN_SPOTS = slice(0, None, 2)


@dataclass(frozen=True, slots=True)
class Case:
    """One requirement of one account with all that is drawn of it.

    ``known``: something says what the account holds in cash; else cash counts as 0.
    ``coin`` is the only coin that moves, with its index in dollars; None where several move.
    """

    label: str
    requirement: Requirement
    account: str
    explained: Mapping[str, Any]
    grid: Grid
    known: bool
    coin: tuple[str, float] | None

    def unmoved(self) -> int:
        """Column of the grid at which volatility is as it is."""
        return int(np.argmin(np.abs(VOL_FACTORS - 1.0)))

    def base(self) -> int:
        """Row of the grid at which spot is as it is."""
        return int(np.argmin(np.abs(SPOT_FACTORS - 1.0)))

    def curve(self, table: Floats) -> tuple[float, ...]:
        """A table of the grid along the spot, at unmoved volatility."""
        return tuple(float(each) for each in table[:, self.unmoved()])

    def profit_usd(self) -> Floats:
        """[S, V] change of equity against now, balances re-valued."""
        equity = self.grid.equity_usd
        return np.asarray(equity - equity[self.base(), self.unmoved()])


def moves(factors: Floats) -> tuple[float, ...]:
    """Factors as fractions of change: 0.6 is -0.4."""
    return tuple(round(float(factor) - 1.0, 9) for factor in factors)


def account_of(names: Sequence[str], account: str | None) -> int:
    """Place of the account that a report is of; the only one where none is named."""
    if account is None and len(names) == 1:
        return 0
    if account is None or account not in names:
        raise InputError(
            "option_unknown",
            "a report is of one account" if account is None else "no such account",
            value=account,
            limit=", ".join(list(names)[:8]),
            remedy="Choose one with --account.",
        )
    return list(names).index(account)


def cases_of(
    requirements: Mapping[str, Requirement],
    account: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Case, ...]:
    """A case for each labelled requirement; ``progress`` hears (cells done, cells in all)."""
    total = CELLS * len(requirements)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return tuple(_case(label, each, account, step) for label, each in requirements.items())


def _case(
    label: str, requirement: Requirement, account: str | None, step: Callable[[], None]
) -> Case:
    names = list(requirement.book.account)
    number = account_of(names, account)
    rows = requirement.sheet.account == number
    held = requirement.book.rows(number, number + 1)
    surface = grid(
        held,
        requirement.view,
        requirement.via,
        requirement.parameters,
        SPOT_FACTORS.tolist(),
        VOL_FACTORS.tolist(),
        step,
    )
    return Case(
        label=label,
        requirement=requirement,
        account=names[number],
        explained=checked(explain(requirement, names[number]), "explain"),
        grid=surface,
        known=bool((requirement.source[rows] > 0).any()),
        coin=_only_coin(requirement),
    )


def _only_coin(requirement: Requirement) -> tuple[str, float] | None:
    """The one coin whose price moves the account, and its index; None where there are several."""
    table = requirement.book.instruments
    moving = {item.underlying for item in table.items if item.underlying not in PEGGED}
    if len(moving) != 1:
        return None
    for k, item in enumerate(table.items):
        if item.kind != Kind.ASSET:
            pair = int(table.pair[k])
            return table.pairs[pair][0], float(requirement.view.index[pair])
    return None


def crossings(case: Case, values: Sequence[float]) -> tuple[float | None, float | None]:
    """The nearest fall and rise of spot at which a curve crosses zero, linear between cells.

    None on a side where it keeps its sign as far as the surface reaches.
    """
    spots = moves(SPOT_FACTORS)
    start = case.base()
    found: list[float | None] = []
    for steps in (range(start, 0, -1), range(start, len(spots) - 1)):
        down = steps.step < 0
        place = None
        for k in steps:
            other = k - 1 if down else k + 1
            if (values[k] >= 0.0) != (values[other] >= 0.0):
                share = values[k] / (values[k] - values[other])
                place = spots[k] + share * (spots[other] - spots[k])
                break
        found.append(place)
    return found[0], found[1]
