"""Gives every test of this folder that asks for ``case`` the cases that INDEX.toml names."""

from __future__ import annotations

import pytest

from tests.vectors import recording
from tests.vectors.loading import files_of, parametrise


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case of the module's files; the cases are taken from the files alone."""
    files = files_of(metafunc.module.__name__)
    if files is not None and "case" in metafunc.fixturenames:
        keep = getattr(metafunc.module, "keep", None)
        parametrise(metafunc, files.pattern, keep, files.sections)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With --record-vectors a green run writes what it saw of each model."""
    if exitstatus == 0 and session.config.getoption("--record-vectors"):
        for path in recording.written():
            print(f"recorded {path.name}")
