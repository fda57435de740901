"""Planted faults: each must turn the suite red, or the suite is not one."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from crossmargin.margin import equity, model_named, parameter_files
from crossmargin.margin.models import (
    deribit_pm,
    deribit_sm,
    derive_pm2,
    derive_pm2_scenarios,
    fixed_rate,
    paradex_pm,
)
from crossmargin.scenarios.risk_array import RiskArray
from tests.conformance import test_parameter_sets as sets
from tests.conformance.suite import broken
from tests.conformance.world import subject_of

Patch = pytest.MonkeyPatch


def red(name: str) -> list[str]:
    return broken(subject_of(model_named(name)))


@pytest.mark.parametrize("name", ["deribit-spm", "deribit-sm", "derive-pm2", "paradex-pm"])
def test_without_a_fault_nothing_is_red(name: str) -> None:
    assert red(name) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (deribit_pm, "deribit-spm"),
        (deribit_pm, "deribit-xpm"),
        (derive_pm2_scenarios, "derive-pm2"),
        (paradex_pm, "paradex-pm"),
    ],
)
def test_sign_of_the_vol_shock(monkeypatch: Patch, module: Any, name: str) -> None:
    right = module.power_scale
    monkeypatch.setattr(module, "power_scale", lambda *given: -right(*given))
    assert "scenarios_mean_what_they_say" in red(name)


@pytest.mark.parametrize(
    ("module", "name"),
    [(deribit_pm, "deribit-spm"), (derive_pm2, "derive-pm2"), (paradex_pm, "paradex-pm")],
)
def test_scenarios_off_by_one(monkeypatch: Patch, module: Any, name: str) -> None:
    right = module.price

    def shifted(*given: Any) -> RiskArray:
        risk = right(*given)
        return replace(risk, pnl=np.roll(risk.pnl, 1, axis=1))

    monkeypatch.setattr(module, "price", shifted)
    found = red(name)
    assert "scenarios_mean_what_they_say" in found


@pytest.mark.parametrize(
    ("module", "kernel", "name"),
    [
        (deribit_pm, "fold_worst", "deribit-spm"),
        (derive_pm2, "fold_worst", "derive-pm2"),
        (paradex_pm, "worst", "paradex-pm"),
    ],
)
def test_binding_scenario_off_by_one(
    monkeypatch: Patch, module: Any, kernel: str, name: str
) -> None:
    right = getattr(module, kernel)

    def shifted(*given: Any, **more: Any) -> Any:
        found = right(*given, **more)
        return found._replace(scenario=np.maximum(found.scenario - 1, 0))

    monkeypatch.setattr(module, kernel, shifted)
    assert "scenarios_mean_what_they_say" in red(name)


def test_haircut_on_the_wrong_side(monkeypatch: Patch) -> None:
    right = deribit_pm._haircut
    monkeypatch.setattr(deribit_pm, "_haircut", lambda *given: -right(*given))
    assert "haircut_lowers_the_initial_side" in red("deribit-xpm")


def test_a_date_compared_without_equality(monkeypatch: Patch) -> None:
    """``effective < as_of`` where the rule is ``<=``."""
    right = parameter_files.select
    monkeypatch.setattr(parameter_files, "select", lambda sets, when: right(sets, when - 1))
    model = model_named("paradex-pm")
    with pytest.raises(AssertionError):
        sets.test_a_set_is_in_force_from_its_own_moment(model, subject_of(model).parameters)


def test_a_bound_that_is_not_checked(monkeypatch: Patch) -> None:
    monkeypatch.setattr(parameter_files.Entry, "checked", lambda self, value, place: value)
    with pytest.raises(pytest.fail.Exception):
        sets.test_numbers_beyond_a_bound_do_not_load(model_named("fixed-rate"))


@pytest.mark.parametrize(
    ("module", "name"), [(deribit_sm, "deribit-sm"), (fixed_rate, "fixed-rate")]
)
def test_missing_sign_on_shorts(monkeypatch: Patch, module: Any, name: str) -> None:
    right = module.row_sums

    def unsigned(*given: Any, **more: Any) -> Any:
        found = right(*given, **more)
        return found._replace(short=-found.short)

    monkeypatch.setattr(module, "row_sums", unsigned)
    assert "sane_numbers" in red(name)


def test_a_charge_that_reads_its_neighbour(monkeypatch: Patch) -> None:
    right = deribit_pm._roll_shock
    monkeypatch.setattr(
        deribit_pm, "_roll_shock", lambda priced, held: np.cumsum(right(priced, held))
    )
    found = red("deribit-spm")
    assert {"neighbours", "own_table", "failed_account"} <= set(found)


def test_a_base_that_is_the_mark_and_not_the_model(monkeypatch: Patch) -> None:
    """Then the zero shock is the residual between mark and model."""
    right = deribit_pm.price

    def from_mark(*given: Any) -> RiskArray:
        risk = right(*given)
        return replace(risk, pnl=risk.pnl + 1e-9 * (risk.value[:, None] != 0.0))

    monkeypatch.setattr(deribit_pm, "price", from_mark)
    assert "zero_shock" in red("deribit-spm")


def test_an_account_that_cannot_be_priced_is_kept(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        import_module("crossmargin.margin.run"), "_without_failures", lambda book, view: (book, ())
    )
    assert "failed_account" in red("paradex-pm")


def test_a_charge_that_grows_slower_than_the_book(monkeypatch: Patch) -> None:
    right = fixed_rate.row_sums

    def damped(*given: Any, **more: Any) -> Any:
        found = right(*given, **more)
        return found._replace(short=-np.sqrt(-found.short))

    monkeypatch.setattr(fixed_rate, "row_sums", damped)
    assert "scale_law" in red("fixed-rate")


def test_a_leaf_without_a_declared_rule(monkeypatch: Patch) -> None:
    model = model_named("paradex-pm")
    fewer = replace(model.spec, rules=tuple(r for r in model.spec.rules if r.name != "scan"))
    monkeypatch.setattr(type(model), "spec", fewer)
    assert "rules_are_declared" in broken(subject_of(model))


def test_equity_counted_twice(monkeypatch: Patch) -> None:
    right = equity.equity_of

    def doubled(*given: Any) -> Any:
        found = right(*given)
        return replace(found, unrealised=found.unrealised + found.cash)

    monkeypatch.setattr(deribit_sm, "equity_of", doubled)
    assert "balances_count_once" in red("deribit-sm")


def test_a_sum_that_skips_a_child(monkeypatch: Patch) -> None:
    from crossmargin.margin.sheet import Column, SheetBuilder

    def short(self: SheetBuilder, name: str, *parts: str) -> str:
        return self._add(Column(name, "sum", parts), self[parts[0]] + 0.0)

    monkeypatch.setattr(SheetBuilder, "sum", short)
    assert "tree_adds_up" in red("derive-pm2")
