"""The verb protect: figures, files that a what-if reads, real chains, refusals."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.protect import ProtectResult, _coins_alone, _largest_coin
from crossmargin.interfaces.sources import book_of, snapshot_of
from crossmargin.interfaces.whatif_legs import candidates_of
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market
from tests.margin.sense import DAYS
from tests.real_history import real_history

HOLDER = [{"type": "balance", "account": "a", "venue": "deribit", "currency": "BTC",
           "quantity": 10.0}]  # fmt: skip


@cache
def result() -> ProtectResult:
    """Coins alone, with every part that can be asked for."""
    return xm.protect(
        "BTC:10", "sample:market", cppi=(3.0, 5.0), tail_budget=0.02, paths=200, seed=3
    )


def _rows(book: str, venue: str) -> Any:
    return _coins_alone(book, venue)


def test_coins_alone_are_a_book_of_one_balance() -> None:
    other = xm.protect(HOLDER, "sample:market", strategies=["put"])
    mine = [each for each in result().candidates if each["strategy"] == "put"]
    assert [each["legs"] for each in other.candidates] == [each["legs"] for each in mine]
    assert _coins_alone("book.csv", None) == "book.csv"
    assert _rows("ETH:2.5", "derive")[0]["venue"] == "derive"


def test_the_largest_coin_of_the_account_is_protected() -> None:
    market = snapshot_of("sample:market")
    for book, coin in (("sample:market-maker", "BTC"), ("sample:retail-short-vol", "BTC")):
        assert _largest_coin(book_of(book), market) == coin
    with pytest.raises(InputError) as refused:
        _largest_coin(book_of([{**HOLDER[0], "currency": "USDC"}]), market)
    assert refused.value.code == "option_unknown"


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_intents_are_read_back_by_a_what_if(kind: str, tmp_path: Path) -> None:
    found = result()
    for number in (1, 4):
        place = found.write_intents(tmp_path / f"hedge.{kind}", number)
        (only,) = candidates_of(place)
        figures = found.candidates[number - 1]
        assert sorted((leg.name, leg.size, leg.price) for leg in only.legs) == sorted(
            (leg["instrument"], leg["size"], leg["price"]) for leg in figures["legs"]
        )
        again = xm.whatif(HOLDER, "sample:market", rank=place)
        assert again.after.im_usd == figures["im_usd"]
        assert again.after.mm_usd == figures["mm_usd"]


def test_the_json_holds_every_figure_and_the_receipt() -> None:
    read = json.loads(result().to_json())
    assert read["candidates"] == json.loads(json.dumps(result().candidates))
    assert read["receipt"]["command"].startswith("crossmargin protect BTC:10 --market")
    assert len(read["tail"]["crashes"]) == 2
    assert {row["strategy"] for row in read["compared"]["rows"]} >= {"no hedge", "CPPI, m 3"}
    assert "seed 3" in read["compared"]["paths"]
    assert "hedges" in result().to_csv()
    assert "zero-cost collar" in repr(result())


def test_the_receipt_gives_the_same_bits(capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    from crossmargin.interfaces.cli import main

    command = shlex.split(result().receipt.command)[1:]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(result().to_json())


def test_stretches_of_the_history_replace_drawn_paths() -> None:
    found = xm.protect("BTC:1", "sample:market", strategies=["put"], cppi=[4.0], replay=True)
    compared = found.figures["compared"]
    assert "stretches" in compared["paths"]
    assert all(0.0 <= row["breach_fraction"] <= 1.0 for row in compared["rows"])


def test_it_reads_like_the_market_that_it_saw() -> None:
    words = " ".join(result().figures["notes"])
    assert "1000 daily moves" in words
    assert "not quoted and not used" in words
    assert "BTC-31JUL26-90000-P (no bid)" in words
    maker = xm.protect("sample:market-maker", "sample:market", strategies=["put"])
    assert any("only BTC moves" in note for note in maker.figures["notes"])


def test_files_of_another_kind_and_numbers_of_no_hedge(tmp_path: Path) -> None:
    for call in (
        lambda: result().write_intents(tmp_path / "a.txt"),
        lambda: result().plot(tmp_path / "a.gif"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.code == "option_unknown"
    with pytest.raises(InputError) as refused:
        result().intents(1000)
    assert refused.value.code == "number_out_of_range"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"coin": "DOGE"}, "index_missing"),
    ({"strategies": ["straddle"]}, "option_unknown"),
    ({"floor": 1.2}, "number_out_of_range"),
    ({"cppi": [-3.0]}, "number_out_of_range"),
    ({"tail_budget": 0.0}, "number_out_of_range"),
    ({"cppi": [3.0], "paths": 0}, "number_out_of_range"),
    ({"account": "nobody"}, "option_unknown"),
]


@pytest.mark.parametrize(("change", "code"), BAD)
def test_bad_wishes(change: dict[str, Any], code: str) -> None:
    with pytest.raises(CrossMarginError) as refused:
        xm.protect(HOLDER, "sample:market", **change).figures  # noqa: B018 # figures are made on need
    assert refused.value.code == code


def test_the_chain_of_the_crash(market_dir: Path) -> None:
    """BTC at 63,720 on 2026-02-05: the floor holds, what has no quote is named."""
    time, stamp = DAYS["crash"]
    path = market_dir / "deribit" / f"deribit_options_snapshot_{stamp}.csv.gz"
    if not path.is_file():
        pytest.skip("no recorded chain in the --market folder")
    at_ms = parse_ms(time)
    market = import_market([path], at_ms=at_ms)
    market = market.with_rows(real_history(market_dir, at_ms, ("BTC",)))
    for model in ("deribit-xpm", "derive-pm2"):
        found = xm.protect(HOLDER, market, model, cppi=[3.0], paths=300)
        rows = found.candidates
        assert found.figures["floor_usd"] == pytest.approx(509_763.5, abs=1.0)
        assert {"put", "collar", "zero-cost collar"} <= {each["strategy"] for each in rows}
        assert len(found.figures["missing"]) > 20
        for each in rows:
            if each["holds"]:
                assert each["least_usd"] >= found.figures["floor_usd"] - 1e-6
            if model == "deribit-xpm" and each["strategy"] in ("put", "cheapest mix"):
                assert each["marginal_im_usd"] <= 1e-6
        if model == "deribit-xpm":
            _is_documented(found)
        puts = {e["expiry"]: e["cost_usd"] for e in rows if e["strategy"] == "put"}
        mixes = {e["expiry"]: e["cost_usd"] for e in rows if e["strategy"] == "cheapest mix"}
        assert all(mixes[expiry] <= cost + 500.0 for expiry, cost in puts.items())


PAGE = Path(__file__).parents[2] / "docs" / "protection.md"


def _is_documented(found: ProtectResult) -> None:
    """The table of the page is what the best of each kind says now."""
    text = PAGE.read_text("utf-8").partition("<!-- crash -->")[2]
    best: dict[str, dict[str, Any]] = {}
    for each in found.candidates:
        best.setdefault(each["strategy"], each)
    for kind in ("zero-cost collar", "collar", "put", "cheapest mix"):
        each = best[kind]
        legs = ", ".join(f"{leg['size']:+g} {leg['instrument']}" for leg in each["legs"])
        row = (
            f"| {kind} | {legs} | {each['cost_usd']:,.0f} | {each['horizon_cost_usd']:,.0f} | "
            f"{100 * each['upside_kept_fraction']:.1f} % | {each['marginal_im_usd']:,.0f} |"
        )
        assert row in text, row
    assert f"IM before: {found.figures['im_usd']:,.0f}" in text
    assert f"{len(found.figures['missing'])} options of the four expiries" in text


def test_the_page_says_what_the_sample_says() -> None:
    text = PAGE.read_text("utf-8").replace("−", "-")
    rows = {(e["strategy"], (e["expiry"] or "")[5:10]): e for e in result().candidates}
    for kind, day in (("perp short", ""), ("collar", "07-31"), ("zero-cost collar", "09-25"),
                      ("cheapest mix", "07-31"), ("put", "08-28")):  # fmt: skip
        each = rows[kind, day]
        cells = (
            f"| {each['cost_usd']:,.0f} USD | {each['horizon_cost_usd']:,.0f} USD | "
            f"{100 * each['upside_kept_fraction']:.1f} % | {each['marginal_im_usd']:,.0f} USD |"
        )
        assert cells in text, (kind, cells)


def test_sizes_at_the_touch_are_read_where_the_chain_has_them(market_dir: Path) -> None:
    path = market_dir / "deribit" / "full_ticker_BTC_options_raw_20260120.csv.gz"
    if not path.is_file():
        pytest.skip("no recorded chain in the --market folder")
    found = xm.protect("BTC:2", import_market([path]), strategies=["put", "collar"])
    shares = [each["depth_share"] for each in found.candidates]
    assert any(share is not None and share > 0.0 for share in shares)


@pytest.mark.parametrize("coins", ["BTC:-1", "BTC:nan", "BTC:ten", "BTC:"])
def test_coins_that_are_no_amount_are_refused_by_their_form(coins: str) -> None:
    with pytest.raises(InputError) as caught:
        xm.protect(coins, "sample:market")
    assert caught.value.place == coins
    assert "COIN:AMOUNT" in caught.value.message


def test_the_tail_hedge_keeps_a_margin_budget() -> None:
    def asked(**kw: float) -> Any:
        return xm.protect("BTC:10", "sample:market", strategies=["put"], expiries=1, **kw)

    free = asked(tail_budget=0.02).figures["tail"]
    most = 105_500.0
    kept = asked(tail_budget=0.02, tail_margin=most)
    tail = kept.figures["tail"]
    assert free["im_usd"] > most >= tail["im_usd"]
    assert tail["margin_price"] > 0.0
    assert free["margin_price"] == 0.0
    assert [c["payoff_usd"] for c in tail["crashes"]] < [c["payoff_usd"] for c in free["crashes"]]
    again = xm.whatif(
        HOLDER, "sample:market", add=[f"{leg['instrument']}:{leg['size']}" for leg in tail["legs"]]
    )
    assert again.after.im_usd == pytest.approx(tail["im_usd"], abs=1e-9)
    assert "at most 105,500 USD asked" in " ".join(repr(kept).split())
    assert f"--tail-margin {most}" in kept.receipt.to_dict()["command"]
    paid = asked(tail_budget=0.02, margin_rate=0.1).figures["tail"]
    budget = paid["budget_usd_per_year"] - 0.1 * paid["marginal_im_usd"]
    assert paid["cost_usd_per_year"] <= budget + 0.1
    assert paid["marginal_im_usd"] < free["marginal_im_usd"]
    with pytest.raises(InputError) as refused:
        asked(tail_margin=most)
    assert refused.value.code == "option_unknown"
    with pytest.raises(ModelError):
        asked(tail_budget=0.02, tail_margin=1000.0)


def _okx() -> Snapshot:
    """The sample market's coin-settled BTC contracts under their names at OKX."""
    rows = []
    for row in snapshot_of("sample:market").rows():
        venue, bar, name = row.subject.partition("|")
        if not bar:
            rows.append(row)
            continue
        item = parse(venue, name)
        if item.underlying != "BTC" or item.kind not in (Kind.OPTION, Kind.PERPETUAL):
            continue
        day = format_ms(item.expiry_ms)[2:10].replace("-", "")
        other = f"BTC-USD-{day}-{item.strike:.0f}-{name[-1]}"
        other = "BTC-USD-SWAP" if item.kind == Kind.PERPETUAL else other
        rows.append(row._replace(subject=f"okx|{other}"))
    return Snapshot.of(rows, snapshot_of("sample:market").as_of_ms)


def test_contracts_of_a_hundredth_of_a_coin_are_sized_in_contracts() -> None:
    """The same quotes at OKX, where an option is 0.01 BTC: a hundred times the size, one cost."""
    kinds = ["put", "collar", "perp-short", "cheapest-mix"]
    here = xm.protect("BTC:10", "sample:market", strategies=kinds, expiries=2)
    book = [{**HOLDER[0], "venue": "okx"}]
    there = xm.protect(book, _okx(), "okx-pm", strategies=kinds, expiries=2, tail_budget=0.02)
    mine = {(e["strategy"], e["expiry"]): e for e in here.candidates}
    other = {(e["strategy"], e["expiry"]): e for e in there.candidates}
    assert mine.keys() == other.keys()
    for key, each in other.items():
        assert each["holds"]
        twin, unit = mine[key], 100.0 if key[0] == "perp short" else 0.01
        if key[0] != "perp short":
            bought = sum(max(leg["size"], 0.0) for leg in each["legs"]) * unit
            assert bought <= sum(max(leg["size"], 0.0) for leg in twin["legs"]) + 1e-9
            assert bought == pytest.approx(
                sum(max(leg["size"], 0.0) for leg in twin["legs"]), abs=0.21
            )
        assert each["cost_usd"] == pytest.approx(twin["cost_usd"], rel=0.02, abs=60.0)
    tail = there.figures["tail"]
    assert tail["cost_usd_per_year"] <= tail["budget_usd_per_year"]
    assert tail["legs"]
