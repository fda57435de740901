"""Random positions of every lending protocol, and what lowers the weight of their collateral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from crossmargin.margin.families.lending import WAD, LendingAccount
from crossmargin.margin.families.lending_aave import AaveAccount, AaveAsset, Arithmetic, EMode
from crossmargin.margin.families.lending_comet import CometAccount, CometAsset
from crossmargin.margin.families.lending_euler import EulerAccount, EulerCollateral
from crossmargin.margin.families.lending_gearbox import GearboxAccount, GearboxToken
from crossmargin.margin.families.lending_liquity import Branch, LiquityAccount
from crossmargin.margin.families.lending_maker import RAD, RAY, Ilk, MakerAccount
from crossmargin.margin.families.lending_morpho import MorphoAccount, MorphoMarket
from crossmargin.margin.families.lending_weighted import WeightedAccount, WeightedToken

Draw = Callable[[st.SearchStrategy[Any]], Any]
DECIMALS = {"BTC": 8, "ETH": 18, "USDC": 6}
DOLLARS = {"BTC": 64_000, "ETH": 1_900, "USDC": 1}


@dataclass(frozen=True)
class Made:
    """A position and the same with every share of its collateral cut."""

    account: LendingAccount
    cut: LendingAccount
    held: str
    owed: str


def _amount(draw: Draw, token: str, low: int = 1) -> int:
    """Units worth up to a million dollars."""
    most = 10**6 * 10 ** DECIMALS[token] // DOLLARS[token]
    return draw(st.integers(low, most))


def _price(draw: Draw, token: str, decimals: int) -> int:
    middle = DOLLARS[token] * 10**decimals
    return draw(st.integers(middle // 2, middle * 2))


def _both(draw: Draw, decimals: int) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    held = {t: _amount(draw, t) for t in ("BTC", "ETH")}
    owed = {"USDC": _amount(draw, "USDC")}
    return held, owed, {t: _price(draw, t, decimals) for t in DECIMALS}


def aave(draw: Draw, arithmetic: Arithmetic) -> Made:
    held, owed, price = _both(draw, 8)
    if draw(st.booleans()):
        held["USDC"] = _amount(draw, "USDC")
    shares = {t: draw(st.integers(1_000, 9_000)) for t in DECIMALS}
    assets = {
        t: AaveAsset(DECIMALS[t], s - draw(st.integers(0, 900)), s, 10_500, 1_000)
        for t, s in shares.items()
    }
    mode = EMode(9_000, 9_300, 10_100, frozenset({"ETH"})) if draw(st.booleans()) else None
    account = AaveAccount(held, owed, price, assets, mode, frozenset(), arithmetic)
    less = {t: replace(a, threshold=a.threshold - 1, ltv=a.ltv - 1) for t, a in assets.items()}
    low = mode and replace(mode, threshold=mode.threshold - 100, ltv=mode.ltv - 100)
    return Made(account, replace(account, assets=less, emode=low), "ETH", "USDC")


def comet(draw: Draw) -> Made:
    held, owed, price = _both(draw, 8)
    factors = {t: draw(st.integers(WAD // 10, WAD)) for t in held}
    assets = {t: CometAsset(DECIMALS[t], f * 9 // 10, f, WAD) for t, f in factors.items()}
    account = CometAccount(held, owed, price, assets, "USDC", 6)
    less = {t: CometAsset(DECIMALS[t], f * 8 // 10, f * 9 // 10, WAD) for t, f in factors.items()}
    return Made(account, replace(account, assets=less), "BTC", "USDC")


def maker(draw: Draw) -> Made:
    held, owed = {"ETH": _amount(draw, "ETH")}, {"DAI": draw(st.integers(1, 10**6 * WAD))}
    price = {"ETH": _price(draw, "ETH", 18), "DAI": WAD}
    mat = draw(st.integers(RAY, 3 * RAY))
    ilk = Ilk("ETH", 18, mat, RAY, draw(st.sampled_from([0, 100 * RAD])))
    account = MakerAccount(held, owed, price, ilk)
    return Made(account, replace(account, ilk=replace(ilk, mat=mat * 11 // 10)), "ETH", "DAI")


def liquity(draw: Draw) -> Made:
    held, owed = {"ETH": _amount(draw, "ETH")}, {"LUSD": draw(st.integers(1, 10**6 * WAD))}
    price = {"ETH": _price(draw, "ETH", 18), "LUSD": WAD}
    branch = Branch("ETH", 11 * WAD // 10, 15 * WAD // 10, 1_800 * WAD, 200 * WAD, recovery=True)
    account = LiquityAccount(held, owed, price, branch)
    less = replace(branch, minimum=12 * WAD // 10)
    return Made(account, replace(account, branch=less), "ETH", "LUSD")


def euler(draw: Draw) -> Made:
    held, owed, price = _both(draw, 18)
    ltv = {t: draw(st.integers(1_000, 9_500)) for t in held}
    vaults = {t: EulerCollateral(DECIMALS[t], x - 200, x) for t, x in ltv.items()}
    spread = draw(st.integers(0, WAD // 50))
    bid, ask = dict.fromkeys(held, WAD - spread), {"USDC": WAD + spread}
    account = EulerAccount(held, owed, price, vaults, {"USDC": 6}, bid, ask)
    less = {
        t: replace(v, liquidation_ltv=v.liquidation_ltv - 300, borrow_ltv=v.borrow_ltv - 300)
        for t, v in vaults.items()
    }
    return Made(account, replace(account, vaults=less), "BTC", "USDC")


def morpho(draw: Draw) -> Made:
    held, owed = {"ETH": _amount(draw, "ETH")}, {"USDC": _amount(draw, "USDC")}
    lltv = draw(st.integers(WAD // 10, WAD * 98 // 100))
    market = MorphoMarket("ETH", "USDC", 18, 6, lltv)
    price = {"ETH": _price(draw, "ETH", 36 + 6 - 18), "USDC": 1}
    account = MorphoAccount(held, owed, price, market)
    less = replace(market, lltv=lltv * 9 // 10)
    return Made(account, replace(account, market=less), "ETH", "USDC")


def gearbox(draw: Draw) -> Made:
    held, owed, price = _both(draw, 8)
    quota = draw(st.sampled_from([None, 50_000 * 10**6, 10**6 * 10**6]))
    share = draw(st.integers(1_000, 9_500))
    tokens = {
        "USDC": GearboxToken(6, share),
        "BTC": GearboxToken(8, share, quota),
        "ETH": GearboxToken(18, share),
    }
    account = GearboxAccount(held, owed, price, tokens, "USDC")
    less = {t: replace(x, threshold=x.threshold - 500) for t, x in tokens.items()}
    return Made(account, replace(account, tokens=less), "ETH", "USDC")


def weighted(draw: Draw) -> Made:
    held, owed, price = _both(draw, 18)
    shares = {t: draw(st.integers(WAD // 10, WAD)) for t in DECIMALS}
    low, high = WAD * 99 // 100, WAD * 101 // 100
    tokens = {
        t: WeightedToken(
            DECIMALS[t], s * 9 // 10, s, 12 * WAD // 10, 11 * WAD // 10, low, low, high, high
        )
        for t, s in shares.items()
    }
    cap = draw(st.sampled_from([None, 10**5 * WAD]))
    account = WeightedAccount(held, owed, price, tokens, cap)
    less = {
        t: replace(x, asset_im=x.asset_im * 9 // 10, asset_mm=x.asset_mm * 9 // 10)
        for t, x in tokens.items()
    }
    return Made(account, replace(account, tokens=less), "BTC", "USDC")


MAKERS: dict[str, Callable[[Draw], Made]] = {
    "aave origin": lambda draw: aave(draw, Arithmetic.ORIGIN),
    "aave core": lambda draw: aave(draw, Arithmetic.CORE),
    "comet": comet,
    "maker": maker,
    "liquity": liquity,
    "euler": euler,
    "morpho": morpho,
    "gearbox": gearbox,
    "weighted": weighted,
}


@st.composite
def positions(draw: Draw, protocol: str) -> Made:
    """A position of a protocol, with debt scaled to be near its limit half of the time."""
    made = MAKERS[protocol](draw)
    figures = made.account.figures()
    if draw(st.booleans()) and figures.owed_mm and figures.power_mm:
        percent = draw(st.integers(80, 120))
        owed = made.account.debt[made.owed]
        wanted = owed * figures.power_mm * percent // (100 * figures.owed_mm)
        debt = {made.owed: max(wanted, 1)}
        made = replace(
            made, account=replace(made.account, debt=debt), cut=replace(made.cut, debt=debt)
        )
    return made
