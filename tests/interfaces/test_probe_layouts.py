from __future__ import annotations

from typing import Any

from crossmargin.interfaces.probe_layouts import fit_document, probe_document
from crossmargin.interfaces.tables import plain_text

PROBES: dict[str, Any] = {
    "venue": "deribit",
    "model": "deribit-spm",
    "as_of": "2026-07-03T06:00:00Z",
    "combinations": 4,
    "candidates": 12,
    "pairs": 6,
    "pairs_together": 1,
    "open": ["reading.roll_shock"],
    "parameters": {"set": "deribit-pm/x"},
    "probes": [{"probe": 1, "positions": {"BTC-PERPETUAL": -2.5}, "parts": 5}],
}
FIT: dict[str, Any] = {
    "venue": "deribit",
    "model": "deribit-spm",
    "answers": 2,
    "combinations": 4,
    "fits": True,
    "holding": 2,
    "decided": {"reading.vol_shock": "additive"},
    "undecided": {"reading.roll_shock": ["exponential", "linear"]},
    "nearest": [
        {"choices": {"reading.vol_shock": "additive"}, "holding": 1, "distance": 0.5, "first": "im"}
    ],
}


def test_probes_and_what_they_leave_open() -> None:
    text = plain_text(probe_document(PROBES))
    assert "BTC-PERPETUAL -2.5" in text
    assert "part 5 of them" in text
    assert "no book of this market tells apart: reading.roll_shock" in text


def test_a_fit_lists_every_reading() -> None:
    text = plain_text(fit_document(FIT))
    assert "2 fit every answer" in text
    assert "exponential, linear" in text


def test_none_fits_lists_the_nearest() -> None:
    text = plain_text(fit_document({**FIT, "fits": False}))
    assert "none fits" in text
    assert "vol_shock additive" in text
