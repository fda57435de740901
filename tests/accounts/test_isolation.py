from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.accounts.isolation import isolation_of
from tests.accounts.books import requirement, rows


@pytest.mark.parametrize("book", ["retail-short-vol", "market-maker", "inverse-perp-basis"])
@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-spm", "okx-pm", "tims", "reg-t"])
def test_the_steps_add_up(book: str, model: str) -> None:
    found = requirement(book, model)
    steps = isolation_of(found)
    cross = sum(
        float(found.sheet["im"][r]) * found.priced[int(found.sheet.pool[r])].usd_per_unit
        for r in range(len(found.sheet))
    )
    assert steps.cross_usd == pytest.approx(cross, rel=1e-12)
    total = steps.alone_usd - steps.saving_usd + steps.orders_usd
    assert total == pytest.approx(steps.cross_usd, rel=1e-12)
    left = steps.alone_usd
    for credit in steps.credits:
        left -= credit.credit_usd
        assert left == pytest.approx(credit.after_usd, rel=1e-9, abs=1e-6)
    if book != "market-maker":
        assert steps.orders_usd == pytest.approx(0.0, abs=1e-6)


def test_lines_alone_are_accounts_alone() -> None:
    book = rows(
        ("position", "BTC-PERPETUAL", 10_000.0, None),
        ("position", "BTC-25SEP26", -20_000.0, None),
        ("position", "BTC-28AUG26-70000-C", -1.0, None),
    )
    whole = xm.margin(book, "sample:market", "deribit-spm")
    alone = sum(xm.margin([row], "sample:market", "deribit-spm").im_usd for row in book)
    steps = isolation_of(whole.requirement)
    assert steps.alone_usd == pytest.approx(alone, rel=1e-12)
    assert steps.cross_usd == pytest.approx(whole.im_usd, rel=1e-12)
    assert steps.lines == 3
    named = {credit.name: credit.credit_usd for credit in steps.credits}
    assert named["netting between legs"] > 0.0
    assert named["vega offset between expiries"] == 0.0
    assert named["correlation between coins"] == 0.0


def test_a_calendar_of_options_is_a_vega_offset() -> None:
    book = rows(
        ("position", "BTC-28AUG26-70000-C", 1.0, None),
        ("position", "BTC-31JUL26-70000-C", -1.0, None),
    )
    steps = isolation_of(xm.margin(book, "sample:market", "deribit-spm").requirement)
    named = {credit.name: credit.credit_usd for credit in steps.credits}
    assert named["netting between legs"] == 0.0
    assert named["vega offset between expiries"] > 0.0


def test_the_warning_counts_the_paths() -> None:
    crossed = isolation_of(requirement("inverse-perp-basis", "deribit-xpm"))
    assert "one liquidation path of 8" in crossed.warning()
    apart = isolation_of(requirement("inverse-perp-basis", "deribit-spm"))
    assert "2 liquidation paths of 6" in apart.warning()
