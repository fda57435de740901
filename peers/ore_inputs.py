"""The files that ORE's two value-at-risk analytics read: a market of coins, and sensitivities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossmargin.core.arrays import Floats
from peers.ore import AS_OF

__all__ = ["coin_files", "factor_name", "sensitivity_files"]

_PILLARS = ("2026-12-30", "2035-12-30")
_TENORS = ("1Y", "2Y")


def coin_files(
    dates: Sequence[str], prices: Mapping[str, Floats], books: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """Books of coins held as positions in currencies that cost nothing to carry.

    A market of ORE needs a discount curve for every currency: here it is flat at one.
    """
    coins = tuple(prices)
    currencies = ("USD", *coins)
    curve = [f"DiscountCurve/{name}/{k}" for name in currencies for k in range(len(_TENORS))]
    rows = [
        ",".join(["Date", "Scenario", "Numeraire", *curve, *(f"FXSpot/{c}USD/0" for c in coins)])
    ]
    for k, day in enumerate(dates):
        spots = [repr(float(prices[coin][k])) for coin in coins]
        rows.append(",".join([day, "1", "1", *("1.0" for _ in curve), *spots]))
    stamp = AS_OF.replace("-", "")
    quotes = [f"{stamp} FX/RATE/{coin}/USD {float(prices[coin][-1])!r}" for coin in coins]
    quotes += [f"{stamp} DISCOUNT/RATE/{c}/{c}0/{end} 1.0" for c in currencies for end in _PILLARS]
    return {
        "scenarios.csv": "\n".join(rows) + "\n",
        "market.txt": "\n".join(quotes) + "\n",
        "portfolio.xml": _portfolio(books),
        "simulation.xml": _simulation(currencies, coins),
        "todaysmarket.xml": _todays_market(currencies, coins),
        "curves.xml": "<CurveConfiguration><YieldCurves>"
        + "".join(map(_curve, currencies))
        + "</YieldCurves></CurveConfiguration>",
    }


def _portfolio(books: Sequence[Mapping[str, float]]) -> str:
    trades = []
    for k, book in enumerate(books):
        for currency, amount in book.items():
            trades.append(
                f'<Trade id="{k}-{currency}"><TradeType>CashPosition</TradeType><Envelope>'
                "<CounterParty>C</CounterParty><NettingSetId>C</NettingSetId><PortfolioIds>"
                f"<PortfolioId>P{k}</PortfolioId></PortfolioIds></Envelope><CashPositionData>"
                f"<Currency>{currency}</Currency><Amount>{amount!r}</Amount></CashPositionData>"
                "</Trade>"
            )
    return f"<Portfolio>{''.join(trades)}</Portfolio>"


def _simulation(currencies: Sequence[str], coins: Sequence[str]) -> str:
    names = "".join(f"<Currency>{name}</Currency>" for name in currencies)
    pairs = "".join(f"<CurrencyPair>{coin}USD</CurrencyPair>" for coin in coins)
    return (
        f"<Simulation><Market><BaseCurrency>USD</BaseCurrency><Currencies>{names}</Currencies>"
        f'<YieldCurves><Configuration curve=""><Tenors>{",".join(_TENORS)}</Tenors>'
        "<Interpolation>LogLinear</Interpolation><Extrapolation>FlatZero</Extrapolation>"
        f"</Configuration></YieldCurves><FxRates><CurrencyPairs>{pairs}</CurrencyPairs></FxRates>"
        "</Market></Simulation>"
    )


def _todays_market(currencies: Sequence[str], coins: Sequence[str]) -> str:
    curves = "".join(
        f'<DiscountingCurve currency="{c}">Yield/{c}/{c}0</DiscountingCurve>' for c in currencies
    )
    spots = "".join(f'<FxSpot pair="{coin}USD">FX/{coin}/USD</FxSpot>' for coin in coins)
    return (
        '<TodaysMarket><Configuration id="default"><DiscountingCurvesId>default'
        "</DiscountingCurvesId><FxSpotsId>default</FxSpotsId></Configuration>"
        f'<DiscountingCurves id="default">{curves}</DiscountingCurves>'
        f'<FxSpots id="default">{spots}</FxSpots></TodaysMarket>'
    )


def _curve(currency: str) -> str:
    quotes = "".join(
        f"<Quote>DISCOUNT/RATE/{currency}/{currency}0/{end}</Quote>" for end in _PILLARS
    )
    return (
        f"<YieldCurve><CurveId>{currency}0</CurveId><CurveDescription/><Currency>{currency}"
        "</Currency><DiscountCurve/><Segments><Direct><Type>Discount</Type>"
        f"<Quotes>{quotes}</Quotes></Direct></Segments></YieldCurve>"
    )


def factor_name(k: int) -> str:
    """The k-th risk factor, as ORE names it."""
    return f"EquitySpot/F{k:02d}/0/spot"


def sensitivity_files(delta: Floats, gamma: Floats, covariance: Floats) -> dict[str, str]:
    """Greeks ``[A, n]``, ``[A, n, n]`` of A books and the covariance ``[n, n]`` of the shifts.

    Each book is one position in a currency, which only gives the sensitivities an owner. ORE takes
    the first line of the covariance file for a header, whatever it holds.
    """
    count = delta.shape[1]
    lines = [
        "#TradeId,IsPar,Factor_1,ShiftSize_1,Factor_2,ShiftSize_2,Currency,Base NPV,Delta,Gamma"
    ]
    for a in range(len(delta)):
        for i in range(count):
            own = f"{float(delta[a, i])!r},{float(gamma[a, i, i])!r}"
            lines.append(f"{a}-USD,false,{factor_name(i)},0.01,,0.0,USD,0.0,{own}")
            for j in range(i):
                pair = f"{factor_name(j)},0.01,{factor_name(i)},0.01"
                lines.append(f"{a}-USD,false,{pair},USD,0.0,0.0,{float(gamma[a, i, j])!r}")
    entries = ["#Factor_1\tFactor_2\tCovariance"]
    for i in range(count):
        for j in range(i + 1):
            names = f"{factor_name(j)}\t{factor_name(i)}"
            entries.append(f"{names}\t{float(covariance[i, j])!r}")
    return {
        "sensitivity.csv": "\n".join(lines) + "\n",
        "covariance.csv": "\n".join(entries) + "\n",
        "portfolio.xml": _portfolio([{"USD": 1.0} for _ in delta]),
    }
