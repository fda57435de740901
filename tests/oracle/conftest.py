"""Gives the oracle's own tests their cases: a module names its files in ``VECTORS``.

``SECTIONS`` name the tables of cases of a file that has no lists of them.
"""

from __future__ import annotations

import pytest

from tests.vectors.loading import parametrise


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case that the module's ``keep`` accepts."""
    pattern = getattr(metafunc.module, "VECTORS", None)
    if pattern is not None and "case" in metafunc.fixturenames:
        keep = getattr(metafunc.module, "keep", None)
        parametrise(metafunc, pattern, keep, getattr(metafunc.module, "SECTIONS", ()))
