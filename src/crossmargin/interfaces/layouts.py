"""Which tables a margin result and a comparison are: columns, units, order and words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["FIDELITY_TEXT", "compare_document", "fidelity_means", "margin_document"]

Figures = Mapping[str, Any]

FIDELITY_TEXT = {
    "exact": "reproduces recorded numbers of the venue",
    "stated": "the venue's own text, no recorded numbers to check against",
    "inferred": "rival readings: see the interval of --readings",
    "missing": "a rule is unknown and left out: the result is at least that",
}
# A model of no venue reproduces no venue's numbers.
_OF_NO_VENUE = {
    "exact": "reproduces published numbers, or is this project's own rule as it is written",
    "stated": "a public text or this project's own calibration, no numbers to check against",
}
_VERDICTS = {
    "parameters_later_than_market": (
        "the earliest known parameters are later than the market: the rules of the day may differ"
    ),
    "parameters_being_phased_in": (
        "a newer set is being phased in, account by account: name it with --params if you have it"
    ),
    "parameters_of_some_accounts": (
        "a newer set is in force for listed accounts: name the account, or the set with --params"
    ),
    "parameters_old": "the set is older than 60 days: compare it with the venue's own numbers",
}
_NO_SUCH_CONTRACT = (
    "kind_not_accepted: a contract of the book is none that the venue lists; `margin --model` says "
    "which"
)
_FOR_ORDERS = re.compile(r"IM holds ([\d,]+) USD for open orders")
# More pools than this are drawn one below the other.
_ACROSS_MAX = 4
# More combinations of readings than this an account are shown by their ends and one at a time.
_READINGS_MAX = 8

_MARGIN = (
    Column("account", "account", "name"),
    Column("pool", "pool", "name"),
    Column("currency", "currency", "name"),
    Column("im", "Initial margin (IM)", "amount"),
    Column("mm", "Maintenance margin (MM)", "amount"),
    Column("im_low", "IM, lowest reading", "amount", essential=False),
    Column("im_high", "IM, highest reading", "amount", essential=False),
    Column("mm_low", "MM, lowest reading", "amount", essential=False),
    Column("mm_high", "MM, highest reading", "amount", essential=False),
    Column("equity", "Equity", "amount", essential=False),
    Column("counted_im", "Counted against IM", "amount", essential=False),
    Column("counted_mm", "Counted against MM", "amount", essential=False),
    Column("im_usage", "IM / counted", "fraction"),
    Column("mm_usage", "MM / counted", "fraction"),
    Column("status", "Status", "name"),
    Column("worst_loss", "Worst scan loss", "amount", essential=False),
    Column("worst_scenario", "Worst scenario"),
    Column("runner_up_scenario", "Runner-up", essential=False),
    Column("gap", "Gap to the runner-up", "amount", essential=False),
    Column("equity_source", "Equity comes from", essential=False),
    Column("bound", "bound", "machine"),
)
_SOURCES = {
    "none": "no balance given",
    "venue": "the venue's figure",
    "balances": "balances",
    "rebuilt": "entry prices",
}


def margin_document(figures: Figures, explained: Figures | None, top: int) -> Document:
    """The margin of a book: totals, pools, what they rest on, and with an explanation, why."""
    model, book = figures["model"], figures["book"]
    accounts = f"{book['accounts']} account" + ("" if book["accounts"] == 1 else "s")
    lines = (
        f"{accounts}, {book['lines']} lines, {book['open_orders']} open orders; {_times(figures)}",
        "requirements and gains are positive; a short quantity is negative",
    )
    tables = [_margin(figures["accounts"], top)] if figures["accounts"] else []
    if figures["failures"]:
        tables.append(_failures(figures["failures"]))
    if len(figures.get("readings", ())) > len(figures["accounts"]):
        tables.append(_readings(figures["readings"]))
    own = model["venue"] == "any"
    tables += [_fidelity(figures["fidelity"], own), _parameters(figures["parameters"])]
    if explained is not None:
        from crossmargin.interfaces.layouts_why import explained_tables  # only where asked for

        tables += explained_tables(explained, top)
    notes = [note for note in figures["notes"] if not _is_nothing(note)]
    notes += [_VERDICTS.get(name, name) for name in figures["parameters"]["verdicts"]]
    if figures["bound"] == "at_least":
        unknown = _left_out(model["unknown"])
        notes += [f"≥ left out or only partly known: {text}" for text in unknown]
    return Document(f"{model['name']}: {model['title']}", lines, tuple(tables), tuple(notes))


def _times(figures: Figures) -> str:
    """The market's own time, and the instant from which lives count where it is another."""
    own = figures["market"]["time"]
    return f"market of {own}" + ("" if own == figures["as_of"] else f", as-of {figures['as_of']}")


def _margin(accounts: list[dict[str, Any]], top: int) -> Table:
    """One row a pool of an account, then its total in dollars, and in its one coin if any."""
    notes: tuple[str, ...] = ()
    if 0 < top < len(accounts):
        accounts = sorted(accounts, key=lambda account: -account["im_usd"])
        rest = accounts[top:]
        total = sum(account["im_usd"] for account in rest)
        word = "account" if len(rest) == 1 else "accounts"
        notes = (f"and {len(rest)} {word} of smaller IM, {total:,.0f} USD together",)
        accounts = accounts[:top]
    if any(len(account["pools"]) > 1 for account in accounts):
        notes = (*notes, "usage of an account: of its pools the highest, where they stand apart")
    rows = [row for account in accounts for row in _account_rows(account)]
    keys = [column.key for column in _MARGIN]
    kept = tuple(
        column
        for k, column in enumerate(_MARGIN)
        if k < 5 or any(row.get(column.key) is not None for row in rows)
    )
    marks = {
        (r, keys.index(name)): "≥"
        for r, row in enumerate(rows)
        for name in ("im", "mm")
        if row["bound"] == "at_least"
    }
    card = len(accounts) == 1 and len(rows) <= _ACROSS_MAX
    if card:
        # The title names the account; the column stays for machines.
        kept = (replace(kept[0], style="machine"), *kept[1:])
    else:
        kept = tuple(_narrow(column) for column in kept)
    return Table(
        "margin",
        f"account {accounts[0]['account']}" if len(accounts) == 1 else "accounts",
        kept,
        tuple(tuple(row.get(column.key) for column in kept) for row in rows),
        notes,
        kind="card" if card else "table",
        heads=3,
        currency="currency",
        marks=marks,
    )


_NARROW = {
    "im": "IM",
    "mm": "MM",
    "im_usage": "IM /\ncounted",
    "mm_usage": "MM /\ncounted",
}


def _narrow(column: Column) -> Column:
    """The column as it stands beside many others: a short title, words only where they fit."""
    column = replace(column, title=_NARROW.get(column.key, column.title))
    return replace(column, essential=False) if column.key == "worst_scenario" else column


def _account_rows(account: Figures) -> list[dict[str, Any]]:
    name, bound = account["account"], account["bound"]
    known = account["equity_usd"] is not None
    # Beside a pool with a balance, one without has none of its own.
    words = {**_SOURCES, "none": _SOURCES["none"] if account["equity_usd"] is None else "no cash"}
    rows = [
        {
            **pool,
            "account": name,
            "equity_source": words[pool["equity_source"]],
            **_breaches(pool, pool["status"]),
        }
        for pool in account["pools"]
    ]
    total: dict[str, Any] = {
        "account": name,
        "pool": "total",
        "currency": "USD",
        "bound": bound,
        "status": account["status"],
        "im_usage": account["im_usage"],
        "mm_usage": account["mm_usage"],
    }
    for key in ("im", "mm", "equity", "counted_im", "counted_mm", "im_low", "im_high"):
        total[key] = account.get(f"{key}_usd")
    for key in ("mm_low", "mm_high"):
        total[key] = account.get(f"{key}_usd")
    total |= _breaches({**account, "im": account["im_usd"], "mm": account["mm_usd"]}, known)
    if len(rows) == 1 and rows[0]["currency"] == "USD":
        rows[0] = {
            **rows[0],
            **{key: total[key] for key in ("im_low", "im_high", "mm_low", "mm_high")},
        }
    else:
        rows.append(total)
    coin = account["coin"]
    ends = {
        f"{level}_{end}": account.get(f"{level}_{end}_coin")
        for level in ("im", "mm")
        for end in ("low", "high")
    }
    if coin and len(account["pools"]) == 1 and rows[0]["currency"] == coin:
        rows[0] = {**rows[0], **ends}
    if coin and all(row["currency"] != coin for row in rows):
        coins = {"im": account["im_coin"], "mm": account["mm_coin"], **ends}
        rows.append({"account": name, "pool": "total", "currency": coin, "bound": bound, **coins})
    return rows


def _breaches(figures: Figures, known: object) -> dict[str, Any]:
    """Usage as shown: where something is required and nothing counts it is a breach, no dash."""
    return {
        f"{level}_usage": "breach"
        if known and figures[f"{level}_usage"] is None and figures[level] > 0.0
        else figures[f"{level}_usage"]
        for level in ("im", "mm")
    }


def _failures(failures: list[dict[str, str]]) -> Table:
    columns = (Column("account", "account"), Column("code", "code"), Column("reason", "reason"))
    rows = tuple((f["account"], f["code"], f["reason"]) for f in failures)
    return Table("failures", "accounts that could not be margined: no number", columns, rows)


def _readings(readings: list[dict[str, Any]]) -> Table:
    """One row a combination; many switches are said in one column, by what is not the default."""
    names, shown = list(readings[0]["choices"]), _shown_readings(readings)
    default = readings[0]["choices"]
    many = len(shown) < len(readings)
    columns = (
        Column("account", "account"),
        *((Column("changed", "reading"),) if many else ()),
        *(
            Column(name, name.removeprefix("reading."), "machine" if many else "text")
            for name in names
        ),
        Column("im_usd", "IM", "usd"),
        Column("mm_usd", "MM", "usd"),
    )
    rows = tuple(
        (
            each["account"],
            *((_changed(each["choices"], default),) if many else ()),
            *(each["choices"][name] for name in names),
            each["im_usd"],
            each["mm_usd"],
        )
        for each in shown
    )
    title = "every reading of the rules that the sources allow; the first is the default"
    if many:
        title = (
            f"of {len(readings) // len({each['account'] for each in readings})} combinations of "
            "readings: the default, each switch alone, the lowest and the highest"
        )
    return Table("readings", title, columns, rows)


def _changed(choices: Mapping[str, str], default: Mapping[str, str]) -> str:
    """The switches that are not at their default, in words."""
    found = [
        f"{name.removeprefix('reading.')} {value}"
        for name, value in choices.items()
        if default[name] != value
    ]
    return ", ".join(found) or "default"


def _shown_readings(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All combinations where they are few; else the default, one switch at a time, both ends."""
    accounts = list(dict.fromkeys(each["account"] for each in readings))
    if len(readings) <= _READINGS_MAX * len(accounts):
        return readings
    default = readings[0]["choices"]
    ends: list[int] = []
    for account in accounts:
        own = [each for each in readings if each["account"] == account]
        ends += [id(min(own, key=lambda x: x["im_usd"])), id(max(own, key=lambda x: x["im_usd"]))]
    return [
        each
        for each in readings
        if sum(each["choices"][name] != value for name, value in default.items()) <= 1
        or id(each) in ends
    ]


def _left_out(unknown: list[str]) -> list[str]:
    """Of what is not known, that which makes a lower bound, where the model says which it is."""
    named = [text for text in unknown if "lower bound" in text]
    return named or unknown


def fidelity_means(name: str, own: bool) -> str:
    """What a level of fidelity says; ``own``: the rules are this project's and no venue's."""
    return {**FIDELITY_TEXT, **(_OF_NO_VENUE if own else {})}[name]


def _fidelity(shares: Figures, own: bool) -> Table:
    columns = (
        Column("fidelity", "the initial margin rests on", "name"),
        Column("share", "share", "fraction"),
        Column("meaning", "which means"),
    )
    rows = tuple(
        (name, float(share), fidelity_means(name, own))
        for name, share in shares.items()
        if share > 0.0
    )
    return Table("fidelity", "", columns, rows)


def _parameters(parameters: Figures) -> Table:
    columns = (
        Column("parameters", "parameters", "name"),
        Column("date", "date", "name"),
        Column("age_days", "age\ndays", "count"),
        Column("changes", "changed by hand"),
        Column("parameters_sha256", "sha256", "machine"),
    )
    changes = "; ".join(f"{name} = {value}" for name, value in parameters["changes"].items())
    row = (
        parameters["set"],
        parameters["date"],
        parameters["age_days"],
        changes or None,
        parameters["sha256"],
    )
    return Table("parameters", "", columns, (row,))


def _is_nothing(note: str) -> bool:
    """A loss of nothing (a carry of 0 USD for a book without options) says nothing."""
    return note.endswith((": +0 USD of value", ": -0 USD of value"))


def compare_document(figures: Figures) -> Document:
    """One row a model; what cannot be margined says why."""
    good = [row for row in figures["models"] if row["error"] is None]
    bad = [row for row in figures["models"] if row["error"] is not None]
    book = figures["book"]
    lines = (
        f"account {figures['account']}, {book['lines']} lines, {book['open_orders']} open orders; "
        f"{_times(figures)}; gross notional {figures['gross_notional_usd']:,.0f} USD",
        "cash to hold: least cash that passes IM under the model's own balance side; "
        "to stay alive: the same for MM",
    )
    tables = []
    if good:
        tables += [*_cash(good), _why(good), _known(good)]
    if bad:
        tables.append(_refused(bad))
    notes = [*figures["notes"], *_notes(good)]
    title = "the same book under several models"
    return Document(title, lines, tuple(tables), tuple(notes))


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """What the models say, each sentence once; what orders hold is one line over all models."""
    speakers: dict[str, list[str]] = {}
    orders = []
    for row in rows:
        for note in row["notes"]:
            held = _FOR_ORDERS.fullmatch(note)
            if held:
                orders.append(f"{row['model']} {held[1]}")
            elif not _is_nothing(note):
                speakers.setdefault(_VERDICTS.get(note, note), []).append(row["model"])
    said = [f"{', '.join(names)}: {note}" for note, names in speakers.items()]
    return [f"IM for open orders, USD: {'; '.join(orders)}", *said] if orders else said


def _refused(rows: list[dict[str, Any]]) -> Table:
    """Reasons why there is no number, each with its models; the JSON has every model's own error.

    Forty models that take no such contract are one reason, not forty.
    """
    models: dict[str, list[str]] = {}
    for row in rows:
        why = _NO_SUCH_CONTRACT if row["error"].startswith("kind_not_accepted:") else row["error"]
        models.setdefault(why, []).append(row["model"])
    columns = (Column("error", "why there is no number"), Column("models", "models"))
    found = tuple((why, ", ".join(names)) for why, names in models.items())
    return Table("errors", "models that cannot margin this book", columns, found)


def _cash(rows: list[dict[str, Any]]) -> list[Table]:
    """What a model costs in dollars, and in the coin that settles everything, if one does."""
    columns = [
        Column("model", "model", "name"),
        Column("cash_to_hold_usd", "cash to\nhold", "usd"),
        Column("cash_to_stay_alive_usd", "cash to\nstay alive", "usd"),
        Column("im_usd", "IM", "usd"),
        Column("mm_usd", "MM", "usd"),
        Column("alone_im_usd", "IM of the\nlegs alone", "usd"),
    ]
    table = _of_models("cash", "what it costs", columns, rows)
    notes = ["IM of the legs alone: each position by itself, without open orders and balances"]
    if any(row["cash_to_hold_usd"] < 0.0 or row["cash_to_stay_alive_usd"] < 0.0 for row in rows):
        notes.append("negative: the positions alone leave that much over")
    table = replace(table, notes=tuple(notes))
    tables = [table]
    coin = next((row["coin"] for row in rows if row["coin"]), None)
    if coin:
        columns = [
            Column("model", "model", "name"),
            Column("coin", "coin", "machine"),
            Column("cash_to_hold_coin", "cash to\nhold", "amount", coin),
            Column("cash_to_stay_alive_coin", "cash to\nstay alive", "amount", coin),
            Column("im_coin", "IM", "amount", coin),
            Column("mm_coin", "MM", "amount", coin),
        ]
        tables.append(_of_models("cash_coin", f"the same in {coin}", columns, rows))
    return tables


def _why(rows: list[dict[str, Any]]) -> Table:
    columns = [
        Column("model", "model", "name"),
        Column("worst_scenario", "worst scenario"),
        Column("stress_leverage", "stress\nleverage", "number"),
        Column("gross_leverage", "gross\nleverage", "number"),
        Column("saving_fraction", "saving\nin cash", "fraction"),
        Column("saving_against", "against", "name"),
    ]
    lines = [{**row, "worst_scenario": row["worst_scenario"].replace("; ", "\n")} for row in rows]
    table = _of_models("why", "what drives it", columns, lines)
    notes = (
        "stress leverage: worst scan loss / equity; gross leverage: gross notional / equity",
        "saving: of the cash to hold, against the standard margin of the same venue",
    )
    return replace(table, notes=notes)


def _known(rows: list[dict[str, Any]]) -> Table:
    columns = [
        Column("model", "model", "name"),
        *(Column(f"{name}_fraction", name, "fraction") for name in FIDELITY_TEXT),
        Column("parameters_label", "parameters", "name"),
        Column("parameters_date", "date", "name", essential=False),
        Column("parameters_age_days", "age\ndays", "count"),
    ]
    lines = [
        {**row, **{f"{name}_fraction": share for name, share in row["fidelity"].items()}}
        for row in rows
    ]
    return _of_models("known", "how well it is known: shares of IM by rule", columns, lines)


def _of_models(name: str, title: str, columns: list[Column], rows: list[dict[str, Any]]) -> Table:
    keys = [column.key for column in columns]
    marks = {
        (r, c): "≥"
        for r, row in enumerate(rows)
        for c, key in enumerate(keys)
        if row["bound"] == "at_least" and key.startswith(("im_", "mm_", "cash_"))
    }
    body = tuple(tuple(row[key] for key in keys) for row in rows)
    return Table(name, title, tuple(columns), body, marks=marks)
