"""The command calibrate: the next dated parameter file of a model."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import working

__all__ = ["calibrate", "register"]


def calibrate(
    model: Annotated[str, Parameter(help="Model whose ranges are set.")],
    /,
    *,
    market: Annotated[str, Parameter(name="--market", help="Snapshot with its history.")],
    output: Annotated[str, Parameter(name=["--output", "-o"], help="Dated TOML file to write.")],
    book: Annotated[
        str | None, Parameter(name="--book", help="Accounts whose change in margin is previewed.")
    ] = None,
    as_of: Annotated[
        str | None,
        Parameter(name="--as-of", help="Nothing later is read; default the snapshot's time."),
    ] = None,
    effective_from: Annotated[
        str | None,
        Parameter(name="--effective-from", help="From when it is in force; default next midnight."),
    ] = None,
    params: Annotated[
        str | None, Parameter(name="--params", help="The set in force: a file, or a set's label.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        Parameter(name="--set", help="NAME=VALUE: change one number (dynamic.…).", negative=""),
    ] = None,
    seed: Annotated[
        int, Parameter(name="--seed", help="Of the bootstrap: one seed, one file.")
    ] = 0,
    plot: Annotated[
        str | None,
        Parameter(name="--plot", help="Also draw the ranges over time: FILE.html, .svg, .png."),
    ] = None,
    json_: Annotated[
        bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")
    ] = False,
    csv: Annotated[
        bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")
    ] = False,
) -> int:
    """Write the next dated parameter file of a model, with its evidence and what it costs."""
    from crossmargin.interfaces.calibrate import calibrate as verb
    from crossmargin.interfaces.commands import _changes, _one_form, _print
    from crossmargin.interfaces.probe import write_text

    _one_form(json_, csv)
    with working("calibrating", quiet=json_ or csv):
        result = verb(
            model,
            market,
            book,
            as_of,
            params,
            changes=_changes(changes),
            effective_from=effective_from,
            seed=seed,
        )
    if plot is not None:
        result.plot(plot)
    write_text(result.text(), output)
    _print(result, json_, csv)
    if not (json_ or csv):
        print(f"\nwritten to {output}: use it with --params {output}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(calibrate)
