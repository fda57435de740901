"""Lines of sensitivity files as a book of risk factors, and back.

Every line becomes a lot of the contract of its factor; lines of one factor of one account are
merged exactly. A multiplier or a notional factor may stand once in an account.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.factors import factor_of, instrument_of
from crossmargin.margin.families.sensitivity_regimes import Regime, regimes_of
from crossmargin.venues.crif import CrifLine

__all__ = ["SIDES", "crif_book", "crif_lines", "regulated_book"]

SIDES = ("collect", "post")
_ONCE = ("Param_ProductClassMultiplier", "Param_AddOnNotionalFactor")


def crif_book(lines: Sequence[CrifLine]) -> Book:
    """One account a PortfolioID; regulators are not looked at.

    Raises InputError ``duplicate_row`` for a parameter that is given twice in an account, and
    those of ``Book.of``.
    """
    return _booked([(line.account, line) for line in lines])


def regulated_book(
    lines: Sequence[CrifLine], side: str = "collect"
) -> tuple[Book, tuple[Regime, ...]]:
    """One account a regulator of an account, in the order of the regimes returned.

    ``side`` names whose regulators count: those under which margin is collected or posted.
    Raises InputError ``option_unknown`` for another side, and as :func:`crif_book`.
    """
    if side not in SIDES:
        raise InputError(
            "option_unknown",
            "no such side",
            place="side",
            value=side,
            limit=", ".join(SIDES),
            remedy="Choose one of the two.",
        )
    scopes = [(line.account, line.collect if side == "collect" else line.post) for line in lines]
    regimes = regimes_of(scopes)
    owned = [(_name(regime), lines[k]) for regime in regimes for k in regime.lines]
    return _booked(owned, tuple(_name(regime) for regime in regimes)), regimes


def _name(regime: Regime) -> str:
    return f"{regime.account} [{regime.regulator}]" if regime.regulator else regime.account


def _booked(owned: Sequence[tuple[str, CrifLine]], accounts: tuple[str, ...] | None = None) -> Book:
    items = {line.factor: instrument_of(line.factor) for _, line in owned}
    table = Instruments.of(items.values())
    rows = table.index_of()
    once: dict[tuple[str, int], str] = {}
    lots = []
    for account, line in owned:
        column = rows[items[line.factor].key]
        first = once.setdefault((account, column), line.place)
        if line.factor.risk_type in _ONCE and first != line.place:
            raise InputError(
                "duplicate_row",
                "a parameter is given twice in an account",
                place=line.place,
                value=f"{line.factor.risk_type} {line.factor.qualifier}",
                limit=f"once, as at {first}",
                remedy="Remove one of the two lines.",
            )
        lots.append(Line(account, column, line.amount, place=line.place))
    return Book.of(table, lots, accounts=accounts)


def crif_lines(book: Book) -> tuple[CrifLine, ...]:
    """The factors of a book as lines, by account; what is no factor is left out.

    Raises InputError ``book_empty`` where none is held.
    """
    out = []
    for number, account in enumerate(book.account):
        for j in range(int(book.row[number]), int(book.row[number + 1])):
            item = book.instruments.items[int(book.column[j])]
            if item.kind == Kind.FACTOR:
                factor = factor_of(item.native_id)
                out.append(CrifLine(account, factor, float(book.quantity[j])))
    if not out:
        raise InputError(
            "book_empty",
            "the book holds no sensitivities",
            remedy="Read a sensitivity file, or map the book to one first.",
        )
    return tuple(out)
