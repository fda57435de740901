"""The command probe: questions to a venue whose answers tell rival readings apart."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import show, working

__all__ = ["MOST", "probe", "register"]

MOST = 40  # crossmargin.margin.probing.PROBES_MAX, which is imported when a probe is asked for


def probe(
    venue: Annotated[str, Parameter(help="Venue to ask.")],
    /,
    *,
    market: Annotated[str, Parameter(name="--market", help="Snapshot that prices its chain now.")],
    output: Annotated[
        str, Parameter(name=["--output", "-o"], help="File of requests that takes the replies.")
    ],
    currency: Annotated[str, Parameter(name="--currency", help="Coin to probe with.")] = "BTC",
    most: Annotated[int, Parameter(name="--most", help="Requests at most, up to 40.")] = MOST,
    as_of: Annotated[
        str | None,
        Parameter(name="--as-of", help="Instant from which lives count; default the snapshot's."),
    ] = None,
) -> int:
    """Write the fewest simulations whose answers tell the open readings of a model apart."""
    from crossmargin.interfaces.probe import probe as verb
    from crossmargin.interfaces.probe import write_probes

    with working("choosing books"):
        result = verb(venue, market, currency, most=most, as_of=as_of)
    write_probes(result, output)
    show(result.document())
    print(f"\nwritten to {output}: put each reply beside its request, then verify --fit {output}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(probe)
