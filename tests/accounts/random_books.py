"""Random small books on the sample market, and accounts of them."""

from __future__ import annotations

from functools import cache

import numpy as np

import crossmargin as xm
from crossmargin.accounts.nodes import Account, Hook
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import market_path

VENUE = "deribit"
# Light models most often; every one of them prices many nodes in one call.
MODELS = ("fixed-rate",) * 12 + ("deribit-sm",) * 4 + ("delta", "house-example", "deribit-xpm")


@cache
def sample_market() -> Snapshot:
    return xm.read_market(str(market_path()))


@cache
def contracts() -> dict[str, tuple[Instrument, ...]]:
    """Listed contracts of the sample: options, and futures with perpetuals, by coin."""
    market = sample_market()
    subjects = {*market.places("mark_iv"), *market.places("mark")}
    found: dict[str, list[Instrument]] = {"option": [], "future": []}
    for subject in sorted(subjects):
        venue, _, name = subject.partition("|")
        if venue != VENUE:
            continue
        item = parse(venue, name)
        if item.expiry_ms > market.as_of_ms and item.underlying in ("BTC", "ETH"):
            found["option" if item.kind == Kind.OPTION else "future"].append(item)
    return {name: tuple(items) for name, items in found.items()}


def account_of(
    holdings: list[tuple[Instrument, float]],
    model: str,
    *,
    tiled: bool = True,
    value_of: Hook | None = None,
) -> Account:
    table = Instruments.of([item for item, _ in holdings])
    place = table.index_of()
    book = Book.of(table, [Line("a", place[item.key], size) for item, size in holdings])
    rules = xm.model_named(model)
    view = sample_market().view(table)
    parameters = xm.parameters_for(rules, view.as_of_ms)
    return Account(book, view, rules, parameters, tiled=tiled, value_of=value_of)


def named(name: str) -> Instrument:
    """A contract or a currency of the venue."""
    return parse(VENUE, name) if "-" in name else asset(VENUE, name)


def random_account(seed: int, *, tiled: bool = True) -> Account:
    """One to six legs of both signs, coins and dollars; the model goes with the seed."""
    rng = np.random.default_rng(seed)
    model = MODELS[seed % len(MODELS)]
    known = contracts()
    chosen: dict[tuple[str, str], tuple[Instrument, float]] = {}
    for _ in range(int(rng.integers(1, 7))):
        kind = "option" if rng.random() < 0.7 else "future"
        item = known[kind][int(rng.integers(len(known[kind])))]
        coins = float(rng.choice([-1.0, 1.0])) * float(rng.integers(1, 30)) / 10.0
        inverse = item.inverse and item.kind != Kind.OPTION
        chosen[item.key] = (item, 20_000.0 * coins if inverse else coins)
    settles = {item.settle for item, _ in chosen.values()}
    for currency in sorted(settles | {"BTC"}):
        size = float(rng.uniform(0.05, 3.0))
        if currency not in ("BTC", "ETH"):
            size *= 40_000.0
        elif currency == "ETH":
            size *= 20.0
        chosen[VENUE, currency] = (asset(VENUE, currency), size)
    return account_of(list(chosen.values()), model, tiled=tiled)
