"""How much the initial margin hangs on each rule that is inferred: rival readings on one book.

The reference book is the conformance world's: 40 accounts of seed 1 on every contract that the
model takes. One switch is turned at a time, the others stay at their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.conformance.world import Subject, random_book, world_of
from crossmargin.core.arrays import Floats
from crossmargin.margin import Fidelity, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.totals import account_totals

__all__ = ["Sensitivity", "sensitivity", "unmeasured"]

SEED = 1


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The interval over the readings of one switch, as shares of IM under the default.

    ``low`` and ``high`` are of the sum over the accounts (0 is the default itself);
    ``largest`` is the largest change of one account, with its sign.
    """

    reading: str
    choices: tuple[str, ...]
    rules: tuple[str, ...]
    low_fraction: float
    high_fraction: float
    largest_fraction: float


def sensitivity(subject: Subject) -> tuple[Sensitivity, ...]:
    """One entry a switch, in the order of the declaration; none where no rule has rivals."""
    spec = subject.model.spec
    out = []
    for name, choices in spec.readings.items():
        default = _im_usd(subject)
        total = float(default.sum())
        sums, changes = [0.0], [0.0]
        for choice in choices[1:]:
            chosen = overlay(subject.parameters, {name: choice}, "reading")
            found = _im_usd(replace(subject, parameters=chosen))
            sums.append(float((found - default).sum()) / total if total > 0.0 else 0.0)
            held = default > 0.0
            share = (found[held] - default[held]) / default[held]
            if len(share):
                changes.append(float(share[int(np.argmax(np.abs(share)))]))
        rules = tuple(rule.name for rule in spec.rules if name in rule.readings)
        largest = max(changes, key=abs)
        out.append(Sensitivity(name, choices, rules, min(sums), max(sums), largest))
    return tuple(out)


def unmeasured(subject: Subject) -> tuple[str, ...]:
    """Rules that are inferred and of which no rival reading is known: their weight is unknown."""
    out = []
    for rule in subject.model.spec.rules:
        levels = {rule.known(kind) for kind in subject.model.spec.kinds}
        if Fidelity.INFERRED in levels and not rule.readings:
            out.append(rule.name)
    return tuple(out)


def _im_usd(subject: Subject) -> Floats:
    """[A] initial margin in dollars of the reference book."""
    view = world_of(subject).view
    found = run(random_book(subject, SEED), view, subject.model, subject.parameters)
    return account_totals(found).im_usd
