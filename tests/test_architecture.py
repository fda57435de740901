"""Imports point one way: the contracts of pyproject.toml hold, cover every room, and can fail."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy.shape import imported_modules
from tests.tidy.source import IMPURE_ROOMS, REPOSITORY, package_sources

CONFIGURATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
CONTRACTS = CONFIGURATION["tool"]["importlinter"]["contracts"]
ROOMS = sorted(path.parent.name for path in (REPOSITORY / "src/crossmargin").glob("*/__init__.py"))
# Not ccxt: what it carries under `info` is a venue's own payload, read by that venue's adapter.
VENUES = ("deribit", "okx", "bybit", "binance", "derive", "paradex")
RUN_IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the configuration in ``folder`` and the package under ``source``."""
    return subprocess.run(
        [sys.executable, "-c", RUN_IMPORT_LINTER, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def contract(start: str) -> dict[str, list[str]]:
    """The contract whose name starts so."""
    return next(item for item in CONTRACTS if item["name"].startswith(start))


def test_contracts_hold() -> None:
    done = lint_imports(REPOSITORY, REPOSITORY / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


def test_every_room_has_its_layer() -> None:
    layers = " ".join(contract("rooms")["layers"])
    named = {word.strip("()") for word in layers.split() if word != "|"}
    assert set(ROOMS) <= named


def test_every_pure_room_is_kept_pure() -> None:
    named = {name.removeprefix("crossmargin.") for name in contract("pure rooms")["source_modules"]}
    assert named == set(ROOMS) - IMPURE_ROOMS


def test_no_modules_import_each_other_in_a_circle() -> None:
    sources = package_sources()
    known = {source.module for source in sources}
    imports = {source.module: imported_modules(source, on_load=True) & known for source in sources}
    assert circle(imports) == []


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that remain when those that import nothing or are imported by nobody are dropped."""
    left = {name: set(targets) for name, targets in imports.items()}
    while True:
        imported = {target for targets in left.values() for target in targets}
        kept = {name for name, targets in left.items() if targets and name in imported}
        if len(kept) == len(left):
            return sorted(left)
        left = {name: left[name] & kept for name in kept}


def test_a_circle_is_reported() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"a"}, "c": {"a"}, "d": set()}) == ["a", "b"]


def adapter_imports(graph: dict[str, set[str]]) -> list[str]:
    """Imports between modules of ``venues`` that are named for different venues."""

    def venue(module: str) -> str:
        inside = module.removeprefix("crossmargin.venues.")
        return next((name for name in VENUES if inside != module and name in inside), "")

    pairs = [(name, target) for name, targets in graph.items() for target in targets]
    crossed = [pair for pair in pairs if "" != venue(pair[0]) != venue(pair[1]) != ""]
    return sorted(f"{name} -> {target}" for name, target in crossed)


def test_adapters_do_not_know_of_each_other() -> None:
    imports = {source.module: imported_modules(source) for source in package_sources()}
    assert adapter_imports(imports) == []


def test_an_adapter_that_imports_another_is_reported() -> None:
    okx = "crossmargin.venues.okx_book"
    assert adapter_imports({okx: {"crossmargin.venues.market_deribit"}}) != []
    assert adapter_imports({okx: {"crossmargin.venues.okx_text"}}) == []
    assert adapter_imports({okx: {"crossmargin.venues.text", "json"}}) == []
    assert adapter_imports({"crossmargin.venues.files": {okx}}) == []


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("core/planted.py", "import crossmargin.market", "rooms"),
        ("pricing/planted.py", "import crossmargin.statistics", "rooms"),
        ("margin/planted.py", "def f():\n    import time", "pure rooms"),
        ("venues/planted.py", "import crossmargin.scenarios", "venues"),
        ("core/planted.py", "import crossmargin.core.clock", ""),
    ],
)
def test_a_planted_import_is_reported(
    module: str, statement: str, broken: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    for room in ("", *ROOMS):
        (tmp_path / "crossmargin" / room).mkdir(exist_ok=True)
        (tmp_path / "crossmargin" / room / "__init__.py").touch()
    (tmp_path / "crossmargin/core/clock.py").write_text("import datetime\n")
    (tmp_path / "crossmargin" / module).write_text(statement + "\n")
    done = lint_imports(tmp_path, tmp_path)
    lines = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    assert [line.split(":")[0] for line in lines] == ([broken] if broken else [])
