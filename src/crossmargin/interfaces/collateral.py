"""The verb collateral: what backs an account under a schedule, and how far it is from its limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossmargin.accounts.collateral import (
    Collateral,
    Holdings,
    largest_withdrawal,
    price_values,
    stable_shocks,
    top_up,
    value_of,
)
from crossmargin.accounts.collateral_schedule import Schedule
from crossmargin.accounts.holdings import holdings_of
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces.collateral_layouts import collateral_document
from crossmargin.interfaces.explanation import _details
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.results import MarginResult, Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verbs import margin
from crossmargin.margin.parameter_files import Parameters, read_parameters
from crossmargin.margin.totals import account_totals
from crossmargin.market.fields import DOLLAR_PEGGED, pair_subject
from crossmargin.market.snapshot import Snapshot

__all__ = ["CollateralResult", "collateral", "schedule_of"]

ScheduleLike = Schedule | Parameters | str | Path
_TOML_BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True, repr=False)
class CollateralResult(Shown):
    """The collateral of one account, and what it was made of."""

    holdings: Holdings
    schedule: Schedule
    value: Collateral
    figures: Mapping[str, Any]

    @property
    def health(self) -> float | None:
        """Counted over what is needed; None where nothing is."""
        return self.value.health

    def document(self) -> Document:
        """Steps by asset, debts, health, top-up and withdrawal, shocks, other values."""
        return collateral_document(self.figures)

    def plot(self, path: str | Path) -> Path:
        """Gross and counted value by asset as FILE.html, .svg or .png."""
        from crossmargin.interfaces.account_plots import collateral_svg  # only when it is drawn

        def draw(width: float) -> str:
            return collateral_svg(self.figures, width)

        return write_plot(path, draw, self.document, "Gross and counted, by asset")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


def collateral(
    book: BookLike,
    market: MarketLike,
    schedule: ScheduleLike | None = None,
    *,
    as_of: str | int | None = None,
    model: str | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    threshold: float = 1.0,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> CollateralResult:
    """What the collateral of one account counts for, and its ratio and health.

    ``schedule``: a file, a set or a schedule; default the example that ships. ``model``: its
    maintenance margin is needed beside the debts, and profit that it counts as open is backing
    within the caps; ``params`` and ``changes`` are that model's. What a lending model requires is
    the debt, which is counted once. ``threshold``: the health that a top-up restores and a
    withdrawal keeps.
    ``prices`` stand before those of the market, as for ``accounts.holdings``. Raises
    CrossMarginError; ``number_out_of_range`` for a threshold that is not above 0.
    """
    _refuse_threshold(threshold)
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = one_account(held, account) if account else only_account(held, "collateral")
    snapshot = snapshot_of(market)
    moment = moment_of(as_of, "--as-of")
    view = snapshot.view(held.instruments, moment)
    refuse_wrong_entries(held, view)
    terms = schedule_of(schedule, view.as_of_ms)
    if model is None and (params is not None or changes):
        raise _without_model()
    made = margin(held, snapshot, model, moment, params, changes=changes) if model else None
    required, profit_open, notes = _required(made)
    redeemed = {each.redemption_of for each in terms.assets.values()}
    holdings = holdings_of(
        held,
        view,
        terms,
        required_usd=required,
        profit_open=profit_open,
        prices=prices,
        dollars=_dollars(snapshot, redeemed),
    )
    value = value_of(holdings, terms)
    found = {
        "verb": "collateral",
        "as_of": format_ms(view.as_of_ms),
        "account": held.account[0],
        "model": model,
        "schedule": f"{terms.parameters.model}/{terms.parameters.label}",
        "protocol": _protocol(made),
        "schedule_sha256": terms.parameters.sha256,
        "threshold": threshold,
        **_value_figures(value),
        "changes": _changes(holdings, terms, threshold),
        **_points(holdings, terms),
        "notes": notes,
    }
    return CollateralResult(holdings, terms, value, checked(found))


def _refuse_threshold(threshold: float) -> None:
    if not (math.isfinite(threshold) and threshold > 0.0):
        raise InputError(
            "number_out_of_range",
            "a health is above 0",
            place="--threshold",
            value=threshold,
            limit="> 0",
            remedy="Write 1 for the limit itself.",
        )


def _without_model() -> InputError:
    return InputError(
        "option_unknown",
        "parameters are of a model, and none is named",
        place="--params",
        remedy="Name it with --model, or give the schedule with --schedule.",
    )


def schedule_of(source: ScheduleLike | None, as_of_ms: int) -> Schedule:
    """A schedule from a file or a set; the example in force without one.

    Raises InputError ``file_unreadable`` for a file that is none.
    """
    if source is None:
        return Schedule.at(as_of_ms)
    if isinstance(source, Schedule):
        return source
    if isinstance(source, Parameters):
        return Schedule.of(source)
    from crossmargin.venues.reading import file_bytes  # the strict door of every reader

    try:
        text = file_bytes(Path(source), _TOML_BYTES_MAX).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            "file_unreadable", "not text in UTF-8", place=str(source), remedy="Correct the file."
        ) from None
    return Schedule.of(read_parameters(text, Path(source).name))


def _dollars(snapshot: Snapshot, names: set[str]) -> dict[str, float]:
    """Prices now of what assets are redeemed for, where the snapshot has them."""
    found = {}
    for name in sorted(names):
        price = snapshot.get("usd", name) or snapshot.get("index", pair_subject(name, "USD"))
        if price:
            found[name] = price
    return found


def _protocol(made: MarginResult | None) -> dict[str, Any] | None:
    """What a lending model itself says of the account: its health and the price of each token."""
    if made is None or made.requirement.model.family != "lending" or not made.accounts:
        return None
    requirement = made.requirement
    pool = requirement.plan.pools[int(requirement.sheet.pool[0])]
    return {"currency": pool.currency, "tables": _details(requirement, 0)}


def _required(made: MarginResult | None) -> tuple[float, bool, list[str]]:
    """Maintenance margin in dollars, whether profit is open beside the balances, and notes."""
    if made is None:
        note = "no model is named: debts alone are backed, maintenance margin is not"
        return 0.0, False, [note]
    notes = list(made.figures["notes"])
    if made.requirement.model.family == "lending":
        notes.append("what this model requires is the debt: it is counted once, as a debt")
        return 0.0, False, notes
    sheet = made.requirement.sheet
    profit_open = "unrealised" in sheet and bool((sheet["unrealised"] != 0.0).any())
    return float(account_totals(made.requirement).mm_usd[0]), profit_open, notes


def _short(item: Any) -> dict[str, Any]:
    value: Collateral = item.collateral
    return {
        "counted_usd": value.counted_usd,
        "debt_usd": value.debt_usd,
        "ratio": value.ratio,
        "health": value.health,
    }


def _value_figures(value: Collateral) -> dict[str, Any]:
    return {
        "collateral_usd": value.collateral_usd,
        "wrong_way_usd": value.wrong_way_usd,
        "profit_usd": value.profit_usd,
        "counted_usd": value.counted_usd,
        "options_owed_usd": value.options_owed_usd,
        "debt_usd": value.debt_usd,
        "required_usd": value.required_usd,
        "needed_usd": value.needed_usd,
        "ratio": value.ratio,
        "health": value.health,
        "assets": [
            {
                "name": a.name,
                "quantity": a.quantity,
                "price_usd": a.price_usd,
                "price_from": a.price_from,
                "gross_usd": a.gross_usd,
                **{f"{step.replace(' ', '_')}_usd": usd for step, usd in a.taken_usd.items()},
                "counted_usd": a.counted_usd,
                "haircut": a.haircut,
                "wrong_way_usd": a.wrong_way_usd,
                "days_to_sell": a.days_to_sell,
                "verdicts": list(a.verdicts),
            }
            for a in value.assets
        ],
        "debts": [
            {"name": d.name, "quantity": d.quantity, "price_usd": d.price_usd, "usd": d.owed_usd}
            for d in value.debts
        ],
        "profits": [
            {
                "underlying": p.underlying,
                "gain_usd": p.gain_usd,
                "enters_usd": p.enters_usd,
                "frozen": p.frozen,
            }
            for p in value.profits
        ],
    }


def _points(holdings: Holdings, schedule: Schedule) -> dict[str, Any]:
    """Every stablecoin moved, and every asset at each of its values."""
    shocks = stable_shocks(holdings, schedule, lambda n: n in DOLLAR_PEGGED and n != "USD")
    return {
        "shocks": [
            {"name": s.name, "factor": s.factor, "held": s.held, "owed": s.owed, **_short(s)}
            for s in shocks
        ],
        "values": [
            {"name": p.name, "value": p.value, "price_usd": p.price_usd, **_short(p)}
            for p in price_values(holdings, schedule)
        ],
    }


def _changes(holdings: Holdings, schedule: Schedule, threshold: float) -> list[dict[str, Any]]:
    """Top-up and largest withdrawal of every eligible asset that is held."""
    return [
        {
            "name": name,
            "top_up": top_up(holdings, schedule, name, threshold),
            "withdrawal": largest_withdrawal(holdings, schedule, name, threshold),
        }
        for name in sorted(holdings.assets)
        if name in schedule.assets
    ]
