"""All promises in one list, and what runs them over a subject."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from crossmargin.conformance import (
    checks,
    checks_orders,
    checks_parameters,
    checks_refusal,
    checks_rules,
)
from crossmargin.conformance.world import Subject
from crossmargin.core.errors import ModelError

__all__ = [
    "CHECKS",
    "PARAMETER_CHECKS",
    "REFUSAL_CHECKS",
    "Check",
    "Promise",
    "broken",
    "judge",
    "promises_of",
]

Check = Callable[[Subject], None]

CHECKS: tuple[Check, ...] = (
    checks.table_has_every_kind,
    checks.empty_book,
    checks.order_and_lots,
    checks.neighbours,
    checks.own_table,
    checks.failed_account,
    checks.refused_account,
    checks.sane_numbers,
    checks.hard_numbers,
    checks.offsetting_lots,
    checks.scale_law,
    checks_orders.orders_are_local,
    checks_orders.orders_cost_or_cost_nothing,
    checks_orders.worst_fill_is_an_upper_bound,
    checks_rules.zero_shock,
    checks_rules.scenarios_mean_what_they_say,
    checks_rules.spread_within_width,
    checks_rules.tree_adds_up,
    checks_rules.rules_are_declared,
    checks_rules.bound_is_declared,
    checks_rules.strangers_are_refused,
    checks_rules.balances_count_once,
    checks_rules.haircut_lowers_the_initial_side,
)


# Of the parameter files, which a stub under test may not have.
PARAMETER_CHECKS: tuple[Check, ...] = (
    checks_parameters.every_number_has_unit_source_and_bounds,
    checks_parameters.sets_are_in_force_from_their_own_moment,
    checks_parameters.parameters_of_an_unknown_time_carry_a_verdict,
    checks_parameters.every_set_margins_a_book,
    checks_parameters.every_reading_is_a_choice,
    checks_parameters.both_ends_of_every_bound_compute,
    checks_parameters.numbers_beyond_a_bound_do_not_load,
)

# Of a model whose formula is not known, in the place of all others.
REFUSAL_CHECKS: tuple[Check, ...] = (
    checks_refusal.what_is_missing_is_declared,
    checks_refusal.every_book_is_refused,
    checks_rules.strangers_are_refused,
    checks_parameters.every_number_has_unit_source_and_bounds,
    checks_parameters.sets_are_in_force_from_their_own_moment,
    checks_parameters.parameters_of_an_unknown_time_carry_a_verdict,
    checks_parameters.numbers_beyond_a_bound_do_not_load,
)


def promises_of(subject: Subject) -> tuple[Check, ...]:
    """What is asked of a registered model: all promises, or those of a model without a formula."""
    if subject.model.spec.formula_unknown:
        return REFUSAL_CHECKS
    return (*CHECKS, *PARAMETER_CHECKS)


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and whether a subject keeps it: ``fault`` is empty, or what was found."""

    name: str
    text: str
    fault: str

    @property
    def kept(self) -> bool:
        """Whether nothing was found."""
        return not self.fault


def judge(subject: Subject, checks_: tuple[Check, ...] = CHECKS) -> tuple[Promise, ...]:
    """Every promise over a subject, in the order of the suite.

    A promise is broken by any exception: an assertion, or an error of the model itself. Raises
    ModelError ``rules_unknown`` under ``python -O``, which removes the assertions.
    """
    if not __debug__:
        raise ModelError(
            "rules_unknown",
            "python -O removes the assertions that the promises are made of",
            remedy="Run it without -O and with PYTHONOPTIMIZE unset.",
        )
    return tuple(_tried(check, subject) for check in checks_)


def _tried(check: Check, subject: Subject) -> Promise:
    text = (check.__doc__ or "").strip().split("\n\n")[0]
    text = " ".join(text.split())
    try:
        check(subject)
    except Exception as error:  # noqa: BLE001 # a fault may break a promise by any error
        return Promise(check.__name__, text, _words(error))
    return Promise(check.__name__, text, "")


def _words(error: Exception) -> str:
    """What was found, on one line, and where: the assertion's own line of source."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())[:240]
    line = f"{where.name}: {where.line}"
    return f"{line} ({said})" if said else line


def broken(subject: Subject) -> list[str]:
    """Names of the promises that a subject does not keep."""
    return [promise.name for promise in judge(subject) if not promise.kept]
