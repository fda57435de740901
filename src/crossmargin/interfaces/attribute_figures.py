"""An attribution, its bill and a change as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Bound, Requirement
from crossmargin.margin.pieces import HasPieces
from crossmargin.margin.pools import cut
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import Attribution, sizes_of
from crossmargin.risk.change import Change
from crossmargin.risk.greek_shares import GREEKS, greek_shares
from crossmargin.risk.groups import Groups
from crossmargin.risk.piece_shares import shares_of_pieces
from crossmargin.risk.statement import Statement

__all__ = ["attribution_figures", "change_figures", "greek_figures", "tie_figures"]

# Euler's shares may stand above stand-alone by the rounding of differences alone.
_ABOVE = 1e-6


def attribution_figures(
    found: Attribution,
    requirement: Requirement,
    game: AccountGame,
    bill: Statement | None,
    method: str,
) -> dict[str, Any]:
    """Everything that is shown of an attribution; amounts in ``unit``."""
    return {
        "verb": "attribute",
        "model": requirement.model.name,
        "account": requirement.book.account[0],
        "as_of": format_ms(requirement.view.as_of_ms),
        "level": found.level,
        "unit": found.unit,
        "by": list(found.groups.by),
        "method": method,
        "required": found.whole,
        "positions": found.positions,
        "open_orders": found.orders.orders,
        "holds": found.orders.holds,
        "rounding": found.residual,
        "scales": found.scales,
        "euler_fixed": found.euler_fixed,
        "ray_fixed": found.ray_fixed,
        "nobody": found.nobody,
        "groups": _groups(found),
        "orders": _orders(found),
        "tie": _tie(found),
        "worst": [
            {
                "pool": each.pool,
                "currency": each.currency,
                "scenario": each.scenario,
                "loss": each.loss,
                "runner_up": each.runner_up,
                "runner_up_loss": each.runner_up_loss,
                "gap": each.gap,
            }
            for each in found.worst
        ],
        "marginal": _marginal(found, game),
        "statement": None if bill is None else _statement(bill),
        "change": None,
        "notes": _notes(found, requirement),
    }


def _groups(found: Attribution) -> list[dict[str, Any]]:
    out = []
    for g, path in enumerate(found.groups.paths):
        fair = found.shapley
        out.append(
            {
                "path": list(path),
                "group": found.groups.labels[g],
                "euler": float(found.euler[g]),
                "ray": float(found.euler[g] if found.ray is None else found.ray[g]),
                "shapley": None if fair is None else float(fair.values[g]),
                "shapley_error": None if fair is None or fair.exact else float(fair.error[g]),
                "stand_alone": _at(found.stand_alone, g),
                "incremental": _at(found.incremental, g),
            }
        )
    return out


def _at(values: Any, g: int) -> float | None:
    return None if values is None else float(values[g])


def _orders(found: Attribution) -> list[dict[str, Any]]:
    shares = found.orders.shares
    return [
        {
            "path": list(path),
            "group": " / ".join(path),
            "adds": float(shares.values[k]),
            "error": None if shares.exact else float(shares.error[k]),
        }
        for k, path in enumerate(found.orders.paths)
    ]


def _tie(found: Attribution) -> dict[str, Any] | None:
    """What ties at the book, None where nothing does."""
    own = found.derivatives
    if not own.rule:
        return None
    return {"pieces": len(own.weights), "rule": own.rule, "weights": own.weights.tolist()}


def greek_figures(game: AccountGame, groups: Groups) -> list[dict[str, Any]]:
    """Of every pool's worst scenario the loss by group and by Greek, pool's currency."""
    out: list[dict[str, Any]] = []
    for each in greek_shares(game, groups, sizes_of(game, groups)):
        rows = [
            (label, *parts)
            for label, parts in zip(groups.labels, each.parts.tolist(), strict=True)
            if any(parts)
        ]
        if each.fixed:
            rows.append(("moved by no group", 0.0, 0.0, 0.0, each.fixed))
        for label, *parts in rows:
            named = dict(zip(GREEKS, parts, strict=True))
            out.append(
                {
                    "pool": each.pool,
                    "currency": each.currency,
                    "scenario": each.scenario,
                    "group": label,
                    **named,
                    "loss": sum(parts),
                }
            )
    return out


def tie_figures(game: AccountGame, rule: str) -> list[dict[str, Any]]:
    """The rows that tie at the worst, by pool and term, of a model that gives its linear pieces."""
    base = game.requirement
    if not isinstance(base.via, HasPieces) or game.level != "im":
        return []
    out = []
    for number in game.pools:
        priced = base.priced[number]
        held = cut(base.book, priced.pool, 0)
        quantity = np.zeros(len(priced.pool.instruments))
        quantity[held.column] = held.quantity
        pieces = base.via.pieces(priced, held, base.parameters)
        for term, names, weights in shares_of_pieces(pieces, quantity, rule=rule).tied:
            for name, weight in zip(names, weights.tolist(), strict=True):
                out.append({"pool": priced.pool.label, "term": term, "row": name, "weight": weight})
    return out


def _marginal(found: Attribution, game: AccountGame) -> list[dict[str, Any]]:
    """Of every contract and balance what one unit more, and one less, would change."""
    own = found.derivatives
    items = game.requirement.book.instruments.items
    out = []
    for k, row in enumerate(game.column.tolist()):
        item = items[row]
        if item.kind == Kind.ASSET and own.right[k] == 0.0 and own.left[k] == 0.0:
            continue
        out.append(
            {
                "instrument": item.native_id,
                "quantity": float(game.quantity[k]),
                "one_more": float(own.right[k]),
                "one_less": -float(own.left[k]),
                "component": float(own.slope[k] * game.quantity[k]),
            }
        )
    out.sort(key=lambda each: (-abs(each["component"]), each["instrument"]))
    return out


def _statement(bill: Statement) -> dict[str, Any]:
    return {
        "basis": bill.basis,
        "rate": bill.rate,
        "days": bill.days,
        "required_usd": bill.required_usd,
        "buffer_usd": bill.buffer_usd,
        "total_usd": bill.total_cents / 100.0,
        "total_cents": bill.total_cents,
        "lines": [
            {
                "kind": each.kind,
                "path": list(each.path),
                "line": " / ".join(each.path),
                "required_usd": each.required_usd,
                "cost_usd": each.cents / 100.0,
                "cents": each.cents,
            }
            for each in bill.lines
        ],
    }


def _notes(found: Attribution, requirement: Requirement) -> list[str]:
    out = []
    if requirement.bound is Bound.AT_LEAST:
        out.append("a rule of the venue is unknown and left out: the requirement is at least that")
    if found.derivatives.rule:
        count = len(found.derivatives.weights)
        out.append(
            f"the book stands on a kink: {count} pieces tie, mixed by the rule "
            f"{found.derivatives.rule}; --tie chooses another"
        )
    fair = found.shapley
    if fair is not None and not fair.exact:
        out.append(
            f"Shapley's shares are means over {fair.pairs} pairs of orders; the standard error "
            "stands beside"
        )
    if fair is not None and len(found.groups.by) > 1:
        out.append("Shapley is Owen's value: the unions of each level stay together")
    if abs(found.euler_fixed) > _ABOVE * max(abs(found.positions), 1.0) and not found.scales:
        out.append(
            "size is charged under this model: Euler's shares do not add up, those along the ray do"
        )
    out += [f"no shares by parts of the book: {why}" for _, why in found.refused]
    if found.stand_alone is not None and found.ray is None:
        over = found.euler - found.stand_alone
        floor = _ABOVE * max(abs(found.whole), 1.0)
        names = [found.groups.labels[g] for g in range(len(over)) if over[g] > floor]
        if names:
            out.append(f"pays more than it would alone: {', '.join(names[:5])}")
    return out


def change_figures(
    found: Change, model: str, account: str, before: str, after: str
) -> dict[str, Any]:
    """Everything that is shown of a change; dollars."""
    return {
        "verb": "explain_change",
        "model": model,
        "account": account,
        "level": found.level,
        "before": before,
        "after": after,
        "before_usd": found.before_usd,
        "after_usd": found.after_usd,
        "change_usd": found.after_usd - found.before_usd,
        "method": found.method,
        "states": found.states,
        "causes": [
            {"cause": each.name, "part_usd": each.part_usd, "detail": each.detail}
            for each in found.causes
        ],
        "notes": list(found.notes),
    }
