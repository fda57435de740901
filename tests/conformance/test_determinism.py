"""The same bits twice, and in a process with other hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from crossmargin.conformance.world import answering
from crossmargin.margin import ALL_MODELS
from tests.conformance.fingerprint import fingerprints

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def elsewhere(seed: int) -> list[str]:
    places = os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.fingerprint"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_two_runs_have_the_same_bits() -> None:
    first = fingerprints()
    assert len(set(first)) == len(answering(ALL_MODELS))
    assert fingerprints() == first


def test_another_process_with_other_hashes_has_the_same_bits() -> None:
    assert elsewhere(1) == elsewhere(4711) == fingerprints()
