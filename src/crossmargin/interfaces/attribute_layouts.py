"""What the verbs attribute and explain_change show: shares, margins, the bill, the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["GREEKS_SHOWN", "MARGINAL_SHOWN", "TIES_SHOWN", "attribute_document", "change_document"]

MARGINAL_SHOWN = 20
TIES_SHOWN = 12
GREEKS_SHOWN = 20
_SHARES = (
    ("euler", "Euler", "euler"),
    ("ray", "along\nthe ray", "ray"),
    ("shapley", "Shapley", "shapley"),
    ("shapley_error", "± error", "shapley"),
    ("stand_alone", "stand-alone", "stand-alone"),
    ("incremental", "incremental", "incremental"),
)
_TAYLOR = ("delta", "gamma", "vega")
_ROWS = {"positions": "positions", "orders": "open orders", "holds": "holds",
         "fixed": "fixed", "buffer": "idle buffer"}  # fmt: skip


def attribute_document(figures: Mapping[str, Any], top: int = 0) -> Document:
    """Shares (the ``top`` largest; 0: all), orders, scenarios, marginals, the bill, the change."""
    tables = [_shares(figures, top)]
    if figures["orders"]:
        tables.append(_orders(figures))
    if figures["worst"]:
        tables.append(_worst(figures))
    if figures["greeks"]:
        tables.append(_greeks(figures))
    if figures["ties"]:
        tables.append(_ties(figures))
    if figures["method"] in ("all", "euler"):
        tables.append(_marginal(figures))
    if figures["statement"]:
        tables.append(_statement(figures["statement"], top))
    change = figures["change"]
    if change:
        tables += change_document(change).tables
    level = {"im": "initial", "mm": "maintenance"}[figures["level"]]
    return Document(
        f"{level.capitalize()} margin of {figures['account']} under {figures['model']}, "
        f"by {' / '.join(figures['by'])}",
        (f"as of {figures['as_of']}", f"required {figures['required']:,.2f} {figures['unit']}"),
        tuple(tables),
        tuple(dict.fromkeys([*figures["notes"], *(change["notes"] if change else ())])),
    )


def _amount(figures: Mapping[str, Any], key: str, title: str, **more: Any) -> Column:
    """A column of money in the unit of the attribution."""
    if figures["unit"] == "USD":
        return Column(f"{key}_usd", title, "usd", **more)
    return Column(key, title, "amount", figures["unit"], **more)


def _shares(figures: Mapping[str, Any], top: int) -> Table:
    asked = figures["method"]
    groups = figures["groups"]
    shown = [
        (key, title)
        for key, title, rule in _SHARES
        if asked in ("all", rule)
        and (key != "ray" or not figures["scales"] or asked == "ray")
        and any(each[key] is not None for each in groups)
    ]
    columns = (
        Column("group", " / ".join(figures["by"]), "name"),
        *(_amount(figures, key, title, essential=key != "ray") for key, title in shown),
    )
    kept, rest = _largest(groups, shown[0][0] if shown else "", top)
    rows = [(each["group"], *(each[key] for key, _ in shown)) for each in kept]
    if rest:
        # The errors of sampled shares do not add up.
        more = (
            None if key == "shapley_error" else sum(each[key] for each in rest) for key, _ in shown
        )
        rows.append((f"{len(rest)} smaller ones", *more))
    # What no group moves, then the sum: of the rules that add up it is that of the positions.
    fixed: dict[str, float] = {
        "euler": figures["euler_fixed"],
        "ray": figures["euler_fixed" if figures["scales"] else "ray_fixed"],
        "shapley": figures["nobody"],
    }
    rows.append(("moved by no group", *(fixed.get(key) for key, _ in shown)))
    sums = [
        None if key == "shapley_error" else sum(each[key] for each in groups) + fixed.get(key, 0.0)
        for key, _ in shown
    ]
    rows.append(("sum", *sums))
    notes = (
        f"positions and balances need {figures['positions']:,.2f} {figures['unit']}; a relief is "
        "negative",
    )
    return Table("shares", "Shares of positions and balances", columns, tuple(rows), notes)


def _largest(
    groups: Sequence[Mapping[str, Any]], key: str, top: int
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """All groups as they came, or the ``top`` of the largest shares ``key`` and the others."""
    if not key or not 0 < top < len(groups):
        return list(groups), []
    ranked = sorted(groups, key=lambda each: -abs(each[key]))
    return ranked[:top], ranked[top:]


def _orders(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("group", "open orders of", "name"),
        _amount(figures, "adds", "add"),
        _amount(figures, "error", "± error", essential=False),
    )
    rows = tuple((each["group"], each["adds"], each["error"]) for each in figures["orders"])
    return Table("orders", "Open orders, over the positions", columns, rows)


def _worst(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("pool", "pool", "name"),
        Column("currency", "currency", "name"),
        Column("scenario", "worst", "name"),
        Column("loss", "loss", "amount"),
        Column("runner_up", "runner-up", "name"),
        Column("runner_up_loss", "loss", "amount", essential=False),
        Column("gap", "gap", "amount"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["worst"])
    notes = ("shares jump where the runner-up becomes the worst",)
    return Table("worst", "Worst scenarios", columns, rows, notes, currency="currency")


def _greeks(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("pool", "pool", "name"),
        Column("currency", "currency", "name"),
        Column("group", " / ".join(figures["by"]), "name"),
        Column("delta", "delta", "amount"),
        Column("gamma", "gamma", "amount"),
        Column("vega", "vega", "amount"),
        Column("rest", "rest", "amount"),
        Column("loss", "loss", "amount"),
    )
    every = sorted(figures["greeks"], key=lambda each: (each["pool"], -abs(each["loss"])))
    largest = max(abs(each["loss"]) for each in every)
    # The rounding of differences is in JSON; on a screen it would be a line of zeros.
    every = [e for e in every if abs(e["loss"]) > 1e-6 * largest or any(e[g] for g in _TAYLOR)]
    shown = every[:GREEKS_SHOWN]
    rows = tuple(tuple(each[c.key] for c in columns) for each in shown)
    left = len(every) - len(shown)
    notes = ["rest: higher orders, cross terms, what the rule makes of the P&L"]
    notes += [f"and {left} more, in JSON"] if left else []
    title = "Loss in the worst scenarios by Greek"
    return Table("greeks", title, columns, rows, tuple(notes), currency="currency")


def _ties(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("pool", "pool", "name"),
        Column("term", "charge", "name"),
        Column("row", "row", "name"),
        Column("weight", "weight", "fraction"),
    )
    shown = [each for each in figures["ties"] if each["weight"] > 0.0][:TIES_SHOWN]
    rows = tuple(tuple(each[c.key] for c in columns) for each in shown)
    left = len(figures["ties"]) - len(shown)
    notes = (f"and {left} more, in JSON",) if left else ()
    return Table("ties", "Rows of the linear pieces that tie at the worst", columns, rows, notes)


def _marginal(figures: Mapping[str, Any]) -> Table:
    unit = "_usd" if figures["unit"] == "USD" else ""
    columns = (
        Column("instrument", "instrument", "name"),
        Column("quantity", "held", "quantity"),
        Column(f"one_more{unit}", "one more\nadds", "price", figures["unit"]),
        Column(f"one_less{unit}", "one less\nadds", "price", figures["unit"]),
        _amount(figures, "component", "component"),
    )
    keys = ("instrument", "quantity", "one_more", "one_less", "component")
    every = figures["marginal"]
    # A contract that is not held was asked for by name: it is never cut off.
    kept = [e for k, e in enumerate(every) if k < MARGINAL_SHOWN or e["quantity"] == 0.0]
    rows = tuple(tuple(each[key] for key in keys) for each in kept)
    left = len(every) - len(kept)
    notes = (f"and {left} more, in JSON",) if left else ()
    return Table("marginal", "Marginal by contract, per unit", columns, rows, notes)


def _statement(bill: Mapping[str, Any], top: int) -> Table:
    columns = (
        Column("kind", "what", "name"),
        Column("line", "whose", "name"),
        Column("required_usd", "capital", "usd"),
        Column("cost_usd", "cost", "number", "USD"),
    )
    lines = [e for e in bill["lines"] if e["cents"] or abs(e["required_usd"]) >= 0.005]
    rows: list[tuple[Any, ...]] = []
    for kind in dict.fromkeys(each["kind"] for each in lines):
        own = [each for each in lines if each["kind"] == kind]
        kept, rest = _largest(own, "required_usd", top)
        rows += [(_ROWS[kind], e["line"], e["required_usd"], e["cost_usd"]) for e in kept]
        if rest:
            # Whole cents are added, so that the column adds up to the bill as the lines do.
            sums = sum(e["required_usd"] for e in rest), sum(e["cents"] for e in rest) / 100.0
            rows.append((_ROWS[kind], f"{len(rest)} smaller ones", *sums))
    whole = bill["required_usd"] + (bill["buffer_usd"] or 0.0)
    rows.append(("bill", "", whole, bill["total_usd"]))
    days = "a day" if bill["days"] == 1 else f"of {bill['days']} days"
    title = f"Cost of margin {days} at {100.0 * bill['rate']:g} % a year, by {bill['basis']}"
    notes = ["the lines add up to the bill, cent by cent"]
    if bill["buffer_usd"] is None:
        notes.append("no balance is stated: an idle buffer is not known")
    return Table("statement", title, columns, tuple(rows), tuple(notes))


def change_document(figures: Mapping[str, Any]) -> Document:
    """The causes of a change, from the old requirement to the new."""
    columns = (
        Column("cause", "cause", "name"),
        Column("part_usd", "part", "usd"),
        Column("detail", "what", "text"),
    )
    rows = [("before", figures["before_usd"], figures["before"])]
    rows += [(each["cause"], each["part_usd"], each["detail"]) for each in figures["causes"]]
    rows.append(("after", figures["after_usd"], figures["after"]))
    how = (
        f"mean over all orders of the causes, {figures['states']} states between"
        if figures["method"] == "shapley"
        else "one after another, in the order given"
    )
    title = f"Why the requirement changed by {figures['change_usd']:+,.2f} USD"
    table = Table("change", title, columns, tuple(rows), (how,))
    return Document(
        f"Change of {figures['account']} under {figures['model']}",
        (f"from {figures['before']} to {figures['after']}",),
        (table,),
        tuple(figures["notes"]),
    )
