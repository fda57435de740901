"""What no file of the repository says: leftovers, machine paths, hosts, percentages in names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.tidy.source import Source, walk_code

TEXT_SUFFIXES = frozenset(
    [
        ".cfg",
        ".css",
        ".csv",
        ".html",
        ".in",
        ".json",
        ".md",
        ".py",
        ".sh",
        ".svg",
        ".toml",
        ".txt",
        ".yaml",
        ".yml",
    ]
)
_LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_UNFINISHED = re.compile(r"\bNotImplementedError\b")
_MACHINE = re.compile(r"(?<![\w.<\[{-])/(work|tmp|root|home|opt|Users|mnt)/[\w.]|file://")
_INDEX = re.compile(
    r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian|--(extra-)?index-url|--find-links"
)


def is_text(name: str) -> bool:
    """Whether a tracked file is text that people read or write."""
    path = Path(name)
    return path.suffix in TEXT_SUFFIXES or path.name in {"Makefile", "run", ".gitignore", "LICENSE"}


def leftovers(name: str, text: str) -> list[str]:
    """Notes to come back later, and code that refuses to be finished."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _LEFTOVER.search(line)
        if match:
            found.append(f"{name}:{number}: leftover {match[0]}")
        if _UNFINISHED.search(line):
            found.append(f"{name}:{number}: unfinished code")
    return found


def machine_places(name: str, text: str) -> list[str]:
    """Paths of one machine and hosts of one package index."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if _MACHINE.search(line):
            found.append(f"{name}:{number}: path of a machine")
        if _INDEX.search(line):
            found.append(f"{name}:{number}: place of a package index")
    return found


def percent_names(source: Source) -> list[str]:
    """Names that carry a percentage: fractions inside, and the name says so."""
    found = []
    for node in walk_code(source):
        for name in _names(node):
            if re.search(r"(^|_)pct(_|$)", name):
                line = getattr(node, "lineno", 1)
                found.append(source.at(line, f"{name}: a fraction, named _fraction"))
    return found


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, (ast.arg, ast.keyword)):
        return [node.arg or ""]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    return []


def headings(name: str, text: str) -> list[str]:
    """A document opens with its one first-level heading."""
    lines, fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    titles = [line for line in lines if re.match(r"# \S", line)]
    if len(titles) != 1:
        return [f"{name}:1: {len(titles)} first-level headings, exactly one is wanted"]
    first = next(line for line in lines if line.strip())
    return [] if first == titles[0] else [f"{name}:1: does not open with its heading"]


def dead_links(name: str, text: str, root: Path) -> list[str]:
    """Relative links of a document to files that are not there."""
    found = []
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path = target.split("#")[0]
        outside = not path or "://" in path or path.startswith("mailto:")
        if not outside and not (root / Path(name).parent / path).exists():
            found.append(f"{name}:1: link to {path}, which is not there")
    return found
