"""What reproduces a result: hashes of all that went in, and the command for the same bits."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

from crossmargin.core.version import __version__

__all__ = ["Receipt", "build_sha256", "command_line", "manifest"]

# What a result depends on beside the project's own sources.
_LIBRARIES = ("numpy", "numba", "scipy")
# Sources and numbers; compiled files and what an installation adds are not part of the build.
_SUFFIXES = (".py", ".toml", ".json")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Hashes are sha256. ``command`` is empty where the book or the market came from no file.

    Equal receipts on one class of processor mean equal bits, whatever the number of threads.
    """

    book: str
    orders: str
    snapshot: str
    parameters: Mapping[str, str]  # model -> hash of every value
    changes: Mapping[str, Any]  # parameters that were changed by hand
    as_of: str
    model: str
    command: str
    build: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values in a fixed order."""
        return {
            "model": self.model,
            "as_of": self.as_of,
            "book_sha256": self.book,
            "orders_sha256": self.orders,
            "snapshot_sha256": self.snapshot,
            "parameters_sha256": dict(self.parameters),
            "parameter_changes": dict(self.changes),
            "build": dict(self.build),
            "command": self.command,
        }


@cache
def build_sha256() -> str:
    """Hash of every source, parameter file and schema of the installed package, path by path."""
    sha = hashlib.sha256()
    for name, item in sorted(_files(resources.files("crossmargin"), "")):
        data = item.read_bytes()
        sha.update(f"{name}:{len(data)}:".encode())
        sha.update(data)
    return sha.hexdigest()


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for item in folder.iterdir():
        name = f"{prefix}{item.name}"
        if item.is_dir():
            if item.name != "__pycache__":
                found += _files(item, f"{name}/")
        elif name.endswith(_SUFFIXES):
            found.append((name, item))
    return found


@cache
def manifest() -> Mapping[str, str]:
    """Version and hash of the package, versions of the libraries that it computes with."""
    import platform  # the class of processor decides the last bits of exp and log

    known = {name: metadata.version(name) for name in _LIBRARIES}
    return {
        "crossmargin": __version__,
        "sources_sha256": build_sha256(),
        "python": platform.python_version(),
        **known,
        "machine": platform.machine(),
    }


def command_line(parts: Sequence[str]) -> str:
    """The command as one line for a POSIX shell."""
    return shlex.join(parts)
