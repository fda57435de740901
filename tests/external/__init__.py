"""An example of a package outside this one, and what installs it for a test."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE / "vectors"


def install(
    folder: Path,
    name: str = "crossmargin-example",
    entries: str = "example-flat = crossmargin_example.models:ExampleFlat",
) -> Path:
    """Put the package and its metadata into a folder, as an installer does; the folder."""
    package = folder / "crossmargin_example"
    if not package.exists():
        shutil.copytree(HERE / "crossmargin_example", package)
    information = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    information.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    (information / "METADATA").write_text(metadata, encoding="utf-8")
    text = f"[crossmargin.models]\n{entries}\n"
    (information / "entry_points.txt").write_text(text, encoding="utf-8")
    return folder
