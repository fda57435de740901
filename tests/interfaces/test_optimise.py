"""The verb and the command optimise: what is announced is what a what-if of the intents finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError
from crossmargin.decisions.margin_choice import Desired, Tolerances, profile_of, workbench
from crossmargin.decisions.margin_outlook import finer
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.optimise_layouts import optimise_document
from crossmargin.interfaces.whatif import prepare

BOOK, MARKET = "sample:market-maker", "sample:market"


@pytest.fixture(scope="module")
def result() -> xm.OptimiseResult:
    return xm.optimise(BOOK, MARKET, asked={}, desired=Desired(kept=60))


def test_the_intents_have_the_announced_margin(result: xm.OptimiseResult, tmp_path: Path) -> None:
    assert result.saved_usd > 0.0
    assert len(result.trades) > 0
    place = result.write_intents(tmp_path / "intents.csv")
    asked = xm.whatif(BOOK, MARKET, rank=place)
    assert asked.after.im_usd == pytest.approx(result.figures["after"]["im_usd"], rel=1e-12)
    assert asked.before.im_usd == result.figures["before"]["im_usd"]
    legs = xm.whatif(BOOK, MARKET, add=list(result.intents.legs()))
    assert legs.after.im_usd == pytest.approx(result.figures["after"]["im_usd"], rel=1e-12)


def test_greeks_stand_beside_the_band_that_holds_them(result: xm.OptimiseResult) -> None:
    rows = result.figures["greeks"]
    part, held, bench = result.bench.view.instruments, result.bench.quantity, result.bench
    for row in rows:
        if row["greek"] == "gamma":  # no tolerance by default
            assert row["least"] is row["most"] is row["binds"] is None
            continue
        share = {"delta": 0.02, "vega": 0.05}[row["greek"]]
        column = {"delta": 0, "vega": 2}[row["greek"]]
        gross = sum(
            abs(float(bench.greek[k, column]) * float(held[k]))
            for k, item in enumerate(part.items)
            if item.underlying == row["coin"]
        )
        assert row["most"] - row["before"] == pytest.approx(share * gross, rel=1e-9)
        assert row["before"] - row["least"] == pytest.approx(share * gross, rel=1e-9)
        slack = 1e-9 + 1e-3 * (row["most"] - row["least"])
        assert row["least"] - slack <= row["after"] <= row["most"] + slack


def test_a_greek_that_holds_the_answer_back_binds() -> None:
    found = xm.optimise(BOOK, MARKET, asked={}, tolerances=Tolerances(0.01, None, 0.2))
    rows = [row for row in found.figures["greeks"] if row["binds"]]
    binding = {f"{row['greek']} of {row['coin']}" for row in rows}
    named = {each["limit"] for each in found.figures["limits"] if "P&L" not in each["limit"]}
    assert binding and binding == named
    for row in found.figures["greeks"]:
        if row["binds"]:  # whole lots may stand a lot inside of the edge
            near = min(row["after"] - row["least"], row["most"] - row["after"])
            assert near <= 0.02 * (row["most"] - row["least"])
    loose = xm.optimise(
        BOOK, MARKET, asked={}, tolerances=Tolerances(None, None, None), desired=Desired(kept=20)
    )
    assert all(row["least"] is None for row in loose.figures["greeks"])


def test_the_figures_add_up_and_say_what_got_worse(result: xm.OptimiseResult) -> None:
    figures = result.figures
    assert figures["saved_usd"] == pytest.approx(
        figures["before"]["im_usd"] - figures["after"]["im_usd"], abs=1e-6
    )
    daily = 0.08 * figures["saved_usd"] / 365.0
    assert figures["pay_back_days"] == pytest.approx(figures["cost_usd"] / daily)
    assert figures["pay_back_days"] < 30.0, "a trade that does not pay within the days"
    assert {each["when"] for each in figures["outlooks"]} == {
        "one day ahead",
        "after the next expiry",
    }
    for each in figures["grid"]:
        assert each["largest_loss_added_usd"] >= -0.02 * figures["before"]["im_usd"] * 1.001
    coarse = {each["coin"]: each for each in figures["grid"]}
    for each in figures["dense_grid"]:  # the points of the grid are among those of the denser one
        own = coarse[each["coin"]]
        assert each["largest_loss_added_usd"] <= own["largest_loss_added_usd"] + 1e-6
        assert each["worst_after_usd"] <= own["worst_after_usd"] + 1e-6
        assert each["largest_loss_added_usd"] >= -0.02 * figures["before"]["im_usd"] * 1.001
    assert any("P&L" in text for text in figures["worsened"])
    assert figures["pieces"][0]["standing"] == "lower"
    assert figures["pieces"][0]["left_out"]
    assert any("open orders" in text for text in figures["pieces"][0]["left_out"])
    assert figures["solver"]["primal_residual"] <= 1e-7
    text = repr(result)
    assert "trades save" in text
    assert "lower bound" in text


def test_a_greek_stays_inside_its_tolerance(result: xm.OptimiseResult) -> None:
    bench = result.bench
    for each in result.greeks:
        g = ("delta", "gamma", "vega").index(each.name)
        share = {"delta": 0.02, "vega": 0.05}.get(each.name)
        mine = bench.grid.coin == bench.grid.coins.index(each.coin)
        gross = float((abs(bench.quantity * bench.greek[:, g]))[mine].sum())
        if share is not None:
            assert abs(each.with_ - each.without) <= share * gross * (1.0 + 1e-6) + 1e-9


def test_the_cost_is_the_one_cost_object(result: xm.OptimiseResult) -> None:
    bench, sizes = result.bench, result.priced.sizes
    total = 0.0
    for j, size in enumerate(sizes.tolist()):
        if size == 0.0:
            continue
        quote = bench.desk.quote(int(bench.column[j]), 1.0 if size > 0.0 else -1.0)
        parts = {name: float(value) for name, value in quote.cost.split(size)}
        cost = max(sum(parts.values()), parts["fee"] + parts.get("base fee", 0.0))
        assert bench.cost_usd(j, size) == pytest.approx(cost, rel=1e-12)
        pieces = bench.tickets[j].cost_usd(size) + bench.tickets[j].fixed_usd
        assert pieces >= cost * (1.0 - 1e-9), "the pieces lie on or above the cost"
        total += cost
    assert result.cost_usd == pytest.approx(total, rel=1e-12)
    assert sum(trade.cost_usd for trade in result.trades) == pytest.approx(total, rel=1e-12)


def test_what_breaks_between_the_points_becomes_rows(result: xm.OptimiseResult) -> None:
    bench, snapshot, sizes = result.bench, result.prepared.snapshot, result.priced.sizes
    wide = profile_of(bench, result.terms.tolerances, result.figures["before"]["im_usd"])
    assert wide is not None
    assert finer(bench, snapshot, sizes, wide) is None, "the answer keeps it there too"
    half = replace(wide, down=0.5 * wide.down)
    more = finer(bench, snapshot, sizes, half)
    assert more is not None
    added = more.rows[len(wide.rows) :] @ sizes
    assert (added < half.down[0]).all()
    lowest = min(each["largest_loss_added_usd"] for each in result.figures["dense_grid"])
    assert added.min() == pytest.approx(lowest, rel=1e-9)
    assert len(more.names) == len(more.rows) == len(more.down) == len(more.up)


def test_the_smallest_trade_what_ends_early_and_a_fee_by_trade() -> None:
    made = prepare(BOOK, MARKET, "deribit-xpm", None, fee={"deribit.fee.base": 2.0})
    plain = workbench(made.core, made.snapshot, Desired(least_days=30.0))
    asked = Desired(least_days=30.0, horizon_days=30.0, least_usd=50_000.0)
    bench = workbench(made.core, made.snapshot, asked)
    now, items = bench.view.as_of_ms, bench.view.instruments.items
    life = {items[int(k)].native_id: items[int(k)].expiry_ms - now for k in bench.column.tolist()}
    former = {ticket.name: ticket for ticket in plain.tickets}
    early = [each for each in bench.tickets if life[each.name] < 15 * DAY_MS]
    late = [each for each in bench.tickets if life[each.name] > 30 * DAY_MS]
    assert len(early) > 2
    assert len(late) > 2
    for each in late:
        assert each.least > former[each.name].least
        assert each.fixed_usd == pytest.approx(2.0, rel=0.05), "of a coin at its own price"
        assert each.buy_slope.tolist() == former[each.name].buy_slope.tolist()
    for each in early:
        times = 30.0 * DAY_MS / life[each.name]
        assert each.least == each.lot, "what is held may be closed whatever it is"
        assert each.fixed_usd == pytest.approx(2.0 * times, rel=0.05)
        assert each.sell_slope == pytest.approx(times * former[each.name].sell_slope)
        assert bool(each.buy_slope.size) != bool(each.sell_slope.size)


def test_what_cannot_be_kept_names_the_least_relaxation() -> None:
    with pytest.raises(InputError) as refused:
        xm.optimise(
            BOOK, MARKET, objective="call", buffer_usd=4_400_000.0, desired=Desired(kept=30)
        )
    text = str(refused.value)
    assert "what counts against IM, less --buffer, by " in text
    assert "USD" in text
    assert ", accepted: the limits as they were given" in text, "nothing is cut off"


@pytest.mark.parametrize(
    "given",
    [
        {"objective": "profit"},
        {"days": -1.0},
        {"days": float("inf")},
        {"funding": float("nan")},
        {"tolerances": Tolerances(delta=-0.1)},
        {"desired": Desired(largest=float("inf"))},
    ],
)
def test_bad_numbers_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        xm.optimise(BOOK, MARKET, **given)  # type: ignore[arg-type] # keywords of a table


def test_the_command_writes_json_plot_and_intents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot, intents = tmp_path / "p.svg", tmp_path / "i.json"
    line = ["optimise", BOOK, "--market", MARKET, "--legs", "4", "--plot", str(plot)]
    assert main([*line, "--intents", str(intents), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0 < len(figures["trades"]) <= 4
    assert figures["receipt"]["command"].startswith("crossmargin optimise")
    assert plot.read_text("utf-8").startswith("<svg")
    groups = json.loads(intents.read_text("utf-8"))["groups"]
    assert len(groups[0]["trades"]) == len(figures["trades"])


def test_trades_that_bring_in_money_are_not_paid_back(result: xm.OptimiseResult) -> None:
    earned = {
        **result.figures,
        "cost_usd": -42.0,
        "pay_back_days": -62.2,
        "verdict": "passes_reducing_risk",
    }
    line = " ".join(optimise_document(earned).lines)
    assert "bring in 42 USD" in line
    assert "paid back" not in line
    assert "passes reducing risk" in line


def test_a_saving_that_the_lots_are_too_coarse_for_is_told() -> None:
    found = xm.optimise("sample:retail-short-vol", MARKET)
    assert found.trades == ()
    first = found.figures["rounds"][0]
    assert first["trades"] > 0 and first["saved_exactly_usd"] > first["cost_usd"]
    told = " ".join(repr(found).split())
    assert f"{first['saved_exactly_usd']:,.2f} USD of margin for" in told
    assert "one lot of" in told


def _free_usd(state: dict[str, float]) -> float:
    return state["counted_im_usd"] - state["im_usd"]


@pytest.mark.parametrize("model", ["span", "deribit-sm", "hybrid", "deribit-spm"])
def test_what_is_saved_becomes_free(model: str) -> None:
    """A bought option that does not count is no saving: a what-if frees as much."""
    book = "sample:retail-short-vol"
    found = xm.optimise(book, MARKET, model, funding=0.9, days=90.0)
    assert found.figures["trades"]
    told = xm.whatif(book, MARKET, model, found.intents).to_dict()
    freed = _free_usd(told["after"]) - _free_usd(told["before"])
    cost = told["fees_usd"] - told["day_one_usd"]
    assert found.saved_usd == pytest.approx(freed + cost, abs=0.01)
    figures = found.figures
    beside = figures["saved_im_usd"] - figures["uncounted_usd"]
    assert found.saved_usd == pytest.approx(beside, abs=1e-6)
    text = str(found.summary())
    assert ("against it, the cost aside" in text) == (abs(figures["uncounted_usd"]) > 0.5)


def test_a_call_that_no_trade_meets_is_left_as_it_stands() -> None:
    """The schedule's net-to-gross ratio is not convex: what its tangent promises is not kept."""
    found = xm.optimise("sample:retail-short-vol", MARKET, "schedule-im", objective="call")
    before, after = found.figures["before"], found.figures["after"]
    assert _free_usd(before) < 0.0
    assert _free_usd(after) >= _free_usd(before)
    if not found.intents.trades:
        assert "no trades were found" in found.figures["nothing_because"]


@pytest.mark.parametrize("model", ["okx-sm", "bybit-sm", "binance-options"])
def test_only_what_the_model_takes_is_a_candidate(model: str) -> None:
    """A venue's rule for options: its futures are quoted beside and are left aside."""
    held = {"BTC-28AUG26-60000-P": -5.0, "BTC-28AUG26-70000-C": -5.0, "USDC": 200_000.0}
    book = [
        {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        for name, size in held.items()
    ]
    found = xm.optimise(book, MARKET, model, fee=0.0003, funding=0.9, days=90.0)
    assert all(trade.instrument.endswith(("-C", "-P")) for trade in found.intents.trades)
    ranked = xm.rank(book, MARKET, model, fee=0.0003, fit=0).figures["candidates"]
    assert ranked and all(each["candidate"].endswith(("-C", "-P")) for each in ranked)


def test_whole_lots_are_whole(result: xm.OptimiseResult) -> None:
    """To the last digit that is written: a venue refuses 0.30000000000000004."""
    tickets, sizes = result.bench.tickets, result.priced.sizes.tolist()
    assert result.intents.trades
    for ticket, size in zip(tickets, sizes, strict=True):
        assert size == float(f"{round(size / ticket.lot) * ticket.lot:.10g}")
