"""The packages that a user has today, each behind the same call: values, Greeks, implied vols.

A peer that is not installed, or that fails, becomes a candidate with the reason why it has no time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.options import Options
from benchmarks.timing import Candidate

__all__ = ["attempt", "greek_peers", "implied_peers", "value_peers"]

Floats = npt.NDArray[np.float64]
Result = Callable[[], Floats]
NO_RATE = 0.0


def attempt(
    name: str, make: Callable[[], Result], units: float, error_of: Callable[[Floats], float]
) -> Candidate:
    """A candidate whose first call has been made and compared with the reference."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = make()
            error = error_of(np.asarray(run(), dtype=np.float64))
    except ImportError as problem:
        return Candidate(name, _nothing, 0.0, failure=f"not installed ({problem.name})")
    except Exception as problem:  # noqa: BLE001 - a peer's fault is a line of the report, of whatever kind it is
        lines = str(problem).strip().splitlines() or [""]
        why = f"{type(problem).__name__}: {lines[0]}"[:120]
        return Candidate(name, _nothing, 0.0, failure=why)
    return Candidate(name, _quietly(run), units, error)


def value_peers(options: Options, few: int) -> list[Candidate]:
    """Black-76 values; ``few`` options for packages that take them one by one."""
    reference = options.values()
    scale = float(options.forward.max())

    def worst(values: Floats) -> float:
        return float(np.abs(values - reference[: len(values)]).max() / scale)

    part = options.head(few)
    size = float(len(options))
    return [
        attempt("iv-engine", lambda: _engine_values(options), size, worst),
        attempt("fast_vollib", lambda: _fast_values(options), size, worst),
        attempt("py_vollib_vectorized", lambda: _vectorized_values(options), size, worst),
        attempt("QuantLib, one by one", lambda: _quantlib_values(part), float(len(part)), worst),
    ]


def greek_peers(options: Options, few: int, reference: Floats) -> list[Candidate]:
    """Delta, gamma and vega per unit of volatility, ``[3, N]``, with what else a package gives."""

    def worst(values: Floats) -> float:
        expected = reference[:, : values.shape[1]]
        scale = np.abs(expected).max(axis=1, keepdims=True)
        return float((np.abs(values - expected) / scale).max())

    part = options.head(few)
    size = float(len(options))
    return [
        attempt("polars-greeks", lambda: _polars_greeks(options), size, worst),
        attempt("fast_vollib", lambda: _fast_greeks(options), size, worst),
        attempt("py_vollib_vectorized", lambda: _vectorized_greeks(part), float(few), worst),
        attempt("QuantLib, one by one", lambda: _quantlib_greeks(part), float(few), worst),
    ]


def implied_peers(price: Floats, options: Options, few: int) -> list[Candidate]:
    """Implied vols of out-of-the-money prices; the error is the largest relative one."""

    def worst(values: Floats) -> float:
        return float(np.abs(values / options.vol[: len(values)] - 1.0).max())

    part = options.head(few)
    size = float(len(options))
    return [
        attempt("iv-engine", lambda: _engine_implied(price, options), size, worst),
        attempt("fast_vollib", lambda: _fast_implied(price, options), size, worst),
        attempt("fast_vollib.jackel", lambda: _jackel_implied(price, options), size, worst),
        attempt("py_vollib_vectorized", lambda: _vectorized_implied(price[:few], part), few, worst),
        attempt("QuantLib, one by one", lambda: _quantlib_implied(price[:few], part), few, worst),
    ]


def _nothing() -> None:
    return None


def _quietly(run: Result) -> Result:
    """Warnings of a package are not what is timed."""
    warnings.simplefilter("ignore")
    return run


def _flags(options: Options) -> npt.NDArray[np.str_]:
    return np.where(options.call > 0.0, "c", "p")


def _zeros(options: Options) -> Floats:
    return np.zeros(len(options))


def _by_side(options: Options, one_side: Callable[[npt.NDArray[np.intp], bool], Floats]) -> Result:
    """For a package that takes calls or puts in one call, not both."""
    calls = np.flatnonzero(options.call > 0.0)
    puts = np.flatnonzero(options.call < 0.0)
    out = np.empty(len(options))

    def run() -> Floats:
        out[calls] = one_side(calls, True)
        out[puts] = one_side(puts, False)
        return out

    return run


def _engine_values(options: Options) -> Result:
    from iv_engine import black_prices

    columns = (options.forward, options.strike, options.years, options.vol)

    def one_side(rows: npt.NDArray[np.intp], call: bool) -> Floats:
        return np.asarray(black_prices(*(column[rows] for column in columns), call, False))

    return _by_side(options, one_side)


def _fast_values(options: Options) -> Result:
    from fast_vollib import fast_black

    flag, rate = _flags(options), _zeros(options)
    o = options
    return lambda: fast_black(flag, o.forward, o.strike, o.years, rate, o.vol, return_as="numpy")


def _vectorized_values(options: Options) -> Result:
    from py_vollib_vectorized import vectorized_black

    flag, rate = _flags(options), _zeros(options)
    o = options
    return lambda: vectorized_black(
        flag, o.forward, o.strike, o.years, rate, o.vol, return_as="numpy"
    )


def _quantlib_values(options: Options) -> Result:
    import QuantLib as ql  # noqa: N813 - the name that its users give it

    spread = (options.vol * np.sqrt(options.years)).tolist()
    sides = [ql.Option.Call if call > 0 else ql.Option.Put for call in options.call]
    rows = list(zip(sides, options.strike.tolist(), options.forward.tolist(), spread, strict=True))
    price = ql.blackFormula
    return lambda: np.array([price(*row) for row in rows])


def _polars_greeks(options: Options) -> Result:
    import polars as pl
    import polars_greeks

    table = pl.DataFrame(
        {
            "forward": options.forward,
            "strike": options.strike,
            "years": options.years,
            "vol": options.vol,
            "call": options.call > 0.0,
        }
    )
    names = ["delta", "gamma", "vega", "theta", "rho"]
    # no rate, and a yield of zero: the spot formula is the forward's
    columns = ("forward", "strike", "years", "vol", NO_RATE, NO_RATE, "call")
    expression = polars_greeks.df(*columns, greeks=names)

    def run() -> Floats:
        made = table.select(expression.alias("made")).unnest("made")
        return np.stack([made[name].to_numpy() for name in names[:3]])

    return run


def _fast_greeks(options: Options) -> Result:
    from fast_vollib import get_all_greeks

    flag, rate = _flags(options), _zeros(options)
    o = options

    def run() -> Floats:
        made = get_all_greeks(
            flag, o.forward, o.strike, o.years, rate, o.vol, model="black", return_as="dict"
        )
        return _three(made)

    return run


def _vectorized_greeks(options: Options) -> Result:
    from py_vollib_vectorized import get_all_greeks

    flag, rate = _flags(options), _zeros(options)
    o = options

    def run() -> Floats:
        made = get_all_greeks(
            flag, o.forward, o.strike, o.years, rate, o.vol, model="black", return_as="dict"
        )
        return _three(made)

    return run


def _three(made: dict[str, Floats]) -> Floats:
    """These packages quote vega per point of volatility."""
    delta, gamma, vega = (np.ravel(made[name]) for name in ("delta", "gamma", "vega"))
    return np.stack([delta, gamma, 100.0 * vega])


def _quantlib_greeks(options: Options) -> Result:
    import QuantLib as ql  # noqa: N813 - the name that its users give it

    spread = (options.vol * np.sqrt(options.years)).tolist()
    years = options.years.tolist()
    payoffs = [
        ql.PlainVanillaPayoff(ql.Option.Call if call > 0 else ql.Option.Put, strike)
        for call, strike in zip(options.call.tolist(), options.strike.tolist(), strict=True)
    ]
    rows = list(zip(payoffs, options.forward.tolist(), spread, years, strict=True))

    def run() -> Floats:
        out = np.empty((3, len(rows)))
        for n, (payoff, forward, deviation, life) in enumerate(rows):
            made = ql.BlackCalculator(payoff, forward, deviation)
            out[:, n] = made.delta(forward), made.gamma(forward), made.vega(life)
        return out

    return run


def _engine_implied(price: Floats, options: Options) -> Result:
    from iv_engine import implied_volatilities

    columns = (price, options.forward, options.strike, options.years)

    def one_side(rows: npt.NDArray[np.intp], call: bool) -> Floats:
        return np.asarray(implied_volatilities(*(c[rows] for c in columns), call, False))

    return _by_side(options, one_side)


def _fast_implied(price: Floats, options: Options) -> Result:
    from fast_vollib import fast_implied_volatility_black

    flag, rate = _flags(options), _zeros(options)
    o = options
    return lambda: fast_implied_volatility_black(
        price, o.forward, o.strike, rate, o.years, flag, on_error="ignore", return_as="numpy"
    )


def _jackel_implied(price: Floats, options: Options) -> Result:
    from fast_vollib.jackel import jackel_iv_black

    call, o = options.call > 0.0, options
    return lambda: np.asarray(jackel_iv_black(price, o.forward, o.strike, o.years, call))


def _vectorized_implied(price: Floats, options: Options) -> Result:
    from py_vollib_vectorized import vectorized_implied_volatility_black

    flag, rate = _flags(options), _zeros(options)
    o = options
    return lambda: vectorized_implied_volatility_black(
        price, o.forward, o.strike, rate, o.years, flag, on_error="ignore", return_as="numpy"
    )


def _quantlib_implied(price: Floats, options: Options) -> Result:
    import QuantLib as ql  # noqa: N813 - the name that its users give it

    root = np.sqrt(options.years)
    sides = [ql.Option.Call if call > 0 else ql.Option.Put for call in options.call]
    lists = (options.strike.tolist(), options.forward.tolist(), price.tolist())
    rows = list(zip(sides, *lists, strict=True))
    solve = ql.blackFormulaImpliedStdDev
    return lambda: np.array([solve(*row) for row in rows]) / root
