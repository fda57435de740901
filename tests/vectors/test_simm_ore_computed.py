"""Totals and breakdowns that another implementation computed, for versions without published cases.

Inputs are the unit cases of version 2.5, and books of coins mapped to commodities or currencies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossmargin.instruments.factors import MARGIN_TYPES, PRODUCT_CLASSES, RISK_CLASSES
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet
from crossmargin.margin.families.sensitivity_totals import Totals
from crossmargin.venues.crif import read_crif
from crossmargin.venues.crif_book import crif_book
from tests.vectors.recording import seen
from tests.vectors.simm_cases import (
    by_id,
    correlated,
    files,
    margined,
    numbers,
    population,
    records,
)

MODEL = "sensitivities-crif"
RELATIVE = 1e-9
NOTHING_USD = 1e-6


def _close(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= RELATIVE * abs(theirs) + NOTHING_USD


def _unit_cases(folder: Path) -> tuple[list[dict[str, str]], dict]:
    (crif,) = files(folder, "simm_isda_unit_v2.5_crif.csv")
    cases = records(crif.with_name("simm_isda_unit_v2.5_expected.csv"))
    return cases, by_id(crif)


def test_totals(vectors_dir: Path) -> None:
    cases, known = _unit_cases(vectors_dir)
    book = population(cases, known)
    compared = 0
    for path in files(vectors_dir, "simm_ore_computed_totals_on_v2.5_inputs*.csv"):
        rows = records(path)
        for column in [name for name in rows[0] if name != "case"]:
            version, _, horizon = column.rpartition("_")
            found = margined(book, numbers(vectors_dir, version, int(horizon.removesuffix("d"))))
            result = found["totals"]
            assert isinstance(result, Totals)
            for row in (row for row in rows if row["case"] in found and row[column]):
                ours, theirs = float(result.im_usd[found[row["case"]]]), float(row[column])
                assert _close(ours, theirs), (row, column)
                seen(MODEL, "suite", path.name, f"{row['case']} {column}", ours, theirs, 1.0)
                compared += 1
    assert compared


def _cell(result: Totals, row: int, names: dict[str, str], found: SensitivitySet) -> float:
    """The recorded cell from ours: classes of products and of one risk are added up."""
    pc, risk_class, kind = names["product_class"], names["risk_class"], names["margin_type"]
    part = result.part[row]
    kinds = part.sum(axis=2) if kind == "All" else part[..., MARGIN_TYPES.index(kind)]
    if risk_class == "All":
        products = np.array([correlated(parts, found) for parts in kinds])
    else:
        products = kinds[:, RISK_CLASSES.index(risk_class)]
    return float(products.sum() if pc == "All" else products[PRODUCT_CLASSES.index(pc)])


def _judged(names: dict[str, str]) -> bool:
    known = (*PRODUCT_CLASSES, "All"), (*RISK_CLASSES, "All"), (*MARGIN_TYPES, "All")
    fields = names["product_class"], names["risk_class"], names["margin_type"]
    return all(field in choices for field, choices in zip(fields, known, strict=True))


@pytest.mark.parametrize("kind", ["crypto", "breakdown"])
def test_breakdown(vectors_dir: Path, kind: str) -> None:
    """Product class, risk class and margin type of every case, version and horizon."""
    if kind == "crypto":
        pattern = "simm_crypto_mapped_*expected*.csv"
        lines = read_crif(files(vectors_dir, "simm_crypto_mapped_*crif*.csv")[0])
        named = [(dict(line.other)["case"], line) for line in lines]
        book = crif_book([replace(line, account=name) for name, line in named])
    else:
        pattern = "simm_ore_computed_breakdown_*.csv"
        files(vectors_dir, pattern)
        book = population(*_unit_cases(vectors_dir))
    compared = 0
    for path in files(vectors_dir, pattern):
        done: dict[tuple[str, int], dict] = {}
        for names in records(path):
            key = names["version"], int(names.get("mpor_days") or 10)
            numbers_ = numbers(vectors_dir, *key)
            if key not in done:
                done[key] = margined(book, numbers_)
            found = done[key]
            if names["case"] not in found or not _judged(names):
                continue
            row, result = found[names["case"]], found["totals"]
            add_on = kind == "breakdown" and names["margin_type"] == "All" and result.add_on[row]
            if add_on and names["risk_class"] == "All":
                continue  # there the file's cell holds the surcharge of multipliers too
            ours, theirs = _cell(result, row, names, numbers_), float(names["im"])
            assert _close(ours, theirs), names
            where = f"{names['case']} {key[0]} {key[1]}d"
            seen(MODEL, "suite", path.name, where, ours, theirs, 1.0)
            compared += 1
    assert compared
