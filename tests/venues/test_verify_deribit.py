from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.verification import Status, verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.venues.replies import deribit_simulation, older, vector


@pytest.fixture(scope="module")
def reply(vectors_dir: Path) -> dict[str, Any]:
    return deribit_simulation(vector(vectors_dir, "V-DRB-1"))


@pytest.mark.parametrize("naming", [dict, older], ids=["newer names", "older names"])
def test_the_published_simulation_holds_to_its_last_digit(reply: Any, naming: Any) -> None:
    case = case_of("deribit", naming(reply))
    found = verify_case(case)
    assert found.holds
    assert found.first == ""
    status = {each.name: each.status for each in found.findings}
    assert status["mmp_margin"] is Status.GIVEN
    assert {name for name, each in status.items() if each is Status.HOLDS} == {
        "worst_case",
        "delta_shock",
        "roll_shock",
        "correlation_contingency",
        "risk_matrix_margin",
        "initial_margin",
        "maintenance_margin",
    }
    for each in found.findings:
        if each.ours is not None:
            assert each.ours == pytest.approx(each.theirs, rel=3e-16, abs=1e-17)
    assert [len(each.theirs) for each in found.vectors] == [35, 35, 35]
    assert all(each.largest < 1e-16 for each in found.vectors)


def test_a_bare_result_is_read_too(reply: Any) -> None:
    assert verify_case(case_of("deribit", reply["result"])).holds


@pytest.mark.parametrize(
    ("place", "factor", "rule"),
    [
        ("roll_shock", 1.0 + 1e-9, "roll_shock"),
        ("delta_shock", None, "delta_shock"),
        ("worst_case", 1.0 - 1e-8, "risk_matrix"),
    ],
)
def test_the_first_rule_where_they_part_is_named(
    reply: Any, place: str, factor: float | None, rule: str
) -> None:
    changed = copy.deepcopy(reply)
    details = changed["result"]["margins"]["btc"]["initial_margin_details"]
    details = details["risk_matrix_margin_details"]
    details[place] = 0.001 if factor is None else details[place] * factor
    found = verify_case(case_of("deribit", changed))
    assert not found.holds
    assert (found.first, found.first_place) == (rule, place)
    status = {each.name: each.status for each in found.findings}
    assert status[place] is Status.DIFFERS


def test_a_total_that_differs_by_its_parts_only_follows(reply: Any) -> None:
    changed = copy.deepcopy(reply)
    margins = changed["result"]["margins"]["btc"]
    matrix = margins["initial_margin_details"]
    matrix["risk_matrix_margin_details"]["roll_shock"] += 0.001
    matrix["risk_matrix_margin"] += 0.001
    margins["maintenance_margin"] += 0.0008
    margins["initial_margin"] += 0.001
    status = {x.name: x.status for x in verify_case(case_of("deribit", changed)).findings}
    assert status["roll_shock"] is Status.DIFFERS
    for name in ("risk_matrix_margin", "initial_margin", "maintenance_margin"):
        assert status[name] is Status.FOLLOWS


def test_an_unpublished_charge_is_listed_and_does_not_fail(reply: Any) -> None:
    changed = copy.deepcopy(reply)
    margins = changed["result"]["margins"]["btc"]
    matrix = margins["initial_margin_details"]
    matrix["risk_matrix_margin_details"]["correlation_contingency"] = 0.01
    matrix["risk_matrix_margin"] += 0.01
    margins["initial_margin"] += 0.01
    margins["maintenance_margin"] += 0.008
    found = verify_case(case_of("deribit", changed))
    status = {each.name: each.status for each in found.findings}
    assert status["correlation_contingency"] is Status.MISSING
    assert status["initial_margin"] is Status.MISSING
    assert found.holds


def test_one_scenario_is_found(reply: Any) -> None:
    changed = copy.deepcopy(reply)
    changed["result"]["initial_risk_vectors"]["BTC-28JUN24"]["extended"][2] *= 1.0 + 1e-9
    found = verify_case(case_of("deribit", changed))
    assert not found.holds
    assert found.first_place == "BTC-28JUN24, extended +50 %, vol up"


def test_another_worst_bucket_differs(reply: Any) -> None:
    changed = copy.deepcopy(reply)
    details = changed["result"]["margins"]["btc"]["initial_margin_details"]
    details["risk_matrix_margin_details"]["worst_case_bucket"]["index"] = 4
    found = verify_case(case_of("deribit", changed))
    assert not found.holds
    assert found.scenario == "-16 %, vol up"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("ticker", "BTC-PERPETUAL"), None, "file_unreadable"),
        (("ticker", "BTC-PERPETUAL", "mark_price"), None, "column_missing"),
        (("portfolio", "position", "BTC-PERPETUAL"), float("nan"), "number_not_finite"),
        (("portfolio", "position", "BTC-NOWHERE"), 1.0, "instrument_unknown"),
        (("model_params", "general", "buckets_count"), 5, "rules_unknown"),
        (("model_params", "general", "timestamp"), None, "column_missing"),
        (("model_params", "currency_pair", "btc_usd", "new_number"), 1.0, "column_unknown"),
        (("model_params", "currency", "btc", "futures_contingency"), 0.006, "rules_unknown"),
        (("aggregated_risk_vectors", "btc_btc", "standard"), [0.0], "shape_wrong"),
        (("margins",), {}, "file_unreadable"),
    ],
    ids=lambda value: str(value),
)
def test_a_payload_that_cannot_be_read_is_refused(
    reply: Any, path: tuple[str, ...], value: Any, code: str
) -> None:
    changed = copy.deepcopy(reply)
    table = changed["result"]
    for name in path[:-1]:
        table = table[name]
    if value is None:
        del table[path[-1]]
    else:
        table[path[-1]] = value
    with pytest.raises(InputError) as caught:
        case_of("deribit", changed)
    assert caught.value.code == code


def test_a_number_beyond_its_bounds_is_refused(reply: Any) -> None:
    changed = copy.deepcopy(reply)
    changed["result"]["model_params"]["currency_pair"]["btc_usd"]["price_range"] = 1.5
    with pytest.raises(ModelError) as caught:
        case_of("deribit", changed)
    assert caught.value.code == "parameter_out_of_bounds"


def test_numbers_of_the_older_payload_that_are_absent_are_carried_and_named(reply: Any) -> None:
    changed = older(reply)
    for table in changed["result"]["model_params"]["general"]["currencies"]:
        del table["extended_dampener"]
    case = case_of("deribit", changed)
    assert "currency.BTC.extended_dampener_usd" in case.notes[0]
    assert "deribit-pm/2024-06-17" in case.notes[0]


def option_book(reply: Any) -> dict[str, Any]:
    changed = copy.deepcopy(reply)
    result = changed["result"]
    result["portfolio"]["position"] = {"BTC-28JUN24-70000-C": -2.0}
    result["ticker"] = {"BTC-28JUN24-70000-C": {"mark_price": 0.02, "index_price": 65666.19}}
    result["initial_risk_vectors"] = {}
    return changed


def test_options_without_forward_are_refused_and_with_tickers_priced(reply: Any) -> None:
    changed = option_book(reply)
    with pytest.raises(InputError) as caught:
        verify_case(case_of("deribit", changed))
    assert caught.value.code == "column_missing"
    assert "tickers" in caught.value.remedy
    ticker = {
        "instrument_name": "BTC-28JUN24-70000-C",
        "mark_iv": 51.2,
        "underlying_price": 65900.0,
    }
    case = case_of("deribit", {"reply": changed, "tickers": [ticker]})
    view = case.snapshot.view(case.book.instruments)
    assert view.vol.max() == 0.512
    assert not verify_case(case).holds


def simulate_portfolio(reply: Any, case: Any, **more: Any) -> dict[str, Any]:
    expected = case["expected"]
    return {
        "request": {
            "method": "private/simulate_portfolio",
            "params": {
                "currency": "BTC",
                "add_positions": False,
                "simulated_positions": reply["result"]["portfolio"]["position"],
            },
        },
        "reply": {
            "jsonrpc": "2.0",
            "usOut": 1718619740501000,
            "result": {
                "margin_model": "segregated_pm",
                "currency": "BTC",
                "initial_margin": expected["risk_matrix_margin"],
                "maintenance_margin": expected["maintenance_margin"],
                "equity": 1.0,
            },
        },
        "tickers": [
            {"instrument_name": name, **ticker}
            for name, ticker in reply["result"]["ticker"].items()
        ],
        **more,
    }


def test_totals_of_simulate_portfolio(reply: Any, vectors_dir: Path) -> None:
    payload = simulate_portfolio(reply, vector(vectors_dir, "V-DRB-1"))
    found = verify_case(case_of("deribit", payload))
    assert [each.name for each in found.findings] == ["initial_margin", "maintenance_margin"]
    # The set in force then is the one printed with the example; IM is rounded to nine places.
    assert found.findings[1].status is Status.HOLDS
    assert found.findings[0].difference == pytest.approx(0.0, abs=5e-10)


def test_a_simulation_on_top_of_held_positions_is_refused(reply: Any, vectors_dir: Path) -> None:
    payload = simulate_portfolio(reply, vector(vectors_dir, "V-DRB-1"), positions=[])
    payload["request"]["params"]["add_positions"] = True
    with pytest.raises(InputError) as caught:
        case_of("deribit", payload)
    assert caught.value.code == "rules_unknown"


def test_an_unknown_reply_and_an_error_are_refused() -> None:
    for payload in ({"result": {"balance": 1}}, {"jsonrpc": "2.0", "error": {"code": 10001}}):
        with pytest.raises(InputError) as caught:
            case_of("deribit", payload)
        assert caught.value.code == "file_unreadable"


def test_the_recorded_simulation_of_ether_as_its_figures_are_published() -> None:
    """A short perpetual: offset, dampener, the last bucket; figures as the venue printed them."""
    currency = {
        "annualised_move_risk": 0.05,
        "min_annualised_move": 0.005,
        "extended_dampener": 200000,
        "pnl_offset": 0.6,
        "max_offsetable_pnl": 20000000,
        "haircut": 0,
        "equity_side_impact": "both",
    }
    pair = {
        "price_range": 0.18,
        "volatility_range_up": 0.4,
        "volatility_range_down": 0.25,
        "min_volatility_for_shock_up": 0.5,
        "short_term_vega_power": 0.3,
        "long_term_vega_power": 0.13,
        "extended_table_factor": 1,
        "m_inc": 0.000004,
        "delta_total_liq_shock_threshold": 20000000,
        "max_delta_shock": 0.1,
    }
    details = {
        "worst_case": 0.15246412672881357,
        "worst_case_bucket": {"source": "standard", "bucket": 9, "side": "right", "index": 25},
        "roll_shock": 0.004997435265,
        "delta_shock": 0,
        "correlation_contingency": 0,
    }
    payload = {
        "model_params": {
            "general": {"mm_factor": 0.8, "timestamp": 1771197609587},
            "currency": {"eth": currency},
            "currency_pair": {"eth_usd": pair},
        },
        "margins": {
            "eth": {
                "initial_margin": 0.157461562,
                "maintenance_margin": 0.125969249812,
                "initial_margin_details": {
                    "risk_matrix_margin": 0.157461562265,
                    "risk_matrix_margin_details": details,
                },
            }
        },
        "portfolio": {"currency": {"usdc": 5.0}, "position": {"ETH-PERPETUAL": -0.999487053}},
        "index_price": {"eth_usd": 1949.34},
        "ticker": {"ETH-PERPETUAL": {"mark_price": 1949.49, "index_price": 1949.34}},
    }
    found = verify_case(case_of("deribit", payload))
    assert found.holds
    assert found.requirement.scenario_label(0) == "+18 %, vol up"


def test_a_cross_simulation_is_in_dollars_with_equity_in_the_matrix() -> None:
    """One coin held and nothing else: the worst is the fall of the range, in dollars."""
    details = {"risk_matrix_margin_details": {"worst_case": 0.16 * 65666.19 * 2.0}}
    payload = {
        "request": {"params": {"currency": "CROSS"}},
        "result": {
            "model_params": {
                "general": {"mm_factor": 0.8, "timestamp": 1718619740501},
                "currency": {"btc": {"equity_side_impact": "both"}},
                "currency_pair": {"btc_usd": {"price_range": 0.16}},
            },
            "margins": {
                "cross": {
                    "initial_margin": 0.16 * 65666.19 * 2.0,
                    "maintenance_margin": 0.8 * 0.16 * 65666.19 * 2.0,
                    "initial_margin_details": details,
                }
            },
            "portfolio": {"currency": {"btc": 2.0}, "position": {}},
            "index_price": {"btc_usd": 65666.19},
            "ticker": {},
        },
    }
    case = case_of("deribit", payload)
    assert case.model == "deribit-xpm"
    found = verify_case(case)
    worst = next(each for each in found.findings if each.name == "worst_case")
    assert worst.status is Status.HOLDS
