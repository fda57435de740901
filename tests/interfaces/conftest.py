"""Results of the sample books, made once for all tests of the faces."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.interfaces.results import CompareResult, MarginResult
from crossmargin.sample import book_path, market_path
from tests.interfaces.browser import Browser, program


@pytest.fixture(scope="session")
def market() -> str:
    """The sample market's file."""
    return str(market_path())


@pytest.fixture(scope="session")
def retail() -> str:
    """The smallest sample book's file."""
    return str(book_path("retail-short-vol"))


@pytest.fixture(scope="session")
def maker() -> str:
    """The sample book of 200 legs in two coins, with open orders."""
    return str(book_path("market-maker"))


@pytest.fixture(scope="session")
def margined(retail: str, market: str) -> MarginResult:
    """The retail book under segregated portfolio margin, with every reading."""
    return xm.margin(retail, market, "deribit-spm", readings=True)


@pytest.fixture(scope="session")
def crossed(maker: str, market: str) -> MarginResult:
    """The market maker under cross portfolio margin: a lower bound, in dollars."""
    return xm.margin(maker, market, "deribit-xpm")


@pytest.fixture(scope="session")
def compared(retail: str, market: str) -> CompareResult:
    """The retail book under every model."""
    return xm.compare(retail, market)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    found = program()
    if found is None:
        pytest.skip("no headless Chromium on the path: install Debian's package `chromium`")
    return Browser(found, tmp_path_factory.mktemp("browser"))
