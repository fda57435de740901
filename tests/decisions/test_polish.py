"""Small books of the recorded crash: no plan of whole positions is worth more than the answer.

The oracle knows nothing of the search. It writes down the book of every venue under every
assignment, cash of the trades by hand, and asks `xm.margin` for what each book leaves.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.decisions.allocate import Allocation, Asked, allocate
from crossmargin.decisions.allocation import Problem, Tangent, Wish
from crossmargin.decisions.moves import moves_of
from crossmargin.decisions.places import place_of
from crossmargin.decisions.polish import polish
from crossmargin.interfaces.allocate import _over_models
from crossmargin.interfaces.sources import book_of
from tests.decisions.chain_books import crash_market, liquid
from tests.decisions.venue_accounts import CALL, PUT, account, contract

COINS, CASH_USD, BUFFER = 2.0, 400_000.0, 0.1
WISH = Wish({}, BUFFER, 0.4, 365.0)
TWO, THREE = ("deribit-xpm", "okx-pm"), ("deribit-xpm", "house-example", "okx-pm")
Held = dict[str, float]


def book(market_dir: Path, seed: int, count: int, lots: int) -> Held:
    """Options of a few lots, all short where the seed is even."""
    rng = np.random.default_rng([seed, count])
    names = rng.choice(liquid(market_dir), count, replace=False).tolist()
    signs = rng.choice([-1.0, 1.0], count) if seed % 2 else np.full(count, -1.0)
    sizes = 0.1 * rng.integers(1, lots + 1, count) * signs
    return {name: round(float(size), 1) for name, size in zip(names, sizes, strict=True)}


def rows(held: Held, btc: float, usdc: float) -> list[dict[str, object]]:
    """The lines of one account."""
    own: list[tuple[str, float]] = [*held.items(), ("BTC", btc), ("USDC", usdc)]
    return [
        {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        for name, size in own
        if size
    ]


def answer(market_dir: Path, held: Held, models: tuple[str, ...], at_mark: bool) -> Allocation:
    """The plan of the code: at the mark or the touch, without a fee."""
    market = crash_market(market_dir)
    cash = dict.fromkeys(models[1:], CASH_USD)
    first = book_of(rows(held, COINS, CASH_USD))
    accounts = _over_models(first, market, models, cash, market.as_of_ms)
    return allocate(accounts, WISH, Asked(transfers=False, fee=0.0, at_mark=at_mark))


class Oracle:
    """Room of any books at any venue by `xm.margin`, and what going there costs."""

    def __init__(self, market_dir: Path, held: Held, models: tuple[str, ...], at_mark: bool):
        self.market, self.held, self.models = crash_market(market_dir), held, models
        self.at_mark = at_mark

    def price(self, name: str, size: float) -> float:
        """Coins of one unit traded: a buy pays the ask, a sale gets the bid."""
        side = "mark" if self.at_mark else "ask" if size > 0.0 else "bid"
        return float(self.market.values(side)[f"deribit|{name}"])

    def books(self, number: int, plans: list[Held]) -> list[tuple[float, float, float]]:
        """Room, equity and equity paid away at a venue that holds so much of each position."""
        marks, index = self.market.values("mark"), self.market.values("index")["BTC/USD"]
        lines, paid = [], []
        for k, plan in enumerate(plans):
            coins = lost = 0.0
            for name, size in self.held.items():
                traded = plan.get(name, 0.0) - (size if number == 0 else 0.0)
                coins -= traded * self.price(name, traded) if traded else 0.0
                if traded:
                    lost += traded * (self.price(name, traded) - marks[f"deribit|{name}"])
            own = rows(plan, coins + (COINS if number == 0 else 0.0), CASH_USD)
            lines += [{**row, "account": f"p{k:04d}"} for row in own]
            paid.append(lost * float(index))
        found = xm.margin(lines, self.market, self.models[number]).figures["accounts"]
        by_name = {each["account"]: each for each in found}
        got = [by_name[f"p{k:04d}"] for k in range(len(plans))]
        return [
            (float(each["room_im_usd"]), float(each["equity_usd"]), lost)
            for each, lost in zip(got, paid, strict=True)
        ]

    def best(self) -> tuple[float, int]:
        """The most that an assignment is worth whose buffers all hold; how many there are."""
        venues, names = range(len(self.models)), list(self.held)
        subsets = list(product((False, True), repeat=len(names)))
        plans = [{n: self.held[n] for n, on in zip(names, s, strict=True) if on} for s in subsets]
        known = [dict(zip(subsets, self.books(v, plans), strict=True)) for v in venues]
        nothing = [known[v][tuple([v == 0] * len(names))] for v in venues]
        top, count = -np.inf, 0
        for chosen in product(venues, repeat=len(names)):
            count += 1
            worth, good = 0.0, True
            for v in venues:
                room, _, lost = known[v][tuple(each == v for each in chosen)]
                worth += WISH.price * (room - nothing[v][0] + lost) - lost
                good &= room >= BUFFER * (nothing[v][1] - lost - room) - 0.05
            top = max(top, worth) if good else top
        return top, count


CASES = [
    (TWO, 7, 1, True), (TWO, 6, 3, True), (TWO, 6, 2, False), (THREE, 6, 1, True),
]  # fmt: skip


@pytest.mark.parametrize(("models", "count", "lots", "at_mark"), CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_assignment_of_a_crash_book_is_worth_more(
    market_dir: Path, models: tuple[str, ...], count: int, lots: int, at_mark: bool, seed: int
) -> None:
    held = book(market_dir, seed, count, lots)
    found = answer(market_dir, held, models, at_mark)
    top, asked = Oracle(market_dir, held, models, at_mark).best()
    assert asked == len(models) ** count
    assert found.held and found.worth_usd >= -0.01
    assert found.worth_usd >= top - 0.02  # a broken size may be worth more
    if found.proven:
        assert top <= found.bound_usd + 0.05


def test_what_is_shown_is_the_margin_of_the_books_that_would_be_there(market_dir: Path) -> None:
    held = book(market_dir, 0, 6, 3)
    found = answer(market_dir, held, TWO, at_mark=True)
    assert found.intents.trades
    oracle = Oracle(market_dir, held, TWO, at_mark=True)
    closed = {t.instrument: t.size for t in found.intents.trades if t.account == TWO[0]}
    stays = {name: round(size + closed.get(name, 0.0), 9) for name, size in held.items()}
    goes = {name: -size for name, size in closed.items()}  # of OKX the trades bear its own names
    for number, after in enumerate((stays, goes)):
        ((room, equity, _),) = oracle.books(number, [{n: q for n, q in after.items() if q}])
        assert found.places[number].after.over_im_usd == pytest.approx(room, abs=0.01)
        assert found.places[number].after.equity_usd == pytest.approx(equity, abs=0.01)


def small() -> Problem:
    """Two accounts of one rule that offset each other."""
    own = [
        account("one", "deribit-xpm", {CALL: -0.5, PUT: -0.3}),
        account("two", "deribit-xpm", {CALL: 0.5}),
    ]
    places = tuple(place_of(each, [contract(CALL), contract(PUT)], 0.0) for each in own)
    return Problem(places, moves_of(places, at_mark=True)[0], at_mark=True)


def test_a_search_starts_anywhere_and_ends_no_worse_than_doing_nothing() -> None:
    problem, wish = small(), Wish({}, 0.0, 0.5, 365.0)
    steps = np.full(len(problem.trades), 0.1)
    bad = np.array(problem.trades) / 3.0
    made = polish(problem, wish, [bad], {}, steps)
    assert made.worth_usd > 0.0 and made.short_usd == 0.0
    assert made.asked > 0 and not made.over_usd
    again = polish(problem, wish, [bad], {}, steps)
    assert again.sizes.tolist() == made.sizes.tolist()


def test_a_tangent_that_a_book_exceeds_is_seen() -> None:
    problem, wish = small(), Wish({}, 0.0, 0.5, 365.0)
    steps = np.full(len(problem.trades), 0.1)
    low = Tangent(0, problem.places[0].standing.over_im_usd - 1000.0, np.zeros(3))
    assert len(problem.touches("one")) == 3
    over = polish(problem, wish, [], {}, steps, [low]).over_usd
    assert list(over) == ["one"] and over["one"] >= 1000.0
    high = Tangent(0, problem.places[0].standing.over_im_usd + 1e6, np.zeros(3))
    assert not polish(problem, wish, [], {}, steps, [high]).over_usd


def test_a_buffer_goes_before_worth() -> None:
    problem = small()
    room = problem.places[0].standing.over_im_usd
    wish = Wish({"one": room + 100.0}, 0.0, 0.5, 365.0)
    made = polish(problem, wish, [], {}, np.full(len(problem.trades), 0.1))
    assert made.short_usd == 0.0
    lacking = polish(problem, Wish({"one": 1e9}), [], {}, np.full(len(problem.trades), 0.1))
    assert lacking.short_usd > 1e8


def test_where_only_a_part_fits_the_search_finds_the_lot() -> None:
    """Every plan of whole lots is asked; the buffer lets no whole position through."""
    own = [account("one", "deribit-sm", {CALL: -2.0}), account("two", "deribit-xpm", {}, 9_000.0)]
    places = tuple(place_of(each, [contract(CALL)], 0.0) for each in own)
    problem = Problem(places, moves_of(places, at_mark=True)[0], at_mark=True)
    wish = Wish({"two": 2_000.0}, 0.0, 0.5, 365.0)
    lacks = []
    for plan in [np.array([n / 10.0]) for n in range(21)]:
        rooms = [
            float(place.rooms([problem.fills(place.name, plan)]).im_usd[0]) for place in places
        ]
        short = [max(least - room, 0.0) for least, room in zip((0.0, 2_000.0), rooms, strict=True)]
        lacks.append(sum(short))
    made = polish(problem, wish, [], {}, np.full(len(problem.trades), 0.1))
    assert 0.0 < float(made.sizes[0]) < 2.0
    assert made.short_usd == pytest.approx(min(lacks), abs=0.1)
