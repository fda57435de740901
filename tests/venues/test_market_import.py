from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.venues.market_file import write_snapshot
from crossmargin.venues.market_import import import_market, read_market
from tests.market.markets import least

AT_MS = parse_ms("2026-02-05T21:29:37Z")


@pytest.fixture(scope="module")
def folder(market_dir: Path) -> Path:
    return market_dir / "deribit"


def panels(folder: Path) -> list[Path]:
    return sorted(folder.glob("deribit_*_option_chains_6h_*.parquet"))


def test_panels_and_companions_make_one_snapshot(folder: Path) -> None:
    others = [folder / "perpetual_futures_prices.csv", folder / "term_futures_marks.csv.gz"]
    snapshot = import_market([*panels(folder), *others], AT_MS)
    assert snapshot.as_of_ms == parse_ms("2026-02-05T21:29:37.885Z")
    assert sorted(snapshot.places("index")) == ["BTC/USD", "ETH/USD"]
    assert len(snapshot.places("mark_iv")) == 1840
    assert len(snapshot.places("forward")) == 24
    perpetual = snapshot.places("mark")["deribit|BTC-PERPETUAL"]
    assert snapshot.verdict[perpetual] == "estimated"
    future = snapshot.get("mark", "deribit|BTC-27MAR26")
    assert future == pytest.approx(63971.95)
    everything = [parse(*subject.split("|")) for subject in snapshot.places("mark")]
    view = snapshot.view(Instruments.of(everything))
    assert view.ok.all()
    assert view.reads["incoherent"].keys() == {"BTC/USD", "ETH/USD"}


def test_panel_agrees_with_the_csv_of_the_same_instant(folder: Path) -> None:
    panel = import_market(panels(folder), AT_MS)
    chain = import_market(folder / "deribit_options_snapshot_20260205T212937Z.csv.gz")
    for field in ("index", "forward", "mark", "bid", "ask", "open_interest"):
        assert panel.values(field) == chain.values(field)
    assert panel.values("mark_iv") == pytest.approx(chain.values("mark_iv"), rel=1e-12)


def test_companion_of_another_hour_does_not_join(folder: Path) -> None:
    chain = folder / "deribit_options_snapshot_20260205T212937Z.csv.gz"
    alone = import_market(chain)
    assert import_market([chain, folder / "perpetual_futures_prices.csv"]) != alone
    old = folder / "full_ticker_BTC_options_raw_20260120.csv.gz"
    assert import_market([old, folder / "perpetual_futures_prices.csv"]) == import_market(old)


def test_one_pass_of_a_file_that_holds_two(folder: Path) -> None:
    path = folder / "chain_btc_2021_full_ticker.csv"
    first, last = import_market(path, 1_613_068_650_000), import_market(path)
    assert first.as_of_ms == 1_613_068_728_993
    assert last.as_of_ms == 1_613_069_054_256
    assert len(first.places("mark")) == len(last.places("mark")) == 488
    # forwards of that file lie 480 bp under an index that agrees with itself: the index stands
    assert first.get("index", "BTC/USD") == pytest.approx(47835.04)
    assert first.verdict[first.places("index")["BTC/USD"]] == "incoherent"


def test_page_exports_of_every_expiry_imply_forward_index_and_volatility(folder: Path) -> None:
    paths = sorted(folder.glob("ui_export/nov2025-ETH-*.csv"))
    snapshot = import_market(paths, parse_ms("2025-11-18T12:00:00Z"))
    index = snapshot.places("index")["ETH/USD"]
    assert snapshot.verdict[index] == "implied"
    assert snapshot.value[index] == pytest.approx(3125.0, abs=15.0)
    assert {snapshot.verdict[row] for row in snapshot.places("forward").values()} == {"implied"}
    assert {snapshot.verdict[row] for row in snapshot.places("mark_iv").values()} == {
        "implied",
        "estimated",
    }
    vols = snapshot.values("mark_iv").values()
    assert min(vols) > 0.4
    assert max(vols) < 3.0


def test_given_values_are_taken_as_they_are(folder: Path) -> None:
    path = folder / "ui_export/BTC-26APR24-export.csv"
    at_ms = parse_ms("2024-04-20T12:00:00Z")
    call = Instruments.of([parse("deribit", "BTC-26APR24-60000-C")])
    alone = import_market(path, at_ms).view(call)
    assert alone.failures[0].code == "index_missing"
    snapshot = import_market(path, at_ms, index={"BTC/USD": 64000.0}, usd={"USDC": 0.9998})
    assert snapshot.view(call).ok.all()
    assert snapshot.get("usd", "USDC") == 0.9998
    place = snapshot.places("index")["BTC/USD"]
    assert snapshot.source[place] == "given by the caller"


def test_chain_without_volatilities_gets_them_from_its_marks(folder: Path) -> None:
    summary = import_market(folder / "book_summary_ETH_20240108.csv")
    verdicts = [summary.verdict[row] for row in summary.places("mark_iv").values()]
    assert verdicts.count("implied") == 669
    assert verdicts.count("estimated") == 15


def test_read_market_takes_its_own_format_and_any_chain(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write_snapshot(least(), path)
    assert read_market(path) == least()
    raw = folder / "book_summary_BTC_20260313_raw.json"
    assert read_market(raw) == import_market(raw)
    with pytest.raises(CrossMarginError) as caught:
        import_market([path])
    assert caught.value.code == "file_unreadable"


def test_write_and_read_of_a_whole_market(folder: Path, tmp_path: Path) -> None:
    snapshot = import_market(panels(folder), AT_MS)
    for name in ("a", "b"):
        write_snapshot(snapshot, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_market(tmp_path / "a") == snapshot


def test_files_that_do_not_go_together(folder: Path, tmp_path: Path) -> None:
    chain = folder / "deribit_options_snapshot_20260205T212937Z.csv.gz"
    for paths, at_ms, code in (
        ([folder / "perpetual_futures_prices.csv"], None, "column_missing"),
        ([chain, chain], None, "market_duplicate"),
        ([chain], parse_ms("2025-01-01T00:00:00Z"), "number_out_of_range"),
        ([tmp_path / "none.csv"], None, "file_unreadable"),
    ):
        with pytest.raises(CrossMarginError) as caught:
            import_market(paths, at_ms)
        assert caught.value.code == code


def test_volatility_of_a_mark_is_the_venues_own(folder: Path, tmp_path: Path) -> None:
    """The same chain without its volatility column gives it back, to what the marks carry."""
    reply = json.loads((folder / "book_summary_BTC_20260313_raw.json").read_text(encoding="utf-8"))
    known = import_market(folder / "book_summary_BTC_20260313_raw.json")
    for line in reply["result"]:
        del line["mark_iv"]
    (tmp_path / "bare.json").write_text(json.dumps(reply), encoding="utf-8")
    bare = import_market(tmp_path / "bare.json")
    implied = {
        subject: float(bare.value[row])
        for subject, row in bare.places("mark_iv").items()
        if bare.verdict[row] == "implied"
    }
    error = [abs(vol - (known.get("mark_iv", s) or 0.0)) for s, vol in implied.items()]
    assert len(implied) > 850
    assert sorted(error)[len(error) // 2] < 1e-3
    assert sorted(error)[int(0.95 * len(error))] < 0.03


def chain_file(path: Path, times: list[str]) -> Path:
    """A chain CSV of one option a time."""
    head = "timestamp,instrument_name,implied_volatility,futures_price,mark_price,underlying"
    rows = [
        f"{time},BTC-27MAR26-{50000 + 1000 * k}-C,0.6,64000,0.2,64000"
        for k, time in enumerate(times)
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_a_straggler_does_not_drop_the_chain(tmp_path: Path) -> None:
    usual, late = "2026-02-05T21:29:37Z", "2026-02-05T23:00:00Z"
    path = chain_file(tmp_path / "c.csv", [usual] * 5 + [late])
    with pytest.raises(CrossMarginError) as caught:
        import_market(path)
    text = caught.value.text()
    assert caught.value.code == "option_unknown"
    assert all(part in text for part in (usual, late, "--at"))
    snapshot = import_market(path, AT_MS)
    assert len(snapshot.places("mark")) == 5
    assert snapshot.values("rows_ignored") == {"BTC/USD": 1.0}
    whole = import_market(chain_file(tmp_path / "d.csv", [usual] * 5))
    assert not whole.places("rows_ignored")
