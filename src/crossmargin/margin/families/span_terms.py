"""What a SPAN parameter file says, whoever wrote it: contracts with arrays, commodities, spreads.

The records are plain: readers fill them (``venues.span_xml``, ``venues.span_pa2``), a model makes
them, and ``span_engine`` margins positions under them. Money is in the commodity's own currency;
arrays are losses of one long contract; deltas are in futures equivalents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import ScanPoints, standard_points

__all__ = [
    "ALL_PERIODS",
    "Commodity",
    "Contract",
    "DeliveryRate",
    "DeltaSpread",
    "Leg",
    "ScanLeg",
    "ScanSpread",
    "SpanFile",
    "Tier",
    "months_between",
]

ALL_PERIODS = 0  # the tier number that stands for every period of a commodity
CHARGES = ("F", "W", "P")
DELIVERY = ("01", "10", "11")
SOM = ("greater", "sum")
WFPR = ("normal", "capped", "scan_range")
STYLES = ("premium", "futures")


def _refuse(what: str, place: str, value: object, limit: str) -> InputError:
    return InputError("option_unknown", what, place=place, value=value, limit=limit)


def _chosen(value: str, choices: tuple[str, ...], what: str, place: str) -> None:
    if value not in choices:
        raise _refuse(f"no such {what}", place, value, " | ".join(choices))


def _number(value: float, what: str, place: str, *, low: float = -math.inf) -> None:
    if not math.isfinite(value):
        raise InputError(
            "number_not_finite", f"{what} must be finite", place=place, value=value, limit="finite"
        )
    if value < low:
        raise InputError(
            "number_out_of_range", f"{what} is too small", place=place, value=value,
            limit=f"at least {low:g}",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tier:
    """Periods from ``first`` to ``last`` (both included, compared as text; empty: no end)."""

    number: int
    first: str = ""
    last: str = ""
    rate: float = 0.0  # short option minimum of the tier, where tiers have their own

    def holds(self, period: str) -> bool:
        """Whether a period lies in the tier; a longer period code (a day) counts by its month."""
        after = not self.first or period[: len(self.first)] >= self.first
        return after and (not self.last or period[: len(self.last)] <= self.last)


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a delta-based spread: a tier, or one period where ``period`` is given.

    ``ratio`` is delta per spread; ``rate`` is the share of the weighted price risk that the leg is
    charged or credited (method W).
    """

    commodity: str
    side: str
    ratio: float
    tier: int = ALL_PERIODS
    period: str = ""
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class DeltaSpread:
    """A spread of deltas: legs of side A against legs of side B.

    Amount of ``n`` spreads. F: ``n rate``, shared alike by the legs. W: each leg's
    ``n ratio WFPR rate``. P: ``n (rate + month_rate x months between the first and last leg)``.
    """

    legs: tuple[Leg, ...]
    method: str = "F"
    rate: float = 0.0
    month_rate: float = 0.0

    def check(self, place: str) -> None:
        """InputError where a number or a choice is not one."""
        _chosen(self.method, CHARGES, "charge method", place)
        for name, rate in (("rate", self.rate), ("month rate", self.month_rate)):
            _number(rate, name, place)
        for leg in self.legs:
            _chosen(leg.side, ("A", "B"), "side", place)
            _number(leg.ratio, "delta per spread", place)
            _number(leg.rate, "rate of a leg", place)
            if leg.ratio <= 0.0:
                raise InputError(
                    "number_out_of_range", "delta per spread must be positive", place=place,
                    value=leg.ratio, limit="above 0",
                )  # fmt: skip
        if {leg.side for leg in self.legs} != {"A", "B"}:
            raise _refuse("a spread needs a leg on each side", place, len(self.legs), "A and B")
        if self.method == "P" and not all(leg.period for leg in self.legs):
            raise _refuse("a charge per month needs legs that name a period", place, "tier", "pLeg")


@dataclass(frozen=True, slots=True)
class ScanLeg:
    """A commodity of a scanning-based spread and the share of it that is scanned jointly."""

    commodity: str
    rate: float
    required: bool = True


@dataclass(frozen=True, slots=True)
class ScanSpread:
    """A scanning-based spread: shares of several commodities are scanned as one portfolio."""

    legs: tuple[ScanLeg, ...]

    def check(self, place: str) -> None:
        """InputError where a share is not one."""
        for leg in self.legs:
            _number(leg.rate, "share scanned jointly", place, low=0.0)
            if leg.rate > 1.0:
                raise InputError(
                    "number_out_of_range", "more than a whole commodity is scanned jointly",
                    place=place, value=leg.rate, limit="0 to 1",
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeliveryRate:
    """Charges of one period near delivery, per delta in a spread and per delta outright."""

    period: str
    spread_rate: float
    outright_rate: float


@dataclass(frozen=True, slots=True)
class Commodity:
    """One combined commodity. No tiers means one tier of every period."""

    code: str
    currency: str = "USD"
    spreads: tuple[DeltaSpread, ...] = ()  # intra-commodity, by priority
    scan_tiers: tuple[Tier, ...] = ()
    intra_tiers: tuple[Tier, ...] = ()
    inter_tiers: tuple[Tier, ...] = ()
    som_rate: float = 0.0
    som_tiers: tuple[Tier, ...] = ()
    som_method: str = "sum"
    delivery_method: str = "01"
    delivery: tuple[DeliveryRate, ...] = ()
    basis_rate: float = 0.0  # per delta of a physical that is hedged by other periods (method 11)
    wfpr_method: str = "normal"
    scan_range: float = 0.0  # of one futures equivalent; the methods capped and scan_range need it
    initial_ratio: float = 1.0
    cap_nov: bool = False

    def check(self) -> None:
        """InputError where a number or a choice is not one."""
        place = f"commodity {self.code}"
        _chosen(self.som_method, SOM, "short option minimum method", place)
        _chosen(self.delivery_method, DELIVERY, "delivery charge method", place)
        _chosen(self.wfpr_method, WFPR, "weighted price risk method", place)
        for name in ("som_rate", "basis_rate", "scan_range"):
            _number(getattr(self, name), name.replace("_", " "), place, low=0.0)
        _number(self.initial_ratio, "initial ratio", place, low=0.0)
        if self.wfpr_method != "normal" and self.scan_range <= 0.0:
            raise _refuse(
                "the weighted price risk is bounded by a scan range that is not known",
                place, self.scan_range, "a positive scan range",
            )  # fmt: skip
        for rate in self.delivery:
            _number(rate.spread_rate, "delivery charge", place, low=0.0)
            _number(rate.outright_rate, "delivery charge", place, low=0.0)
        for tier in self.som_tiers:
            _number(tier.rate, "short option minimum", place, low=0.0)
        for number, spread in enumerate(self.spreads, start=1):
            here = f"{place}, intra spread {number}"
            spread.check(here)
            _known_legs(spread, {self.code: self}, here)


def _known_legs(spread: DeltaSpread, known: Mapping[str, Commodity], place: str) -> None:
    """Refuse a leg of another commodity, or of a tier that the commodity does not have."""
    inter = "inter" in place
    for leg in spread.legs:
        owner = known.get(leg.commodity)
        if owner is None:
            raise _refuse(
                "a leg names a combined commodity that the file does not define",
                place, leg.commodity, ", ".join(sorted(known)[:8]) or "none",
            )  # fmt: skip
        tiers = owner.inter_tiers if inter else owner.intra_tiers
        if leg.period or leg.tier == ALL_PERIODS or (inter and not tiers):
            continue
        if leg.tier not in {tier.number for tier in tiers}:
            raise _refuse(
                "a leg names a tier that its commodity does not have",
                place, f"{leg.commodity} tier {leg.tier}",
                ", ".join(str(tier.number) for tier in tiers) or "no tier",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that can be held. ``period`` is where its delta stands (the future's, for OOF)."""

    name: str
    commodity: str
    period: str
    delta: float  # futures equivalents of one contract, scaling factor included
    right: int = 0  # +1 call, -1 put, 0 otherwise
    strike: float = 0.0
    price: float = 0.0
    value_factor: float = 1.0
    scale: float = 1.0  # delta scaling factor: units of the short option minimum
    style: str = "premium"
    currency: str = "USD"
    kind: str = ""  # FUT, PHY, OOF, OOP, OOC, CMB

    def check(self) -> None:
        """InputError where a number or a choice is not one."""
        place = f"contract {self.name}"
        _chosen(self.style, STYLES, "valuation style", place)
        for name in ("delta", "strike", "price", "value_factor", "scale"):
            _number(getattr(self, name), name, place)
        if self.right not in (-1, 0, 1):
            raise _refuse("no such right", place, self.right, "+1 call, -1 put, 0 otherwise")

    @property
    def value(self) -> float:
        """What one long option is worth as paid premium; 0 of futures and futures-style options."""
        paid = self.right != 0 and self.style == "premium"
        return self.price * self.value_factor if paid else 0.0


@dataclass(frozen=True, slots=True)
class SpanFile:
    """One parameter file: ``losses[K, S]`` are the arrays of its contracts, positive a loss.

    ``rates[(from, to)]`` converts currencies. ``super_spreads`` come before the intra-commodity
    spreads, ``inter_spreads`` after the delivery charge.
    """

    contracts: tuple[Contract, ...]
    losses: Floats
    commodities: tuple[Commodity, ...]
    inter_spreads: tuple[DeltaSpread | ScanSpread, ...] = ()
    super_spreads: tuple[DeltaSpread | ScanSpread, ...] = ()
    points: ScanPoints = field(default_factory=lambda: standard_points(2.0, 0.35))
    rates: Mapping[tuple[str, str], float] = field(default_factory=dict)
    organisation: str = ""
    business_date: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_contracts()
        known: dict[str, Commodity] = {}
        for commodity in self.commodities:
            if commodity.code in known:
                raise _refuse(
                    "a combined commodity is defined twice", "commodities", commodity.code, "once"
                )
            known[commodity.code] = commodity
            commodity.check()
        for contract in self.contracts:
            if contract.commodity and contract.commodity not in known:
                raise _refuse(
                    "a contract names a combined commodity that the file does not define",
                    f"contract {contract.name}", contract.commodity,
                    ", ".join(sorted(known)[:8]) or "none",
                )  # fmt: skip
        for kind, spreads in (("super", self.super_spreads), ("", self.inter_spreads)):
            for number, spread in enumerate(spreads, start=1):
                place = f"{kind}inter spread {number}"
                spread.check(place)
                if isinstance(spread, DeltaSpread):
                    _known_legs(spread, known, place)
                elif any(leg.commodity not in known for leg in spread.legs):
                    lost = next(leg for leg in spread.legs if leg.commodity not in known)
                    raise _refuse(
                        "a leg names a combined commodity that the file does not define",
                        place, lost.commodity, ", ".join(sorted(known)[:8]) or "none",
                    )  # fmt: skip

    def _check_contracts(self) -> None:
        count = len(self.contracts), len(self.points)
        if self.losses.shape != count:
            raise InputError(
                "shape_wrong", "the arrays are not one row a contract and one value a point",
                value=self.losses.shape, limit=f"{count}",
                remedy="Give every contract an array of every scan point.",
            )  # fmt: skip
        finite(
            np.asarray(self.losses),
            "a risk array",
            lambda k: f"contract {self.contracts[k // count[1]].name}, point {k % count[1] + 1}",
        )
        seen: set[str] = set()
        for contract in self.contracts:
            contract.check()
            if contract.name in seen:
                raise InputError(
                    "duplicate_row", "two contracts have one name", place=self.source,
                    value=contract.name, limit="names that differ",
                )  # fmt: skip
            seen.add(contract.name)

    def column_of(self, name: str) -> int:
        """The row of a contract; InputError ``instrument_unknown``."""
        for k, contract in enumerate(self.contracts):
            if contract.name == name:
                return k
        raise InputError(
            "instrument_unknown", "the parameter file has no such contract", place=self.source,
            value=name, limit=", ".join(c.name for c in self.contracts[:4]) or "no contract",
            remedy="Name a contract as SpanFile.contracts lists it.",
        )  # fmt: skip

    def rate(self, currency: str, target: str) -> float:
        """Units of ``target`` per unit of ``currency``; InputError ``currency_unknown``."""
        if currency == target:
            return 1.0
        if (currency, target) in self.rates:
            return self.rates[currency, target]
        back = self.rates.get((target, currency), 0.0)
        if back > 0.0:
            return 1.0 / back
        raise InputError(
            "currency_unknown", "the parameter file has no rate between two currencies",
            place=self.source, value=f"{currency} to {target}",
            limit=", ".join(f"{a} to {b}" for a, b in list(self.rates)[:6]) or "no rate",
            remedy="Ask for the requirement in a currency that the file converts to.",
        )  # fmt: skip


def months_between(periods: tuple[str, ...]) -> int:
    """Calendar months from the first to the last of periods that begin with CCYYMM."""
    months = [12 * int(p[:4]) + int(p[4:6]) for p in periods]
    return max(months) - min(months)
