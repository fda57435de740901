"""What the verbs give back: plain values inside, a table for people, a receipt with every one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.explanation import explain
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.layouts import compare_document, margin_document
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.tables import Document, csv_text, plain_text
from crossmargin.margin.comparison import ComparisonRow
from crossmargin.margin.model import Requirement
from crossmargin.market.snapshot import Snapshot

__all__ = ["CompareResult", "MarginResult", "MarketResult", "ModelCard", "ModelList", "Shown"]


# Positions and accounts that are listed one by one where nothing else is asked for.
SHOWN = 20


class Shown(ABC):
    """The faces that every result has; ``document`` says what is shown."""

    __slots__ = ()

    @abstractmethod
    def document(self) -> Document:
        """Tables and lines of this result, all of them."""

    def summary(self) -> Document:
        """What a person is shown who asked for nothing in particular."""
        return self.document()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    def __repr__(self) -> str:
        return plain_text(self.summary())

    def _repr_html_(self) -> str:
        from crossmargin.interfaces.notebook import html_text  # only in a notebook

        return html_text(self.summary())

    def to_json(self) -> bytes:
        """The plain values as JSON text."""
        import msgspec

        return msgspec.json.format(msgspec.json.encode(self.to_dict()), indent=2) + b"\n"

    def to_csv(self) -> str:
        """Every table in one CSV: the first column names the table."""
        return csv_text(self.document())


@dataclass(frozen=True, slots=True, repr=False)
class MarginResult(Shown):
    """The margin of a book under one model. ``accounts`` is one dictionary an account."""

    requirement: Requirement
    book: Book  # as it was given, before any mapping
    snapshot: Snapshot
    figures: Mapping[str, Any]
    receipt: Receipt
    explained: Mapping[str, Any] | None = None

    @property
    def accounts(self) -> list[dict[str, Any]]:
        """One entry an account: dollars, coin, usage, equity and its source, pools."""
        return list(self.figures["accounts"])

    @property
    def failures(self) -> list[dict[str, str]]:
        """Accounts that could not be margined, and why; they have no number."""
        return list(self.figures["failures"])

    @property
    def im_usd(self) -> float:
        """Initial margin of the only account, in dollars."""
        return float(self._only()["im_usd"])

    @property
    def mm_usd(self) -> float:
        """Maintenance margin of the only account, in dollars."""
        return float(self._only()["mm_usd"])

    def _only(self) -> dict[str, Any]:
        if len(self.accounts) != 1:
            raise InputError(
                "option_unknown",
                "the book has several accounts",
                value=len(self.accounts),
                limit="one account",
                remedy="Read them from .accounts, or name one: margin(..., account=NAME).",
            )
        return self.accounts[0]

    def plot(self, path: str | Path, account: str | None = None) -> Path:
        """Equity and requirement of one account against spot, with the liquidation points.

        As FILE.html, .svg or .png: what ``crossmargin liquidation`` draws on its default path.
        InputError for several accounts without a name, or an account without equity.
        """
        from crossmargin.interfaces.liquidation import pictured  # it runs margin itself

        return pictured(self, account).plot(path)

    def explain(self, account: str | None = None) -> MarginResult:
        """The same result with tree, scenario grid and contributions of one account."""
        found = checked(explain(self.requirement, account), "explain")
        return MarginResult(
            self.requirement, self.book, self.snapshot, self.figures, self.receipt, found
        )

    def document(self, top: int = 0) -> Document:
        """What is shown; ``top`` cuts contributions and accounts to the largest (0: all)."""
        return margin_document(self.figures, self.explained, top)

    def summary(self) -> Document:
        """The document with the largest contributions and accounts alone."""
        return self.document(SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """The ``result`` of the schema margin-statement/1."""
        out = dict(self.figures)
        if self.explained is not None:
            out["explain"] = dict(self.explained)
        return out

    def report(self, path: str | Path, account: str | None = None) -> Path:
        """Write one self-contained HTML page of one account; the path written is given back."""
        from crossmargin.interfaces.report import write_report  # it draws results: no cycle

        return write_report(self, path, account)

    def statement(self) -> bytes:
        """Book, result and receipt as ``margin-statement/1``; it can be margined again."""
        from crossmargin.venues.statement import encode_statement  # the writer, only when asked

        return encode_statement(self.book, self.to_dict(), self.receipt.to_dict())


@dataclass(frozen=True, slots=True, repr=False)
class CompareResult(Shown):
    """One account under several models. ``rows`` are the rows of the comparison."""

    rows: tuple[ComparisonRow, ...]
    figures: Mapping[str, Any]
    receipt: Receipt
    book: Book  # as it was given: each model maps it for itself
    snapshot: Snapshot

    def document(self) -> Document:
        """One row a model."""
        return compare_document(self.figures)

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page of all models; the path written is given back."""
        from crossmargin.interfaces.report import write_report  # it draws results: no cycle

        return write_report(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}


@dataclass(frozen=True, slots=True, repr=False)
class ModelList(Shown):
    """The models that are known."""

    figures: Mapping[str, Any]

    def document(self) -> Document:
        """One row a model."""
        from crossmargin.interfaces.layouts_models import models_document

        return models_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


@dataclass(frozen=True, slots=True, repr=False)
class ModelCard(Shown):
    """One model: rules with source and fidelity, readings, gaps, and every dated number."""

    figures: Mapping[str, Any]

    def document(self) -> Document:
        """Rules, readings, gaps and parameters."""
        from crossmargin.interfaces.layouts_models import model_document

        return model_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


@dataclass(frozen=True, slots=True, repr=False)
class MarketResult(Shown):
    """The quality of a snapshot. ``bad`` are the verdicts that make it fail a check."""

    snapshot: Snapshot
    figures: Mapping[str, Any]
    bad: Mapping[str, int] = field(default_factory=dict)

    def document(self, check: bool = False) -> Document:
        """Pairs, expiries and verdicts; with ``check`` every item that is not as quoted."""
        from crossmargin.interfaces.layouts_market import market_document

        return market_document(self.figures, self.bad, check)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.figures, "bad": dict(self.bad)}
