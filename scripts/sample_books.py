"""Three books on the sample market: a retail short-vol account, a market maker, a basis trader.

Sizes come from the same kind of generator as the market: one seed, a fixed order of draws. What
they add up to is steered: the market maker is flat in vega expiry by expiry and in delta overall.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Sequence

from sample_market import AS_OF_MS, COINS, SEED, VENUE, Market, Priced, days_left, on_tick

from crossmargin.core.clock import DAY_MS, format_ms, parse_ms
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse

Line = dict[str, str]

COLUMNS = (
    "type,account,venue,instrument,quantity,entry_price,time,side,limit_price,mmp,group,"
    "tag.desk,tag.strategy"
).split(",")
LEGS = 200
MINUTE_MS = 60_000
TICK = {coin.name: coin.future_tick for coin in COINS}

# Option legs of the market maker: expiry -> number.
BTC_LEGS = {
    "3JUL26": 4,
    "4JUL26": 8,
    "5JUL26": 6,
    "6JUL26": 6,
    "10JUL26": 14,
    "17JUL26": 14,
    "31JUL26": 20,
    "28AUG26": 18,
    "25SEP26": 18,
    "25DEC26": 16,
    "26MAR27": 10,
    "25JUN27": 6,
}
ETH_LEGS = {"10JUL26": 8, "17JUL26": 6, "31JUL26": 10, "28AUG26": 8, "25SEP26": 8, "25DEC26": 6}
BTC_FUTURES = "10JUL26 17JUL26 31JUL26 28AUG26 25SEP26 25DEC26 26MAR27".split()
ETH_FUTURES = "10JUL26 31JUL26 28AUG26 25SEP26 25DEC26".split()


def number(value: float) -> str:
    """A number as a person writes it: no exponent, no trailing zeros."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def position(
    name: str, quantity: float, entry: float, time_ms: int, desk: str, strategy: str
) -> Line:
    """One lot."""
    return {
        "type": "position",
        "venue": VENUE,
        "instrument": name,
        "quantity": number(quantity),
        "entry_price": number(entry),
        "time": format_ms(time_ms),
        "tag.desk": desk,
        "tag.strategy": strategy,
    }


def balance(currency: str, amount: float) -> Line:
    """Cash of one currency."""
    return {
        "type": "balance",
        "venue": VENUE,
        "instrument": currency,
        "quantity": number(amount),
        "time": format_ms(AS_OF_MS),
    }


def csv_text(account: str, lines: Sequence[Line]) -> str:
    """The lines as CSV, with the columns that any of them fills."""
    filled = [{**line, "account": account} for line in lines]
    names = [name for name in COLUMNS if any(name in line for line in filled)]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(filled)
    return text.getvalue()


# -- the two small books -------------------------------------------------------------------------


def retail_short_vol(market: dict[str, Priced]) -> str:
    """Two strangles, a covered put, a front put and a wing bought back, a perpetual as hedge."""
    # instrument, quantity, price paid or received over today's mark, day, desk, strategy
    legs = (
        ("BTC-31JUL26-80000-C", -0.4, 1.42, "2026-06-24T14:05:00Z", "strangle-jul"),
        ("BTC-31JUL26-60000-P", -0.4, 1.18, "2026-06-24T14:06:00Z", "strangle-jul"),
        ("BTC-28AUG26-85000-C", -0.3, 1.11, "2026-06-29T09:31:00Z", "strangle-aug"),
        ("BTC-28AUG26-57500-P", -0.3, 0.94, "2026-06-29T09:31:00Z", "strangle-aug"),
        ("BTC-28AUG26-50000-P", 0.3, 0.97, "2026-06-29T09:33:00Z", "strangle-aug"),
        ("BTC-17JUL26-65000-P", -0.2, 1.27, "2026-07-01T17:48:00Z", "covered-put"),
        ("BTC-17JUL26-65000-P", -0.1, 1.09, "2026-07-02T08:12:00Z", "covered-put"),
        ("BTC-10JUL26-72000-C", -0.2, 0.83, "2026-07-02T19:20:00Z", "weekly"),
        ("BTC-PERPETUAL", -20_000.0, 1.0121, "2026-07-01T17:49:00Z", "covered-put"),
        ("BTC-PERPETUAL", 3_000.0, 0.9962, "2026-07-02T21:02:00Z", "hedge"),
    )
    lines = [balance("BTC", 0.32)]
    for name, quantity, over, time, strategy in legs:
        lines.append(
            position(
                name,
                quantity,
                entry_price(market[name], over),
                parse_ms(time),
                "own-account",
                strategy,
            )
        )
    return csv_text("retail", lines)


def inverse_perp_basis(market: dict[str, Priced]) -> str:
    """Long dated futures when the basis is thin, short perpetuals for the same dollars and the
    coin balance: a dollar position that earns funding and pays the roll."""
    legs = (
        ("BTC-25SEP26", 900_000.0, 1.0205, "2026-05-19T11:02:00Z", "calendar"),
        ("BTC-25SEP26", 300_000.0, 0.9874, "2026-06-11T07:45:00Z", "calendar"),
        ("BTC-25DEC26", 1_500_000.0, 1.0046, "2026-06-02T13:30:00Z", "calendar"),
        ("BTC-26MAR27", 600_000.0, 0.9921, "2026-06-16T15:10:00Z", "calendar"),
        ("BTC-PERPETUAL", -2_400_000.0, 1.0088, "2026-06-02T13:31:00Z", "calendar"),
        ("BTC-PERPETUAL", -900_000.0, 0.9899, "2026-06-16T15:11:00Z", "calendar"),
        ("BTC-PERPETUAL", -650_000.0, 1.0312, "2026-05-12T09:00:00Z", "collateral-hedge"),
        ("ETH-25DEC26", 800_000.0, 1.0150, "2026-06-08T10:20:00Z", "calendar"),
        ("ETH-PERPETUAL", -800_000.0, 1.0163, "2026-06-08T10:21:00Z", "calendar"),
        ("ETH-PERPETUAL", -260_000.0, 0.9782, "2026-06-22T18:40:00Z", "collateral-hedge"),
    )
    lines = [balance("BTC", 9.6), balance("ETH", 128.0)]
    for name, quantity, over, time, strategy in legs:
        price = entry_price(market[name], over)
        lines.append(position(name, quantity, price, parse_ms(time), "carry", strategy))
    return csv_text("basis", lines)


def entry_price(row: Priced, over: float) -> float:
    """A traded price: today's mark times ``over``, on the venue's order tick."""
    if row.kind == Kind.OPTION:
        return on_tick(row.mark * over, up=True) or 1e-4
    tick = TICK[row.coin]
    if row.kind == Kind.PERPETUAL:
        tick = 0.5 if row.coin == "BTC" else 0.05
    return round(round(row.mark * over / tick) * tick, 2)


# -- the market maker ----------------------------------------------------------------------------


class MarketMaker:
    """Two hundred legs: options by expiry, then futures and perpetuals that take their delta."""

    def __init__(self, market: Market) -> None:
        self.draw = random.Random(SEED + 1).random
        self.market = {row.name: row for row in market.rows}
        self.by_expiry: dict[str, list[Priced]] = {}
        for row in market.rows:
            if row.kind == Kind.OPTION:
                self.by_expiry.setdefault(row.name.rsplit("-", 2)[0], []).append(row)
        self.quantity: dict[str, float] = {}
        for coin, legs, unit, size in (("BTC", BTC_LEGS, 0.1, 9.0), ("ETH", ETH_LEGS, 1.0, 130.0)):
            for day, count in legs.items():
                self._options(f"{coin}-{day}", count, unit, size)
        self._hedge("BTC", BTC_FUTURES, residual=0.35)
        self._hedge("ETH", ETH_FUTURES, residual=-6.0)
        if len(self.quantity) != LEGS:
            raise ValueError(f"{len(self.quantity)} legs were made, {LEGS} are promised")

    def _options(self, expiry: str, count: int, unit: float, size: float) -> None:
        """Legs of one expiry, flat in vega but for a tenth."""
        rows = [row for row in self.by_expiry[expiry] if 0.025 <= abs(row.delta) <= 0.62]
        rows = sorted(rows, key=lambda row: (self.draw(), row.name))[:count]
        if len(rows) < count:
            raise ValueError(f"{expiry} lists too few strikes for {count} legs")
        young = min(1.0, 0.25 + days_left(rows[0]) / 20.0)
        for place, row in enumerate(rows):
            side = 1.0 if (place + (self.draw() < 0.2)) % 2 == 0 else -1.0
            wing = 1.0 + 1.2 * (0.5 - min(abs(row.delta), 0.5))
            amount = size * young * wing * (0.25 + 1.3 * self.draw() ** 2)
            self.quantity[row.name] = side * max(round(amount / unit) * unit, unit)
        net = math.fsum(self.quantity[row.name] * row.vega for row in rows)
        core = sorted(rows, key=lambda row: abs(abs(row.delta) - 0.5))[: max(2, count // 4)]
        spread = -0.9 * net / math.fsum(row.vega for row in core)
        for row in core:
            amount = round((self.quantity[row.name] + spread) / unit) * unit
            self.quantity[row.name] = amount if abs(amount) >= unit else math.copysign(unit, spread)

    def margin_delta(self, coin: str, day: str = "") -> float:
        """Coins: option delta less its mark in coin, and futures at their mark."""
        prefix = f"{coin}-{day}"
        return math.fsum(
            quantity * (self._delta(self.market[name]))
            for name, quantity in self.quantity.items()
            if name == prefix or name.startswith(f"{prefix}-" if day else prefix)
        )

    @staticmethod
    def _delta(row: Priced) -> float:
        return row.delta - row.mark if row.kind == Kind.OPTION else 1.0 / row.mark

    def _hedge(self, coin: str, futures: Sequence[str], residual: float) -> None:
        """Futures take four fifths of their expiry's delta, the perpetual what is left of all."""
        step = 10.0 if coin == "BTC" else 1.0
        for day in futures:
            row = self.market[f"{coin}-{day}"]
            dollars = -0.8 * self.margin_delta(coin, day) * row.mark
            self.quantity[row.name] = round(dollars / step) * step or step
        row = self.market[f"{coin}-PERPETUAL"]
        dollars = (residual - self.margin_delta(coin)) * row.mark
        self.quantity[row.name] = round(dollars / step) * step

    # -- lines -----------------------------------------------------------------------------------

    def csv(self) -> str:
        """Lots, quotes and balances."""
        lines = [balance("BTC", 46.0), balance("ETH", 640.0), balance("USDC", 350_000.0)]
        for place, (name, quantity) in enumerate(self.quantity.items()):
            lines += self._lots(self.market[name], quantity, 3 if place % 23 == 4 else 1)
        return csv_text("mm", [*lines, *self._quotes()])

    def _lots(self, row: Priced, quantity: float, count: int) -> list[Line]:
        """One position as lots of their own price and time."""
        unit = {Kind.OPTION: 0.1 if row.coin == "BTC" else 1.0}.get(row.kind, 10.0)
        part = round(quantity / count / unit) * unit
        sizes = [part] * (count - 1) + [round(quantity - part * (count - 1), 6)]
        desk = "vol" if row.kind == Kind.OPTION else "delta"
        young = days_left(row) if row.kind != Kind.PERPETUAL else 20.0
        found = []
        for size in sizes:
            if size == 0.0:
                continue
            age_days = (0.02 + self.draw()) * (1.4 if young < 4.0 else min(6.0 + young / 3.0, 60.0))
            minutes = round((AS_OF_MS - age_days * DAY_MS) / MINUTE_MS)
            width = 0.5 if row.kind == Kind.OPTION else 0.05
            price = entry_price(row, 1.0 + width * (self.draw() - 0.5))
            strategy = "hedge" if desk == "delta" else ("flow" if self.draw() < 0.6 else "surface")
            found.append(position(row.name, size, price, minutes * MINUTE_MS, desk, strategy))
        return found

    def _quotes(self) -> list[Line]:
        """Two-sided quotes with maker protection, in three groups."""
        found = []
        for expiry, group, size in (
            ("BTC-10JUL26", "btc-front", 2.5),
            ("BTC-31JUL26", "btc-front", 5.0),
            ("BTC-25SEP26", "btc-back", 5.0),
            ("BTC-25DEC26", "btc-back", 4.0),
            ("ETH-31JUL26", "eth", 60.0),
        ):
            near = [row for row in self.by_expiry[expiry] if 0.2 <= abs(row.delta) <= 0.5]
            for row in sorted(near, key=lambda row: (self.draw(), row.name))[:4]:
                for side, price in (("buy", row.bid), ("sell", row.ask)):
                    if price is not None:
                        found.append(_quote(row.name, side, size, price, group))
        return found


def _quote(name: str, side: str, size: float, price: float, group: str) -> Line:
    return {
        "type": "order",
        "venue": VENUE,
        "instrument": parse(VENUE, name).native_id,
        "quantity": number(size),
        "side": side,
        "limit_price": number(price),
        "mmp": "true",
        "group": group,
        "time": format_ms(AS_OF_MS),
        "tag.desk": "vol",
        "tag.strategy": "quotes",
    }


def books_of(market: Market) -> dict[str, str]:
    """Name -> CSV text of every book."""
    by_name = {row.name: row for row in market.rows}
    return {
        "retail-short-vol": retail_short_vol(by_name),
        "market-maker": MarketMaker(market).csv(),
        "inverse-perp-basis": inverse_perp_basis(by_name),
    }
