"""Options and fixtures for every test: where vectors and market data lie, how hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

# `ci` (the default) draws the same examples on every run: a red test stays red until it is mended;
# `search` looks for new ones: HYPOTHESIS_PROFILE=search pytest ...
_COMMON = {
    "deadline": None,  # the first example of a kernel compiles it
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("ci", max_examples=60, derandomize=True, database=None, **_COMMON)
settings.register_profile("search", max_examples=1000, derandomize=False, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the data lie that tests read and the repository does not hold."""
    group = parser.getgroup("crossmargin")
    group.addoption(
        "--vectors",
        metavar="DIR",
        default=str(REPOSITORY.parent / "shared" / "vectors"),
        help="folder of the vector files (default: ../shared/vectors beside the repository)",
    )
    group.addoption(
        "--market",
        metavar="DIR",
        default=str(REPOSITORY.parent / "shared" / "market"),
        help="folder of recorded market data (default: ../shared/market beside the repository)",
    )
    group.addoption(
        "--books",
        metavar="N",
        type=int,
        default=200,
        help="random books that are searched for crossings (make nightly: 2000)",
    )
    group.addoption(
        "--record-vectors",
        action="store_true",
        help="write counts and worst errors of the vectors into the package, after a green run",
    )


def folder(config: pytest.Config, option: str) -> Path:
    """The folder that an option names, whether it exists or not (for use at collection)."""
    return Path(config.getoption(option)).resolve()


def _present(config: pytest.Config, option: str) -> Path:
    path = folder(config, option)
    if not path.is_dir():
        pytest.skip(f"{option} folder is absent: give one with {option} DIR")
    return path


@pytest.fixture(scope="session")
def vectors_dir(pytestconfig: pytest.Config) -> Path:
    """The folder of vector files; the test is skipped, with the reason, where it is absent."""
    return _present(pytestconfig, "--vectors")


@pytest.fixture(scope="session")
def market_dir(pytestconfig: pytest.Config) -> Path:
    """The folder of recorded market data; skipped, with the reason, where it is absent."""
    return _present(pytestconfig, "--market")
