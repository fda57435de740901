"""One requirement under several regulators: each sees its own lines, and the largest is held.

A line names the regulators that it is in the scope of. Where no line of a netting set names any,
all lines are one set. Where some do, a line that names none is in no set. A regulator whose name
ends in ``-unseg`` (the SEC's unsegregated margin) forms a set beside the segregated ones:

    segregated = max over the other regulators     unsegregated = that set's requirement
    total      = max(segregated, unsegregated)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["UNSEGREGATED", "Regime", "WorstOf", "regimes_of", "worst_of"]

UNSEGREGATED = "-unseg"


@dataclass(frozen=True, slots=True)
class Regime:
    """The lines (by number) of one account that one regulator sees; "" where none is named."""

    account: str
    regulator: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WorstOf:
    """Requirement of one account over its regulators, in dollars; 0 where a part has none."""

    segregated_usd: float
    unsegregated_usd: float
    regulator: str  # whose requirement is the largest; the first of equals

    @property
    def total_usd(self) -> float:
        """The larger of both parts."""
        return max(self.segregated_usd, self.unsegregated_usd)


def regimes_of(lines: Iterable[tuple[str, Sequence[str]]]) -> tuple[Regime, ...]:
    """The sets of lines, given as (account, regulators): by account, then regulator, sorted."""
    held = list(lines)
    named: dict[str, set[str]] = {}
    for account, regulators in held:
        named.setdefault(account, set()).update(regulators)
    out = []
    for account in sorted(named):
        for regulator in sorted(named[account]) or [""]:
            mine = tuple(
                k
                for k, (owner, regulators) in enumerate(held)
                if owner == account and (not regulator or regulator in regulators)
            )
            out.append(Regime(account, regulator, mine))
    return tuple(out)


def worst_of(regimes: Sequence[Regime], im_usd: Sequence[float]) -> Mapping[str, WorstOf]:
    """The requirement of each account from that of each of its regimes, in the order given."""
    out: dict[str, WorstOf] = {}
    for regime, im in zip(regimes, im_usd, strict=True):
        known = out.get(regime.account)
        apart = regime.regulator.endswith(UNSEGREGATED)
        before = known or WorstOf(0.0, 0.0, regime.regulator)
        first = known is None or im > before.total_usd
        out[regime.account] = WorstOf(
            before.segregated_usd if apart else max(before.segregated_usd, im),
            max(before.unsegregated_usd, im) if apart else before.unsegregated_usd,
            regime.regulator if first else before.regulator,
        )
    return out
