"""All promises in one list, and what runs them over a subject."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import checks, checks_orders, checks_rules
from tests.conformance.world import Subject

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


def broken(subject: Subject) -> list[str]:
    """Names of the promises that a subject does not keep."""
    found = []
    for check in CHECKS:
        try:
            check(subject)
        except Exception:  # noqa: BLE001 # a planted fault may break a promise by any error
            found.append(check.__name__)
    return found
