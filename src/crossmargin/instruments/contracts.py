"""Contracts as one table: what a line of a book is, before any price is known.

Units. ``multiplier`` is underlying per unit of quantity for a linear contract and *quote currency*
per unit of quantity for an inverse future or perpetual; an inverse (coin-settled) option is counted
in underlying like a linear one, its price is in coin. Quantity is in the venue's own unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, Longs, digest, frozen
from crossmargin.core.clock import NEVER_MS
from crossmargin.core.errors import InputError

__all__ = ["Instrument", "Instruments", "Kind"]


class Kind(IntEnum):
    """What a line is."""

    ASSET = 0  # spot, cash or collateral
    DEBT = 1
    PERPETUAL = 2
    FUTURE = 3
    OPTION = 4
    FACTOR = 5  # a line of a sensitivity file


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract of one venue. ``right`` is +1 for a call, -1 for a put, 0 otherwise."""

    venue: str
    native_id: str
    kind: Kind
    underlying: str
    quote: str
    settle: str
    inverse: bool = False
    multiplier: float = 1.0
    right: int = 0
    strike: float = 0.0
    expiry_ms: int = NEVER_MS
    average_ms: int = 0  # length of the settlement average before expiry

    @property
    def key(self) -> tuple[str, str]:
        """(venue, native id): the only key; the bare name is ambiguous between venues."""
        return self.venue, self.native_id

    def order(self) -> tuple[str, str, str, int, float, int, int, str]:
        """Canonical order: settlement pools, then expiries of an underlying, are contiguous."""
        return (
            self.venue,
            self.settle,
            self.underlying,
            self.expiry_ms,
            self.strike,
            self.right,
            int(self.kind),
            self.native_id,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Instruments:
    """I rows in canonical order; every array is read-only.

    Codes: ``underlying``, ``quote``, ``settle`` into :attr:`names`; ``pair`` into :attr:`pairs`
    ((underlying, quote)); ``expiry`` into the E dated expiries ((underlying, quote, settle, time)),
    -1 where the contract has none.
    """

    items: tuple[Instrument, ...]
    kind: Bytes
    right: Bytes
    underlying: Ints
    quote: Ints
    settle: Ints
    pair: Ints
    expiry: Ints
    inverse: Bools
    multiplier: Floats
    strike: Floats
    expiry_ms: Longs
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    expiries: tuple[tuple[str, str, str, int], ...]  # underlying, quote, settle, expiry_ms
    expiry_pair: Ints
    sha256: str

    @staticmethod
    def of(items: Iterable[Instrument]) -> Instruments:
        """The table of the given contracts, sorted canonically, duplicates merged.

        Raises InputError ``instrument_unknown`` if one key names two different contracts.
        """
        by_key: dict[tuple[str, str], Instrument] = {}
        for item in items:
            if by_key.setdefault(item.key, item) != item:
                raise InputError(
                    "instrument_unknown",
                    "one name stands for two different contracts",
                    place=f"{item.venue} {item.native_id}",
                    remedy="Give the contract's terms once.",
                )
        rows = tuple(sorted(by_key.values(), key=Instrument.order))
        return _tabulate(rows)

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instruments) and self.items == other.items

    def __hash__(self) -> int:
        return hash(self.sha256)

    def index_of(self) -> dict[tuple[str, str], int]:
        """Row of each key."""
        return {item.key: row for row, item in enumerate(self.items)}

    def label(self, row: int) -> str:
        """``venue native_id`` of a row, for messages."""
        item = self.items[row]
        return f"{item.venue} {item.native_id}"

    def runs(self, *by: str) -> Ints:
        """Dense codes of groups by the named columns, numbered in order of first appearance."""
        codes: dict[tuple[object, ...], int] = {}
        columns = [getattr(self, name) for name in by]
        out = np.empty(len(self), np.int32)
        for row, key in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            out[row] = codes.setdefault(key, len(codes))
        return frozen(out, np.int32)


def _codes(values: Sequence[object], known: Sequence[object]) -> Ints:
    place = {value: code for code, value in enumerate(known)}
    return frozen([place[value] for value in values], np.int32)


def _tabulate(rows: tuple[Instrument, ...]) -> Instruments:
    names = tuple(sorted({n for r in rows for n in (r.underlying, r.quote, r.settle)}))
    pairs = tuple(sorted({(r.underlying, r.quote) for r in rows}))
    dated = [(r.underlying, r.quote, r.settle, r.expiry_ms) for r in rows]
    expiries = tuple(dict.fromkeys(key for key in dated if key[3] != NEVER_MS))
    place = {key: code for code, key in enumerate(expiries)}
    return Instruments(
        items=rows,
        kind=frozen([int(r.kind) for r in rows], np.int8),
        right=frozen([r.right for r in rows], np.int8),
        underlying=_codes([r.underlying for r in rows], names),
        quote=_codes([r.quote for r in rows], names),
        settle=_codes([r.settle for r in rows], names),
        pair=_codes([(r.underlying, r.quote) for r in rows], pairs),
        expiry=frozen([place.get(key, -1) for key in dated], np.int32),
        inverse=frozen([r.inverse for r in rows], np.bool_),
        multiplier=frozen([r.multiplier for r in rows], np.float64),
        strike=frozen([r.strike for r in rows], np.float64),
        expiry_ms=frozen([r.expiry_ms for r in rows], np.int64),
        names=names,
        pairs=pairs,
        expiries=expiries,
        expiry_pair=_codes([key[:2] for key in expiries], pairs),
        sha256=digest([(r.order(), r.inverse, r.multiplier, r.quote, r.average_ms) for r in rows]),
    )
