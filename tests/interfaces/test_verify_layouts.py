from __future__ import annotations

import copy
from pathlib import Path

import crossmargin as xm
from crossmargin.interfaces.tables import csv_text, plain_text
from tests.venues.replies import deribit_simulation, vector


def test_what_holds_says_so_in_one_line(vectors_dir: Path) -> None:
    found = xm.verify("deribit", deribit_simulation(vector(vectors_dir, "V-DRB-1")))
    text = plain_text(found.document())
    assert "holds: every component and every scenario agrees" in text
    assert len(found.document().tables) == 2
    full = found.document(scenarios=True)
    assert [len(table.rows) for table in full.tables[2:]] == [35, 35, 35]
    assert "+16 %, vol up" in plain_text(full)


def test_a_vector_that_parts_is_listed_scenario_by_scenario(vectors_dir: Path) -> None:
    reply = copy.deepcopy(deribit_simulation(vector(vectors_dir, "V-DRB-1")))
    reply["result"]["initial_risk_vectors"]["BTC-28JUN24"]["standard"][0] = 0.1
    document = xm.verify("deribit", reply).document()
    text = plain_text(document)
    assert "differs, first at BTC-28JUN24, -16 %, vol up: rule risk_matrix" in text
    assert len(document.tables) == 3
    assert len(document.tables[2].rows) == 35
    assert "0.1" in csv_text(document)
