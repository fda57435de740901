"""Tools that keep a margin from rising when it is hardest to find, and what they cost.

Every tool takes a series of margins ``[T]``, oldest first, positive, one a day, and gives what is
charged ``[T]``. None knows a margin of a later day: what is charged on a day follows from that day
and earlier ones. They compose: one's output is another's input.

Sources: Commission Delegated Regulation (EU) 153/2013, Article 28 (buffer of 25 %, stressed weight
of 25 %, floor of a ten-year look-back); Murphy, Vasios and Vause, An investigation into the
procyclicality of risk-based initial margin models, Bank of England, 2014 (peak to trough and n-day
increase) and A comparative analysis of tools to limit the procyclicality of initial margin
requirements, 2016; ESMA, final report on the same article, 2023.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.core.jit import kernel
from crossmargin.statistics.checks import number, numbers, series
from crossmargin.statistics.ordered import total

__all__ = [
    "Cover",
    "Procyclicality",
    "capped",
    "clip_kernel",
    "clipped_path",
    "cover",
    "exhaustible_buffer",
    "floored",
    "largest_increase",
    "peak_to_trough",
    "procyclicality",
    "slow_release",
    "speed_limited",
    "stressed_weight",
]


@kernel("f8[:], f8, f8, out f8[:]")
def clip_kernel(wanted: Any, up: Any, down: Any, out: Any) -> None:
    """``out[t] = min(max(wanted[t], out[t-1] (1 - down)), out[t-1] (1 + up))``."""
    charged = wanted[0]
    for t in range(wanted.shape[0]):
        charged = min(max(wanted[t], charged * (1.0 - down)), charged * (1.0 + up))
        out[t] = charged


@dataclass(frozen=True, slots=True)
class Procyclicality:
    """How a margin moves: ratios and relative increases, all without unit.

    ``increase_n`` is the largest relative rise over at most n days, 0 where it never rises.
    """

    peak_to_trough: float
    increase_1: float
    increase_5: float
    increase_30: float
    deviation_of_log_change: float


@dataclass(frozen=True, slots=True)
class Cover:
    """What a charged margin did against the losses of the days that followed.

    ``shortfall`` is the sum of losses beyond the margin, ``largest_shortfall`` the worst of them,
    in the margin's unit; ``over_margin`` is the mean of charged over needed less one.
    """

    days: int
    breaches: int
    shortfall: float
    largest_shortfall: float
    over_margin: float


def floored(margin: npt.ArrayLike, floor: npt.ArrayLike) -> Floats:
    """``max(M_t, F)``: F is one number or a series ``[T]``, such as a long look-back's margin."""
    m = _margin(margin)
    return np.maximum(m, _level(floor, m, "floor"))


def capped(margin: npt.ArrayLike, cap: npt.ArrayLike) -> Floats:
    """``min(M_t, C)``."""
    m = _margin(margin)
    return np.minimum(m, _level(cap, m, "cap"))


def stressed_weight(
    margin: npt.ArrayLike, stress: npt.ArrayLike, share: float = 0.25, *, at_least: bool = False
) -> Floats:
    """``(1 - b) M_t + b S``; ``at_least`` keeps it from falling below ``M_t`` in a stress."""
    m = _margin(margin)
    b = _share(share)
    mixed = (1.0 - b) * m + b * _level(stress, m, "stress")
    return np.maximum(mixed, m) if at_least else np.asarray(mixed)


def exhaustible_buffer(margin: npt.ArrayLike, buffer: float = 0.25) -> Floats:
    """``c_t = min(max(c_{t-1}, M_t), (1 + a) M_t)`` from ``c_0 = (1 + a) M_0``.

    In calm times a is charged on top; a rising margin first uses it up.
    """
    m = _margin(margin)
    a = number(buffer, "buffer", above=-1e-300)
    out = np.empty_like(m)
    charged = (1.0 + a) * m[0]
    for t, needed in enumerate(m.tolist()):
        charged = min(max(charged, needed), (1.0 + a) * needed)
        out[t] = charged
    return out


def speed_limited(margin: npt.ArrayLike, growth: float) -> Floats:
    """``c_t = min(M_t, c_{t-1} (1 + g))`` from ``c_0 = M_0``: never above M, so it may fall short.

    What it falls short by is in :func:`cover` against M itself.
    """
    m = _margin(margin)
    g = number(growth, "growth", above=-1e-300)
    return clipped_path(m, up=g, down=1.0)


def slow_release(margin: npt.ArrayLike, fall: float) -> Floats:
    """``c_t = max(M_t, c_{t-1} (1 - f))`` from ``c_0 = M_0``: rises at once, falls slowly."""
    m = _margin(margin)
    return clipped_path(m, up=math.inf, down=_share(fall))


def clipped_path(wanted: npt.ArrayLike, *, up: float, down: float) -> Floats:
    """``c_t = clip(W_t, c_{t-1} (1 - down), c_{t-1} (1 + up))`` from ``c_0 = W_0``: the step cap.

    ``up`` at least 0 and may be infinite; ``down`` from 0 to 1, where 1 lets it fall at once.
    """
    w = _margin(wanted)
    if not up >= 0.0:
        raise InputError("number_out_of_range", "up is refused", value=up, limit="0 or more")
    _share(down)
    out = np.empty_like(w)
    clip_kernel.run(w, float(up), float(down), out)
    return out


def peak_to_trough(margin: npt.ArrayLike) -> float:
    """The largest over the smallest margin of the whole series."""
    m = _margin(margin)
    return float(m.max() / m.min())


def largest_increase(margin: npt.ArrayLike, days: int) -> float:
    """``max over t and 1 <= k <= days of M_{t+k} / M_t - 1``; 0 where it never rises."""
    m = _margin(margin)
    if days < 1:
        raise InputError("number_out_of_range", "days is refused", value=days, limit="1 or more")
    steps = range(1, min(days, len(m) - 1) + 1)
    rises = [float((m[k:] / m[:-k]).max()) - 1.0 for k in steps]
    return max(0.0, *rises) if rises else 0.0


def procyclicality(margin: npt.ArrayLike) -> Procyclicality:
    """The metrics of a series of three days or more.

    The deviation of ``ln(M_t / M_{t-1})`` is the sample's: about its mean, over one less.
    """
    m = _margin(margin, least=3)
    change = np.diff(np.log(m))
    gap = change - float(total(change)) / len(change)
    return Procyclicality(
        peak_to_trough(m),
        largest_increase(m, 1),
        largest_increase(m, 5),
        largest_increase(m, 30),
        math.sqrt(float(total(gap * gap)) / (len(gap) - 1)),
    )


def cover(
    charged: npt.ArrayLike, loss: npt.ArrayLike, needed: npt.ArrayLike | None = None
) -> Cover:
    """Losses ``[T]`` (positive where money is lost) against the margin held when they came.

    ``charged[t]`` must have been known before ``loss[t]`` arose. ``needed [T]`` is the margin that
    ``over_margin`` is measured by; left out, it is the charged one and nothing is over.
    """
    held, lost = _margin(charged), series(loss, "loss")
    if held.shape != lost.shape:
        raise InputError(
            "shape_wrong", "loss and margin differ", value=lost.shape, limit=f"{held.shape}"
        )
    beyond = np.maximum(lost - held, 0.0)
    base = held if needed is None else _level(needed, held, "needed")
    return Cover(
        len(held),
        int((lost > held).sum()),
        float(total(beyond)),
        float(beyond.max()),
        float(total(held / base)) / len(held) - 1.0,
    )


def _margin(values: npt.ArrayLike, least: int = 1) -> Floats:
    """One series of positive numbers."""
    m = series(values, "margin", least=least)
    if m.ndim != 1:
        raise InputError("shape_wrong", "a margin is one series", value=m.shape, limit="[T]")
    return numbers(m, "margin", above=0.0)


def _level(values: npt.ArrayLike, margin: Floats, what: str) -> Floats:
    """One positive number, or one a day."""
    level = numbers(values, what, above=0.0)
    if level.ndim and level.shape != margin.shape:
        raise InputError(
            "shape_wrong", f"{what} and margin differ", value=level.shape, limit=f"{margin.shape}"
        )
    return level


def _share(value: float) -> float:
    return number(value, "share", above=-1e-300, below=1.0 + 1e-15)
