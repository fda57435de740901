"""Cases of vector files as test parameters: found at collection, one test each."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INDEX = Path(__file__).with_name("INDEX.toml")


@dataclass(frozen=True)
class Files:
    """Which files hold a module's cases; ``sections`` name the tables of cases."""

    pattern: str
    sections: tuple[str, ...] = ()


def files_of(module: str) -> Files | None:
    """The files of a test module, or None where INDEX.toml does not name it."""
    modules: dict[str, Any] = tomllib.loads(INDEX.read_text(encoding="utf-8"))["modules"]
    entry = modules.get(module.rpartition(".")[2])
    if isinstance(entry, dict):
        return Files(entry["files"], tuple(entry["sections"]))
    return Files(entry) if entry is not None else None


def cases_of(
    path: Path, sections: tuple[str, ...] = ()
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(section, index, case) of every case of a file: the records of its top-level lists.

    Where sections are named, the cases are the records of those tables or lists, each with what the
    whole file shares: ``name`` (its key), ``section`` and ``shared`` (every other top-level entry).
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    if sections:
        shared = {name: rows for name, rows in content.items() if name not in sections}
        for section in sections:
            rows = content.get(section, {})
            keyed = rows.items() if isinstance(rows, dict) else ((None, row) for row in rows)
            for index, (name, row) in enumerate(keyed):
                named = {"name": name} if name is not None else {}
                yield section, index, {**row, **named, "section": section, "shared": shared}
        return
    lists = content if isinstance(content, dict) else {path.stem: content}
    for section, rows in lists.items():
        if section.startswith("_") or not isinstance(rows, list):
            continue
        for index, row in enumerate(rows):
            if isinstance(row, dict):
                yield section, index, row


def parameters(folder: Path, pattern: str, sections: tuple[str, ...] = ()) -> list[Any]:
    """One pytest parameter a case; a single skipped one, with the reason, where there is none."""
    if not folder.is_dir():
        return [_absent(f"--vectors folder {folder.name} is absent: give one with --vectors DIR")]
    paths = sorted(folder.glob(pattern))
    if not paths:
        return [_absent(f"no file {pattern} in the --vectors folder")]
    found = [(path.stem, *case) for path in paths for case in cases_of(path, sections)]
    if not found:
        return [_absent(f"no case in {pattern} of the --vectors folder")]
    names = Counter(_name(case) for _, _, _, case in found)
    out = []
    for stem, section, index, case in found:
        name = _name(case)
        label = name if name and names[name] == 1 else f"{section}-{index}"
        if label != name and len(paths) > 1:
            label = f"{stem}-{label}"
        out.append(pytest.param(case, id=label))
    return out


def parametrise(
    metafunc: pytest.Metafunc,
    pattern: str,
    keep: Callable[[dict[str, Any]], bool] | None = None,
    sections: tuple[str, ...] = (),
) -> None:
    """Give a test that asks for ``case`` the cases of the files that match the pattern."""
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    rows = parameters(folder, pattern, sections)
    if keep is not None:
        rows = [row for row in rows if row.values[0] is None or keep(row.values[0])]
        rows = rows or [_absent(f"no case of this kind in {pattern} of the --vectors folder")]
    metafunc.parametrize("case", rows)


def _name(case: dict[str, Any]) -> str:
    return str(case.get("name", case.get("id", "")))


def _absent(reason: str) -> Any:
    return pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))
