"""The file: what it says is read, what it should not say is refused by name."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import pytest

from crossmargin.accounts.venue_accounts import Rules
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.unified import unified
from crossmargin.interfaces.unified_file import read_unified
from crossmargin.sample import unified_path
from tests.interfaces.unified_case import BY_TERMS, copied


def test_the_sample_is_read() -> None:
    file = read_unified("sample:three-venues")
    assert [account.name for account in file.accounts] == ["options", "perp", "loan"]
    assert file.net_model == "tims"
    assert file.rules == Rules()
    options, perp, loan = file.accounts
    assert options.model is not None
    assert options.model.spec.name == "deribit-xpm"
    assert perp.trust.transfer_time_s == 600.0
    assert perp.trust.enforceability == 0.0
    assert perp.trust.concentration_cap_usd == math.inf
    assert loan.model is not None and loan.terms is None
    assert loan.model.spec.name == "aave-v3" and loan.venue == "aave"
    assert loan.parameters is not None and "asset.ETH.ltv" in loan.parameters
    assert loan.block == 25_412_377
    assert loan.as_of_ms < options.as_of_ms
    assert sorted(loan.book.quantity.tolist()) == [118.0, 126_000.0]
    kinds = [loan.book.instruments.items[c].kind for c in loan.book.column.tolist()]
    assert sorted(kinds) == [Kind.ASSET, Kind.DEBT]


def test_json_says_the_same(tmp_path: Path) -> None:
    place = copied(tmp_path)
    content = tomllib.loads(place.read_text("utf-8"))
    other = tmp_path / "same.json"
    other.write_text(json.dumps(content), "utf-8")
    one, two = read_unified(place), read_unified(str(other))
    assert [a.trust for a in one.accounts] == [a.trust for a in two.accounts]
    assert [a.book.positions_sha256() for a in one.accounts] == [
        a.book.positions_sha256() for a in two.accounts
    ]


def test_rules_and_volatility(tmp_path: Path) -> None:
    rules = "[rules]\nlower_of = false\nk = 3\nasset_caps_usd = { BTC = 5 }\n\n"
    file = read_unified(copied(tmp_path, ("[net]", f"{rules}[volatility]\nBTC = 0.5\n\n[net]")))
    assert file.rules == Rules(lower_of=False, k=3.0, asset_caps_usd={"BTC": 5.0})
    assert file.volatility == {"BTC": 0.5}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('schema = "unified/1"', 'schema = "unified/9"', "version_unknown"),
        ('schema = "unified/1"', "schema =", "file_unreadable"),
        ('name = "three venues"', "nmae = 1", "column_unknown"),
        ("transfer_fee_usd = 5", "transfer_fee = 5", "column_unknown"),
        ("transfer_fee_usd = 5", "transfer_fee_usd = -5", "number_out_of_range"),
        ("transfer_fee_usd = 5", 'transfer_fee_usd = "five"', "number_unreadable"),
        ("transfer_fee_usd = 5", "transfer_fee_usd = nan", "number_not_finite"),
        ("recovery = 0.2", "enforceability = 1.2", "number_out_of_range"),
        ('model = "tims"', 'modle = "tims"', "column_unknown"),
        ('model = "paradex-xm"', 'model = "no-such"', "model_unknown"),
        ('model = "paradex-xm"\n', "", "option_unknown"),
        ('book = "three-venues-paradex.csv"', 'book = "gone.csv"', "file_unreadable"),
        ('market = "three-venues-perp.parquet"\n', "", "column_missing"),
        ('as_of = "2026-07-03T05:59:48Z"', 'as_of = "noon"', "time_unreadable"),
        ("block = 25412377", "block = -1", "file_unreadable"),
        ("block = 25412377", "block = true", "file_unreadable"),
        ("quantity = 126000", "quantity = -1", "number_out_of_range"),
        ("quantity = 118", "quantity = 118\nltv = 0.8", "column_unknown"),
        ("quantity = 118", 'quantity = "many"', "number_unreadable"),
        ('asset = "ETH"\n', "", "column_missing"),
        ('model = "aave-v3"', 'model = "deribit-xpm"', "option_unknown"),
        (
            'model = "aave-v3"',
            'model = "aave-v3"\nbook = "three-venues-deribit.csv"',
            "option_unknown",
        ),
        ('params = "three-venues-aave.toml"', 'params = "gone.toml"', "file_unreadable"),
        (
            'chain = "ethereum"',
            'chain = "ethereum"\n[account.choices]\nemode = "x"',
            "number_unreadable",
        ),
        ("[net]", "[rules]\nlower_of = 1\n[net]", "file_unreadable"),
        ("[net]", "[rules]\nkk = 1\n[net]", "column_unknown"),
        ("[net]", "rules = 3\n[net]", "file_unreadable"),
    ],
)
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, old: str, new: str, code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        read_unified(copied(tmp_path, (old, new)))
    assert caught.value.code == code, caught.value


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("threshold = 0.83", "threshold = 1.2", "number_out_of_range"),
        ("ltv = 0.805", "ltv = 0.9", "number_out_of_range"),
        ("threshold = 0.83\n", "", "column_missing"),
        ("threshold = 0.83", "treshold = 0.83", "column_unknown"),
    ],
)
def test_terms_in_the_file_are_checked(tmp_path: Path, old: str, new: str, code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        read_unified(copied(tmp_path, *BY_TERMS, (old, new)))
    assert caught.value.code == code, caught.value


def test_a_choice_of_the_protocol_reaches_the_model(tmp_path: Path) -> None:
    chosen = ('chain = "ethereum"', 'chain = "ethereum"\n\n[account.choices]\nemode = 1')
    loan = read_unified(copied(tmp_path, chosen)).accounts[2]
    assert loan.book.choices["emode"].tolist() == [1.0]
    with pytest.raises(CrossMarginError) as caught:  # the set has no such category
        unified(copied(tmp_path, chosen))
    assert caught.value.code == "parameter_missing"


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"schema": "unified/1"},
        {"schema": "unified/1", "account": []},
        {"schema": "unified/1", "account": [3]},
        {"schema": "unified/1", "account": [{"name": "a", "market": "sample:market", "debt": 3}]},
        {"schema": "unified/1", "account": [{"name": "a", "market": "sample:market", "debt": [3]}]},
    ],
)
def test_json_of_another_shape(tmp_path: Path, content: object) -> None:
    place = tmp_path / "u.json"
    place.write_text(json.dumps(content), "utf-8")
    with pytest.raises(CrossMarginError):
        read_unified(place)


def test_no_such_file_or_sample(tmp_path: Path) -> None:
    for source in (tmp_path / "gone.toml", "sample:four-venues"):
        with pytest.raises(CrossMarginError):
            read_unified(source)
    assert unified_path().name == "three-venues.toml"
