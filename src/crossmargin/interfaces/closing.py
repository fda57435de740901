"""What an account is charged for leaving: the cost of the verb exit, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from crossmargin.accounts.exit import Exit, exit_of
from crossmargin.accounts.worth import ExitCost
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.exit import BooksLike, levels_of
from crossmargin.interfaces.results import MarginResult

__all__ = ["CLOSINGS", "Closing", "cost_to_close"]

CLOSINGS = ("depth", "touch", "cheaper")
_SAYS = {
    "depth": "at depth, with fees and impact",
    "touch": "at the touch, with fees",
    "cheaper": "closing or hedging each line, whichever is expected to cost less",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """The cost to close as an account takes it. ``source``: depth, touch, cheaper, given, spread.

    ``spread`` is the spread at the touch without fees, where no fees of a venue are known.
    """

    cost: ExitCost | None
    source: str
    notes: tuple[str, ...] = ()


def cost_to_close(
    made: MarginResult,
    held: Book,
    wanted: ExitCost | str | None,
    books: BooksLike | None,
    venue: str | None,
) -> Closing:
    """Of each leg by its label; of the whole where the model reads the book as another venue's.

    Raises InputError ``option_unknown`` for a word that is none of :data:`CLOSINGS`, and what the
    exit raises; but with nothing wanted a venue without known fees is left at its spread, and said.
    """
    if wanted is not None and not isinstance(wanted, str):
        return Closing(wanted, "given")
    basis = wanted or CLOSINGS[0]
    if basis not in CLOSINGS:
        raise InputError(
            "option_unknown",
            "a cost to close is dollars, or one of the exit's",
            place="--exit-cost",
            value=basis,
            limit=f"{', '.join(CLOSINGS)}, USD",
            remedy="Choose one of these, or give dollars.",
        )
    view = made.snapshot.view(held.instruments, made.requirement.view.as_of_ms)
    try:
        found = exit_of(held, view, made.snapshot, books=levels_of(books, venue))
    except ModelError as error:
        if wanted is not None or error.code != "parameter_missing":
            raise
        note = f"cost to close: the spread at the touch alone ({error.message}: {error.place})"
        return Closing(None, "spread", (note,))
    costs = {view.instruments.label(leg.row): max(leg.cost_usd(basis), 0.0) for leg in found.legs}
    notes = _notes(found, basis)
    if made.requirement.book.instruments != held.instruments:
        return Closing(sum(costs.values()), basis, notes)
    return Closing(lambda label: costs.get(label, 0.0), basis, notes)


def _notes(found: Exit, basis: str) -> tuple[str, ...]:
    """How it is found, and which lines are bounded or would gain."""
    if not found.legs:
        return ()
    says = f"cost to close: {_SAYS[basis]}"
    if found.unquoted:
        count = len(found.unquoted)
        says += f"; {count} line has" if count == 1 else f"; {count} lines have"
        says += " no quote, bounded"
    better = sum(leg.cost_usd(basis) < 0.0 for leg in found.legs)
    if better:
        says += f"; at a quote better than the mark, taken to cost nothing: {better}"
    return (f"{says} (crossmargin exit lists them)",)
