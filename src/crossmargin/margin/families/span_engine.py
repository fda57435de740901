"""The SPAN requirement of a block of accounts under one set of terms.

Per combined commodity, in this order:

    scan      sum over its scan tiers of max(0, max_s loss_s); the worst point is *active*
    VAS       mean of the loss at the active point and at its paired point
    time risk mean of the losses at the first point and its pair
    price risk max(0, VAS - time risk);  vol risk = scan - VAS;  WFPR = price risk / |net delta|
    spreads   super-inter-commodity, then intra-commodity: charges; then the delivery charge; then
              inter-commodity: credits (see ``span_spreads``)
    SOM       rate x short options: calls and puts added, or the greater of the two
    risk      max(scan + intra + delivery - credits, SOM)
    required  max(0, sum of (risk - net option value)); initial = that, times a ratio

A commodity whose net option value is capped counts no more of it than its risk. Credits of a
commodity end at its scan risk (this project's own limit: the published text has none). Sums run
from the first contract, period and spread to the last.

Source: published descriptions of SPAN and of its parameter files; see ``span_terms``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.margin.families.span_spreads import Deltas, Formed, form
from crossmargin.margin.families.span_terms import Commodity, DeltaSpread, ScanSpread, SpanFile
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import padded
from crossmargin.pricing.rows import TIE

__all__ = ["Rows", "SpanResult", "SpanTerms", "Tables", "requirement", "terms_of", "terms_with"]


@dataclass(frozen=True, slots=True)
class Tables:
    """Columns of K contracts: commodity (-1: not margined), period, delta, arrays, options."""

    commodity: Ints
    period: Ints  # place among the commodity's periods
    pnl: Floats  # [K, S] gain of one long contract, weights applied
    delta: Floats  # futures equivalents
    right: Ints
    som_unit: Floats  # futures equivalents of a short option
    value: Floats  # net option value of one long contract, premium style


@dataclass(frozen=True, slots=True)
class SpanTerms:
    """Terms compiled for netting. ``group[K]`` numbers commodity and scan tier together."""

    commodities: tuple[Commodity, ...]
    periods: tuple[tuple[str, ...], ...]
    tables: Tables
    group: Ints
    group_commodity: tuple[int, ...]
    paired: Ints
    som_rate: Floats  # [K] of one short option
    rate: Floats  # [C] to the currency of the answer
    super_spreads: tuple[DeltaSpread | ScanSpread, ...]
    inter_spreads: tuple[DeltaSpread | ScanSpread, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Positions of A accounts: CSR over contracts."""

    row: np.ndarray[tuple[int], np.dtype[np.int64]]
    column: Ints
    quantity: Floats

    @property
    def owner(self) -> Ints:
        """[M] the account of each position."""
        return np.repeat(np.arange(len(self.row) - 1, dtype=np.int32), np.diff(self.row))


@dataclass(frozen=True, slots=True)
class SpanResult:
    """[A, C] parts by commodity, in its own currency; [A] totals in that of the answer.

    ``losses[A, C, S]`` are those of the whole commodity; ``active`` is the place of its worst point
    (of the first scan tier that loses most), -1 without positions.
    """

    scan: Floats
    active: Ints
    time_risk: Floats
    vol_risk: Floats
    price_risk: Floats
    net_delta: Floats
    intra: Floats
    delivery: Floats
    inter: Floats
    som: Floats
    risk: Floats
    nov: Floats
    counted_nov: Floats
    maintenance: Floats
    initial: Floats
    losses: Floats
    formed: tuple[Formed, ...]


def terms_of(file: SpanFile, currency: str) -> SpanTerms:
    """The terms of a parameter file, answered in ``currency``; ``currency_unknown`` otherwise."""
    code = {commodity.code: c for c, commodity in enumerate(file.commodities)}
    periods: list[list[str]] = [[] for _ in file.commodities]
    for contract in file.contracts:
        if contract.commodity:
            periods[code[contract.commodity]].append(contract.period)
    ordered = tuple(tuple(sorted(set(each))) for each in periods)
    place = [{name: p for p, name in enumerate(each)} for each in ordered]
    of = [code[c.commodity] if c.commodity else -1 for c in file.contracts]
    tables = Tables(
        commodity=frozen(of, np.int32),
        period=frozen(
            [place[c][k.period] if c >= 0 else 0 for c, k in zip(of, file.contracts, strict=True)],
            np.int32,
        ),
        pnl=frozen(-np.asarray(file.losses), np.float64),
        delta=frozen([k.delta for k in file.contracts], np.float64),
        right=frozen([k.right for k in file.contracts], np.int32),
        som_unit=frozen([k.scale if k.right else 0.0 for k in file.contracts], np.float64),
        value=frozen(
            [
                k.value * file.rate(k.currency, file.commodities[c].currency) if k.value else 0.0
                for c, k in zip(of, file.contracts, strict=True)
            ],
            np.float64,
        ),
    )
    rate = frozen([file.rate(c.currency, currency) for c in file.commodities], np.float64)
    return terms_with(
        file.commodities, ordered, tables, file.points.paired, rate,
        file.super_spreads, file.inter_spreads,
    )  # fmt: skip


def terms_with(
    commodities: tuple[Commodity, ...],
    periods: tuple[tuple[str, ...], ...],
    tables: Tables,
    paired: Ints,
    rate: Floats,
    super_spreads: tuple[DeltaSpread | ScanSpread, ...] = (),
    inter_spreads: tuple[DeltaSpread | ScanSpread, ...] = (),
) -> SpanTerms:
    """Terms from columns: scan tiers become groups, arrays are padded for the kernel."""
    group = np.full(len(tables.commodity), -1, np.int32)
    owners: list[int] = []
    som_rate = np.zeros(len(tables.commodity))
    for c, commodity in enumerate(commodities):
        tier_of = [_tier_place(commodity, name) for name in periods[c]]
        mine = np.flatnonzero(tables.commodity == c)
        first = len(owners)
        owners += [c] * max(len(commodity.scan_tiers) + 1, 1)
        rates = [_som_rate(commodity, name) for name in periods[c]]
        for k in mine.tolist():
            group[k] = first + tier_of[int(tables.period[k])]
            som_rate[k] = rates[int(tables.period[k])]
    padded_tables = Tables(
        tables.commodity, tables.period, padded(tables.pnl), tables.delta, tables.right,
        tables.som_unit, tables.value,
    )  # fmt: skip
    return SpanTerms(
        commodities, periods, padded_tables, frozen(group, np.int32), tuple(owners),
        paired, frozen(som_rate, np.float64), rate, super_spreads, inter_spreads,
    )  # fmt: skip


def _tier_place(commodity: Commodity, period: str) -> int:
    """Which scan tier a period is of; those outside all tiers are scanned together, last."""
    for t, tier in enumerate(commodity.scan_tiers):
        if tier.holds(period):
            return t
    return len(commodity.scan_tiers)


def _som_rate(commodity: Commodity, period: str) -> float:
    for tier in commodity.som_tiers:
        if tier.holds(period):
            return tier.rate
    return commodity.som_rate


def _only(rows: Rows, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Rows:
    """The rows with the chosen positions alone."""
    counts = np.bincount(rows.owner[chosen], minlength=len(rows.row) - 1)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Rows(
        frozen(starts, np.int64), frozen(rows.column[chosen], np.int32),
        frozen(rows.quantity[chosen], np.float64),
    )  # fmt: skip


@dataclass(slots=True)
class _Scanned:
    """[A, C] what the scan gives."""

    scan: Floats
    active: Ints
    vas: Floats
    time: Floats
    losses: Floats  # [A, C, S]


def _scan(terms: SpanTerms, rows: Rows) -> _Scanned:
    """Scan every commodity and tier; accounts without positions in it have nothing."""
    count, shape = len(terms.paired), (len(rows.row) - 1, len(terms.commodities))
    out = _Scanned(
        np.zeros(shape), np.full(shape, -1, np.int32), np.zeros(shape), np.zeros(shape),
        np.zeros((*shape, count)),
    )  # fmt: skip
    group = terms.group[rows.column]
    every = np.arange(shape[0])
    largest = np.full(shape, -1.0)
    for g, c in enumerate(terms.group_commodity):
        chosen = group == g
        if not chosen.any():
            continue
        mine = _only(rows, chosen)
        gain = net(mine.row, mine.column, mine.quantity, terms.tables.pnl, trusted=True)[:, :count]
        held = np.diff(mine.row) > 0
        least = gain.min(axis=1)
        active = np.argmax(gain <= (least + TIE * np.abs(least))[:, None], axis=1)
        loss = np.maximum(-least, 0.0)
        pair = terms.paired[active]
        vas = -0.5 * (gain[every, active] + gain[every, pair])
        time = -0.5 * (gain[:, 0] + gain[:, int(terms.paired[0])])
        lost = loss > 0.0  # without a loss there is nothing to divide into risks
        out.scan[:, c] += loss
        out.vas[:, c] += np.where(lost, vas, 0.0)
        out.time[:, c] += np.where(lost, time, 0.0)
        out.losses[:, c] -= gain
        first = held & (loss > largest[:, c])
        out.active[first, c] = active[first]
        largest[first, c] = loss[first]
    return out


def _summed(terms: SpanTerms, rows: Rows, column: Floats) -> Floats:
    """[A, C] sums of one amount a position, in the order of positions."""
    accounts, many = len(rows.row) - 1, len(terms.commodities)
    of = terms.tables.commodity[rows.column]
    known = of >= 0
    cell = rows.owner[known].astype(np.int64) * many + of[known]
    total = np.bincount(cell, column[known], minlength=accounts * many)
    return np.asarray(total.reshape(accounts, many))


def _deltas(terms: SpanTerms, rows: Rows) -> Deltas:
    """Deltas by commodity and period, in the order of positions."""
    accounts = len(rows.row) - 1
    of = terms.tables.commodity[rows.column]
    amount = rows.quantity * terms.tables.delta[rows.column]
    left = []
    for c, periods in enumerate(terms.periods):
        mine, many = of == c, max(len(periods), 1)
        cell = rows.owner[mine].astype(np.int64) * many + terms.tables.period[rows.column[mine]]
        total = np.bincount(cell, amount[mine], minlength=accounts * many)
        left.append(np.asarray(total.reshape(accounts, many), np.float64))
    return Deltas(terms.periods, left)


def _wfpr(terms: SpanTerms, price_risk: Floats, net_delta: Floats) -> Floats:
    """[A, C] weighted futures price risk: of one net delta, by the commodity's method."""
    size = np.abs(net_delta)
    out = np.where(size > 0.0, price_risk / np.where(size > 0.0, size, 1.0), 0.0)
    for c, commodity in enumerate(terms.commodities):
        if commodity.wfpr_method == "capped":
            out[:, c] = np.minimum(out[:, c], commodity.scan_range)
        elif commodity.wfpr_method == "scan_range":
            out[:, c] = np.where(size[:, c] > 0.0, commodity.scan_range, 0.0)
    return np.asarray(out)


def _basis(commodity: Commodity, deltas: Floats, periods: tuple[str, ...]) -> Floats:
    """[A] charge on deltas of physicals (period 000000) that other periods hedge."""
    physical = np.zeros(len(deltas))
    other = np.zeros(len(deltas))
    for p, name in enumerate(periods):
        if name[:6] == "000000":
            physical += deltas[:, p]
        else:
            other += deltas[:, p]
    against = np.where(physical * other < 0.0, np.minimum(np.abs(physical), np.abs(other)), 0.0)
    return np.asarray(commodity.basis_rate * against)


def _delivery(terms: SpanTerms, deltas: Deltas, at_first: list[Floats]) -> Floats:
    """[A, C] charges of the periods near delivery, after the intra-commodity spreads."""
    out = np.zeros((len(at_first[0]) if at_first else 0, len(terms.commodities)))
    for c, commodity in enumerate(terms.commodities):
        if commodity.delivery_method == "01":
            continue
        for rate in commodity.delivery:
            for p, name in enumerate(terms.periods[c]):
                if name[: len(rate.period)] == rate.period:
                    out[:, c] += deltas.used[c][:, p] * rate.spread_rate
                    out[:, c] += np.abs(deltas.left[c][:, p]) * rate.outright_rate
        if commodity.delivery_method == "11":
            out[:, c] += _basis(commodity, at_first[c], terms.periods[c])
    return out


def _som(terms: SpanTerms, rows: Rows) -> Floats:
    """[A, C] short option minimum: of calls and puts together, or of the greater of the two."""
    tables = terms.tables
    short = np.maximum(-rows.quantity, 0.0) * tables.som_unit[rows.column]
    charge = short * terms.som_rate[rows.column]
    right = tables.right[rows.column]
    calls = _summed(terms, rows, np.where(right > 0, charge, 0.0))
    puts = _summed(terms, rows, np.where(right < 0, charge, 0.0))
    greater = np.array([c.som_method == "greater" for c in terms.commodities], np.bool_)
    return np.where(greater, np.maximum(calls, puts), calls + puts)


def _joint(
    spread: ScanSpread, terms: SpanTerms, scanned: _Scanned, place: dict[str, int]
) -> Formed:
    """A scanning-based spread: what scanning shares of the legs as one portfolio saves.

    saved = sum of rate_c scan_c - max(0, max_s sum of rate_c loss_cs), shared by rate_c scan_c.
    Nothing where a required leg has no position. Commodities with several scan tiers are scanned
    on their added arrays.
    """
    accounts = len(scanned.scan)
    apart, joint = np.zeros(accounts), np.zeros((accounts, len(terms.paired)))
    formed = np.ones(accounts, np.bool_)
    for leg in spread.legs:
        c = place[leg.commodity]
        if leg.required:
            formed &= scanned.active[:, c] >= 0
        apart += leg.rate * scanned.scan[:, c]
        joint += leg.rate * scanned.losses[:, c]
    together = np.maximum(joint.max(axis=1), 0.0)
    saved = np.where(formed, np.maximum(apart - together, 0.0), 0.0)
    amount: dict[int, Floats] = {}
    for leg in spread.legs:
        c = place[leg.commodity]
        share = leg.rate * scanned.scan[:, c] / np.where(apart > 0.0, apart, 1.0)
        amount[c] = amount[c] + saved * share if c in amount else saved * share
    label = " + ".join(f"{leg.commodity} {leg.rate:g}" for leg in spread.legs)
    return Formed("scanning", label, formed.astype(np.float64), amount)


def requirement(terms: SpanTerms, rows: Rows) -> SpanResult:
    """The requirement of every account; the module has the order and the formulas."""
    scanned = _scan(terms, rows)
    deltas = _deltas(terms, rows)
    at_first = [each.copy() for each in deltas.left]
    net_delta = np.column_stack([deltas.net(c) for c in range(len(terms.commodities))])
    price_risk = np.maximum(scanned.vas - scanned.time, 0.0)
    wfpr = _wfpr(terms, price_risk, net_delta)
    formed: list[Formed] = []
    place = {commodity.code: c for c, commodity in enumerate(terms.commodities)}

    def between(spreads: tuple[DeltaSpread | ScanSpread, ...], kind: str) -> None:
        for spread in spreads:
            if isinstance(spread, ScanSpread):
                formed.append(_joint(spread, terms, scanned, place))
            else:
                formed.append(form(spread, deltas, terms.commodities, wfpr, kind, place))

    between(terms.super_spreads, "super")
    for each in terms.commodities:
        between(each.spreads, "intra")
    delivery = _delivery(terms, deltas, at_first)
    between(terms.inter_spreads, "inter")
    intra, inter = np.zeros_like(scanned.scan), np.zeros_like(scanned.scan)
    for made in formed:
        for c, amount in made.amount.items():
            (intra if made.kind == "intra" else inter)[:, c] += amount
    inter = np.minimum(inter, scanned.scan)
    som = _som(terms, rows)
    risk = np.maximum(scanned.scan + intra + delivery - inter, som)
    value = rows.quantity * terms.tables.value[rows.column]
    nov = _summed(terms, rows, value)
    capped = np.array([c.cap_nov for c in terms.commodities], np.bool_)
    counted = np.where(capped, np.minimum(nov, risk), nov)
    maintenance, initial = np.zeros(len(risk)), np.zeros(len(risk))
    for c, commodity in enumerate(terms.commodities):
        part = (risk[:, c] - counted[:, c]) * terms.rate[c]
        maintenance += part
        initial += commodity.initial_ratio * part
    return SpanResult(
        scanned.scan, scanned.active, scanned.time, scanned.scan - scanned.vas, price_risk,
        net_delta, intra, delivery, inter, som, risk, nov, counted,
        np.maximum(maintenance, 0.0), np.maximum(initial, 0.0), scanned.losses, tuple(formed),
    )  # fmt: skip
