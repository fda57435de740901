"""The tables of an explanation: tree, scenario grid, contributions with three values, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.layouts_orders import order_tables
from crossmargin.interfaces.tables import Column, Table, amount_text

__all__ = ["explained_tables", "fidelity_text", "pool_tables", "rules_table"]

Figures = Mapping[str, Any]

_FIXED = "balances and fixed"
_OPERATORS = {"difference": "first - second", "product": "product", "leaf": ""}

_MOST = 90  # scenarios of one grid on screen


def explained_tables(explained: Figures, top: int) -> list[Table]:
    """Every table of an explanation, pool by pool, then the sources of the rules."""
    tables = [table for pool in explained["pools"] for table in pool_tables(pool, top)]
    return [*tables, rules_table(explained["rules"])]


def pool_tables(pool: Figures, top: int) -> list[Table]:
    """Tree, scenarios, open orders and contributions of a pool, each under a name of its own."""
    grids = _grids(pool) if pool["grid"] is not None else []
    details = [_detail(each, pool["currency"]) for each in pool["details"]]
    return [_tree(pool), *grids, *details, *order_tables(pool, top), _contributions(pool, top)]


def _detail(figures: Figures, currency: str) -> Table:
    """A table of the model's own."""
    columns = tuple(
        Column(key, title, style, currency if style == "amount" else "")
        for key, title, style in figures["columns"]
    )
    rows = tuple(tuple(cells) for cells in figures["rows"])
    return Table(figures["name"], figures["title"], columns, rows, tuple(figures["notes"]))


def _tree(pool: Figures) -> Table:
    """IM and MM as trees: every node equals its operator on the nodes under it."""
    columns = (
        Column("depth", "depth", "count"),
        Column("node", "requirement", "name"),
        Column("value", "value", "amount", pool["currency"]),
        Column("how", "made by", "name"),
        Column("rule", "rule", "name"),
    )
    rows: list[tuple[Any, ...]] = []

    def walk(node: Figures, depth: int) -> None:
        how = _OPERATORS.get(node["operator"], node["operator"])
        if node["operator"] == "scale":
            how = f"x {node['constant']:g}"
        elif node["operator"] == "round":
            how = f"round {node['constant']:g}"
        rows.append((depth, node["name"], node["value"], how or None, node["rule"] or None))
        for child in node["children"]:
            walk(child, depth + 1)

    walk(pool["im"], 0)
    walk(pool["mm"], 0)
    title = f"pool {pool['pool']}: how the requirement is made"
    return Table("tree", title, columns, tuple(rows), kind="tree")


def _grids(pool: Figures) -> list[Table]:
    """The book's own P&L by scenario, and where the rule counts it otherwise, what it counts."""
    unit = pool["currency"]
    cells = pool["grid"]["cells"]
    title = f"pool {pool['pool']}: P&L of the account in each scenario (gain +, loss -)"
    notes = [f"▼ worst: {pool['grid']['worst'] or 'no scenario loses'}"]
    bent = [cell for cell in cells if abs(cell["pnl"] - cell["counted"]) > 1e-9 * abs(cell["pnl"])]
    if bent:
        word = "cell counts" if len(bent) == 1 else "cells count"
        notes.append(
            f"{len(bent)} of {len(cells)} {word} differently (offset, dampener, weight or "
            "discount); the worst is of the counted figures below"
        )
    if pool["grid"]["runner_up"]:
        loss = amount_text(pool["grid"]["runner_up_loss"], unit)
        notes.append(f"▽ runner-up: {pool['grid']['runner_up']}, loss {loss} {unit}")
    tables = [_grid("grid", title, "pnl", cells, unit, tuple(notes))]
    if bent:
        title = f"pool {pool['pool']}: the same as the rule counts it"
        tables.append(_grid("grid_counted", title, "counted", cells, unit, ()))
    return tables


def _grid(
    name: str, title: str, key: str, cells: list[Figures], unit: str, notes: tuple[str, ...]
) -> Table:
    """Moves down, volatility across; a list where two scenarios share a cell."""
    if len(cells) > _MOST:  # joint moves are many: a person reads those that lose
        worst = set(sorted(range(len(cells)), key=lambda k: cells[k][key])[:_MOST])
        notes = (*notes, f"the {_MOST} of {len(cells)} scenarios that lose most; --json has all")
        cells = [cell for k, cell in enumerate(cells) if k in worst]
    names = [_row_name(cell) for cell in cells]
    vols = list(dict.fromkeys(cell["vol"] for cell in cells))
    keys = list(zip(names, (cell["vol"] for cell in cells), strict=True))
    signs = {"worst": "▼", "runner-up": "▽"}
    if len(set(keys)) < len(keys):
        return Table(
            name,
            title,
            (
                Column("move", "scenario", "name"),
                Column(key, "P&L" if key == "pnl" else "counted", "heat", unit),
            ),
            tuple((cell["scenario"], cell[key]) for cell in cells),
            notes,
            marks={(r, 1): signs[c["mark"]] for r, c in enumerate(cells) if c["mark"]},
        )
    order = {name: cell["move"] for name, cell in zip(names, cells, strict=True)}
    moves = sorted(order, key=lambda name: order[name])
    value = dict(zip(keys, cells, strict=True))
    columns = (
        Column("move", "price move", "name"),
        *(Column(f"{key}_vol_{vol}", f"vol {vol}", "heat", unit) for vol in vols),
    )
    rows = tuple(
        (move, *(value[move, vol][key] if (move, vol) in value else None for vol in vols))
        for move in moves
    )
    marks = {
        (r, 1 + c): signs[value[move, vol]["mark"]]
        for r, move in enumerate(moves)
        for c, vol in enumerate(vols)
        if (move, vol) in value and value[move, vol]["mark"]
    }
    return Table(name, title, columns, rows, notes, marks=marks)


def _row_name(cell: Figures) -> str:
    """The move of a scenario as its label says it, without the volatility."""
    return str(cell["scenario"]).partition(", vol ")[0]


def _contributions(pool: Figures, top: int) -> Table:
    """The share of each position in IM: they and the fixed line add up to it."""
    found = pool["contributions"]
    unit = found["currency"]
    lines = found["lines"]
    shown = lines if top <= 0 or len(lines) <= top + 1 else lines[:top]
    rest = lines[len(shown) :]
    columns = (
        Column("instrument", "position", "name"),
        Column("quantity", "quantity", "quantity"),
        Column("im_share", "share of IM", "amount", unit),
        Column("mark", "mark", "price"),
        Column("model", "model", "price", essential=False),
        Column("residual", "mark -\nmodel", "price"),
        Column("executable", "executable", "price", essential=False),
        Column("price_unit", "price\nin", "name"),
        Column("residual_usd", "mark - model\nof the leg", "usd", essential=False),
    )
    rows: list[tuple[Any, ...]] = [tuple(line[column.key] for column in columns) for line in shown]
    blank = (None,) * (len(columns) - 3)
    if rest:
        total = sum(line["im_share"] for line in rest)
        rows.append((f"{len(rest)} smaller positions", None, total, *blank))
    rows.append((_FIXED, None, found["fixed"], *blank))
    rows.append(("initial margin", None, found["im"], *blank))
    residuals = [line for line in lines if line["residual_usd"] is not None]
    notes = [f"{_FIXED}: what no position moves (balances at risk, holds, rounding)"]
    if residuals:
        net = sum(line["residual_usd"] for line in residuals)
        worst = max(residuals, key=lambda line: abs(line["residual_usd"]))
        notes.append(
            f"mark - model over {len(residuals)} options: net {net:+,.2f} USD; "
            f"largest {worst['residual_usd']:+,.2f} USD in {worst['instrument']}"
        )
    title = f"pool {pool['pool']}: what each position adds to IM"
    return Table("contributions", title, columns, tuple(rows), tuple(notes))


def rules_table(rules: list[dict[str, Any]]) -> Table:
    """Every rule with its fidelity and source."""
    columns = (
        Column("rule", "rule", "name"),
        Column("fidelity", "known"),
        Column("text", "what it says", essential=False),
        Column("source", "source"),
    )
    rows = tuple(
        (rule["rule"], fidelity_text(rule["fidelity"]), rule["text"], rule["source"])
        for rule in rules
    )
    return Table("rules", "the rules and where they were read", columns, rows)


def fidelity_text(by_kind: Mapping[str, str]) -> str:
    """Fidelity by kind in words; one word where all kinds agree."""
    if set(by_kind) == {"all"}:
        return by_kind["all"]
    groups: dict[str, list[str]] = {}
    for kind, level in by_kind.items():
        groups.setdefault(level, []).append(kind)
    return "; ".join(f"{level} ({', '.join(kinds)})" for level, kinds in groups.items())
