"""The verbs: what fails an account, what the notes admit, and one number through every door."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError, InputError, MarketDataError
from crossmargin.interfaces.cli import main
from crossmargin.margin.model import Standing
from crossmargin.margin.register import ALL_MODELS
from crossmargin.margin.run import run
from crossmargin.sample import BOOKS, book_path
from tests.conformance.takers import SAMPLE_TAKERS

MODELS = [model.spec.name for model in ALL_MODELS]
PERPETUAL = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": -100000.0}
UNQUOTED = {
    "type": "order",
    "venue": "deribit",
    "instrument": "BTC-27DEC30",
    "side": "buy",
    "remaining": 100000.0,
    "limit_price": 60000.0,
}
EXPIRED = {"venue": "deribit", "instrument": "BTC-2JUL26-60000-C", "quantity": 1.0}


def printed(arguments: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> bytes:
    """What a command prints; it must succeed."""
    capsysbinary.readouterr()
    assert main(arguments) == 0, capsysbinary.readouterr().err
    return capsysbinary.readouterr().out


@pytest.mark.parametrize("model", SAMPLE_TAKERS)
@pytest.mark.parametrize("name", BOOKS)
def test_one_number_through_every_door(
    name: str, model: str, market: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = str(book_path(name))
    arguments = ["margin", path, "--market", market, "--model", model]
    (row,) = xm.compare(path, market, model).rows
    if row.error is not None:  # it does not apply: every door says so with one code
        with pytest.raises(CrossMarginError) as caught:
            xm.margin(path, market, model)
        assert row.error.startswith(caught.value.code)
        assert main(arguments) == 2
        return
    result = xm.margin(path, market, model)
    from_json = json.loads(printed([*arguments, "--json"], capsysbinary))["result"]
    assert from_json == json.loads(json.dumps(result.to_dict()))
    text = printed([*arguments, "--csv"], capsysbinary).decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["table"] == "margin"]
    account = result.accounts[0]
    for pool in account["pools"]:
        row = next(r for r in rows if r["pool"] == pool["pool"])
        for key in ("im", "mm", "equity", "counted_im", "counted_mm", "im_usage", "worst_loss"):
            if pool[key] is not None:
                assert float(row[key]) == pool[key], key
    total = next((r for r in rows if (r["pool"], r["currency"]) == ("total", "USD")), rows[0])
    assert float(total["im"]) == account["im_usd"] == result.im_usd
    assert float(total["mm"]) == account["mm_usd"] == result.mm_usd


@pytest.mark.parametrize("name", BOOKS)
def test_compare_through_every_door(
    name: str, market: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = str(book_path(name))
    result = xm.compare(path, market)
    arguments = ["compare", path, "--market", market]
    assert json.loads(printed([*arguments, "--json"], capsysbinary)) == json.loads(
        json.dumps(result.to_dict())
    )
    text = printed([*arguments, "--csv"], capsysbinary).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    for figures in result.figures["models"]:
        mine = [row for row in rows if row["model"] == figures["model"]]
        for key, value in figures.items():
            cells = [row[key] for row in mine if row.get(key)]
            if isinstance(value, float) and key in rows[0]:
                assert cells, key
                assert [float(cell) for cell in cells] == [value] * len(cells), key


@pytest.mark.parametrize("model", SAMPLE_TAKERS)
def test_compare_and_margin_give_the_same_requirement(model: str, maker: str, market: str) -> None:
    row = xm.compare(maker, market, [model]).rows[0]
    if row.error is not None:
        with pytest.raises(CrossMarginError):
            xm.margin(maker, market, model)
        return
    alone = xm.margin(maker, market, model)
    assert (row.im_usd, row.mm_usd) == (alone.im_usd, alone.mm_usd)
    assert row.bound.value == alone.figures["bound"]


def test_the_verb_and_the_room_give_the_same_requirement(retail: str, market: str) -> None:
    result = xm.margin(retail, market, "deribit-spm")
    book, snapshot = xm.read_book(retail), xm.read_market(market)
    plain = run(book, snapshot.view(book.instruments), xm.model_named("deribit-spm"))
    assert float(plain.sheet["im"][0]) == result.accounts[0]["pools"][0]["im"]


@pytest.mark.parametrize(
    ("rows", "kind", "code"),
    [
        ([PERPETUAL, EXPIRED], InputError, "instrument_expired"),
        (
            [{"venue": "deribit", "instrument": "SOL_USDC-PERPETUAL", "quantity": 1.0}],
            MarketDataError,
            "index_missing",
        ),
        (
            [{"venue": "deribit", "instrument": "BTC-27DEC30-60000-C", "quantity": 1.0}],
            MarketDataError,
            "forward_missing",
        ),
        ([PERPETUAL, UNQUOTED], MarketDataError, "forward_missing"),
    ],
    ids=["expired", "index", "forward", "order"],
)
def test_what_fails_the_only_account_is_an_error(
    rows: list[dict[str, object]], kind: type[CrossMarginError], code: str, market: str
) -> None:
    for verb in (xm.margin, xm.compare):
        with pytest.raises(kind) as caught:
            verb(rows, market)
        assert caught.value.code == code
        assert str(rows[-1]["instrument"]) in caught.value.place
        assert caught.value.remedy


def test_what_fails_one_account_of_several_is_a_list(market: str) -> None:
    rows = [{**PERPETUAL, "account": "good"}, {**EXPIRED, "account": "late"}]
    result = xm.margin(rows, market, "deribit-spm", readings=True)
    assert [account["account"] for account in result.accounts] == ["good"]
    assert [(f["account"], f["code"]) for f in result.failures] == [("late", "instrument_expired")]
    alone = xm.margin([PERPETUAL], market, "deribit-spm", readings=True)
    assert result.accounts[0]["im_usd"] == alone.im_usd
    assert result.accounts[0]["im_high_usd"] == alone.accounts[0]["im_high_usd"]
    assert "late" in repr(result)


def test_where_every_account_fails_it_is_an_error(market: str) -> None:
    rows = [{**EXPIRED, "account": "a"}, {**EXPIRED, "account": "b"}]
    with pytest.raises(InputError, match="instrument_expired"):
        xm.margin(rows, market)


def test_an_order_in_an_expired_contract_is_an_error(market: str) -> None:
    order = {
        "type": "order",
        "venue": "deribit",
        "instrument": "BTC-2JUL26-60000-C",
        "side": "buy",
        "remaining": 1.0,
        "limit_price": 0.01,
    }
    with pytest.raises(InputError, match="instrument_expired"):
        xm.margin([PERPETUAL, order], market)


def test_an_option_alive_at_the_snapshot_is_dead_after_its_hour(market: str) -> None:
    option = {"venue": "deribit", "instrument": "BTC-3JUL26-68000-C", "quantity": -1.0}
    assert xm.margin([option], market).im_usd > 0.0
    assert xm.margin([option], market, as_of="2026-07-03T08:00:00Z").im_usd >= 0.0
    with pytest.raises(InputError, match="instrument_expired"):
        xm.margin([option], market, as_of="2026-07-03T08:00:00.001Z")


def test_a_mapped_book_says_what_the_mapping_loses(retail: str, market: str) -> None:
    notes = "\n".join(xm.margin(retail, market, "derive-pm2").figures["notes"])
    assert "mapped to derive: BTC-settled contracts stand as USDC contracts" in notes
    assert "their price risk is lost" in notes
    assert "mapped" not in "\n".join(xm.margin(retail, market, "deribit-spm").figures["notes"])


def test_lots_are_counted(retail: str, market: str) -> None:
    result = xm.margin(retail, market, "deribit-spm")
    assert f"{result.book.lots_merged} rows were lots" in "\n".join(result.figures["notes"])


def test_a_model_that_cannot_take_the_book_has_a_reason_and_no_number(
    tmp_path: Path, market: str
) -> None:
    rows = [{"venue": "okx", "instrument": "BTC-USD-SWAP", "quantity": 3.0}]
    found = {row["model"]: row for row in xm.compare(rows, market).figures["models"]}
    assert "kind_not_accepted" in found["deribit-spm"]["error"]
    assert "im_usd" not in found["deribit-spm"]
    assert found["fixed-rate"]["error"] is None


def test_unknown_models_are_refused(retail: str, market: str) -> None:
    for call in (
        lambda: xm.margin(retail, market, "deribit-zpm"),
        lambda: xm.compare(retail, market, "deribit-spm,deribit-zpm"),
        lambda: xm.models("deribit-zpm"),
    ):
        with pytest.raises(InputError, match="model_unknown"):
            call()


def test_models_lists_the_register_and_every_number_of_a_model() -> None:
    assert [each["model"] for each in xm.models().figures["models"]] == MODELS
    for model in ALL_MODELS:
        card = xm.models(model.spec.name).figures
        assert [rule["rule"] for rule in card["rules"]] == [r.name for r in model.spec.rules]
        for found in card["parameter_sets"]:
            for entry in found["entries"]:
                assert entry["unit"], entry
                assert entry["source"], entry


def test_the_quality_of_the_sample_market(market: str) -> None:
    result = xm.quality(market)
    assert not result.bad
    assert {pair["pair"] for pair in result.figures["pairs"]} >= {"BTC/USD", "ETH/USD"}
    assert sum(result.figures["verdicts"].values()) == result.figures["rows"]


def test_compare_without_names_shows_what_applies_the_least_cash_first(market: str) -> None:
    for name in BOOKS:
        rows = xm.compare(str(book_path(name)), market).rows
        good = [row for row in rows if row.error is None]
        assert rows[: len(good)] == tuple(good)
        holds = [row.cash_to_hold_usd for row in good]
        assert holds == sorted(holds)
        assert {row.model for row in rows} == set(MODELS)
        for row in rows[len(good) :]:
            assert row.error
            assert "\n" not in row.error
            assert ", accepted: " not in row.error
        named = xm.compare(str(book_path(name)), market, MODELS).rows
        assert [row.model for row in named] == MODELS
        standing = {model.spec.name: model.spec.standing for model in ALL_MODELS}
        asked = {row.model: row for row in named}
        for row in rows:
            if row.error is None:
                assert asked[row.model] == row
            elif standing[row.model] is Standing.ACTIVE:
                assert asked[row.model].error
            else:
                assert row.error.startswith(standing[row.model].value)
