"""The error catalogue against the places where errors are made."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.tidy.source import FUNCTIONS, Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


def error_codes(sources: Iterable[Source], errors_module: str, catalogue: set[str]) -> list[str]:
    """Codes that nobody raises, and raised codes that the catalogue lacks.

    A code is raised where it is the code argument of an error class, of ``Failure``, or of a
    function that hands that argument on to one of these.
    """
    sources = list(sources)
    errors = next(source for source in sources if source.module == errors_module)
    others = [source for source in sources if source is not errors]
    makers = _makers(errors, others)
    raised: dict[str, str] = {}
    found = []
    for source in others:
        for call, scope in _calls(source):
            argument = _code_argument(call, makers)
            if argument is None:
                continue
            for text in _texts(argument, scope, source, catalogue):
                raised.setdefault(text, source.path)
                if text not in catalogue:
                    found.append(source.at(call, f"error code {text!r} is not in the catalogue"))
    idle = sorted(catalogue - set(raised))
    return found + [errors.at(1, f"error code {code!r} is raised nowhere") for code in idle]


def _makers(errors: Source, others: list[Source]) -> dict[str, tuple[int, str]]:
    """Callables that take a code: name, position and parameter name of it."""
    makers = {
        node.name: (0, "code")
        for node in errors.tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }
    makers["Failure"] = (1, "code")
    known = 0
    while known != len(makers):  # a function may hand the code to another that hands it on
        known = len(makers)
        for source in others:
            for call, scope in _calls(source):
                argument = _code_argument(call, makers)
                if scope is None or not isinstance(argument, ast.Name):
                    continue
                names = [item.arg for item in (*scope.args.posonlyargs, *scope.args.args)]
                method = bool(names) and names[0] in {"self", "cls"}
                if argument.id in names:
                    place = names.index(argument.id) - method
                    makers.setdefault(scope.name, (place, argument.id))
                elif argument.id in {item.arg for item in scope.args.kwonlyargs}:
                    makers.setdefault(scope.name, (-1, argument.id))
    return makers


def _calls(source: Source) -> list[tuple[ast.Call, Function | None]]:
    """Every call with the innermost function around it."""
    found: list[tuple[ast.Call, Function | None]] = []

    def visit(node: ast.AST, scope: Function | None) -> None:
        if isinstance(node, ast.Call):
            found.append((node, scope))
        inner = node if isinstance(node, FUNCTIONS) else scope
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(source.tree, None)
    return found


def _code_argument(call: ast.Call, makers: dict[str, tuple[int, str]]) -> ast.expr | None:
    target = call.func
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if name not in makers:
        return None
    place, keyword = makers[name]
    for item in call.keywords:
        if item.arg == keyword:
            return item.value
    return call.args[place] if 0 <= place < len(call.args) else None


def _texts(
    argument: ast.expr, scope: Function | None, source: Source, catalogue: set[str]
) -> set[str]:
    """Texts that a code argument may have; behind a variable, known codes in its surroundings."""
    texts = {node.value for node in ast.walk(argument) if _is_text(node)}
    if texts or isinstance(argument, ast.Attribute):  # error.code hands an existing error on
        return texts
    around = ast.walk(scope if scope is not None else source.tree)
    return {node.value for node in around if _is_text(node) and node.value in catalogue}


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
