"""The code base reads itself: size, names, docstrings, determinism, error catalogue, text."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from crossmargin.core.errors import CODES
from tests.tidy import codes, determinism, shape, text
from tests.tidy.source import (
    REPOSITORY,
    Source,
    git,
    package_sources,
    python_sources,
    tracked_files,
)

OF_ALL_CODE = [
    shape.long_functions,
    shape.long_module,
    shape.unexplained_silences,
    text.percent_names,
]
OF_THE_PACKAGE = [shape.missing_docstrings, shape.public_names, shape.solvers_past_the_door]
OF_PURE_ROOMS = [determinism.foreign_imports, determinism.banned_calls]
OF_ALL_TEXT = [text.leftovers, text.machine_places]
# What looks for faults, and what plants them, has to spell them.
NAMES_THE_FAULTS = {"tests/tidy/text.py", "tests/test_tidy_canaries.py"}
Check = Callable[[Source], list[str]]


def refuse(findings: list[str]) -> None:
    """Fail with every finding on a line of its own."""
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("check", OF_ALL_CODE, ids=lambda check: check.__name__)
def test_all_code(check: Check) -> None:
    refuse([line for source in python_sources() for line in check(source)])


@pytest.mark.parametrize("check", OF_THE_PACKAGE, ids=lambda check: check.__name__)
def test_package(check: Check) -> None:
    refuse([line for source in package_sources() for line in check(source)])


@pytest.mark.parametrize("check", OF_PURE_ROOMS, ids=lambda check: check.__name__)
def test_pure_rooms(check: Check) -> None:
    pure = [source for source in package_sources() if source.is_pure]
    assert pure
    refuse([line for source in pure for line in check(source)])


@pytest.mark.parametrize("check", OF_ALL_TEXT, ids=lambda check: check.__name__)
def test_all_text(check: Callable[[str, str], list[str]]) -> None:
    names = [name for name in tracked_files() if text.is_text(name)]
    names = [name for name in names if name not in NAMES_THE_FAULTS]
    refuse([line for name in names for line in check(name, _read(name))])


def test_documents() -> None:
    names = [name for name in tracked_files() if name.endswith(".md")]
    assert "README.md" in names
    refuse([line for name in names for line in text.headings(name, _read(name))])
    refuse([line for name in names for line in text.dead_links(name, _read(name), REPOSITORY)])


def test_every_decision_is_in_the_index() -> None:
    index = _read("docs/adr/README.md")
    pages = sorted(path.name for path in (REPOSITORY / "docs/adr").glob("[0-9]*.md"))
    assert [page for page in pages if f"]({page})" not in index] == []


def test_no_module_is_imported_by_nobody() -> None:
    refuse(shape.unimported_modules(package_sources()))


def test_modules_have_tests_of_the_same_name() -> None:
    refuse(shape.untested_modules(package_sources(), tracked_files()))


def test_every_error_code_is_raised_and_every_raised_code_is_known() -> None:
    refuse(codes.error_codes(package_sources(), "crossmargin.core.errors", set(CODES)))


def test_public_names_can_be_imported() -> None:
    for source in package_sources():
        if "__getattr__" in source.text:
            module = importlib.import_module(source.module)
            missing = [name for name in module.__all__ if not hasattr(module, name)]
            assert not missing, f"{source.module} does not provide {missing}"


def test_every_room_says_what_it_is_for() -> None:
    rooms = {Path(source.path).parent for source in package_sources() if source.room}
    bare = [str(room) for room in sorted(rooms) if not (REPOSITORY / room / "__init__.py").exists()]
    assert not bare, f"no __init__.py in {bare}"


def test_no_source_is_unknown_to_git() -> None:
    strangers = git("ls-files", "--others", "--exclude-standard")
    if strangers is None:
        pytest.skip("not a clone: nothing to compare with")
    assert not strangers, f"add or ignore: {strangers}"


def _read(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")
