"""Every rule by groups again by brute force: six strategies of three desks, three models.

The twin knows no game: it margins the lots of each of the 64 coalitions as a book of their own,
walks every order of arrival, and takes means. Owen's orders are those in which a desk's strategies
arrive side by side, picked out of all 720.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import permutations

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line
from crossmargin.interfaces.attribute import attribute as verb
from crossmargin.interfaces.sources import book_of
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import map_for
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.totals import account_totals
from crossmargin.risk.games import owen, shapley
from tests.risk.sample_books import market

MODELS = ("deribit-xpm", "okx-pm", "derive-pm2")
# desk, strategy: lots; contracts are shared between strategies, so that groups hedge each other
LOTS = {
    ("vol", "short"): {"BTC-31JUL26-80000-C": -12.0, "BTC-31JUL26-60000-P": -9.0},
    ("vol", "long"): {"BTC-31JUL26-80000-C": 5.0, "BTC-25SEP26-80000-C": 8.0},
    ("basis", "carry"): {"BTC-25SEP26": -300_000.0, "BTC-PERPETUAL": 310_000.0},
    ("basis", "ether"): {"ETH-PERPETUAL": -400_000.0, "ETH-25SEP26": 350_000.0},
    ("flow", "puts"): {"BTC-28AUG26-60000-P": 7.0, "BTC-25SEP26-55000-P": -5.0},
    ("flow", "hedge"): {"BTC-PERPETUAL": -220_000.0},
}
PATHS = tuple(sorted(LOTS))
ROWS = [
    {"account": "a", "venue": "deribit", "instrument": name, "quantity": size,
     "tag.desk": desk, "tag.strategy": strategy}
    for (desk, strategy), lots in LOTS.items() for name, size in lots.items()
]  # fmt: skip


def _path(line: Line) -> tuple[str, str]:
    tags = dict(line.tags)
    return tags["desk"], tags["strategy"]


@cache
def coalitions(name: str) -> dict[frozenset[int], float]:
    """Dollars of every coalition: its own lots margined over the table of the whole book."""
    whole, model = book_of(ROWS), model_named(name)
    out = {}
    for mask in range(64):
        members = frozenset(k for k in range(6) if mask >> k & 1)
        own = {PATHS[k] for k in members}
        lots = [line for line in whole.lines if _path(line) in own]
        book = Book.of(whole.instruments, lots, (), None, whole.account)
        view = market().view(book.instruments)
        if is_mapped(model.spec, book.instruments.items):
            mapped = map_for(book, view, model.spec)
            book, view = mapped.book, mapped.view
        out[members] = float(account_totals(run(book, view, model)).im_usd[0])
    return out


def walked(worth: dict[frozenset[int], float], orders: Sequence[Sequence[int]]) -> np.ndarray:
    """[orders, 6] what each group adds when it arrives."""
    out = np.zeros((len(orders), 6))
    for row, order in zip(out, orders, strict=True):
        come: frozenset[int] = frozenset()
        for k in order:
            row[k] = worth[come | {k}] - worth[come]
            come |= {k}
    return out


def together(order: Sequence[int]) -> bool:
    """Whether every desk's strategies arrive side by side."""
    desks = [PATHS[k][0] for k in order]
    return all(desks[k] == desks[k + 1] for k in range(0, 6, 2))


ALL = list(permutations(range(6)))
UNIONS = [order for order in ALL if together(order)]


@pytest.mark.parametrize("name", MODELS)
def test_every_rule_by_brute_force(name: str) -> None:
    worth = coalitions(name)
    whole = worth[frozenset(range(6))]
    near = 1e-9 * whole
    assert len(UNIONS) == 48
    for by, orders in (("strategy", ALL), ("desk,strategy", UNIONS)):
        found = verb(book_of(ROWS), market(), name, by=by)
        own = {tuple(each["path"]): each for each in found.groups}
        paths = [path[1:] if by == "strategy" else path for path in PATHS]
        mean = walked(worth, orders).mean(axis=0)
        assert set(own) == set(paths)
        for k, path in enumerate(paths):
            others = frozenset(range(6)) - {k}
            assert own[path]["shapley"] == pytest.approx(mean[k], abs=near)
            assert own[path]["shapley_error"] is None
            assert own[path]["stand_alone"] == pytest.approx(worth[frozenset({k})], abs=near)
            assert own[path]["incremental"] == pytest.approx(whole - worth[others], abs=near)
        total = sum(each["shapley"] for each in found.groups)
        assert total == pytest.approx(whole - worth[frozenset()], abs=near)
    fair, unions = (walked(worth, orders).mean(axis=0) for orders in (ALL, UNIONS))
    assert np.abs(fair - unions).max() > 1e-3 * whole  # the hierarchy matters here


def game_of(name: str) -> Callable[[np.ndarray], np.ndarray]:
    worth = coalitions(name)
    return lambda flags: np.array([worth[frozenset(np.flatnonzero(row).tolist())] for row in flags])


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_error_bars_of_drawn_shares_are_the_spread_of_the_draws(name: str, levels: int) -> None:
    """Over 150 seeds: no bias, the spread is the stated error, and two of them hold 19 of 20."""
    orders, game = (ALL, UNIONS)[levels - 1], game_of(name)
    exact = walked(coalitions(name), orders).mean(axis=0)
    drawn, error = np.zeros((2, 150, 6))
    for seed in range(150):
        if levels == 1:
            found = shapley(game, 6, exact_max=0, pairs=30, seed=seed)
        else:
            found = owen(game, PATHS, exact_max=0, pairs=30, seed=seed)
        assert not found.exact
        drawn[seed], error[seed] = found.values, found.error
        assert found.values.sum() == pytest.approx(exact.sum(), rel=1e-9)
    some = error.mean(axis=0) > 1e-9 * exact.std()  # a group of one gain in every order has none
    assert np.abs(drawn - exact)[:, ~some].max(initial=0.0) < 1e-9 * exact.std()
    assert some.sum() >= 4
    stated = error.mean(axis=0)[some]
    assert drawn.std(axis=0)[some] == pytest.approx(stated, rel=0.2)
    bias = (drawn.mean(axis=0) - exact)[some]
    assert (np.abs(bias) < 4.0 * stated / np.sqrt(150)).all()
    inside = np.abs(drawn - exact)[:, some] <= 2.0 * error[:, some]
    assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_the_verb_draws_as_the_game_does() -> None:
    """Forced to draw, the verb's shares lie by the exact ones as its error says."""
    exact = walked(coalitions("okx-pm"), ALL).mean(axis=0)
    found = verb(book_of(ROWS), market(), "okx-pm", by="strategy", exact_max=0, pairs=400)
    by_path = {each["path"][0]: each for each in found.groups}
    for k, (_, strategy) in enumerate(PATHS):
        own = by_path[strategy]
        assert abs(own["shapley"] - exact[k]) <= 4.0 * own["shapley_error"] + 1e-6
        assert own["shapley_error"] < 0.05 * np.abs(exact).max()
    again = verb(book_of(ROWS), market(), "okx-pm", by="strategy", exact_max=0, pairs=400)
    assert [e["shapley"] for e in again.groups] == [e["shapley"] for e in found.groups]


def test_a_coalition_is_not_the_whole_book_with_smaller_lots() -> None:
    """The twin's own books: no lots need nothing, all lots what the verb requires."""
    for name in MODELS:
        worth = coalitions(name)
        found = verb(book_of(ROWS), market(), name, by="strategy", method="euler")
        assert worth[frozenset()] == 0.0
        assert worth[frozenset(range(6))] == pytest.approx(found.figures["required"], rel=1e-12)
