"""What a trade costs beside its price, and the smallest size of a contract: a dated table.

    option            min(share x underlying, cap x price) a contract
    future, perpetual share x notional at the price of the trade
    and a base amount a trade where the venue has one

The numbers are a taker's without any discount; ``fidelity`` says how well they are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.parameter_files import Parameters, load, overlay

__all__ = ["Costs", "Schedule", "is_whole", "lot_of", "trading_parameters"]

FOLDER = "trading"
_FIELDS = ("inverse_option", "linear_option", "option_cap", "future", "base")


@dataclass(frozen=True, slots=True)
class Costs:
    """Fee terms of one contract: ``share`` of underlying or notional, ``cap`` of an option's price.

    ``base`` is an amount a trade, in quote currency.
    """

    share: float
    cap: float
    base: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """The table in force, with a share that replaces every venue's where one is given."""

    parameters: Parameters
    share: float | None = None

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

    def of(self, item: Instrument) -> Costs:
        """The terms of one contract; ModelError ``parameter_missing`` for an unknown venue."""
        if self.share is not None and f"{item.venue}.fee.future" not in self.parameters:
            return Costs(self.share, 1.0, 0.0)
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
        share = number[kind] if item.kind == Kind.OPTION else number["future"]
        if self.share is not None:
            return Costs(self.share, number["option_cap"], 0.0)
        return Costs(share, number["option_cap"], number["base"])

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
