"""One book of sixty legs and forty orders under every model that applies: the reasons and sense."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces.results import CompareResult
from crossmargin.margin import ALL_MODELS
from crossmargin.sample import book_path

LEGS, ORDERS = 60, 40


@pytest.fixture(scope="module")
def compared(market: str, tmp_path_factory: pytest.TempPathFactory) -> CompareResult:
    """The first sixty contracts of the market maker in turn, its balances and all its orders."""
    with book_path("market-maker").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    contracts = [row for row in rows if row["type"] == "position" and "-" in row["instrument"]]
    step = len(contracts) / LEGS
    chosen = [contracts[int(k * step)] for k in range(LEGS)]
    others = [row for row in rows if row not in contracts]
    path = Path(tmp_path_factory.mktemp("sixty")) / "book.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows([*chosen, *others])
    return xm.compare(str(path), market)


def test_the_book_is_of_sixty_legs_in_two_coins_with_forty_orders(compared: CompareResult) -> None:
    items = compared.book.instruments.items
    held = [items[c] for c in compared.book.column.tolist() if "-" in items[c].native_id]
    assert len(held) == LEGS
    assert {item.underlying for item in held} == {"BTC", "ETH"}
    assert len(compared.book.orders.items) == ORDERS


def test_every_model_has_a_number_or_a_reason(compared: CompareResult) -> None:
    rows = compared.rows
    assert [row.model for row in rows if row.error is None] == [
        row.model for row in sorted((r for r in rows if r.error is None), key=_cash)
    ]
    assert {row.model for row in rows} == {model.spec.name for model in ALL_MODELS}
    good = [row for row in rows if row.error is None]
    assert len(good) >= 11
    for row in rows:
        if row.error is not None:
            assert row.error.strip()
            continue
        assert 0.0 < row.mm_usd <= row.im_usd
        assert row.im_usd <= row.alone_im_usd * 1.5  # orders stand in the one, not in the other


def test_what_a_mapping_loses_is_said(compared: CompareResult) -> None:
    notes = compared.document().notes
    venues = {model.spec.name: model.spec.venue for model in ALL_MODELS}
    for row in compared.rows:
        if row.error is None and venues[row.model] not in ("", "deribit", "okx"):
            own = [note for note in notes if row.model in note.partition(": ")[0].split(", ")]
            assert any("stand as" in note for note in own), row.model


def _cash(row: object) -> float:
    return float(row.cash_to_hold_usd)  # type: ignore[attr-defined] # a row of the comparison
