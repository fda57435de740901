"""The room's facade: modules on first use, and nothing heavy before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import crossmargin.statistics as room


def test_modules_come_by_name() -> None:
    assert room.quantiles.observations_needed(0.99) == 100
    assert sorted(room.__all__) == sorted(name for name in room.__all__ if getattr(room, name))
    with pytest.raises(AttributeError, match="no attribute"):
        room.absent  # noqa: B018 - the look-up itself is what fails


def test_importing_costs_neither_scipy_nor_numba() -> None:
    code = (
        "import sys; from crossmargin.statistics import quantiles, moments, filters, covariance,"
        " closed_forms, delta_gamma, backtests, scores, bootstrap;"
        " assert not {'scipy', 'numba'} & set(sys.modules)"
    )
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=where)
