from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.payload_bundle import bundle_of, unwrapped


def test_envelopes_come_off() -> None:
    rpc = {"jsonrpc": "2.0", "result": {"a": 1}, "usOut": 1_718_619_740_501_000}
    assert unwrapped(rpc, "x") == ({"a": 1}, 1_718_619_740_501)
    assert unwrapped({"code": "0", "data": [{"a": 1}], "msg": ""}, "x")[0] == {"a": 1}
    bybit = {"retCode": 0, "result": {"a": 1}, "time": 1_774_319_290_506}
    assert unwrapped(bybit, "x") == ({"a": 1}, 1_774_319_290_506)
    assert unwrapped([1], "x") == ([1], None)


def test_an_error_is_refused_with_its_code() -> None:
    for payload in ({"code": "51000", "msg": "bad", "data": []}, {"retCode": 10001}):
        with pytest.raises(InputError) as caught:
            unwrapped(payload, "x")
        assert caught.value.code == "file_unreadable"


def test_sections_beside_the_reply() -> None:
    found = bundle_of(
        {
            "reply": {"jsonrpc": "2.0", "result": {"a": 1}},
            "request": {"params": {"currency": "BTC"}},
            "tickers": {"result": [{"b": 2}], "jsonrpc": "2.0"},
            "time": "2026-01-01T00:00:00Z",
        },
        "case",
    )
    assert (found.reply, found.time_ms) == ({"a": 1}, 1_767_225_600_000)
    assert found.request() == {"currency": "BTC"}
    assert found.section("tickers") == [{"b": 2}]
    assert found.section("prices") is None
    with pytest.raises(InputError) as caught:
        found.needs("prices")
    assert caught.value.code == "column_missing"


def test_a_reply_alone_has_no_request() -> None:
    assert bundle_of({"result": {"a": 1}}, "x").request() == {}
    with pytest.raises(InputError):
        bundle_of({"reply": 1, "request": []}, "x").request()
