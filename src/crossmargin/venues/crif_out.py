"""A margined book of coins as a sensitivity file that another system can load."""

from __future__ import annotations

from crossmargin.core.errors import InputError
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.sensitivity_lines import lines_of
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import cut
from crossmargin.venues.crif import CrifLine

__all__ = ["crif_of"]


def crif_of(requirement: Requirement, mapping: str = "commodity_16") -> tuple[CrifLine, ...]:
    """The lines of every account of a requirement of the model ``sensitivities``.

    ``mapping``: what coins are taken for; see ``sensitivity_lines``. Raises ModelError
    ``rules_unknown`` for a requirement of another model, InputError ``book_empty`` where no account
    has a sensitivity, and as ``lines_of``.
    """
    book = requirement.book
    out = []
    for pool, priced in zip(requirement.plan.pools, requirement.priced, strict=True):
        held = with_equity_rows(priced, cut(book, pool, 0))
        for account, found in zip(book.account, lines_of(priced, held, mapping), strict=True):
            out += [CrifLine(account, factor, amount) for factor, amount in found]
    if not out:
        raise InputError(
            "book_empty",
            "no account of the book has a sensitivity to a coin",
            remedy="Give a book with coins or contracts on them.",
        )
    return tuple(out)
