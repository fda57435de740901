"""What readers of SPAN files collect, and how it becomes one `SpanFile`.

Commodities name their products after (or before) the contracts are read: the two are joined at the
end. A contract whose product belongs to no commodity stays in the file and cannot be margined.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import ScanPoints
from crossmargin.margin.families.span_terms import (
    Commodity,
    Contract,
    DeliveryRate,
    DeltaSpread,
    ScanSpread,
    SpanFile,
)

__all__ = ["CommodityDraft", "Draft", "Link"]

Product = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A product of a commodity: its key, its type (empty: any) and the scale of its deltas."""

    product: Product
    kind: str = ""
    scale: float = 1.0
    array_factor: float = 1.0  # of its array values, beside the commodity's risk exponent


@dataclass(frozen=True, slots=True)
class CommodityDraft:
    """A commodity, its products, and the power of ten of its arrays and rates."""

    terms: Commodity
    links: tuple[Link, ...]
    exponent: int = 0


@dataclass(slots=True)
class Draft:
    """Contracts and terms of a file that is being read."""

    commodities: list[CommodityDraft] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    arrays: list[list[float]] = field(default_factory=list)
    products: list[tuple[Product, str]] = field(default_factory=list)
    inter: list[DeltaSpread | ScanSpread] = field(default_factory=list)
    supers: list[DeltaSpread | ScanSpread] = field(default_factory=list)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)
    organisation: str = ""
    business_date: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, contract: Contract, array: list[float], product: Product, kind: str) -> None:
        """One contract with its array."""
        self.contracts.append(contract)
        self.arrays.append(array)
        self.products.append((product, kind))

    def file(self, points: ScanPoints, source: str, notes: tuple[str, ...] = ()) -> SpanFile:
        """The finished record. InputError ``file_unreadable`` where nothing was read."""
        if not self.contracts or not self.commodities:
            raise InputError(
                "file_unreadable", "the file defines no contract or no combined commodity",
                place=source, limit="a complete file in its stated format",
                remedy="Give the whole parameter file.",
            )  # fmt: skip
        owner: dict[tuple[Product, str], tuple[CommodityDraft, Link]] = {}
        for draft in self.commodities:
            for link in draft.links:
                owner.setdefault((link.product, link.kind), (draft, link))
        contracts, factors = [], []
        for contract, (product, kind) in zip(self.contracts, self.products, strict=True):
            found = owner.get((product, kind)) or owner.get((product, ""))
            if found is None:
                contracts.append(contract)
                factors.append(1.0)
                continue
            draft, link = found
            scale = contract.scale * link.scale
            joined = replace(
                contract, commodity=draft.terms.code, scale=scale, delta=contract.delta * scale
            )
            contracts.append(joined)
            factors.append(link.array_factor * 10.0**draft.exponent)
        losses = frozen(np.array(self.arrays) * np.array(factors)[:, None], np.float64)
        alone = sum(not c.commodity for c in contracts)
        more = (f"{alone} contracts of no combined commodity",) if alone else ()
        return SpanFile(
            contracts=_named(contracts),
            losses=losses,
            commodities=tuple(
                _ranged(_in_money(draft), contracts, losses, points) for draft in self.commodities
            ),
            inter_spreads=tuple(self.inter),
            super_spreads=tuple(self.supers),
            points=points,
            rates=dict(self.rates),
            organisation=self.organisation,
            business_date=self.business_date,
            source=source,
            notes=(*self.notes, *notes, *more),
        )


def _in_money(draft: CommodityDraft) -> Commodity:
    """The terms with every amount of money times ten to the power of the risk exponent."""
    terms, factor = draft.terms, 10.0**draft.exponent
    if not draft.exponent:
        return terms
    return replace(
        terms,
        spreads=tuple(
            replace(s, rate=s.rate * factor, month_rate=s.month_rate * factor)
            for s in terms.spreads
        ),
        som_rate=terms.som_rate * factor,
        som_tiers=tuple(replace(t, rate=t.rate * factor) for t in terms.som_tiers),
        delivery=tuple(
            DeliveryRate(d.period, d.spread_rate * factor, d.outright_rate * factor)
            for d in terms.delivery
        ),
        basis_rate=terms.basis_rate * factor,
    )


def _ranged(
    terms: Commodity, contracts: list[Contract], losses: Floats, points: ScanPoints
) -> Commodity:
    """A commodity whose weighted price risk is bounded gets its scan range.

    The file names no range for a whole commodity: it is the loss of the first future of the
    commodity at one scan range, for one delta.
    """
    if terms.wfpr_method == "normal" or terms.scan_range > 0.0:
        return terms
    at = [s for s, move in enumerate(points.price.tolist()) if abs(move) == 1.0]
    for contract, array in zip(contracts, losses, strict=True):
        if contract.commodity == terms.code and not contract.right and contract.delta:
            largest = max((abs(float(array[s])) for s in at), default=0.0)
            return replace(terms, scan_range=largest / abs(contract.delta))
    return terms


def _named(contracts: list[Contract]) -> tuple[Contract, ...]:
    """Names made single: a second contract of one name gets its place in the file."""
    seen: dict[str, int] = {}
    out = []
    for contract in contracts:
        seen[contract.name] = seen.get(contract.name, 0) + 1
        again = seen[contract.name]
        out.append(replace(contract, name=f"{contract.name}#{again}") if again > 1 else contract)
    return tuple(out)
