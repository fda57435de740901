"""The tail hedge keeps to its budgets, of premium and of margin, and beats what is simpler."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.margin_choice import blocks_of
from crossmargin.decisions.tail_hedge import Crash, TailMargin, tail_hedge, tail_within
from crossmargin.margin.whatif_trades import Leg
from tests.decisions.protect_case import chains, field_of, prepared

CRASHES = (Crash(-0.3, 1.6, 0.8), Crash(-0.5, 2.2, 0.2))


def test_the_tail_hedge_keeps_to_budget_and_limits_and_beats_any_one_put() -> None:
    field = field_of()
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    found = tail_hedge(field, used, CRASHES, 12_000.0, limits)
    assert found.year_usd <= 12_000.0
    assert all(leg.size <= 5.0 + 1e-9 for leg in found.legs)
    assert found.cost_usd == pytest.approx(sum(leg.cost_usd for leg in found.legs))
    assert found.convexity[1] > found.convexity[0] > 1.0
    for pays, often in zip(found.payoff_usd, found.breakeven, strict=True):
        assert often * pays == pytest.approx(found.year_usd)
    brings = sum(c.weight * p for c, p in zip(CRASHES, found.payoff_usd, strict=True))
    for chain in used:
        for k in chain.puts.bought():
            row = chain.puts.rows[k]
            year = float(chain.puts.buy[k]) * field.lines.price / chain.years
            size = np.floor(min(5.0, 12_000.0 / year) * 10 + 1e-9) / 10
            lone = tail_hedge(field, [chain], CRASHES, 12_000.0, {row: float(size)})
            alone = sum(c.weight * p for c, p in zip(CRASHES, lone.payoff_usd, strict=True))
            # rounding down to lots costs the whole programme less than this
            assert brings >= alone - 0.03 * brings


def test_a_margin_row_binds() -> None:
    field = field_of()
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    count = sum(len(chain.puts.bought()) for chain in used)
    rows = np.ones((1, count)), np.array([3.0])
    found = tail_hedge(field, used, CRASHES, 12_000.0, limits, rows)
    assert sum(leg.size for leg in found.legs) <= 3.0 + 1e-9
    assert tail_hedge(field, [], CRASHES, 1.0, {}).legs == ()


def test_conditions_that_contradict_name_the_smallest_change() -> None:
    used = [chain for chain in chains() if chain.years > 14 / 365]
    limits = {row: 5.0 for chain in used for row in chain.puts.rows}
    count = sum(len(chain.puts.bought()) for chain in used)
    rows = -np.ones((1, count)), np.array([-5.0 * count - 2.0])  # two more than may be bought
    with pytest.raises(ModelError) as refused:
        tail_hedge(field_of(), used, CRASHES, 1e9, limits, rows)
    assert refused.value.code == "solver_failed"
    assert "condition 1 by 2 " in str(refused.value.value)


@pytest.mark.parametrize(
    ("crash", "budget", "code"),
    [
        (Crash(0.1, 1.0, 1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 0.0, 1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, -1.0), 1.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, 1.0), 0.0, "number_out_of_range"),
        (Crash(-0.3, 1.0, 1.0), float("nan"), "number_not_finite"),
        (None, 1.0, "option_unknown"),
    ],
)
def test_bad_crashes(crash: Crash | None, budget: float, code: str) -> None:
    with pytest.raises(InputError) as refused:
        tail_hedge(field_of(), chains(), [crash] if crash else [], budget, {})
    assert refused.value.code == code


def _few(book: str, count: int, most: float) -> tuple[list[Chain], dict[int, float]]:
    """One expiry in which a few puts may be bought, each up to that size."""
    chain = next(each for each in chains(book) if each.years > 30 / 365)
    able = [chain.puts.rows[k] for k in chain.puts.bought()]
    rows = able[:: max(len(able) // count, 1)][:count]
    return [chain], dict.fromkeys(rows, most)


@pytest.mark.parametrize("book", ["holder", "sample:retail-short-vol"])
@pytest.mark.parametrize(("share", "rate"), [(1.0, 0.0), (0.93, 0.0), (None, 0.3), (0.97, 0.1)])
def test_no_whole_lots_inside_both_budgets_pay_more(
    book: str, share: float | None, rate: float
) -> None:
    """Against every combination of a few lots under the exact model: at most a lot each is lost."""
    ready, field = prepared(book), field_of(book, lot=1.0 if book == "holder" else 0.1)
    used, limits = _few(book, 3, 5.0 * field.lot)
    budget = 0.6 * sum(
        float(used[0].puts.buy[used[0].puts.rows.index(row)]) * size * field.lines.price
        for row, size in limits.items()
    ) / used[0].years  # fmt: skip
    before = ready.core.before.im_usd
    most = None if share is None else share * before
    rows = list(limits)
    columns = [ready.core.column[field.lines.items[row].native_id] for row in rows]
    lone = [tail_hedge(field, used, CRASHES, 1e12, {row: size}) for row, size in limits.items()]
    unit = np.array([sum(c.weight * p for c, p in zip(CRASHES, t.payoff_usd, strict=True)) / 5.0
                     for t in lone])  # fmt: skip
    year = np.array([t.year_usd / 5.0 for t in lone])
    lots = [np.array(n, float) for n in itertools.product(range(6), repeat=3)]
    legs = [[Leg(c, float(round(n * field.lot, 12))) for c, n in zip(columns, each, strict=True)
             if n] for each in lots]  # fmt: skip
    after = [before if not each else ready.core.after(each)[0].im_usd for each in legs]
    feasible = [
        float(unit @ each)
        for each, im in zip(lots, after, strict=True)
        if (most is None or im <= most + 1e-6) and year @ each + rate * (im - before) <= budget
    ]
    assert feasible
    found, told = tail_within(
        ready.core, field, used, CRASHES, budget, limits, margin_usd=most, rate=rate
    )
    pays = sum(c.weight * p for c, p in zip(CRASHES, found.payoff_usd, strict=True))
    assert told.before_usd == before
    assert most is None or told.after_usd <= most + 1e-5 * before
    assert found.year_usd + rate * (told.after_usd - before) <= budget * (1.0 + 1e-5)
    assert pays <= max(feasible) * (1.0 + 1e-9)
    assert pays >= max(feasible) - float(unit.sum()) - 1e-3 * max(feasible)


def test_the_margin_price_is_the_slope_of_the_payoff() -> None:
    ready, field = prepared().core, field_of(lot=1e-7)
    used, limits = _few("holder", 12, 5.0)
    before = ready.before.im_usd
    names = [field.lines.items[used[0].puts.rows[k]].native_id for k in used[0].puts.bought()]
    column = np.array([ready.column[name] for name in names], np.int32)
    blocks = blocks_of(ready, column)
    found = []
    for most in (0.738 * before, 0.738 * before + 50.0):
        tail = tail_hedge(
            field, used, CRASHES, 1e5, limits, margin=TailMargin(blocks, before, most)
        )
        pays = sum(c.weight * p for c, p in zip(CRASHES, tail.payoff_usd, strict=True))
        found.append((pays, tail.margin_price_usd, tail.price_usd))
    (low, dear, budget_price), (high, cheap, _) = found
    assert budget_price > 0.0
    assert dear >= cheap > 0.0  # the payoff is concave in the margin
    assert cheap - 0.02 <= (high - low) / 50.0 <= dear + 0.02


def test_a_margin_budget_out_of_reach_names_the_change() -> None:
    ready, field = prepared(), field_of()
    used, limits = _few("holder", 3, 0.2)
    with pytest.raises(ModelError) as refused:
        tail_within(ready.core, field, used, CRASHES, 1e9, limits, margin_usd=1000.0)
    assert refused.value.code == "solver_failed"
    words = str(refused.value.value)
    assert "margin by " in words
    assert "(limit 1,000)" in words
    by = float(words.split("margin by ")[1].split(maxsplit=1)[0].replace(",", ""))
    found, told = tail_within(
        ready.core, field, used, CRASHES, 1e9, limits, margin_usd=1000.0 + by + 1.0
    )
    assert found.legs
    assert told.after_usd <= 1000.0 + by + 2.0
    with pytest.raises(ModelError) as nothing:
        tail_within(ready.core, field, [], CRASHES, 1e9, {}, margin_usd=1000.0)
    assert nothing.value.code == "solver_failed"


@pytest.mark.parametrize(("margin", "rate"), [(-1.0, 0.0), (float("nan"), 0.0), (1.0, -0.1)])
def test_bad_margin_numbers(margin: float, rate: float) -> None:
    with pytest.raises(InputError):
        tail_within(
            prepared().core, field_of(), chains(), CRASHES, 1.0, {}, margin_usd=margin, rate=rate
        )
