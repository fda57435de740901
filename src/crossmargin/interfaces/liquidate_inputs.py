"""What a liquidation starts from: a market moved first, and the command that repeats it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.accounts.nodes import Account, Move
from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.receipt import command_line
from crossmargin.margin.model import Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.market.view import View

__all__ = ["command_text", "moved_by", "named_flags"]


def moved_by(
    asked: Requirement, wide: Book, view: View, spot: float
) -> tuple[Requirement, Book, View]:
    """The account after every coin moved by a fraction at unchanged volatilities, as at its venue.

    Quotes of options stay as far from their marks, in price, as they are now, those of futures in
    proportion; a bid that would not be above 0 is none. Raises InputError ``number_out_of_range``
    for a move of -100 % or less, or that is not finite.
    """
    if not -1.0 < spot < 19.0:
        raise InputError(
            "number_out_of_range",
            "a move of spot is a fraction of now",
            place="--spot",
            value=spot,
            limit="above -1 (all of it), below 19",
            remedy="Write -0.3 for a fall of 30 per cent.",
        )
    account = Account(wide, view, asked.via, asked.parameters)
    held, moved = account.market(Move(every=1.0 + spot))
    option = view.instruments.kind == Kind.OPTION
    known = view.mark > 0.0
    share = np.where(known, moved.mark / np.where(known, view.mark, 1.0), 0.0)

    def side(price: Floats, there: Bools) -> tuple[Floats, Bools]:
        found = np.where(option, moved.mark + price - view.mark, price * share)
        quoted = there & (found > 0.0)
        return frozen(np.where(quoted, found, 0.0), np.float64), frozen(quoted, np.bool_)

    bid, has_bid = side(view.bid, view.has_bid)
    ask, has_ask = side(view.ask, view.has_ask)
    moved = replace(moved, bid=bid, ask=ask, has_bid=has_bid, has_ask=has_ask)
    return run(held, moved, asked.via, asked.parameters), held, moved


def named_flags(
    terms: Mapping[str, Any] | None,
    lots: Mapping[str, float] | None,
    changes: Mapping[str, Any] | None,
    winners: Mapping[str, tuple[float, float]] | None,
    bids: Sequence[tuple[float, float]],
) -> dict[str, dict[str, Any]]:
    """NAME=VALUE by flag, as the command line writes them."""
    return {
        "--terms": dict(terms or {}),
        "--lot": dict(lots or {}),
        "--set": dict(changes or {}),
        "--winner": {name: f"{usd!r}:{by!r}" for name, (usd, by) in (winners or {}).items()},
        "--bid": {repr(float(s)): repr(float(share)) for s, share in bids},
    }


def command_text(
    sources: tuple[Any, Any],
    scalars: Mapping[str, Any],
    named: Mapping[str, Mapping[str, Any]],
    params: Any,
) -> str:
    """The command that gives the same bits; empty where something came from no file.

    ``scalars`` by flag; ``named`` are NAME=VALUE by flag. A parameter set of its own, or a place
    that is no file, has no command.
    """
    book, market = sources
    markets: Sequence[Any] = market if isinstance(market, list | tuple) else [market]
    if not all(isinstance(each, str | Path) for each in (book, *markets)):
        return ""
    changes = dict(params) if isinstance(params, Mapping) else {}
    if isinstance(params, Parameters):
        return ""
    parts = ["crossmargin", "liquidate", str(book)]
    for each in markets:
        parts += ["--market", str(each)]
    flags = {**scalars, "--params": None if changes else params}
    for flag, value in flags.items():
        if value is True:
            parts.append(flag)
        elif value is not None and value is not False:
            parts += [flag, repr(value) if isinstance(value, float) else str(value)]
    for flag, pairs in {**named, "--set": {**changes, **named.get("--set", {})}}.items():
        for name, value in pairs.items():
            parts += [flag, f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return command_line(parts)
