"""A requirement as plain values: totals, pools, scenarios. Nothing is computed but ratios and sums.

Every face is drawn from these dictionaries: JSON is them, tables and CSV are views of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import StateError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.model import Bound, EquitySource, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import lies_in
from crossmargin.margin.totals import account_totals, room_usd, stands_apart
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = [
    "account_figures",
    "assumed_dollars",
    "book_figures",
    "checked",
    "market_notes",
    "parameter_figures",
    "report_notes",
    "scenario_name",
    "settlement_coin",
    "venue_reports",
]

# From harmless to grave.
_STATUSES = ("ok", "below IM", "below MM")
# The venue's own requirements among the fields of its payload.
_OWN_FIGURES = {"initial_margin": "IM", "maintenance_margin": "MM"}
# Accounts whose own figures are said in a note; JSON has them all.
_REPORTS_MAX = 3


def checked(value: Any, place: str = "result") -> Any:
    """The value itself if every number in it is finite: JSON has no NaN, and a null would lie."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            checked(item, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            checked(item, f"{place}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise StateError(
            "number_not_finite",
            "a result holds a number that is not finite",
            place=place,
            value=value,
            remedy="Report this with the receipt.",
        )
    return value


def scenario_name(requirement: Requirement, row: int, code: int) -> str | None:
    """Label of a scenario of a row; None where the model has none."""
    scenarios = requirement.priced[int(requirement.sheet.pool[row])].scenarios
    if scenarios is None or code < 0:
        return None
    return scenarios.label[code] if code < len(scenarios) else "basis contingency"


def book_figures(book: Book) -> dict[str, Any]:
    """Sizes of a book, and how many rows were lots of another."""
    return {
        "accounts": len(book),
        "lines": len(book.column),
        "open_orders": len(book.orders.column),
        "lots_merged": book.lots_merged,
    }


def parameter_figures(
    parameters: Parameters, as_of_ms: int, changes: Mapping[str, Any], *, of_venue: bool = True
) -> dict[str, Any]:
    """Which set was used, how old it is, and what is doubtful about it.

    ``of_venue`` is False for a model of no venue: its numbers do not age.
    """
    doubts = parameters.doubts(as_of_ms) if of_venue else parameters.verdicts
    chosen_ms = parameters.effective_ms or parameters.observed_ms
    return {
        "set": f"{parameters.model}/{parameters.label}",
        "version": parameters.version,
        "date": parameters.date_text,
        "age_days": (as_of_ms - chosen_ms) / DAY_MS if chosen_ms else None,
        "effective_for": parameters.effective_for.text,
        "verdicts": list(doubts),
        "changes": dict(changes),
        "sha256": parameters.sha256,
    }


def account_figures(
    requirement: Requirement, view: View, book: Book | None = None
) -> list[dict[str, Any]]:
    """One entry an account that was margined: dollars over its pools, and each pool in its own.

    ``view`` and ``book`` are as they were given, before any mapping: they name the coin, and what
    the venue itself reports.
    """
    given_book = requirement.book if book is None else book
    totals = account_totals(requirement)
    sheet = requirement.sheet
    rows_of: list[list[int]] = [[] for _ in range(len(requirement.book))]
    for row, account in enumerate(sheet.account.tolist()):
        rows_of[account].append(row)
    coin, rate = settlement_coin(view)
    held = _lines_held(requirement)
    out = []
    for number, rows in enumerate(rows_of):
        given = bool((requirement.source[rows] > 0).any())
        shared = requirement.model.one_balance and len(rows) > 1
        pools = [
            _pool_figures(requirement, row, held[int(sheet.pool[row])][number], given)
            for row in rows
        ]
        kept = [pool for pool in pools if _holds_anything(pool)] or pools[:1]
        if shared and len(kept) > 1:
            for pool in kept:
                # One balance stands behind all pools: what counts in one says nothing alone.
                pool.update(im_usage=None, mm_usage=None, status=None)
        known = [pool["equity_source"] for pool in kept]
        entry: dict[str, Any] = {
            "account": requirement.book.account[number],
            "im_usd": float(totals.im_usd[number]),
            "mm_usd": float(totals.mm_usd[number]),
            "coin": coin,
            "coin_usd": rate if coin else None,
            "im_coin": float(totals.im_usd[number]) / rate if coin else None,
            "mm_coin": float(totals.mm_usd[number]) / rate if coin else None,
            "equity_usd": float(totals.equity_usd[number]) if given else None,
            "counted_im_usd": float(totals.counted_im_usd[number]) if given else None,
            "counted_mm_usd": float(totals.counted_mm_usd[number]) if given else None,
            "equity_source": "+".join(
                dict.fromkeys(
                    name for name in known if name != EquitySource.NONE.value or not given
                )
            ),
        }
        apart = stands_apart(requirement.model)
        for level in ("im", "mm"):
            left, share = _room(kept, level, apart) if given else (None, None)
            entry[f"room_{level}_usd"], entry[f"room_{level}_fraction"] = left, share
            entry[f"{level}_usage"] = (
                _highest(kept, level)
                if apart
                else _usage(entry[f"{level}_usd"], entry[f"counted_{level}_usd"])
            )
        entry["status"] = (
            max((pool["status"] for pool in kept if pool["status"]), key=_STATUSES.index)
            if apart and given
            else _status(
                *(entry[name] for name in ("im_usd", "counted_im_usd", "mm_usd", "counted_mm_usd"))
            )
        )
        entry["worst_scenario"] = _worst_of(kept)
        entry["bound"] = _bound(bool(requirement.at_least[rows].any()))
        entry["venue_reports"] = venue_reports(given_book, requirement.book.account[number])
        entry["pools"] = kept
        out.append(entry)
    return out


def _pool_figures(requirement: Requirement, row: int, lines: int, given: bool) -> dict[str, Any]:
    """One pool in its own currency, ``lines`` held; ``given``: the account's equity is known."""
    sheet = requirement.sheet
    number = int(sheet.pool[row])
    priced = requirement.priced[number]
    source = SOURCES[int(requirement.source[row])]
    counted_im = float(sheet["counted_im"][row])
    counted_mm = float(sheet["counted_mm"][row])
    im, mm = float(sheet["im"][row]), float(sheet["mm"][row])
    scenario, runner_up = int(requirement.scenario[row]), int(requirement.runner_up[row])
    loss = requirement.worst_loss(row)
    second = scenario_name(requirement, row, runner_up) if loss else None
    second_loss = float(requirement.runner_up_loss[row]) if second else None
    # Where nothing can be lost no scenario binds: the first of many zeros would name none.
    worst = scenario_name(requirement, row, scenario) if loss else None
    return {
        "pool": priced.pool.label,
        "currency": priced.pool.currency,
        "usd_per_unit": priced.usd_per_unit,
        "positions": lines,
        "im": im,
        "mm": mm,
        "equity": float(sheet["equity"][row]) if given else None,
        "counted_im": counted_im if given else None,
        "counted_mm": counted_mm if given else None,
        "im_usage": _usage(im, counted_im if given else None),
        "mm_usage": _usage(mm, counted_mm if given else None),
        "status": _status(im, counted_im, mm, counted_mm) if given else None,
        "bound": _bound(bool(requirement.at_least[row])),
        "equity_source": source.value,
        "worst_scenario": worst,
        "worst_loss": loss if worst else None,
        "runner_up_scenario": second,
        "runner_up_loss": second_loss,
        "gap": loss - second_loss if worst and second_loss is not None else None,
    }


def _room(
    pools: Sequence[Mapping[str, Any]], level: str, apart: bool
) -> tuple[float, float | None]:
    """What is left at one level: of pools that stand apart, of the first to fail."""
    parts = [(p[level], p[f"counted_{level}"], p["usd_per_unit"]) for p in pools]
    return room_usd(parts, apart)


def _lines_held(requirement: Requirement) -> list[list[int]]:
    """[pool][account] lines of each account in each pool."""
    book = requirement.book
    account = np.repeat(np.arange(len(book)), np.diff(book.row))
    return [
        np.bincount(account[lies_in(book, pool)], minlength=len(book)).tolist()
        for pool in requirement.plan.pools
    ]


def _holds_anything(pool: Mapping[str, Any]) -> bool:
    return bool(pool["positions"] or pool["im"] or pool["mm"] or pool["equity"])


def _usage(requirement: float, counted: float | None) -> float | None:
    """Requirement over what counts against it; None where nothing positive counts."""
    if counted is None or not counted > 0.0:
        return None
    return requirement / counted


def _status(im: float, counted_im: float | None, mm: float, counted_mm: float | None) -> str | None:
    """Whether what counts covers the requirements, unrounded; None where nothing is known."""
    if counted_im is None or counted_mm is None:
        return None
    if not counted_mm >= mm:
        return "below MM"
    return "ok" if counted_im >= im else "below IM"


def _bound(at_least: bool) -> str:
    return (Bound.AT_LEAST if at_least else Bound.VALUE).value


def venue_reports(book: Book, account: str) -> list[dict[str, Any]]:
    """The venue's own requirements of an account by currency, where its payload gave them."""
    return [
        {"currency": currency, **{name: said[name] for name in _OWN_FIGURES if name in said}}
        for (name_of, currency), said in sorted(book.reported.fields.items())
        if name_of == account and any(name in said for name in _OWN_FIGURES)
    ]


def report_notes(book: Book, accounts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the venue itself requires of the first accounts, and a book without any position."""
    cash = np.asarray(book.instruments.kind[book.column] == Kind.ASSET)
    bare = bool(cash.all()) and not len(book.orders.column)
    last = "; no positions given" if bare else ""
    notes = []
    for account in accounts[:_REPORTS_MAX]:
        for said in account["venue_reports"]:
            parts = [
                f"{word} {said[name]:,.8g} {said['currency']}"
                for name, word in _OWN_FIGURES.items()
                if name in said
            ]
            notes.append(f"{account['account']}: venue reports {', '.join(parts)}{last}")
    if bare and not notes:
        notes.append("no positions given: balances alone are margined")
    return notes


def _highest(pools: list[dict[str, Any]], level: str) -> float | None:
    """Usage of the pool that is nearest to its limit: pools of two currencies do not help out."""
    found: list[float] = []
    for pool in pools:
        if pool[f"{level}_usage"] is not None:
            found.append(pool[f"{level}_usage"])
        elif pool[level] > 0.0:
            return None  # something is required and nothing counts
    return max(found, default=None)


def _worst_of(pools: list[dict[str, Any]]) -> str | None:
    """The binding scenario of an account; with several pools each is named."""
    named = [pool for pool in pools if pool["worst_scenario"]]
    if not named:
        return None
    if len(named) == 1:
        return str(named[0]["worst_scenario"])
    return "; ".join(f"{pool['pool']}: {pool['worst_scenario']}" for pool in named)


def settlement_coin(view: View) -> tuple[str | None, float]:
    """The one coin that settles every derivative of a view, and its dollars; else none."""
    table = view.instruments
    derivative = table.kind != Kind.ASSET
    settles = {table.names[int(code)] for code in table.settle[derivative]}
    if len(settles) != 1:
        return None, 1.0
    coin = settles.pop()
    rate = float(view.usd[table.names.index(coin)])
    return (coin, rate) if coin != "USD" and rate > 0.0 else (None, 1.0)


def market_notes(view: View) -> list[str]:
    """What of the market behind a view was not simply quoted, for the contracts that are held."""
    notes = []
    estimated = sorted(view.reads.get("estimated", {}))
    if estimated:
        shown = ", ".join(estimated[:3]) + (", …" if len(estimated) > 3 else "")
        count = "1 value is" if len(estimated) == 1 else f"{len(estimated)} values are"
        notes.append(f"{count} estimated, not quoted: {shown}")
    underlyings = {pair[0] for pair in view.instruments.pairs}
    notes += [
        f"no price of {name} in the snapshot: taken as assumed there"
        for name in sorted(view.reads.get("assumed", {}))
    ]
    for pair, spread_bp in sorted(view.reads.get("incoherent", {}).items()):
        if pair.partition("/")[0] not in underlyings:
            continue
        notes.append(
            f"{pair}: rows fetched at different instants disagree by {spread_bp:.0f} bp; "
            "one index and one forward an expiry are used"
        )
    return notes


def assumed_dollars(snapshot: Snapshot, names: Sequence[str]) -> tuple[str, ...]:
    """Currencies of a mapped book whose dollar price the snapshot only assumes."""
    places = snapshot.places("usd")
    return tuple(
        f"{name} is taken at {float(snapshot.value[places[name]]):g} USD, assumed and not quoted"
        for name in names
        if name in places and snapshot.verdict[places[name]] == "assumed"
    )
