"""Sparse sums that stay in vector registers: hand-written LLVM for the two innermost loops.

A loop over positions around a loop over scenarios makes the compiler load and store every partial
sum once per position. Here the partial sums of up to eight vectors live in registers while the
positions of one row go by, one fused multiply-add with a memory operand each. That is 1.5 times
the plain loop, and it makes the order of the additions explicit: position after position, the same
for every tile width and every processor width (LLVM splits a vector that is too wide).
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.jit import machine_code

__all__ = [
    "LANES",
    "MOST",
    "NARROW",
    "aligned",
    "copy_tile",
    "first_at_most",
    "least",
    "net_tile",
    "sum_tile",
]

LANES = 8  # scenarios in a vector of a risk array
MOST = 8  # vectors that fit into registers beside the rest
NARROW = 4  # columns in a vector of a table of sums


def aligned(shape: int | tuple[int, ...]) -> Floats:
    """Empty float64 that starts at a cache line: an AVX-512 load then touches one line, not two."""
    count = math.prod(shape) if isinstance(shape, tuple) else shape
    room = np.empty(count + LANES)
    start = -(room.__array_interface__["data"][0] // 8) % LANES
    return room[start : start + count].reshape(shape)


def _tools(lanes: int) -> Any:
    """The few LLVM pieces that both loops need, for vectors of ``lanes`` doubles."""
    from llvmlite import ir

    cgutils: Any = import_module("numba.core.cgutils")  # untyped
    vector = ir.VectorType(ir.DoubleType(), lanes)

    class Tools:
        type_ = vector
        zero = ir.Constant(vector, [0.0] * lanes)

        @staticmethod
        def data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
            return context.make_array(kind)(context, builder, array).data

        @staticmethod
        def place(builder: Any, data: Any, at: Any) -> Any:
            return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())

        @classmethod
        def load(cls, builder: Any, data: Any, at: Any) -> Any:
            value = builder.load(cls.place(builder, data, at))
            value.align = 8  # rows of NumPy arrays promise no more
            return value

        @classmethod
        def store(cls, builder: Any, value: Any, data: Any, at: Any) -> None:
            builder.store(value, cls.place(builder, data, at)).align = 8

        @staticmethod
        def fill(builder: Any, scalar: Any) -> Any:
            undefined = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
            mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return builder.shuffle_vector(first, undefined, mask)

        @classmethod
        def accumulators(cls, builder: Any, count: int) -> list[Any]:
            """Stack slots that LLVM turns into registers, set to zero."""
            slots = [cgutils.alloca_once(builder, vector) for _ in range(count)]
            for slot in slots:
                builder.store(cls.zero, slot)
            return slots

        @staticmethod
        def positions(builder: Any, begin: Any, end: Any) -> Any:
            return cgutils.for_range(builder, end, start=begin)

        @staticmethod
        def position(builder: Any, column: Any, quantity: Any, j: Any, stride: Any) -> Any:
            """The offset of position ``j``'s row in the table, and its quantity in every lane."""
            name = builder.sext(builder.load(builder.gep(column, [j])), stride.type)
            amount = builder.load(builder.gep(quantity, [j]))
            return builder.mul(name, stride), Tools.fill(builder, amount)

    return Tools


def _intrinsic(name: str, arguments: str, result: str, generate: Any) -> Any:
    """A Numba intrinsic of arrays as they come (``a``), int64 (``i``) and float64 (``f``)."""
    from inspect import Parameter, Signature

    from numba import types
    from numba.extending import intrinsic

    scalars = {"i": types.int64, "f": types.float64, "": types.void}

    def typed(_: Any, *kinds: Any) -> Any:
        words = arguments.split()
        wanted = [scalars.get(word, kind) for word, kind in zip(words, kinds, strict=True)]
        return scalars[result](*wanted), generate

    typed.__name__ = name
    # numba reads names, not a starred argument
    names = ["typing", *(f"argument_{n}" for n in range(len(arguments.split())))]
    typed.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_ONLY) for n in names])  # type: ignore[attr-defined]  # functions take it
    return intrinsic(typed)


def _net_tile(most: int) -> Any:
    """Intrinsic: ``out[at + k] = sum_j quantity[j] * table[column[j] * stride + offset + k]``.

    For ``k`` below ``8 * vectors`` and ``j`` in ``begin .. end``, added in the order of ``j``;
    ``vectors`` is 1 to ``most``, a loop for each. Arguments: vectors, out, at, table, stride,
    offset, column, quantity, begin, end; arrays are flat.
    """
    tools = _tools(LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        out, table, column, quantity = (
            tools.data(context, builder, kinds[n], args[n]) for n in (1, 3, 6, 7)
        )
        vectors, at, stride, offset, begin, end = (args[n] for n in (0, 2, 4, 5, 8, 9))
        steps = [at.type(LANES * k) for k in range(most)]

        def tile(width: int) -> None:
            totals = tools.accumulators(builder, width)
            with tools.positions(builder, begin, end) as loop:
                row, amount = tools.position(builder, column, quantity, loop.index, stride)
                start = builder.add(row, offset)
                for step, total in zip(steps, totals, strict=False):
                    cells = tools.load(builder, table, builder.add(start, step))
                    product = builder.fmul(amount, cells, flags=("contract",))
                    more = builder.fadd(builder.load(total), product, flags=("contract",))
                    builder.store(more, total)
            for step, total in zip(steps, totals, strict=False):
                tools.store(builder, builder.load(total), out, builder.add(at, step))

        done = builder.append_basic_block("done")
        choice = builder.switch(vectors, done)
        for width in range(1, most + 1):
            block = builder.append_basic_block(f"tile{width}")
            choice.add_case(width, block)
            builder.position_at_end(block)
            tile(width)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return _intrinsic("net_tile", "i a i a i i a a i i", "", generate)


def _copy_tile() -> Any:
    """Intrinsic: ``8 * vectors`` cells from ``table[offset ..]`` to ``out[at ..]``.

    Arguments: vectors, out, at, table, offset; arrays are flat.
    """
    tools = _tools(LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        vectors, _, at, _, offset = args
        out, table = (tools.data(context, builder, kinds[n], args[n]) for n in (1, 3))
        with tools.positions(builder, vectors.type(0), vectors) as loop:
            step = builder.mul(loop.index, at.type(LANES))
            cells = tools.load(builder, table, builder.add(offset, step))
            tools.store(builder, cells, out, builder.add(at, step))
        return context.get_dummy_value()

    return _intrinsic("copy_tile", "i a i a i", "", generate)


def _sum_tile() -> Any:
    """Intrinsic: net, long and short sums of one vector of four columns.

    With ``x = quantity[j] * table[column[j] * stride + offset + k]`` for ``k`` below 4:
    ``net[at + k] = sum x``, ``long[at + k] = sum max(x, 0)``, ``short[at + k] = sum min(x, 0)``.
    Arguments: net, long, short, at, table, stride, offset, column, quantity, begin, end.
    """
    tools = _tools(NARROW)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        *outs, table, column, quantity = (
            tools.data(context, builder, kinds[n], args[n]) for n in (0, 1, 2, 4, 7, 8)
        )
        at, stride, offset, begin, end = (args[n] for n in (3, 5, 6, 9, 10))
        totals = tools.accumulators(builder, 3)
        with tools.positions(builder, begin, end) as loop:
            row, amount = tools.position(builder, column, quantity, loop.index, stride)
            cells = tools.load(builder, table, builder.add(row, offset))
            x = builder.fmul(amount, cells)
            gain = builder.fcmp_ordered(">", x, tools.zero)
            parts = (x, builder.select(gain, x, tools.zero), builder.select(gain, tools.zero, x))
            for part, total in zip(parts, totals, strict=True):
                builder.store(builder.fadd(builder.load(total), part), total)
        for total, out in zip(totals, outs, strict=True):
            tools.store(builder, builder.load(total), out, at)
        return context.get_dummy_value()

    return _intrinsic("sum_tile", "a a a i a i i a a i i", "", generate)


def _least() -> Any:
    """Intrinsic: the least of ``cells[at .. at + 8 * vectors]``; at least one vector."""
    from llvmlite import ir

    cgutils: Any = import_module("numba.core.cgutils")  # untyped
    tools = _tools(LANES)

    def smaller(builder: Any, a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", b, a), b, a)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        cells = tools.data(context, builder, signature.args[0], args[0])
        _, at, vectors = args
        slot = cgutils.alloca_once_value(builder, tools.load(builder, cells, at))
        with cgutils.for_range(builder, vectors, start=vectors.type(1)) as loop:
            place = builder.add(at, builder.mul(loop.index, at.type(LANES)))
            found = tools.load(builder, cells, place)
            builder.store(smaller(builder, builder.load(slot), found), slot)
        lanes = builder.load(slot)
        for half in (4, 2, 1):
            mask = [(lane + half) % LANES for lane in range(LANES)]
            turned = ir.Constant(ir.VectorType(ir.IntType(32), LANES), mask)
            lanes = smaller(builder, lanes, builder.shuffle_vector(lanes, lanes, turned))
        return builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))

    return _intrinsic("least", "a i i", "f", generate)


def _first_at_most() -> Any:
    """Intrinsic: the first ``k`` with ``cells[at + k] <= edge``; there is one."""
    from llvmlite import ir

    tools = _tools(LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        cells = tools.data(context, builder, signature.args[0], args[0])
        _, at, edge = args
        edges = tools.fill(builder, edge)
        entry = builder.block
        search = builder.append_basic_block("search")
        done = builder.append_basic_block("done")
        builder.branch(search)
        with builder.goto_block(search):
            place = builder.phi(at.type)
            place.add_incoming(at, entry)
            under = builder.fcmp_ordered("<=", tools.load(builder, cells, place), edges)
            bits = builder.bitcast(under, ir.IntType(LANES))
            after = builder.add(place, at.type(LANES))
            place.add_incoming(after, builder.block)
            some = builder.icmp_unsigned("!=", bits, bits.type(0))
            builder.cbranch(some, done, search)
        builder.position_at_end(done)
        lane = builder.cttz(builder.zext(bits, at.type), ir.Constant(ir.IntType(1), 1))
        return builder.add(builder.sub(place, at), lane)

    return _intrinsic("first_at_most", "a i f", "i", generate)


net_tile = machine_code(_net_tile, MOST)
copy_tile = machine_code(_copy_tile)
sum_tile = machine_code(_sum_tile)
least = machine_code(_least)
first_at_most = machine_code(_first_at_most)
