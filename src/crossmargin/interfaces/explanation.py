"""Why a requirement is what it is: tree, scenario grid, runner-up, contributions, three values."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.figures import scenario_name
from crossmargin.margin.contributions import contributions
from crossmargin.margin.details import details_of
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.model import Fidelity, Requirement, Rule
from crossmargin.margin.order_rules import order_rules
from crossmargin.margin.pools import cut
from crossmargin.margin.sheet import Node
from crossmargin.pricing.netting import net

__all__ = ["explain", "rule_figures"]


def explain(requirement: Requirement, account: str | None = None) -> dict[str, Any]:
    """The explanation of one account as plain values, pool by pool.

    Raises InputError ``option_unknown`` where the book has several accounts and none is named.
    """
    names = list(requirement.book.account)
    if account is None and len(names) == 1:
        account = names[0]
    if account not in names:
        raise InputError(
            "option_unknown",
            "an explanation is of one account" if account is None else "no such account",
            value=account,
            limit=", ".join(names[:8]),
            remedy="Choose one with --account.",
        )
    number = names.index(account)
    rows = np.flatnonzero(requirement.sheet.account == number).tolist()
    pools = []
    for row in rows:
        pool = requirement.plan.pools[int(requirement.sheet.pool[row])]
        held = cut(requirement.book.rows(number, number + 1), pool, number)
        if len(held.column) or requirement.sheet["im"][row]:
            pools.append(_pool(requirement, row))
    return {
        "account": account,
        "pools": pools,
        "rules": [rule_figures(rule) for rule in requirement.model.rules],
        "unknown": list(requirement.model.unknown),
    }


def rule_figures(rule: Rule) -> dict[str, Any]:
    """A rule with its source and how well it is known, by kind where that differs."""
    known = rule.fidelity
    by_kind = (
        {"all": known.value}
        if isinstance(known, Fidelity)
        else {kind.name.lower(): level.value for kind, level in known.items()}
    )
    return {
        "rule": rule.name,
        "text": rule.text,
        "source": rule.source,
        "fidelity": by_kind,
        "readings": list(rule.readings),
    }


def _pool(requirement: Requirement, row: int) -> dict[str, Any]:
    priced = requirement.priced[int(requirement.sheet.pool[row])]
    return {
        "pool": priced.pool.label,
        "currency": priced.pool.currency,
        "im": _node(requirement.sheet.tree(row, "im")),
        "mm": _node(requirement.sheet.tree(row, "mm")),
        "grid": _grid(requirement, row),
        "orders": _orders(requirement, row),
        "details": _details(requirement, row),
        "contributions": _contributions(requirement, row),
    }


def _details(requirement: Requirement, row: int) -> list[dict[str, Any]]:
    """The model's own tables of one row, as plain values; none of most models."""
    return [
        {
            "name": each.name,
            "title": each.title,
            "columns": [list(column) for column in each.columns],
            "rows": [list(cells) for cells in each.rows],
            "notes": list(each.notes),
        }
        for each in details_of(requirement, row)
    ]


def _orders(requirement: Requirement, row: int) -> dict[str, Any] | None:
    """The open orders under three rules, and the set of fills that needs most; None without any."""
    found = order_rules(requirement, row)
    if found is None:
        return None
    account = int(requirement.sheet.account[row])
    orders = requirement.book.rows(account, account + 1).orders
    table = requirement.book.instruments
    return {
        "worst_fill": found.worst_fill,
        "by_side": found.by_side,
        "stand_alone": found.stand_alone,
        "set_margin": found.set_margin,
        "exact": found.exact,
        "scenario": found.scenario,
        "filled": [
            {
                "instrument": table.items[int(orders.column[k])].native_id,
                "side": "buy" if orders.bid[k] > 0.0 else "sell",
                "size": float(orders.bid[k] + orders.ask[k]),
                "limit_price": float(orders.limit_price[k]),
            }
            for k in found.filled
        ],
    }


def _node(node: Node) -> dict[str, Any]:
    """A node and its children; ``operator`` says how the value follows from them."""
    return {
        "name": node.name,
        "value": node.value,
        "operator": node.operator,
        "rule": node.rule,
        "constant": node.constant,
        "children": [_node(child) for child in node.children],
    }


def _grid(requirement: Requirement, row: int) -> dict[str, Any] | None:
    """P&L of the account in every scenario, gains positive; None for a model without scenarios.

    ``pnl`` is the book's, ``counted`` what the rule makes of it (offset, dampener, weight, …).
    """
    number = int(requirement.sheet.pool[row])
    priced = requirement.priced[number]
    account = int(requirement.sheet.account[row])
    held = cut(requirement.book.rows(account, account + 1), requirement.plan.pools[number], account)
    vector = requirement.via.vector(priced, held)
    if vector is None or priced.scenarios is None or priced.risk is None:
        return None
    # What a person wants to see is the book's own P&L; what the rule makes of it stands beside.
    counted = with_equity_rows(priced, held)
    plain = net(counted.row, counted.column, counted.quantity, priced.risk.pnl)
    scenarios = priced.scenarios
    worst, second = int(requirement.scenario[row]), int(requirement.runner_up[row])
    if not (vector[0] < 0.0).any() and worst < len(scenarios):
        worst = second = -1  # nothing can be lost: no scenario binds
    return {
        "cells": [
            {
                "scenario": scenarios.label[s],
                "move": float(scenarios.move[s]),
                "vol": scenarios.vol_label[s],
                "pnl": float(plain[0, s]),
                "counted": float(vector[0, s]),
                "mark": "worst" if s == worst else "runner-up" if s == second else "",
            }
            for s in range(len(scenarios))
        ],
        "worst": scenario_name(requirement, row, worst),
        "runner_up": scenario_name(requirement, row, second),
        "runner_up_loss": float(requirement.runner_up_loss[row]) if second >= 0 else None,
    }


def _contributions(requirement: Requirement, row: int) -> dict[str, Any]:
    """Each position's share of IM, with the three values of its contract kept apart."""
    number = int(requirement.sheet.pool[row])
    priced, pool = requirement.priced[number], requirement.plan.pools[number]
    part, view = priced.pool.instruments, priced.view
    found = contributions(requirement, row, "im")
    place = {part.label(k): k for k in range(len(part))}
    lines: list[dict[str, Any]] = []
    for line in found.lines:
        k = place[line.label]
        item = part.items[k]
        option = item.kind == Kind.OPTION
        model = (
            float(priced.risk.value[k]) / item.multiplier
            if option and priced.risk is not None
            else None
        )
        mark = float(view.mark[k])
        residual = mark - model if model is not None else None
        settle_usd = float(view.usd[part.settle[k]])
        quoted, price = (view.has_bid, view.bid) if line.quantity > 0 else (view.has_ask, view.ask)
        lines.append(
            {
                "instrument": item.native_id,
                "quantity": line.quantity,
                "im_share": line.value,
                "mark": mark,
                "model": model,
                "residual": residual,
                "residual_usd": (
                    None
                    if residual is None
                    else line.quantity * item.multiplier * residual * settle_usd
                ),
                "executable": float(price[k]) if quoted[k] else None,
                "price_unit": item.settle if item.inverse and option else item.quote,
            }
        )
    lines.sort(key=lambda each: (-abs(each["im_share"]), each["instrument"]))
    return {
        "pool": pool.label,
        "currency": found.currency,
        "lines": lines,
        "fixed": found.fixed,
        "im": float(requirement.sheet["im"][row]),
    }
