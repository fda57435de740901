"""The only market that a model sees: arrays aligned with one table of instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossmargin.core.arrays import Bools, Floats, Longs
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import Failure
from crossmargin.instruments.contracts import Instruments
from crossmargin.market.history import History

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """A snapshot seen through a table of instruments; finite wherever ``ok``.

    Letters: I instruments, E dated expiries, P pairs (underlying, quote), K names.
    Where ``ok[i]`` is False the row's numbers are 0 and ``failures`` says why.
    """

    instruments: Instruments
    as_of_ms: int
    index: Floats  # [P] quote currency per unit of underlying
    usd: Floats  # [K] US dollars per unit of each name (currency or coin); 0 where unknown
    forward: Floats  # [E] free part of the forward, quote currency
    forward_settled: Floats  # [E] part of the settlement average already fixed, quote currency
    rate: Floats  # [E] continuously compounded, per year
    life_ms: Longs  # [E] milliseconds to expiry, >= 0
    mark: Floats  # [I] the venue's mark in the instrument's price unit (coin for inverse options)
    vol: Floats  # [I] mark volatility, fraction per year; 0 where not an option
    bid: Floats  # [I] best bid, 0 where there is none (see has_bid)
    ask: Floats
    has_bid: Bools
    has_ask: Bools
    ok: Bools  # [I]
    failures: tuple[Failure, ...] = ()  # one per instrument that is not ok
    # What only some models read (confidence, funding, perp and stable prices, open interest):
    # field -> subject -> value, e.g. reads["funding_8h"]["deribit|BTC-PERPETUAL"].
    reads: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    # Earlier prices and volatilities by underlying; nothing in it is later than ``as_of_ms``.
    history: Mapping[str, History] = field(default_factory=dict)

    def read(self, name: str, subject: str, default: float) -> float:
        """An observation that is optional to the model, else ``default``."""
        return self.reads.get(name, {}).get(subject, default)

    def expired_at(self, label: str) -> str | None:
        """When the contract of that label expired; None where it did not."""
        table = self.instruments
        found = (item for k, item in enumerate(table.items) if table.label(k) == label)
        item = next(found, None)
        return (
            None if item is None or item.expiry_ms >= self.as_of_ms else format_ms(item.expiry_ms)
        )
