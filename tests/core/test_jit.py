"""Kernels compile lazily, take read-only arrays, and never run stale machine code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.core import jit
from crossmargin.core.jit import Kernel, cache_folder, helper, kernel

SCALE = 3.0


@helper
def scaled(x: Any) -> Any:
    """x times the module's constant."""
    return x * SCALE


@kernel("f8[:], i4[:], f8, b1, out f8[:]")
def gather(values: Any, index: Any, factor: Any, negate: Any, out: Any) -> Any:
    """Scaled values at an index; the number of cells."""
    for n in range(index.size):
        x = scaled(values[index[n]]) * factor
        out[n] = -x if negate else x
    return index.size


def run(kernel_: Kernel = gather) -> list[float]:
    values, index, out = np.arange(4.0), np.array([3, 1], np.int32), np.empty(2)
    values.flags.writeable = False
    assert kernel_.run(values, index, 2.0, True, out) == 2
    return out.tolist()


def fresh() -> Kernel:
    """The same kernel, not compiled."""
    return Kernel(gather.function, gather.signature)


def test_a_kernel_runs_and_takes_read_only_arrays() -> None:
    assert run() == [-18.0, -6.0]
    out = np.empty(2)
    gather(np.arange(4.0), np.array([0, 2], np.int32), 1.0, False, out)
    assert out.tolist() == [0.0, 6.0]


@pytest.mark.parametrize(
    "arguments",
    [
        (np.arange(4, dtype=np.float32), np.zeros(2, np.int32), 1.0, False, np.empty(2)),
        (np.arange(8.0)[::2], np.zeros(2, np.int32), 1.0, False, np.empty(2)),
        (np.arange(4.0), np.zeros(2, np.int64), 1.0, False, np.empty(2)),
        (np.arange(4.0), np.zeros(2, np.int32), 1.0, False, np.empty((2, 1))),
    ],
)
def test_other_types_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="No matching definition"):
        gather.run(*arguments)


def test_a_read_only_output_is_refused() -> None:
    out = np.empty(2)
    out.flags.writeable = False
    with pytest.raises(TypeError, match="No matching definition"):
        gather.run(np.arange(4.0), np.zeros(2, np.int32), 1.0, False, out)


def test_importing_a_kernel_module_does_not_import_numba() -> None:
    code = (
        "import sys, crossmargin.pricing.revalue, crossmargin.pricing.fold\n"
        "import crossmargin.pricing.greeks, crossmargin.pricing.sums\n"
        "assert not {'numba', 'scipy'} & set(sys.modules)"
    )
    source = str(Path(jit.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": source})


def test_compiled_code_is_kept_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSMARGIN_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path / "kernels"
    assert run(fresh()) == [-18.0, -6.0]
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb*")}
    assert files
    assert run(fresh()) == [-18.0, -6.0]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb*")} == files


def test_an_edited_constant_or_helper_is_not_served_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSMARGIN_CACHE_DIR", str(tmp_path))
    assert run(fresh()) == [-18.0, -6.0]
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    monkeypatch.setattr(scaled, "_compiled", None)
    assert run(fresh()) == [-30.0, -10.0]
    monkeypatch.undo()
    monkeypatch.setattr(scaled, "_compiled", None)


def test_a_damaged_cache_costs_the_cache_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSMARGIN_CACHE_DIR", str(tmp_path))
    run(fresh())
    for path in tmp_path.rglob("*.nb*"):
        path.write_bytes(path.read_bytes()[:50])
    assert run(fresh()) == [-18.0, -6.0]


def test_a_folder_that_cannot_be_written_costs_the_cache_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("CROSSMARGIN_CACHE_DIR", str(blocked))
    assert run(fresh()) == [-18.0, -6.0]


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CROSSMARGIN_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() is None
    assert run(fresh()) == [-18.0, -6.0]


def test_an_error_in_a_kernel_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @kernel("f8[:]")
    def wrong(values: Any) -> Any:
        """Not a thing that compiles."""
        return values.no_such_attribute

    monkeypatch.setenv("CROSSMARGIN_CACHE_DIR", str(tmp_path))
    with pytest.raises(Exception, match="no_such_attribute"):
        wrong(np.zeros(1))
