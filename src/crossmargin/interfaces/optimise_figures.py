"""The figures of the verb optimise as plain values, units in the names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.decisions.margin_choice import limits_of
from crossmargin.decisions.margin_costs import funding_of
from crossmargin.decisions.margin_lp import Limit
from crossmargin.decisions.margin_search import has_orders
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.optimise_words import bindings_of, nothing_because

if TYPE_CHECKING:
    from crossmargin.interfaces.optimise import OptimiseResult

__all__ = ["optimise_figures"]

ORDERS = "open orders are no part of them: the exact model has them, by tangents where they matter"

RESTING = (
    "cost of resting orders, a maker's fee and no spread or walk: whether they are filled is not "
    "certain; a rebate is no gain; margins and verdict are those of trades taken at the quotes"
)


def optimise_figures(result: OptimiseResult) -> dict[str, Any]:
    """Everything that is shown of an answer."""
    priced, core, terms = result.priced, result.prepared.core, result.terms
    before, after = core.before, priced.after or core.before
    answer = priced.answer
    return {
        "verb": "optimise",
        "model": core.base.model.name,
        "account": result.prepared.account,
        "as_of": format_ms(result.bench.view.as_of_ms),
        "objective": terms.objective,
        "price_of_margin": 1.0 if terms.objective == "free-equity" else terms.price,
        "days": terms.days,
        "funding_annual": terms.funding,
        "trades": [_trade(each) for each in result.intents.trades],
        "nothing_because": nothing_because(result),
        "before": before._asdict(),
        "after": after._asdict(),
        "saved_usd": priced.saved_usd,
        "saved_im_usd": before.im_usd - after.im_usd,
        "uncounted_usd": core.uncounted_usd(after),
        "saved_mm_usd": before.mm_usd - after.mm_usd,
        "cost_usd": priced.cost_usd,
        "cost_split": [
            {"component": name, "usd": usd}
            for name, usd in result.bench.split_usd(priced.sizes).items()
        ],
        "cost_notes": _cost_notes(result),
        "saved_per_cost": priced.saved_usd / priced.cost_usd if priced.cost_usd > 0.0 else None,
        "pay_back_days": _pay_back(result),
        "verdict": None if priced.verdict is None else str(priced.verdict.status),
        "lots": priced.lots,
        "exit_before_usd": result.exits_usd[0],
        "exit_after_usd": result.exits_usd[1],
        "saved_net_of_exit_usd": priced.saved_usd - (result.exits_usd[1] - result.exits_usd[0]),
        "outlooks": [_outlook(each) for each in result.outlooks],
        "greeks": _greeks(result),
        "grid": [_grid(each) for each in result.grid],
        "dense_grid": [_grid(each) for each in result.dense],
        "rounds": [
            {
                "saved_by_pieces_usd": each.saved_by_pieces_usd,
                "saved_exactly_usd": each.saved_exactly_usd,
                "excess_usd": each.excess_usd,
                "cost_usd": each.cost_usd,
                "trades": each.trades,
                "sizes": "whole lots" if each.whole else "any",
            }
            for each in priced.rounds
        ],
        "bindings": bindings_of(result),
        "runner_up": {"scenario": answer.runner_up, "below_usd": answer.runner_up_gap_usd},
        "limits": [
            {"limit": name, "unit": unit, "usd_per_unit": abs(value)}
            for name, unit, value in sorted(answer.duals, key=lambda each: -abs(each[2]))
        ],
        "pieces": _pieces(result),
        "solver": _solver(result),
        "looked_at": len(result.bench.tickets),
        "screened_out": result.bench.screened,
        "sides_without_quote": result.bench.unquoted,
        "worsened": _worsened(result),
    }


def _cost_notes(result: OptimiseResult) -> list[str]:
    """What the cost has of funding; empty where no perpetual is traded."""
    bench = result.bench
    traded = [int(bench.column[j]) for j in np.flatnonzero(result.priced.sizes).tolist()]
    items = bench.view.instruments.items
    perpetual = [k for k in traded if items[k].kind == Kind.PERPETUAL]
    missing = [k for k in perpetual if funding_of(bench.desk, k) is None]
    out = [RESTING] if result.terms.desired.maker else []
    if len(missing) < len(perpetual):
        out.append(
            f"funding: what the perpetuals traded pay, or no longer receive, over "
            f"{result.terms.days:g} days at the rate recorded; what they would receive is no gain"
        )
    if missing:
        names = ", ".join(items[k].native_id for k in missing)
        out.append(f"funding of {names} is not recorded and not counted")
    return out


def _pieces(result: OptimiseResult) -> list[dict[str, Any]]:
    """What the pieces of each pool are to the requirement, and what is outside them."""
    orders = [ORDERS] if has_orders(result.bench) else []
    return [
        {
            "pool": block.name,
            "standing": str(block.pieces.standing),
            "left_out": [*block.pieces.left_out, *orders, *block.pieces.notes],
        }
        for block in result.bench.blocks
    ]


def _trade(trade: Any) -> dict[str, Any]:
    return {
        "instrument": trade.instrument,
        "venue": trade.venue,
        "side": trade.side,
        "size": trade.size,
        "cost_usd": trade.cost_usd,
    }


def _outlook(each: Any) -> dict[str, Any]:
    known = not each.refused
    return {
        "when": each.name,
        "at": each.at,
        "im_without_usd": each.without_usd if known else None,
        "im_with_usd": each.with_usd if known else None,
        "saved_usd": each.saved_usd if known else None,
        "refused": each.refused,
    }


def _greeks(result: OptimiseResult) -> list[dict[str, Any]]:
    """Each Greek before and after, with the band that the tolerances allow it after the trades.

    The band of a coin is what it is before, and the sum of what each of its limits (one, or one an
    expiry) lets it move. None where no tolerance holds the Greek. ``binds``: a limit of it holds
    the programme back, before sizes are whole lots; None with ``legs``, which has no multipliers.
    """
    found = {name: value for name, _, value in result.priced.answer.duals}
    whole = result.terms.legs is not None
    own: dict[str, list[Limit]] = {}
    for limit in limits_of(result.bench, result.terms.tolerances):
        own.setdefault(" ".join(limit.name.split()[:3]), []).append(limit)
    out = []
    for each in result.greeks:
        held = own.get(f"{each.name} of {each.coin}", [])
        out.append(
            {
                "greek": each.name,
                "coin": each.coin,
                "unit": each.unit,
                "before": each.without,
                "after": each.with_,
                "least": each.without + sum(one.least for one in held) if held else None,
                "most": each.without + sum(one.most for one in held) if held else None,
                "binds": any(found.get(one.name) for one in held) if held and not whole else None,
            }
        )
    return out


def _grid(each: Any) -> dict[str, Any]:
    return {
        "coin": each.coin,
        "worst_before_usd": each.worst_without_usd,
        "worst_after_usd": each.worst_with_usd,
        "worst_after_at": each.worst_at,
        "largest_loss_added_usd": each.least_usd,
        "largest_loss_added_at": each.least_at,
        "largest_gain_added_usd": each.most_usd,
        "largest_gain_added_at": each.most_at,
    }


def _pay_back(result: OptimiseResult) -> float | None:
    """Days: cost / (funding x saving / 365); None where nothing is saved or funded."""
    per_day = result.terms.funding * result.saved_usd / 365.0
    return result.cost_usd / per_day if per_day > 0.0 else None


def _solver(result: OptimiseResult) -> dict[str, Any]:
    answer = result.priced.answer
    proof = answer.evidence
    return {
        "solver": proof.solver,
        "primal_residual": proof.primal,
        "dual_residual": proof.dual,
        "gap": proof.gap,
        "mixed_integer": answer.whole,
        "solved_afresh": proof.again,
        "iterations": proof.iterations,
        "rounds_of_rows": answer.rounds,
        "rows": answer.rows,
    }


def _worsened(result: OptimiseResult) -> list[str]:
    """What the trades make worse, in words; empty where nothing is."""
    priced, core = result.priced, result.prepared.core
    if priced.after is None:
        return []
    out = []
    worse_mm = priced.after.mm_usd - core.before.mm_usd
    if worse_mm > 0.01:
        out.append(f"maintenance margin rises by {worse_mm:,.0f} USD")
    for each in result.grid:
        if each.least_usd < -0.01:
            out.append(
                f"P&L of {each.coin} is down by up to {-each.least_usd:,.0f} USD ({each.least_at})"
            )
        if each.worst_with_usd < each.worst_without_usd - 0.01:
            out.append(
                f"the worst of the grid of {each.coin} is {each.worst_with_usd:,.0f} USD "
                f"after {each.worst_without_usd:,.0f}"
            )
    worse = result.terms.tolerances.worse
    out += [
        f"between the points of the grid the P&L of {each.coin} is down by up to "
        f"{-each.least_usd:,.0f} USD ({each.least_at}), beyond the limit"
        for each in (result.dense if worse is not None else ())
        if each.least_usd < -(worse or 0.0) * core.before.im_usd * (1.0 + 1e-4)
    ]
    dearer = result.exits_usd[1] - result.exits_usd[0]
    if dearer > 0.01:
        out.append(f"leaving the account costs {dearer:,.0f} USD more")
    out += [
        f"{later.name} the trades save {later.saved_usd:,.0f} USD"
        for later in result.outlooks
        if not later.refused and later.saved_usd < 0.9 * priced.saved_usd
    ]
    if priced.answer.whole and priced.answer.evidence.gap > 1e-3:
        out.append(f"whole lots: within {priced.answer.evidence.gap:.1%} of the best that there is")
    return out
