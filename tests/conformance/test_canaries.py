"""Planted faults: each must turn the suite red, or the suite is not one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from crossmargin.conformance import checks_parameters
from crossmargin.conformance.suite import broken
from crossmargin.conformance.world import subject_of
from crossmargin.margin import ALL_MODELS, model_named, parameter_files
from crossmargin.margin.sheet import Column, SheetBuilder

Patch = pytest.MonkeyPatch
Call = Callable[..., Any]
MODELS = "crossmargin.margin.models"
FAMILIES = "crossmargin.margin.families"


def red(name: str) -> list[str]:
    return broken(subject_of(model_named(name)))


def plant(patch: Patch, family: str, function: str, fault: Callable[[Call], Call]) -> None:
    """Put ``fault(function)`` in the place of a function, in every module of a model and family."""
    right = None
    places = f"{MODELS}.{family}", f"{FAMILIES}.{family.partition('_')[0]}"
    assert len(tuple(ALL_MODELS)) == len(ALL_MODELS)  # every member's module is there
    for name, module in sorted(sys.modules.items()):
        if name.startswith(places) and hasattr(module, function):
            right = right or getattr(module, function)
            patch.setattr(module, function, fault(right))
    assert right is not None, f"{family} has no {function}"


def after(change: Callable[[Any], Any]) -> Callable[[Call], Call]:
    """A fault that spoils the result."""
    return lambda right: lambda *given, **more: change(right(*given, **more))


@pytest.mark.parametrize("name", ["deribit-spm", "deribit-sm", "derive-pm2", "paradex-pm"])
def test_without_a_fault_nothing_is_red(name: str) -> None:
    assert red(name) == []


SCANS = [
    ("deribit_pm", "deribit-spm"),
    ("deribit_pm", "deribit-xpm"),
    ("derive_pm2", "derive-pm2"),
    ("paradex_pm", "paradex-pm"),
]


@pytest.mark.parametrize(("family", "name"), SCANS)
def test_sign_of_the_vol_shock(monkeypatch: Patch, family: str, name: str) -> None:
    plant(monkeypatch, family, "power_scale", after(lambda scale: -scale))
    assert "scenarios_mean_what_they_say" in red(name)


@pytest.mark.parametrize(("family", "name"), SCANS)
def test_scenarios_off_by_one(monkeypatch: Patch, family: str, name: str) -> None:
    shifted = after(lambda risk: replace(risk, pnl=np.roll(risk.pnl, 1, axis=1)))
    plant(monkeypatch, family, "price", shifted)
    assert "scenarios_mean_what_they_say" in red(name)


@pytest.mark.parametrize(
    ("family", "kernel", "name"),
    [
        ("deribit_pm", "fold_worst", "deribit-spm"),
        ("derive_pm2", "fold_worst", "derive-pm2"),
        ("paradex_pm", "worst", "paradex-pm"),
    ],
)
def test_binding_scenario_off_by_one(
    monkeypatch: Patch, family: str, kernel: str, name: str
) -> None:
    shifted = after(lambda w: w._replace(scenario=np.maximum(w.scenario - 1, 0)))
    plant(monkeypatch, family, kernel, shifted)
    assert "scenarios_mean_what_they_say" in red(name)


def test_haircut_on_the_wrong_side(monkeypatch: Patch) -> None:
    plant(monkeypatch, "deribit_pm", "haircut", after(lambda amount: -amount))
    assert "haircut_lowers_the_initial_side" in red("deribit-xpm")


def test_a_date_compared_without_equality(monkeypatch: Patch) -> None:
    """``effective < as_of`` where the rule is ``<=``."""
    right = parameter_files.select
    monkeypatch.setattr(
        parameter_files, "select", lambda found, when, account: right(found, when - 1, account)
    )
    subject = subject_of(model_named("paradex-pm"))
    with pytest.raises(AssertionError):
        checks_parameters.sets_are_in_force_from_their_own_moment(subject)


def test_a_bound_that_is_not_checked(monkeypatch: Patch) -> None:
    monkeypatch.setattr(parameter_files.Entry, "checked", lambda self, value, place: value)
    with pytest.raises(AssertionError):
        checks_parameters.numbers_beyond_a_bound_do_not_load(subject_of(model_named("fixed-rate")))


@pytest.mark.parametrize(
    ("family", "name"), [("deribit_sm", "deribit-sm"), ("fixed_rate", "fixed-rate")]
)
def test_missing_sign_on_shorts(monkeypatch: Patch, family: str, name: str) -> None:
    plant(monkeypatch, family, "row_sums", after(lambda s: s._replace(short=-s.short)))
    assert "sane_numbers" in red(name)


def test_a_charge_that_reads_its_neighbour(monkeypatch: Patch) -> None:
    plant(monkeypatch, "deribit_pm", "roll_shock", after(np.cumsum))
    assert {"neighbours", "own_table", "failed_account"} <= set(red("deribit-spm"))


def test_a_base_that_is_the_mark_and_not_the_model(monkeypatch: Patch) -> None:
    """Then the zero shock is the residual between mark and model."""

    def from_mark(risk: Any) -> Any:
        return replace(risk, pnl=risk.pnl + 1e-9 * (risk.value[:, None] != 0.0))

    plant(monkeypatch, "deribit_pm", "price", after(from_mark))
    assert "zero_shock" in red("deribit-spm")


def test_an_account_that_cannot_be_priced_is_kept(monkeypatch: Patch) -> None:
    driver = import_module("crossmargin.margin.run")
    monkeypatch.setattr(driver, "_without_failures", lambda book, view: (book, ()))
    assert "failed_account" in red("paradex-pm")


def test_a_refused_account_that_takes_its_neighbours_along(monkeypatch: Patch) -> None:
    driver = import_module("crossmargin.margin.run")
    monkeypatch.setattr(driver, "without_refused", lambda model, plan, priced, book: (book, ()))
    assert red("derive-pm2") == ["refused_account"]


def test_a_refusal_that_names_a_neighbour(monkeypatch: Patch) -> None:
    model = type(model_named("derive-pm2"))
    right = model.refusals  # type: ignore[attr-defined] # the optional part of the protocol

    def shifted(self: Any, priced: Any, held: Any) -> Any:
        found = right(self, priced, held)
        return tuple(replace(each, row=max(each.row - 1, 0)) for each in found)

    monkeypatch.setattr(model, "refusals", shifted)
    assert "refused_account" in red("derive-pm2")


def test_a_charge_that_grows_slower_than_the_book(monkeypatch: Patch) -> None:
    damped = after(lambda found: found._replace(short=-np.sqrt(-found.short)))
    plant(monkeypatch, "fixed_rate", "row_sums", damped)
    assert "scale_law" in red("fixed-rate")


def test_a_leaf_without_a_declared_rule(monkeypatch: Patch) -> None:
    model = model_named("paradex-pm")
    fewer = replace(model.spec, rules=tuple(r for r in model.spec.rules if r.name != "scan"))
    monkeypatch.setattr(type(model), "spec", fewer)
    assert "rules_are_declared" in broken(subject_of(model))


def test_equity_counted_twice(monkeypatch: Patch) -> None:
    doubled = after(lambda e: replace(e, unrealised=e.unrealised + e.cash))
    plant(monkeypatch, "deribit_sm", "equity_of", doubled)
    assert "balances_count_once" in red("deribit-sm")


def test_a_long_leg_that_protects_nothing(monkeypatch: Patch) -> None:
    """Gains of long options left out: a spread then loses more than its width."""

    def deaf(risk: Any) -> Any:
        return replace(risk, pnl=np.where(risk.value[:, None] < 3e3, 0.0, 3.0 * risk.pnl))

    plant(monkeypatch, "derive_pm2", "price", after(deaf))
    assert "spread_within_width" in red("derive-pm2")


def test_an_expansion_is_asked_for_the_revaluation_beside_it(monkeypatch: Patch) -> None:
    """A spread that loses more than its width in full is found, though its vector may."""

    def deaf(risk: Any) -> Any:
        return replace(risk, pnl=np.where(risk.value[:, None] < 3e3, 0.0, 3.0 * risk.pnl))

    plant(monkeypatch, "greeks", "dollar_risk", after(deaf))
    assert "spread_within_width" in red("greeks")


def test_a_sum_that_skips_a_child(monkeypatch: Patch) -> None:
    def short(self: SheetBuilder, name: str, *parts: str) -> str:
        return self._add(Column(name, "sum", parts), self[parts[0]] + 0.0)

    monkeypatch.setattr(SheetBuilder, "sum", short)
    assert "tree_adds_up" in red("derive-pm2")


@pytest.mark.parametrize(
    ("family", "name"),
    [("derive_pm2", "derive-pm2"), ("paradex_pm", "paradex-pm"), ("fixed_rate", "fixed-rate")],
)
def test_orders_that_cost_nothing(monkeypatch: Patch, family: str, name: str) -> None:
    plant(monkeypatch, family, "order_margin", after(lambda margin: margin * 0.0))
    found = red(name)
    assert {"orders_cost_or_cost_nothing", "worst_fill_is_an_upper_bound"} <= set(found)
