"""Markets and parameters for the tests of the value-at-risk family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.conformance.world import (
    AS_OF_MS,
    Subject,
    World,
    contracts,
    subject_of,
    view_of,
)
from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import model_named
from crossmargin.margin.families.var_moves import JointMoves
from crossmargin.margin.families.var_table import ScenarioTable, scenario_table
from crossmargin.margin.families.whole_account import dollar_market, plan_account
from crossmargin.margin.model import Pool, PoolBook
from crossmargin.margin.parameter_files import Entry, Parameters, overlay
from crossmargin.margin.pools import cut
from crossmargin.market.history import History

COINS = ("BTC", "ETH")


def subject(name: str) -> Subject:
    return subject_of(model_named(name))


def numbers(name: str, **changes: Any) -> Parameters:
    """The shipped set with changes inside its bounds; ``__`` stands for a dot."""
    base = subject(name).parameters
    return overlay(base, {key.replace("__", "."): x for key, x in changes.items()}, "test")


def forced(parameters: Parameters, **changes: Any) -> Parameters:
    """Numbers beyond the bounds of the file, as a user's own file may state them."""
    entries = dict(parameters.entries)
    for key, value in changes.items():
        name = key.replace("__", ".")
        entries[name] = Entry(value, "test", "test")
    return replace(parameters, entries=entries)


def world(name: str = "var-historical") -> World:
    return view_of(contracts(subject(name)))


def with_history(seen: World, history: dict[str, History]) -> World:
    return replace(seen, view=replace(seen.view, history=history))


def history(
    coin: str, price: Floats, vol: Floats | None = None, *, end_ms: int = AS_OF_MS, step: int = 1
) -> History:
    """Daily values that end at a time; every ``step``-th day."""
    times = end_ms - step * DAY_MS * np.arange(len(price) - 1, -1, -1)
    fixed = frozen(times, np.int64)
    vols = np.zeros(0) if vol is None else vol
    vol_times = fixed if vol is not None else frozen(np.zeros(0), np.int64)
    return History(coin, fixed, frozen(price, np.float64), vol_times, frozen(vols, np.float64))


def random_moves(count: int, seed: int = 3) -> JointMoves:
    rng = np.random.default_rng(seed)
    price, vol = 0.04 * rng.standard_t(4, (2, count)), 0.05 * rng.standard_t(5, (2, count))
    both = (True, True)
    return JointMoves(COINS, frozen(price, np.float64), frozen(vol, np.float64), both, both)


def pool_of(seen: World, parameters: Parameters) -> Pool:
    return plan_account(seen.instruments, parameters).pools[0]


def table_of(seen: World, moves: JointMoves, parameters: Parameters) -> ScenarioTable:
    return scenario_table(dollar_market(pool_of(seen, parameters), seen.view), moves, parameters)


def block(
    seen: World, parameters: Parameters, lines: list[Line], orders: list[Order] | None = None
) -> PoolBook:
    names = tuple(dict.fromkeys([x.account for x in (*lines, *(orders or []))]))
    book = Book.of(seen.instruments, lines, orders or [], accounts=names)
    return cut(book, pool_of(seen, parameters), 0)


def place(seen: World, native_id: str) -> int:
    return next(k for k, i in enumerate(seen.instruments.items) if i.native_id == native_id)
