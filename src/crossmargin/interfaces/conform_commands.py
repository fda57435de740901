"""The command conform: calls its verb, shows the cards, and says the verdict as exit status."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import working

__all__ = ["conform", "register"]

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def conform(
    name: Annotated[str, Parameter(help="An installed package, or one model.")],
    /,
    *,
    vectors: Annotated[
        str | None, Parameter(name="--vectors", help="Folder of *.vectors.json: run them too.")
    ] = None,
    params: Annotated[
        str | None, Parameter(name="--params", help="Parameter file of a model that needs one.")
    ] = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Run every promise over a package's models, and print their validation cards.

    Exit status 0: all kept; 1: one is broken or a vector differs; 2: one could not run.
    """
    from crossmargin.interfaces.commands import _one_form, _print
    from crossmargin.interfaces.conform import conform as verb

    _one_form(json_, csv)
    with working("asking every promise", quiet=json_ or csv):
        result = verb(name, vectors, params)
    _print(result, json_, csv)
    return result.status


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(conform)
