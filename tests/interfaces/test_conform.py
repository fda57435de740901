"""Conformance of a package outside, from an installed crossmargin; a planted fault is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.conformance.sensitivity import sensitivity
from crossmargin.conformance.suite import CHECKS, PARAMETER_CHECKS
from crossmargin.conformance.world import subject_of
from crossmargin.core.errors import InputError
from crossmargin.interfaces.conform import card_figures
from crossmargin.margin import model_named
from tests.external import VECTORS, install
from tests.tidy.source import REPOSITORY


def command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`crossmargin` in a process that finds the package, and not this repository's tests."""
    paths = os.pathsep.join([str(place), str(REPOSITORY / "src")])
    return subprocess.run(
        [sys.executable, "-m", "crossmargin", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONOPTIMIZE": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def conformed(place: Path, *more: str) -> tuple[int, dict[str, Any]]:
    done = command(place, "conform", "crossmargin-example", "--json", *more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def plant(place: Path, old: str, new: str) -> None:
    code = place / "crossmargin_example/models.py"
    text = code.read_text("utf-8")
    assert old in text
    code.write_text(text.replace(old, new), encoding="utf-8")


def test_a_package_outside_is_conformed_with_its_card(tmp_path: Path) -> None:
    status, found = conformed(install(tmp_path), "--vectors", str(VECTORS))
    assert status == 0
    (card,) = found["models"]
    assert card["model"] == "example-flat"
    assert card["broken"] == 0
    assert len(card["promises"]) >= 29
    assert [(r["kind"], r["cases"], r["numbers"]) for r in card["vectors"]] == [
        ("official example", 1, 1),
        ("ours", 1, 2),
    ]
    assert all(row["worst_error"] < 1e-12 for row in card["vectors"])
    (reading,) = card["sensitivity"]
    assert reading["rules"] == ["charge"]
    # The world's perpetuals are marked 4 basis points above their index, and some are inverse.
    assert abs(reading["largest_fraction"]) == pytest.approx(4e-4, rel=1e-3)
    assert -4e-4 <= reading["low_fraction"] <= 0.0 <= reading["high_fraction"] <= 4.1e-4
    assert card["unknown"] == ["whether notional is at mark or at index (two readings)"]


def test_the_card_is_shown(tmp_path: Path) -> None:
    done = command(install(tmp_path), "conform", "example-flat")
    assert done.returncode == 0
    asked = len(CHECKS) + len(PARAMETER_CHECKS)
    for text in (f"{asked} of {asked} kept", "reading.base", "share of notional", "not known"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "promise"),
    [
        ("total.long[:, 0] - total.short[:, 0]", "total.long[:, 0] + total.short[:, 0]", "sane"),
        ('"mm", gross * param', '"mm", 1.0 + gross * param', "empty_book"),
        ('"mm", gross * param', '"mm", np.cumsum(gross) * param', "neighbours"),
        ("order_margin(need, base)", "0.0 * base", "worst_fill"),
        ("row_sums(held", "row_sum(held", "sensitivity"),
        ('readings={"reading.base": ("mark", "index")}', "readings={}", "rules_are_declared"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, old: str, new: str, promise: str) -> None:
    place = install(tmp_path)
    plant(place, old, new)
    status, found = conformed(place)
    assert status == 1
    broken = [each for each in found["models"][0]["promises"] if each["fault"]]
    assert any(promise in each["promise"] for each in broken)


def test_a_vector_that_differs_is_a_fault(tmp_path: Path) -> None:
    place = install(tmp_path)
    own = place / "own"
    own.mkdir()
    text = (VECTORS / "flat.vectors.json").read_text("utf-8").replace("12800.0", "12800.1")
    (own / "flat.vectors.json").write_text(text, encoding="utf-8")
    status, found = conformed(place, "--vectors", str(own))
    assert status == 1
    (row,) = [r for r in found["models"][0]["vectors"] if r["failed"]]
    assert "im is 12800.0, expected 12800.1" in row["failed"][0]
    assert row["worst_error"] == pytest.approx(0.1 / 12800.1)


def test_what_cannot_be_run_has_status_2(tmp_path: Path) -> None:
    place = install(tmp_path)
    plant(place, "import numpy as np", "import no_such_package")
    status, found = conformed(place)
    assert status == 2
    assert "no_such_package" in found["failures"][0]["reason"]
    nobody = command(place, "conform", "no-such-thing")
    assert nobody.returncode == 2
    assert "model_unknown" in nobody.stderr
    bare = command(place, "conform", "fixed-rate", "--vectors", "nowhere")
    assert bare.returncode == 2
    assert "file_unreadable" in bare.stderr


def test_without_assertions_nothing_is_judged(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-m", "crossmargin", "conform", "fixed-rate"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "-O" in done.stdout + done.stderr


def test_models_of_other_packages_are_listed_and_faults_named(tmp_path: Path) -> None:
    good = "example-flat = crossmargin_example.models:ExampleFlat"
    place = install(tmp_path, entries=f"{good}\nbad = crossmargin_example.models:Bad")
    done = command(place, "models", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["models"][-1]["model"] == "example-flat"
    assert found["models"][-1]["package"] == "crossmargin_example"
    assert found["failures"][0]["code"] == "model_unusable"
    one = command(place, "models", "example-flat")
    assert one.returncode == 0
    assert "at mark or at index" in one.stdout


def test_a_built_in_model_has_its_card_as_a_function() -> None:
    result = xm.conform("fixed-rate")
    assert result.status == 0
    assert result.to_dict()["models"][0]["extent"] == "complete"
    with pytest.raises(InputError):
        xm.conform("numpy")


def test_rules_without_rivals_are_named() -> None:
    subject = subject_of(model_named("paradex-pm"))
    card = card_figures(subject, sensitivity(subject))
    assert card["unmeasured"] == ["fee_provision", "order_margin"]
    assert [row["reading"] for row in card["sensitivity"]] == ["reading.min_vol_shock"]


def test_a_model_that_refuses_without_a_payload_is_run_with_it(tmp_path: Path) -> None:
    place = install(tmp_path)
    plant(place, "        standard=", "        extent=Extent.REFUSED,\n        standard=")
    plant(place, "    Fidelity,\n", "    Extent,\n    Fidelity,\n")
    status, found = conformed(place)
    assert status == 2
    assert found["models"] == []
    assert "payload" in found["failures"][0]["reason"]
    own = place / "crossmargin_example/parameters/flat/2026-01-01.toml"
    status, found = conformed(place, "--params", str(own))
    assert status == 0
    assert found["models"][0]["extent"] == "refused"
