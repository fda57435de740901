"""The verb calibrate: the next dated set of a model, its evidence, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.calibrate_layouts import calibrate_document
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    moment_of,
    one_account,
    parameters_of,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document, plain_text
from crossmargin.margin.calibration import Evidence, Preview, calibrated, previewed
from crossmargin.margin.families.dynamic_names import FOLDER, inner_set
from crossmargin.margin.families.dynamic_ranges import RangePath
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_text import parameter_text
from crossmargin.margin.register import model_named
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["CalibrateResult", "calibrate"]


@dataclass(frozen=True, slots=True, repr=False)
class CalibrateResult(Shown):
    """The new set, and every figure that it rests on."""

    parameters: Parameters
    figures: Mapping[str, Any]
    paths: Mapping[tuple[str, str], RangePath]  # (coin, price or vol): the ranges day by day

    def document(self) -> Document:
        """Ranges with their evidence, then the accounts, largest increase first."""
        return calibrate_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def plot(self, path: str | Path) -> Path:
        """The ranges over time as FILE.html, .svg or .png; dots are the next set's."""
        from crossmargin.interfaces.account_plots import calibrate_svg  # only when it is drawn

        def draw(width: float) -> str:
            return calibrate_svg(self.figures, self.paths, width)

        return write_plot(path, draw, self.document, "Ranges over time")

    def text(self) -> str:
        """The set as the text of a parameter file; the evidence stands above it as a comment."""
        return parameter_text(self.parameters, plain_text(self.document()).rstrip())


def calibrate(
    model: str,
    market: MarketLike,
    book: BookLike | None = None,
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    effective_from: str | int | None = None,
    seed: int = 0,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> CalibrateResult:
    """The next dated set of a model from the market's history, with the evidence of each range.

    ``model``: any model with declared ranges; ``params`` is the set in force (default: that of
    ``as_of``), ``changes`` are of ``dynamic.…`` numbers. ``book``: accounts whose margin under both
    sets is previewed, at this market. ``effective_from``: by default the next midnight UTC. Nothing
    later than ``as_of`` is read. ``seed`` is of the bootstrap: one seed, one file.
    Raises CrossMarginError with one code.
    """
    name = model.removeprefix(f"{FOLDER}:")
    wrapped, plain = model_named(f"{FOLDER}:{name}"), model_named(name)
    if seed < 0:
        raise InputError(
            "number_out_of_range",
            "a seed is refused",
            place="--seed",
            value=seed,
            limit="0 or more",
        )
    snapshot = snapshot_of(market)
    moment = moment_of(as_of, "--as-of")
    as_of_ms = snapshot.as_of_ms if moment is None else moment
    in_force, _ = parameters_of(wrapped, as_of_ms, params, changes)
    found = calibrated(
        in_force,
        snapshot.histories(as_of_ms),
        as_of_ms,
        effective_ms=moment_of(effective_from, "--effective-from"),
        seed=seed,
    )
    accounts: list[dict[str, Any]] | None = None
    if book is not None:
        held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
        pairs = _accounts(held, snapshot, moment)
        rows = previewed(pairs, plain, inner_set(in_force), found.parameters)
        accounts = [_preview(each) for each in rows]
    made = found.parameters
    figures = {
        "verb": "calibrate",
        "model": plain.spec.name,
        "as_of": format_ms(as_of_ms),
        "before": f"{in_force.model}/{in_force.label}",
        "before_sha256": inner_set(in_force).sha256,
        "set": f"{made.model}/{made.label}",
        "sha256": made.sha256,
        "snapshot_sha256": snapshot.sha256,
        "effective_from": format_ms(made.effective_ms or 0),
        "method": str(in_force.entries[_METHOD].value) if _METHOD in in_force else "ewma",
        "seed": seed,
        "evidence": [_evidence(each) for each in found.evidence],
        "bounded": list(found.bounded),
        "left": list(found.left),
        "accounts": accounts,
    }
    return CalibrateResult(made, checked(figures), found.paths)


_METHOD = "dynamic.forecast.method"


def _accounts(book: Book, snapshot: Snapshot, as_of_ms: int | None) -> Iterator[tuple[Book, View]]:
    for name in book.account:
        one = one_account(book, name)
        yield one, snapshot.view(one.instruments, as_of_ms)


def _evidence(each: Evidence) -> dict[str, Any]:
    plain = asdict(each)
    for name in ("before", "after", "wanted", "deviation", "stress"):
        plain[f"{name}_fraction"] = plain.pop(name)
    for name in ("quantile", "quantile_low", "quantile_high"):
        plain[f"{name}_fraction"] = plain.pop(name)
    return plain


def _preview(each: Preview) -> dict[str, Any]:
    if each.failure is not None:
        return {"account": each.account, "error": f"{each.failure.code}: {each.failure.reason}"}
    return {
        "account": each.account,
        "im_before_usd": each.im_before_usd,
        "im_after_usd": each.im_after_usd,
        "im_change_usd": each.change_usd,
        "mm_before_usd": each.mm_before_usd,
        "mm_after_usd": each.mm_after_usd,
        "error": None,
    }
