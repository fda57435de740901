"""The package as a program and as a lazy facade."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crossmargin as xm

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent / "src")}


def python(*arguments: str) -> str:
    """What a Python process prints."""
    done = subprocess.run(
        [sys.executable, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_python_m_is_the_command() -> None:
    assert python("-m", "crossmargin", "--version") == xm.__version__


def test_every_public_name_is_there() -> None:
    for name in xm.__all__:
        assert getattr(xm, name) is not None
    assert dir(xm) == sorted(xm.__all__)


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = xm.frobnicate


@pytest.mark.parametrize(
    "first",
    [
        "import crossmargin.margin.run",
        "from crossmargin.margin import model_named",
        "import crossmargin as xm; xm.margin; from crossmargin.margin.run import run",
    ],
)
def test_the_verb_keeps_its_name_beside_the_room(first: str) -> None:
    code = f"{first}\nimport crossmargin as xm\nprint(xm.margin.__module__, xm.margin.__name__)"
    assert python("-c", code) == "crossmargin.interfaces.verbs margin"


def test_the_room_is_importable() -> None:
    room = importlib.import_module("crossmargin.margin")
    assert room.model_named("deribit-spm").spec.name == "deribit-spm"
