"""A change of another venue's book: every part again by hand, through the verb that margins.

The twin knows no table of two days and no view between: of each state it writes the rows of the
book and the rows of the market, with option marks by its own Black formula, and asks `xm.margin`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations
from math import erf, factorial, log, sqrt
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.clock import DAY_MS, YEAR_MS, parse_ms
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.sources import book_of
from crossmargin.margin.listings import sources_of
from crossmargin.margin.register import ALL_MODELS
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market
from tests.risk.sample_books import market

MODELS = ("derive-pm2", "okx-pm", "paradex-pm")
CAUSES = ("trades", "balances", "orders", "spot", "vol", "time", "other")
START = market().as_of_ms
INSTANT = START, START + DAY_MS
GONE = "BTC-3JUL26-69000-C"
Row = dict[str, Any]


def position(name: str, size: float, **more: Any) -> Row:
    return {"account": "a", "venue": "deribit", "instrument": name, "quantity": size, **more}


def order(name: str, size: float, price: float) -> Row:
    return {"type": "order", "account": "a", "venue": "deribit", "instrument": name,
            "side": "buy" if size > 0 else "sell", "remaining": abs(size),
            "limit_price": price}  # fmt: skip


def cash(name: str, amount: float) -> Row:
    return {"type": "balance", "account": "a", "venue": "deribit", "instrument": name,
            "quantity": amount}  # fmt: skip


EXPIRED = [position(GONE, -4.0)]
TRADES = (
    [position("BTC-PERPETUAL", 150_000.0), position("BTC-25SEP26", -90_000.0),
     position("BTC-31JUL26-80000-C", -12.0), position("BTC-31JUL26-60000-P", -9.0),
     position("ETH-PERPETUAL", -40_000.0)],
    [position("BTC-PERPETUAL", 60_000.0), position("BTC-25SEP26", -90_000.0),
     position("BTC-31JUL26-80000-C", -12.0), position("BTC-28AUG26-60000-P", -7.0),
     position("ETH-PERPETUAL", -40_000.0)],
)  # fmt: skip
BALANCES = [cash("BTC", 3.0), cash("USDC", 50_000.0)], [cash("BTC", 3.4), cash("USDC", 41_000.0)]
ORDERS = (
    [order("BTC-31JUL26-80000-C", -5.0, 0.006)],
    [order("BTC-28AUG26-60000-P", -4.0, 0.02), order("BTC-PERPETUAL", 70_000.0, 60_000.0)],
)
MOVES = {"index": 1.04, "forward": 1.041}
VOL, REST = (1.0, 1.15), (1.0, 0.7)


def black(forward: float, strike: float, deviation: float, right: int) -> float:
    d1 = log(forward / strike) / deviation + 0.5 * deviation
    low, high = (0.5 * (1.0 + erf(right * d / sqrt(2.0))) for d in (d1 - deviation, d1))
    return right * (forward * high - strike * low)


@cache
def states_market(spot: bool, vol: bool, time: bool, other: bool) -> Snapshot:
    """The market with some parts of the second day: marks are Black's and a rest, in coin."""
    known = {(row.field, row.subject): row.value for row in market().rows()}
    rows = []
    for row in market().rows():
        base, value = row.subject.removeprefix("deribit|"), row.value
        option = base.count("-") == 3
        if spot and row.subject.startswith("BTC"):
            value *= MOVES.get(row.field, 1.0)
        if row.field == "usd" and row.subject == "USDC":
            value = 0.9990 if spot else value
        if row.field == "mark_iv":
            value *= VOL[vol]
        if row.field == "mark" and not option and base.startswith("BTC"):
            value *= 1.04 if spot else 1.0
        if row.field == "mark" and option:
            name, _, strike, side = base.split("-")
            expiry = expiries()[base.split("-")[1]]
            forward = known["forward", f"{name}/USD@{expiry}"]
            forward *= MOVES["forward"] if spot and name == "BTC" else 1.0
            life = max(expiry - INSTANT[time], 0) / YEAR_MS
            deviation = known["mark_iv", row.subject] * VOL[vol] * sqrt(life)
            right = 1 if side == "C" else -1
            worth = black(forward, float(strike), deviation, right) if deviation else max(
                right * (forward - float(strike)), 0.0)  # fmt: skip
            value = worth / forward + 0.0003 * REST[other]
        rows.append(row._replace(value=value))
    return Snapshot.of(rows, START)


@cache
def expiries() -> Mapping[str, int]:
    """Name of the day in a contract -> its instant, from the table of the sample book."""
    names = [row.subject.removeprefix("deribit|") for row in market().rows() if row.field == "mark"]
    asked = [position(name, 1.0) for name in names if name.count("-") == 3]
    items = book_of(asked).instruments.items
    return {item.native_id.split("-")[1]: item.expiry_ms for item in items}


def required(model: str, new: Mapping[str, bool], expired: bool = False) -> float:
    rows = [*BALANCES[new["balances"]], *TRADES[new["trades"]], *ORDERS[new["orders"]]]
    snapshot = states_market(new["spot"], new["vol"], new["time"], new["other"])
    found = xm.margin(rows + EXPIRED * expired, snapshot, model, as_of=INSTANT[new["time"]])
    return found.im_usd


def by_hand(value: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Shapley's shares of the causes, from the definition."""
    out, count = {}, len(CAUSES)
    for cause in CAUSES:
        others = [name for name in CAUSES if name != cause]
        out[cause] = sum(
            factorial(size) * factorial(count - size - 1) / factorial(count)
            * (value(frozenset((*some, cause))) - value(frozenset(some)))
            for size in range(count)
            for some in combinations(others, size)
        )  # fmt: skip
    return out


def change_of(model: str, **more: Any) -> xm.ChangeResult:
    first = [*BALANCES[0], *TRADES[0], *ORDERS[0], *EXPIRED]
    last = [*BALANCES[1], *TRADES[1], *ORDERS[1]]
    return xm.explain_change(
        (first, states_market(False, False, False, False)),
        (last, states_market(True, True, True, True)), model, as_of=INSTANT[1], **more
    )  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_every_part_is_that_of_margins_by_hand(model: str) -> None:
    """128 states through `xm.margin`, each mapped by itself."""
    seen: dict[frozenset[str], float] = {}

    def value(new: frozenset[str]) -> float:
        if new not in seen:
            seen[new] = required(model, {name: name in new for name in CAUSES})
        return seen[new]

    found = change_of(model).change
    own = {cause.name: cause.part_usd for cause in found.causes}
    near = 1e-9 * max(found.before_usd, found.after_usd)
    start = required(model, dict.fromkeys(CAUSES, False), expired=True)
    assert found.before_usd == pytest.approx(start, rel=1e-12)
    assert found.after_usd == pytest.approx(value(frozenset(CAUSES)), rel=1e-12)
    wanted = {"expiries": value(frozenset()) - start, **by_hand(value)}
    assert own == pytest.approx(wanted, abs=near)
    assert sum(own.values()) == pytest.approx(found.after_usd - found.before_usd, abs=near)
    assert all(abs(own[name]) > 1.0 for name in ("expiries", "trades", "spot", "vol", "time"))


MAPPED = [
    model.spec.name
    for model in ALL_MODELS
    if model.spec.venue and "deribit" in sources_of(model.spec)
]


@pytest.mark.parametrize("model", MAPPED)
def test_every_model_that_maps_explains_or_refuses_as_it_margins(model: str) -> None:
    """Options and perpetuals on both days; the parts are the change between what margin gives."""
    states = [
        ([*BALANCES[k], *(row for row in TRADES[k] if "-25SEP26" not in row["instrument"][3:])],
         states_market(*[bool(k)] * 4), INSTANT[k])
        for k in (0, 1)
    ]  # fmt: skip
    (first, start, _), (last, end, later) = states
    try:
        wanted = [xm.margin(b, m, model, as_of=t).im_usd for b, m, t in states]
    except CrossMarginError as refusal:
        with pytest.raises(CrossMarginError) as caught:
            xm.explain_change((first, start), (last, end), model, as_of=later)
        assert caught.value.code == refusal.code
        return
    for level in ("im", "mm"):
        found = xm.explain_change((first, start), (last, end), model, as_of=later, level=level)
        change = found.change
        parts = sum(cause.part_usd for cause in change.causes)
        near = 1e-9 * max(change.before_usd, change.after_usd)
        assert parts == pytest.approx(change.after_usd - change.before_usd, abs=near)
        names = {cause.name for cause in change.causes}
        assert names == {"expiries", "trades", "balances", "spot", "vol", "time", "other"}
        if level == "im":
            assert [change.before_usd, change.after_usd] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("model", ["derive-pm2", "okx-pm"])
def test_a_repair_and_a_stated_order_of_a_mapped_book(model: str) -> None:
    """The corrected market is a margin of it; in a stated order each part is one step by hand."""
    repaired = states_market(False, True, False, False)
    order = [*CAUSES[::-1], "parameters"]
    found = change_of(model, market_repaired=repaired, sequence=order).change
    own = {cause.name: cause.part_usd for cause in found.causes}
    rows = [*BALANCES[0], *TRADES[0], *ORDERS[0], *EXPIRED]
    mended = xm.margin(rows, repaired, model).im_usd
    assert own["repairs"] == pytest.approx(mended - found.before_usd, rel=1e-9)
    new = dict.fromkeys(CAUSES, False) | {"vol": True}
    before = required(model, new)
    assert own["expiries"] == pytest.approx(before - mended, abs=1e-6)
    for name in CAUSES[::-1]:
        if name == "vol":
            assert name not in own
            continue
        new[name] = True
        after = required(model, new)
        assert own[name] == pytest.approx(after - before, abs=1e-6)
        before = after
    assert before == pytest.approx(found.after_usd, rel=1e-12)


def test_a_balance_that_is_mapped_otherwise_beside_the_other_day_is_a_cause_of_its_own() -> None:
    """OKX settles in BTC only beside BTC contracts: the second day's own debt becomes dollars.

    By hand: the second day's book over a table that still has the first day's contract, less the
    same over its own.
    """
    ether = position("ETH-PERPETUAL", -400_000.0)
    first = [cash("BTC", -8.0), position("BTC-PERPETUAL", 150_000.0), ether]
    last = [cash("BTC", -8.0), ether]
    snapshot = states_market(False, False, False, False)
    found = xm.explain_change((first, snapshot), (last, snapshot), "okx-pm").change
    beside = book_of(first)
    btc = next(k for k, i in enumerate(beside.instruments.items) if i.kind.name == "PERPETUAL"
               and i.underlying == "BTC")  # fmt: skip
    lines = [line for line in beside.lines if line.column != btc]
    table = Book.of(beside.instruments, lines)
    by_table = xm.margin(table, snapshot, "okx-pm").im_usd
    alone = xm.margin(last, snapshot, "okx-pm").im_usd
    own = {cause.name: cause for cause in found.causes}
    assert own["mapping"].part_usd == pytest.approx(alone - by_table, rel=1e-9)
    assert abs(own["mapping"].part_usd) > 100.0
    assert own["mapping"].detail == "BTC balance: dollars alone, BTC beside the other day's"
    parts = sum(cause.part_usd for cause in found.causes)
    assert parts == pytest.approx(found.after_usd - found.before_usd, abs=1e-6)
    assert own["trades"].part_usd == pytest.approx(by_table - found.before_usd, rel=1e-9)


def test_the_first_days_own_mapping_counts_too() -> None:
    """The other way round: the debt is dollars alone, and BTC beside the second day's contract."""
    ether = position("ETH-PERPETUAL", -400_000.0)
    first = [cash("BTC", -8.0), ether]
    last = [cash("BTC", -8.0), position("BTC-PERPETUAL", 150_000.0), ether]
    snapshot = states_market(False, False, False, False)
    found = xm.explain_change((first, snapshot), (last, snapshot), "okx-pm").change
    own = {cause.name: cause.part_usd for cause in found.causes}
    beside = book_of(last)
    lines = [line for line in beside.lines if "PERP" not in _name(beside, line.column)
             or _name(beside, line.column).startswith("ETH")]  # fmt: skip
    by_table = xm.margin(Book.of(beside.instruments, lines), snapshot, "okx-pm").im_usd
    assert own["mapping"] == pytest.approx(by_table - found.before_usd, rel=1e-9)
    assert abs(own["mapping"]) > 100.0
    assert own["trades"] == pytest.approx(found.after_usd - by_table, rel=1e-9)
    assert sum(own.values()) == pytest.approx(found.after_usd - found.before_usd, abs=1e-6)


def _name(book: Book, column: int) -> str:
    return book.instruments.items[column].native_id


def test_the_losses_of_the_mapping_are_told_once_or_by_day() -> None:
    notes = change_of("derive-pm2").change.notes
    assert sum("BTC, ETH-settled contracts stand as USDC" in note for note in notes) == 1
    assert any(note.startswith("mapped to derive before: option marks") for note in notes)
    assert any(note.startswith("mapped to derive after: option marks") for note in notes)


def test_an_order_that_fits_no_trades_of_the_other_day_is_still_one_of_that_state() -> None:
    """Reduce-only against a position that is gone: states between are not refused."""
    closing = {**order("BTC-31JUL26-60000-P", 9.0, 0.05), "reduce_only": True}
    first = [cash("BTC", 3.0), *TRADES[0], closing]
    last = [cash("BTC", 3.0), *TRADES[1]]
    snapshot = states_market(False, False, False, False)
    found = xm.explain_change((first, snapshot), (last, snapshot), "derive-pm2").change
    parts = sum(cause.part_usd for cause in found.causes)
    assert parts == pytest.approx(found.after_usd - found.before_usd, abs=1e-6)


def test_what_has_no_counterpart_is_refused_by_name() -> None:
    row = {"account": "a", "venue": "deribit", "instrument": "BTC-FS-25SEP26_PERP", "quantity": 1.0}
    snapshot = states_market(False, False, False, False)
    with pytest.raises(InputError, match="instrument_unknown"):
        xm.explain_change(([row], snapshot), ([row], snapshot), "derive-pm2")


@pytest.mark.parametrize("model", MODELS)
def test_two_days_of_a_recorded_chain_mapped(model: str, market_dir: Path) -> None:
    """A tenth off in a day, as another venue's book: nothing is left to the mapping or the rest."""
    file = market_dir / "deribit" / "deribit_BTC_option_chains_6h_20251230_20260822.parquet"
    if not file.is_file():
        pytest.skip("no recorded chains in the --market folder")
    days = [import_market([str(file)], parse_ms(time, "day"))
            for time in ("2026-02-04T12:00:00Z", "2026-02-05T18:00:00Z")]  # fmt: skip
    names = [sorted(subject.partition("|")[2] for subject in day.places("mark")) for day in days]
    both = [name for name in names[0] if name in set(names[1])][::40]
    gone = [name for name in names[0] if "-5FEB26-" in name][:3]
    held = [position(name, 2.0 * (-1) ** k) for k, name in enumerate(both)]
    first = [cash("BTC", 5.0), *held, *(position(name, -3.0) for name in gone)]
    last = [cash("BTC", 5.0), *held, position(both[3], -5.0)]
    found = xm.explain_change((first, days[0]), (last, days[1]), model)
    change = found.change
    assert change.before_usd == pytest.approx(xm.margin(first, days[0], model).im_usd, rel=1e-12)
    assert change.after_usd == pytest.approx(xm.margin(last, days[1], model).im_usd, rel=1e-12)
    own = {cause.name: cause.part_usd for cause in change.causes}
    size = abs(change.after_usd - change.before_usd)
    assert sum(own.values()) == pytest.approx(change.after_usd - change.before_usd, rel=1e-9)
    assert "mapping" not in own
    assert abs(own["other"]) < 1e-3 * size
    assert own["trades"] != 0.0
