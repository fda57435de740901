from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.account_layouts import account_document
from crossmargin.interfaces.tables import plain_text


def test_every_table_is_there(retail: str, market: str) -> None:
    document = account_document(xm.account(retail, market).to_dict())
    names = [table.name for table in document.tables]
    assert names == [
        "account", "ladder", "withdrawable", "cash", "first_below_zero", "isolation",
    ]  # fmt: skip
    text = plain_text(document)
    assert "pooling makes one liquidation path of 9" in text
    assert ">= 1.25 x IM" in text
    assert "> MM" in text
    assert "nan" not in text.lower().split()


def test_lower_bounds_are_marked_and_legs_without_quotes_listed(maker: str, market: str) -> None:
    figures = xm.account(maker, market).to_dict()
    legs = [{"leg": f"deribit X{k}", "quantity": 1.0, "close_usd": 2.0} for k in range(12)]
    document = account_document({**figures, "unquoted": legs})
    text = plain_text(document)
    assert "≥ 1,028,085" in text
    assert "and 2 more, in JSON" in text
