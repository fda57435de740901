"""Premium, fee and gain by hand, the executable side, and legs that are refused."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import CrossMarginError, Failure, InputError, MarketDataError
from crossmargin.margin.whatif_trades import Leg, error_of
from tests.margin.sample_before_trades import CALL, SWAP, bare, leg, ready


def test_a_coin_option() -> None:
    prepared = ready()
    mark = float(prepared.base.view.mark[prepared.column[CALL]])
    fill = prepared.fill(leg(prepared, CALL, -3.0, 0.0125))
    assert fill.premium == pytest.approx(3.0 * 0.0125)  # sold: received
    assert fill.fee == pytest.approx(3.0 * 0.0003)  # 0.0003 coin a contract
    assert fill.gain == pytest.approx(-3.0 * (mark - 0.0125))
    assert fill.cash == pytest.approx(fill.premium - fill.fee)
    cheap = prepared.fill(leg(prepared, CALL, 3.0, 0.0004))
    assert cheap.fee == pytest.approx(3.0 * 0.125 * 0.0004)  # capped at 12.5 % of the price


def test_an_inverse_perpetual_settles_to_the_mark_at_once() -> None:
    prepared = ready()
    mark = float(prepared.base.view.mark[prepared.column[SWAP]])
    fill = prepared.fill(leg(prepared, SWAP, 10_000.0, 60_000.0))
    assert fill.premium == 0.0
    assert fill.gain == fill.settled == pytest.approx(10_000.0 * (1 / 60_000.0 - 1 / mark))
    assert fill.gain > 0.0  # bought below the mark
    assert fill.fee == pytest.approx(0.0005 * 10_000.0 / 60_000.0)


def test_without_a_price_the_executable_side_is_taken() -> None:
    prepared = ready()
    view, column = prepared.base.view, prepared.column[CALL]
    bought, sold = (prepared.fill(leg(prepared, CALL, size)) for size in (1.0, -1.0))
    assert (bought.price, bought.quoted) == (float(view.ask[column]), "ask")
    assert (sold.price, sold.quoted) == (float(view.bid[column]), "bid")
    assert bought.gain < 0.0 and sold.gain < 0.0  # the spread is paid


def test_a_side_without_a_quote_needs_a_price() -> None:
    prepared = ready()
    view = prepared.base.view
    empty = [k for k in range(len(view.instruments)) if not view.has_bid[k] and view.ok[k]]
    options = [k for k in empty if view.instruments.strike[k] > 0.0]
    prepared.desk._terms.clear()
    column = prepared.column[CALL]
    prepared.desk._load(column)
    prepared.desk._terms[column] = prepared.desk._terms[column]._replace(bid=None)
    with pytest.raises(MarketDataError) as told:
        prepared.fill(Leg(column, -1.0))
    assert told.value.code == "quote_missing"
    assert prepared.fill(Leg(column, -1.0, 0.01)).quoted == "given"
    for k in options:
        with pytest.raises(MarketDataError):
            prepared.fill(Leg(k, -1.0))


@pytest.mark.parametrize(
    ("size", "price", "code"),
    [
        (0.0, 0.01, "order_invalid"),
        (float("nan"), 0.01, "order_invalid"),
        (float("inf"), 0.01, "order_invalid"),
        (1e25, 0.01, "order_invalid"),
        (1.0, 0.0, "order_invalid"),
        (1.0, -0.01, "order_invalid"),
        (1.0, float("nan"), "order_invalid"),
    ],
)
def test_bad_legs(size: float, price: float, code: str) -> None:
    prepared = ready()
    with pytest.raises(InputError) as told:
        prepared.fill(leg(prepared, CALL, size, price))
    assert told.value.code == code
    assert told.value.remedy


def test_a_reduce_only_leg_may_only_reduce() -> None:
    prepared = ready(book=bare((CALL, -2.0), ("BTC", 1.0)))
    column = prepared.column[CALL]
    assert prepared.fill(Leg(column, 2.0, 0.01, reduce_only=True)).size == 2.0
    for size in (-1.0, 2.5):  # more of the same, and beyond flat
        with pytest.raises(InputError) as told:
            prepared.fill(Leg(column, size, 0.01, reduce_only=True))
        assert told.value.code == "order_invalid"


def test_a_balance_is_not_traded() -> None:
    for model in ("deribit-spm", "derive-pm2"):
        prepared = ready(model)
        with pytest.raises(InputError) as told:
            prepared.fill(Leg(prepared.column["BTC"], 1.0, 1.0))
        assert told.value.code == "order_invalid"


def test_failures_keep_their_code() -> None:
    view = ready().base.view
    expired = error_of(Failure("deribit X", "instrument_expired", "it expired"), view)
    assert isinstance(expired, InputError) and expired.place == "deribit X"
    other: CrossMarginError = error_of(Failure("deribit X", "vol_missing", "none"), view)
    assert isinstance(other, MarketDataError) and other.code == "vol_missing"
