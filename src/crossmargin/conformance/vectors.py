"""Numbers of independent origin: cases in files, run under their model, counted by kind.

A folder holds files ``*.vectors.json``: ``{"cases": [...]}`` or a list. A case is::

    {"name": …, "model": …, "kind": "live" | "example" | "suite" | "ours", "source": …,
     "as_of_ms": …, "instruments": [{"name", "kind", "venue", "underlying", "quote", "settle",
     "inverse", "multiplier", "right", "strike", "expiry_ms", "mark", "vol"}, …],
     "index": {"BTC/USD": …}, "usd": {"USDC": …}, "forward": {"<expiry_ms>": …},
     "positions": {"<name>": …}, "parameters": {"dotted.name": …},
     "expected": {"im": …, "mm": …}, "tolerance": …}

Only ``name``, ``kind`` and ``underlying`` of an instrument are needed. ``expected`` names columns
of the sheet, summed over the pools of the account; the tolerance is relative and of 1e-9 dollars.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import NEVER_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import MarginModel, run
from crossmargin.margin.run import parameters_for
from crossmargin.market.view import View

__all__ = ["KINDS", "Tally", "cases_of", "run_case", "tallies"]

# Kind -> what a person reads, the best witness first.
KINDS = {
    "live": "recorded live with options",
    "example": "official example",
    "suite": "test suite",
    "ours": "ours",
}
PATTERN = "*.vectors.json"
Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """Cases of one kind: how many, which are beyond their tolerance, the worst relative error."""

    kind: str
    source: str  # file names, comma between
    count: int
    numbers: int
    failed: tuple[str, ...]  # "name: what"
    worst_error: float


def cases_of(folder: Path) -> Iterator[tuple[str, Case]]:
    """(file, case) of every case of a folder, in the order of the names.

    Raises InputError ``file_unreadable`` for a folder or a file that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(
            "file_unreadable", "no such folder of vectors", place=str(folder),
            remedy=f"Give a folder that holds {PATTERN}.",
        )  # fmt: skip
    for path in sorted(folder.glob(PATTERN)):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            raise InputError(
                "file_unreadable", f"not JSON ({cause})", place=path.name,
                remedy="Correct the file.",
            ) from None  # fmt: skip
        rows = content["cases"] if isinstance(content, dict) and "cases" in content else content
        for case in rows if isinstance(rows, list) else ():
            if isinstance(case, dict):
                yield path.name, case


def tallies(model: MarginModel, folder: Path) -> tuple[Tally, ...]:
    """The cases of one model by kind, best witness first; a kind without cases has none."""
    found: dict[str, list[tuple[str, str, float, str, int]]] = {}
    for file, case in cases_of(folder):
        if case.get("model") != model.spec.name:
            continue
        kind = str(case.get("kind"))
        if kind not in KINDS:
            raise InputError(
                "option_unknown", "a vector's kind is not known", value=kind,
                place=f"{file} {case.get('name')}", limit=", ".join(KINDS),
                remedy="Say who is the witness.",
            )  # fmt: skip
        error, fault = _judged(case, model)
        found.setdefault(kind, []).append(
            (file, str(case.get("name", "")), error, fault, len(case.get("expected", {})))
        )
    out = []
    for kind in KINDS:
        rows = found.get(kind, [])
        if rows:
            files = ", ".join(sorted({row[0] for row in rows}))
            failed = tuple(f"{name}: {fault}" for _, name, _, fault, _ in rows if fault)
            numbers = sum(row[4] for row in rows)
            worst = max(row[2] for row in rows)
            out.append(Tally(kind, files, len(rows), numbers, failed, worst))
    return tuple(out)


def _judged(case: Case, model: MarginModel) -> tuple[float, str]:
    """(worst relative error, fault in words) of one case."""
    try:
        ours = run_case(case, model)
    except Exception as error:  # noqa: BLE001 # a stranger's model may fail in any way
        return 0.0, f"{type(error).__name__}: {error}"
    worst, faults = 0.0, []
    tolerance = float(case.get("tolerance", 1e-9))
    for name, expected in case["expected"].items():
        gap = abs(ours[name] - float(expected))
        worst = max(worst, gap / max(abs(float(expected)), 1e-9))
        if not gap <= tolerance * abs(float(expected)) + 1e-9:
            faults.append(f"{name} is {ours[name]!r}, expected {expected!r}")
    return worst, "; ".join(faults)


def run_case(case: Case, model: MarginModel) -> dict[str, float]:
    """Every expected column of the sheet, summed over the pools of the one account."""
    table = Instruments.of([_instrument(row, model) for row in case["instruments"]])
    place = {item.native_id: k for k, item in enumerate(table.items)}
    lines = [Line("account", place[name], float(q)) for name, q in case["positions"].items()]
    as_of_ms = int(case["as_of_ms"])
    parameters = parameters_for(model, as_of_ms, case.get("parameters") or None, "vector")
    found = run(Book.of(table, lines), _view(case, table, as_of_ms), model, parameters)
    if found.failures:
        raise ValueError(found.failures[0].reason)
    return {name: float(found.sheet[name].sum()) for name in case["expected"]}


def _instrument(row: Mapping[str, Any], model: MarginModel) -> Instrument:
    kind = Kind[str(row["kind"]).upper()]
    quote = str(row.get("quote", "USD"))
    return Instrument(
        venue=str(row.get("venue", model.spec.venue)),
        native_id=str(row["name"]),
        kind=kind,
        underlying=str(row["underlying"]),
        quote=quote,
        settle=str(row.get("settle", row["underlying"] if kind is Kind.ASSET else quote)),
        inverse=bool(row.get("inverse", False)),
        multiplier=float(row.get("multiplier", 1.0)),
        right=int(row.get("right", 0)),
        strike=float(row.get("strike", 0.0)),
        expiry_ms=int(row.get("expiry_ms", NEVER_MS)),
    )


def _view(case: Case, table: Instruments, as_of_ms: int) -> View:
    """The market of a case through its table; what it does not give is absent, never assumed."""
    rows = {str(row["name"]): row for row in case["instruments"]}
    own = [rows[item.native_id] for item in table.items]
    none, absent = frozen(np.zeros(len(table)), np.float64), np.zeros(len(table), np.bool_)
    forward = [float(case["forward"][str(key[3])]) for key in table.expiries]
    return View(
        instruments=table,
        as_of_ms=as_of_ms,
        index=frozen([float(case["index"]["/".join(pair)]) for pair in table.pairs], np.float64),
        usd=frozen([_usd(case, name) for name in table.names], np.float64),
        forward=frozen(forward, np.float64),
        forward_settled=frozen(np.zeros(len(forward)), np.float64),
        rate=frozen(np.zeros(len(forward)), np.float64),
        life_ms=frozen([key[3] - as_of_ms for key in table.expiries], np.int64),
        mark=frozen([float(row.get("mark", 0.0)) for row in own], np.float64),
        vol=frozen([float(row.get("vol", 0.0)) for row in own], np.float64),
        bid=none,
        ask=none,
        has_bid=frozen(absent, np.bool_),
        has_ask=frozen(absent, np.bool_),
        ok=frozen(~absent, np.bool_),
        reads=case.get("reads", {}),
    )


def _usd(case: Case, name: str) -> float:
    return 1.0 if name == "USD" else float(case["usd"][name])
