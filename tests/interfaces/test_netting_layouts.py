"""Tables of netting: units, and every fourth point of the curve."""

from __future__ import annotations

from crossmargin.interfaces.netting import netting
from tests.interfaces.test_netting import ROWS


def test_tables() -> None:
    document = netting(ROWS, "sample:market").document()
    requirement, offsets, curve = document.tables
    assert [row[0] for row in requirement.rows][-1] == "required"
    assert len(offsets.rows) == 1
    assert [row[0] for row in curve.rows] == [-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert curve.columns[1].header == "basis\n0 %"
    assert all(a[1] > a[2] > a[3] > a[4] for a in curve.rows)
    flat = netting("sample:market-maker", "sample:market").document()
    assert len(flat.tables) == 2
    assert any("no curve" in note for note in flat.notes)
