from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.market.surface import Point, Surface, fit_points
from crossmargin.venues.market_import import import_market
from tests.market.markets import AS_OF_MS

RAW = (0.01, 0.08, -0.4, 0.02, 0.15)  # a, b, rho, m, sigma


def svi(k: float, raw: tuple[float, ...] = RAW) -> float:
    a, b, rho, m, sigma = raw
    return a + b * (rho * (k - m) + math.hypot(k - m, sigma))


def points(days: int, scale: float = 1.0, count: int = 21) -> list[Point]:
    ks = np.linspace(-0.5, 0.4, count).tolist()
    years = days / 365
    return [Point(AS_OF_MS + days * DAY_MS, k, math.sqrt(scale * svi(k) / years)) for k in ks]


def test_smile_that_is_svi_comes_back() -> None:
    surface = fit_points(points(30), AS_OF_MS)
    (smile,) = surface.slices
    assert smile.kind == "svi"
    assert smile.error_vol < 1e-5
    assert smile.parameters == pytest.approx(RAW, rel=2e-2, abs=2e-3)
    assert smile.butterfly > 0.0
    assert surface.free_of_arbitrage
    assert surface.vol(smile.expiry_ms, 0.1) == pytest.approx(
        math.sqrt(svi(0.1) * 365 / 30), rel=1e-4
    )


def test_same_points_same_bits_in_any_order() -> None:
    given = points(30) + points(90, 2.0)
    assert fit_points(given, AS_OF_MS) == fit_points(reversed(given), AS_OF_MS)


def test_total_variance_is_linear_between_expiries() -> None:
    surface = fit_points(points(30) + points(90, 2.0), AS_OF_MS)
    vol = surface.vol(AS_OF_MS + 60 * DAY_MS, 0.0)
    assert vol is not None
    assert vol * vol * 60 / 365 == pytest.approx(1.5 * svi(0.0), rel=1e-3)
    near, far = surface.vol(AS_OF_MS + 3 * DAY_MS, 0.0), surface.vol(AS_OF_MS + 300 * DAY_MS, 0.0)
    assert near == pytest.approx(math.sqrt(svi(0.0) * 365 / 30), rel=1e-3)
    assert far == pytest.approx(math.sqrt(2 * svi(0.0) * 365 / 90), rel=1e-3)


def test_falling_variance_is_reported() -> None:
    surface = fit_points(points(30) + points(90, 0.5), AS_OF_MS)
    assert surface.calendar < 0.0
    assert not surface.free_of_arbitrage


def test_butterfly_is_mended_and_its_cost_shown() -> None:
    """Vogt's parameters: a smile that looks plain and implies negative probabilities."""
    vogt = (-0.0410, 0.1331, 0.3060, 0.3586, 0.4153)
    expiry = AS_OF_MS + 365 * DAY_MS
    ks = np.linspace(-1.2, 1.2, 25).tolist()
    (smile,) = fit_points([Point(expiry, k, math.sqrt(svi(k, vogt))) for k in ks], AS_OF_MS).slices
    assert smile.butterfly >= -1e-9
    assert 1e-4 < smile.error_vol < 0.01


def test_few_strikes_are_joined_by_a_line() -> None:
    surface = fit_points(points(30, count=3), AS_OF_MS)
    (smile,) = surface.slices
    assert smile.kind == "line"
    assert surface.vol(smile.expiry_ms, 0.4) == pytest.approx(math.sqrt(svi(0.4) * 365 / 30))
    assert surface.vol(smile.expiry_ms, 2.0) == surface.vol(smile.expiry_ms, 0.4)


def test_no_point_no_volatility() -> None:
    empty = fit_points([], AS_OF_MS)
    assert empty == Surface(AS_OF_MS, (), 0.0)
    assert not empty
    assert empty.vol(AS_OF_MS + DAY_MS, 0.0) is None
    assert fit_points(points(30), AS_OF_MS).vol(AS_OF_MS - 1, 0.0) is None


@pytest.mark.parametrize(
    ("file", "pair", "error_max"),
    [
        ("20260128T212943Z", "BTC/USD", 0.020),
        ("20260128T212943Z", "ETH/USD", 0.020),
        ("20260205T212937Z", "BTC/USD", 0.045),
        ("20260205T212937Z", "ETH/USD", 0.030),
    ],
)
def test_recorded_smiles(market_dir: Path, file: str, pair: str, error_max: float) -> None:
    """A smile of hours before expiry is not SVI; a day out the fit is within 1.2 vol points."""
    snapshot = import_market(market_dir / f"deribit/deribit_options_snapshot_{file}.csv.gz")
    surface = snapshot.surface(pair)
    assert snapshot.surface(pair) is surface
    assert len(surface.slices) >= 8
    assert surface.free_of_arbitrage
    errors = {smile.years: smile.error_vol for smile in surface.slices}
    assert max(errors.values()) < error_max
    assert max(error for years, error in errors.items() if years > 2 / 365) < 0.012
