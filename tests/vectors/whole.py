"""Cases that need what the rest of their file says: each with the whole content beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Content = dict[str, Any]
Found = Iterator[tuple[str, Any]]


def parametrise_whole(
    metafunc: pytest.Metafunc, pattern: str, cases: Callable[[Content], Found]
) -> None:
    """Give a test that asks for ``whole`` (content, case) of every file that matches.

    ``cases`` yields a label and a case of one file's content. Skipped, with the reason, where the
    folder has no such file.
    """
    if "whole" not in metafunc.fixturenames:
        return
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    rows = []
    for path in sorted(folder.glob(pattern)):
        content = json.loads(path.read_text(encoding="utf-8"))
        rows += [
            pytest.param((content, case), id=f"{path.stem}-{label}")
            for label, case in cases(content)
        ]
    if not rows:
        why = f"no case in {pattern} of the --vectors folder {folder.name}"
        rows = [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=why))]
    metafunc.parametrize("whole", rows)
