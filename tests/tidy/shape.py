"""Size, docstrings, public names, imports and same-named tests."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.tidy.source import FUNCTIONS, PACKAGE, Source

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 500
TESTED_SHARE_MIN = 0.95

# Modules that start a process or are what a user imports: nobody inside the package needs them.
ENTRY_POINTS = frozenset({PACKAGE, f"{PACKAGE}.__main__", f"{PACKAGE}.interfaces.cli"})

# The one module of the decisions that calls a solver of linear programmes: it proves each answer.
SOLVER_DOOR = f"{PACKAGE}.decisions.programme"

_NAMES_A_MODULE = re.compile(rf"{PACKAGE}(\.\w+)+(:\w+)?")


def long_functions(source: Source) -> list[str]:
    """Functions over 70 lines, docstring included."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                limit = f"{count} lines, limit {FUNCTION_LINES_MAX}"
                found.append(source.at(node, f"function {node.name} has {limit}"))
    return found


def long_module(source: Source) -> list[str]:
    """A module over 500 lines."""
    count = len(source.lines)
    if count <= MODULE_LINES_MAX:
        return []
    return [source.at(1, f"module has {count} lines, limit {MODULE_LINES_MAX}")]


def missing_docstrings(source: Source) -> list[str]:
    """Modules, public classes, and public functions and methods without a docstring."""
    found = []
    if not ast.get_docstring(source.tree):
        found.append(source.at(1, "module has no docstring"))
    found += [
        source.at(node, f"public {node.name} has no docstring")
        for node in _public_definitions(source.tree.body)
        if not ast.get_docstring(node)
    ]
    return found


def _public_definitions(
    body: Iterable[ast.stmt],
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and not node.name.startswith("_"):
            if not _repeats(node):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_definitions(node.body)


def _repeats(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Overloads, setters and overrides have their docstring elsewhere."""
    names = {ast.unparse(item).rsplit(".", 1)[-1] for item in node.decorator_list}
    return bool(names & {"overload", "setter", "override"})


def public_names(source: Source) -> list[str]:
    """A public module lists in ``__all__`` names that exist, and every definition of its own."""
    if Path(source.path).stem.startswith("_") and not source.path.endswith("__init__.py"):
        return []
    listed = _dunder_all(source.tree)
    if listed is None:
        return [source.at(1, "module has no __all__ of plain strings")]
    bound = _bound_names(source.tree.body)
    found = []
    if "__getattr__" not in bound:  # a lazy facade is checked by importing it
        absent = sorted(set(listed) - bound)
        found += [source.at(1, f"__all__ names {name}, which is not there") for name in absent]
    if len(set(listed)) != len(listed):
        found.append(source.at(1, "__all__ names something twice"))
    for node in source.tree.body:
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) or node.name.startswith("_"):
            continue
        if node.name not in listed:
            found.append(source.at(node, f"{node.name} is public but not in __all__"))
    return found


def _dunder_all(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                names = ast.literal_eval(value)
            except ValueError:
                return None
            return list(names)
    return None


def _bound_names(body: Iterable[ast.stmt]) -> set[str]:
    """Names that the statements of a module bind, branches included."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(item.asname or item.name).split(".")[0] for item in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names |= {item.id for item in ast.walk(target) if isinstance(item, ast.Name)}
        elif isinstance(node, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
            names.add(node.name.id)
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For)):
            for part in ("body", "orelse", "finalbody"):
                names |= _bound_names(getattr(node, part, []))
    return names


def imported_modules(source: Source, *, on_load: bool = False) -> set[str]:
    """Dotted names that a module imports, by statement or by a string that names a module.

    ``on_load``: only by statements that run when the module itself is imported.
    """
    names: set[str] = set()
    nodes = _run_on_load(source.tree) if on_load else ast.walk(source.tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            names.add(base)
            names |= {f"{base}.{item.name}" for item in node.names}
        elif isinstance(node, ast.Constant) and _NAMES_A_MODULE.fullmatch(str(node.value)):
            names.add(str(node.value).split(":")[0])
    return names


def _run_on_load(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not for_types and not isinstance(child, FUNCTIONS):
            yield from _run_on_load(child)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = source.module.split(".")
    if source.path.endswith("__init__.py"):
        parts.append("")
    base = parts[: len(parts) - node.level]
    return ".".join([*base, node.module] if node.module else base)


def unimported_modules(sources: Iterable[Source]) -> list[str]:
    """Modules that no other module of the package imports: dead code, or a missing registration."""
    sources = list(sources)
    used: dict[str, set[str]] = {source.path: imported_modules(source) for source in sources}
    found = []
    for source in sources:
        if source.path.endswith("__init__.py") or source.module in ENTRY_POINTS:
            continue
        if not any(source.module in names for path, names in used.items() if path != source.path):
            found.append(source.at(1, f"{source.module} is imported by nobody"))
    return found


def solvers_past_the_door(source: Source) -> list[str]:
    """A decision that calls a solver itself: its answer would not be proven."""
    if source.room != "decisions" or source.module == SOLVER_DOOR:
        return []
    called = imported_modules(source)
    called |= {ast.unparse(n) for n in ast.walk(source.tree) if isinstance(n, ast.Attribute)}
    return [
        source.at(1, f"{name} is called past {SOLVER_DOOR}")
        for name in sorted(called)
        if name.startswith("highspy") or name.rsplit(".", 1)[-1] in ("linprog", "milp")
    ]


def untested_modules(sources: Iterable[Source], tests: Iterable[str]) -> list[str]:
    """Modules without ``tests/<room>/**/test_<module>.py``, if they are more than one in twenty."""
    tests = [Path(name) for name in tests]
    modules = [source for source in sources if Path(source.path).stem != "__init__"]
    missing = [source for source in modules if not _has_test(source, tests)]
    if len(missing) <= (1 - TESTED_SHARE_MIN) * len(modules):
        return []
    return [source.at(1, f"{source.module} has no same-named test") for source in missing]


def _has_test(source: Source, tests: list[Path]) -> bool:
    wanted = f"test_{Path(source.path).stem.strip('_')}.py"
    folder = ("tests", source.room) if source.room else ("tests",)
    return any(test.name == wanted and test.parts[: len(folder)] == folder for test in tests)


_CODE = r"[A-Z]+[0-9]+"
_SILENCED = (
    ("noqa", re.compile(rf"#\s*noqa(?P<codes>:\s*{_CODE}(?:\s*,\s*{_CODE})*)?(?P<reason>.*)")),
    ("type: ignore", re.compile(r"#\s*type:\s*ignore(?P<codes>\[[\w\-, ]+\])?(?P<reason>.*)")),
    ("pragma", re.compile(r"#\s*pragma:\s*(?P<codes>no \w+)(?P<reason>.*)")),
)


def unexplained_silences(source: Source) -> list[str]:
    """Silenced findings of other tools without a code, or without a reason after it."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        for name, pattern in _SILENCED:
            match = pattern.search(token.string)
            if not match:
                continue
            if not match["codes"]:
                found.append(source.at(token.start[0], f"{name} without a code"))
            elif len(re.findall(r"[A-Za-z]", match["reason"])) < 5:
                found.append(source.at(token.start[0], f"{name} without a reason"))
    return found
