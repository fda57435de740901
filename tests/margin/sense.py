"""Books on recorded chains and their margin in dollars, for the sense checks.

The chains are those of 2026-02-05T21:29:37Z, the low of a crash, and of 2026-01-28T21:29:43Z, a
calm evening. Deribit's models and the fixed rate take the book as it is; the models of the
dollar-settled venues take its linear equivalent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from crossmargin.core.clock import DAY_MS, parse_ms
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Requirement, model_named, parameters_for, run
from crossmargin.margin.mapping import map_book
from crossmargin.market.fields import dated_subject, split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.venues.market_import import import_market

DAYS = {
    "crash": ("2026-02-05T21:29:37Z", "20260205T212937Z"),
    "calm": ("2026-01-28T21:29:43Z", "20260128T212943Z"),
}
COINS = ("BTC", "ETH")
# What each scan model calls the loss of its worst scenario.
SCAN = {
    "deribit-spm": "worst_case",
    "deribit-xpm": "worst_case",
    "derive-pm2": "span_loss",
    "paradex-pm": "scan_risk",
    "okx-pm": "scan_risk",
}
# Models whose initial requirement is the maintenance requirement times a factor.
IM_FACTOR = {"okx-pm": 1.3}
MODELS = (*SCAN, "deribit-sm", "fixed-rate")

Legs = Mapping[str, float]  # Deribit's name -> quantity in Deribit's unit


@dataclass(frozen=True)
class Found:
    """One account under one model, in dollars; ``others`` is everything but the scan.

    ``factor``: what the initial requirement multiplies the scan by.
    """

    im: float
    mm: float
    scan: float
    move: float
    vol: str
    label: str
    columns: Mapping[str, float]
    factor: float = 1.0

    @property
    def others(self) -> float:
        return self.im - self.factor * self.scan


def read_markets(market_dir: Path) -> dict[str, Snapshot]:
    """The chain of each day with the prices of perpetuals and dated futures."""
    folder = market_dir / "deribit"
    companions = [folder / "perpetual_futures_prices.csv", folder / "term_futures_marks.csv.gz"]
    return {
        day: import_market(
            [folder / f"deribit_options_snapshot_{stamp}.csv.gz", *companions], at_ms=parse_ms(time)
        )
        for day, (time, stamp) in DAYS.items()
    }


def book_of(accounts: Mapping[str, Legs]) -> Book:
    """One account for each entry."""
    table = Instruments.of(parse("deribit", name) for legs in accounts.values() for name in legs)
    place = table.index_of()
    lines = [
        Line(account, place["deribit", name], quantity)
        for account, legs in accounts.items()
        for name, quantity in legs.items()
    ]
    return Book.of(table, lines, accounts=tuple(accounts))


def required(
    book: Book, view: View, name: str, changes: Mapping[str, float] | None = None
) -> Requirement:
    """The requirement, of the linear equivalents where the model's venue settles in dollars."""
    model = model_named(name)
    if model.spec.venue not in ("", "deribit"):
        mapped = map_book(book, view, model.spec.venue)
        book, view = mapped.book, mapped.view
    found = run(book, view, model, parameters_for(model, view.as_of_ms, changes))
    assert found.failures == ()
    return found


def margins(
    market: Snapshot,
    name: str,
    accounts: Mapping[str, Legs],
    changes: Mapping[str, float] | None = None,
) -> dict[str, Found]:
    """Every account under a model; pools are added in dollars."""
    book = book_of(accounts)
    found = required(book, market.view(book.instruments), name, changes)
    sheet, scan = found.sheet, SCAN.get(name)
    out: dict[str, Found] = {}
    for row in range(len(sheet["im"])):
        priced = found.priced[int(sheet.pool[row])]
        usd = priced.usd_per_unit
        columns = {column.name: float(sheet[column.name][row]) * usd for column in sheet.columns}
        code = int(found.scenario[row])
        inside = priced.scenarios is not None and 0 <= code < len(priced.scenarios)
        each = Found(
            im=columns["im"],
            mm=columns["mm"],
            scan=columns[scan] if scan else 0.0,
            move=float(priced.scenarios.move[code]) if inside else 0.0,
            vol=priced.scenarios.vol_label[code] if inside else "",
            label=found.scenario_label(row),
            columns=columns,
            factor=IM_FACTOR.get(name, 1.0),
        )
        account = found.book.account[int(sheet.account[row])]
        out[account] = each if account not in out else _added(out[account], each)
    return out


def _added(first: Found, second: Found) -> Found:
    larger = first if first.scan >= second.scan else second
    columns = {
        name: first.columns.get(name, 0.0) + second.columns.get(name, 0.0)
        for name in {**first.columns, **second.columns}
    }
    return Found(
        im=first.im + second.im,
        mm=first.mm + second.mm,
        scan=first.scan + second.scan,
        move=larger.move,
        vol=larger.vol,
        label=f"{first.label}; {second.label}",
        columns=columns,
        factor=first.factor,
    )


# -- the chain -----------------------------------------------------------------------------------


class Chain:
    """Names by place in one coin's chain."""

    def __init__(self, market: Snapshot, coin: str) -> None:
        self.market = market
        self.coin = coin
        index = market.get("index", f"{coin}/USD")
        assert index is not None
        self.index = index
        self.smiles: dict[int, dict[tuple[float, int], str]] = {}
        self.futures: dict[int, str] = {}
        for subject in market.values("mark"):
            item = parse(*split_contract(subject))
            if item.underlying != coin:
                continue
            if item.kind == Kind.FUTURE:
                self.futures[item.expiry_ms] = item.native_id
            elif item.kind == Kind.OPTION:
                smile = self.smiles.setdefault(item.expiry_ms, {})
                smile[item.strike, item.right] = item.native_id

    def expiry(self, days: float) -> int:
        """The listed expiry nearest to so many days, among those with a future."""
        wanted = self.market.as_of_ms + days * DAY_MS
        return min(self.futures, key=lambda ms: abs(ms - wanted))

    def forward(self, expiry_ms: int) -> float:
        found = self.market.get("forward", dated_subject(self.coin, "USD", expiry_ms))
        assert found is not None
        return found

    def option(self, expiry_ms: int, share: float, right: int) -> str:
        """The option whose strike is nearest to a share of the forward."""
        smile = self.smiles[expiry_ms]
        wanted = share * self.forward(expiry_ms)
        strikes = {strike for strike, _ in smile if (strike, -right) in smile}
        strike = min(strikes, key=lambda each: abs(each - wanted))
        return smile[strike, right]

    @property
    def perpetual(self) -> str:
        return f"{self.coin}-PERPETUAL"

    def coins(self, name: str, count: float) -> float:
        """Dollars of an inverse future that are so many coins at its mark."""
        mark = self.market.get("mark", f"deribit|{name}")
        assert mark is not None
        return count * mark

    def mark_usd(self, name: str) -> float:
        """Dollars of one option at its mark and the forward of its expiry."""
        mark = self.market.get("mark", f"deribit|{name}")
        assert mark is not None
        return mark * self.forward(parse("deribit", name).expiry_ms)


def strategies(chain: Chain, size: float = 10.0) -> dict[str, dict[str, float]]:
    """The positions that every options desk knows, ten coins each."""
    near, far = chain.expiry(22.0), chain.expiry(51.0)
    call, put = chain.option(far, 1.1, 1), chain.option(far, 0.9, -1)
    low, high = chain.option(far, 0.95, 1), chain.option(far, 1.1, 1)
    low_put, high_put = chain.option(far, 0.95, -1), chain.option(far, 1.1, -1)
    atm, atm_put = chain.option(far, 1.0, 1), chain.option(far, 1.0, -1)
    front = chain.option(near, parse("deribit", atm).strike / chain.forward(near), 1)
    perpetual, future = chain.perpetual, chain.futures[chain.expiry(140.0)]
    return {
        "long call": {call: size},
        "short call": {call: -size},
        "long put": {put: size},
        "short put": {put: -size},
        "long straddle": {atm: size, atm_put: size},
        "short straddle": {atm: -size, atm_put: -size},
        "covered call": {perpetual: chain.coins(perpetual, size), call: -size},
        "protective put": {perpetual: chain.coins(perpetual, size), put: size},
        "call spread": {low: size, high: -size},
        "short call spread": {low: -size, high: size},
        "put spread": {high_put: size, low_put: -size},
        "short put spread": {high_put: -size, low_put: size},
        "calendar": {front: -size, atm: size},
        "box": {low: size, high: -size, high_put: size, low_put: -size},
        "short box": {low: -size, high: size, high_put: -size, low_put: size},
        "conversion": {perpetual: chain.coins(perpetual, size), atm_put: size, atm: -size},
        "basis": {future: chain.coins(future, size), perpetual: -chain.coins(perpetual, size)},
        "reverse basis": {
            future: -chain.coins(future, size),
            perpetual: chain.coins(perpetual, size),
        },
    }


def with_legs(books: Mapping[str, Legs]) -> dict[str, Legs]:
    """The books, and every leg of each as an account of its own: ``book|leg``."""
    alone = {
        f"{name}|{leg}": {leg: quantity}
        for name, legs in books.items()
        for leg, quantity in legs.items()
    }
    return {**books, **alone}


def alone(found: Mapping[str, Found], name: str, what: str) -> float:
    """Sum over the legs alone."""
    return math.fsum(
        getattr(each, what) for account, each in found.items() if account.startswith(f"{name}|")
    )


def large_book(market: Snapshot, legs: int = 200) -> dict[str, float]:
    """Options of both coins over every expiry with a future beside them, and their futures."""
    draw = Random(20260205)
    book: dict[str, float] = {}
    for coin, share in (("BTC", 0.7), ("ETH", 0.3)):
        chain = Chain(market, coin)
        unit = 1.0 if coin == "BTC" else 20.0
        names = [
            name
            for expiry, smile in sorted(chain.smiles.items())
            for (strike, _), name in sorted(smile.items())
            if 0.6 < strike / chain.forward(expiry) < 1.7
        ]
        futures = [*sorted(chain.futures.values()), chain.perpetual]
        for name in draw.sample(names, round(legs * share) - len(futures)):
            book[name] = unit * draw.choice([-8.0, -5.0, -3.0, -1.0, 1.0, 2.0, 4.0, 9.0])
        for name in futures:
            book[name] = round(chain.coins(name, unit * draw.uniform(-12.0, 12.0)), -1)
    return book
