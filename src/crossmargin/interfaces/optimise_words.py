"""What the verb optimise says in words: why nothing is traded, and what binds by its own name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from crossmargin.core.clock import NEVER_MS, format_ms
from crossmargin.decisions.margin_lots import OneLot, one_lots
from crossmargin.decisions.margin_rows import Binding, Block
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.pieces import WorstOf

if TYPE_CHECKING:
    from crossmargin.decisions.margin_exact import Round
    from crossmargin.interfaces.optimise import OptimiseResult

__all__ = ["bindings_of", "lot_words", "nothing_because"]

SHOWN = 12
_CENT = 0.005
_TITLES = {
    "worst_case": "worst scenario",
    "scan_risk": "worst scenario",
    "span_loss": "worst scenario",
    "mr4": "basis risk (MR4)",
    "mr4 spot in use": "basis risk of the spot in use (MR4)",
    "mr7": "minimum charge (MR7)",
    "deriv_mmr": "derivatives, scenarios or minimum",
    "requirement": "risk or its minimum",
    "net_pimr": "scenarios or minimum on delta",
    "min_delta_risk": "minimum on delta",
    "tangent": "requirement near this book",
    "position": "charge on the position",
}


# ---------------------------------------------------------------- why nothing is traded


def nothing_because(result: OptimiseResult) -> str | None:
    """Why no trade is proposed: the rule that stands in the way; None where there are trades."""
    if result.intents.trades:
        return None
    priced, terms = result.priced, result.terms
    before = result.prepared.core.before
    if terms.objective == "call":
        free = before.counted_im_usd - before.im_usd
        if free < terms.buffer_usd:
            return (
                f"{free:,.0f} USD are free of the {terms.buffer_usd:,.0f} USD asked for (--buffer),"
                " and no trades were found that the exact model takes for less: transfer funds, "
                "close positions, or widen the tolerances"
            )
        return (
            f"{free:,.0f} USD are free, no less than the {terms.buffer_usd:,.0f} USD asked for "
            "(--buffer)"
        )
    price = 1.0 if terms.objective == "free-equity" else terms.price
    tried = [each for each in priced.rounds if each.trades > 0]
    if not tried:
        return "no trade inside the tolerances is worth its cost: " + _worth_of(result)
    best = max(tried, key=lambda each: price * each.saved_exactly_usd - each.cost_usd)
    if price * best.saved_exactly_usd <= best.cost_usd:
        return (
            f"the best trades save {best.saved_exactly_usd:,.2f} USD of margin by the exact model "
            f"for {best.cost_usd:,.2f} USD; " + _worth_of(result)
        )
    return _lots(result, best)


def _worth_of(result: OptimiseResult) -> str:
    """What margin is worth: the rule that a cost is held against."""
    terms = result.terms
    if terms.objective == "free-equity":
        return "a dollar of margin is worth a dollar"
    return (
        f"100 USD of margin are worth {100.0 * terms.price:,.2f} USD "
        f"(--days {terms.days:g} at --funding {100.0 * terms.funding:g} % a year)"
    )


def _lots(result: OptimiseResult, best: Round) -> str:
    """The saving that is lost on the way to whole lots, and what one lot would break."""
    saved = (
        f"{best.saved_exactly_usd:,.2f} USD of margin for {best.cost_usd:,.2f} USD could be saved "
        "at any size (--any-size), but not in whole lots"
    )
    lots = one_lots(result.priced.problem, result.priced.drafted)
    if not lots:
        return f"{saved}: no lots that keep every tolerance save more than they cost"
    price = 1.0 if result.terms.objective == "free-equity" else result.terms.price
    return f"{saved}: {lot_words(lots[0], price)}"


def lot_words(one: OneLot, price: float) -> str:
    """What one lot would do that the answer must not; ``price`` of a dollar of margin."""
    text = f"one lot of {one.trade} ({abs(one.lot):g}, where {abs(one.size):.3g} would do) "
    if one.saved_usd <= 0.0:
        return f"{text}raises the margin by {-one.saved_usd:,.2f} USD: it goes too far"
    if one.worth_usd <= 0.0:
        return text + (
            f"saves {one.saved_usd:,.2f} USD, worth {price * one.saved_usd:,.2f} USD by --days and "
            f"--funding, for {one.cost_usd:,.2f} USD"
        )
    if not one.rule:
        return text + "is worth its cost by the pieces, but not by the exact model"
    flag = "worse or --better" if one.rule.startswith("P&L") else one.rule.split()[0]
    return text + (
        f"moves {one.rule} by {_amount(one.moved)} {one.unit} where "
        f"{_amount(abs(one.allowed))} are allowed (--{flag})"
    )


def _amount(value: float) -> str:
    """Three significant digits and more, signed where it is a loss."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


# ---------------------------------------------------------------- what binds


def bindings_of(result: OptimiseResult) -> list[dict[str, Any]]:
    """The rows with a multiplier, the dearest first: the model's name, a title, and of what."""
    priced = result.priced
    blocks = {block.name: k for k, block in enumerate(priced.problem.blocks)}
    pools = result.prepared.core.ground.pools
    out = []
    for each in priced.answer.bindings[:SHOWN]:
        k = blocks[each.pool]
        items = pools[k].priced.pool.instruments.items
        subject = _subject(each, priced.problem.blocks[k], items)
        out.append(
            {
                "pool": each.pool,
                "term": each.term,
                "title": _title(each.term),
                "scenario": each.scenario,
                "of": subject,
                "binds": ", ".join(text for text in (each.scenario, subject) if text),
                "share": each.share,
                "value_usd": each.value_usd,
            }
        )
    return out


def _title(term: str) -> str:
    """A charge in words: ``roll_shock 12`` is the roll shock; its group is said beside it."""
    bare = re.sub(r" \d+$", "", term)
    return _TITLES.get(term, _TITLES.get(bare, bare.replace("_", " ")))


def _subject(binding: Binding, block: Block, items: tuple[Instrument, ...]) -> str:
    """The expiry, or the contract, of a charge that stands on some contracts by number."""
    if not re.search(r" \d+$", binding.term):
        return ""
    terms = [term for term in block.pieces.terms if term.name == binding.term]
    if not terms or not isinstance(terms[0], WorstOf):
        return ""
    mine = [items[int(i)] for i in np.flatnonzero(terms[0].rows.any(axis=0))]
    if len(mine) == 1:
        return mine[0].native_id
    dates = sorted({item.expiry_ms for item in mine})
    names = ["no expiry" if ms == NEVER_MS else format_ms(ms)[:10] for ms in dates]
    coins = sorted({item.underlying for item in mine})
    if len(names) > 1:
        return f"{'/'.join(coins)} {names[0]} to {names[-1]}"
    return f"{'/'.join(coins)} {names[0]}" if names else ""
