"""Scenario tables of Derive PMRM_2: vol shocks, the two skews, static discounts."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import PAYLOAD_DERIVE_PM2
from crossmargin.margin.pools import is_kind
from crossmargin.market.view import View
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = ["scenario_set", "static_discounts"]


def scenario_set(
    part: Instruments,
    view: View,
    parameters: Parameters,
    table: str,
    only: tuple[tuple[float, str, float], ...] | None = None,
) -> ScenarioSet:
    """The scenarios of a manager in its own order: (spot factor, vol kind, dampening).

    Vol up: ``max(floor, vol (1 + range (30 d / max(T, floor))^p))``; down likewise without floor.
    Raises ModelError ``parameter_out_of_bounds`` for a row that is none of these.
    A skew scenario multiplies each strike's vol and does not move the forward of the options.
    """
    rows: list[Any] = (
        list(only)
        if only is not None
        else parameters.rows(f"{table}.scenarios", PAYLOAD_DERIVE_PM2)
    )
    spot = np.array([float(row[0]) for row in rows])
    kinds = [str(row[1]) for row in rows]
    shape = (len(part.expiries), len(rows))
    root = np.sqrt(view.life_ms / YEAR_MS)
    up, down = _vol_factors(view, parameters, table)
    factor, floor = np.ones(shape), np.zeros(shape)
    move = np.broadcast_to(spot, shape).copy()
    for s, kind in enumerate(kinds):
        if kind == "up":
            factor[:, s], floor[:, s] = up, parameters.number(f"{table}.min_vol_up_shock")
        elif kind == "down":
            factor[:, s] = down
        elif kind in ("linear", "abs"):
            move[:, s] = 1.0  # the forward of a skew scenario stays where it is
    skews = [s for s, kind in enumerate(kinds) if kind in ("linear", "abs")]
    strike_factor = _skew(part, view, parameters, table, kinds) if skews else None
    return ScenarioSet(
        label=tuple(_label(row) for row in rows),
        move=frozen(spot - 1.0, np.float64),
        vol_label=tuple({"none": "same"}.get(kind, kind) for kind in kinds),
        spot=frozen(np.broadcast_to(spot, (len(part.pairs), len(rows))), np.float64),
        forward=shocked_forwards(view.forward, view.forward_settled, move),
        vol_factor=frozen(factor * root[:, None], np.float64),
        vol_shift=frozen(np.zeros(shape), np.float64),
        vol_floor=frozen(floor * root[:, None], np.float64),
        discount=frozen(np.exp(-np.maximum(view.rate, 0.0) * root * root), np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen([float(row[2]) for row in rows], np.float64),
        reflect=frozen([kind in ("linear", "abs") for kind in kinds], np.bool_),
        strike_factor=strike_factor,
    )


def _label(row: Any) -> str:
    move, kind, damp = float(row[0]) - 1.0, str(row[1]), float(row[2])
    name = {"none": "same"}.get(kind, kind)
    if kind in ("linear", "abs"):
        text = f"skew {kind}"
        text += f", spot {100.0 * move:+.4g} %" if move != 0.0 else ""
    else:
        text = f"{100.0 * move:+.4g} %, vol {name}"
    return text if damp == 1.0 else f"{text}, x{damp:.4g}"


def _vol_factors(view: View, parameters: Parameters, table: str) -> tuple[Floats, Floats]:
    """[E] multiples of vol, up and down."""
    scale = power_scale(
        view.life_ms / DAY_MS,
        parameters.number(f"{table}.short_term_power"),
        parameters.number(f"{table}.long_term_power"),
        parameters.number(f"{table}.dte_floor_days"),
    )
    up = 1.0 + parameters.number(f"{table}.vol_range_up") * scale
    down = np.maximum(1.0 - parameters.number(f"{table}.vol_range_down") * scale, 0.0)
    return up, down


def _skew(
    part: Instruments, view: View, parameters: Parameters, table: str, kinds: list[str]
) -> Floats:
    """[I,S] multiples of vol by strike; 1 outside the skew scenarios.

    ``cap = c sqrt(tau) + base``, ``k* = max(min k*, sqrt(tau) width volParam)``,
    ``1 + clip(k cap / k*)`` with ``k = ln(K/F)`` (linear) or its size (abs), floored at 0.
    """

    def of(name: str) -> float:
        return parameters.number(f"{table}.skew.{name}")

    out = np.ones((len(part), len(kinds)))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
    expiry = part.expiry[rows]
    root = np.sqrt(view.life_ms / YEAR_MS)[expiry]
    forward = (view.forward + view.forward_settled)[expiry]
    vol_param = of("vol_param_static") + root * of("vol_param_scale")
    k_star = np.maximum(of("min_k_star"), root * of("width_scale") * vol_param)
    k_linear = np.log(part.strike[rows] / forward)
    for s, kind in enumerate(kinds):
        if kind not in ("linear", "abs"):
            continue
        cap = of(f"{kind}_c_base") * root + of(f"{kind}_base_cap")
        k = k_linear if kind == "linear" else np.abs(k_linear)
        tilt = k * cap / k_star
        bounded = np.where(k >= 0.0, np.minimum(cap, tilt), np.maximum(-cap, tilt))
        out[rows, s] = np.maximum(1.0 + bounded, 0.0)
    return frozen(out, np.float64)


def static_discounts(view: View, parameters: Parameters, table: str) -> tuple[Floats, Floats]:
    """[E] factors on a positive and on a negative net value of an expiry.

    ``long exp(-tau (rate mult + add))``; ``min(short exp(+tau (rate mult + add)), 1 / D)``.
    """

    def of(name: str) -> float:
        return parameters.number(f"{table}.{name}")

    years = view.life_ms / YEAR_MS
    rate = np.maximum(view.rate, 0.0)
    long = of("long_static_discount") * np.exp(
        -years * (rate * of("long_rate_mult") + of("long_rate_add"))
    )
    grown = of("short_static_discount") * np.exp(
        years * (rate * of("short_rate_mult") + of("short_rate_add"))
    )
    return long, np.minimum(grown, np.exp(rate * years))
