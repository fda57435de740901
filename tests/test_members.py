"""The size of the margin models: a venue is numbers and a few lines, and stands by itself."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

import pytest

from crossmargin.margin import ALL_MODELS
from crossmargin.margin.model import Standing

MODELS = Path(__file__).parents[1] / "src" / "crossmargin" / "margin" / "models"
PACKAGE = "crossmargin.margin.models."
LINES_MEDIAN_MAX = 120
# Families whose models take the worst of scenarios.
SCAN = ("scan",)


def stems() -> dict[str, list[Path]]:
    """The modules of each member: ``okx_pm``, ``okx_pm_charges``, … belong together."""
    paths = sorted(path for path in MODELS.glob("*.py") if path.stem != "__init__")
    heads: list[str] = []
    out: dict[str, list[Path]] = {}
    for path in paths:
        head = next((h for h in heads if path.stem.startswith(f"{h}_")), path.stem)
        if head == path.stem:
            heads.append(head)
        out.setdefault(head, []).append(path)
    return out


def logical_lines(path: Path) -> int:
    """Statements but docstrings and the constants of the module, which are data."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    data = {node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)}
    words = {
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
    return sum(
        isinstance(node, ast.stmt) and node not in data and node not in words
        for node in ast.walk(tree)
    )


def home(name: str) -> str:
    """The member's module of a registered model."""
    model = next(each for each in ALL_MODELS if each.spec.name == name)
    module = type(model).__module__
    if module.startswith(PACKAGE):
        return module.removeprefix(PACKAGE)
    # A member of a family is a declaration: the module that holds it is named for its venue.
    stem = name.replace("-", "_")
    return stem if (MODELS / f"{stem}.py").is_file() else ""


def test_the_median_scan_model_is_a_few_lines() -> None:
    sizes = {}
    modules = stems()
    for model in ALL_MODELS:
        if model.spec.family in SCAN and model.spec.standing is Standing.ACTIVE:
            own = home(model.spec.name)
            sizes[model.spec.name] = sum(logical_lines(path) for path in modules.get(own, ()))
    assert len(sizes) >= 10
    print(sorted(sizes.items(), key=lambda item: item[1]))
    assert median(sizes.values()) <= LINES_MEDIAN_MAX


@pytest.mark.parametrize("member", stems())
def test_no_member_imports_another(member: str) -> None:
    own = {path.stem for path in stems()[member]}
    for path in stems()[member]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                assert (node.module or "").removeprefix(PACKAGE) in own, (
                    f"{path.name}: {node.module}"
                )
