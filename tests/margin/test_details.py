from __future__ import annotations

import crossmargin as xm
from crossmargin.margin.details import details_of, stage_of, warnings_of
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.models.fixed_rate import FixedRate
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.sample import book_path, market_path


class Talkative(FixedRate):  # type: ignore[misc]  # a final class, made to speak in a test
    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        columns = (("line", "line", "name"), ("size", "size", "quantity"))
        rows = tuple(
            (priced.pool.instruments.label(c), q)
            for c, q in zip(held.column.tolist(), held.quantity.tolist(), strict=True)
        )
        return (Detail("lines", "what is held", columns, rows),)

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        return (f"{priced.pool.label}: {len(held.column)} lines",)


def test_a_model_speaks_of_one_row() -> None:
    found = xm.margin(book_path("retail-short-vol"), market_path(), model="fixed-rate").requirement
    assert details_of(found, 0) == ()
    assert warnings_of(found, 0) == ()
    model = Talkative()
    spoken = run(found.book, found.view, model, found.parameters)
    (detail,) = details_of(spoken, 0)
    assert len(detail.rows) == len(spoken.book.column)
    assert warnings_of(spoken, 0) == (f"BTC: {len(detail.rows)} lines",)
    priced, held = stage_of(spoken, 0)
    assert priced is spoken.priced[0]
    assert len(held.row) == 2
