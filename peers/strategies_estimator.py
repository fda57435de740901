"""Strategy-based margin beside margin-estimator: its own calls, and books drawn from seeds.

Where the two part, the reason is put to the test: the peer is asked again in a way that takes the
reason away, and then agrees, or is never below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from peers.report import Line, compared, not_run
from peers.strategy_books import BROAD, Book, Position, drawn, groupings, option, recorded

__all__ = ["lines"]

COMPARISON = "Strategy-based margin"
PEER = "margin-estimator"
CALLS = "cboe_strategy_margin_vectors.csv"
TOLERANCE = 1e-9
BOOKS = 300
CENT = 2e-4  # relative: the peer rounds each requirement to a cent a share
TODAY = date(2025, 1, 6)
_CASH = "a short option's cash requirement is that of one contract, whatever the quantity"
_STRANGLE = (
    "the larger side of a strangle of q contracts is multiplied by q twice. The requirement of one "
    "strangle, q times, is ours"
)
_TIE = (
    "both sides need the same with their premium, and the manual does not say which is the larger: "
    "ours takes the call for it, the peer the put, and their charges differ"
)
_UNEQUAL = (
    "ours lets more options be bought than sold in one spread, so that one bought for itself "
    "covers some of the spread's loss; the peer pairs one with one"
)
_GREEDY = (
    "the peer pairs in the order of expiry and strike, the first that fits; ours is the cheapest "
    "pairing, with a proof that none needs less"
)
_POOLED = (
    "the peer pools spreads of all expiries at one price of the underlying, so that a loss at one "
    "date is offset by a gain at another; ours pools within an expiry. It pairs as it comes, "
    "besides"
)


def lines(vectors: Path | None, books: int = BOOKS) -> list[Line]:
    """Calls of the peer's own tests, then shapes and whole books."""
    with _of_the_day():
        return [
            *_own_calls(vectors),
            *_alone(books),
            *_shapes(books),
            *_long_lives(books),
            *_whole_books(books),
        ]


@contextmanager
def _of_the_day() -> Iterator[None]:
    """The peer asks the machine's clock for the day; here it is always the same."""
    import margin_estimator.margin as module

    class Fixed(date):
        @classmethod
        def today(cls) -> date:
            return TODAY

    kept, module.date = module.date, Fixed
    try:
        yield
    finally:
        module.date = kept


def _theirs(book: Book, *, cash: bool = False) -> float:
    """The peer's requirement; odd shares go to it with the whole ones."""
    import margin_estimator

    legs: list[Any] = []
    for held in book.positions:
        price = Decimal(str(held.price))
        if held.right == "S":
            legs.append(margin_estimator.Shares(price=price, quantity=held.size))
            continue
        legs.append(
            margin_estimator.Option(
                expiration=TODAY + timedelta(days=held.days),
                price=price,
                quantity=held.size,
                strike=Decimal(str(held.strike)),
                type=margin_estimator.OptionType(held.right),
            )
        )
    underlying = margin_estimator.Underlying(
        price=Decimal(str(book.spot)),
        leverage_factor=Decimal(str(book.leverage)),
        etf_type=book.index or None,
    )
    found = margin_estimator.calculate_margin(legs, underlying)
    odd = book.odd_usd * (1.0 if cash else 0.5)
    return odd + float(found.cash_requirement if cash else found.margin_requirement)


def _line(
    what: str, books: Sequence[Book], reason: str = "", *, cash: bool = False,
    theirs: Callable[[Book], float] | None = None, tolerance: float = TOLERANCE,
) -> Line:  # fmt: skip
    """Ours and theirs of every book; the line differs where a reason is given."""
    mine = [book.need(cash=cash) for book in books]
    other = [theirs(book) if theirs else _theirs(book, cash=cash) for book in books]
    expected = "differs" if reason else "agrees"
    return compared(
        COMPARISON, PEER, what, mine, other,
        tolerance=tolerance, least=1.0, expected=expected, reason=reason,
    )  # fmt: skip


def _never_above(what: str, books: Sequence[Book], theirs: Callable[[Book], float]) -> Line:
    """Ours beside the smaller of the two: they agree where ours is not above."""
    mine = [book.need() for book in books]
    least = [min(own, theirs(book)) for own, book in zip(mine, books, strict=True)]
    return compared(COMPARISON, PEER, what, mine, least, tolerance=CENT, least=1.0)


def _own_calls(vectors: Path | None) -> list[Line]:
    path = None if vectors is None else vectors / CALLS
    if path is None or not path.is_file():
        reason = f"no folder of vectors with {CALLS}"
        return [not_run(COMPARISON, PEER, "the calls of its own tests", reason)]
    books = recorded(path)
    one = [book for book in books if _single(book)]
    more = [book for book in books if not _single(book)]
    return [
        _line("calls of its own tests with one strategy of one contract", one, tolerance=CENT),
        _line("calls of its own tests with more", more,
              f"{_GREEDY}; {_STRANGLE[0].lower()}{_STRANGLE[1:]}", tolerance=CENT),
        _never_above("calls of its own tests with more: ours is not above, strangles once",
                     more, _strangles_once),
    ]  # fmt: skip


def _single(book: Book) -> bool:
    """One contract a leg, and no more legs than make one strategy."""
    options = [held for held in book.positions if held.right != "S"]
    return all(abs(held.size) == 1 for held in options) and len(book.positions) <= 4


def _alone(books: int) -> list[Line]:
    """Options alone, of every kind of underlying."""
    rng = np.random.default_rng(50)
    kinds = (("", 1.0), ("narrow-based", 1.0), (BROAD, 1.0), ("", 3.0), (BROAD, 2.0))
    made = drawn(51, books, lambda g, s: [option(g, s, int(g.choice((-4, -2, -1, 1, 3))))])
    mixed = [
        Book(book.spot, book.positions, *kinds[int(rng.integers(len(kinds)))]) for book in made
    ]
    short = [book for book in mixed if book.positions[0].size < -1]
    single = [book for book in mixed if book.positions[0].size >= -1]
    return [
        _line("one option, shares and funds, broad and narrow, leveraged", mixed),
        _line("one option in a cash account, one contract sold or some bought", single, cash=True),
        _line("one option in a cash account, several contracts sold", short, _CASH, cash=True),
        _line("the same, the peer's times the quantity", short, cash=True,
              theirs=lambda book: _theirs(book, cash=True) * abs(book.positions[0].size)),
    ]  # fmt: skip


def _shapes(books: int) -> list[Line]:
    """Named strategies, several contracts of each."""

    def pair(g: np.random.Generator, s: float) -> list[Position]:
        return [option(g, s, -1, "C"), option(g, s, -1, "P")]

    def vertical(g: np.random.Generator, s: float) -> list[Position]:
        right, size = str(g.choice(("C", "P"))), int(g.integers(1, 6))
        return [option(g, s, -size, right), option(g, s, size, right)]

    def calendar(g: np.random.Generator, s: float) -> list[Position]:
        right, size = str(g.choice(("C", "P"))), int(g.integers(1, 6))
        return [option(g, s, -size, right), option(g, s, size, right, 60)]

    def condor(g: np.random.Generator, s: float) -> list[Position]:
        wings = (("P", 0.8, 1), ("P", 0.9, -1), ("C", 1.1, -1), ("C", 1.2, 1))
        return [
            option(g, s, side, right)._replace(strike=float(round(s * share)))
            for right, share, side in wings
        ]

    def covered(g: np.random.Generator, s: float) -> list[Position]:
        size = int(g.integers(1, 4))
        return [Position("S", 100 * size, s), option(g, s, -size, "C")]

    every = drawn(52, books, pair)
    pairs = [book for book in every if not _tied(book)]
    several = [book.times(2 + k % 4) for k, book in enumerate(pairs)]
    return [
        _line("short straddles and strangles", pairs),
        *_of_any("short straddles and strangles, a tie", [b for b in every if _tied(b)], _TIE),
        _line("short strangles of two to five contracts", several, _STRANGLE),
        _line("the same, one strangle as many times", several, theirs=_strangles_once),
        _line("vertical spreads of one to five contracts", drawn(53, books, vertical)),
        _line("calendar and diagonal spreads", drawn(54, books, calendar)),
        _line("iron condors", [_fair_condor(book) for book in drawn(55, books, condor)]),
        _line("covered calls", drawn(56, books, covered)),
    ]


def _tied(book: Book) -> bool:
    """Whether both sides need the same alone, to less than a cent."""
    first, second = (book.only([held]).need() for held in book.positions)
    return abs(first - second) < 0.005


def _of_any(what: str, books: Sequence[Book], reason: str, **more: Any) -> list[Line]:
    """A line where there are books for it."""
    return [_line(what, books, reason, **more)] if books else []


def _fair_condor(book: Book) -> Book:
    """Wings cheaper than what they protect, so that a credit is received."""
    price = (0.5, 1.5, 1.4, 0.4)
    return book.only(
        [held._replace(price=own) for held, own in zip(book.positions, price, strict=True)]
    )


def _long_lives(books: int) -> list[Line]:
    """Long options by how long they live."""

    def lives(low: int, high: int) -> Callable[[np.random.Generator, float], list[Position]]:
        # Four cents a step: three quarters of it are whole cents, so no rounding is in the way.
        return lambda g, s: [option(g, s, 2, "", int(g.integers(low, high)), 4)]

    reason = (
        "75 % of the premium is the rule beyond nine months; the peer applies it from 90 days on"
    )
    return [
        _line("long options of less than 90 days", drawn(57, books, lives(5, 90))),
        _line("long options of 90 days to nine months", drawn(58, books, lives(90, 274)), reason),
        _line("long options beyond nine months", drawn(59, books, lives(275, 900))),
    ]


def _whole_books(books: int) -> list[Line]:
    """Books of several options, where pairing decides."""

    def units(g: np.random.Generator, s: float) -> list[Position]:
        return [option(g, s, int(g.choice((-1, 1)))) for _ in range(5)]

    def expiries(g: np.random.Generator, s: float) -> list[Position]:
        sizes = g.choice((-3, -2, -1, 1, 2, 3), 6).tolist()
        return [option(g, s, size, "", int(g.choice((20, 50, 80)))) for size in sizes]

    five, six = drawn(60, books, units), drawn(61, books, expiries)
    equal = [book for book in five if not book.unequal()]
    return [
        _line("five options of one expiry, one contract each", five, _GREEDY),
        _line("the same, the peer's cheapest over all groupings", equal, theirs=_best_grouping),
        *_of_any(
            "five options with more bought than sold in one of our spreads, the peer's cheapest",
            [book for book in five if book.unequal()],
            _UNEQUAL,
            theirs=_best_grouping,
        ),
        _line("six options of three expiries, one to three contracts", six, _POOLED),
        _never_above("the same, its spreads pooled expiry by expiry, strangles once: "
                     "ours is not above", six, _by_expiry),
    ]  # fmt: skip


def _best_grouping(book: Book) -> float:
    """The least that the peer asks for the positions handed over in groups."""
    known: dict[frozenset[Position], float] = {}

    def of(group: list[Position]) -> float:
        key = frozenset(group)
        if key not in known:
            known[key] = _theirs(book.only(group))
        return known[key]

    return min(sum(map(of, groups)) for groups in groupings(book.positions))


@contextmanager
def _replaced(name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """One function of the peer replaced by what ``make`` makes of it."""
    import margin_estimator.margin as module

    kept = getattr(module, name)
    setattr(module, name, make(kept))
    try:
        yield
    finally:
        setattr(module, name, kept)


def _strangles_once(book: Book) -> float:
    """The peer's requirement, each strangle asked for one contract and taken q times."""

    def once(kept: Callable[..., Any]) -> Callable[..., Any]:
        def of(legs: list[Any], underlying: Any) -> Any:
            count = abs(legs[0].quantity)
            found = kept([leg.model_copy(update={"quantity": -1}) for leg in legs], underlying)
            return found.model_copy(update={"margin_requirement": found.margin_requirement * count})

        return of

    with _replaced("_calculate_margin_short_strangle", once):
        return _theirs(book)


def _by_expiry(book: Book) -> float:
    """The same, and each expiry's spreads for themselves."""

    def split(kept: Callable[..., Any]) -> Callable[..., Any]:
        def of(legs: list[Any]) -> Any:
            groups: dict[date, list[Any]] = {}
            for sold, bought in zip(legs[::2], legs[1::2], strict=True):  # they come in pairs
                groups.setdefault(sold.expiration, []).extend((sold, bought))
            first, *rest = [kept(group) for group in groups.values()]
            for more in rest:
                first = first + more
            return first

        return of

    with _replaced("_calculate_margin_spread", split):
        return _strangles_once(book)
