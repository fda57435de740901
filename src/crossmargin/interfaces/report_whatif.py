"""The head of the page of a what-if: verdict in words, before and after, legs, ranking, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossmargin.interfaces.report_charts import NARROW, WIDE
from crossmargin.interfaces.report_lines import Bars, bars
from crossmargin.interfaces.report_page import (
    details,
    escape,
    figure,
    notes,
    paragraph,
    table_html,
    tiles,
)
from crossmargin.interfaces.tables import Document, Table, amount_text

__all__ = ["RANKED_MAX", "leg_chart", "whatif_head", "whatif_tables"]

Figures = Mapping[str, Any]

# Candidates on the page; JSON and CSV have them all.
RANKED_MAX = 100
_RANKED_SHOWN = 10
_LEGS_SHOWN = 20
_VERDICTS = {
    "passes": "Passes",
    "passes_reducing_risk": "Passes: reduces risk",
    "fails": "Fails",
    "cash_unknown": "Depends on the cash",
}
_LEGGED = (
    "The legs fill one after another: the verdict is of the worst state on the way, “after” is "
    "with all of them filled."
)


def whatif_head(figures: Figures) -> list[str]:
    """Title, the verdict in a sentence with its numbers, and the key figures."""
    model, status = figures["model"], figures["verdict"]["status"]
    legs = figures["legs"]
    what = f"{len(legs)} legs" if len(legs) != 1 else _leg_name(legs[0])
    out = [
        f"<h1>What if account {escape(figures['account'])} traded {escape(what)}</h1>",
        paragraph(f"{model['name']}: {model['title']}", "lead"),
        paragraph(
            f"{_VERDICTS[status]}. {_sentence(_signed(figures['verdict']['text']))}",
            "verdict bad" if status == "fails" else "verdict",
        ),
    ]
    if figures["legged"] is not None:
        out.append(paragraph(_LEGGED))
    if figures.get("ranking"):
        first = figures["ranking"][0]["candidate"]
        out.append(
            paragraph(
                f"Of {len(figures['ranking']):,} candidates this page is of the first in the "
                f"ranking: {first}."
            )
        )
    if figures["fit"] is not None:
        out.append(paragraph(_fit_words(figures["fit"], legs)))
    return [*out, tiles(_key_figures(figures))]


def _leg_name(leg: Figures) -> str:
    return _signed(f"{leg['size']:+,.15g}").replace("+", "") + f" {leg['instrument']}"


def _signed(shown: str) -> str:
    """True minus signs before numbers; a hyphen inside a contract's name stays."""
    return " ".join(
        f"−{word[1:]}" if word.startswith("-") and word[1:2].isdigit() else word
        for word in shown.split(" ")
    )


def _sentence(shown: str) -> str:
    return f"{shown[0].upper()}{shown[1:]}."


def _fit_words(fit: Figures, legs: Sequence[Figures]) -> str:
    """The largest size that passes, in a sentence."""
    if fit["steps"] == 0:
        return "Not even one step of the smallest size passes; this page is of one step."
    pairs = zip(legs, fit["sizes"], strict=True)
    sizes = ", ".join(_leg_name({**leg, "size": size}) for leg, size in pairs)
    more = "any size that is looked at passes" if fit["unlimited"] else "one step more fails"
    return f"The largest size that passes: {sizes}; {more}."


def _key_figures(figures: Figures) -> list[tuple[str, str, str, bool]]:
    """After the trade, with what it was before; then what the trade itself pays."""
    before, after, verdict = figures["before"], figures["after"], figures["verdict"]
    least = "≥ " if figures["bound"] == "at_least" else ""
    out = []
    if verdict["status"] == "fails":
        short = amount_text(verdict["short_by"], verdict["currency"])
        check = f"{verdict['check'].capitalize()} is short by"
        out.append((check, short, verdict["currency"], True))
    if verdict["cash_needed_usd"] is not None:
        needed = _usd(verdict["cash_needed_usd"])
        out.append(("Cash that must be there before", needed, "USD", False))
    for name, key, sign in (
        ("Equity after", "equity_usd", ""),
        ("Initial margin (IM) after", "im_usd", least),
        ("Maintenance margin (MM) after", "mm_usd", least),
    ):
        if after[key] is not None:
            out.append((name, sign + _usd(after[key]), _was(before[key], after[key]), False))
    for level, words in (("im", "IM"), ("mm", "MM")):
        old, new = (each[f"room_{level}_usd"] for each in (before, after))
        if new is None:
            continue
        out.append((f"Equity counted − {words} after", _usd(new), _was(old, new), new < 0.0))
    out += [
        ("Premium received", _usd(figures["premium_usd"]), "USD", False),
        ("Fees", _usd(figures["fees_usd"]), "USD", False),
        ("Day-one P&L after fees", _usd(figures["day_one_after_fees_usd"]), "USD", False),
    ]
    return out


def _was(old: float, new: float) -> str:
    change = new - old
    return f"USD, was {_usd(old)} ({'+' if change > 0.0 else ''}{_usd(change)})"


def _usd(value: float) -> str:
    return amount_text(value, "USD").replace("-", "−")


def whatif_tables(document: Document, figures: Figures) -> list[str]:
    """Every table of the what-if, the legs with a chart of what each adds; ranking, then notes."""
    out, ranking = [], []
    for table in document.tables:
        if table.name == "ranking":
            ranking = _ranking_parts(table)
            continue
        out.append(table_html(table))
        if table.name == "legs":
            chart = leg_chart(figures)
            out.append(figure(bars(chart, WIDE), bars(chart, NARROW)))
    return [*out, *ranking, notes(document.notes)]


def _ranking_parts(table: Table) -> list[str]:
    """The first candidates in the open, more of them on request."""
    out = [table_html(_first(table, _RANKED_SHOWN))]
    count = len(table.rows)
    if count > _RANKED_SHOWN:
        shown = min(count, RANKED_MAX)
        rest = f"; all {count:,} are in --json and --csv" if count > shown else ""
        summary = f"The first {shown} candidates{rest}"
        out.append(details(summary, [table_html(replace(_first(table, shown), title=""))]))
    return out


def _first(table: Table, count: int) -> Table:
    """The first rows of a table."""
    marks = {at: mark for at, mark in table.marks.items() if at[0] < count}
    return replace(table, rows=table.rows[:count], marks=marks)


def leg_chart(figures: Figures) -> Bars:
    """What each leg adds to initial margin beside all the others, the twenty largest."""
    legs = figures["legs"]
    largest = sorted(range(len(legs)), key=lambda k: (-abs(legs[k]["marginal_im_usd"]), k))[
        :_LEGS_SHOWN
    ]
    rows = tuple((_leg_name(legs[k]), legs[k]["marginal_im_usd"]) for k in sorted(largest))
    title = "marginal IM by leg"
    if len(legs) > len(rows):
        title += f", the {len(rows)} largest of {len(legs)}"
    return Bars(
        "marginal initial margin of each leg, in USD", title, rows, "USD",
        ("lowers IM", "raises IM"),
    )  # fmt: skip
