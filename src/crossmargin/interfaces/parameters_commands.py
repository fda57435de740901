"""The commands of parameter sets: diff, import, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import working

__all__ = ["parameters_check", "parameters_diff", "parameters_import", "register"]

Venue = Annotated[str, Parameter(help="Venue whose payload it is.")]
File = Annotated[str, Parameter(help="The venue's own parameter payload: JSON.")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]
Set = Annotated[str, Parameter(help="Parameter file, or MODEL/LABEL of a set that ships.")]


def parameters_diff(
    before: Set,
    after: Set,
    /,
    *,
    book: Annotated[
        str | None, Parameter(name="--book", help="Accounts whose cash to hold is compared.")
    ] = None,
    market: Annotated[str | None, Parameter(name="--market", help="Snapshot, with --book.")] = None,
    model: Annotated[
        str | None, Parameter(name="--model", help="Which model reads the sets; default the first.")
    ] = None,
    as_of: Annotated[
        str | None,
        Parameter(name="--as-of", help="Instant from which lives count; default the snapshot's."),
    ] = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """The numbers in which two sets differ, and what that costs each account."""
    from crossmargin.interfaces.commands import _one_form, _print
    from crossmargin.interfaces.parameters import diff_sets

    _one_form(json_, csv)
    with working("comparing the sets", quiet=json_ or csv):
        result = diff_sets(before, after, book=book, market=market, model=model, as_of=as_of)
    _print(result, json_, csv)
    return 0


def parameters_import(
    venue: Venue,
    payload: File,
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"], help="Dated TOML file to write.")],
    observed: Annotated[
        str | None,
        Parameter(name="--observed", help="When it was read; default the payload's own time."),
    ] = None,
    announced_at: Annotated[
        str | None, Parameter(name="--announced-at", help="When the venue announced it.")
    ] = None,
    effective_from: Annotated[
        str | None, Parameter(name="--effective-from", help="From when it is in force.")
    ] = None,
    accounts: Annotated[
        str | None, Parameter(name="--accounts", help="Accounts it is for, comma between.")
    ] = None,
    until: Annotated[
        str | None, Parameter(name="--until", help="End of the window in which it is phased in.")
    ] = None,
    json_: AsJson = False,
) -> int:
    """The venue's own parameter payload as a dated file."""
    from crossmargin.core.clock import parse_ms
    from crossmargin.interfaces.commands import _print
    from crossmargin.interfaces.parameters import import_set
    from crossmargin.interfaces.probe import write_text
    from crossmargin.margin.parameter_scope import Scope

    if accounts is not None and until is not None:
        raise InputError(
            "option_unknown",
            "a set is for listed accounts or phased in, not both",
            limit="--accounts or --until",
            remedy="Give one of them.",
        )
    names = tuple(name.strip() for name in accounts.split(",")) if accounts else ()
    scope = Scope(names, None if until is None else parse_ms(until, "--until"))
    result = import_set(
        venue,
        Path(payload),
        observed=observed,
        announced_at=announced_at,
        effective_from=effective_from,
        effective_for=scope,
    )
    write_text(result.text(), output)
    _print(result, json_, False)
    if not json_:
        print(f"\nwritten to {output}: use it with --params {output}")
    return 0


def parameters_check(
    venue: Venue,
    payload: File,
    /,
    *,
    as_of: Annotated[
        str | None,
        Parameter(name="--as-of", help="When it was read; default the payload's own time."),
    ] = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """A live payload against the set in force; exit status 1 if a number differs."""
    from crossmargin.interfaces.commands import _one_form, _print
    from crossmargin.interfaces.parameters import check_set

    _one_form(json_, csv)
    result = check_set(venue, Path(payload), as_of=as_of)
    _print(result, json_, csv)
    return 0 if result.current else 1


def register(app: App) -> None:
    """Add these commands to the command line."""
    group = App(name="parameters", help="Compare parameter sets, import a venue's own, check them.")
    group.command(parameters_diff, name="diff")
    group.command(parameters_import, name="import")
    group.command(parameters_check, name="check")
    app.command(group)
