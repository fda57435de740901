"""Rolls over made chains by hand, and over the recorded chains of Deribit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.roll_history import Recorded, roll_puts

START = 1_770_000_000_000


def _chain(day: int, price: float, puts: list[tuple[int, float, float]]) -> Recorded:
    expiry, strike, ask = (np.array(column) for column in zip(*puts, strict=True))
    return Recorded(START + day * DAY_MS, price, START + expiry * DAY_MS, strike, ask)


def test_two_rolls_by_hand() -> None:
    found = roll_puts(
        [
            _chain(0, 100.0, [(30, 90.0, 2.0), (30, 95.0, 4.0), (60, 90.0, 5.0)]),
            _chain(29, 100.0, [(60, 90.0, np.nan)]),
            _chain(30, 80.0, [(60, 80.0, np.nan), (60, 70.0, 3.0)]),
            _chain(60, 75.0, [(90, 60.0, 1.0)]),
        ],
        0.9,
        30.0,
    )
    assert [(r.strike, r.paid_usd, r.got_usd) for r in found.rolls] == [
        (90.0, 2.0, 10.0),
        (70.0, 3.0, 0.0),
    ]
    assert (found.paid_usd, found.got_usd, found.waited) == (5.0, 10.0, 0)
    assert found.years == pytest.approx(60 / 365)
    assert found.cost_per_year == pytest.approx((-8 / 100 + 3 / 80) * 365 / 60)


def test_what_is_not_quoted_waits() -> None:
    chains = [
        _chain(0, 100.0, [(30, 90.0, np.nan)]),
        _chain(1, 100.0, [(31, 90.0, 2.0)]),
        _chain(31, 100.0, [(61, 90.0, np.nan)]),
    ]
    found = roll_puts(chains, 0.9, 30.0)
    assert len(found.rolls) == 1
    assert found.waited == 2
    assert roll_puts(chains[:1] * 2, 0.9, 30.0).cost_per_year == 0.0


@pytest.mark.parametrize(("moneyness", "days"), [(0.0, 30.0), (0.9, 0.0), (float("nan"), 1.0)])
def test_bad_rolls(moneyness: float, days: float) -> None:
    chain = _chain(0, 100.0, [(30, 90.0, 2.0)])
    with pytest.raises(CrossMarginError):
        roll_puts([chain, chain], moneyness, days)
    with pytest.raises(CrossMarginError) as refused:
        roll_puts([chain], 0.9, 30.0)
    assert refused.value.code == "observations_too_few"


def test_eight_months_of_recorded_chains(market_dir: Path) -> None:
    """A put at 90 % rolled each month on BTC from December 2025: what it cost and what it paid."""
    from tests.decisions.recorded_chains import recorded_puts

    chains = recorded_puts(market_dir, "BTC")
    found = roll_puts(chains, 0.9, 30.0)
    assert len(found.rolls) >= 6
    assert sum(each.end_price < each.strike for each in found.rolls) >= 1  # February fell through
    for each in found.rolls:
        assert 0.45 * each.price < each.strike <= 0.9 * each.price * (1 + 1e-9)
        assert 0.0 < each.paid_usd < 0.2 * each.price
        assert each.got_usd == max(each.strike - each.end_price, 0.0)
    page = (Path(__file__).parents[2] / "docs" / "protection.md").read_text("utf-8")
    text = page.partition("<!-- rolls -->")[2]
    other = recorded_puts(market_dir, "ETH")
    for strike, days in ((0.8, 30), (0.9, 30), (0.9, 7)):
        both = [roll_puts(each, strike, float(days)) for each in (chains, other)]
        cells = [f"{len(r.rolls)} | {r.paid_usd:,.0f} | {r.got_usd:,.0f}" for r in both]
        assert f"| {100 * strike:.0f} % | {days} | {cells[0]} | {cells[1]} |" in text
