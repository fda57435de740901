"""A source file as text and syntax tree, and the walk over the repository's files."""

from __future__ import annotations

import ast
import functools
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGE = "crossmargin"
# Rooms that may touch the world; every other folder of the package is pure.
IMPURE_ROOMS = frozenset({"venues", "interfaces", "conformance"})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """One Python file; ``path`` is relative to the repository."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def module(self) -> str:
        """Dotted name of a module of the package: ``crossmargin.core.errors``."""
        parts = Path(self.path).with_suffix("").parts
        start = parts.index(PACKAGE)
        names = parts[start:]
        return ".".join(names[:-1] if names[-1] == "__init__" else names)

    @property
    def room(self) -> str:
        """Folder of the package that the module lives in; empty for the package itself."""
        parts = Path(self.path).parts
        inside = parts[parts.index(PACKAGE) + 1 :]
        return inside[0] if len(inside) > 1 else ""

    @property
    def is_pure(self) -> bool:
        return self.room != "" and self.room not in IMPURE_ROOMS

    def at(self, place: ast.stmt | ast.expr | int, message: str) -> str:
        """A finding: where and what."""
        line = place if isinstance(place, int) else place.lineno
        return f"{self.path}:{line}: {message}"


def walk_code(source: Source) -> Iterator[ast.AST]:
    """Every node but docstrings."""
    skipped = set()
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                skipped.add(first.value)
    return (node for node in ast.walk(source.tree) if node not in skipped)


def git(*arguments: str) -> list[str] | None:
    """Lines of a git command, or None where there is no git or the tree is no clone."""
    if not (REPOSITORY / ".git").exists() or shutil.which("git") is None:
        return None
    command = ["git", "-c", f"safe.directory={REPOSITORY}", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.split("\n") if line]


@functools.cache
def tracked_files() -> tuple[str, ...]:
    """The repository's files; in an unpacked archive, those that git would not ignore by name."""
    listed = git("ls-files")
    if listed is None:
        hidden = (".", "build", "dist", "bench-results")
        listed = [
            str(path.relative_to(REPOSITORY))
            for path in REPOSITORY.rglob("*")
            if path.is_file()
            and not path.relative_to(REPOSITORY).parts[0].startswith(hidden)
            and "__pycache__" not in path.parts
        ]
    return tuple(sorted(name for name in listed if (REPOSITORY / name).is_file()))


@functools.cache
def python_sources(*folders: str) -> tuple[Source, ...]:
    """Python files of some folders; of all where none is named."""
    chosen = (
        name
        for name in tracked_files()
        if name.endswith(".py") and (not folders or name.split("/", 1)[0] in folders)
    )
    return tuple(Source(name, (REPOSITORY / name).read_text("utf-8")) for name in chosen)


def package_sources() -> tuple[Source, ...]:
    """Modules of the package."""
    return python_sources("src")
