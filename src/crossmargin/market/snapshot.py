"""The immutable snapshot: a long table of observations at one instant, with a content hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from operator import itemgetter
from typing import TYPE_CHECKING

from crossmargin.core.arrays import Floats, Longs, digest, frozen
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.contracts import Instruments
from crossmargin.market.fields import Row, check_rows, columns_of

if TYPE_CHECKING:
    from crossmargin.market.history import History
    from crossmargin.market.surface import Surface
    from crossmargin.market.view import View

__all__ = ["Snapshot"]

_ORDER = itemgetter(0, 1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot:
    """Observations at ``as_of_ms``, ordered by (field, subject); equal content, equal ``sha256``.

    One row of the table: field, subject, value, unit, source, event_ms, receive_ms, confidence,
    verdict (see :mod:`crossmargin.market.fields`). Made by :meth:`of`, which checks every row.
    """

    as_of_ms: int
    field: tuple[str, ...]
    subject: tuple[str, ...]
    value: Floats
    unit: tuple[str, ...]
    source: tuple[str, ...]
    event_ms: Longs
    receive_ms: Longs
    confidence: Floats
    verdict: tuple[str, ...]
    sha256: str
    # field -> subject -> row; filled once when the table is made
    _place: Mapping[str, Mapping[str, int]] = made_by(default_factory=dict)
    # fitted on first need only: a fit costs a second, most results never read one
    _surfaces: dict[str, Surface] = made_by(default_factory=dict)
    # (as-of time or 0 for all) -> histories, made on first need
    _histories: dict[int, Mapping[str, History]] = made_by(default_factory=dict)

    @staticmethod
    def of(rows: Iterable[Row], as_of_ms: int) -> Snapshot:
        """The snapshot of the given rows; order does not matter.

        Raises MarketDataError with the first bad row: column_unknown, unit_wrong,
        number_not_finite, price_not_positive, vol_out_of_bounds, number_out_of_range,
        market_duplicate, option_unknown.
        """
        table = sorted(rows, key=_ORDER)
        check_rows(table, as_of_ms)
        if not table:
            raise MarketDataError(
                "column_missing",
                "a snapshot holds at least one observation",
                place="snapshot",
                remedy="Import a chain.",
            )
        fields, subjects, _, units, sources, _, _, _, verdicts = zip(*table, strict=True)
        value, event_ms, receive_ms, confidence = columns_of(table)
        place: dict[str, dict[str, int]] = {}
        for number, (name, subject) in enumerate(zip(fields, subjects, strict=True)):
            place.setdefault(name, {})[subject] = number
        texts = ("\n".join(column) for column in (fields, subjects, units, sources, verdicts))
        sha256 = digest([int(as_of_ms), *texts, value, event_ms, receive_ms, confidence])
        return Snapshot(
            as_of_ms=int(as_of_ms),
            field=fields,
            subject=subjects,
            value=frozen(value, value.dtype.type),
            unit=units,
            source=sources,
            event_ms=frozen(event_ms, event_ms.dtype.type),
            receive_ms=frozen(receive_ms, receive_ms.dtype.type),
            confidence=frozen(confidence, confidence.dtype.type),
            verdict=verdicts,
            sha256=sha256,
            _place=place,
        )

    def __len__(self) -> int:
        return len(self.field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        pairs = ", ".join(f"{s} {self.value[r]:g}" for s, r in self._place.get("index", {}).items())
        return (
            f"Snapshot({format_ms(self.as_of_ms)}, {pairs}, "
            f"{len(self.places('forward'))} expiries, {len(self.places('mark'))} marks)"
        )

    def places(self, name: str) -> Mapping[str, int]:
        """Row number of each subject of a field; empty where the field is absent."""
        return self._place.get(name, {})

    def row(self, number: int) -> Row:
        """One row of the table."""
        return Row(
            self.field[number],
            self.subject[number],
            float(self.value[number]),
            self.unit[number],
            self.source[number],
            int(self.event_ms[number]),
            int(self.receive_ms[number]),
            float(self.confidence[number]),
            self.verdict[number],
        )

    def rows(self) -> Iterator[Row]:
        """Every row, in the table's order."""
        return (self.row(number) for number in range(len(self)))

    def get(self, name: str, subject: str) -> float | None:
        """A value, or None where there is no row or the row is marked missing."""
        number = self._place.get(name, {}).get(subject)
        if number is None or self.verdict[number] == "missing":
            return None
        return float(self.value[number])

    def values(self, name: str) -> dict[str, float]:
        """Subject -> value of one field, missing rows left out."""
        value = self.value.tolist() if len(self.places(name)) * 4 > len(self) else self.value
        verdict = self.verdict
        return {
            subject: float(value[number])
            for subject, number in self.places(name).items()
            if verdict[number] != "missing"
        }

    def with_rows(self, rows: Iterable[Row], as_of_ms: int | None = None) -> Snapshot:
        """A new snapshot in which the given rows replace or join those of the same key."""
        merged = {(row.field, row.subject): row for row in self.rows()}
        merged.update({(row.field, row.subject): row for row in rows})
        return Snapshot.of(merged.values(), self.as_of_ms if as_of_ms is None else as_of_ms)

    def surface(self, pair: str) -> Surface:
        """The volatility surface of a pair ``BTC/USD``, fitted on first need and then kept."""
        from crossmargin.market.surface import fit_snapshot  # the fit is rarely needed

        if pair not in self._surfaces:
            self._surfaces[pair] = fit_snapshot(self, pair)
        return self._surfaces[pair]

    def histories(self, as_of_ms: int) -> Mapping[str, History]:
        """Earlier prices and volatilities by underlying, none later than ``as_of_ms``."""
        if not self.places("past_price"):
            return {}
        from crossmargin.market.history import histories_of  # rarely there

        if as_of_ms not in self._histories:
            self._histories[as_of_ms] = histories_of(
                self.values("past_price"), self.values("past_vol"), as_of_ms
            )
        return self._histories[as_of_ms]

    def view(self, instruments: Instruments, as_of_ms: int | None = None) -> View:
        """The market that a model sees: arrays aligned with a table of instruments.

        ``as_of_ms`` counts lives from another instant than the snapshot's (the settlement hour);
        the observations stay what they are.
        """
        from crossmargin.market.lens import view_of  # lens reads snapshots: no import cycle

        return view_of(self, instruments, self.as_of_ms if as_of_ms is None else as_of_ms)
