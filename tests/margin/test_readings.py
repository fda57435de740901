from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import (
    answering,
    one_account,
    random_book,
    subject_of,
    world_of,
)
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS, Fidelity, Requirement, model_named, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.readings import fidelity_shares, interval, kind_mix
from crossmargin.margin.totals import account_totals


def answer(model: str, held: dict[str, float]) -> Requirement:
    subject = subject_of(model_named(model))
    book, world = one_account(subject, held)
    return margined(subject, book, world)


@pytest.mark.parametrize("model", answering(ALL_MODELS), ids=lambda model: model.spec.name)
def test_the_interval_is_every_combination_with_the_default_first(model: object) -> None:
    subject = subject_of(model)  # type: ignore[arg-type] # a registered model
    book, view = random_book(subject, 41, 10), world_of(subject).view
    found = interval(book, view, subject.model, subject.parameters)
    choices = subject.model.spec.readings
    assert len(found) == int(np.prod([len(values) for values in choices.values()], initial=1.0))
    assert found[0].choices == {name: values[0] for name, values in choices.items()}
    default = account_totals(margined(subject, book))
    assert found[0].im_usd.tolist() == default.im_usd.tolist()
    for reading in found:
        changed = overlay(subject.parameters, reading.choices, "test")
        totals = account_totals(run(book, view, subject.model, changed))
        assert reading.im_usd.tolist() == totals.im_usd.tolist()
        assert reading.mm_usd.tolist() == totals.mm_usd.tolist()


@pytest.mark.parametrize("model", answering(ALL_MODELS), ids=lambda model: model.spec.name)
def test_shares_add_up(model: object) -> None:
    subject = subject_of(model)  # type: ignore[arg-type] # a registered model
    shares = fidelity_shares(margined(subject, random_book(subject, 42, 10)))
    assert set(shares) == set(Fidelity)
    assert sum(shares.values()) == pytest.approx(1.0, rel=1e-12)
    assert min(shares.values()) >= 0.0


def test_an_account_that_needs_nothing_rests_on_nothing_doubtful() -> None:
    shares = fidelity_shares(answer("deribit-spm", {"BTC": 1.0}))
    assert shares[Fidelity.EXACT] == 1.0


def test_futures_under_portfolio_margin_are_exact_and_options_inferred() -> None:
    future = fidelity_shares(answer("deribit-spm", {"BTC_BTC-PERPETUAL": 64_000.0}))
    assert future[Fidelity.EXACT] == pytest.approx(1.0)
    option = fidelity_shares(answer("deribit-spm", {"BTC_BTC-30-64000-C": -1.0}))
    assert option[Fidelity.INFERRED] == pytest.approx(1.0)


def test_a_mixed_book_is_split_by_what_its_kinds_lose() -> None:
    """Under a scan the mix is of the gross loss in the binding scenario."""
    found = answer("paradex-pm", {"BTC_USDC-PERPETUAL": 1.0, "BTC_USDC-30-64000-C": -1.0})
    row = int(np.flatnonzero(found.scenario >= 0)[0])
    mix = kind_mix(found)[row]
    assert {Kind(int(k)) for k in np.flatnonzero(mix)} == {Kind.PERPETUAL, Kind.OPTION}
    assert mix.sum() == pytest.approx(1.0)


def test_a_rule_on_futures_is_not_weighed_by_cash_or_options() -> None:
    """Standard margin's rule for futures is inferred, whatever else stands in the account."""
    alone = fidelity_shares(answer("deribit-sm", {"BTC_USDC-PERPETUAL": 2.0}))
    assert alone[Fidelity.INFERRED] == pytest.approx(1.0)
    rich = {"BTC_USDC-PERPETUAL": 2.0, "USDC": 250_000.0, "BTC_USDC-30-64000-C": 5.0}
    assert fidelity_shares(answer("deribit-sm", rich))[Fidelity.INFERRED] == pytest.approx(1.0)


def test_the_arm_of_a_maximum_that_binds_is_the_one_that_counts() -> None:
    """Paradex: at the money and hedged the scan is the larger; its least charge is not counted."""
    found = answer("paradex-pm", {"BTC_USDC-PERPETUAL": 1.0})
    shares = fidelity_shares(found)
    scan, fee = (float(found.sheet[name].sum()) for name in ("scan_risk", "fee_provision"))
    funding = float(found.sheet["funding_provision"].sum())
    assert funding > 0.0
    total = scan + fee + funding
    assert shares[Fidelity.INFERRED] == pytest.approx(fee / total, rel=1e-12)
    assert shares[Fidelity.STATED] == pytest.approx((scan + funding) / total, rel=1e-12)


def test_a_leaf_weighs_what_reaches_the_total() -> None:
    """Maintenance counts half of the scan and all of the fee."""
    found = answer("paradex-pm", {"BTC_USDC-PERPETUAL": 1.0})
    scan, fee, funding = (
        float(found.sheet[name].sum())
        for name in ("scan_risk", "fee_provision", "funding_provision")
    )
    shares = fidelity_shares(found, "mm")
    assert shares[Fidelity.INFERRED] == pytest.approx(fee / (0.5 * scan + fee + funding), rel=1e-12)
