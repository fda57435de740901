"""The command unified: accounts at several venues as one, its graph and its commitment."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import StateError
from crossmargin.interfaces.screen import show, working

__all__ = ["register", "unified"]


def unified(
    file: Annotated[str, Parameter(help="TOML or JSON file, or sample:three-venues.")],
    /,
    *,
    as_of: Annotated[
        str | None,
        Parameter(name="--as-of", help="When it is judged; default the file's."),
    ] = None,
    graph: Annotated[
        str | None, Parameter(name="--graph", help="Also write the risk graph: svg, json, graphml.")
    ] = None,
    plot: Annotated[
        str | None,
        Parameter(
            name="--plot", help="Also draw equity and demands by venue: FILE.html, .svg, .png."
        ),
    ] = None,
    commit: Annotated[
        str | None, Parameter(name="--commit", help="Also write a commitment: FILE.json.")
    ] = None,
    against: Annotated[
        str | None,
        Parameter(
            name="--against", help="Commitment to hold it against; an error where it differs."
        ),
    ] = None,
    top: Annotated[int, Parameter(name="--top", help="Rows of each stress; 0: all.")] = 10,
    json_: Annotated[
        bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")
    ] = False,
    csv: Annotated[
        bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")
    ] = False,
) -> int:
    """Accounts at several venues as one: what venues demand, and the economic net."""
    from crossmargin.interfaces.commands import _one_form, _write
    from crossmargin.interfaces.intents_file import written_line
    from crossmargin.interfaces.sources import at_least
    from crossmargin.interfaces.unified import unified as verb

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with working("joining the accounts", quiet=json_ or csv):
        result = verb(file, as_of=as_of)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
    written = []
    if plot is not None:
        written.append(written_line(result.plot(plot)))
    if graph is not None:
        written.append(written_line(result.write_graph(graph)))
    if commit is not None:
        place = result.write_commitment(commit)
        written.append(written_line(place, f"commitment {result.commitment().root[:16]}…"))
    if written and not (json_ or csv):
        print("\n" + "\n".join(written))
    if against is not None:
        _hold_against(result.changed_since(against), against, quiet=json_ or csv)
    return 0


def _hold_against(changed: list[str], place: str, *, quiet: bool) -> None:
    """StateError ``hash_mismatch`` that names the first records that are not the same."""
    if changed:
        raise StateError(
            "hash_mismatch",
            f"{len(changed)} records are not those that were committed to",
            place=place,
            value=", ".join(changed[:4]),
            remedy="Find out which of the two was changed.",
        )
    if not quiet:
        print(f"\nevery record is that of {place}")


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(unified)
