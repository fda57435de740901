"""Scenario tables of Derive PMRM_2: the two skews, the floor on vol, static discounts."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.derive_scenarios import SKEWS, vol_factors
from crossmargin.margin.families.derive_scenarios import scenario_set as family_set
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import PAYLOAD_DERIVE_PM2
from crossmargin.margin.pools import is_kind
from crossmargin.market.view import View
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["option_discount", "scenario_set", "static_discounts"]


def scenario_set(part: Instruments, view: View, parameters: Parameters, table: str) -> ScenarioSet:
    """The scenarios of a manager in its own order: (spot factor, vol kind, dampening).

    The shocked vol has a floor where it goes up. Raises ModelError ``parameter_out_of_bounds`` for
    a row that is none of these. A skew scenario multiplies each strike's vol and does not move the
    forward of the options.
    """
    given = parameters.rows(f"{table}.scenarios", PAYLOAD_DERIVE_PM2)
    rows = [(float(row[0]), str(row[1]), float(row[2])) for row in given]
    kinds = [row[1] for row in rows]
    skewed = any(kind in SKEWS for kind in kinds)
    return family_set(
        part,
        view,
        rows,
        vol_factors(view, parameters, table),
        discount=option_discount(view),
        least_vol_up=parameters.number(f"{table}.min_vol_up_shock"),
        strike_factor=_skew(part, view, parameters, table, kinds) if skewed else None,
    )


def option_discount(view: View) -> Floats:
    """[E] ``exp(-max(rate, 0) tau)``: every option is valued with it."""
    root = np.sqrt(view.life_ms / YEAR_MS)
    discount: Floats = np.exp(-np.maximum(view.rate, 0.0) * root * root)
    return discount


def _skew(
    part: Instruments, view: View, parameters: Parameters, table: str, kinds: list[str]
) -> Floats:
    """[I,C] multiples of vol by strike in the skew scenarios, in their order; 1 beside options.

    ``cap = c sqrt(tau) + base``, ``k* = max(min k*, sqrt(tau) width volParam)``,
    ``1 + clip(k cap / k*)`` with ``k = ln(K/F)`` (linear) or its size (abs), floored at 0.
    """

    def of(name: str) -> float:
        return parameters.number(f"{table}.skew.{name}")

    skews = [kind for kind in kinds if kind in SKEWS]
    out = np.ones((len(part), len(skews)))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
    expiry = part.expiry[rows]
    root = np.sqrt(view.life_ms / YEAR_MS)[expiry]
    forward = (view.forward + view.forward_settled)[expiry]
    vol_param = of("vol_param_static") + root * of("vol_param_scale")
    k_star = np.maximum(of("min_k_star"), root * of("width_scale") * vol_param)
    k_linear = np.log(part.strike[rows] / forward)
    for s, kind in enumerate(skews):
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
