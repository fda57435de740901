"""The sensitivities model beside ORE's: the same books, the same numbers, every part of the sum.

Books and numbers are drawn from seeds (see ``simm_numbers``), so nothing licensed is needed. Where
the folder of recorded vectors is at hand, ORE's own built-in versions are run too, ours with the
parameter file of that folder.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.factors import MARGIN_TYPES, PRODUCT_CLASSES, RISK_CLASSES
from crossmargin.margin.families.sensitivity_parameters import (
    HORIZONS,
    Row,
    SensitivitySet,
    set_of,
)
from crossmargin.margin.families.sensitivity_regimes import regimes_of, worst_of
from crossmargin.margin.families.sensitivity_totals import Totals, table_of, totals
from crossmargin.venues.crif import CrifLine
from crossmargin.venues.sensitivity_files import read_rows
from peers.ore import report_of
from peers.report import Line, compared, not_run
from peers.simm_books import crypto_lines, drawn_lines, regulated
from peers.simm_numbers import VERSION, drawn_rows, ore_calibration, regrouped

__all__ = ["lines", "ore_crif", "ours"]

COMPARISON = "SIMM-style aggregation"
PEER = "open-source-risk-engine"
PARAMETERS = "simm_parameters_all_versions.csv"
BUILT_IN = ("2.5A", "2.6", "2.7+2412", "2.8+2506")
TOLERANCE = 1e-9
BOOKS = 400
_HEADER = (
    "TradeID", "PortfolioID", "ProductClass", "RiskType", "Qualifier", "Bucket", "Label1",
    "Label2", "AmountCurrency", "Amount", "AmountUSD", "IMModel",
    "collect_regulations", "post_regulations",
)  # fmt: skip
_PART = "All"
_OVERLAP = (
    "ORE groups regulators by the lines that they share, and where more than two groups overlap "
    "its regrouping can leave lines out of a regulator's sum, as its own breakdown shows; ours "
    "gives each regulator every line that names it. Asked one at a time, in the next line, all "
    "agree"
)


def lines(vectors: Path | None, books: int = BOOKS) -> list[Line]:
    """Own numbers at both horizons and both sides; built-in versions where ``vectors`` has them."""
    out = []
    rows = drawn_rows(20251206)
    calibration = ore_calibration(rows)
    for days in HORIZONS:
        numbers = set_of(rows, VERSION, days, "drawn from a seed")
        book = drawn_lines(41 + days, books, numbers)
        what = f"{books} drawn books of every risk type, drawn numbers, {days}-day"
        out += _both(what, book, numbers, calibration)
    return [*out, *_regulated(rows, books), _regrouped(rows, books), *_built_in(vectors, books)]


def _regulated(rows: Sequence[Row], books: int) -> list[Line]:
    """Lines under several regulators: the largest of what each asks for its own lines."""
    numbers = set_of(rows, VERSION, 10, "drawn from a seed")
    drawn, out = drawn_lines(71, books, numbers), []
    for most in (1, 3):
        book = regulated(73, drawn, most)
        regimes = regimes_of([(line.account, line.collect) for line in book])
        names = [f"{regime.account}{regime.regulator}" for regime in regimes]
        seen = [
            replace(book[k], account=name, collect=())
            for name, regime in zip(names, regimes, strict=True)
            for k in regime.lines
        ]
        known, found = ours(seen, numbers)
        im = dict(zip(known, found.im_usd.tolist(), strict=True))
        worst = worst_of(regimes, [im[name] for name in names])
        report = _figures(_ore(book, numbers, ore_calibration(rows), "Y"), "Call")
        theirs = [report.get((name, _PART, _PART, _PART), 0.0) for name in worst]
        what = f"{books} drawn books, lines of up to {most} of five regulators: the worst of them"
        out.append(
            compared(
                COMPARISON,
                PEER,
                what,
                [part.total_usd for part in worst.values()],
                theirs,
                tolerance=TOLERANCE,
                least=1.0,
                expected="agrees" if most == 1 else "differs",
                reason="" if most == 1 else _OVERLAP,
            )
        )
    alone = _ore(seen, numbers, ore_calibration(rows))
    return [
        *out,
        _total("the same, each regulator as a book of its own", known, found, alone, "Call"),
    ]


def _regrouped(rows: Sequence[Row], books: int) -> Line:
    """One currency moved to another group of rates' volatility, in the file that both read."""
    moved = regrouped(rows, "KRW", "3")
    numbers = set_of(moved, VERSION, 10, "drawn from a seed")
    book = drawn_lines(41 + 10, books, numbers)
    accounts, mine = ours(book, numbers)
    report = _ore(book, numbers, ore_calibration(moved))
    reason = (
        "ORE takes the volatility group of a currency's rates from a list in its code and passes "
        "over the list of the calibration file; ours reads the file. With the standard's groups, "
        "in the lines above, all agree"
    )
    what = f"{books} drawn books, drawn numbers, KRW put into another group of rates, 10-day"
    return _total(what, accounts, mine, report, "Call", "differs", reason)


def _built_in(vectors: Path | None, books: int) -> list[Line]:
    """ORE's own configurations, ours from the parameter file of the vectors."""
    path = None if vectors is None else vectors / PARAMETERS
    if path is None or not path.is_file():
        reason = f"no folder of vectors with {PARAMETERS}: the package ships no number of the SIMM"
        return [not_run(COMPARISON, PEER, "ORE's built-in versions", reason)]
    out = []
    rows = read_rows(path)
    for version in BUILT_IN:
        for days in HORIZONS:
            numbers = set_of(rows, version, days, PARAMETERS)
            book = (
                *drawn_lines(97 + days, books // 2, numbers),
                *crypto_lines(11 + days, books // 2),
            )
            what = f"{books} drawn books, half of them BTC and ETH, ORE's own {version}, {days}-day"
            out.append(_totals_line(what, book, numbers, ""))
    return out


def _both(
    what: str, book: Sequence[CrifLine], numbers: SensitivitySet, calibration: str
) -> list[Line]:
    """Totals of both sides, and the parts of the one that calls."""
    accounts, mine = ours(book, numbers)
    report = _ore(book, numbers, calibration)
    parts, theirs = _parts(accounts, mine, report)
    return [
        _total(f"{what}: totals", accounts, mine, report, "Call"),
        _total(f"{what}: totals of the other side", accounts, ours(book, numbers, -1.0)[1],
               report, "Post"),
        compared(
            COMPARISON, PEER, f"{what}: product class, risk class, margin type", parts, theirs,
            tolerance=TOLERANCE, least=1.0,
        ),
    ]  # fmt: skip


def _totals_line(
    what: str, book: Sequence[CrifLine], numbers: SensitivitySet, calibration: str
) -> Line:
    accounts, mine = ours(book, numbers)
    return _total(what, accounts, mine, _ore(book, numbers, calibration), "Call")


def _total(
    what: str,
    accounts: Sequence[str],
    mine: Totals,
    report: dict[str, list[Any]],
    side: str,
    expected: str = "agrees",
    reason: str = "",
) -> Line:
    found = _figures(report, side)
    theirs = [found.get((name, _PART, _PART, _PART), 0.0) for name in accounts]
    return compared(
        COMPARISON, PEER, what, mine.im_usd, theirs, tolerance=TOLERANCE, least=1.0,
        expected=expected, reason=reason,
    )  # fmt: skip


def ours(
    book: Sequence[CrifLine], numbers: SensitivitySet, side: float = 1.0
) -> tuple[list[str], Totals]:
    """Names of the accounts, and their totals. ``side`` -1: as the counterparty has them."""
    accounts = sorted({line.account for line in book})
    factors = sorted({line.factor for line in book})
    column = {factor: k for k, factor in enumerate(factors)}
    row, held, amount = [0], [], []
    for account in accounts:
        own = [line for line in book if line.account == account]
        held += [column[line.factor] for line in own]
        # The counterparty has every sensitivity the other way, and the same parameter lines.
        amount += [line.amount * (side if line.factor.risk_class else 1.0) for line in own]
        row.append(len(held))
    table = table_of(factors, numbers)
    arrays = np.array(row, np.int64), np.array(held, np.int32), np.array(amount)
    return accounts, totals(table, *arrays)


def ore_crif(book: Sequence[CrifLine]) -> str:
    """The lines as ORE reads them: with commas, a header, and trades named."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADER)
    for k, line in enumerate(book):
        factor, amount = line.factor, repr(line.amount)
        currency = "" if factor.risk_type in ("Param_ProductClassMultiplier",) else "USD"
        writer.writerow(
            [
                f"t{k}", line.account, factor.product_class, factor.risk_type, factor.qualifier,
                factor.bucket, factor.label1, factor.label2, currency, amount, amount, "SIMM",
                ",".join(line.collect), ",".join(line.post),
            ]
        )  # fmt: skip
    return out.getvalue()


def _ore(
    book: Sequence[CrifLine], numbers: SensitivitySet, calibration: str, regulators: str = "N"
) -> dict[str, Any]:
    """ORE's report; ``regulators`` Y: every regulator's own lines, and the winner."""
    parameters = {
        "version": numbers.version,
        "crif": "crif.csv",
        "calculationCurrency": "USD",
        "resultCurrency": "USD",
        "enforceIMRegulations": regulators,
        "mporDays": str(numbers.horizon_days),
    }
    files = {"crif.csv": ore_crif(book)}
    if calibration:
        parameters["simmCalibration"] = "calibration.xml"
        files["calibration.xml"] = calibration
    return report_of("simm", "simm", parameters, files)


def _figures(report: dict[str, list[Any]], side: str) -> dict[tuple[str, str, str, str], float]:
    """Margin by portfolio, product class, risk class and margin type, over all buckets."""
    names = ("Portfolio", "ProductClass", "RiskClass", "MarginType")
    keys = zip(*(report[name] for name in names), strict=True)
    sides, buckets = report["SimmSide"], report["Bucket"]
    return {
        key: float(value)
        for key, value, own, bucket in zip(
            keys, report["InitialMargin"], sides, buckets, strict=True
        )
        if own == side and bucket == _PART
    }


def _parts(
    accounts: Sequence[str], mine: Totals, report: dict[str, list[Any]]
) -> tuple[Floats, Floats]:
    """Every part that either side has, ours and theirs."""
    found = _figures(report, "Call")
    theirs = np.zeros(mine.part.shape)
    for a, account in enumerate(accounts):
        for p, product in enumerate(PRODUCT_CLASSES):
            for r, risk in enumerate(RISK_CLASSES):
                for m, kind in enumerate(MARGIN_TYPES):
                    theirs[a, p, r, m] = found.get((account, product, risk, kind), 0.0)
    held = (theirs != 0.0) | (mine.part != 0.0)
    return mine.part[held], theirs[held]
