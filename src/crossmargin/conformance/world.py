"""A market and random books for any model: made from its declaration alone, without a venue's data.

A model that is registered later is served as it is: its venue, the kinds that it accepts and the
currency of its requirement say which contracts it can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib import resources
from math import exp, log

import numpy as np

from crossmargin.conformance.black import price as black
from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, NEVER_MS, YEAR_MS, utc_ms
from crossmargin.core.errors import Failure, ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.factors import Factor, instrument_of
from crossmargin.instruments.names import CURRENCIES, VENUES
from crossmargin.margin import MarginModel, Parameters, parameters_for
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import read_parameters
from crossmargin.market.history import History
from crossmargin.market.view import View

__all__ = [
    "AS_OF_MS",
    "SPOT",
    "STABLE",
    "STRANGE",
    "Subject",
    "World",
    "accounts_of",
    "answering",
    "contracts",
    "forms",
    "one_account",
    "parameters_of",
    "quantity",
    "random_book",
    "random_lines",
    "random_orders",
    "served",
    "split",
    "subject_of",
    "trading",
    "view_of",
    "world_of",
]

AS_OF_MS = utc_ms(2026, 12, 1, 8)
SPOT = {"BTC": 64_000.0, "ETH": 1_900.0}
STABLE = "USDC"
# Lines of a sensitivity file: dollars per unit of what they name.
FACTORS = (
    Factor("Commodity", "Risk_Commodity", "BTC", "16"),
    Factor("Commodity", "Risk_Commodity", "ETH", "16"),
    Factor("Commodity", "Risk_CommodityVol", "BTC", "16", "3m"),
    Factor("Commodity", "Risk_CommodityVol", "ETH", "16", "1m"),
    Factor("RatesFX", "Risk_FX", "EUR"),
    Factor("RatesFX", "Risk_IRCurve", "USD", "1", "2y", "OIS"),
    Factor("RatesFX", "Risk_IRCurve", "USD", "1", "5y", "Libor3m"),
)
STRANGE = "GOLD"  # an asset that no venue lists
LIVES_DAYS = (0.75, 6.0, 30.0, 89.0, 206.0)
FUTURE_LIVES_DAYS = (30.0, 206.0)
MONEYNESS = (0.7, 0.9, 1.0, 1.1, 1.5)
CARRY_ANNUAL = 0.03
RATE_ANNUAL = 0.02
_PAST_DAYS = 1_095


@dataclass(frozen=True)
class Subject:
    """A model under test with the parameters that it is run with."""

    model: MarginModel
    parameters: Parameters
    shipped: bool = True  # registered, with parameter files of its own

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.spec.name


@dataclass(frozen=True)
class World:
    """Contracts of one venue and their market."""

    instruments: Instruments
    view: View

    def derivatives(self) -> list[int]:
        """Rows of the table that are contracts."""
        kinds = (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION, Kind.FACTOR)
        return [k for k, item in enumerate(self.instruments.items) if item.kind in kinds]

    def rows(self, choose: Callable[[Instrument], bool]) -> list[int]:
        """Rows of the table that are chosen."""
        return [k for k, item in enumerate(self.instruments.items) if choose(item)]


def parameters_of(model: MarginModel, found: Parameters) -> Parameters:
    """A shipped set, or for a model that refuses without it the venue's payload of this world.

    The payload is a set as a user would give it (``--params FILE``); its numbers are nobody's.
    Raises ModelError ``parameter_missing`` where there is no stand-in.
    """
    if model.spec.extent is not Extent.REFUSED:
        return found
    name = f"{model.spec.name}.toml"
    path = resources.files("crossmargin.conformance") / "payloads" / name
    if not path.is_file():
        raise ModelError(
            "parameter_missing",
            "the model refuses without the venue's payload, and there is no stand-in for it",
            place=model.spec.name,
            remedy="Give the payload of the venue.",
        )
    return read_parameters(path.read_text(encoding="utf-8"), name)


def subject_of(model: MarginModel) -> Subject:
    """A registered model with the newest of its sets, or a stand-in where it refuses without."""
    return Subject(model, parameters_of(model, parameters_for(model, AS_OF_MS)))


def answering(models: Iterable[MarginModel]) -> tuple[MarginModel, ...]:
    """The models that have a formula: those that can be asked for numbers."""
    return tuple(model for model in models if not model.spec.formula_unknown)


def trading(models: Iterable[MarginModel]) -> tuple[MarginModel, ...]:
    """Of these the models of contracts that can be ordered: lines of a file cannot."""
    ordered = {Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION}
    return tuple(model for model in answering(models) if ordered & set(model.spec.kinds))


def served(subject: Subject, items: list[Instrument]) -> bool:
    """Whether the model's parameters have the numbers of these contracts."""
    if subject.model.spec.formula_unknown:
        return True  # it takes them as far as it takes any
    try:
        subject.model.plan(Instruments.of(items), subject.parameters)
    except ModelError as error:
        if error.code != "parameter_missing":
            raise
        return False
    return True


def forms(subject: Subject) -> tuple[tuple[str, str, bool], ...]:
    """(quote, settle, inverse) of the contracts of a coin, {} standing for the coin.

    A model that tells quote currencies apart is given each: USD paid in coin, the others linear.
    Of a venue whose names are known: those of its examples that settle in the model's currency.
    """
    currency, quotes = subject.model.spec.currency, subject.model.spec.quotes
    if quotes:
        return tuple(("USD", "{}", True) if q == "USD" else (q, q, False) for q in quotes)
    venue = VENUES.get(subject.model.spec.venue)
    if venue is not None:
        read = [venue.read(name) for name in venue.forms.split(", ") if name not in CURRENCIES]
        shapes = [
            (terms.quote, "{}" if terms.inverse else terms.settle, terms.inverse)
            for terms in read
            if terms is not None and terms.kind in subject.model.spec.kinds
            if terms.kind is not Kind.ASSET
            if currency in ("settle", "USD", terms.settle)
        ]
        return tuple(dict.fromkeys(shapes))
    if currency in ("settle", "USD"):
        return ("USD", "{}", True), (STABLE, STABLE, False)
    return (("USD", currency, False),)


def contracts(subject: Subject) -> list[Instrument]:
    """Every contract of the world of a model."""
    spec = subject.model.spec
    venue = spec.venue or "deribit"
    settles = [settle for _, settle, _ in forms(subject) if settle != "{}"] or [STABLE]
    names = list(dict.fromkeys(settles))
    names += list(SPOT) if spec.currency in ("settle", "USD") else []
    out: list[Instrument] = []
    if Kind.ASSET in spec.kinds:
        out += [Instrument(venue, name, Kind.ASSET, name, "USD", name) for name in names]
    if Kind.DEBT in spec.kinds:
        out += [Instrument(venue, f"debt {n}", Kind.DEBT, n, "USD", n) for n in names]
    if Kind.FACTOR in spec.kinds:
        out += [instrument_of(factor) for factor in FACTORS]
    if set(spec.kinds) == {Kind.ASSET, Kind.DEBT}:  # a lending market lists its own tokens
        out = [item for item in out if served(subject, [item])]
    for coin in SPOT:
        own: list[Instrument] = []
        for quote, settle, inverse in forms(subject):
            own += _of_coin(spec.kinds, venue, coin, quote, settle.format(coin), inverse)
        out += own if served(subject, own) else []
    return out


def _of_coin(
    kinds: tuple[Kind, ...], venue: str, coin: str, quote: str, settle: str, inverse: bool
) -> Iterable[Instrument]:
    stem = f"{coin}_{settle}"
    base = Instrument(venue, "", Kind.PERPETUAL, coin, quote, settle, inverse)
    if Kind.PERPETUAL in kinds:
        yield replace(base, native_id=f"{stem}-PERPETUAL")
    if Kind.FUTURE in kinds:
        for days in FUTURE_LIVES_DAYS:
            when = AS_OF_MS + int(days * DAY_MS)
            yield replace(base, native_id=f"{stem}-{days:g}", kind=Kind.FUTURE, expiry_ms=when)
    if Kind.OPTION in kinds:
        for days in LIVES_DAYS:
            when = AS_OF_MS + int(days * DAY_MS)
            for share in MONEYNESS:
                strike = float(round(SPOT[coin] * share, -2))
                for right, letter in ((1, "C"), (-1, "P")):
                    yield replace(
                        base,
                        native_id=f"{stem}-{days:g}-{strike:g}-{letter}",
                        kind=Kind.OPTION,
                        right=right,
                        strike=strike,
                        expiry_ms=when,
                    )


def view_of(items: Iterable[Instrument], unpriced: Sequence[str] = ()) -> World:
    """The market of some contracts; those named ``unpriced`` are not ok."""
    table = Instruments.of(items)
    forward = [_forward(key[0], key[3]) for key in table.expiries]
    life = [key[3] - AS_OF_MS for key in table.expiries]
    vol = [_vol(item) for item in table.items]
    bad = np.array([item.native_id in unpriced for item in table.items], np.bool_)
    usd = {**SPOT, "USD": 1.0, STABLE: 0.9995, "USDT": 1.0003, STRANGE: 4_000.0}
    none = frozen(np.zeros(len(table)), np.float64)
    perpetuals = [item for item in table.items if item.kind == Kind.PERPETUAL]
    funded = [f"{item.venue}|{item.native_id}" for item in perpetuals]
    view = View(
        instruments=table,
        as_of_ms=AS_OF_MS,
        index=frozen([SPOT.get(pair[0], 1.0) for pair in table.pairs], np.float64),
        usd=frozen([usd.get(name, usd[STABLE]) for name in table.names], np.float64),
        forward=frozen(forward, np.float64),
        forward_settled=frozen(np.zeros(len(forward)), np.float64),
        rate=frozen(np.full(len(forward), RATE_ANNUAL), np.float64),
        life_ms=frozen(life, np.int64),
        mark=frozen(np.where(bad, 0.0, [_mark(item) for item in table.items]), np.float64),
        vol=frozen(np.where(bad, 0.0, vol), np.float64),
        bid=none,
        ask=none,
        has_bid=frozen(np.zeros(len(table)), np.bool_),
        has_ask=frozen(np.zeros(len(table)), np.bool_),
        ok=frozen(~bad, np.bool_),
        failures=tuple(
            Failure(table.label(k), "vol_missing", "no volatility, and its mark carries none")
            for k in np.flatnonzero(bad).tolist()
        ),
        reads={"funding_8h": dict.fromkeys(funded, 0.0001)},
        history=_past(),
    )
    return World(table, view)


@cache
def _past() -> dict[str, History]:
    """Three years of days of both coins that move together, with fat tails and vols that answer."""
    rng = np.random.default_rng(20261201)
    times = frozen(AS_OF_MS - DAY_MS * np.arange(_PAST_DAYS, -1, -1), np.int64)
    common = rng.standard_t(4.0, _PAST_DAYS)
    out = {}
    for coin, vol_daily, level in (("BTC", 0.022, 0.42), ("ETH", 0.031, 0.75)):
        move = vol_daily * (0.8 * common + 0.6 * rng.standard_t(4.0, _PAST_DAYS)) / 1.4
        path = np.concatenate([[0.0], np.cumsum(move)])
        price = SPOT[coin] * np.exp(path - path[-1])
        shock = np.concatenate([[0.0], -0.9 * move + 0.03 * rng.standard_normal(_PAST_DAYS)])
        vol = level * np.exp(np.clip(_reverting(shock), -1.2, 1.2))
        fixed = frozen(price, np.float64), times, frozen(vol, np.float64)
        out[coin] = History(coin, times, *fixed)
    return out


def _reverting(shock: Floats) -> Floats:
    """A path that forgets a twentieth of itself a day."""
    path = np.zeros(len(shock))
    for k in range(1, len(shock)):
        path[k] = 0.95 * path[k - 1] + shock[k]
    return path


def _forward(coin: str, expiry_ms: int) -> float:
    years = 0.0 if expiry_ms == NEVER_MS else (expiry_ms - AS_OF_MS) / YEAR_MS
    return SPOT.get(coin, 1.0) * exp(CARRY_ANNUAL * years)


def _vol(item: Instrument) -> float:
    if item.kind != Kind.OPTION:
        return 0.0
    k = log(item.strike / _forward(item.underlying, item.expiry_ms))
    base = 0.42 if item.underlying == "BTC" else 0.75  # below and above the floors of the rules
    return base - 0.1 * k + 0.4 * k * k


def _mark(item: Instrument) -> float:
    if item.kind == Kind.PERPETUAL:
        return SPOT.get(item.underlying, 1.0) * 1.0004
    if item.kind == Kind.FUTURE:
        return _forward(item.underlying, item.expiry_ms) * 1.0002
    if item.kind != Kind.OPTION:
        return 0.0
    forward = _forward(item.underlying, item.expiry_ms)
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
    value = black(item.right, forward, item.strike, _vol(item), years)
    return value / forward if item.inverse else value


_WORLDS: dict[str, World] = {}


def world_of(subject: Subject) -> World:
    """The whole market of a model, built once."""
    if subject.name not in _WORLDS:
        _WORLDS[subject.name] = view_of(contracts(subject))
    return _WORLDS[subject.name]


def random_lines(world: World, seed: int, accounts: int = 40, largest: int = 24) -> list[Line]:
    """Books of 0 to ``largest`` positions; every fifth account has none, some have debts in cash.

    Quantities are decimals of three places, so that they can be split exactly.
    """
    rng = np.random.default_rng(seed)
    lines: list[Line] = []
    derivatives = world.derivatives()
    money = world.rows(lambda item: item.kind in (Kind.ASSET, Kind.DEBT))
    for a in range(accounts):
        name = f"a{a:03d}"
        items = world.instruments.items
        lines += [Line(name, k, _cash(rng, items[k])) for k in money if rng.random() < 0.7]
        count = 0 if a % 5 == 0 or not derivatives else int(rng.integers(1, largest + 1))
        chosen = set(rng.choice(derivatives, min(count, len(derivatives)), replace=False).tolist())
        if count:  # options are many, futures few: every book has some of them
            futures = [k for k in derivatives if items[k].kind != Kind.OPTION]
            chosen |= {k for k in futures if rng.random() < 0.3}
        lines += [Line(name, k, quantity(rng, items[k])) for k in sorted(chosen)]
    return lines


def _cash(rng: np.random.Generator, item: Instrument) -> float:
    price = SPOT.get(item.underlying, 1.0)
    size = round(float(rng.uniform(1_000.0, 400_000.0)) / price, 3)
    if item.kind == Kind.DEBT:
        return -size
    return -size if item.underlying == STABLE and rng.random() < 0.2 else size


def quantity(rng: np.random.Generator, item: Instrument) -> float:
    """A signed size of some coins; an inverse future counts in dollars."""
    size = float(rng.uniform(0.1, 20.0)) * (1.0 if item.underlying == "BTC" else 20.0)
    if item.inverse and item.kind != Kind.OPTION:
        size = float(round(size * SPOT[item.underlying], -1))
    sign = -1.0 if rng.random() < 0.5 else 1.0
    return sign * round(size, 3)


def random_orders(world: World, seed: int, accounts: int = 40) -> list[Order]:
    """Up to four resting orders in every second account, priced within 8 % of the mark."""
    rng = np.random.default_rng(seed)
    marks = world.view.mark.tolist()
    items = world.instruments.items
    derivatives = [k for k in world.derivatives() if marks[k] > 0.0]
    if not derivatives:
        return []
    orders: list[Order] = []
    for a in range(0, accounts, 2):
        few = rng.choice(derivatives, 3)  # several orders of one contract, on both sides
        for k in rng.choice(few, int(rng.integers(1, 5))).tolist():
            limit = max(marks[k] * float(rng.uniform(0.92, 1.08)), 1e-6)
            side = 1 if rng.random() < 0.5 else -1
            orders.append(Order(f"a{a:03d}", k, side, abs(quantity(rng, items[k])), limit))
    return orders


def accounts_of(count: int = 40) -> tuple[str, ...]:
    """Names of the accounts of `random_lines`, those without any line included."""
    return tuple(f"a{a:03d}" for a in range(count))


def random_book(subject: Subject, seed: int = 1, accounts: int = 40, largest: int = 24) -> Book:
    """A population on the whole table of the model's world."""
    world = world_of(subject)
    lines = random_lines(world, seed, accounts, largest)
    return Book.of(world.instruments, lines, accounts=accounts_of(accounts))


def split(line: Line, rng: np.random.Generator) -> list[Line]:
    """The same position in two or three lots whose decimals add up exactly."""
    total = Decimal(repr(line.quantity))
    sizes = rng.uniform(-3.0, 3.0, int(rng.integers(1, 3))).round(3).tolist()
    parts = [Decimal(str(size)) for size in sizes]
    parts.append(total - sum(parts, Decimal(0)))
    return [replace(line, quantity=float(part)) for part in parts]


def one_account(subject: Subject, held: dict[str, float]) -> tuple[Book, World]:
    """A book of one account of (native id, quantity) on the whole table."""
    world = world_of(subject)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    lines = [Line("a", place[name], size) for name, size in held.items()]
    return Book.of(world.instruments, lines), world
