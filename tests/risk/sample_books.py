"""Sample books and their requirements, one table for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from crossmargin.instruments.book import Book
from crossmargin.interfaces.sources import book_of, snapshot_of
from crossmargin.margin.mapping import map_for
from crossmargin.margin.model import Requirement
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.market.snapshot import Snapshot
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import Attribution, attribute
from crossmargin.risk.groups import groups_of, order_groups


@cache
def market() -> Snapshot:
    return snapshot_of("sample:market")


@cache
def book(name: str) -> Book:
    return book_of(f"sample:{name}")


@cache
def required(model: str, name: str = "market-maker") -> Requirement:
    held = book(name)
    view = market().view(held.instruments)
    chosen = model_named(model)
    if chosen.spec.venue not in ("", "deribit"):
        mapped = map_for(held, view, chosen.spec)
        held, view = mapped.book, mapped.view
    return run(held, view, chosen)


def attributed(
    model: str, by: Sequence[str], name: str = "market-maker", level: str = "im"
) -> tuple[Attribution, AccountGame]:
    requirement = required(model, name)
    game = AccountGame(requirement, level)
    groups = groups_of(requirement.book, by, game.column, game.quantity)
    return attribute(game, groups, order_groups(requirement.book, by)), game
