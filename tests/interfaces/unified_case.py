"""The sample of three venues, joined once for all tests that only read it; files of our own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from crossmargin.interfaces.unified import UnifiedResult, unified
from crossmargin.sample import unified_path


@cache
def sample() -> UnifiedResult:
    """``sample:three-venues``."""
    return unified("sample:three-venues")


def copied(folder: Path, *changes: tuple[str, str]) -> Path:
    """The sample's files in a folder, with texts of the first one changed."""
    source = unified_path()
    for each in source.parent.glob("three-venues*"):
        (folder / each.name).write_bytes(each.read_bytes())
    place = folder / source.name
    text = place.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    place.write_text(text, "utf-8")
    return place


# The sample's loan by its numbers: terms in the file in place of the protocol's model.
BY_TERMS = (
    ('model = "aave-v3"\nparams = "three-venues-aave.toml"\n', 'venue = "lending-pool"\n'),
    ("quantity = 118\n", "quantity = 118\nltv = 0.805\nthreshold = 0.83\n"),
)
