"""From the rows of a venue's chain to one coherent snapshot, with a verdict for every doubt.

An importer turns each row of its payload into a :class:`Quote` (units converted, absence as None);
:func:`assemble` does the rest once for all venues: coherence, implied and estimated values,
verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.market.coherence import LIMIT_BP, Coherent, cohere, parity_forward
from crossmargin.market.fields import (
    IV_MAX,
    IV_MIN,
    Row,
    contract_subject,
    dated_subject,
    pair_subject,
    worst_verdict,
)
from crossmargin.market.snapshot import Snapshot

__all__ = ["STALE_MS", "STABLECOINS", "Quote", "assemble"]

STALE_MS = 600_000
STABLECOINS = ("USDC", "USDT")
# Marks are rounded to a tick and were struck at a forward of some seconds ago: on the chains of
# 2026 the mark differs from its own Black-76 value by less than this at the 99th percentile.
BOUND_SLACK = 5e-4
# A coin-settled option's mark this far above its upper bound is in another unit, not off by a tick.
_BEYOND = 1.02

Pair = tuple[str, str]


class Quote(NamedTuple):
    """What one row of a chain says of one contract; None where it says nothing.

    ``mark``, ``bid``, ``ask`` in the contract's price unit; ``mark_iv`` a fraction; ``forward``
    and ``index_price`` as this row saw them, in quote currency.
    """

    instrument: Instrument
    event_ms: int
    source: str
    mark: float | None = None
    mark_iv: float | None = None
    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None
    open_interest: float | None = None
    funding_8h: float | None = None
    forward: float | None = None
    index_price: float | None = None
    rate: float | None = None
    mark_verdict: str = "ok"


def assemble(
    quotes: Sequence[Quote],
    as_of_ms: int,
    *,
    receive_ms: int | None = None,
    extra: Iterable[Row] = (),
    stale_ms: int = STALE_MS,
    assumed_usd: Sequence[str] = STABLECOINS,
) -> Snapshot:
    """One coherent snapshot of the quotes of one or several chains.

    ``extra`` are rows taken as they are (a stablecoin's price, a settled part of a forward).
    ``assumed_usd``: currencies that count one dollar where nothing is known of them; their row
    says so (verdict ``assumed``, confidence 0).
    Raises MarketDataError with the first bad row (see Snapshot.of).
    """
    received = as_of_ms if receive_ms is None else receive_ms
    rows = list(extra)
    _refuse_bad_quotes(quotes)
    pairs: dict[Pair, list[Quote]] = {}
    for quote in quotes:
        item = quote.instrument
        pairs.setdefault((item.underlying, item.quote), []).append(quote)
    for pair, members in sorted(pairs.items()):
        coherent = cohere(*_seen(members, as_of_ms), as_of_ms)
        given = {(row.field, row.subject) for row in rows}
        rows.extend(
            row
            for row in _pair_rows(pair, members, coherent, as_of_ms, received)
            if (row.field, row.subject) not in given
        )
        vols = _vols(members, coherent, as_of_ms)
        for quote in members:
            rows.extend(_quote_rows(quote, coherent, vols, as_of_ms, received, stale_ms))
    known = {row.subject for row in rows if row.field == "usd"}
    rows.extend(
        Row("usd", name, 1.0, "USD", "assumed at par", as_of_ms, received, 0.0, "assumed")
        for name in assumed_usd
        if name not in known
    )
    return Snapshot.of(rows, as_of_ms)


# -- what the rows say ---------------------------------------------------------------------------


def _refuse_bad_quotes(quotes: Sequence[Quote]) -> None:
    """Readings that are merged do not reach the table one by one, so they are checked here."""
    seen: set[tuple[str, str]] = set()
    for quote in quotes:
        key = quote.instrument.key
        if key in seen:
            raise _refused("market_duplicate", quote, "two rows speak of one contract", None)
        seen.add(key)
        delta_one = quote.instrument.kind in (Kind.PERPETUAL, Kind.FUTURE)
        prices = {"index": quote.index_price, "forward": quote.forward}
        if delta_one:
            prices["mark"] = quote.mark
        _refuse_dollars(quote)
        for name, value in prices.items():
            if value is None:
                continue
            if not math.isfinite(value):
                raise _refused("number_not_finite", quote, f"{name} must be finite", value)
            if value <= 0.0:
                raise _refused("price_not_positive", quote, f"{name} must be positive", value)


def _refuse_dollars(quote: Quote) -> None:
    """``unit_wrong`` where a coin-settled option's mark is beyond what it can be worth in coin.

    A call is worth at most the coin itself, a put at most K/F. Marks that pass either by little are
    kept and get their verdict; a price in USD passes it by far.
    """
    item, mark = quote.instrument, quote.mark
    if item.kind != Kind.OPTION or not item.inverse or mark is None:
        return
    forward = quote.forward or quote.index_price
    ratio = item.strike / forward if forward and forward > 0.0 else math.inf
    most = 1.0 if item.right > 0 else max(ratio, 1.0)
    if mark > most * _BEYOND:
        raise MarketDataError(
            "unit_wrong",
            f"the mark of a {item.settle}-settled option is in {item.settle}; this one is more "
            "than the option can be worth",
            place=f"{quote.source} {item.venue} {item.native_id} mark_price",
            value=mark,
            limit="1 coin for a call, strike / forward for a put",
            remedy=f"Is the column in USD? Divide it by the forward to have it in {item.settle}.",
        )


def _refused(code: str, quote: Quote, message: str, value: float | None) -> MarketDataError:
    item = quote.instrument
    return MarketDataError(
        code,
        message,
        place=f"{quote.source} {item.venue} {item.native_id}",
        value=value,
        limit="one row each" if code == "market_duplicate" else "> 0",
        remedy="Correct or remove the row.",
    )


def _seen(
    members: Sequence[Quote], as_of_ms: int
) -> tuple[list[float], dict[int, list[float]], dict[int, float]]:
    """Index readings, forward readings by expiry, and parity forwards of the expiries without."""
    index = [q.index_price for q in members if q.index_price is not None]
    forwards: dict[int, list[float]] = {}
    futures: dict[int, list[float]] = {}
    options: dict[tuple[int, bool], dict[int, dict[float, float]]] = {}
    for quote in members:
        item = quote.instrument
        if item.kind == Kind.OPTION:
            if quote.forward is not None:
                forwards.setdefault(item.expiry_ms, []).append(quote.forward)
            if quote.mark is not None:
                sides = options.setdefault((item.expiry_ms, item.inverse), {1: {}, -1: {}})
                sides[item.right][item.strike] = quote.mark
        elif item.kind == Kind.FUTURE and quote.mark is not None:
            futures.setdefault(item.expiry_ms, []).append(quote.mark)
    for expiry, marks in futures.items():
        forwards.setdefault(expiry, marks)
    implied: dict[int, float] = {}
    for (expiry, inverse), sides in options.items():
        if expiry not in forwards and expiry > as_of_ms:
            forward = parity_forward(sides[1], sides[-1], inverse)
            if forward is not None:
                implied[expiry] = forward
    return index, forwards, implied


# -- rows ----------------------------------------------------------------------------------------


def _pair_rows(
    pair: Pair, members: Sequence[Quote], coherent: Coherent, as_of_ms: int, received: int
) -> list[Row]:
    underlying, quote = pair
    subject = pair_subject(underlying, quote)
    source = members[0].source
    event = min(as_of_ms, max(q.event_ms for q in members))
    rows = []
    index = coherent.index
    if index is not None:
        at = (source, event, received, 1.0)
        rows.append(Row("index", subject, index.value, quote, *at, index.verdict))
        rows.append(Row("index_spread", subject, index.spread_bp, "bp", *at))
        if coherent.gap_bp is not None:
            rows.append(Row("index_gap", subject, coherent.gap_bp, "bp", *at))
    rates: dict[int, list[float]] = {}
    for q in members:
        if q.rate is not None and q.instrument.kind == Kind.OPTION:
            rates.setdefault(q.instrument.expiry_ms, []).append(q.rate)
    for expiry, forward in coherent.forwards.items():
        dated = dated_subject(underlying, quote, expiry)
        at = (source, event, received, 1.0)
        rows.append(Row("forward", dated, forward.value, quote, *at, forward.verdict))
        rows.append(Row("forward_spread", dated, forward.spread_bp, "bp", *at))
        if expiry in rates:
            rows.append(Row("rate", dated, float(np.median(rates[expiry])), "per year", *at))
    return rows


def _quote_rows(
    quote: Quote,
    coherent: Coherent,
    vols: Mapping[str, tuple[float, str]],
    as_of_ms: int,
    received: int,
    stale_ms: int,
) -> list[Row]:
    item = quote.instrument
    subject = contract_subject(item.venue, item.native_id)
    currency = item.settle if item.inverse and item.kind == Kind.OPTION else item.quote
    event, source = quote.event_ms, quote.source
    age = "stale" if event < as_of_ms - stale_ms else "ok"
    bid, ask = quote.bid, quote.ask
    crossed = "crossed" if bid is not None and ask is not None and bid > ask else "ok"
    rows: list[Row] = []

    def add(name: str, value: float | None, unit: str, verdict: str) -> None:
        if value is not None:
            rows.append(Row(name, subject, value, unit, source, event, received, 1.0, verdict))

    if quote.mark is None:
        rows.append(Row("mark", subject, 0.0, currency, source, event, received, 0.0, "missing"))
    else:
        add("mark", quote.mark, currency, worst_verdict(age, _mark_verdict(quote, coherent)))
    if item.kind == Kind.OPTION:
        if quote.mark_iv is not None:
            add("mark_iv", quote.mark_iv, "fraction", age)
        elif subject in vols:
            vol, verdict = vols[subject]
            add("mark_iv", vol, "fraction", worst_verdict(age, verdict))
        else:
            at = (source, event, received, 0.0, "missing")
            rows.append(Row("mark_iv", subject, 0.0, "fraction", *at))
    add("bid", bid, currency, worst_verdict(age, crossed))
    add("ask", ask, currency, worst_verdict(age, crossed))
    add("bid_size", quote.bid_size, "amount", age)
    add("ask_size", quote.ask_size, "amount", age)
    add("open_interest", quote.open_interest, "amount", age)
    add("funding_8h", quote.funding_8h, "fraction", age)
    return rows


def _mark_verdict(quote: Quote, coherent: Coherent) -> str:
    """The gravest of: outside the touch, outside the bounds, apart from the coherent forward."""
    mark, item = quote.mark, quote.instrument
    if mark is None:
        return "missing"
    verdict = quote.mark_verdict
    below = quote.bid is not None and mark < quote.bid
    above = quote.ask is not None and mark > quote.ask
    if below or above:
        verdict = worst_verdict(verdict, "outside_touch")
    merged = coherent.forwards.get(item.expiry_ms)
    if merged is None:
        return verdict
    if item.kind == Kind.FUTURE:
        if abs(mark / merged.value - 1.0) * 1e4 > LIMIT_BP:
            verdict = worst_verdict(verdict, "incoherent")
    elif item.kind == Kind.OPTION:
        forward = quote.forward if quote.forward is not None else merged.value
        unit = 1.0 if item.inverse else forward
        ratio = item.strike / forward
        least = max(item.right * (1.0 - ratio), 0.0) * unit
        most = (1.0 if item.right > 0 else ratio) * unit
        slack = BOUND_SLACK * unit * max(1.0, ratio)  # a put deep in the money moves with K/F
        if not least - slack <= mark <= most + slack:
            verdict = worst_verdict(verdict, "outside_bounds")
    return verdict


# -- volatilities that the chain does not give ---------------------------------------------------


def _vols(
    members: Sequence[Quote], coherent: Coherent, as_of_ms: int
) -> dict[str, tuple[float, str]]:
    """subject -> (vol, verdict) of the options without one: from the price, else the surface."""
    lacking = [
        quote
        for quote in members
        if quote.instrument.kind == Kind.OPTION
        and quote.mark_iv is None
        and quote.instrument.expiry_ms > as_of_ms
        and quote.instrument.expiry_ms in coherent.forwards
    ]
    if not lacking:
        return {}
    found, left = _vols_of_marks(lacking, coherent, as_of_ms)
    if left:
        found.update(_vols_of_surface(members, left, found, coherent, as_of_ms))
    return found


def _vols_of_marks(
    lacking: Sequence[Quote], coherent: Coherent, as_of_ms: int
) -> tuple[dict[str, tuple[float, str]], list[Quote]]:
    """Volatilities that the options' own marks carry, and the options whose marks carry none."""
    from crossmargin.market.implied import vols_of_prices  # compiled only where it is needed

    marked = [quote for quote in lacking if quote.mark is not None]
    left = [quote for quote in lacking if quote.mark is None]
    if not marked:
        return {}, left
    items = [quote.instrument for quote in marked]
    forward = np.array(
        [q.forward or coherent.forwards[q.instrument.expiry_ms].value for q in marked]
    )
    price = np.array([quote.mark or 0.0 for quote in marked])
    inverse = np.array([item.inverse for item in items])
    vols, known = vols_of_prices(
        forward,
        [item.strike for item in items],
        np.array([item.expiry_ms - as_of_ms for item in items]) / YEAR_MS,
        [item.right for item in items],
        np.where(inverse, price * forward, price),
    )
    found: dict[str, tuple[float, str]] = {}
    for quote, vol, carried in zip(marked, vols.tolist(), known.tolist(), strict=True):
        if carried:
            found[contract_subject(*quote.instrument.key)] = (vol, "implied")
        else:
            left.append(quote)
    return found, left


def _vols_of_surface(
    members: Sequence[Quote],
    left: Sequence[Quote],
    found: Mapping[str, tuple[float, str]],
    coherent: Coherent,
    as_of_ms: int,
) -> dict[str, tuple[float, str]]:
    from crossmargin.market.surface import Point, fit_points  # a fit costs up to a second

    points = []
    for quote in members:
        item = quote.instrument
        if item.kind != Kind.OPTION or item.expiry_ms not in coherent.forwards:
            continue
        vol = quote.mark_iv
        if vol is None:
            vol = found.get(contract_subject(*item.key), (None, ""))[0]
        if vol is not None:
            forward = coherent.forwards[item.expiry_ms].value
            points.append(Point(item.expiry_ms, math.log(item.strike / forward), vol))
    surface = fit_points(points, as_of_ms)
    out: dict[str, tuple[float, str]] = {}
    for quote in left:
        item = quote.instrument
        moneyness = math.log(item.strike / coherent.forwards[item.expiry_ms].value)
        vol = surface.vol(item.expiry_ms, moneyness)
        if vol is not None:
            bounded = min(max(vol, IV_MIN), IV_MAX)
            out[contract_subject(*item.key)] = (bounded, "estimated")
    return out
