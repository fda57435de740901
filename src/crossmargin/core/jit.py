"""One way to compile: lazily, serially, without the GIL, and into a cache that cannot go stale.

Numba is imported when a kernel is first called, never when a module is imported, so that a command
pays only for the kernels that it uses. A kernel names the types of its arguments; arrays are
C-contiguous and read-only unless marked ``out``, and a read-only type accepts writable arrays too.

Numba's own cache looks at the file of the outermost function only: after an edit in a helper that
lives elsewhere it would serve the old machine code. Here the folder of the cache is named by a hash
of every source and constant that the kernel reaches, of the numba version and of the processor.

Fast-math is everything but reassociation: the exponential's rounding trick needs ``(x + M) - M``
to stay as written. It includes ``nnan`` and ``ninf``: inside a kernel ``isfinite`` is always true,
so callers check their numbers in NumPy first.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

__all__ = [
    "FAST_MATH",
    "Helper",
    "Kernel",
    "MachineCode",
    "cache_folder",
    "helper",
    "kernel",
    "machine_code",
]

FAST_MATH = frozenset({"contract", "nsz", "nnan", "ninf", "arcp"})
CACHE_VARIABLE = "CROSSMARGIN_CACHE_DIR"

_compile_lock = threading.RLock()


def cache_folder() -> Path | None:
    """Where compiled kernels are kept: ``CROSSMARGIN_CACHE_DIR``, else the user's cache folder.

    The only place that reads this from the environment. None where the machine names no home.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen) / "kernels"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.environ.get("HOME", "") and os.environ["HOME"] + "/Library/Caches"
    else:
        home = os.environ.get("HOME")
        base = os.environ.get("XDG_CACHE_HOME") or (home and home + "/.cache")
    if not base:
        return None
    return Path(base) / "crossmargin" / "kernels"


class Helper:
    """A function that kernels call; it is compiled into each of them and has no Python entry."""

    __slots__ = ("_compiled", "function")

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self._compiled: Any = None

    def compiled(self) -> Any:
        """The Numba function, made on first need."""
        if self._compiled is None:
            import numba  # costs 0.4 s: only when something is compiled

            self._compiled = numba.njit(
                fastmath=set(FAST_MATH), error_model="numpy", nogil=True, forceinline=True
            )(_bound(self.function))
        return self._compiled


class MachineCode:
    """A function whose LLVM code is written by hand, where no loop gives the wanted registers.

    ``factory`` imports numba and returns a Numba intrinsic; it runs on first need.
    """

    __slots__ = ("_compiled", "factory", "options")

    def __init__(self, factory: FunctionType, options: tuple[object, ...]) -> None:
        self.factory = factory
        self.options = options
        self._compiled: Any = None

    def compiled(self) -> Any:
        """The Numba intrinsic, made on first need."""
        if self._compiled is None:
            self._compiled = self.factory(*self.options)
        return self._compiled


class Kernel:
    """A compiled array function. ``run`` is the fast entry; calling the object is the same thing.

    Before the first call ``run`` compiles (or loads) and then replaces itself by Numba's own
    entry, so that later calls cost one attribute look-up more than a bare Numba function.
    """

    __slots__ = ("function", "run", "signature")

    def __init__(self, function: FunctionType, signature: str) -> None:
        self.function = function
        self.signature = signature
        self.run: Callable[..., Any] = self._first_run

    def __call__(self, *arguments: Any) -> Any:
        """The same as ``run``."""
        return self.run(*arguments)

    def _first_run(self, *arguments: Any) -> Any:
        return self.compile()(*arguments)

    def compile(self) -> Callable[..., Any]:
        """Compile, or load from the cache; idempotent and safe from several threads."""
        with _compile_lock:
            if self.run == self._first_run:
                self.run = _compile(self.function, self.signature)
        return self.run


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate an array function: ``@kernel("f8[:,:], i4[:], f8, out f8[:]")``.

    Types are ``f8``, ``i8``, ``i4``, ``i2``, ``i1``, ``b1``, alone or as an array of one, two or
    three dimensions; ``out`` marks an array that the kernel writes. The result type is inferred.
    """

    def decorate(function: Callable[..., Any]) -> Kernel:
        assert isinstance(function, FunctionType)
        return Kernel(function, signature)

    return decorate


def helper(function: Callable[..., Any]) -> Any:
    """Decorate a scalar function that kernels call; it is always inlined."""
    assert isinstance(function, FunctionType)
    return Helper(function)


def machine_code(factory: Callable[..., Any], *options: object) -> Any:
    """Machine code by ``factory(*options)``, to be called from kernels and helpers by its name."""
    assert isinstance(factory, FunctionType)
    return MachineCode(factory, options)


def _names(code: CodeType) -> set[str]:
    """Global names that a function reads, nested code included."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _bound(function: FunctionType) -> FunctionType:
    """The same function, with the helpers that it names replaced by their Numba functions."""
    scope = dict(function.__globals__)
    for name in sorted(_names(function.__code__)):
        if isinstance(scope.get(name), (Helper, MachineCode)):
            scope[name] = scope[name].compiled()
    twin = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    twin.__module__ = function.__module__
    twin.__qualname__ = function.__qualname__
    return twin


def _reach(function: FunctionType, files: set[str], constants: dict[str, str]) -> None:
    """Collect the files and the module constants that a function's machine code depends on."""
    files.add(function.__code__.co_filename)
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, Helper):
            _reach(value.function, files, constants)
        elif isinstance(value, MachineCode):
            files.add(value.factory.__code__.co_filename)
            constants[f"{function.__module__}.{name}"] = repr(value.options)
        elif isinstance(value, (bool, int, float, str, tuple)):
            constants[f"{function.__module__}.{name}"] = repr(value)


def _stamp(function: FunctionType) -> str:
    """Hash of all sources and constants behind a kernel, of numba and of the processor."""
    import llvmlite.binding as llvm  # part of numba, which is being imported anyway
    import numba

    files = {__file__}
    constants: dict[str, str] = {}
    _reach(function, files, constants)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(Path(path).read_bytes())
    machine = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    digest.update(repr((sorted(constants.items()), numba.__version__, machine)).encode())
    return digest.hexdigest()[:20]


def _types(signature: str) -> tuple[Any, ...]:
    """Numba types of a signature such as ``"f8[:,:], i4[:], f8, out f8[:]"``."""
    from numba import types

    scalars = {
        "f8": types.float64,
        "i8": types.int64,
        "i4": types.int32,
        "i2": types.int16,
        "i1": types.int8,
        "b1": types.boolean,
    }
    result: list[Any] = []
    for word in signature.replace("[:,:,:]", "@3").replace("[:,:]", "@2").split(","):
        text = word.strip().replace("[:]", "@1")
        writable = text.startswith("out ")
        name, _, dimensions = text.removeprefix("out ").partition("@")
        scalar = scalars[name]
        if dimensions:
            result.append(types.Array(scalar, int(dimensions), "C", readonly=not writable))
        else:
            result.append(scalar)
    return tuple(result)


def _writable(folder: Path) -> bool:
    """Whether files can be made there; the folder is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError:
        return False
    return True


def _compile(function: FunctionType, signature: str) -> Callable[..., Any]:
    """A dispatcher with exactly one compiled signature, from the cache where there is one."""
    types = _types(signature)
    root = cache_folder()
    if root is not None and _writable(folder := root / _stamp(function)):
        try:
            return _dispatcher(function, types, folder)
        except Exception:  # noqa: BLE001 - a full disk or a damaged file costs the cache, not the result; an error of the kernel itself comes again below
            pass
    return _dispatcher(function, types, None)


def _dispatcher(
    function: FunctionType, types: tuple[Any, ...], folder: Path | None
) -> Callable[..., Any]:
    numba: Any = import_module("numba")  # untyped: its settings are attributes made at run time
    made = numba.njit(fastmath=set(FAST_MATH), error_model="numpy", nogil=True)(_bound(function))
    if folder is not None:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder)  # read once, while the cache is attached
        try:
            made.enable_caching()
        finally:
            numba.config.CACHE_DIR = previous
    made.compile(types)
    made.disable_compile()
    dispatcher: Callable[..., Any] = made
    return dispatcher
