"""What is shown of one account under the parametric model: Greeks, approximations, components."""

from __future__ import annotations

import math

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import SolverError
from crossmargin.margin.families.var_moves import known_coins
from crossmargin.margin.families.var_quadratic import (
    Level,
    Quadratic,
    additive,
    figure,
    gradient,
    shape_of,
    valid,
)
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.statistics.delta_gamma import delta_gamma_exact

__all__ = ["quadratic_details"]

APPROXIMATIONS = ("delta-normal", "delta-gamma-normal", "cornish-fisher")


def quadratic_details(
    priced: Priced,
    book: PoolBook,
    form: Quadratic,
    parts: Quadratic,
    levels: tuple[Level, Level],
    parameters: Parameters,
) -> tuple[Detail, ...]:
    """The tables of one account; ``levels`` are those of the value at risk and the shortfall."""
    covariance: Floats = priced.facts["covariance"]
    return (
        _greeks(form, covariance, parameters),
        _approximations(form, covariance, levels, parameters),
        _components(priced, book, form, parts, levels, parameters),
    )


def _greeks(form: Quadratic, covariance: Floats, parameters: Parameters) -> Detail:
    rows = []
    for k, coin in enumerate(known_coins(parameters)):
        rows.append(
            (
                coin,
                float(form.delta[0, 2 * k]),
                float(form.gamma[0, 2 * k, 2 * k]),
                float(form.delta[0, 2 * k + 1]),
                float(form.gamma[0, 2 * k, 2 * k + 1]),
                float(form.gamma[0, 2 * k + 1, 2 * k + 1]),
                math.sqrt(float(covariance[2 * k, 2 * k])),
                math.sqrt(float(covariance[2 * k + 1, 2 * k + 1])),
            )
        )
    return Detail(
        name="greeks",
        title="The expansion: dollars for relative moves",
        columns=(
            ("coin", "coin", "name"),
            ("delta_usd", "delta", "amount"),
            ("gamma_usd", "gamma", "amount"),
            ("vega_usd", "vega", "amount"),
            ("vanna_usd", "vanna", "amount"),
            ("volga_usd", "volga", "amount"),
            ("price_deviation_fraction", "price move", "fraction"),
            ("vol_deviation_fraction", "vol move", "fraction"),
        ),
        rows=tuple(rows),
        notes=(
            f"Time and funding over the horizon: {float(form.theta[0]):,.2f} dollars. "
            "Moves are one deviation over the horizon.",
        ),
    )


def _approximations(
    form: Quadratic, covariance: Floats, levels: tuple[Level, Level], parameters: Parameters
) -> Detail:
    """Every approximation beside the exact distribution of the quadratic form."""
    shape = shape_of(form, covariance)
    curved = np.array([False])
    rows: list[tuple[str | float | int | None, ...]] = []
    for name in APPROXIMATIONS:
        both = [float(figure(form, covariance, at, name)[0]) for at in levels]
        rows.append((name, *both))
    both = [float(additive(form, covariance, at, "cornish-fisher", curved)[0]) for at in levels]
    rows.append(("sum of the parts' shortfalls", *both))
    confidences = (parameters.number("level.var"), parameters.number("level.es"))
    rows.append(("exact", *_exact(form, covariance, confidences)))
    inside = "inside" if bool(valid(shape)[0]) else "outside"
    return Detail(
        name="approximations",
        title="Both figures by approximation",
        columns=(
            ("approximation", "approximation", "name"),
            ("value_at_risk_usd", "value at risk", "amount"),
            ("expected_shortfall_usd", "expected shortfall", "amount"),
        ),
        rows=tuple(rows),
        notes=(
            f"Skewness {float(shape.skewness[0]):.4f}, excess kurtosis "
            f"{float(shape.kurtosis[0]):.4f}: {inside} the domain of the Cornish-Fisher expansion.",
            "Exact is of the quadratic form, not of full revaluation.",
        ),
    )


def _exact(
    form: Quadratic, covariance: Floats, levels: tuple[float, float]
) -> tuple[float | None, float | None]:
    theta = float(form.theta[0])
    try:
        found = [
            delta_gamma_exact(level, form.delta[0], form.gamma[0], covariance, theta)
            for level in levels
        ]
    except SolverError:
        return None, None
    return float(found[0].value_at_risk), float(found[1].expected_shortfall)


def _components(
    priced: Priced,
    book: PoolBook,
    form: Quadratic,
    parts: Quadratic,
    levels: tuple[Level, Level],
    parameters: Parameters,
) -> Detail:
    """Euler components of both figures under the chosen approximation."""
    how = str(parameters.get("form.approximation"))
    covariance: Floats = priced.facts["covariance"]
    var, es = (gradient(form, covariance, at, how, parts) for at in levels)
    part = priced.pool.instruments
    moves = (parts.theta != 0.0) | (parts.delta != 0.0).any(axis=1)
    moves = moves | (parts.gamma != 0.0).any(axis=(1, 2))
    rows = []
    for j in np.flatnonzero(moves).tolist():
        size = float(book.quantity[j])
        rows.append(
            (
                part.items[int(book.column[j])].native_id,
                size,
                float(var[j]) + 0.0,
                float(es[j]) + 0.0,
                float(es[j]) / size,
            )
        )
    total = math.fsum(float(row[3]) for row in rows)
    return Detail(
        name="components",
        title="What each position adds",
        columns=(
            ("position", "position", "name"),
            ("quantity", "quantity", "quantity"),
            ("component_var_usd", "component VaR", "amount"),
            ("component_es_usd", "component ES", "amount"),
            ("marginal_es_usd", "marginal ES a unit", "amount"),
        ),
        rows=tuple(rows),
        notes=(f"The components add up to a shortfall of {total:,.2f} dollars.",),
    )
