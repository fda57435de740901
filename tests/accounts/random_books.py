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


def many_legs(model: str, count: int = 200, seed: int = 3) -> Account:
    """A book of options on one coin with coins beside them, mapped to the model's venue."""
    options = [item for item in contracts()["option"] if item.underlying == "BTC"][:count]
    sizes = np.random.default_rng(seed).integers(-20, 20, len(options))
    legs = [(item, float(size) or 1.0) for item, size in zip(options, sizes, strict=True)]
    return mapped_account([*legs, (named("BTC"), 30.0)], model)


def mapped_account(holdings: list[tuple[Instrument, float]], model: str) -> Account:
    """The account as the model sees it, through the door that a caller takes."""
    table = Instruments.of([item for item, _ in holdings])
    place = table.index_of()
    book = Book.of(table, [Line("a", place[item.key], size) for item, size in holdings])
    need = xm.margin(book, sample_market(), model).requirement
    return Account(need.book, need.view, need.via, need.parameters)


def two_coins(model: str, seed: int) -> Account:
    """Options and futures of both coins and three balances: several pools in many models."""
    rng, known = np.random.default_rng(seed), contracts()
    chosen: dict[tuple[str, str], tuple[Instrument, float]] = {}
    for coin in ("BTC", "ETH"):
        for kind, number, unit in (("option", 6, 0.25), ("future", 2, 1000.0)):
            listed = [item for item in known[kind] if item.underlying == coin]
            for k in rng.choice(len(listed), min(number, len(listed)), replace=False).tolist():
                size = unit * float(rng.integers(-20, 20) or 1)
                chosen[listed[k].key] = (listed[k], size)
    for coin, size in (("BTC", 5.0), ("ETH", 50.0), ("USDC", 1e5)):
        chosen[VENUE, coin] = (asset(VENUE, coin), size)
    return mapped_account(list(chosen.values()), model)
