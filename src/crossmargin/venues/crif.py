"""Sensitivity files (CRIF): comma or tab, UTF-8, one header line; read strictly, written back.

======================  =========================================================
column                  meaning
======================  =========================================================
RiskType, Qualifier     what the line speaks of; see ``instruments.factors``
ProductClass, Bucket,   as the risk type needs them; empty for parameter lines
Label1, Label2
AmountUSD               the sensitivity in dollars; else Amount, in AmountCurrency USD
PortfolioID             the account; the caller's where absent or empty
CollectRegulations,     regulators, joined by commas
PostRegulations
======================  =========================================================

Names of columns are taken in any case, with or without underscores. Columns that no margin rests on
(TradeID, ValuationDate, …) are carried along and written back. Amounts of parameter lines are plain
numbers: per cent of a notional, a multiplier.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.instruments.factors import Factor, checked
from crossmargin.venues.reading import label, number, text_lines, unreadable

__all__ = ["CrifLine", "crif_text", "read_crif", "write_crif"]

_COLUMNS = (
    "PortfolioID",
    "ProductClass",
    "RiskType",
    "Qualifier",
    "Bucket",
    "Label1",
    "Label2",
    "Amount",
    "AmountCurrency",
    "AmountUSD",
    "CollectRegulations",
    "PostRegulations",
)
_BY_NAME = {name.lower(): name for name in (*_COLUMNS, "IMModel")}
_NEEDED = ("ProductClass", "RiskType", "Qualifier", "Bucket", "Label1", "Label2")
_MODELS = ("", "SIMM", "SIMM-P")
_PURE = ("Param_ProductClassMultiplier", "Param_AddOnNotionalFactor")


@dataclass(frozen=True, slots=True)
class CrifLine:
    """One line: a factor, its amount (dollars, or a plain number), and who it concerns."""

    account: str
    factor: Factor
    amount: float
    collect: tuple[str, ...] = ()
    post: tuple[str, ...] = ()
    other: tuple[tuple[str, str], ...] = ()  # columns that are carried along
    place: str = ""  # file and line, for messages; no part of what is written


def read_crif(path: str | Path, account: str = "main") -> tuple[CrifLine, ...]:
    """The lines of a file, in order; blank lines are passed over.

    Raises InputError with file, line and column: ``column_missing``, ``column_unknown``,
    ``option_unknown``, ``currency_unknown``, ``number_not_finite``, ``number_unreadable``,
    ``book_empty`` for a file without lines.
    """
    place = Path(path)
    lines = text_lines(place)
    first = next(lines, None)
    if first is None:
        raise _empty(str(place))
    delimiter = "\t" if "\t" in first else ","
    reader = csv.reader(_chained(first, lines), delimiter=delimiter, strict=True)
    out: list[CrifLine] = []
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as cause:
            raise unreadable(f"not a CSV line ({cause})", f"{place}:{reader.line_num}") from None
        if cells is None:
            break
        where = f"{place}:{reader.line_num}"
        if not any(cells):
            continue
        if names is None:
            names = _header(cells, where)
            continue
        if len(cells) != len(names):
            raise InputError(
                "column_missing" if len(cells) < len(names) else "column_unknown",
                "the line has another number of cells than the header",
                place=where,
                value=len(cells),
                limit=str(len(names)),
                remedy="Check separators and quotes.",
            )
        out.append(_line(dict(zip(names, cells, strict=True)), where, account))
    if not out:
        raise _empty(str(place))
    return tuple(out)


def _chained(first: str, rest: Iterable[str]) -> Iterable[str]:
    yield first
    yield from rest


def _empty(place: str) -> InputError:
    return InputError(
        "book_empty",
        "the sensitivity file holds no line",
        place=place,
        limit="a header and at least one line",
        remedy="Give at least one sensitivity.",
    )


def _header(cells: Sequence[str], place: str) -> list[str]:
    """The names of the columns, standard ones in their standard spelling, each once."""
    names = []
    for cell in cells:
        plain = cell.strip()
        name = _BY_NAME.get(plain.replace("_", "").replace(" ", "").lower(), plain)
        if not name or name in names:
            raise InputError(
                "column_unknown",
                "a column is given twice" if name else "a column has no name",
                place=place,
                value=cell,
                limit="one name a column",
                remedy="Rename or remove the column.",
            )
        names.append(name)
    missing = [name for name in _NEEDED if name not in names]
    if not {"Amount", "AmountUSD"} & set(names):
        missing.append("AmountUSD")
    if missing:
        raise InputError(
            "column_missing",
            "required columns are absent",
            place=place,
            value=", ".join(missing),
            limit=", ".join((*_NEEDED, "AmountUSD")),
            remedy="Add the columns.",
        )
    return names


def _line(cells: dict[str, str], place: str, account: str) -> CrifLine:
    text = {name: cell.strip() for name, cell in cells.items()}
    model = text.pop("IMModel", "")
    if model not in _MODELS:
        raise InputError(
            "option_unknown",
            "the line is margined by another model",
            place=f"{place} IMModel",
            value=model,
            limit=", ".join(filter(None, _MODELS)),
            remedy="Leave the line out of this file.",
        )
    fields = (text.pop(name) for name in _NEEDED)
    factor = checked(Factor(*fields), place)
    amount = _amount(text, factor, place)
    owner = text.pop("PortfolioID", "") or account
    collect, post = (
        tuple(filter(None, (part.strip() for part in text.pop(name, "").split(","))))
        for name in ("CollectRegulations", "PostRegulations")
    )
    if model:
        text["IMModel"] = model
    return CrifLine(
        account=label(owner, f"{place} PortfolioID"),
        factor=factor,
        amount=amount,
        collect=collect,
        post=post,
        other=tuple((name, cell) for name, cell in text.items() if cell),
        place=place,
    )


def _amount(text: dict[str, str], factor: Factor, place: str) -> float:
    """Dollars of a sensitivity, or the plain number of a parameter line."""
    dollars, amount = text.pop("AmountUSD", ""), text.pop("Amount", "")
    currency = text.pop("AmountCurrency", "")
    if factor.risk_type in _PURE:
        value = number(amount or dollars, f"{place} Amount")
    elif dollars:
        value = number(dollars, f"{place} AmountUSD")
    elif currency not in ("", "USD"):
        raise InputError(
            "currency_unknown",
            "the amount is in another currency and its dollars are not given",
            place=f"{place} AmountUSD",
            value=currency,
            limit="USD",
            remedy="Give AmountUSD.",
        )
    else:
        value = number(amount, f"{place} Amount")
    return abs(value) if factor.risk_type == "Notional" else value


def crif_text(lines: Sequence[CrifLine]) -> str:
    """The lines as a comma-separated file that :func:`read_crif` reads back to the same lines."""
    extra = list(dict.fromkeys(name for line in lines for name, _ in line.other))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, *extra])
    for line in lines:
        factor, pure = line.factor, line.factor.risk_type in _PURE
        amount = repr(line.amount)
        other = dict(line.other)
        writer.writerow(
            [
                line.account,
                factor.product_class,
                factor.risk_type,
                factor.qualifier,
                factor.bucket,
                factor.label1,
                factor.label2,
                amount,
                "" if pure else "USD",
                "" if pure else amount,
                ",".join(line.collect),
                ",".join(line.post),
                *(other.get(name, "") for name in extra),
            ]
        )
    return out.getvalue()


def write_crif(lines: Sequence[CrifLine], path: str | Path) -> None:
    """Write the lines to a file. Raises InputError ``file_unreadable`` where it cannot be made."""
    try:
        Path(path).write_text(crif_text(lines), encoding="utf-8", newline="\n")
    except OSError as cause:
        raise unreadable(f"the file cannot be written ({cause.strerror})", str(path)) from None
