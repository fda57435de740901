from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.collateral_layouts import collateral_document
from crossmargin.interfaces.tables import plain_text


def test_every_table_is_there(maker: str, market: str) -> None:
    document = collateral_document(xm.collateral(maker, market, model="deribit-xpm").to_dict())
    names = [table.name for table in document.tables]
    assert names == ["assets", "sums", "debts", "changes", "shocks"]
    text = plain_text(document)
    assert "options, net at the mark" in text
    assert "Average haircut" in text
    assert "health 4." in document.title


def test_nothing_needed_and_caps_out_of_reach(market: str) -> None:
    row = {"type": "balance", "account": "a", "venue": "deribit", "instrument": "BTC"}
    calm = collateral_document(xm.collateral([{**row, "quantity": 1.0}], market).to_dict())
    assert "nothing is needed" in calm.title
    debt = {**row, "instrument": "USDC", "quantity": -9e8}
    rows = [{**row, "quantity": 1.0}, debt]
    short = collateral_document(xm.collateral(rows, market).to_dict())
    assert "short of what is needed" in short.title
    assert "no top-up: the caps are reached" in plain_text(short)
