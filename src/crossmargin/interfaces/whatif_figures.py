"""A what-if as plain values: verdict, before and after, legs, Greeks, ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.doubts import age_notes, verdict_notes
from crossmargin.interfaces.figures import market_notes, parameter_figures
from crossmargin.margin.model import Bound
from crossmargin.margin.totals import room_usd, stands_apart
from crossmargin.margin.whatif import Prepared, Ranked, WhatIf
from crossmargin.margin.whatif_costs import is_whole, lot_of
from crossmargin.margin.whatif_judge import STATUSES, Status, Verdict
from crossmargin.market.view import View

__all__ = ["ranking_figures", "verdict_text", "whatif_figures"]

# A price further from the mark than this share of underlying is named.
_FAR = 0.05
_WORDS = {
    Status.PASSES: "the venue would take it",
    Status.REDUCES: "the venue would take it, because it reduces risk",
    Status.FAILS: "the venue would refuse it",
    Status.UNKNOWN: "no balance is known: whether it passes depends on the cash",
}


def verdict_text(verdict: Verdict) -> str:
    """The verdict in a sentence with its numbers."""
    text = _WORDS[verdict.status]
    where = "" if verdict.unit == "account" else f" of {verdict.unit}"
    if verdict.status is Status.UNKNOWN:
        return f"{text}; {verdict.cash_needed_usd:,.2f} USD{where} must be there before the trade"
    if verdict.status is Status.PASSES:
        return f"{text}: {verdict.left_im_usd:,.2f} USD of initial margin{where} are left"
    short = f"{verdict.check}{where} is short by {verdict.short_by:,.6g} {verdict.currency}"
    usd = "" if verdict.currency == "USD" else f" ({verdict.short_by_usd:,.2f} USD)"
    return f"{text}: {short}{usd}"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status.value,
        "text": verdict_text(verdict),
        "check": verdict.check or None,
        "judged": verdict.unit,
        "currency": verdict.currency,
        "short_by": verdict.short_by,
        "short_by_usd": verdict.short_by_usd,
        "left_im_usd": verdict.left_im_usd,
        "room_im_usd": verdict.room_im_usd,
        "room_mm_usd": verdict.room_mm_usd,
        "cash_needed_usd": verdict.cash_needed_usd,
    }


def _state(found: WhatIf, known: bool, *, after: bool) -> dict[str, Any]:
    """A state; what rests on cash is absent where no balance is known.

    Usage and room are of the account; where pools stand apart, usage is that of the pool nearest
    to its limit and room that of the pool with least left.
    """
    state = found.after if after else found.before
    apart = stands_apart(found.prepared.base.model)
    if apart:
        pools = found.prepared.ground.pools
        values = found.states.values if after else [pool.values for pool in pools]
        rows = [own[:4, 0].tolist() for own in values]
        rates = [pool.priced.usd_per_unit for pool in pools]
    else:
        rows = [[state.im_usd, state.mm_usd, state.counted_im_usd, state.counted_mm_usd]]
        rates = [1.0]
    usage: dict[str, float | None] = {}
    for level, name in enumerate(("im", "mm")):
        parts = [(row[level], row[2 + level], rate) for row, rate in zip(rows, rates, strict=True)]
        usage[f"{name}_usage"] = _usage(parts) if known else None
        usage[f"room_{name}_usd"] = room_usd(parts, apart)[0] if known else None
    return {
        "cash_usd": state.cash_usd if known else None,
        "equity_usd": state.equity_usd if known else None,
        "im_usd": state.im_usd,
        "mm_usd": state.mm_usd,
        "counted_im_usd": state.counted_im_usd if known else None,
        "counted_mm_usd": state.counted_mm_usd if known else None,
        **usage,
    }


def _usage(parts: Sequence[tuple[float, float, float]]) -> float | None:
    """The highest share of what counts that is required; None where nothing counts."""
    needed = [(need, counted) for need, counted, _ in parts if need > 0.0 or counted > 0.0]
    if not needed or any(not counted > 0.0 for _, counted in needed):
        return None
    return max(need / counted for need, counted in needed)


def _pools(found: WhatIf, known: bool) -> list[dict[str, Any]]:
    """Each pool in its own currency, before and after, with the binding scenario."""
    out = []
    for number, pool in enumerate(found.prepared.ground.pools):
        entry: dict[str, Any] = {
            "pool": pool.priced.pool.label,
            "currency": pool.priced.pool.currency,
            "usd_per_unit": pool.priced.usd_per_unit,
        }
        sides = (
            ("before", pool.values[:, 0].tolist(), int(pool.scenario[0])),
            (
                "after",
                found.states.values[number][:, 0].tolist(),
                int(found.states.scenario[number][0]),
            ),
        )
        for name, (im, mm, counted_im, counted_mm, cash, equity), scenario in sides:
            entry[name] = {
                "im": im,
                "mm": mm,
                "counted_im": counted_im if known else None,
                "counted_mm": counted_mm if known else None,
                "cash": cash if known else None,
                "equity": equity if known else None,
                "worst_scenario": _scenario(pool.priced, scenario, im),
            }
        if any(any(entry[side][key] for key in ("im", "mm", "equity")) for side, _, _ in sides):
            out.append(entry)
    return out


def _scenario(priced: Any, code: int, im: float) -> str | None:
    if priced.scenarios is None or code < 0 or im == 0.0:
        return None
    scenarios = priced.scenarios
    return scenarios.label[code] if code < len(scenarios) else "basis contingency"


def _greeks(found: WhatIf) -> list[dict[str, Any]]:
    out = []
    for name in sorted(found.greeks_after):
        after = found.greeks_after[name]
        before = found.greeks_before.get(name)
        entry: dict[str, Any] = {"underlying": name, "index_usd": after.index_usd}
        for field in after._fields[:-1]:
            entry[f"{field}_before"] = 0.0 if before is None else getattr(before, field)
            entry[f"{field}_after"] = getattr(after, field)
        out.append(entry)
    return out


def _legs(found: WhatIf) -> list[dict[str, Any]]:
    out = []
    for leg in found.legs:
        fill, rate = leg.fill, leg.usd_per_unit
        out.append(
            {
                "venue": leg.label.partition(" ")[0],
                "instrument": leg.label.partition(" ")[2],
                "size": fill.size,
                "price": fill.price,
                "price_from": fill.quoted,
                "currency": leg.currency,
                "premium": fill.premium,
                "fee": fill.fee,
                "day_one": fill.gain,
                "premium_usd": fill.premium * rate,
                "fee_usd": fill.fee * rate,
                "day_one_usd": fill.gain * rate,
                "marginal_im_usd": leg.marginal_im_usd,
                "marginal_mm_usd": leg.marginal_mm_usd,
                "alone_im_usd": leg.alone_im_usd,
                "alone_mm_usd": leg.alone_mm_usd,
            }
        )
    return out


def _legged(found: WhatIf) -> dict[str, Any] | None:
    legged = found.legged
    if legged is None:
        return None
    names = [leg.label.partition(" ")[2] for leg in found.legs]
    return {
        "exact": legged.exact,
        "worst_filled": [names[k] for k in legged.filled],
        "im_usd": legged.im_usd,
        "mm_usd": legged.mm_usd,
        "room_im_usd": legged.room_im_usd,
        "room_mm_usd": legged.room_mm_usd,
        "best_order": [names[k] for k in legged.order],
        "best_order_room_im_usd": legged.order_room_im_usd,
    }


def _fit(found: WhatIf) -> dict[str, Any] | None:
    fit = found.fit
    if fit is None:
        return None
    return {
        "steps": fit.steps,
        "step": list(fit.step),
        "sizes": list(fit.sizes),
        "unlimited": fit.unlimited,
        "one_more": None if found.next_verdict is None else _verdict(found.next_verdict),
    }


def _notes(
    prepared: Prepared, found: WhatIf, known: bool, view: View, market: Mapping[str, Any]
) -> list[str]:
    base = prepared.base
    notes = [f"mapped to {base.model.venue}: {loss}" for loss in prepared.losses]
    notes += [*base.notes, *age_notes(market), *verdict_notes(market), *market_notes(view)]
    if not known:
        notes.append("the account states no balance: premium and fees are booked nowhere")
    elif not all(prepared.ground.booked[leg.fill.column] for leg in found.legs):
        notes.append("equity is rebuilt from entry prices: fees count in the verdict, not in it")
    if found.legs:
        notes.append(
            "fees and day-one P&L are those of the prices of the legs: what a larger size walks "
            "and moves is not in them (optimise, rank and exit count it)"
        )
    notes += _odd_legs(prepared, found)
    if found.legged is not None and not found.legged.exact:
        notes.append("more than ten legs: the worst state on the way is an upper bound")
    return notes


def _odd_legs(prepared: Prepared, found: WhatIf) -> list[str]:
    """Legs that no venue would fill like this: not in whole lots, or far from the mark."""
    notes = []
    desk = prepared.desk
    table, lots = desk.view.instruments, desk.schedule.parameters
    for leg in found.legs:
        fill, item = leg.fill, table.items[leg.fill.column]
        try:
            lot = lot_of(item, lots)
        except ModelError:
            lot = None  # it is not known, so that nothing can be said
        # A size in another venue's unit is no whole lot here, and need not be.
        if lot is not None and not prepared.losses and not is_whole(fill.size, lot):
            size = f"{abs(fill.size):,.6g}"
            notes.append(f"the size of {item.native_id}, {size}, is no whole lot of {lot:g}")
        mark = float(desk.view.mark[fill.column])
        index = float(desk.view.index[table.pair[fill.column]])
        unit = (1.0 if item.inverse else index) if item.kind == Kind.OPTION else mark
        if abs(fill.price - mark) > _FAR * unit:
            notes.append(
                f"the price of {item.native_id}, {fill.price:,.6g}, is far from its mark, "
                f"{mark:,.6g}: the verdict counts the difference as made at once"
            )
    return notes


def whatif_figures(
    prepared: Prepared, found: WhatIf, account: str, view: View, market: Mapping[str, Any]
) -> dict[str, Any]:
    """Every figure of a what-if as plain values; dollars unless a currency stands beside.

    ``view`` and ``market``: what is held and traded as the venue of the book names it, and what of
    the market behind it is in doubt.
    """
    base, spec = prepared.base, prepared.base.model
    known = found.verdict.status is not Status.UNKNOWN
    schedule = prepared.desk.schedule
    venues = sorted({leg.label.partition(" ")[0] for leg in found.legs})
    return {
        "verb": "whatif",
        "model": {
            "name": spec.name,
            "title": spec.title,
            "version": spec.version,
            "balance_side": spec.balance_side,
            "unknown": list(spec.unknown),
        },
        "as_of": format_ms(base.view.as_of_ms),
        "account": account,
        "market": market,
        "how": "atomic" if found.legged is None else "legged",
        "verdict": _verdict(found.verdict),
        "bound": found.bound.value,
        "before": _state(found, known, after=False),
        "after": _state(found, known, after=True),
        "pools": _pools(found, known),
        "greeks": _greeks(found),
        "legs": _legs(found),
        "premium_usd": found.premium_usd,
        "fees_usd": found.fees_usd,
        "day_one_usd": found.day_one_usd,
        "day_one_after_fees_usd": found.day_one_usd - found.fees_usd,
        "legged": _legged(found),
        "fit": _fit(found),
        "fees": {
            "set": f"{schedule.parameters.model}/{schedule.parameters.label}",
            "share_given": schedule.share,
            "fidelity": {venue: schedule.fidelity(venue) for venue in venues},
        },
        "parameters": parameter_figures(
            base.parameters, base.view.as_of_ms, {}, of_venue=bool(base.model.venue)
        ),
        "notes": _notes(prepared, found, known, view, market),
    }


def ranking_figures(ranked: Ranked, names: Sequence[str]) -> list[dict[str, Any]]:
    """One entry a candidate, best first."""
    columns = {
        name: getattr(ranked, name).tolist()
        for name in (
            "im_usd",
            "mm_usd",
            "marginal_im_usd",
            "marginal_mm_usd",
            "room_im_usd",
            "room_mm_usd",
            "premium_usd",
            "fees_usd",
            "day_one_usd",
        )
    }
    code, low = ranked.code.tolist(), ranked.at_least.tolist()
    return [
        {
            "rank": k + 1,
            "candidate": names[number],
            "status": STATUSES[code[k]].value,
            **{name: values[k] for name, values in columns.items()},
            "bound": (Bound.AT_LEAST if low[k] else Bound.VALUE).value,
        }
        for k, number in enumerate(ranked.order.tolist())
    ]
