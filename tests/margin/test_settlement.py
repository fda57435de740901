"""The last half hour of an expiry on a recorded chain, against the plain-Python oracle.

A book long calls deep in the money that expire on 2026-02-06 at 08:00 and short perpetuals against
them: hedged at 07:29, half open at 07:45, naked at 08:00, when the calls have become money.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Requirement, model_named
from crossmargin.margin.pools import cut
from crossmargin.market.fields import Row, dated_subject
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from tests.margin.sense import Chain, book_of, read_markets, required
from tests.oracle import deribit_pm, derive_pm2, paradex_pm
from tests.oracle.types import Leg
from tests.vectors.derive_values import RENAMED, SKEW

EXPIRY_MS = parse_ms("2026-02-06T08:00:00Z")
WINDOW_MS = 1_800_000
TIMES = ("07:29", "07:45", "08:00")
COINS_LONG = 20.0
KINDS = {
    Kind.ASSET: "asset",
    Kind.PERPETUAL: "perpetual",
    Kind.FUTURE: "future",
    Kind.OPTION: "option",
}
DERIVE_NAMES = (
    *RENAMED,
    *SKEW,
    "dte_floor_days",
    "mm_factor",
    "im_factor",
    "long_rate_mult",
    "long_rate_add",
    "short_rate_mult",
    "short_rate_add",
)
DERIVE_CHARGES = ("mm_perp", "im_perp", "mm_option", "im_option")


@pytest.fixture(scope="module")
def crash(market_dir: Path) -> Snapshot:
    return read_markets(market_dir)["crash"]


@pytest.fixture(scope="module")
def book(crash: Snapshot) -> Book:
    chain = Chain(crash, "BTC")
    calls = [chain.option(EXPIRY_MS, share, 1) for share in (0.85, 0.92)]
    legs = dict.fromkeys(calls, COINS_LONG / 2.0)
    legs[chain.perpetual] = -chain.coins(chain.perpetual, COINS_LONG)
    return book_of({"hedged": legs, "perpetual": {chain.perpetual: legs[chain.perpetual]}})


def at_ms(time: str) -> int:
    return parse_ms(f"2026-02-06T{time}:00Z")


def view_at(market: Snapshot, book: Book, time: str, name: str) -> View:
    """Lives are counted from the given time; in the window a part of the forward is fixed.

    Paradex' text shocks the forward with the spot and knows no window: nothing is fixed there.
    """
    now_ms = at_ms(time)
    if name == "paradex-pm":
        return market.view(book.instruments, now_ms)
    chain = Chain(market, "BTC")
    free = min((EXPIRY_MS - now_ms) / WINDOW_MS, 1.0)
    subject, forward = dated_subject("BTC", "USD", EXPIRY_MS), chain.forward(EXPIRY_MS)
    stamp = ("settlement average", market.as_of_ms, market.as_of_ms)
    rows = [Row("forward_settled", subject, forward * (1.0 - free), "USD", *stamp)]
    if free > 0.0:
        rows.append(Row("forward", subject, forward * free, "USD", *stamp))
    else:
        rows.append(Row("forward", subject, 0.0, "USD", *stamp, 0.0, "missing"))
    return market.with_rows(rows).view(book.instruments, now_ms)


def legs_of(found: Requirement, account: int = 0) -> list[Leg]:
    """The positions of an account as the oracle takes them, from the view that was margined."""
    view, book = found.view, found.book
    legs = []
    for k in range(int(book.row[account]), int(book.row[account + 1])):
        row = int(book.column[k])
        item = book.instruments.items[row]
        dated = item.kind == Kind.OPTION
        e = int(book.instruments.expiry[row])
        legs.append(
            Leg(
                kind=KINDS[item.kind],
                quantity=float(book.quantity[k]),
                name=item.native_id,
                underlying=item.underlying,
                right=item.right,
                strike=item.strike,
                expiry=item.expiry_ms if dated else None,
                life_ms=int(view.life_ms[e]) if dated else 0,
                mark=float(view.mark[row]),
                vol=float(view.vol[row]),
                forward=float(view.forward[e]) if dated else 0.0,
                settled=float(view.forward_settled[e]) if dated else 0.0,
                multiplier=item.multiplier,
                inverse=item.inverse,
            )
        )
    return legs


def deribit_theirs(found: Requirement, account: int) -> dict[str, object]:
    values = found.parameters
    flat = {"mm_factor": values.number("general.mm_factor")}
    for table in ("pair.BTC.", "currency.BTC."):
        for name in values.entries:
            if name.startswith(table) and not name.endswith("equity_side_impact"):
                flat[name.removeprefix(table).removesuffix("_usd")] = values.number(name)
    legs = legs_of(found, account)
    cross = found.model.name == "deribit-xpm"
    equity = sum(leg.units * leg.mark for leg in legs if leg.kind == "option")
    index = float(found.view.index[0])
    case = deribit_pm.Case(index, True, equity if cross else 0.0)
    mode = "cross" if cross else "segregated"
    return deribit_pm.margin(legs, case, flat, deribit_pm.Readings(), mode)


def derive_theirs(found: Requirement, account: int) -> dict[str, object]:
    values, table = found.parameters, "market.BTC"
    plain = {
        name: values.number(f"{table}.{'skew.' if name in SKEW else ''}{RENAMED.get(name, name)}")
        for name in (*DERIVE_NAMES, *DERIVE_CHARGES)
    }
    scenarios = [derive_pm2.Scenario(*row) for row in values.get(f"{table}.scenarios")]
    legs = legs_of(found, account)
    perpetual = next(leg for leg in legs if leg.kind == "perpetual")
    options = tuple(leg for leg in legs if leg.kind == "option")
    view = found.view
    usdc = float(view.usd[view.instruments.names.index("USDC")])
    market = derive_pm2.Market(float(view.index[0]), perpetual.mark, usdc)
    held = derive_pm2.Account(0.0, options, perpetual.quantity)
    theirs = derive_pm2.margin(held, market, scenarios, plain)
    return {**theirs, "im": theirs["im_required"], "mm": theirs["mm_required"]}


def paradex_theirs(found: Requirement, account: int) -> dict[str, object]:
    values = found.parameters
    plain = {
        name: values.number(f"general.{name}")
        for name in ("dte_floor_days", "vega_power_short_dte", "vega_power_long_dte", "mmf_factor")
    }
    for name in ("min_vol_shock_up", "unhedged_margin_factor", "hedged_margin_factor"):
        plain[name] = values.number(f"asset.BTC.{name}")
    scenarios = [paradex_pm.Scenario(*row) for row in values.get("asset.BTC.scenarios")]
    rates = ("perp_taker_fee", "option_taker_fee", "option_fee_cap")
    fees = paradex_pm.Fees(*(values.number(f"general.{name}") for name in rates))
    legs, spot = legs_of(found, account), float(found.view.index[0])
    return paradex_pm.margin(legs, spot, scenarios, plain, "shock", None, fees)


THEIRS = {
    "deribit-spm": deribit_theirs,
    "deribit-xpm": deribit_theirs,
    "derive-pm2": derive_theirs,
    "paradex-pm": paradex_theirs,
}


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("name", THEIRS)
def test_against_the_oracle(crash: Snapshot, book: Book, name: str, time: str) -> None:
    found = required(book, view_at(crash, book, time, name), name)
    assert format_ms(found.view.as_of_ms).endswith(f"{time}:00Z")
    for account in (0, 1):
        theirs = THEIRS[name](found, account)
        row = next(k for k, code in enumerate(found.sheet.account.tolist()) if code == account)
        for what in ("im", "mm"):
            ours = float(found.sheet[what][row])
            assert ours == pytest.approx(theirs[what], rel=1e-10, abs=1e-9)
            assert ours > 0.0


@pytest.mark.parametrize("name", THEIRS)
def test_the_hedge_comes_off_while_the_calls_settle(crash: Snapshot, book: Book, name: str) -> None:
    """MM grows through the window; at its end it is that of the perpetual alone."""
    rows = [required(book, view_at(crash, book, time, name), name).sheet["mm"] for time in TIMES]
    hedged = [float(row[0]) for row in rows]
    naked = [float(row[1]) for row in rows]
    assert naked == pytest.approx([naked[0]] * 3)
    assert hedged[0] < 0.35 * naked[0]
    if name == "paradex-pm":
        assert hedged == pytest.approx([hedged[0]] * 3, rel=1e-3)
        return
    assert hedged[0] < hedged[1] < hedged[2]
    assert hedged[1] == pytest.approx(0.5 * (hedged[0] + hedged[2]), rel=0.15)
    if name == "deribit-xpm":
        # The calls are money of the account by then: coin equity that gains where the short loses.
        assert hedged[2] < naked[2]
    else:
        assert hedged[2] == pytest.approx(naked[2], rel=0.02)


def test_at_expiry_no_scenario_pays_on_the_calls(crash: Snapshot, book: Book) -> None:
    model = model_named("deribit-spm")
    found = required(book, view_at(crash, book, "08:00", model.spec.name), model.spec.name)
    vectors = model.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert vectors is not None
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-12)
