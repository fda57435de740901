"""One account at one venue as a unified account sees it: what is held, what was read and when.

The venue's own rule decides: a margin model, or the terms of a lending pool. Every account is
brought to one form in dollars: *demand* is the equity that the venue wants to see,

    demand = equity - (what counts - what is required)

so that equity less demand is the room that the venue itself leaves. An adverse move over a time t
is ``k Σ σ sqrt(t) |δ| S``, summed over the underlyings without netting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from crossmargin.core.clock import YEAR_MS, format_ms
from crossmargin.core.errors import InputError, ModelError, StateError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import mark_value
from crossmargin.margin.families.whole_account import dollar_market, is_money
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import make_pool
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.totals import account_totals, room_usd, stands_apart, usd_per_row
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = [
    "LendingTerms",
    "Rules",
    "Standing",
    "Trust",
    "VenueAccount",
    "adverse_move_usd",
    "age_s",
    "check_hashes",
    "deltas_of",
    "parameters_of",
    "standing_of",
    "standing_under",
    "view_of",
]

_YEAR_S = YEAR_MS / 1000.0


@dataclass(frozen=True, slots=True)
class Trust:
    """What may be assumed of a venue. Every default is the careful one; see the docs page.

    ``enforceability`` 0 to 1: whether one party can seize and close the legs without the client.
    ``recovery``: share of the equity there that comes back after the venue's default.
    ``concentration_cap_usd``: the most credit that its legs may carry (infinite: none).
    """

    enforceability: float = 0.0
    transfer_time_s: float = 3600.0
    transfer_fee_usd: float = 0.0
    transfer_fee_fraction: float = 0.0
    oracle_lag_s: float = 0.0
    basis_fraction: float = 0.005
    recovery: float = 0.0
    concentration_cap_usd: float = math.inf
    wind_down_days: float = 1.0
    oracle: str = ""
    chain: str = ""

    def __post_init__(self) -> None:
        """Raises InputError ``number_out_of_range`` for what is outside its bounds."""
        shares = ("enforceability", "recovery", "basis_fraction", "transfer_fee_fraction")
        _in_bounds(self, shares, 1.0)
        times = ("transfer_time_s", "oracle_lag_s", "wind_down_days", "transfer_fee_usd")
        _in_bounds(self, (*times, "concentration_cap_usd"), math.inf)


@dataclass(frozen=True, slots=True)
class Rules:
    """How the credit and the alerts are computed; ``k`` is a number of standard deviations.

    ``local_maintenance``: share of a venue's maintenance demand that must stay there.
    ``asset_caps_usd``: the most credit that offsets in one underlying may carry.
    ``alert_horizon_s``, ``alert_probability``: a leg is in danger where its liquidation is touched
    within that time with at least that probability. A transfer is in time where the touch before
    its arrival is no likelier than ``late_probability``.
    """

    lower_of: bool = True
    k: float = 2.33
    horizon_days: float = 1.0
    local_maintenance: float = 1.0
    asset_caps_usd: Mapping[str, float] = field(default_factory=dict)
    alert_horizon_s: float = 86_400.0
    alert_probability: float = 0.10
    late_probability: float = 0.01
    price_gap_fraction: float = 0.01

    def __post_init__(self) -> None:
        """Raises InputError ``number_out_of_range`` for what is outside its bounds."""
        shares = ("local_maintenance", "alert_probability", "late_probability")
        _in_bounds(self, (*shares, "price_gap_fraction"), 1.0)
        _in_bounds(self, ("k", "horizon_days", "alert_horizon_s"), math.inf)
        if self.horizon_days == 0.0:
            raise _out_of_range("horizon_days", 0.0, "> 0")
        for name, cap in self.asset_caps_usd.items():
            if not cap >= 0.0:
                raise _out_of_range(f"asset_caps_usd.{name}", cap, ">= 0")


def _in_bounds(record: Trust | Rules, names: tuple[str, ...], high: float) -> None:
    known = {each.name for each in fields(record)}
    for name in names:
        value = getattr(record, name)
        # A NaN fails both comparisons and is refused like any other wrong number.
        if name in known and not 0.0 <= value <= high:
            raise _out_of_range(name, value, f"0 to {high:g}")


def _out_of_range(name: str, value: float, limit: str) -> InputError:
    return InputError(
        "number_out_of_range",
        "a number of the unified account lies outside its bounds",
        place=name,
        value=value,
        limit=limit,
        remedy="Correct the number.",
    )


@dataclass(frozen=True, slots=True)
class LendingTerms:
    """Terms of a lending pool by asset: share that may be borrowed, and share that still counts.

    ``ltv[asset]`` caps new borrowing, ``threshold[asset]`` decides liquidation: the health factor
    is ``Σ collateral threshold / debt``.
    """

    ltv: Mapping[str, float]
    threshold: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class VenueAccount:
    """One account: a book of one account, the market that it is valued in, and whose word it is.

    ``as_of_ms``: when positions were read. ``claimed``: hashes that were written down with them
    (``book_sha256``, ``orders_sha256``, ``market_sha256``); a changed one is refused. ``money``:
    the currency that transfers move. Exactly one of ``model`` and ``terms`` is given.
    """

    name: str
    venue: str
    book: Book
    snapshot: Snapshot
    as_of_ms: int
    trust: Trust
    model: MarginModel | None = None
    parameters: Parameters | None = None
    terms: LendingTerms | None = None
    money: str = "USDC"
    block: int | None = None
    claimed: Mapping[str, str] = field(default_factory=dict)
    reported_equity_usd: float | None = None

    @property
    def borrows(self) -> bool:
        """Whether money leaves it by borrowing: a lending pool, by its terms or by a debt line."""
        kinds = self.book.instruments.kind[self.book.column]
        return self.terms is not None or bool((kinds == Kind.DEBT).any())

    @property
    def rulebook(self) -> str:
        """The name of the model, or what stands in its place."""
        return self.model.spec.name if self.model is not None else "lending terms"


@dataclass(frozen=True, slots=True)
class Standing:
    """Dollars of one account under its venue's own rule."""

    equity_usd: float
    over_im_usd: float  # what counts less what is required to open; under 0: no new risk
    over_mm_usd: float  # the same at maintenance; under 0: liquidation
    cash_usd: float
    collateral_usd: float = 0.0  # of a lending pool
    debt_usd: float = 0.0
    health: float | None = None  # of a lending pool with a debt
    at_least: bool = False  # a rule of the venue is unknown: the demand is a lower bound

    @property
    def demand_im_usd(self) -> float:
        """Equity that the venue wants to see before it lets new risk in."""
        return self.equity_usd - self.over_im_usd

    @property
    def demand_mm_usd(self) -> float:
        """Equity below which the venue liquidates."""
        return self.equity_usd - self.over_mm_usd


def check_hashes(account: VenueAccount) -> None:
    """StateError ``hash_mismatch`` where the content is not what was written down with it."""
    found = {
        "book_sha256": account.book.positions_sha256(),
        "orders_sha256": account.book.orders_sha256(),
        "market_sha256": account.snapshot.sha256,
    }
    for name, claimed in account.claimed.items():
        if name not in found:
            raise InputError(
                "column_unknown",
                "no such hash",
                place=f"{account.name} {name}",
                limit=", ".join(found),
                remedy="Name one of those.",
            )
        if found[name] != claimed:
            raise StateError(
                "hash_mismatch",
                "what was read is not what was written down with it: a changed snapshot",
                place=f"{account.name} {name}",
                value=found[name],
                limit=claimed,
                remedy="Read the account again, or find out who changed the file.",
            )


def age_s(account: VenueAccount, now_ms: int) -> float:
    """Seconds since the older of positions and prices was read."""
    read_ms = min(account.as_of_ms, account.snapshot.as_of_ms)
    if read_ms > now_ms:
        raise InputError(
            "number_out_of_range",
            "an account was read after the moment that it is judged at",
            place=account.name,
            value=format_ms(read_ms),
            limit=f"<= {format_ms(now_ms)}",
            remedy="Give a later as-of time.",
        )
    return (now_ms - read_ms) / 1000.0


def view_of(account: VenueAccount) -> View:
    """The account's market; MarketDataError's code as InputError where a line has no price."""
    view = account.snapshot.view(account.book.instruments)
    for failure in view.failures:
        raise InputError(
            failure.code,
            "a line of the account has no price",
            place=f"{account.name} {failure.subject}",
            value=failure.reason,
            remedy="Give a market that prices it.",
        )
    return view


def parameters_of(account: VenueAccount, model: MarginModel) -> Parameters:
    """The account's own set where the model is its own, else the one in force at its time."""
    own = account.model is not None and account.model.spec.name == model.spec.name
    if own and account.parameters is not None:
        return account.parameters
    return parameters_for(model, account.snapshot.as_of_ms)


def standing_of(account: VenueAccount) -> Standing:
    """The account under its venue's own rule; what the model raises."""
    if account.terms is not None:
        return _lending_standing(account, account.terms)
    if account.model is None:
        raise InputError(
            "model_unknown",
            "an account has neither a model nor terms",
            place=account.name,
            remedy="Name the venue's model, or give the terms of the lending pool.",
        )
    parameters = parameters_of(account, account.model)
    return standing_under(account.book, view_of(account), account.model, parameters)


def standing_under(
    book: Book, view: View, model: MarginModel, parameters: Parameters | None = None
) -> Standing:
    """The only account of a book under a model, in dollars; ModelError where it has no row."""
    found = run(book, view, model, parameters)
    if len(found.book) != 1:
        failure = found.failures[0]
        raise ModelError(
            failure.code,
            "the account cannot be margined",
            place=f"{failure.subject}: {failure.reason}",
            remedy="Remove the line, or give a market that prices it.",
        )
    totals = account_totals(found)
    apart = stands_apart(model.spec)
    rate = usd_per_row(found).tolist()
    room = {
        level: room_usd(
            list(
                zip(
                    found.sheet[level].tolist(),
                    found.sheet[f"counted_{level}"].tolist(),
                    rate,
                    strict=True,
                )
            ),
            apart,
        )[0]
        for level in ("im", "mm")
    }
    standing = Standing(
        equity_usd=float(totals.equity_usd[0]),
        over_im_usd=room["im"],
        over_mm_usd=room["mm"],
        cash_usd=float(totals.cash_usd[0]),
        at_least=bool(found.at_least.any()),
    )
    if model.spec.family != "lending":
        return standing
    owed = float(totals.mm_usd[0])  # of a lending protocol the requirement is the debt
    return replace(
        standing,
        cash_usd=0.0,  # what is supplied is lent on: it leaves by borrowing or withdrawal
        collateral_usd=standing.equity_usd + owed,
        debt_usd=owed,
        health=(owed + standing.over_mm_usd) / owed if owed > 0.0 else None,
    )


def _lending_standing(account: VenueAccount, terms: LendingTerms) -> Standing:
    view, book = view_of(account), account.book
    collateral = debt = borrowable = covered = 0.0
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        if item.kind not in (Kind.ASSET, Kind.DEBT):
            raise ModelError(
                "kind_not_accepted",
                "a lending pool holds assets and debts",
                place=f"{account.name} {item.native_id}",
                value=item.kind.name.lower(),
                limit="asset, debt",
                remedy="Give the account a margin model.",
            )
        held = -abs(quantity) if item.kind == Kind.DEBT else quantity
        worth = held * float(view.usd[book.instruments.underlying[column]])
        if worth < 0.0:
            debt -= worth
            continue
        collateral += worth
        borrowable += worth * terms.ltv.get(item.underlying, 0.0)
        covered += worth * terms.threshold.get(item.underlying, 0.0)
    return Standing(
        equity_usd=collateral - debt,
        over_im_usd=borrowable - debt,
        over_mm_usd=covered - debt,
        cash_usd=0.0,
        collateral_usd=collateral,
        debt_usd=debt,
        health=covered / debt if debt > 0.0 else None,
    )


def deltas_of(account: VenueAccount) -> dict[str, tuple[float, float]]:
    """Underlying -> (coins of delta, dollars a coin at this venue); coins that are held count.

    Black-76 N(d1) for options; in order of name; underlyings without exposure are left out.
    """
    view, book = view_of(account), account.book
    table = book.instruments
    money = tuple({i.underlying: None for i in table.items if i.kind == Kind.ASSET})
    pool = make_pool(table, np.arange(len(table), dtype=np.int32), account.name, "USD", money)
    market = dollar_market(pool, view)
    held = _with_reported(account, view)
    found: dict[str, tuple[float, float]] = {}
    for column, quantity in held:
        item = table.items[column]
        if is_money(item.underlying):
            continue
        coins, price = found.get(item.underlying, (0.0, 0.0))
        if item.kind == Kind.DEBT:  # owed whatever its sign; the pool of dollars knows no debts
            coins -= abs(quantity)
            price = float(view.usd[table.underlying[column]])
        else:
            coins += quantity * float(market.delta[column])
            price = float(market.index_usd[column]) or price
        found[item.underlying] = (coins, price)
    return {name: found[name] for name in sorted(found) if found[name][0] != 0.0}


def _with_reported(account: VenueAccount, view: View) -> list[tuple[int, float]]:
    """(column, quantity): a coin balance is the reported equity less the options' value."""
    book = account.book
    table = book.instruments
    worth = mark_value(table, view)
    quantity = dict(zip(book.column.tolist(), book.quantity.tolist(), strict=True))
    for (_, currency), equity in sorted(book.reported.equity.items()):
        options = sum(
            quantity.get(k, 0.0) * float(worth[k])
            for k, item in enumerate(table.items)
            if item.settle == currency
        )
        line = next(
            (k for k, i in enumerate(table.items) if (i.kind, i.settle) == (Kind.ASSET, currency)),
            None,
        )
        if line is not None:
            quantity[line] = equity - options
    return sorted(quantity.items())


def adverse_move_usd(
    deltas: Mapping[str, tuple[float, float]],
    sigma: Mapping[str, float],
    seconds: float,
    k: float,
) -> float:
    """``k Σ σ sqrt(t) |δ| S`` in dollars; zero at no time, and it grows with its square root."""
    root = math.sqrt(seconds / _YEAR_S)
    return sum(
        k * sigma[name] * root * abs(coins) * price for name, (coins, price) in deltas.items()
    )
