"""Drift v2 rules on the program's own test cases: every integer equal, every kind of case known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossmargin.margin.families import exact_drift as rules

Case = dict[str, Any]
DOLLAR = rules.Strict(1_000_000)


# What a case may call the same number.
CUSTOM = (
    *("custom_ratio", "custom_margin_ratio", "user_custom_margin_ratio", "max_margin_ratio"),
    "custom",
)
TWAP = ("twap", "twap_5min", "price_twap")
IMBALANCE = ("max_imbalance", "unrealized_pnl_max_imbalance", "umi")
UNSETTLED = ("net_unsettled_pnl", "net_user_pnl", "net_pnl")


def _one(case: Case, names: tuple[str, ...], default: Any = 0) -> Any:
    """The number under whichever of its names the case gives."""
    return next((case[name] for name in names if name in case), default)


def _known(case: Case, *names: str) -> None:
    """No key of a case is left unread: a case that says more is another rule."""
    said = {"fn", "name", "market", "type", "note", *names}
    assert not set(case) - said, sorted(set(case) - said)


def _spot(market: Case) -> rules.SpotMarket:
    _known(
        market,
        *("iaw", "maw", "ilw", "mlw", "dec", "imf"),
        *("scale_initial_asset_weight_start", "deposits_tokens"),
    )
    return rules.SpotMarket(
        market.get("iaw", 0),
        market.get("maw", 0),
        market.get("ilw", 0),
        market.get("mlw", 0),
        market["dec"],
        market.get("imf", 0),
        market.get("scale_initial_asset_weight_start", 0),
        market.get("deposits_tokens", 0),
    )


def _perp(market: Case) -> rules.PerpMarket:
    _known(
        market,
        *("mri", "mrm", "imf", "uia", "uma", "uimf", "prediction"),
        *("hlm_init", "hlm_maint", *IMBALANCE, *UNSETTLED),
    )
    return rules.PerpMarket(
        market["mri"],
        market["mrm"],
        market.get("imf", 0),
        market.get("uia", 0),
        market.get("uma", 0),
        market.get("uimf", 0),
        _one(market, IMBALANCE),
        _one(market, UNSETTLED),
        market.get("hlm_init", 0),
        market.get("hlm_maint", 0),
        market.get("prediction", False),
    )


def _position(case: Case) -> rules.PerpPosition:
    _known(case, "base", "quote", "bids", "asks", "open_orders")
    orders = case.get("bids", 0), case.get("asks", 0), case.get("open_orders", 0)
    return rules.PerpPosition(case["base"], case.get("quote", 0), *orders)


def _asset_weight(case: Case) -> None:
    _known(case, "size", "price", "expected")
    level = rules.Level(case["type"])
    found = rules.asset_weight(case["size"], _spot(case["market"]), case["price"], level)
    assert found == case["expected"]


def _liability_weight(case: Case) -> None:
    _known(case, "size", "price", "expected")
    level = rules.Level(case["type"])
    assert rules.liability_weight(case["size"], _spot(case["market"]), level) == case["expected"]


def _scaled_weight(case: Case) -> None:
    _known(case, "price", "expected")
    found = rules.scaled_initial_asset_weight(_spot(case["market"]), case["price"])
    assert found == case["expected"]


def _upnl_weight(case: Case) -> None:
    _known(case, "pnl", "expected")
    level = rules.Level(case["type"])
    found = rules.unrealized_asset_weight(case["pnl"], _perp(case["market"]), level)
    assert found == case["expected"]


def _margin_ratio(case: Case) -> None:
    _known(case, "size", "hlm", "expected")
    level = rules.Level(case["type"])
    found = rules.margin_ratio(
        case["size"], _perp(case["market"]), level, high=case.get("hlm", False)
    )
    assert found == case["expected"]


def _perp_position(case: Case) -> None:
    expected = ("expected_margin", "expected_weighted_pnl", "expected_raw_pnl")
    _known(case, "position", "price", "quote_price", "quote_twap", "hlm", *CUSTOM, *expected)
    quote = rules.Strict(case.get("quote_price", 1_000_000), case.get("quote_twap"))
    found = rules.perp_margin(
        _position(case["position"]),
        _perp(case["market"]),
        case["price"],
        quote,
        rules.Level(case["type"]),
        custom=_one(case, CUSTOM),
        high=case.get("hlm", False),
    )
    for name, value in zip(expected, found, strict=True):
        assert name not in case or case[name] == value, name


def _account(case: Case) -> None:
    _known(
        case,
        *("usdc", "usdc_price", "usdc_twap", "spot", "perps"),
        *("hlm", *CUSTOM, "expected_margin", "expected_collateral"),
    )
    level = rules.Level(case["type"])
    quote = rules.Strict(case.get("usdc_price", 1_000_000), case.get("usdc_twap"))
    custom = _one(case, CUSTOM)
    need, have = rules.spot_margin(rules.SpotPosition(case.get("usdc", 0)), None, quote, level)
    for row in case.get("spot", ()):
        _known(row, "price", *TWAP, "amount", "bids", "asks", "open_orders")
        position = rules.SpotPosition(
            *(row.get(name, 0) for name in ("amount", "bids", "asks", "open_orders"))
        )
        price = rules.Strict(row["price"], _one(row, TWAP, None))
        parts = rules.spot_margin(position, _spot(row["market"]), price, level, custom=custom)
        need, have = need + parts[0], have + parts[1]
    for row in case.get("perps", ()):
        _known(row, "position", "price", "hlm", *CUSTOM)
        own = max(custom, _one(row, CUSTOM))
        requirement, weighted, _ = rules.perp_margin(
            _position(row["position"]),
            _perp(row["market"]),
            row["price"],
            quote,
            level,
            custom=own,
            high=row.get("hlm", case.get("hlm", False)),
        )
        need, have = need + requirement, have + weighted
    assert (need, have) == (case["expected_margin"], case["expected_collateral"])


CHECKS: dict[str, Callable[[Case], None]] = {
    "asset_weight": _asset_weight,
    "liability_weight": _liability_weight,
    "scaled_initial_asset_weight": _scaled_weight,
    "unrealized_asset_weight": _upnl_weight,
    "perp_position": _perp_position,
    "perp_margin_ratio": _margin_ratio,
    "account": _account,
}


def test_case(case: Case) -> None:
    CHECKS[case["fn"]](case)
