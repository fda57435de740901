"""The cost of margin as a bill: money a day for each line, in cents that add up to the total.

    bill a day = (requirement + idle buffer) * rate / 365        in dollars

The idle buffer is what counts beyond the requirement: capital that stands there and carries
nothing. A line is a group's positions, its open orders, the venue's holds, what no position moves,
or the buffer. Everything is exact rational arithmetic of the figures as computed until the one
rounding: the bill to whole cents (halves to even), then the lines by largest remainder, so that no
line is off by a cent or more and the lines are the bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from crossmargin.core.errors import InputError
from crossmargin.margin.model import Requirement
from crossmargin.margin.totals import stands_apart
from crossmargin.risk.attribution import Attribution

__all__ = ["BASES", "CostLine", "Statement", "cost_of_margin", "idle_buffer_usd", "in_cents"]

DAYS_A_YEAR = 365
RATE_MAX = 10.0
# The rules whose shares may be billed, and the name of the figure that carries them.
BASES = ("euler", "ray", "shapley")


@dataclass(frozen=True, slots=True)
class CostLine:
    """``required_usd`` is the line's part of requirement or buffer; ``cents`` its part of the bill.

    ``kind``: positions, orders, holds, fixed or buffer. Credits are negative.
    """

    kind: str
    path: tuple[str, ...]
    required_usd: float
    cents: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines add up: to ``total_cents`` exactly, in dollars to requirement and buffer."""

    basis: str
    rate: float
    days: int
    required_usd: float
    buffer_usd: float | None  # None where no balance is known
    total_cents: int
    lines: tuple[CostLine, ...]


def idle_buffer_usd(requirement: Requirement, level: str = "im") -> float | None:
    """Dollars that count beyond the requirement of the only account; None without a balance.

    Never negative. Where the pools stand apart a surplus of one pays for no other: the sum of each
    pool's own.
    """
    if not (requirement.source > 0).any():
        return None
    sheet = requirement.sheet
    rates = [priced.usd_per_unit for priced in requirement.priced]
    left = [
        (float(sheet[f"counted_{level}"][row]) - float(sheet[level][row])) * rates[pool]
        for row, pool in enumerate(sheet.pool.tolist())
    ]
    if stands_apart(requirement.model):
        return float(sum(max(each, 0.0) for each in left))
    return float(max(sum(left), 0.0))


def in_cents(amounts: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Total in whole cents (halves to even) and each amount's, which add up to it.

    Every amount is first taken down to a whole cent; the cents that are missing go to the largest
    remainders, of equal ones to the first.
    """
    cents = [100 * amount for amount in amounts]
    total = round(sum(cents, Fraction(0)))
    down = [each.__floor__() for each in cents]
    # Rounding the total up or down leaves from 0 to len(amounts) cents to give.
    order = sorted(range(len(cents)), key=lambda k: (down[k] - cents[k], k))
    for k in order[: total - sum(down)]:
        down[k] += 1
    return total, down


def cost_of_margin(
    found: Attribution,
    requirement: Requirement,
    rate: float = 0.08,
    *,
    days: int = 1,
    basis: str | None = None,
    buffer: bool = True,
) -> Statement:
    """The bill of ``days`` days at a yearly ``rate`` of funding, one account in dollars.

    ``basis``: whose shares are billed, default Euler's, or those along the ray where size is
    charged. ``buffer`` False leaves what counts beyond the requirement out.

    Raises InputError ``number_out_of_range`` for a rate outside 0 to 10 or days below 1,
    ``option_unknown`` for a basis that has no figures and ``unit_wrong`` for one pool's own money.
    """
    chosen = basis or ("euler" if found.scales else "ray")
    _check(found, rate, days, chosen)
    lines: list[tuple[str, tuple[str, ...], Fraction]] = []
    shares = _shares(found, chosen)
    for path, share in zip(found.groups.paths, shares, strict=True):
        lines.append(("positions", path, Fraction(share)))
    orders = found.orders
    for path, share in zip(orders.paths, orders.shares.values.tolist(), strict=True):
        lines.append(("orders", path, Fraction(share)))
    if orders.holds:
        lines.append(("holds", ("holds of the venue",), Fraction(orders.holds)))
    whole = Fraction(found.whole)
    # What no group moves, and the rounding of all sums above: the lines are the requirement.
    rest = whole - sum((each[2] for each in lines), Fraction(0))
    lines.append(("fixed", ("fixed",), rest))
    idle = idle_buffer_usd(requirement, found.level) if buffer else None
    if idle is not None:
        lines.append(("buffer", ("idle buffer",), Fraction(idle)))
    factor = Fraction(str(rate)) * days / DAYS_A_YEAR
    total, cents = in_cents([amount * factor for _, _, amount in lines])
    return Statement(
        basis=chosen,
        rate=rate,
        days=days,
        required_usd=found.whole,
        buffer_usd=idle,
        total_cents=total,
        lines=tuple(
            CostLine(kind, path, float(amount), own)
            for (kind, path, amount), own in zip(lines, cents, strict=True)
        ),
    )


def _shares(found: Attribution, basis: str) -> list[float]:
    if basis == "shapley" and found.shapley is not None:
        return list(found.shapley.values.tolist())
    if basis == "ray" and found.ray is not None:
        return list(found.ray.tolist())
    return list(found.euler.tolist())


def _check(found: Attribution, rate: float, days: int, basis: str) -> None:
    if not 0.0 <= rate <= RATE_MAX or not 1 <= days <= 3660:
        raise InputError(
            "number_out_of_range",
            "a bill is of a yearly funding rate and some days",
            place="--rate, --days",
            value=f"{rate}, {days}",
            limit=f"rate 0 to {RATE_MAX:g} (0.08 is 8 % a year), days 1 to 3660",
            remedy="Give the rate as a fraction a year.",
        )
    if found.unit != "USD":
        raise InputError(
            "unit_wrong",
            "a bill is in dollars",
            value=found.unit,
            limit="the whole account",
            remedy="Leave the pool out.",
        )
    has = {"euler": True, "ray": True, "shapley": found.shapley is not None}
    if not has.get(basis, False):
        reasons = dict(found.refused)
        raise InputError(
            "option_unknown",
            f"there are no shares to bill by {basis}",
            place="basis",
            value=reasons.get("parts", basis),
            limit=", ".join(name for name, there in has.items() if there),
            remedy="Choose one of those.",
        )
