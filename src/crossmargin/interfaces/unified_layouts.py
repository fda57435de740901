"""How a unified account is shown: both numbers first, then who is in danger, then the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table, amount_text

__all__ = ["unified_document"]

Figures = Mapping[str, Any]
_LEAST_PERCENT = 0.01


def unified_document(figures: Figures, top: int = 0) -> Document:
    """The document of a unified account; ``top`` cuts each stress (0: all)."""
    totals = figures["totals"]
    vols = ", ".join(f"{name} {100.0 * vol:.1f} %" for name, vol in figures["volatility"].items())
    lines = [
        f"as of {figures['as_of']}; volatility a year {vols or 'of nothing'}",
        f"the venues demand {_usd(totals['demanded_im_usd'])} USD: this binds. The economic net "
        f"under {figures['net_model']} is {_usd(totals['economic_net_im_usd'])} USD; of the "
        f"difference {_usd(totals['credit_usd'])} USD can be enforced",
        *(_danger_line(each, figures["rules"]) for each in figures["dangers"]),
    ]
    if figures["blocked"]:
        names = ", ".join(figures["blocked"])
        lines.append(f"no decision: {names} not read again since the restart")
    elif not figures["dangers"]:
        lines.append("no account is about to be liquidated by itself")
    tables = [_totals(totals), _accounts(figures)]
    if figures["dangers"]:
        tables += [_dangers(figures), _after(figures)]
    if any(danger["transfers"] for danger in figures["dangers"]):
        tables.append(_transfers(figures))
    tables += [_waterfall(figures), _savings(figures)]
    tables += [_leg_losses(figures, top)] if figures["leg_losses"] else []
    tables.append(_failures(figures, top))
    return Document(
        f"unified account: {figures['name']}",
        tuple(lines),
        tuple(tables),
        tuple(figures["warnings"]),
    )


def _usd(value: float) -> str:
    return amount_text(value, "USD")


def _danger_line(danger: Figures, rules: Figures) -> str:
    name = danger["account"]
    whole = "healthy" if danger["whole_is_healthy"] else "not healthy either"
    if danger["move_fraction"] is None:
        start = f"{name} is below its maintenance margin while the whole is {whole}"
    else:
        start = (
            f"{name} is liquidated by a move of {100.0 * danger['move_fraction']:+.2f} % "
            f"(touched within {rules['alert_horizon_s'] / 3600.0:g} h with "
            f"{100.0 * danger['probability']:.0f} %) "
            f"while the whole is {whole}"
        )
    if not danger["cured"]:
        return f"{start}: no transfer cures it, {_usd(danger['needed_usd'])} USD are needed"
    slowest = max((each["time_s"] for each in danger["transfers"]), default=0.0)
    when = "in time" if danger["in_time"] else "perhaps too late"
    return (
        f"{start}: {_usd(danger['needed_usd'])} USD cure it, {when} ({slowest / 60.0:.0f} minutes; "
        f"touched before with {_chance(danger['late_probability'])})"
    )


def _chance(probability: float) -> str:
    """A probability in per cent; what is next to nothing is said as such."""
    share = 100.0 * probability
    return "less than 0.01 %" if share < _LEAST_PERCENT else f"{share:.2g} %"


def _totals(totals: Figures) -> Table:
    columns = (
        Column("measure", "the whole", "name"),
        Column("usd", "", "usd"),
        Column("meaning", "what it is"),
    )
    rows = (
        ("equity", totals["equity_usd"], "at mark, each line once"),
        ("demanded, initial", totals["demanded_im_usd"], "sum of the venues' own: binding"),
        ("demanded, maintenance", totals["demanded_mm_usd"], "sum of the venues' own: binding"),
        ("economic net", totals["economic_net_im_usd"], "one pool, a model of no venue: no claim"),
        ("credit", totals["credit_usd"], "what of the difference can be enforced"),
        ("staleness", totals["staleness_usd"], "charge for the age of what was read"),
        ("free", totals["free_usd"], "new risk that venues take, account by account"),
        ("withdrawable", totals["withdrawable_usd"], "leaves every account above its buffer"),
    )
    return Table("totals", "", columns, rows)


def _accounts(figures: Figures) -> Table:
    columns = (
        Column("name", "account", "name"),
        Column("model", "rule", "name"),
        Column("status", "status", "name"),
        Column("equity_usd", "equity", "usd"),
        Column("demand_im_usd", "demands\ninitial", "usd"),
        Column("demand_mm_usd", "demands\nmaintenance", "usd", essential=False),
        Column("over_mm_usd", "left", "usd"),
        Column("withdrawable_usd", "may\nleave", "usd"),
        Column("stays_usd", "must stay", "usd", essential=False),
        Column("staleness_usd", "staleness", "usd", essential=False),
        Column("age_s", "age", "number", "s", essential=False),
        Column("health", "health", "number", essential=False),
        Column("block", "block", "machine"),
        Column("market_sha256", "market", "machine"),
        Column("book_sha256", "book", "machine"),
    )
    accounts = figures["accounts"]
    marks = {
        (r, c): "≥"
        for r, each in enumerate(accounts)
        if each["bound"] == "at_least"
        for c in (4, 5)
    }
    rows = tuple(tuple(each[column.key] for column in columns) for each in accounts)
    note = "left: equity less what the venue demands before it liquidates"
    title = "each under its venue's own rule"
    return Table("accounts", title, columns, rows, notes=(note,), marks=marks)


def _dangers(figures: Figures) -> Table:
    columns = (
        Column("account", "in danger", "name"),
        Column("move_fraction", "dies at\na move", "fraction"),
        Column("probability", "touched in\nhorizon", "fraction"),
        Column("whole_now_usd", "left in\nthe whole", "usd"),
        Column("whole_there_usd", "left at\nthat price", "usd"),
        Column("needed_usd", "needed", "usd"),
        Column("cured", "cured", "name", essential=False),
        Column("in_time", "in\ntime", "name"),
        Column("late_probability", "touched\nbefore", "fraction", essential=False),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in figures["dangers"])
    note = "all coins move together; a driftless lognormal at the volatility above"
    return Table("dangers", "about to be liquidated locally", columns, rows, notes=(note,))


def _transfers(figures: Figures) -> Table:
    columns = (
        Column("source", "send from", "name"),
        Column("target", "to", "name"),
        Column("currency", "in", "name"),
        Column("sent_usd", "send", "usd"),
        Column("fee_usd", "fee", "usd"),
        Column("time_s", "takes", "count", "s"),
    )
    rows = tuple(
        tuple(each[column.key] for column in columns)
        for danger in figures["dangers"]
        for each in danger["transfers"]
    )
    return Table("transfers", "the cure", columns, rows)


def _after(figures: Figures) -> Table:
    columns = (
        Column("danger", "cure of", "name"),
        Column("account", "account", "name"),
        Column("over_im_usd", "left of initial\nafter it", "usd"),
        Column("over_mm_usd", "left of maintenance\nafter it", "usd"),
    )
    rows = tuple(
        (danger["account"], name, after["over_im_usd"], after["over_mm_usd"])
        for danger in figures["dangers"]
        for name, after in danger["after"].items()
    )
    return Table("after", "", columns, rows)


def _waterfall(figures: Figures) -> Table:
    columns = (
        Column("condition", "condition", "name"),
        Column("setting", "set to"),
        Column("alone_usd", "alone it\nleaves", "usd"),
        Column("enforced_usd", "after all\nabove", "usd"),
        Column("credit_usd", "credit", "usd"),
    )
    steps = figures["waterfall"]
    rows = tuple(tuple(each[column.key] for column in columns) for each in steps)
    rows = ((*rows[0][:-1], None), *rows[1:])  # nothing is credited before it is enforced
    note = "after all above: were it enforced in full; credit: as far as it is enforced"
    title = "from the netting benefit to what may be counted"
    return Table("waterfall", title, columns, rows, notes=(note,))


def _savings(figures: Figures) -> Table:
    columns = (
        Column("model", "pooled under", "name"),
        Column("alone_usd", "alone", "usd"),
        Column("together_usd", "together", "usd"),
        Column("saving_usd", "saving", "usd"),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in figures["savings"])
    return Table("savings", "", columns, rows)


def _leg_losses(figures: Figures, top: int) -> Table:
    columns = (
        Column("account", "account", "name"),
        Column("leg", "leg closed", "name"),
        Column("profit_usd", "profit", "usd", essential=False),
        Column("over_mm_usd", "left\nthere", "usd"),
        Column("unhedged_usd", "bad day,\nunhedged", "usd"),
        Column("left_usd", "left in all\nless that", "usd"),
        Column("net_im_usd", "economic\nnet", "usd", essential=False),
    )
    chosen = figures["leg_losses"][: top or None]
    rows = tuple(tuple(each[column.key] for column in columns) for each in chosen)
    return Table("leg_losses", "a winning leg closed for you, at mark, worst first", columns, rows)


def _failures(figures: Figures, top: int) -> Table:
    columns = (
        Column("label", "gone", "name"),
        Column("kind", "kind", "name"),
        Column("loss_usd", "loss", "usd"),
        Column("least_account", "least\nleft at", "name"),
        Column("least_over_mm_usd", "left\nthere", "usd"),
        Column("unhedged_usd", "bad day,\nunhedged", "usd", essential=False),
        Column("net_im_usd", "economic\nnet", "usd", essential=False),
    )
    chosen = figures["failures"][: top or None]
    rows = tuple(tuple(each[column.key] for column in columns) for each in chosen)
    return Table(
        "failures", "one node gone and all computed again, largest loss first", columns, rows
    )
