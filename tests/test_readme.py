"""The documents: their commands and code run, and what they copy is what the program says now."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from crossmargin.conformance.recorded import read
from crossmargin.conformance.suite import CHECKS, PARAMETER_CHECKS, REFUSAL_CHECKS
from crossmargin.interfaces.cli import main
from crossmargin.margin.model import Extent
from crossmargin.margin.register import ALL_MODELS, model_named
from tests.tidy.source import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
RENEW = "make docs"
# Commands that set up environments, and those whose files a reader has to bring.
NOT_RUN = re.compile(r"make |crossmargin market import chain|crossmargin margin book[.]csv")


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, content) of every fenced block of a language."""
    pattern = re.compile(rf"```{language}\n(.*?)```", re.S)
    return [
        (page.name, content)
        for page in PAGES
        for content in pattern.findall(page.read_text("utf-8"))
    ]


COMMANDS = [
    (page, line.removeprefix("$ "))
    for page, content in blocks("console")
    for line in content.splitlines()
    if line.startswith("$ ") and not NOT_RUN.match(line.removeprefix("$ "))
]


@pytest.fixture(scope="module")
def renewal() -> ModuleType:
    """The script that writes what the documents copy."""
    place = REPOSITORY / "scripts" / "renew_docs.py"
    spec = importlib.util.spec_from_file_location("renew_docs", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda value: value)
def test_commands_run(
    page: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # what a command writes stays here
    program, *arguments = shlex.split(command, comments=True)
    assert program == "crossmargin"
    assert main(arguments) == 0, capsys.readouterr().err


@pytest.mark.parametrize(("page", "code"), blocks("python"), ids=lambda value: value[:12])
def test_code_runs(page: str, code: str) -> None:
    exec(compile(code, page, "exec"), {})


def test_the_readme_shows_what_the_program_prints(renewal: ModuleType) -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    assert renewal.MARK in text
    assert "cash to" in text
    assert renewal.renewed(text) == text, f"README.md is out of date: {RENEW}"


@pytest.mark.parametrize("model", [model.spec.name for model in ALL_MODELS])
def test_the_page_of_a_model_is_current(model: str, renewal: ModuleType) -> None:
    page = REPOSITORY / "docs" / "models" / f"{model}.md"
    text = page.read_text("utf-8")
    assert text == renewal.model_page(model, text), f"{page.name}: {RENEW}"


def test_the_hand_written_part_of_a_page_is_kept(renewal: ModuleType) -> None:
    begin, end = renewal.BY_HAND
    hand = f"{begin}\nWhat a person knows of it.\n{end}\n"
    page = renewal.model_page("fixed-rate", f"# old title\n\n{hand}\nold\n")
    assert hand in page
    assert "old" not in page.replace("older", "")
    assert renewal.model_page("fixed-rate", page) == page


@pytest.mark.parametrize("model", [model.spec.name for model in ALL_MODELS])
def test_the_recorded_promises_are_those_of_the_suite(model: str) -> None:
    record = read(model)
    if model_named(model).spec.formula_unknown:
        assert record.asked == len(REFUSAL_CHECKS), RENEW
        assert record.broken == (), RENEW
    elif model_named(model).spec.extent is Extent.REFUSED:
        assert record.asked == 0
    else:
        assert record.asked == len(CHECKS) + len(PARAMETER_CHECKS), RENEW
        assert record.broken == (), RENEW


def test_every_flag_of_the_command_line_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = (REPOSITORY / "docs" / "command-line.md").read_text("utf-8")
    commands = "margin,compare,models,conform,verify,probe,market import,market show,market check"
    commands += ",parameters diff,parameters import,parameters check,whatif,check,watch"
    commands += ",exit,account,collateral,unified,liquidation,liquidate,netting,allocate,protect"
    commands += ",rebalance,hedge-cost,optimise,rank"
    commands += ",rebalance,hedge-cost,frontier"
    commands += ",rebalance,hedge-cost,attribute"
    for command in commands.split(","):
        assert main([*command.split(), "--help"]) == 0
        flags = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--output"}
        assert flags <= set(re.findall(r"--[a-z][a-z-]+", text)) | {"--help", "--no-json"}, command


def test_the_readme_names_every_model() -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    for model in ALL_MODELS:
        assert f"docs/models/{model.spec.name}.md" in text


def test_renewing_changes_only_marked_blocks(renewal: ModuleType) -> None:
    plain = "```console\n$ crossmargin models\n```\n"
    assert renewal.renewed(plain) == plain
    marked = renewal.renewed(f"{renewal.MARK}\n{plain}")
    assert "deribit-spm" in marked
    assert renewal.renewed(marked) == marked


def test_pages_exist() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "books.md", "results.md"}
    assert all(isinstance(page, Path) for page in PAGES)
