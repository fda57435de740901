from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from crossmargin.core.errors import Failure
from crossmargin.market.view import View
from tests.market.markets import least, table


def test_lengths_follow_the_table() -> None:
    instruments = table("BTC-13FEB26-60000-C", "BTC-PERPETUAL", "BTC")
    view = least().view(instruments)
    rows, expiries = len(instruments), len(instruments.expiries)
    for name in ("mark", "vol", "bid", "ask", "has_bid", "has_ask", "ok"):
        assert getattr(view, name).shape == (rows,)
    for name in ("forward", "forward_settled", "rate", "life_ms"):
        assert getattr(view, name).shape == (expiries,)
    assert view.index.shape == (len(instruments.pairs),)
    assert view.usd.shape == (len(instruments.names),)
    assert (view.life_ms.dtype, view.ok.dtype) == (np.dtype(np.int64), np.dtype(np.bool_))


def test_optional_reads_fall_back_to_the_given_value() -> None:
    view = least().view(table("BTC"))
    assert view.read("spot_confidence", "BTC", 1.0) == 1.0
    told = dataclasses.replace(view, reads={"spot_confidence": {"BTC": 0.5}})
    assert told.read("spot_confidence", "BTC", 1.0) == 0.5
    assert told.read("spot_confidence", "ETH", 1.0) == 1.0


def test_failures_are_values() -> None:
    view: View = least().view(table("BTC-27MAR26"))
    assert view.failures == (
        Failure("deribit BTC-27MAR26", "forward_missing", "neither a mark nor a forward is known"),
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.as_of_ms = 1  # type: ignore[misc]  # the change is what must fail


def test_a_view_says_when_a_contract_expired() -> None:
    names = ("BTC-13FEB26-60000-C", "BTC-1JAN26-60000-C", "BTC-PERPETUAL")
    view = least().view(table(*names))
    assert view.expired_at("deribit BTC-1JAN26-60000-C") == "2026-01-01T08:00:00Z"
    assert view.expired_at("deribit BTC-13FEB26-60000-C") is None
    assert view.expired_at("deribit BTC-PERPETUAL") is None
    assert view.expired_at("deribit ETH-PERPETUAL") is None
