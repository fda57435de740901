"""The set-up script: the way it takes on an interpreter, and what it says where none is left."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.tidy.source import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "environment.py"
_spec = importlib.util.spec_from_file_location("environment", SCRIPT)
environment = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(environment)


@pytest.mark.parametrize(
    ("modules", "first"),
    [
        ({"venv", "ensurepip", "pip"}, "venv"),
        ({"venv", "ensurepip"}, "venv"),
        ({"venv", "pip"}, "venv+pip"),
        ({"venv", "virtualenv"}, "virtualenv"),
        ({"pip"}, "pip"),
    ],
)
def test_the_best_way_that_the_interpreter_offers(modules, first):
    assert environment.ways(modules.__contains__)[0] == first


@pytest.mark.parametrize("modules", [set(), {"venv"}, {"ensurepip"}])
def test_without_any_way_the_package_to_install_is_named(modules):
    with pytest.raises(environment.SetupError, match="install the package python3-venv"):
        environment.ways(modules.__contains__)


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 6, 15)])
def test_an_old_interpreter_is_refused(version):
    with pytest.raises(environment.SetupError, match=r"needs 3\.11 or newer"):
        environment.check_version(version)
    environment.check_version((3, 11, 0))


def test_a_command_line_that_names_no_environment_is_refused(capsys):
    assert environment.main([]) == 2
    assert environment.main(["production"]) == 2
    assert capsys.readouterr().err.startswith("usage:")


def test_an_unchanged_environment_is_left_alone(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    for name in ("run.txt", "pyproject.toml", "README.md"):
        (tmp_path / name).write_text("one==1\n")
    done: list[str] = []

    def create(name: str, folder: Path) -> None:
        done.append("create")
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        if not (folder / "bin" / "python").exists():
            (folder / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(environment, "create_first_possible", create)
    monkeypatch.setattr(environment, "install_locked", lambda *_: done.append("packages"))
    monkeypatch.setattr(environment, "install_project", lambda *_: done.append("project"))
    environment.set_up("run")
    assert done == ["create", "packages", "project"]
    environment.set_up("run")
    assert len(done) == 3
    (tmp_path / "README.md").write_text("changed\n")
    environment.set_up("run")
    assert done[3:] == ["project"]
    (tmp_path / "run.txt").write_text("one==2\n")
    environment.set_up("run")
    assert done[4:] == ["packages", "project"]
    stamp = tmp_path / ".venv-run" / "stamp"
    stamp.write_text(stamp.read_text().replace("python 3", "python 2"))
    environment.set_up("run")  # another interpreter: everything anew
    assert done[6:] == ["create", "packages", "project"]
