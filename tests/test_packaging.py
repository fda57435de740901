"""What is built and what it asks for: the wheel holds its data, the locks cover pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.source import REPOSITORY, git

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
# Which extras each lock installs beside the core.
EXTRAS = {
    "run": ["files", "cli"],
    "dev": ["files", "cli", "dev"],
    "bench": ["files", "cli"],
    "peers": ["files", "cli"],
}


def pins(name: str) -> dict[str, str]:
    """Pinned version of every package of a lock."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text("utf-8")
    found = re.findall(r"^([\w.\-]+)==([^\s;]+)", text, flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def wanted(name: str) -> list[Requirement]:
    """What pyproject.toml and the lock's own list ask for."""
    lines = list(PROJECT["dependencies"])
    for extra in EXTRAS[name]:
        lines += PROJECT["optional-dependencies"][extra]
    for file in ("build", name):
        path = REPOSITORY / "requirements" / f"{file}.in"
        if path.exists():
            lines += [line for line in path.read_text().splitlines() if line[:1] not in {"", "#"}]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_lock_covers_what_is_asked_for(name: str) -> None:
    found = pins(name)
    for requirement in wanted(name):
        version = found.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {name}.txt: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


@pytest.mark.parametrize("name", ["dev", "bench", "peers"])
def test_locks_agree_on_the_common_packages(name: str) -> None:
    run, other = pins("run"), pins(name)
    assert run.items() <= other.items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_pin_has_a_hash_and_no_lock_names_an_index(lock: Path) -> None:
    text = lock.read_text("utf-8")
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        assert re.match(r"[\w.\-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    for line in text.splitlines():
        assert re.match(r"[\w.\-]+==|    (--hash=sha256:|# via|#   )", line), line


def test_extra_all_brings_every_feature() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    features = set(extras) - {"all", "dev"}
    assert Requirement(everything).extras == features


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built as a release would be."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "src")
    if listed is None:
        pytest.skip("not a clone: nothing to compare with")
    expected = {name.removeprefix("src/") for name in listed if (REPOSITORY / name).exists()}
    assert inside == expected
    assert "crossmargin/py.typed" in inside


def test_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    names = {
        name.split(".dist-info/")[1]: name for name in wheel.namelist() if ".dist-info/" in name
    }
    facts = Parser().parsestr(wheel.read(names["METADATA"]).decode())
    assert facts["Name"] == "crossmargin"
    assert facts["License-Expression"] == "Apache-2.0"
    assert facts["Requires-Python"] == ">=3.11"
    assert "licenses/LICENSE" in names
    assert b"crossmargin = crossmargin.interfaces.cli:main" in wheel.read(names["entry_points.txt"])
