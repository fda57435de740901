"""Results as one self-contained page: no script, no request, readable offline and on paper.

``write_report(result, path)`` takes a margin result, a comparison, or any result that offers
``document()``, ``receipt`` and ``report_requirements()``: labelled requirements of one account,
drawn side by side (a what-if gives the account before and after).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces.layouts import fidelity_means
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.report_cases import SPOT_FACTORS, Case, account_of, cases_of, crossings
from crossmargin.interfaces.report_charts import NARROW, WIDE
from crossmargin.interfaces.report_lines import Bars, bars
from crossmargin.interfaces.report_page import (
    details,
    escape,
    figure,
    meta,
    notes,
    page,
    paragraph,
    section,
    table_html,
    tiles,
)
from crossmargin.interfaces.report_sections import (
    COMPARED,
    SURFACE_TEXT,
    against_spot,
    model_parts,
    signed,
    surface_parts,
)
from crossmargin.interfaces.report_svg import percent
from crossmargin.interfaces.report_whatif import whatif_head, whatif_tables
from crossmargin.interfaces.results import CompareResult, MarginResult
from crossmargin.interfaces.tables import Document, amount_text
from crossmargin.interfaces.whatif import WhatIfResult
from crossmargin.margin.comparison import margin_or_map
from crossmargin.margin.model import Requirement
from crossmargin.margin.readings import fidelity_shares
from crossmargin.margin.register import model_named

__all__ = ["WithRequirements", "report", "report_html", "write_report"]

Figures = Mapping[str, Any]
Progress = Callable[[int, int], None]

# Models of a comparison that are drawn: a page stays under three megabytes, and can be read.
DRAWN = 12
_SIGN = (
    "Signs: requirements are positive; gains are positive and losses negative; a short quantity is "
    "negative. Blue is above zero, orange under it."
)


@runtime_checkable
class WithRequirements(Protocol):
    """A result made of several requirements of one account: a what-if with its before and after."""

    @property
    def receipt(self) -> Receipt:
        """What reproduces the result."""
        ...

    def document(self) -> Document:
        """Its own tables, shown first."""
        ...

    def report_requirements(self) -> Mapping[str, Requirement]:
        """Requirements by label, in the order in which they are drawn."""
        ...


def write_report(
    result: MarginResult | CompareResult | WithRequirements,
    path: str | Path,
    account: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the page of a result; ``progress`` hears (cells done, cells in all).

    Raises InputError ``option_unknown`` where the result has several accounts and none is named,
    ``file_unreadable`` where the file cannot be written.
    """
    target = Path(path)
    if not target.parent.is_dir():  # said before the seconds of work, not after them
        raise _unwritable(target, "the folder does not exist")
    text = report_html(result, account, progress)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    return target


def _unwritable(target: Path, reason: str) -> InputError:
    return InputError(
        "file_unreadable",
        f"the report cannot be written: {reason}",
        place=str(target),
        remedy="Name a file in a folder that exists and may be written to.",
    )


report = write_report  # the verb as the package names it


def report_html(
    result: MarginResult | CompareResult | WithRequirements,
    account: str | None = None,
    progress: Progress | None = None,
) -> str:
    """The page of a result as text."""
    if isinstance(result, MarginResult):
        return _margin_page(result, account, progress)
    if isinstance(result, CompareResult):
        return _compare_page(result, progress)
    if isinstance(result, WhatIfResult):
        return _whatif_page(result, account, progress)
    if isinstance(result, WithRequirements):
        return _many_page(result, account, progress)
    raise InputError(
        "option_unknown",
        "no report is made of this",
        value=type(result).__name__,
        limit="results of margin, compare and whatif",
        remedy="Call margin or compare first.",
    )


def _margin_page(result: MarginResult, account: str | None, progress: Progress | None) -> str:
    figures = result.figures
    number = account_of([entry["account"] for entry in figures["accounts"]], account)
    entry = figures["accounts"][number]
    case = cases_of({figures["model"]["name"]: result.requirement}, entry["account"], progress)[0]
    model = figures["model"]
    head = [
        f"<h1>Margin of account {escape(entry['account'])}</h1>",
        paragraph(f"{model['name']}: {model['title']}", "lead"),
        meta(_margin_meta(result)),
        _contents(),
        paragraph(_SIGN, "sign"),
        tiles(_key_figures(case, entry)),
        *_margin_notes(result),
        _tables(result.document(), ("margin", "readings", "fidelity", "parameters", "failures")),
    ]
    body = [*head, *_case_sections([case]), _receipt(result.receipt)]
    return page(f"Margin of {entry['account']}: {model['name']}", body)


def _contents() -> str:
    links = (
        ("surface", "Equity − MM"),
        ("spot", "Against spot"),
        ("why", "Scenarios, contributions, tree"),
        ("receipt", "Receipt"),
    )
    body = "".join(f'<a href="#{name}">{escape(words)}</a>' for name, words in links)
    return f'<nav aria-label="Contents">{body}</nav>'


def _margin_meta(result: MarginResult) -> list[tuple[str, str]]:
    figures = result.figures
    parameters = figures["parameters"]
    age = parameters["age_days"]
    changed = "; ".join(f"{name} = {value}" for name, value in parameters["changes"].items())
    shown = f"{parameters['set']}, {parameters['date']}"
    shown += f", {age:,.0f} days before the market" if age is not None and age >= 0.0 else ""
    shown += f"; changed by hand: {changed}" if changed else ""
    return [
        ("Market", f"{figures['as_of']} (UTC)"),
        ("Book", _book_words(figures["book"])),
        ("Parameters", shown),
        ("Fidelity", _fidelity_words(figures["fidelity"], figures["model"]["venue"] == "any")),
        ("Counts as equity", figures["model"]["balance_side"]),
        ("Receipt", _short(result.receipt)),
    ]


def _book_words(book: Figures) -> str:
    words = f"{book['lines']:,} lines, {book['open_orders']:,} open orders"
    if book["accounts"] != 1:
        words += f", {book['accounts']:,} accounts (this page is of one)"
    return words


def _fidelity_words(shares: Figures, own: bool) -> str:
    """Shares of initial margin by how well the rules under it are known."""
    return "; ".join(
        f"{100.0 * share:.1f} % {name} ({fidelity_means(name, own)})"
        for name, share in shares.items()
        if share > 0.0
    )


def _short(receipt: Receipt) -> str:
    return (
        f"book {receipt.book[:12]}, orders {receipt.orders[:12]}, market {receipt.snapshot[:12]}, "
        f"build {receipt.build['crossmargin']} {receipt.build['sources_sha256'][:12]}"
    )


def _key_figures(case: Case, entry: Figures) -> list[tuple[str, str, str, bool]]:
    """The numbers that a reader looks for first."""
    least = "≥ " if entry["bound"] == "at_least" else ""
    out = [
        ("Initial margin (IM)", least + _usd(entry["im_usd"]), _coins(entry, "im"), False),
        ("Maintenance margin (MM)", least + _usd(entry["mm_usd"]), _coins(entry, "mm"), False),
    ]
    for level, words in (("im", "IM"), ("mm", "MM")):
        left = entry[f"room_{level}_usd"]
        if left is None:
            continue
        out.append((f"Equity counted − {words}", _usd(left), "USD", left < 0.0))
    if entry["equity_usd"] is not None:
        out.insert(0, ("Equity", _usd(entry["equity_usd"]), "USD", False))
    if entry["mm_usage"] is not None:
        used = entry["mm_usage"]
        out.append(("MM / equity counted", f"{100.0 * used:.1f}", "%", used > 1.0))
    over = case.curve(case.grid.over_mm_usd())
    down, up = crossings(case, over)
    if case.known:
        for side, words in ((down, "fall"), (up, "rise")):
            edge = SPOT_FACTORS[0 if words == "fall" else -1] - 1.0
            shown = percent(side, 1) if side is not None else f"beyond {percent(float(edge))}"
            level = ""
            if side is not None and case.coin is not None:
                level = f"{case.coin[0]} at {case.coin[1] * (1.0 + side):,.0f} USD"
            out.append((f"Equity reaches MM at a {words} of spot", shown, level, False))
    out.append(("Worst scenario", signed(entry["worst_scenario"] or "none"), "", False))
    return out


def _usd(value: float) -> str:
    return amount_text(value, "USD").replace("-", "−")


def _coins(entry: Figures, level: str) -> str:
    """The unit, with the amount in coin beside it where one coin settles everything."""
    if not entry["coin"]:
        return "USD"
    return f"USD = {amount_text(entry[f'{level}_coin'], entry['coin'])} {entry['coin']}"


def _margin_notes(result: MarginResult) -> list[str]:
    """Remarks, and where the number is a lower bound what it leaves out."""
    out = [notes([each for each in result.document().notes if not each.startswith("≥")])]
    if result.figures["bound"] == "at_least":
        words = "≥: the venue may ask for more. Left out, or known only in part:"
        out += [paragraph(words), notes(result.figures["model"]["unknown"])]
    return out


def _tables(document: Document, names: tuple[str, ...]) -> str:
    chosen = [table_html(table) for table in document.tables if table.name in names]
    return details("These figures as tables", chosen)


def _case_sections(cases: list[Case], *, before_after: bool = False) -> list[str]:
    """Surface, lines, and why, of one case or of several side by side.

    ``before_after``: two cases of one book, on one colour scale, of which the last is explained in
    the open.
    """
    surface = [paragraph(SURFACE_TEXT)]
    largest = None
    if before_after:
        largest = max(float(np.abs(case.grid.over_mm_usd()).max()) for case in cases)
        surface.append(paragraph("Both maps have the same colour scale."))
    why: list[str] = []
    if len(cases) == 1:
        surface += surface_parts(cases[0])
        why = model_parts(cases[0])
    else:
        for case in cases:
            surface += [f"<h3>{escape(case.label)}</h3>", *surface_parts(case, largest)]
            if before_after and case is cases[-1]:
                why += [f"<h3>{escape(case.label)}</h3>", *model_parts(case)]
            else:
                top = 0 if before_after else COMPARED
                why.append(details(f"{case.label}", model_parts(case, top), "model"))
    return [
        section("surface", "Equity − maintenance margin over spot and volatility", surface),
        section("spot", "P&L and margin against spot", against_spot(cases)),
        section("why", "Why: scenarios, contributions, tree", why),
    ]


def _receipt(receipt: Receipt) -> str:
    """Every hash, and the command that gives the same bits."""
    found = receipt.to_dict()
    entries = [
        ("Book", found["book_sha256"]),
        ("Orders", found["orders_sha256"]),
        ("Market", found["snapshot_sha256"]),
        *((f"Parameters {name}", value) for name, value in found["parameters_sha256"].items()),
        ("Build", ", ".join(f"{name} {value}" for name, value in found["build"].items())),
        ("Command", found["command"] or "none: the book or the market came from no file"),
    ]
    return section("receipt", "Receipt", [meta(entries)])


def _compare_page(result: CompareResult, progress: Progress | None) -> str:
    figures = result.figures
    view = result.snapshot.view(result.book.instruments, parse_ms(figures["as_of"], "as_of"))
    good = [row for row in figures["models"] if row["error"] is None]
    requirements = {
        row["model"]: margin_or_map(result.book, view, model_named(row["model"]))[0]
        for row in good[:DRAWN]
    }
    cases = list(cases_of(requirements, figures["account"], progress))
    document = result.document()
    left_out = [
        paragraph(
            f"Surfaces, lines and reasons are of the first {DRAWN} models of the table; name "
            "others with --models to draw them."
        )
    ]
    head = [
        f"<h1>Account {escape(figures['account'])} under {len(good)} models</h1>",
        meta(
            [
                ("Market", f"{figures['as_of']} (UTC)"),
                ("Book", _book_words(figures["book"])),
                ("Gross notional", f"{figures['gross_notional_usd']:,.0f} USD"),
                ("Receipt", _short(result.receipt)),
            ]
        ),
        _contents(),
        paragraph(_SIGN, "sign"),
        paragraph(
            "Cash to hold is the least settlement-currency cash with which the account passes "
            "initial margin under the model's own balance side; cash to stay alive is the same for "
            "maintenance. These, not IM or MM, may be compared between models."
        ),
        *_cash_bars(good),
        *(table_html(table) for table in document.tables),
        notes(document.notes),
        *(left_out if len(good) > DRAWN else []),
    ]
    body = [*head, *_case_sections(cases), _receipt(result.receipt)]
    return page(f"{figures['account']} under {len(good)} models", body)


def _cash_bars(good: list[Figures]) -> list[str]:
    """Cash to hold and to stay alive of each model."""
    out = []
    for key, words in (
        ("cash_to_hold_usd", "cash to hold"),
        ("cash_to_stay_alive_usd", "cash to stay alive"),
    ):
        rows = tuple(
            (("≥ " if row["bound"] == "at_least" else "") + row["model"], row[key]) for row in good
        )
        chart = Bars(f"{words} by model, in USD", words, rows, "USD", ("left over", "needed"))
        out.append(figure(bars(chart, WIDE), bars(chart, NARROW)))
    return out


def _whatif_page(result: WhatIfResult, account: str | None, progress: Progress | None) -> str:
    requirements = result.report_requirements()
    cases = list(cases_of(requirements, account, progress))
    figures = result.figures
    fees = figures["fees"]
    entries = _requirement_meta(list(requirements.values())[-1], result.receipt)
    sources = ", ".join(f"{venue} {words}" for venue, words in fees["fidelity"].items())
    share = "" if fees["share_given"] is None else f"; share given: {fees['share_given']}"
    entries.insert(3, ("Fees and lots", f"{fees['set']} ({sources}){share}"))
    head = [
        *whatif_head(figures),
        meta([("Account", cases[-1].account), *entries]),
        _contents(),
        paragraph(_SIGN, "sign"),
        *whatif_tables(result.document(), figures),
    ]
    body = [*head, *_case_sections(cases, before_after=True), _receipt(result.receipt)]
    return page(f"What if: {figures['account']}, {figures['model']['name']}", body)


def _requirement_meta(last: Requirement, receipt: Receipt) -> list[tuple[str, str]]:
    shares = {level.value: share for level, share in fidelity_shares(last).items()}
    return [
        ("Model", f"{last.model.name}: {last.model.title}"),
        ("Market", f"{format_ms(last.view.as_of_ms)} (UTC)"),
        ("Parameters", f"{last.parameters.label}, {last.parameters.date_text}"),
        ("Fidelity", _fidelity_words(shares, not last.model.venue)),
        ("Counts as equity", last.model.balance_side),
        ("Receipt", _short(receipt)),
    ]


def _many_page(result: WithRequirements, account: str | None, progress: Progress | None) -> str:
    requirements = result.report_requirements()
    cases = list(cases_of(requirements, account, progress))
    document = result.document()
    last = list(requirements.values())[-1]
    entries = [("Account", cases[-1].account), *_requirement_meta(last, result.receipt)]
    head = [
        f"<h1>{escape(document.title)}</h1>",
        *(paragraph(line) for line in document.lines),
        meta(entries),
        _contents(),
        paragraph(_SIGN, "sign"),
        *(table_html(table) for table in document.tables),
        notes(document.notes),
    ]
    body = [*head, *_case_sections(cases), _receipt(result.receipt)]
    return page(document.title, body)
