"""Options under the Derive standard manager: shorts one by one, or the maximum loss of an expiry.

v             Black-76 value of one option, not discounted
short call    MM = v + mm share S          IM = v + max(most - [K - S]+ / S, least) S
short put     MM = v + max(mm share S, value share v)
              IM = max(v + max(most - [S - K]+ / S, least) S, offset MM)
long          nothing
maximum loss  -min over P in {0} and the strikes held of min(0, payoff(P))
              + unpaired scale F [-net calls]+
expiry        min(sum of shorts, maximum loss)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind
from crossmargin.market.view import View
from crossmargin.pricing.payoff import least_payoffs
from crossmargin.pricing.sums import sums

__all__ = [
    "OptionCharges",
    "by_account",
    "option_charges",
    "parameter_column",
    "short_columns",
    "unpaired_columns",
]


@dataclass(frozen=True, slots=True)
class OptionCharges:
    """Per account and expiry that it holds: charges at both levels, and short size."""

    row: Ints
    run: Ints  # code of the expiry
    im: Floats
    mm: Floats
    shorts: Floats  # [r] units of the underlying, calls and puts


def parameter_column(
    part: Instruments, parameters: Parameters, kind: Kind, group: str, name: str
) -> Floats:
    """[I] a number of each row's market; 0 for rows of another kind, and for cash."""
    out = np.zeros(len(part))
    for k, item in enumerate(part.items):
        key = f"market.{item.underlying}.{group}.{name}"
        if item.kind == kind and (kind != Kind.ASSET or key in parameters):
            out[k] = parameters.number(key)
    return out


def short_columns(
    part: Instruments, spot: Floats, value: Floats, parameters: Parameters
) -> tuple[Floats, Floats]:
    """[I] initial and maintenance charge of one short option, in USD; ``value`` of one contract."""

    def of(name: str) -> Floats:
        return parameter_column(part, parameters, Kind.OPTION, "option", name)

    option, put = is_kind(part, Kind.OPTION), part.right < 0
    notional = np.where(option, part.multiplier, 0.0) * spot
    safe = np.where(spot > 0.0, spot, 1.0)
    otm = np.maximum(part.right * (part.strike - spot) / safe, 0.0)
    im = value + np.maximum(of("im_most_share") - otm, of("im_least_share")) * notional
    call_mm = value + of("mm_call_share") * notional
    put_mm = value + np.maximum(of("mm_put_share") * notional, of("mm_put_value_share") * value)
    mm = np.where(put, put_mm, call_mm)
    im = np.where(put, np.maximum(im, of("offset_scale") * mm), im)
    return np.where(option, im, 0.0), np.where(option, mm, 0.0)


def unpaired_columns(
    part: Instruments, view: View, parameters: Parameters
) -> tuple[Floats, Floats]:
    """[E] what one net short call costs beyond the payoff, at both levels."""
    forward = view.forward + view.forward_settled
    scale = [
        [
            parameters.number(f"market.{key[0]}.option.unpaired_{level}_scale")
            for level in ("im", "mm")
        ]
        for key in part.expiries
    ]
    table = np.array(scale, np.float64).reshape(len(part.expiries), 2)
    return table[:, 0] * forward, table[:, 1] * forward


def option_charges(priced: Priced, held: PoolBook) -> OptionCharges:
    """The lesser of both ways to margin each expiry."""
    part, facts = priced.pool.instruments, priced.facts
    run: Ints = facts["run"]
    alone = sums(held.row, held.column, held.quantity, run, facts["short_table"], trusted=True)
    most = least_payoffs(
        held.row,
        held.column,
        held.quantity,
        run,
        part.strike,
        part.right.astype(np.float64),
        part.multiplier,
        trusted=True,
    )
    unpaired = np.maximum(-most.calls, 0.0)
    im_unpaired, mm_unpaired = facts["unpaired"]
    return OptionCharges(
        row=alone.row,
        run=alone.run,
        im=np.minimum(-alone.short[:, 0], unpaired * im_unpaired[alone.run] - most.least),
        mm=np.minimum(-alone.short[:, 1], unpaired * mm_unpaired[alone.run] - most.least),
        shorts=-alone.short[:, 2],
    )


def by_account(charges: OptionCharges, column: Floats, accounts: int) -> Floats:
    """[A] a column of the charges by account."""
    return by_row(charges.row, column, accounts)
