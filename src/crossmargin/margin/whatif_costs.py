"""The dated table of fees and lots: which terms a contract has, and its smallest size.

The formula is :mod:`crossmargin.market.fees`. The numbers are a taker's without any discount unless
a maker's, or the tier of a volume, is asked for; ``fidelity`` says how well they are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.market.fees import FeeTerms, FeeTier, tier_of

__all__ = ["Schedule", "is_whole", "lot_of", "trading_parameters"]

FOLDER = "trading"
_FIELDS = ("inverse_option", "linear_option", "option_cap", "future", "base")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The table in force, with a share that replaces every venue's where one is given."""

    parameters: Parameters
    share: float | None = None
    maker: bool = False
    volume: Mapping[str, float] = field(default_factory=dict)  # venue -> volume of its window

    @staticmethod
    def at(as_of_ms: int, fee: float | Mapping[str, float] | None = None) -> Schedule:
        """The table in force at a time; ``fee`` is one share for all, or changes by dotted name.

        A share of 0 means no fee at all. Raises ModelError for a share outside 0 to 5 %.
        """
        parameters = trading_parameters(as_of_ms)
        if fee is None:
            return Schedule(parameters)
        if isinstance(fee, Mapping):
            return Schedule(overlay(parameters, fee, "given"))
        if not 0.0 <= fee <= 0.05:
            raise ModelError(
                "parameter_out_of_bounds",
                "the fee is a share of underlying or notional",
                place="fee",
                value=fee,
                limit="0 to 0.05",
                remedy="Write 0.0003 for three hundredths of a per cent.",
            )
        return Schedule(parameters, float(fee))

    def of(self, item: Instrument) -> FeeTerms:
        """The terms of one contract; ModelError ``parameter_missing`` for an unknown venue.

        A maker's share and a tier's replace the taker's of the table where the venue has them; a
        maker's that is not known raises the same.
        """
        if self.share is not None and f"{item.venue}.fee.future" not in self.parameters:
            return FeeTerms(self.share, 1.0, 0.0)
        if f"{item.venue}.fee.future" not in self.parameters:
            raise ModelError(
                "parameter_missing",
                "the fees of this venue are not known",
                place=f"{item.venue} {item.native_id}",
                limit=", ".join(self.known()),
                remedy="Give the taker's share of underlying or notional with --fee.",
            )
        number = {name: self.parameters.number(f"{item.venue}.fee.{name}") for name in _FIELDS}
        kind = "inverse_option" if item.inverse else "linear_option"
        if self.share is not None:
            return FeeTerms(self.share, number["option_cap"], 0.0)
        name = kind if item.kind == Kind.OPTION else "future"
        tiers = self._tiers(item.venue)
        if tiers and item.kind != Kind.OPTION and (self.maker or item.venue in self.volume):
            tier = tier_of(tiers, self.volume.get(item.venue, 0.0))
            share = tier.maker if self.maker else tier.taker
        elif self.maker:
            share = self.parameters.number(f"{item.venue}.maker.{name}")
        else:
            share = number[name]
        return FeeTerms(share, number["option_cap"], number["base"])

    def _tiers(self, venue: str) -> list[FeeTier]:
        """The ladder of a venue's futures; empty where the table has none."""
        name = f"{venue}.tiers"
        rows = self.parameters.get(name) if name in self.parameters else []
        return [FeeTier(*(float(each) for each in row)) for row in rows]

    def known(self) -> tuple[str, ...]:
        """Venues in the table."""
        return tuple(dict.fromkeys(name.split(".")[0] for name in self.parameters.entries))

    def fidelity(self, venue: str) -> str:
        """How well a venue's fees are known; ``given`` where the caller gave one."""
        if self.share is not None:
            return "given"
        name = f"{venue}.fidelity"
        return str(self.parameters.get(name)) if name in self.parameters else "missing"


def trading_parameters(as_of_ms: int) -> Parameters:
    """The table of fees and lots in force at a time."""
    return load(FOLDER, as_of_ms)


def is_whole(size: float, lot: float) -> bool:
    """Whether a size is one lot or several, but for the rounding of floats."""
    steps = abs(size) / lot
    return bool(steps >= 1.0 - 1e-9 and abs(steps - round(steps)) <= 1e-9 * max(steps, 1.0))


def lot_of(item: Instrument, parameters: Parameters) -> float:
    """The smallest size of a contract in the venue's unit.

    Raises ModelError ``parameter_missing`` where the table does not know it.
    """
    kind = "option" if item.kind == Kind.OPTION else "future"
    form = "inverse" if item.inverse else "linear"
    name = f"{item.venue}.lot.{form}_{kind}.{item.underlying}"
    if name not in parameters:
        raise ModelError(
            "parameter_missing",
            "the smallest size of this contract is not known",
            place=f"{item.venue} {item.native_id}",
            value=name,
            remedy="Give it with --lot.",
        )
    return parameters.number(name)
