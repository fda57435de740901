"""Whether the committed result is that of the sources at hand: a hash of all that it depends on.

What counts is followed from the imports of this folder through the package. ``crossmargin.core``
is left out: arrays, clocks and error codes of everything, whose own tests watch them.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["REPOSITORY", "fingerprint", "sources"]

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = "crossmargin"
_LEFT_OUT = ("crossmargin.core",)


def sources(root: Path = REPOSITORY) -> dict[str, str]:
    """Path -> SHA-256 of this folder, of the lock, and of every module that they rest on."""
    todo = sorted((root / "peers").glob("*.py"))
    found: dict[str, str] = {}
    lock = root / "requirements" / "peers.txt"
    found[_name(lock, root)] = _hash(lock)
    while todo:
        path = todo.pop()
        name = _name(path, root)
        if name in found:
            continue
        found[name] = _hash(path)
        todo += [root / "src" / own for own in _imported(path, root)]
    return dict(sorted(found.items()))


def fingerprint(found: dict[str, str]) -> str:
    """One hash of all of them."""
    text = "".join(f"{name} {value}\n" for name, value in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _imported(path: Path, root: Path) -> Iterator[Path]:
    """Modules of the package that a file imports, below ``src``; what a folder offers is not read.

    A folder's ``__init__`` gathers names of modules that have nothing to do with each other; the
    sources here name the modules themselves.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] != PACKAGE or name.startswith(_LEFT_OUT):
                continue
            module = Path(*name.split(".")).with_suffix(".py")
            if (root / "src" / module).is_file():
                yield module
