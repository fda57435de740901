"""The command verify: a venue's reply against ours."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import show, working

__all__ = ["FIT_TOLERANCE", "register", "verify"]

# Roundings of a venue's own sums; rival readings part by far more.
FIT_TOLERANCE = 1e-9

Venue = Annotated[str, Parameter(help="Venue whose reply it is.")]
Reply = Annotated[str | None, Parameter(help="The reply, alone or with request and tickers: JSON.")]
FitTo = Annotated[
    str | None,
    Parameter(name="--fit", help="Answers to probes: name the reading that holds in all of them."),
]
Output = Annotated[
    str | None,
    Parameter(name=["--output", "-o"], help="With --fit: dated parameter file to write."),
]
Market = Annotated[
    str | None,
    Parameter(name="--market", help="Snapshot that fills what the reply does not hold."),
]
At = Annotated[str | None, Parameter(name="--at", help="Time of a reply that carries none.")]
Changes = Annotated[
    list[str] | None,
    Parameter(name="--set", help="NAME=VALUE: change a parameter or a reading.", negative=""),
]
Tolerance = Annotated[
    float,
    Parameter(name="--tolerance", help="Share by which a number may differ; default 0."),
]
Contribute = Annotated[
    str | None,
    Parameter(name="--contribute", help="Write the case to FILE without ids, sizes scaled."),
]
Scale = Annotated[
    float | None, Parameter(name="--scale", help="Factor on every size of --contribute.")
]
Seed = Annotated[
    int | None,
    Parameter(name="--seed", help="Draw the factor of --contribute from this number."),
]
Scenarios = Annotated[
    bool,
    Parameter(name="--scenarios", negative="", help="Every scenario, also of vectors that hold."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def verify(
    venue: Venue,
    payload: Reply = None,
    /,
    *,
    fit: FitTo = None,
    output: Output = None,
    market: Market = None,
    at: At = None,
    changes: Changes = None,
    tolerance: Tolerance = 0.0,
    contribute: Contribute = None,
    scale: Scale = None,
    seed: Seed = None,
    scenarios: Scenarios = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Hold what a venue's API says of an account against ours; exit status 1 if they differ."""
    from crossmargin.interfaces.commands import _changes, _one_form, _write
    from crossmargin.interfaces.verify import verify as verb

    _one_form(json_, csv)
    if (payload is None) == (fit is None) or (output is not None and fit is None):
        raise InputError(
            "option_unknown",
            "give one reply, or --fit ANSWERS (and -o with it)",
            limit="verify VENUE REPLY.json | verify VENUE --fit ANSWERS [-o FILE]",
            remedy="See crossmargin verify --help.",
        )
    if fit is not None:
        return _fit(venue, fit, output, market, at, tolerance, json_, csv)
    assert payload is not None  # one of the two is given
    with working("comparing", quiet=json_ or csv):
        result = verb(
            venue,
            Path(payload),
            market=market,
            at=at,
            changes=_changes(changes),
            tolerance=tolerance,
        )
    if contribute is not None:
        _contribute(result.contribution(_factor(scale, seed)), contribute)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(scenarios))
        if contribute is not None:
            print(f"\nwritten to {contribute}: look through it before you give it away")
    return 0 if result.holds else 1


def _fit(
    venue: str,
    answers: str,
    output: str | None,
    market: str | None,
    at: str | None,
    tolerance: float,
    as_json: bool,
    as_csv: bool,
) -> int:
    """The reading that holds; exit status 1 where none fits."""
    from crossmargin.interfaces.commands import _print
    from crossmargin.interfaces.probe import fit as verb
    from crossmargin.interfaces.probe import write_text

    quiet = as_json or as_csv
    with working("fitting the readings", quiet=quiet):
        result = verb(
            venue, Path(answers), market=market, at=at, tolerance=max(tolerance, FIT_TOLERANCE)
        )
    _print(result, as_json, as_csv)
    if output is not None and result.fits:
        write_text(result.parameter_file(), output)
        if not quiet:
            print(f"\nwritten to {output}: use it with --params {output}")
    return 0 if result.fits else 1


def _factor(scale: float | None, seed: int | None) -> float:
    """The factor given, or one between 0.2 and 5 drawn from the seed (or from chance)."""
    if scale is not None:
        return scale
    return float(5.0 ** random.Random(seed).uniform(-1.0, 1.0))


def _contribute(case: dict[str, object], path: str) -> None:
    from crossmargin.interfaces.probe import write_text

    write_text(json.dumps({"vectors": [case]}, indent=1) + "\n", path)


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(verify)
