"""The numbers that ship for coins are those that the script makes of the recorded history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "calibrate_sensitivities.py"
SHIPPED = REPOSITORY / "src/crossmargin/margin/parameters/sensitivities/2026-08-22.toml"


def test_committed_numbers_are_what_the_script_makes(market_dir: Path) -> None:
    made = subprocess.run(
        [sys.executable, str(SCRIPT), str(market_dir)], capture_output=True, check=True, text=True
    )
    assert made.stdout == SHIPPED.read_text(encoding="utf-8")


def test_without_a_folder_it_says_what_it_is() -> None:
    made = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, check=False, text=True
    )
    assert made.returncode == 2
    assert "FOLDER" in made.stdout
