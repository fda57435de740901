"""The verb netting: what each offset of an account saves, which break eats it, and the curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.netting_layouts import netting_document
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    parameters_of,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.margin.hedges import hedge_curve, hedged_pair, offsets
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.market.view import View

__all__ = ["BASES", "CORRELATIONS", "NettingResult", "netting"]

MODEL = "correlated"
HEADING = "What the hedge saves, by correlation and basis"
CORRELATIONS = tuple(k / 20.0 for k in range(-4, 21))
BASES = (0.0, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True, repr=False)
class NettingResult(Shown):
    """Offsets, the requirement base and stressed, and the hedge-quality curve."""

    figures: Mapping[str, Any]
    receipt: Receipt

    @property
    def offsets(self) -> list[dict[str, Any]]:
        """One dictionary an offset, what saves most first."""
        return list(self.figures["offsets"])

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Points of the curve, basis by basis; empty where no two coins of the matrix offset."""
        return list(self.figures["curve"])

    def document(self) -> Document:
        """What is shown."""
        return netting_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """The curve as FILE.html, .svg or .png. InputError where there is none."""
        from crossmargin.interfaces.netting_plot import curve_svg  # drawing: only when asked for

        if not self.curve:
            raise InputError(
                "option_unknown",
                "the account has no offset between two coins of the matrix: there is no curve",
                place="--plot",
                value=str(path),
                limit="a book with such an offset",
                remedy="Leave --plot out.",
            )
        return write_plot(path, lambda _: curve_svg(self.figures), self.document, HEADING)


def netting(
    book: BookLike,
    market: MarketLike,
    *,
    account: str | None = None,
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> NettingResult:
    """Offsets of one account under the model ``correlated``, and what its main hedge is worth.

    Arguments as those of ``margin``. Dollars; positive is required, saved or lost as named. Open
    orders are left out.
    """
    chosen = model_named(MODEL)
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = held if account is None else one_account(held, account)
    held = only_account(held, "netting")
    snapshot = snapshot_of(market)
    view = snapshot.view(held.instruments, moment_of(as_of, "--as-of"))
    refuse_wrong_entries(held, view)
    parameters, made = parameters_of(chosen, view.as_of_ms, params, changes, held.account[0])
    figures = _figures(held, view, chosen, parameters)
    receipt = Receipt(
        book=held.positions_sha256(),
        orders=held.orders_sha256(),
        snapshot=snapshot.sha256,
        parameters={MODEL: parameters.sha256},
        changes=made,
        as_of=format_ms(view.as_of_ms),
        model=MODEL,
        command=_command(book, market, account, params, changes),
        build=manifest(),
    )
    return NettingResult(plain.checked(figures, "netting"), receipt)


def _figures(held: Book, view: View, model: MarginModel, parameters: Parameters) -> dict[str, Any]:
    """Requirement, offsets and curve of the one account as plain values."""
    sheet = run(held, view, model, parameters).sheet
    factor = parameters.number("level.im_factor")
    found = offsets(held, view, model, parameters)
    pair = hedged_pair(held, view, parameters)
    points = hedge_curve(held, view, model, parameters, pair, CORRELATIONS, BASES) if pair else ()
    return {
        "verb": "netting",
        "account": held.account[0],
        "model": MODEL,
        "as_of": format_ms(view.as_of_ms),
        "plain_usd": factor * float(sheet["plain_sum"][0]),
        "base_usd": factor * float(sheet["base_risk"][0]),
        "stressed_usd": factor * float(sheet["joint_risk"][0]),
        "break_usd": factor * float(sheet["break_risk"][0]),
        "initial_usd": float(sheet["initial"][0]),
        "offsets": [
            {
                "kind": each.kind,
                "first": each.first,
                "second": each.second,
                "first_delta_usd": each.first_delta_usd,
                "second_delta_usd": each.second_delta_usd,
                "hedged_usd": each.hedged_usd,
                "saved_usd": each.saved_usd,
                "eaten_at_fraction": each.eaten_at,
                "stated_break_fraction": each.stated_break,
                "break_loss_usd": each.break_loss_usd,
                "eaten": each.eaten if each.eaten_at is not None else None,
            }
            for each in found
        ],
        "pair": list(pair) if pair else None,
        "curve": [
            {
                "correlation": point.correlation,
                "basis_fraction": point.basis,
                "required_usd": point.required_usd,
                "plain_usd": point.plain_usd,
                "saved_usd": point.saved_usd,
                "saved_fraction": point.saved_fraction,
            }
            for point in points
        ],
    }


def _command(
    book: BookLike, market: MarketLike, account: str | None, params: Any, changes: Any
) -> str:
    """The command that gives the same; empty where something came from no file."""
    plain_params = params is None or isinstance(params, str | Path)
    if not (isinstance(book, str | Path) and isinstance(market, str | Path) and plain_params):
        return ""
    parts = ["crossmargin", "netting", str(book), "--market", str(market)]
    parts += ["--account", account] if account is not None else []
    parts += ["--params", str(params)] if params is not None else []
    for name, value in (changes or {}).items():
        parts += ["--set", f"{name}={value}"]
    return command_line(parts)
