"""Names of every venue, both ways, and what must be refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.clock import NEVER_MS, utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments import symbology
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.names_lending import LENDING

DEC27 = utc_ms(2024, 12, 27, 8)
MAR28 = utc_ms(2025, 3, 28, 8)


def _otoken(settle: str, inverse: bool, right: int) -> tuple[object, ...]:
    return "OPTION", f"WETH USDC {settle}", inverse, 1.0, right, 4000.0, DEC27


# venue, id, kind, underlying, quote, settle, inverse, multiplier, right, strike, expiry
FACTS = [
    ("deribit", "BTC-PERPETUAL", "PERPETUAL", "BTC USD BTC", True, 1.0, 0, 0.0, NEVER_MS),
    ("deribit", "BTC-28MAR25", "FUTURE", "BTC USD BTC", True, 1.0, 0, 0.0, MAR28),
    ("deribit", "BTC-27DEC24-100000-C", "OPTION", "BTC USD BTC", True, 1.0, 1, 1e5, DEC27),
    ("deribit", "SOL_USDC-PERPETUAL", "PERPETUAL", "SOL USDC USDC", False, 1.0, 0, 0, NEVER_MS),
    ("deribit", "XRP_USDC-27DEC24-0d625-P", "OPTION", "XRP USDC USDC", False, 1, -1, 0.625, DEC27),
    ("deribit", "BTC_USDC", "ASSET", "BTC USDC USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("deribit", "BTC", "ASSET", "BTC USD BTC", False, 1.0, 0, 0.0, NEVER_MS),
    ("okx", "BTC-USD-241227-100000-C", "OPTION", "BTC USD BTC", True, 0.01, 1, 1e5, DEC27),
    ("okx", "ETH-USD-241227-4000-P", "OPTION", "ETH USD ETH", True, 0.1, -1, 4e3, DEC27),
    ("okx", "BTC-USD-SWAP", "PERPETUAL", "BTC USD BTC", True, 100.0, 0, 0.0, NEVER_MS),
    ("okx", "ETH-USD-SWAP", "PERPETUAL", "ETH USD ETH", True, 10.0, 0, 0.0, NEVER_MS),
    ("okx", "BTC-USDT-SWAP", "PERPETUAL", "BTC USDT USDT", False, 0.01, 0, 0.0, NEVER_MS),
    ("okx", "ETH-USDT-SWAP", "PERPETUAL", "ETH USDT USDT", False, 0.1, 0, 0.0, NEVER_MS),
    ("okx", "BTC-USD-250328", "FUTURE", "BTC USD BTC", True, 100.0, 0, 0.0, MAR28),
    ("bybit", "BTC-27DEC24-100000-C", "OPTION", "BTC USDC USDC", False, 1.0, 1, 1e5, DEC27),
    ("bybit", "BTC-27DEC24-100000-C-USDT", "OPTION", "BTC USDT USDT", False, 1.0, 1, 1e5, DEC27),
    ("bybit", "BTCUSDT", "PERPETUAL", "BTC USDT USDT", False, 1.0, 0, 0.0, NEVER_MS),
    ("bybit", "BTCPERP", "PERPETUAL", "BTC USDC USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("bybit", "BTCUSD", "PERPETUAL", "BTC USD BTC", True, 1.0, 0, 0.0, NEVER_MS),
    ("bybit", "BTCUSDH25", "FUTURE", "BTC USD BTC", True, 1.0, 0, 0.0, MAR28),
    ("bybit", "BTC-28MAR25", "FUTURE", "BTC USDC USDC", False, 1.0, 0, 0.0, MAR28),
    ("bybit", "BTCUSDT-28MAR25", "FUTURE", "BTC USDT USDT", False, 1.0, 0, 0.0, MAR28),
    ("binance", "BTC-241227-100000-C", "OPTION", "BTC USDT USDT", False, 1.0, 1, 1e5, DEC27),
    ("binance", "BTCUSDT", "PERPETUAL", "BTC USDT USDT", False, 1.0, 0, 0.0, NEVER_MS),
    ("binance", "BTCUSDT_250328", "FUTURE", "BTC USDT USDT", False, 1.0, 0, 0.0, MAR28),
    ("binance", "BTCUSD_PERP", "PERPETUAL", "BTC USD BTC", True, 100.0, 0, 0.0, NEVER_MS),
    ("binance", "ETHUSD_PERP", "PERPETUAL", "ETH USD ETH", True, 10.0, 0, 0.0, NEVER_MS),
    ("binance", "1000SHIBUSDT", "PERPETUAL", "1000SHIB USDT USDT", False, 1, 0, 0.0, NEVER_MS),
    ("derive", "BTC-20241227-100000-C", "OPTION", "BTC USD USDC", False, 1.0, 1, 1e5, DEC27),
    ("derive", "ETH-20241227-2400_5-P", "OPTION", "ETH USD USDC", False, 1.0, -1, 2400.5, DEC27),
    ("derive", "BTC-PERP", "PERPETUAL", "BTC USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("paradex", "BTC-USD-PERP", "PERPETUAL", "BTC USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("paradex", "BTC-USD-27DEC24-100000-C", "OPTION", "BTC USD USDC", False, 1.0, 1, 1e5, DEC27),
    ("dydx", "BTC-USD", "PERPETUAL", "BTC USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("drift", "SOL-PERP", "PERPETUAL", "SOL USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("mango", "SOL-PERP", "PERPETUAL", "SOL USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("vertex", "BTC-PERP", "PERPETUAL", "BTC USD USDC", False, 1.0, 0, 0.0, NEVER_MS),
    ("synthetix", "ETH-PERP", "PERPETUAL", "ETH USD SNXUSD", False, 1.0, 0, 0.0, NEVER_MS),
    ("opyn", "oWETHUSDC/USDC-27DEC24-4000P", *_otoken("USDC", False, -1)),
    ("opyn", "oWETHUSDC/WETH-27DEC24-4000C", *_otoken("WETH", True, 1)),
    ("zeta", "SOL-27DEC24-40-C", "OPTION", "SOL USD USDC", False, 1.0, 1, 40.0, DEC27),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact[0]} {fact[1]}")
def test_a_name_says_the_contracts_terms_and_is_written_back(fact: tuple[object, ...]) -> None:
    venue, name, kind, currencies, inverse, multiplier, right, strike, expiry_ms = fact
    item = symbology.parse(str(venue), str(name))
    assert item.kind is Kind[str(kind)]
    assert (item.underlying, item.quote, item.settle) == tuple(str(currencies).split())
    assert (item.inverse, item.multiplier, item.right) == (inverse, multiplier, right)
    assert (item.strike, item.expiry_ms, item.key) == (strike, expiry_ms, (venue, name))
    assert symbology.format_id(str(venue), item) == name


def test_deribit_and_bybit_write_one_name_for_two_settlements() -> None:
    name = "BTC-27DEC24-100000-C"
    coin, cash = symbology.parse("deribit", name), symbology.parse("bybit", name)
    assert (coin.settle, cash.settle) == ("BTC", "USDC")
    assert coin.key != cash.key
    with pytest.raises(InputError, match="lists no such contract"):
        symbology.format_id("bybit", coin)


def test_the_settlement_average_follows_the_venues_notices() -> None:
    half, hour = 1_800_000, 3_600_000
    lengths = {
        ("deribit", "BTC-27DEC24"): half,
        ("derive", "BTC-20241227-100000-C"): half,
        ("okx", "BTC-USD-260313"): hour,
        ("okx", "BTC-USD-260327"): half,
        ("binance", "BTCUSDT_240927"): hour,
        ("binance", "BTCUSDT_250328"): half,
        ("deribit", "BTC-PERPETUAL"): 0,
    }
    assert {key: symbology.parse(*key).average_ms for key in lengths} == lengths


COIN = st.sampled_from(["BTC", "ETH"])
ANY = st.sampled_from(["BTC", "ETH", "SOL", "XRP", "HYPE", "1INCH"])
DAY = st.tuples(st.integers(2010, 2089), st.integers(1, 12), st.integers(1, 28))
STRIKE = st.one_of(
    st.integers(1, 999_999).map(lambda k: str(k)),
    st.decimals("0.0001", "99999", places=4).map(lambda k: format(k.normalize(), "f")),
)
RIGHT = st.sampled_from("CP")
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def dmy(day: tuple[int, int, int]) -> str:
    return f"{day[2]}{MONTHS[day[1] - 1]}{day[0] % 100:02d}"


def ymd(day: tuple[int, int, int]) -> str:
    return f"{day[0] % 100:02d}{day[1]:02d}{day[2]:02d}"


def smaller_forms(
    coin: str, base: str, day: tuple[int, int, int], strike: str, right: str
) -> dict[str, list[str]]:
    """Forms of the option venues with few contracts, of perpetual venues and of protocols."""
    return {
        "bit": [
            f"{base}-PERPETUAL",
            f"{base}-{dmy(day)}-{strike}-{right}",
            f"{base}-USDT-PERPETUAL",
            f"{base}-USDT-{dmy(day)}-{strike}-{right}",
        ],
        "gate": [coin],  # the size of a contract is the payload's
        "aevo": [f"{base}-PERP", f"{base}-{dmy(day)}-{strike}-{right}"],
        **{
            alike: [
                f"{base}-PERPETUAL",
                f"{base}-{dmy(day)}",
                f"{base}-{dmy(day)}-{strike}-{right}",
            ]
            for alike in ("thalex", "coincall", "dederi", "powertrade", "grvt", "syndr")
        },
        "hyperliquid": [f"{base}-PERP"],
        "coinbase-intl": [f"{base}-PERP"],
        "gmx": [f"{base}/USD"],
        "dydx": [f"{base}-USD"],
        "drift": [f"{base}-PERP", coin],
        "mango": [f"{base}-PERP", coin],
        "vertex": [f"{base}-PERP", coin],
        "synthetix": [f"{base}-PERP", "SNXUSD"],
        "opyn": [
            f"o{base}USDC/{coin}-{dmy(day).zfill(7)}-{strike}{right}",
            f"o{base}USDC/USDC-{dmy(day).zfill(7)}-{strike}{right}",
        ],
        "zeta": [f"{base}-{dmy(day)}", f"{base}-{dmy(day)}-{strike}-{right}"],
        **{each: [base, f"debt {base}"] for each in LENDING},
    }


def names(draw: st.DrawFn, venue: str) -> str:
    """A name that the venue could list, drawn from its published forms alone."""
    coin, base, day, right = draw(COIN), draw(ANY), draw(DAY), draw(RIGHT)
    strike = draw(STRIKE)
    quarter = f"{draw(st.sampled_from('HMUZ'))}{day[0] % 100:02d}"
    forms = {
        "deribit": [
            f"{coin}-PERPETUAL",
            f"{coin}-{dmy(day)}",
            f"{coin}-{dmy(day)}-{strike.replace('.', 'd')}-{right}",
            f"{base}_USDC-{dmy(day)}-{strike.replace('.', 'd')}-{right}",
            f"{base}_USDC-PERPETUAL",
            f"{base}_USDT",
            coin,
        ],
        "okx": [
            f"{coin}-USD-SWAP",
            f"{coin}-USDT-{ymd(day)}",
            f"{coin}-USD-{ymd(day)}-{strike}-{right}",
            f"{base}-USDT",
        ],
        "bybit": [
            f"{base}-{dmy(day)}-{strike}-{right}",
            f"{base}-{dmy(day)}-{strike}-{right}-USDT",
            f"{base}USDT",
            f"{base}PERP",
            f"{base}USD",
            f"{base}USD{quarter}",
            f"{base}USDT-{dmy(day)}",
        ],
        "binance": [
            f"{base}-{ymd(day)}-{strike}-{right}",
            f"{base}USDT",
            f"{base}USDC_{ymd(day)}",
            f"{base}USD_PERP",
            f"{base}USD_{ymd(day)}",
        ],
        "derive": [
            f"{base}-20{ymd(day)}-{strike.replace('.', '_')}-{right}",
            f"{base}-PERP",
            f"{base}-USDC",
        ],
        "paradex": [
            f"{base}-USD-PERP",
            f"{base}-USD-{dmy(day)}",
            f"{base}-USD-{dmy(day)}-{strike}-{right}",
        ],
    }
    forms |= smaller_forms(coin, base, day, strike, right)
    return draw(st.sampled_from(forms[venue]))


@pytest.mark.parametrize("venue", symbology.venues())
@given(data=st.data())
def test_every_name_of_a_venue_round_trips(venue: str, data: st.DataObject) -> None:
    name = data.draw(st.composite(names)(venue))
    item = symbology.parse(venue, name)
    assert item.key == (venue, name)
    assert symbology.format_id(venue, item) == name
    assert symbology.parse(venue, symbology.format_id(venue, item)) == item
    known = venue in symbology.CCXT_VENUES  # else ccxt's id is another name, or there is none
    if known and (item.kind is not Kind.ASSET or symbology.is_pair(item)):
        symbol = symbology.format_ccxt(item)
        assert symbology.parse_ccxt(venue, symbol) == item
        assert symbology.format_ccxt(symbology.parse_ccxt(venue, symbol)) == symbol


@given(strike=STRIKE)
def test_a_strike_is_the_float_of_its_decimal_text(strike: str) -> None:
    name = f"XRP_USDC-27MAR26-{strike.replace('.', 'd')}-C"
    assert symbology.parse("deribit", name).strike == float(Decimal(strike))


@pytest.mark.parametrize(
    ("exchange", "symbol", "native"),
    [
        ("deribit", "BTC/USD:BTC-241227-100000-C", "BTC-27DEC24-100000-C"),
        ("deribit", "BTC/USD:BTC", "BTC-PERPETUAL"),
        ("deribit", "BTC/USD:BTC-250328", "BTC-28MAR25"),
        ("deribit", "SOL/USDC:USDC-260327-150-C", "SOL_USDC-27MAR26-150-C"),
        ("bybit", "BTC/USDC:USDC-241227-100000-C", "BTC-27DEC24-100000-C"),
        ("binanceusdm", "BTC/USDT:USDT", "BTCUSDT"),
        ("binancecoinm", "BTC/USD:BTC", "BTCUSD_PERP"),
        ("okx", "BTC/USD:BTC", "BTC-USD-SWAP"),
        ("derive", "BTC/USDC:USDC-241227-100000-C", "BTC-20241227-100000-C"),
        ("paradex", "BTC/USD:USDC", "BTC-USD-PERP"),
    ],
)
def test_ccxt_symbols_name_the_same_contracts(exchange: str, symbol: str, native: str) -> None:
    item = symbology.parse_ccxt(exchange, symbol)
    assert item.native_id == native
    assert symbology.format_ccxt(item) == symbol
    if item.expiry_ms != NEVER_MS:
        assert item.expiry_ms % 86_400_000 == 8 * 3_600_000  # not the 00:00 of the bare date


LONG = "A" * 10_000
UNKNOWN = [
    ("deribit", name)
    for name in [
        "",
        "BTC-30FEB26-1-C",
        "BTC-31APR26",
        "BTC-27MAR26-1e5-C",
        "BTC-27MAR26-0-C",
        "BTC-27MAR26-010-C",
        "BTC-27MAR26-10d50-C",
        "BTC-27MAR26-123456789012d12345678-C",
        "BTC-27MAR26-100000-X",
        "BTC-05MAR21",
        "BTC-0MAR21",
        "BTC-PERPETUAL-100-C",
        "SOL-PERPETUAL",
        "XRP-27MAR26-1-C",
        "btc-perpetual",
        "BTC-perpetual",
        " BTC-PERPETUAL",
        "BTC-PERPETUAL\n",
        "BTC-PERPETUAL\x00",
        "ВTC-PERPETUAL",  # Cyrillic
        "ＢＴＣ-PERPETUAL",
        "BTC\u200d-PERPETUAL",
        "BTC-27MAR26-١٠٠-C",
        "BTC-STRG-19MAY26-74000_79000",
        "NOSUCHCOIN",
        "=HYPERLINK(1)",
        "../../etc/passwd",
        "{{7*7}}",
        LONG,
    ]
] + [
    ("bybit", "BTCUSDX25"),
    ("okx", "SOL-USDT-SWAP"),
    ("okx", "BTC-USDT-241227-100000-C"),
    ("binance", "BTCUSD"),
    ("derive", "BTC-241227-100000-C"),
    ("derive", "ETH-20241227-2400_50-C"),
    ("paradex", "BTC-USD-08MAY26-90000-C"),
    ("dydx", "BTC-USDT"),
    ("drift", "BTC-USD-PERP"),
    ("opyn", "oWETHUSDC/WETH-5NOV21-4000C"),
    ("opyn", "oUSDC/WETH-05NOV21-4000C"),
    ("opyn", "oWETHUSDT/WETH-05NOV21-4000C"),
    ("nowhere", "BTC-PERPETUAL"),
]


@pytest.mark.parametrize(("venue", "name"), UNKNOWN, ids=lambda text: ascii(text)[:40])
def test_what_is_not_a_name_is_refused_with_a_remedy(venue: str, name: str) -> None:
    with pytest.raises(InputError) as caught:
        symbology.parse(venue, name)
    assert caught.value.code == "instrument_unknown"
    assert caught.value.remedy
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("value", [None, 7, True, b"BTC-PERPETUAL", ["BTC"]])
def test_a_name_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="instrument_unknown"):
        symbology.parse("deribit", value)  # type: ignore[arg-type] # payloads hold anything


@given(st.text(max_size=70))
def test_no_text_at_all_breaks_the_grammars(text: str) -> None:
    for venue in symbology.venues():
        try:
            item = symbology.parse(venue, text)
        except InputError as refused:
            assert refused.code == "instrument_unknown"
        else:
            assert symbology.format_id(venue, item) == text


def test_the_exact_expiry_of_a_payload_is_kept_if_it_is_on_that_day() -> None:
    new_york = utc_ms(2024, 12, 27, 21)
    item = symbology.parse("derive", "BTC-20241227-100000-C", expiry_ms=new_york)
    assert item.expiry_ms == new_york
    assert symbology.format_id("derive", item) == "BTC-20241227-100000-C"
    with pytest.raises(InputError, match="not on the day"):
        symbology.parse("derive", "BTC-20241227-100000-C", expiry_ms=new_york + 86_400_000)
    with pytest.raises(InputError, match="no expiry"):
        symbology.parse("derive", "BTC-PERP", expiry_ms=new_york)


def test_a_contract_size_is_given_where_unknown_and_never_contradicted() -> None:
    item = symbology.parse("okx", "SOL-USDT-SWAP", multiplier=1.0)
    assert (item.multiplier, symbology.format_id("okx", item)) == (1.0, "SOL-USDT-SWAP")
    assert symbology.parse("okx", "BTC-USDT-SWAP", multiplier=0.01).multiplier == 0.01
    for size in (1.0, 0.0, -0.01, float("nan"), float("inf")):
        with pytest.raises(InputError, match="multiplier"):
            symbology.parse("okx", "BTC-USDT-SWAP", multiplier=size)


def test_a_currency_beyond_the_table_is_a_balance_when_given_as_one() -> None:
    assert symbology.asset("deribit", "NOSUCHCOIN").settle == "NOSUCHCOIN"
    for text in ("", "btc", "BTC USD", "Ｂ", "A" * 16):
        with pytest.raises(InputError, match="currency_unknown"):
            symbology.asset("deribit", text)


def test_a_contract_is_alive_at_its_expiry_and_not_after() -> None:
    items: list[Instrument] = [
        symbology.parse("deribit", "BTC-PERPETUAL"),
        symbology.parse("deribit", "BTC-27DEC24-100000-C"),
    ]
    symbology.require_alive(items, DEC27)
    with pytest.raises(InputError, match="instrument_expired") as caught:
        symbology.require_alive(items, DEC27 + 1)
    assert "BTC-27DEC24-100000-C" in caught.value.place


def test_every_name_of_the_recorded_chains_is_read(market_dir: object) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    from pathlib import Path

    chains = sorted(Path(str(market_dir)).glob("deribit/*option_chains_6h*.parquet"))
    assert chains
    for path in chains:
        column = parquet.read_table(path, columns=["instrument_name"])["instrument_name"]
        for name in column.unique().to_pylist()[::25]:
            item = symbology.parse("deribit", name)
            assert symbology.format_id("deribit", item) == name
