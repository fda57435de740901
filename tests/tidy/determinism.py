"""What a pure room may not do: read a clock, draw a number, depend on hash order, hide a NaN."""

from __future__ import annotations

import ast
import re
import sys

from tests.tidy.source import PACKAGE, Source

THIRD_PARTY = frozenset({"highspy", "llvmlite", "msgspec", "numba", "numpy", "scipy"})
# The named doors: what else a module may import, and why.
DOORS = {
    "crossmargin.core.clock": {"datetime"},  # text to milliseconds and back
    "crossmargin.core.jit": {"os"},  # the folder of the kernel cache
    "crossmargin.core.threads": {"os"},  # the number of processors
}
BANNED_MODULES = frozenset(
    [
        "asyncio",
        "datetime",
        "os",
        "random",
        "secrets",
        "socket",
        "subprocess",
        "tempfile",
        "time",
        "uuid",
    ]
)
BANNED_CALLS = {
    "now": "reads a clock",
    "utcnow": "reads a clock",
    "today": "reads a clock",
    "perf_counter": "reads a clock",
    "monotonic": "reads a clock",
    "uuid1": "draws a number",
    "uuid4": "draws a number",
    "urandom": "draws a number",
    "nan_to_num": "hides a NaN",
    "fmax": "hides a NaN",
    "fmin": "hides a NaN",
    "seterr": "hides an invalid operation",
    "hash": "differs from process to process",
}
BANNED_DOTTED = {
    "time.time": "reads a clock",
    "time.time_ns": "reads a clock",
    "np.random": "draws a number: the generator comes in as an argument",
    "numpy.random": "draws a number: the generator comes in as an argument",
}
_NAN_REDUCTION = re.compile(
    r"nan(min|max|sum|mean|std|var|prod|median|quantile|percentile|cumsum|cumprod|arg(min|max))"
)
EXEMPTION = re.compile(r"#\s*nondeterminism-ok:\s*\w+\s+\w+")
# Whatever the order of their argument, these give the same result.
_ORDERLESS = frozenset({"sorted", "set", "frozenset", "any", "all", "len", "min", "max"})
_ORDERED = frozenset({"list", "tuple", "enumerate", "iter", "zip", "map", "sum", "join", "array"})


def foreign_imports(source: Source) -> list[str]:
    """Imports of a pure room beyond the standard library, the numeric stack and its door."""
    allowed = DOORS.get(source.module, set())
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        for root in {name.split(".")[0] for name in names} - {PACKAGE} - allowed:
            foreign = root not in sys.stdlib_module_names and root not in THIRD_PARTY
            if foreign or root in BANNED_MODULES:
                found.append(source.at(node, f"a pure room imports {root}"))
    return found


def banned_calls(source: Source) -> list[str]:
    """Calls that make a result depend on more than its inputs, or that hide a NaN."""
    found = []
    harmless = _harmless(source)
    for node in ast.walk(source.tree):
        reason = None if node in harmless else _banned(node)
        if reason:
            line = node.iter.lineno if isinstance(node, ast.comprehension) else node.lineno
            if not EXEMPTION.search(source.lines[line - 1]):
                found.append(source.at(line, reason))
    return found


def _banned(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        dotted = ast.unparse(node)
        if dotted in BANNED_DOTTED:
            return f"{dotted} {BANNED_DOTTED[dotted]}"
    if isinstance(node, (ast.For, ast.comprehension)) and _is_set(node.iter):
        return "iterates over a set, whose order differs from process to process"
    if not isinstance(node, ast.Call):
        return None
    name = _last_name(node.func)
    if name in BANNED_CALLS:
        return f"{ast.unparse(node.func)} {BANNED_CALLS[name]}"
    if _NAN_REDUCTION.fullmatch(name):
        return f"{ast.unparse(node.func)} hides a NaN"
    if name == "errstate" and any(_text(keyword.value) == "ignore" for keyword in node.keywords):
        return "errstate(ignore) hides an invalid operation"
    if name in _ORDERED and any(_is_set(argument) for argument in node.args):
        return f"{name} of a set: the order differs from process to process"
    return None


def _harmless(source: Source) -> set[ast.AST]:
    """Comprehensions whose result does not depend on the order, and hashes that stay inside."""
    allowed: set[ast.AST] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.SetComp):
            allowed |= set(node.generators)
        elif isinstance(node, ast.Call) and _last_name(node.func) in _ORDERLESS:
            for argument in node.args:
                if isinstance(argument, (ast.GeneratorExp, ast.ListComp)):
                    allowed |= set(argument.generators)
        elif isinstance(node, ast.FunctionDef) and node.name == "__hash__":
            allowed |= set(ast.walk(node))
    return allowed


def _is_set(node: ast.AST) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.BinOp) and isinstance(
        node.op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
    ):
        return _is_set(node.left) or _is_set(node.right)
    return isinstance(node, ast.Call) and _last_name(node.func) in {"set", "frozenset"}


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None
