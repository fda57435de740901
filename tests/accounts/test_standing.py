from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.agreement import Status, agreement_for
from crossmargin.accounts.standing import judge
from crossmargin.core.errors import InputError
from crossmargin.margin.totals import account_totals
from tests.accounts.books import requirement, rows


@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm", "okx-pm", "derive-pm2", "tims"])
def test_the_figures_are_those_of_the_sheet(model: str) -> None:
    found = requirement("market-maker", model)
    agreement = agreement_for(found.model, found.view.as_of_ms)
    standing = judge(found, agreement)
    sheet = found.sheet
    for row in range(len(sheet)):
        counted, im = float(sheet["counted_im"][row]), float(sheet["im"][row])
        assert standing.surplus_im[row] == counted - im
        noncash = counted - float(sheet["cash"][row])
        assert standing.cash_to_hold_im[row] == im - noncash
        if counted > 0.0:
            assert standing.usage[row] == im / counted
    totals = account_totals(found)
    if model in ("deribit-xpm", "tims"):
        left = float(totals.counted_im_usd[0] - totals.im_usd[0])
        assert standing.account_surplus_im_usd[0] == pytest.approx(left, abs=1e-6)
    assert standing.verdict(0).startswith("ok")


def test_pools_that_stand_apart_are_judged_by_the_gravest() -> None:
    found = requirement("market-maker", "deribit-sm")
    standing = judge(found, agreement_for(found.model, found.view.as_of_ms))
    assert standing.status.tolist() == [Status.LIQUIDATION, Status.OK, Status.OK]
    assert standing.account_status[0] == Status.LIQUIDATION
    assert "short of maintenance margin" in standing.verdict(0)
    # Its total in dollars is no worse than the pool: other pools do not help it.
    assert standing.account_surplus_mm_usd[0] < 0.0


def test_pools_of_one_balance_have_no_status_of_their_own() -> None:
    found = requirement("market-maker", "okx-pm")
    standing = judge(found, agreement_for(found.model, found.view.as_of_ms))
    assert set(standing.status.tolist()) == {Status.UNKNOWN}
    assert standing.account_status[0] == Status.OK


def test_an_account_without_cash_is_not_judged() -> None:
    book = rows(("position", "BTC-PERPETUAL", 10_000.0, None))
    found = xm.margin(book, "sample:market", "deribit-spm").requirement
    standing = judge(found, agreement_for(found.model, found.view.as_of_ms))
    assert standing.account_status[0] == Status.UNKNOWN
    assert "cannot be judged" in standing.verdict(0)
    assert math.isinf(standing.account_usage[0])


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, Status.LIQUIDATION),
        (np.nextafter(1.0, 2.0), Status.CALL),
        (0.999, Status.LIQUIDATION),
    ],
)
def test_maintenance_at_the_boundary_of_a_real_sheet(share: float, expected: Status) -> None:
    found = requirement()
    sheet = found.sheet
    counted = np.array([float(sheet["mm"][0]) * share])
    values = tuple(
        counted if column.name in ("counted_im", "counted_mm") else value
        for column, value in zip(sheet.columns, sheet.values, strict=True)
    )
    moved = replace(found, sheet=replace(sheet, values=values))
    standing = judge(moved, agreement_for(found.model, found.view.as_of_ms))
    assert standing.account_status[0] == expected


def test_an_agreement_is_on_one_model() -> None:
    found = requirement()
    other = agreement_for(requirement(model="tims").model, found.view.as_of_ms)
    with pytest.raises(InputError):
        judge(found, other)
