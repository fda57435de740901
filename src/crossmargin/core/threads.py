"""The door to threads: serial kernels that release the GIL, mapped over blocks of rows.

A block's result depends on its rows alone, and results come back in order, so no bit depends on
the number of threads or on the size of a block.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from crossmargin.core.errors import InputError

__all__ = ["BLOCK", "blocks", "map_blocks", "processors"]

BLOCK = 4096  # rows: large enough that a call's overhead is nothing, small enough for two threads

_Result = TypeVar("_Result")


def processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def blocks(rows: int, block: int = BLOCK) -> list[tuple[int, int]]:
    """``(low, high)`` of consecutive blocks that cover ``0 .. rows``; none for no rows."""
    if block < 1:
        raise InputError(
            "number_out_of_range", "a block holds at least one row", value=block, limit="1 or more"
        )
    return [(low, min(low + block, rows)) for low in range(0, rows, block)]


def map_blocks(
    task: Callable[[int, int], _Result], rows: int, *, block: int = BLOCK, threads: int = 1
) -> list[_Result]:
    """``task(low, high)`` for each block, results in order.

    One thread runs in the caller; more use a pool that lives for this call. The first error of
    a task, in the order of blocks, is raised.
    """
    parts = blocks(rows, block)
    if threads < 1:
        raise InputError(
            "number_out_of_range", "threads must be positive", value=threads, limit="1 or more"
        )
    if threads == 1 or len(parts) <= 1:
        return [task(low, high) for low, high in parts]
    from concurrent.futures import ThreadPoolExecutor  # only a population needs it

    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        return list(pool.map(lambda part: task(*part), parts))
