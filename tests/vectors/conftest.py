"""Gives every test of this folder that asks for ``case`` the cases that INDEX.toml names."""

from __future__ import annotations

import pytest

from tests.vectors.loading import files_of, parametrise


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case of the module's files; the cases are taken from the files alone."""
    files = files_of(metafunc.module.__name__)
    if files is not None and "case" in metafunc.fixturenames:
        keep = getattr(metafunc.module, "keep", None)
        parametrise(metafunc, files.pattern, keep, files.sections)
