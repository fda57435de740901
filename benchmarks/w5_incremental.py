"""W5: one trade, and one tick of 120 instruments with all who hold them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.machine import Limits
from benchmarks.options import shocked_chain
from benchmarks.populations import positions
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, latencies, one_processor
from benchmarks.w7_what_if import INSIDE, in_kernel, raw_worst
from crossmargin.pricing.netting import worst
from crossmargin.pricing.revalue import revalue_kernel

__all__ = ["run"]

SCENARIOS = 96
TOUCHED = 120
INSTRUMENTS = 1500


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Latencies of single calls, on one processor."""
    del limits
    with one_processor():
        _trade(report, settings)
        _tick(report, settings)
        _holders(report, settings)


def _trade(report: Report, settings: Settings) -> None:
    """The account's P&L vector plus one trade, and its worst again.

    There is no kernel of its own for this: the held vector is netted as one more instrument.
    """
    rng = np.random.default_rng(5)
    held, row = rng.standard_normal(SCENARIOS), rng.standard_normal(SCENARIOS)
    pnl = np.stack([held, row])
    column = np.array([0, 1], np.int32)
    quantity = np.array([1.0, -2.5])
    ours = raw_worst(np.array([0, 2], np.int64), column, quantity, pnl)
    expected = max(-float((held - 2.5 * row).min()), 0.0)
    found = ours()
    if not abs(found - expected) <= 1e-12 * max(expected, 1.0):
        raise WrongValue(f"W5: the loss after a trade is {found!r}, expected {expected!r}")

    def in_numpy() -> float:
        return -float((held + row * -2.5).min())

    inside = in_kernel(np.array([0, 2], np.int64), column, quantity, pnl)
    if not inside() == found:
        raise WrongValue("W5: the same kernels give another loss when compiled code calls them")
    calls: list[tuple[str, Callable[[], object]]] = [
        ("crossmargin, compiled caller", inside),
        ("crossmargin, kernels", ours),
        ("NumPy", in_numpy),
    ]
    made = latencies(calls, settings, inside={calls[0][0]: INSIDE})
    case = f"one trade, {SCENARIOS} scenarios"
    report.latency("W5", case, made)
    inner, numpy_us = made["crossmargin, compiled caller"], made["NumPy"].p50_us
    report.goal("W5", f"{case}: in the kernel, p50", 0.4, inner.p50_us, "µs", at_least=False)
    report.goal("W5", f"{case}: in the kernel, p99", 1.0, inner.p99_us, "µs", at_least=False)
    for name, how in (("crossmargin, compiled caller", "in the kernel"), (calls[1][0], "called")):
        text = f"{case}: {how}, against NumPy"
        report.goal("W5", text, 8.0, numpy_us / made[name].p50_us, "×", reason=_DISPATCH)


_DISPATCH = (
    "two kernel calls of 7 and 10 arguments from Python: unpacking the arguments is most of it; "
    "there is no kernel for one trade"
)


def _tick(report: Report, settings: Settings) -> None:
    """120 instruments of a chain repriced in all scenarios."""
    chain = shocked_chain(np.random.default_rng(6), TOUCHED, SCENARIOS)
    arguments = chain.arguments()
    revalue_kernel.run(*arguments)
    gap = np.abs(np.asarray(arguments[-1]) - chain.reference()).max() / chain.forward_e.max()
    if not gap <= 2e-14:
        raise WrongValue(f"W5: repriced values differ by {gap:.1e} of the forward")
    calls: list[tuple[str, Callable[[], object]]] = [
        ("crossmargin", lambda: revalue_kernel.run(*arguments)),
        ("SciPy", chain.reference),
    ]
    made = latencies(calls, settings, count=2_500)
    case = f"one tick of {TOUCHED} instruments × {SCENARIOS}"
    report.latency("W5", case, made)
    p50 = made["crossmargin"].p50_us
    report.goal("W5", f"{case}: p50", 40.0, p50, "µs", at_least=False)
    report.goal("W5", f"{case}: against SciPy", 10.0, made["SciPy"].p50_us / p50, "×")


def _holders(report: Report, settings: Settings) -> None:
    """The same tick, then the worst of every account that holds one of them (most do)."""
    rng = np.random.default_rng(7)
    accounts = settings.size(100_000, 5_000)
    chain = shocked_chain(rng, INSTRUMENTS, SCENARIOS)
    whole = chain.arguments()
    revalue_kernel.run(*whole)
    table = np.asarray(whole[-1])
    base = table[:, :1].copy()
    pnl = table - base
    row, column = positions(rng, accounts, 60, INSTRUMENTS)
    quantity = rng.standard_normal(column.size)
    first = INSTRUMENTS // 2
    touched = slice(first, first + TOUCHED)
    tick = list(chain.part(first, first + TOUCHED).arguments())
    tick[-1] = pnl[touched]
    hit = np.zeros(INSTRUMENTS, np.bool_)
    hit[touched] = True
    owners = np.flatnonzero(np.logical_or.reduceat(hit[column], row[:-1]))
    keep = np.isin(np.repeat(np.arange(accounts), 60), owners)
    starts = np.arange(0, 60 * len(owners) + 1, 60, dtype=np.int64)
    held = (starts, np.ascontiguousarray(column[keep]), np.ascontiguousarray(quantity[keep]))

    def call() -> None:
        revalue_kernel.run(*tick)
        np.subtract(pnl[touched], base[touched], out=pnl[touched])
        worst(*held, pnl, SCENARIOS, trusted=True)

    call()
    candidates = [Candidate(OURS, call, float(accounts))]
    timings = interleaved(candidates, settings)
    case = f"tick and its {len(owners)} holders of {accounts} accounts, one core"
    rates = report.compare("W5", case, "M accounts/s", timings, candidates)
    wanted = 105.0 * accounts / 100_000
    report.goal("W5", case, wanted, accounts / rates[OURS] / 1e3, "ms", at_least=False)
