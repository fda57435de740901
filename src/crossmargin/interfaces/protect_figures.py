"""Figures of the verb protect as plain values, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crossmargin.core.clock import NEVER_MS, format_ms
from crossmargin.decisions.protection import Candidate, Protection
from crossmargin.decisions.strategies import Score

__all__ = ["candidate_figures", "notes_of", "score_figures"]


def candidate_figures(each: Candidate, found: Protection) -> dict[str, Any]:
    """One candidate: legs, cost, floor, margin, liquidity and plan."""
    path, plan, margins = each.path, each.plan, each.margins
    return {
        "strategy": each.found.family,
        "legs": [
            {"instrument": name, "size": size, "price": price}
            for name, size, price in zip(each.names, each.sizes, each.prices, strict=True)
        ],
        "expiry": None if each.found.expiry_ms == NEVER_MS else format_ms(each.found.expiry_ms),
        "cost_usd": each.found.cost_usd,
        "carry_usd": each.found.carry_usd,
        "rolls": plan.rolls,
        "roll_usd": plan.roll_usd,
        "resale_usd": plan.resale_usd,
        "horizon_cost_usd": plan.horizon_cost_usd,
        "cost_fraction_per_year": each.cost_per_year,
        "holds": each.holds,
        "holds_from_usd": path.holds_from,
        "holds_to_usd": path.holds_to if np.isfinite(path.holds_to) else None,
        "least_usd": path.least_usd,
        "least_at_usd": path.at,
        "over_floor_usd": path.slack_usd,
        "marked_over_floor_usd": path.marked_slack_usd,
        "marked_at_usd": path.marked_at,
        "marked_share_of_life": path.marked_share,
        "loss_usd": each.loss_usd,
        "loss_above_floor_usd": found.field.book.equity_usd - found.floor_today_usd,
        "upside_kept_fraction": each.upside_kept,
        "depth_share": each.depth_share,
        "interest_share": each.interest_share,
        "strike_of_no_cost_usd": each.found.strike_of_no_cost,
        "im_usd": None if margins is None else margins.im_usd,
        "mm_usd": None if margins is None else margins.mm_usd,
        "marginal_im_usd": None if margins is None else margins.marginal_im_usd,
        "marginal_mm_usd": None if margins is None else margins.marginal_mm_usd,
        "room_im_usd": None if margins is None else margins.room_im_usd,
        "passes": None if margins is None else margins.passes,
    }


def score_figures(each: Score) -> dict[str, Any]:
    """One row of the comparison."""
    return {
        "strategy": each.name,
        "breach_fraction": each.breach,
        "shortfall_usd": each.shortfall_usd,
        "mean_usd": each.mean_usd,
        "least_usd": each.least_usd,
        "upside_kept_fraction": each.upside_kept,
        "cost_usd": each.cost_usd,
        "turnover": each.turnover,
        "margin_use_fraction": each.margin_use,
        "gap_history_fraction": None if each.gap is None else each.gap[0],
        "gap_lognormal_fraction": None if each.gap is None else each.gap[1],
        "liquidation_price_usd": each.liquidation_price or None,  # 0: never
        "floor_price_usd": each.floor_price,
    }


def notes_of(found: Protection, losses: Sequence[str]) -> list[str]:
    """What a reader must know of these numbers."""
    coin = found.ask.underlying
    notes = [
        f"the floor is checked from a price of 0 to {found.field.top:g} times today's, every half "
        "per cent of it and every strike, at each hedge's expiry; 'marked' is the least on the way "
        "there, under each strike's own volatility and one that answers the price",
        "volatility answers the price as price to the power of "
        f"{-found.field.response + 0.0:.2f}; {found.response_from}",
        "cost now is at ask and bid with fees; rolls and resale are estimates at today's term "
        "structure, price and spread",
    ]
    if any(each.plan.rolls for each in found.candidates):
        notes.append(
            "a hedge that is rolled holds the floor to its expiry; the next one is struck at the "
            "price of that day"
        )
    if any(each.found.family == "perp short" for each in found.candidates):
        notes.append("a sold perpetual: today's funding is expected to stay, it is no promise")
    if any(not each.holds for each in found.candidates):
        notes.append(
            f"spreads need hold down to {100.0 * found.field.crash:g} % of the price only; below "
            "'holds from' they lose the floor"
        )
    other = {item.underlying for item in found.field.lines.items} - {coin}
    held = {
        found.field.lines.items[k].underlying for k in np.flatnonzero(found.field.book.quantity)
    }
    if other & held:
        notes.append(f"only {coin} moves: what is held in other coins stays at its value today")
    if not found.needed:
        notes.append("the floor holds at every price without a hedge")
    elif np.isfinite(found.bare.holds_to):
        notes.append(
            f"the account breaks its floor above {found.bare.holds_to:,.0f} too: bought puts "
            "cannot cure that, the cheapest mix buys calls beside them"
        )
    if any(each.margins is not None and not each.margins.passes for each in found.candidates):
        notes.append("not taken: the venue's initial margin check fails after the trade")
    strikes = [name for name in found.without if name != "perp short"]
    if strikes:
        notes.append(f"no quoted strikes hold the floor: {', '.join(strikes)}")
    if "perp short" in found.without:
        notes.append(
            "perp short: a sold perpetual does not hold the floor"
            if found.perpetual
            else f"perp short: the market quotes no perpetual of {coin} with bid and ask"
        )
    if found.reach is not None:
        level, end = found.reach
        share = 100.0 * level / found.field.book.equity_usd
        notes.append(
            f"the highest floor that bought options hold: {level:,.0f} USD today, {share:.1f} % of "
            f"the equity, those of {format_ms(end)[:10]}"
        )
    if found.missing:
        listed = ", ".join(f"{m.name} (no {m.sides})" for m in found.missing[:6])
        more = f" and {len(found.missing) - 6} more" if len(found.missing) > 6 else ""
        notes.append(f"not quoted and not used on that side: {listed}{more}")
    if any(each.depth_share is None for each in found.candidates):
        notes.append("sizes at the touch are not known for all legs: the whole size is taken there")
    return [*notes, *losses]
