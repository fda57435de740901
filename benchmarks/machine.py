"""What this machine can do at most: multiply-adds, divides and reads a second, measured.

The loops are hand-written LLVM on vectors of eight doubles, with enough sums in registers that
neither latency nor the loop itself is what is measured.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

__all__ = ["Limits", "describe", "measure_limits"]

LANES = 8
SUMS = 12
KIB = 1024


@dataclass(frozen=True)
class Limits:
    """One core: operations a second (a fused multiply-add is one), bytes read a second."""

    fma_per_s: float
    divide_per_s: float
    l1_bytes_per_s: float
    l2_bytes_per_s: float
    l3_bytes_per_s: float
    dram_bytes_per_s: float
    sizes_kib: tuple[int, int, int, int]

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


def measure_limits(*, quick: bool = False) -> Limits:
    """Median of several runs of each loop on the processor that the caller has pinned."""
    arithmetic = _arithmetic()
    read = _read()
    repeats = 3 if quick else 9
    steps = 200_000 if quick else 2_000_000
    per_s = {}
    for name, loop in arithmetic.items():
        seconds = _median_s(lambda loop=loop: loop(steps, 0.999, 1e-3), repeats)
        per_s[name] = steps * LANES * SUMS / seconds
    l1, l2, l3 = _cache_kib()
    sizes = (l1 // 2, l2 // 2, max(l3 // 4, 4 * l2), (2 if quick else 8) * l3)
    speeds = []
    for size in sizes:
        array = np.ones(size * KIB // 8)
        passes = max(1, int((2e8 if quick else 2e9) / (size * KIB)))
        seconds = _median_s(lambda array=array, passes=passes: read(array, passes), repeats)
        speeds.append(array.size // (LANES * 8) * LANES * 8 * 8 * passes / seconds)
    return Limits(per_s["fma"], per_s["divide"], *speeds, sizes_kib=sizes)


def describe() -> dict[str, Any]:
    """Processor, operating system and versions of what was measured."""
    from importlib.metadata import PackageNotFoundError, version

    versions: dict[str, str] = {}
    names = "numpy scipy numba llvmlite fast-vollib iv-engine polars-greeks QuantLib"
    for name in f"{names} py-vollib-vectorized crossmargin".split():
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found: dict[str, str] = {}
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            found.setdefault(key.strip(), value.strip())
        family, model = found.get("cpu family", "?"), found.get("model", "?")
        return f"{found.get('model name', 'unknown')} (family {family}, model {model})"
    return platform.processor() or "unknown"


def _cache_kib() -> tuple[int, int, int]:
    """Data caches of a core; typical sizes where the system does not tell."""
    found = {1: 32, 2: 1024, 3: 32 * 1024}
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    for index in sorted(folder.glob("index*")) if folder.is_dir() else []:
        if (index / "type").read_text().strip() != "Instruction":
            text = (index / "size").read_text().strip()
            scale = {"K": 1, "M": 1024}[text[-1]]
            found[int((index / "level").read_text())] = int(text[:-1]) * scale
    return found[1], found[2], found[3]


def _median_s(call: Callable[[], object], repeats: int) -> float:
    """Seconds of processor time: what a busy neighbour takes away is not the machine's limit."""
    call()
    taken = []
    for _ in range(repeats):
        now = time.thread_time()
        call()
        taken.append(time.thread_time() - now)
    return median(taken)


def _arithmetic() -> dict[str, Callable[[int, float, float], float]]:
    """``x = x a + b`` and ``x = a / x`` on twelve vectors in registers."""
    import numba

    def loop_of(one_step: Any) -> Any:
        @numba.njit(nogil=True)
        def loop(steps, a, b):  # numba compiles it for the types of the first call
            return one_step(steps, a, b)

        return loop

    return {"fma": loop_of(_loop("fma")), "divide": loop_of(_loop("divide"))}


def _loop(kind: str) -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    vector = ir.VectorType(ir.DoubleType(), LANES)

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        steps, a, b = args
        wide_a, wide_b = (_fill(builder, ir, vector, value) for value in (a, b))
        slots = [cgutils.alloca_once(builder, vector) for _ in range(SUMS)]
        for n, slot in enumerate(slots):
            builder.store(ir.Constant(vector, [1.0 + 0.01 * n] * LANES), slot)
        with cgutils.for_range(builder, steps):
            for slot in slots:
                x = builder.load(slot)
                if kind == "fma":
                    product = builder.fmul(x, wide_a, flags=("contract",))
                    y = builder.fadd(product, wide_b, flags=("contract",))
                else:
                    y = builder.fdiv(wide_a, x)
                builder.store(y, slot)
        return _total(builder, ir, [builder.load(slot) for slot in slots])

    def one_step(typing, steps, a, b):  # noqa: ARG001 - numba reads the argument count only
        return types.float64(types.int64, types.float64, types.float64), generate

    return intrinsic(one_step)


def _read() -> Callable[[np.ndarray, int], float]:
    """Sums of an array, again and again: eight vectors a step."""
    import numba
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    vector = ir.VectorType(ir.DoubleType(), LANES)
    at_once = 8

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        slots = [cgutils.alloca_once(builder, vector) for _ in range(at_once)]
        for slot in slots:
            builder.store(ir.Constant(vector, [0.0] * LANES), slot)
        stride = args[1].type(LANES * at_once)
        with cgutils.for_range(builder, args[1]) as loop:
            first = builder.mul(loop.index, stride)
            for n, slot in enumerate(slots):
                place = builder.gep(array.data, [builder.add(first, first.type(LANES * n))])
                cells = builder.load(builder.bitcast(place, vector.as_pointer()))
                cells.align = 8
                builder.store(builder.fadd(builder.load(slot), cells), slot)
        return _total(builder, ir, [builder.load(slot) for slot in slots])

    def one_pass(typing, array, count):  # noqa: ARG001 - numba reads the argument count only
        return types.float64(array, types.int64), generate

    step = intrinsic(one_pass)

    @numba.njit(nogil=True)
    def read(array, passes):  # numba compiles it for the types of the first call
        total = 0.0
        for n in range(passes):
            array[0] = n  # a pass differs from the last one: no pass is left out
            total += step(array, array.size // (8 * 8))
        return total

    return read


def _fill(builder: Any, ir: Any, vector: Any, value: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, mask)


def _total(builder: Any, ir: Any, vectors: list[Any]) -> Any:
    total = vectors[0]
    for more in vectors[1:]:
        total = builder.fadd(total, more)
    result = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
    for n in range(1, LANES):
        lane = builder.extract_element(total, ir.Constant(ir.IntType(32), n))
        result = builder.fadd(result, lane)
    return result
