"""Linked accounts as one: what they hold against each other hides nothing and hedges nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.linked import joined, linked_names
from crossmargin.interfaces.sources import book_of

MARKET = "sample:market"
CALL = "BTC-31JUL26-80000-C"
OWN = {"venue": "deribit"}


def row(account: str, name: str, size: float, entry: float | None = None) -> dict[str, object]:
    kind = "balance" if name == "BTC" else "position"
    found = {**OWN, "account": account, "type": kind, "instrument": name, "quantity": size}
    return found if entry is None else {**found, "entry_price": entry}


ROWS = [
    row("a", "BTC", 1.5),
    row("a", "BTC-PERPETUAL", 500_000.0, 66_000.0),
    row("a", CALL, 20.0),
    row("b", "BTC", 4.0),
    row("b", "BTC-PERPETUAL", -400_000.0, 67_000.0),
    row("b", CALL, -20.0),
    row("c", "BTC", 1.0),
]


def test_the_owner_is_margined_on_the_net_and_equity_is_the_sum() -> None:
    found = xm.account(ROWS, MARKET, "deribit-spm", linked=("a", "b")).to_dict()
    linked = found["linked"]
    alone = {n: xm.account(ROWS, MARKET, "deribit-spm", account=n).to_dict() for n in "ab"}
    assert found["account"] == "a+b" and len(linked["accounts"]) == 2
    for each in linked["accounts"]:
        assert each["im_usd"] == pytest.approx(alone[each["account"]]["im_usd"], rel=1e-12)
    # Entry prices are kept, so that no profit is lost where a position remains.
    total = sum(each["equity_mark_usd"] for each in alone.values())
    assert found["equity_mark_usd"] == pytest.approx(total, rel=1e-12)
    assert linked["equity_left_out_usd"] == pytest.approx(0.0, abs=1e-6)
    net = [row("n", "BTC", 5.5), row("n", "BTC-PERPETUAL", 100_000.0)]
    assert found["im_usd"] == pytest.approx(xm.margin(net, MARKET, "deribit-spm").im_usd, rel=1e-6)
    assert linked["im_together_usd"] < 0.1 * linked["im_alone_usd"]


def test_what_is_held_against_oneself_and_the_share() -> None:
    linked = xm.account(ROWS, MARKET, "deribit-spm", linked=("b", "a")).to_dict()["linked"]
    rows = {each["contract"]: each for each in linked["contracts"]}
    perp, call = rows["BTC-PERPETUAL"], rows[CALL]
    assert (perp["long"], perp["short"], perp["net"]) == (500_000.0, -400_000.0, 100_000.0)
    assert perp["matched"] == 400_000.0
    assert perp["matched_usd"] == pytest.approx(400_000.0, rel=1e-3)  # contracts of one dollar
    assert call["matched"] == 20.0 and call["net"] == 0.0
    interest = xm.read_market(xm.sample.market_path()).get("open_interest", f"deribit|{CALL}")
    assert interest is not None
    assert call["share_of_interest"] == pytest.approx(20.0 / interest)
    multiplier = 1.0 + 2.0 * (20.0 / interest - 0.05)
    assert linked["share_multiplier"] == pytest.approx(multiplier)
    assert linked["im_with_share_usd"] == pytest.approx(multiplier * linked["im_together_usd"])
    assert linked["matched_usd"] == pytest.approx(perp["matched_usd"] + call["matched_usd"])


def test_three_accounts_lose_no_coin() -> None:
    found = xm.account(ROWS, MARKET, "deribit-spm", linked=("all",)).to_dict()
    assert found["linked"]["equity_left_out_usd"] == pytest.approx(0.0, abs=1e-6)
    held = joined(book_of(ROWS), ("a", "b", "c"))
    names = [held.instruments.items[c].native_id for c in held.column.tolist()]
    sizes = dict(zip(names, held.quantity.tolist(), strict=True))
    assert sizes.get("BTC") == 6.5 and sizes["BTC-PERPETUAL"] == 100_000.0
    assert not sizes.get(CALL)


def test_a_profit_that_cancels_is_said() -> None:
    """Without balances equity is profit since entry: what remains keeps it, what cancels cannot."""
    rows = [
        row("a", "BTC-PERPETUAL", 100_000.0, 60_000.0),
        row("a", "ETH-PERPETUAL", 50_000.0, 1_900.0),
        row("b", "BTC-PERPETUAL", -100_000.0, 60_500.0),
        row("b", "ETH-PERPETUAL", -20_000.0, 2_100.0),
    ]
    found = xm.account(rows, MARKET, "fixed-rate", linked=("all",)).to_dict()
    coins = 100_000.0 * (1.0 / 60_000.0 - 1.0 / 60_500.0)
    left = found["linked"]["equity_left_out_usd"]
    assert left == pytest.approx(coins * 68_410.0, rel=1e-3)
    assert any("profit since entry of positions that cancel" in note for note in found["notes"])


def test_open_orders_stay_with_the_owner() -> None:
    held = book_of(xm.sample.book_path("market-maker"))
    twice = book_of(ROWS)
    assert joined(twice, ("a", "b")).account == ("a+b",)
    assert len(held.orders.items) > 0
    with pytest.raises(InputError):
        linked_names(held, ("all",))  # one account is linked to nobody


@pytest.mark.parametrize("linked", [("a",), ("a", "x"), ("a", "a"), ("none",)])
def test_who_is_not_linked_is_refused(linked: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as wrong:
        xm.account(ROWS, MARKET, "deribit-spm", linked=linked)
    assert wrong.value.code == "option_unknown"


def test_a_reported_equity_is_not_an_owners() -> None:
    equity = {**OWN, "account": "a", "type": "equity", "instrument": "BTC", "quantity": 2.0}
    with pytest.raises(InputError):
        xm.account([*ROWS[1:], equity], MARKET, "deribit-spm", linked=("a", "b"))


def test_the_command_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "two.csv"
    lines = ["type,account,venue,instrument,quantity,entry_price"]
    lines += [
        f"{r['type']},{r['account']},deribit,{r['instrument']},{r['quantity']},"
        f"{r.get('entry_price', '')}"
        for r in ROWS
    ]
    book.write_text("\n".join(lines) + "\n", "utf-8")
    command = ["account", str(book), "--market", MARKET, "--model", "deribit-spm"]
    assert main([*command, "--linked", "a,b"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "accounts of one owner" in out and "for its share of open interest" in out
    assert "no venue nets them" in out and "--linked a,b" in out
    assert main([*command, "--linked", "all", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["account"] == "a+b+c" and len(found["linked"]["accounts"]) == 3
    assert main([*command, "--linked", "a,nobody"]) == 2
