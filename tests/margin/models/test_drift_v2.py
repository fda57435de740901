"""Drift v2 through the model: whole accounts by hand, in dollars to the last unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import subject_of, view_of
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Bound, Requirement, model_named, run
from crossmargin.margin.model import Extent
from crossmargin.margin.models.drift_v2 import DriftV2
from crossmargin.margin.parameter_files import available, overlay

MODEL = DriftV2()
SET = overlay(
    subject_of(MODEL).parameters,
    {
        **{f"perp.BTC.{name}": 0 for name in ("imf_factor", "unrealized_pnl_imf_factor")},
        **{f"spot.BTC.{name}": 0 for name in ("imf_factor", "scale_initial_asset_weight_start")},
    },
    "no size, no scaling",
)
NAMES = ("USDC", "BTC", "BTC-PERP")


def margined(
    held: dict[str, tuple[float, float | None]],
    orders: tuple[tuple[str, float, float], ...] = (),
    usdc: float = 1.0,
    twap: float | None = None,
    **choices: float,
) -> Requirement:
    items = Instruments.of(parse("drift", name) for name in NAMES)
    place = items.index_of()
    lines = [Line("a", place["drift", name], q, p) for name, (q, p) in held.items()]
    resting = [Order("a", place["drift", n], 1 if q > 0 else -1, abs(q), p) for n, q, p in orders]
    book = Book.of(items, lines, resting)
    book = replace(book, choices={name: np.array([x]) for name, x in choices.items()})
    view = view_of(items.items).view
    names = view.instruments.names
    usd = np.array([{"USDC": usdc, "BTC": 50_000.0}.get(name, 1.0) for name in names])
    index = np.array([50_000.0 if pair[0] == "BTC" else usdc for pair in view.instruments.pairs])
    mark = np.where(view.mark > 0.0, 50_000.0, 0.0)
    reads = {} if twap is None else {"usd_twap_5min": {"USDC": twap, "BTC": 50_000.0}}
    return run(book, replace(view, usd=usd, index=index, mark=mark, reads=reads), MODEL, SET)


def figures(found: Requirement) -> tuple[float, ...]:
    return tuple(float(found.sheet[n][0]) for n in ("counted_im", "im", "counted_mm", "mm"))


def test_a_perpetual_beside_cash() -> None:
    """2 coins at 50,000 from 45,000: 10 % and 5 %; of 10,000 profit 100 count at first."""
    found = margined({"USDC": (20_000.0, None), "BTC-PERP": (2.0, 45_000.0)})
    assert figures(found) == (20_100.0, 10_000.0, 30_000.0, 5_000.0)
    assert found.sheet["equity"][0] == 30_000.0
    assert found.sheet["surplus_im"][0] == 10_100.0


def test_a_loss_counts_in_full() -> None:
    found = margined({"USDC": (20_000.0, None), "BTC-PERP": (-2.0, 45_000.0)})
    assert figures(found) == (10_000.0, 10_000.0, 10_000.0, 5_000.0)


def test_tokens_by_weight_and_borrows_by_theirs() -> None:
    held = margined({"USDC": (-10_000.0, None), "BTC": (1.0, None)})
    assert figures(held) == (40_000.0, 10_000.0, 45_000.0, 10_000.0)
    owed = margined({"USDC": (100_000.0, None), "BTC": (-1.0, None)})
    assert figures(owed) == (100_000.0, 60_000.0, 100_000.0, 55_000.0)


def test_orders_count_at_both_levels_by_their_worse_side() -> None:
    """Long 1, bid 1, ask 5: four short are worse than two long, and a cent an order."""
    orders = (("BTC-PERP", 1.0, 49_000.0), ("BTC-PERP", -5.0, 51_000.0))
    found = margined({"USDC": (50_000.0, None), "BTC-PERP": (1.0, None)}, orders)
    assert found.sheet["im"][0] == 20_000.0 + 0.02
    assert found.sheet["mm"][0] == 10_000.0 + 0.02
    assert found.sheet["open_orders_margin"][0] == 0.02


def test_an_order_in_a_token() -> None:
    found = margined({"USDC": (60_000.0, None)}, (("BTC", 1.0, 50_000.0),))
    assert found.sheet["counted_im"][0] == 60_000.0 + 40_000.0
    assert found.sheet["im"][0] == 50_000.0 + 0.01


def test_the_initial_level_is_strict() -> None:
    """USDC at 1.01, average 1.05: the liability at 1.05, the balance at 1.01."""
    held = {"USDC": (100.0, None), "BTC-PERP": (0.01, None)}
    found = margined(held, usdc=1.01, twap=1.05)
    assert figures(found) == (101.0, 52.5, 101.0, 25.25)
    assert found.bound is Bound.VALUE
    unknown = margined(held, usdc=1.01)
    assert unknown.bound is Bound.AT_LEAST
    assert unknown.sheet["im"][0] == 50.5


def test_what_the_holder_chose() -> None:
    held = {"USDC": (20_000.0, None), "BTC-PERP": (2.0, None)}
    assert figures(margined(held, max_margin_ratio=5_000.0))[1::2] == (50_000.0, 5_000.0)
    assert figures(margined(held, high_leverage_mode=1.0))[1::2] == (5_000.0, 2_500.0)


def test_without_the_venues_numbers_it_refuses() -> None:
    assert MODEL.spec.extent is Extent.REFUSED
    shipped = available("drift-v2")[0]
    for name in ("BTC-PERP", "BTC"):
        with pytest.raises(ModelError) as caught:
            MODEL.plan(Instruments.of([parse("drift", name)]), shipped)
        assert caught.value.code == "parameter_missing"
        assert "--params" in caught.value.remedy
    assert model_named("drift-v2").spec.orders_in_mm
