"""Derive PMRM_2 (onchain-protocols 1.1 and 1.3): balances of one account under one manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, fsum, log, sqrt

from .black import derive_price, discount_factor
from .types import TIE, YEAR_MS, Leg

MONTH_DAYS = 30.0


@dataclass(frozen=True)
class Collateral:
    """An asset that counts towards the balance; ``cancels`` means it moves with the spot."""

    name: str
    amount: float
    price: float
    cancels: bool
    mm_haircut: float
    im_haircut: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Account:
    """Options as legs; the perpetual as one size with its unsettled profit and funding."""

    cash: float = 0.0
    options: tuple[Leg, ...] = ()
    perp_size: float = 0.0
    perp_value: float = 0.0
    collaterals: tuple[Collateral, ...] = ()


@dataclass(frozen=True)
class Market:
    """Feeds of the whole account; confidences of the feeds of expiries as maps by expiry."""

    spot: float
    perp_price: float = 0.0
    stable: float = 1.0
    spot_confidence: float = 1.0
    perp_confidence: float = 1.0
    forward_confidence: Mapping[object, float] = field(default_factory=dict)
    rate_confidence: Mapping[object, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """``vol``: "none", "up", "down", "linear" or "abs"."""

    spot: float
    vol: str
    dampening: float = 1.0


@dataclass
class Expiry:
    """Options of one expiry and what the parameters make of its life."""

    legs: list[Leg]
    years: float
    up: float = 1.0
    down: float = 1.0
    discount: float = 1.0
    gain: float = 1.0  # static discount of a positive value
    loss: float = 1.0


def _expiries(account: Account, params: Mapping[str, float]) -> dict[object, Expiry]:
    books: dict[object, Expiry] = {}
    for leg in account.options:
        books.setdefault(leg.expiry, Expiry([], leg.life_ms / YEAR_MS)).legs.append(leg)
    for book in books.values():
        life_days = book.years * 365.0
        x = MONTH_DAYS / max(life_days, params["dte_floor_days"])
        power = params["short_power" if life_days <= MONTH_DAYS else "long_power"]
        factor = exp(log(x) * power)
        book.up = 1.0 + params["vol_up"] * factor
        book.down = max(1.0 - params["vol_down"] * factor, 0.0)
        rate, tau = book.legs[0].rate, book.years
        book.discount = discount_factor(rate, tau)
        positive = max(rate, 0.0)
        book.gain = params["long_base"] * exp(
            -tau * (positive * params["long_rate_mult"] + params["long_rate_add"])
        )
        book.loss = min(
            params["short_base"]
            * exp(tau * (positive * params["short_rate_mult"] + params["short_rate_add"])),
            1.0 / book.discount,
        )
    return books


def _skew_factor(leg: Leg, book: Expiry, absolute: bool, params: Mapping[str, float]) -> float:
    """Factor on the vol of one strike in a skew scenario; the forward is the unshocked one."""
    if leg.strike == 0.0:
        return 1.0
    root = sqrt(book.years)
    name = "abs" if absolute else "linear"
    cap = params[f"{name}_c_base"] * root + params[f"{name}_base_cap"]
    vol_param = params["vol_param_static"] + root * params["vol_param_scale"]
    k_star = max(params["min_k_star"], root * params["width_scale"] * vol_param)
    k = log(leg.strike / (leg.forward + leg.settled))
    if absolute:
        k = abs(k)
    step = k * cap / k_star
    return max(1.0 + (min(cap, step) if k >= 0.0 else max(-cap, step)), 0.0)


def _shocked_vol(leg: Leg, book: Expiry, vol: str, params: Mapping[str, float]) -> float:
    if vol == "up":
        return max(params["min_vol_up"], leg.vol * book.up)
    if vol == "down":
        return leg.vol * book.down
    if vol in ("linear", "abs"):
        return leg.vol * _skew_factor(leg, book, vol == "abs", params)
    return leg.vol


def _value(book: Expiry, spot: float, vol: str, params: Mapping[str, float]) -> float:
    """Value of one expiry: only the free part of the forward moves."""
    return fsum(
        leg.quantity
        * leg.multiplier
        * derive_price(
            leg.right,
            leg.forward * spot + leg.settled,
            leg.strike,
            _shocked_vol(leg, book, vol, params),
            book.years,
            book.discount,
        )
        for leg in book.legs
    )


def naked_shorts(legs: list[Leg]) -> float:
    """Short size of one expiry that no option of the other type at its strike covers."""
    strikes: dict[float, list[float]] = {}
    for leg in legs:
        sides = strikes.setdefault(leg.strike, [0.0, 0.0])
        sides[0 if leg.right > 0 else 1] += leg.quantity * leg.multiplier
    total = []
    for call, put in strikes.values():
        if call < 0.0 and put < 0.0:
            total.append(-(call + put))
        elif call * put < 0.0:
            total.append(max(-(call + put), 0.0))
        else:
            total.append(max(-call, 0.0) + max(-put, 0.0))
    return fsum(total)


def _shortfall(confidence: float, params: Mapping[str, float]) -> float:
    """Share of a notional charged for a feed that is not trusted."""
    if confidence < params["confidence_threshold"]:
        return (1.0 - confidence) * params["confidence_margin"]
    return 0.0


def _confidence_charge(
    account: Account, market: Market, books: dict[object, Expiry], params: Mapping[str, float]
) -> float:
    terms = [
        item.amount
        * item.price
        / market.stable
        * _shortfall(min(item.confidence, market.spot_confidence), params)
        for item in account.collaterals
    ]
    least = market.spot_confidence
    if account.perp_size != 0.0:
        least = min(least, market.perp_confidence)
        terms.append(abs(account.perp_size) * market.spot * _shortfall(least, params))
    for label, book in books.items():
        least_here = min(
            least,
            market.forward_confidence.get(label, 1.0),
            market.rate_confidence.get(label, 1.0),
            *(leg.confidence for leg in book.legs),
        )
        size = fsum(abs(leg.quantity * leg.multiplier) for leg in book.legs)
        terms.append(size * market.spot * _shortfall(least_here, params))
    return fsum(terms)


def _scenario_pnl(
    account: Account,
    market: Market,
    books: dict[object, Expiry],
    scenario: Scenario,
    params: Mapping[str, float],
) -> float:
    move, damp = scenario.spot - 1.0, scenario.dampening
    skew = scenario.vol in ("linear", "abs")
    terms = [damp * account.perp_size * move * market.perp_price]
    for book in books.values():
        # A skew scenario does not move the forward, whatever its spot says.
        value = _value(book, 1.0 if skew else scenario.spot, scenario.vol, params)
        scaled = value * (book.gain if value >= 0.0 else book.loss)
        change = damp * (scaled - _value(book, 1.0, "none", params))
        terms.append(-abs(change) if skew else change)
    terms += [
        damp * item.amount * item.price / market.stable * move
        for item in account.collaterals
        if item.cancels
    ]
    return fsum(terms)


def _basis(books: dict[object, Expiry], params: Mapping[str, float]) -> float:
    terms = []
    for book in books.values():
        base = _value(book, 1.0, "none", params)
        up = _value(book, params["basis_up"], "none", params) - base
        down = _value(book, params["basis_down"], "none", params) - base
        factor = params["basis_add"] + params["basis_mult"] * book.years
        terms.append(min(up, down, 0.0) * factor)
    return fsum(terms)


def margin(
    account: Account, market: Market, scenarios: list[Scenario], params: Mapping[str, float]
) -> dict[str, object]:
    """Every figure of the account; ``im`` and ``mm`` are balances (solvent where >= 0).

    ``worst`` is a scenario's place, or the number of scenarios for the basis contingency.
    ``im_required`` and ``mm_required`` are what the mark-to-market balance must cover.
    """
    books = _expiries(account, params)
    pnl = [_scenario_pnl(account, market, books, s, params) for s in scenarios]
    basis = _basis(books, params)
    candidates = [basis, *pnl]  # the basis is evaluated first and only a smaller number replaces it
    least = min(candidates)
    place = next(k for k, v in enumerate(candidates) if v <= least + TIE * abs(least))
    worst = len(scenarios) if place == 0 else place - 1
    values = [item.amount * item.price / market.stable for item in account.collaterals]
    perp = abs(account.perp_size) * market.spot
    naked = fsum(naked_shorts(book.legs) for book in books.values()) * market.spot
    pairs = list(zip(values, account.collaterals, strict=True))
    mm_static = fsum(
        [perp * params["mm_perp"], naked * params["mm_option"]]
        + [value * item.mm_haircut for value, item in pairs]
    )
    confidence = _confidence_charge(account, market, books, params)
    im_static = fsum(
        [perp * params["im_perp"], naked * params["im_option"], confidence]
        + [value * item.im_haircut for value, item in pairs]
    )
    option_mtm = {label: _value(book, 1.0, "none", params) for label, book in books.items()}
    perp_mtm = account.perp_value if account.perp_size != 0.0 else 0.0
    mtm = fsum([perp_mtm, *option_mtm.values(), *values])
    peg = max(params["peg_threshold"] - market.stable, 0.0) * params["peg_factor"]
    im_factor = params["im_factor"] + peg
    mm_required = -least * params["mm_factor"] + mm_static
    im_required = -least * im_factor + im_static + mm_static
    return {
        "scenario_pnl": pnl,
        "basis": basis,
        "worst": worst,
        "worst_pnl": least,
        "im_factor": im_factor,
        "confidence": confidence,
        "mm_static": mm_static,
        "im_static": im_static,
        "option_mtm": option_mtm,
        "mtm": mtm,
        "im_required": im_required,
        "mm_required": mm_required,
        "im": fsum([-im_required, mtm, account.cash]),
        "mm": fsum([-mm_required, mtm, account.cash]),
        "gross": fsum(
            [abs(account.perp_size) * market.perp_price, *(abs(v) for v in values)]
            + [
                abs(leg.quantity * leg.multiplier) * (leg.forward + leg.settled)
                for leg in account.options
            ]
        ),
    }
