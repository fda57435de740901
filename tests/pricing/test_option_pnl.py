"""P&L in one pass is values, base, coin and unit one after the other, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.pricing.option_pnl import Moves, Options, add_rows, option_pnl
from crossmargin.pricing.revalue import padded, padded_width, revalue

EXPIRIES, ROWS = 4, 60


def market(count: int, seed: int = 1) -> tuple[Moves, Options, np.ndarray]:
    """Random tables of ``count`` scenarios, dead options and dead expiries among them."""
    rng = np.random.default_rng(seed)
    now = rng.uniform(2e4, 9e4, EXPIRIES)
    forward = now[:, None] * rng.uniform(0.3, 3.0, (EXPIRIES, count))
    root = rng.uniform(0.05, 1.0, EXPIRIES)
    root[-1] = 0.0
    moves = Moves(
        forward,
        root[:, None] * rng.uniform(0.5, 2.0, (EXPIRIES, count)),
        rng.uniform(0.0, 0.1, (EXPIRIES, count)) * root[:, None],
        rng.uniform(0.0, 0.05, (EXPIRIES, count)) * root[:, None],
        now,
        root,
        rng.uniform(0.9, 1.0, EXPIRIES),
    )
    options = Options(
        rng.integers(0, EXPIRIES, ROWS).astype(np.int32),
        rng.uniform(1e4, 2e5, ROWS),
        rng.choice([-1.0, 1.0], ROWS),
        rng.uniform(0.1, 2.0, ROWS),
        rng.uniform(0.01, 10.0, ROWS),
        rng.choice([True, False], ROWS),
    )
    return moves, options, rng.uniform(0.5, 1.5, (ROWS, count))


@pytest.mark.parametrize("count", [1, 7, 8, 35])
@pytest.mark.parametrize("skewed", [False, True])
def test_one_pass_is_the_steps_one_by_one(count: int, skewed: bool) -> None:
    moves, options, skew = market(count)
    skew_given = skew if skewed else None
    width = padded_width(count)
    unit = np.random.default_rng(2).uniform(0.5, 2.0, (3, width))
    code = (np.arange(ROWS) % 3).astype(np.int32)
    out, value = np.full((ROWS + 5, width), 7.0), np.full(ROWS + 5, 7.0)
    place = np.arange(ROWS, dtype=np.int32)[::-1].copy() + 5
    option_pnl(moves, options, place, out, value, strike_factor=skew_given, unit=(unit, code))

    nothing = np.zeros((EXPIRIES, 1))
    rows = options.expiry, options.strike, options.right, options.vol
    base = revalue(
        moves.now[:, None], moves.discount, moves.root_years[:, None], nothing, nothing, *rows
    )[:, :1]
    shocked = revalue(
        moves.forward, moves.discount, moves.vol_factor, moves.vol_shift, moves.vol_floor, *rows,
        skew_given,
    )  # fmt: skip
    coin = options.in_coin
    shocked[coin] /= padded(moves.forward)[options.expiry[coin]]
    base[coin] /= moves.now[options.expiry[coin], None]
    m = options.multiplier[:, None]
    assert np.array_equal(out[place], m * (shocked - base) * unit[code])
    assert np.array_equal(value[place], (m * base)[:, 0])
    assert (out[:5] == 7.0).all() and (value[:5] == 7.0).all()


def test_a_scenario_that_moves_nothing_is_exactly_zero() -> None:
    moves, options, _ = market(9)
    still = moves._replace(
        forward=np.repeat(moves.now[:, None], 9, axis=1),
        vol_factor=np.repeat(moves.root_years[:, None], 9, axis=1),
        vol_shift=np.zeros((EXPIRIES, 9)),
        vol_floor=np.zeros((EXPIRIES, 9)),
    )
    out, value = np.empty((ROWS, 16)), np.empty(ROWS)
    option_pnl(still, options, np.arange(ROWS, dtype=np.int32), out, value)
    assert not out.any() and (value >= 0.0).all()


def test_rows_are_added_with_a_product_of_their_own() -> None:
    rng = np.random.default_rng(4)
    out, table = rng.normal(size=(6, 16)), rng.normal(size=(2, 16))
    place, code = np.array([4, 0, 4], np.int32), np.array([1, 0, 0], np.int32)
    amount = rng.normal(size=3)
    wanted = out.copy()
    for j in range(3):
        wanted[place[j]] = wanted[place[j]] + amount[j] * table[code[j]]
    add_rows(place, amount, code, table, out)
    assert np.array_equal(out, wanted)


@pytest.mark.parametrize("bad", ["vol", "strike", "right", "expiry", "place", "forward"])
def test_what_is_no_number_is_refused(bad: str) -> None:
    moves, options, _ = market(8)
    place = np.arange(ROWS, dtype=np.int32)
    if bad == "forward":
        moves = moves._replace(forward=np.where(moves.forward > 5e4, np.nan, moves.forward))
    elif bad == "place":
        place = place + 1
    else:
        wrong = getattr(options, bad).copy()
        wrong[3] = 99 if bad == "expiry" else 0.5 if bad == "right" else np.nan
        options = options._replace(**{bad: wrong})
    with pytest.raises(InputError):
        option_pnl(moves, options, place, np.empty((ROWS, 8)), np.empty(ROWS))
