"""The one error tree. Every error names what, where, the value, the limit and the remedy."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CODES",
    "CrossMarginError",
    "Failure",
    "InputError",
    "MarketDataError",
    "ModelError",
    "SolverError",
    "StateError",
]

# One line per code: the catalogue that the tests and the documentation read.
CODES: dict[str, str] = {
    # input
    "book_empty": "the book holds no line",
    "column_missing": "a required column or field is absent",
    "column_unknown": "a column or field is not part of the format",
    "currency_unknown": "a currency is not known to the venue or the snapshot",
    "duplicate_row": "two rows are identical in every column",
    "extra_missing": "an optional package is not installed",
    "file_unreadable": "a file is missing, truncated or not in the stated format",
    "instrument_expired": "an instrument expired before the snapshot's time",
    "instrument_unknown": "a name is not one of the venue's instruments",
    "line_too_long": "one line of a text file exceeds the limit",
    "model_unknown": "no margin model of that name is registered",
    "number_not_finite": "a number is NaN or infinite",
    "number_out_of_range": "a number lies outside its bounds",
    "number_unreadable": "a text is not a plain decimal number",
    "option_unknown": "a choice is not one of those offered",
    "order_invalid": "an open order contradicts itself or the book",
    "time_unreadable": "a text is not a time in ISO 8601 or integer milliseconds",
    "unit_wrong": "a value comes in a unit that the field does not take",
    "version_unknown": "a schema or rulebook version is not known",
    "shape_wrong": "an array does not have the stated shape",
    # market data
    "history_gap": "a history lacks observations that the rule needs",
    "history_missing": "the market holds no history of an underlying",
    "forward_missing": "no forward is known for an expiry",
    "index_missing": "no index is known for an underlying",
    "market_duplicate": "two market rows speak of one instrument",
    "mark_missing": "no mark is known for an instrument",
    "market_doubtful": "a value that a verdict rests on is stale, incoherent or out of bounds",
    "price_not_positive": "an index or forward is zero or negative",
    "quote_missing": "no bid or ask is known for an instrument, and no price was given",
    "vol_missing": "no volatility is known for an option",
    "vol_out_of_bounds": "a volatility is outside the accepted range",
    "iv_undetermined": "the price no longer carries the volatility",
    # model
    "kind_not_accepted": "a model does not take an instrument of this kind",
    "model_unusable": "a model of another package cannot be loaded, or its name is taken",
    "expansion_invalid": "a moment expansion is used where its quantile no longer rises",
    "matrix_not_psd": "a covariance or correlation matrix has a negative eigenvalue",
    "matrix_singular": "a matrix has no inverse, or a regressor depends on the others",
    "observations_too_few": "a statistic needs more observations than there are",
    "optimum_unproven": "a solver stopped before its optimum was proven",
    "parameter_missing": "a parameter that the rule needs is absent",
    "parameter_out_of_bounds": "a parameter lies outside its bounds",
    "rules_unknown": "the rules of that version or combination are not known",
    "size_too_large": "the computation would exceed its memory limit",
    # solver and state
    "solver_failed": "a numerical search ended without a solution",
    "hash_mismatch": "a stored hash does not match the content",
}


class CrossMarginError(Exception):
    """Base of every error that the package raises on purpose.

    ``code`` is one of :data:`CODES`; ``place`` says where (file, line, column, instrument);
    ``value`` is what was found, ``limit`` what is accepted, ``remedy`` what to do.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        place: str = "",
        value: object = None,
        limit: str = "",
        remedy: str = "",
    ) -> None:
        if code not in CODES:
            raise ValueError(f"error code {code!r} is not in the catalogue")
        self.code = code
        self.message = message
        self.place = place
        self.value = None if value is None else repr(value)[:200]
        self.limit = limit
        self.remedy = remedy
        super().__init__(self.text())

    def text(self) -> str:
        """One line: code, message, place, value, limit and remedy."""
        parts = [f"{self.code}: {self.message}"]
        if self.place:
            parts.append(f"at {self.place}")
        if self.value is not None:
            parts.append(f"was {self.value}")
        if self.limit:
            parts.append(f"accepted: {self.limit}")
        line = ", ".join(parts) + "."
        return f"{line} {self.remedy}".rstrip()

    def as_dict(self) -> dict[str, str | None]:
        """The same content for machines."""
        return {
            "code": self.code,
            "message": self.message,
            "place": self.place,
            "value": self.value,
            "limit": self.limit,
            "remedy": self.remedy,
        }


class InputError(CrossMarginError):
    """What the caller gave cannot be read or contradicts itself."""


class MarketDataError(CrossMarginError):
    """The market snapshot cannot carry the computation."""


class ModelError(CrossMarginError):
    """A model or its parameters do not cover what was asked."""


class SolverError(CrossMarginError):
    """A numerical solver failed."""


class StateError(CrossMarginError):
    """Stored state contradicts itself."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed cell as a value: the account (or instrument) and why. Never a zero, never a NaN."""

    subject: str
    code: str
    reason: str
