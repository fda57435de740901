"""Values against 50-digit arithmetic, exact limits, and bits that do not depend on neighbours."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.revalue import black_value, padded_width, revalue

EXTREME = [
    # forward, strike, total standard deviation
    (1.0, 1.0, 1e-9),
    (1.0, 1.0, 12.0),
    (100.0, 1e-6, 0.3),
    (1e-6, 100.0, 0.3),
    (100.0, 101.0, 1e-3),
    (1e5, 2e5, 0.02),
    (1e5, 99999.99, 0.5),
    (1e5, 1e5, 3.0),
    (3.0, 1e9, 8.0),
    (1e-12, 1e-12, 0.7),
]


def exact_black(forward: float, strike: float, spread: float, right: float) -> mp.mpf:
    """The formula in 50 digits; tails by erfc, so nothing cancels."""
    with mp.workdps(50):
        f, k, w = mp.mpf(forward), mp.mpf(strike), mp.mpf(spread)
        if w == 0 or f == 0 or k == 0:
            return max(right * (f - k), mp.mpf(0))
        d1 = mp.log(f / k) / w + w / 2
        half = mp.sqrt(mp.mpf(1) / 2)

        def normal(x: mp.mpf) -> mp.mpf:
            return mp.erfc(-x * half) / 2

        return right * (f * normal(right * d1) - k * normal(right * (d1 - w)))


def one_cell(forward: float, strike: float, spread: float, right: float) -> float:
    """The scenario kernel on one instrument and one scenario."""
    value = revalue([[forward]], [1.0], [[spread]], [[0.0]], [[0.0]], [0], [strike], [right], [1.0])
    return float(value[0, 0])


def market(seed: int, rows: int, scenarios: int, expiries: int = 5) -> dict[str, np.ndarray]:
    """A random call of `revalue`, every table in play."""
    rng = np.random.default_rng(seed)
    return {
        "forward_es": 1e5 * rng.uniform(0.5, 1.5, (expiries, scenarios)),
        "discount_e": rng.uniform(0.8, 1.0, expiries),
        "vol_factor_es": rng.uniform(0.05, 1.0, (expiries, scenarios)),
        "vol_shift_es": rng.normal(0.0, 0.05, (expiries, scenarios)),
        "vol_floor_es": rng.uniform(0.0, 0.1, (expiries, scenarios)),
        "expiry_of_i": rng.integers(0, expiries, rows).astype(np.int32),
        "strike_i": 1e5 * np.exp(rng.normal(0.0, 0.4, rows)),
        "right_i": np.where(rng.random(rows) < 0.5, 1.0, -1.0),
        "vol_i": rng.uniform(0.1, 2.0, rows),
        "strike_factor_is": rng.uniform(0.7, 1.3, (rows, scenarios)),
    }


@pytest.mark.parametrize("right", [1.0, -1.0])
@pytest.mark.parametrize(("forward", "strike", "spread"), EXTREME)
def test_one_cell_agrees_with_fifty_digits(
    forward: float, strike: float, spread: float, right: float
) -> None:
    exact = exact_black(forward, strike, spread, right)
    found = one_cell(forward, strike, spread, right)
    assert abs(found - exact) <= 4e-15 * max(forward, strike)


def test_random_cells_agree_with_fifty_digits() -> None:
    call = market(1, 40, 12)
    value = revalue(**call)
    worst = 0.0
    for i in range(40):
        e = call["expiry_of_i"][i]
        for s in range(12):
            w = call["vol_i"][i] * call["vol_factor_es"][e, s] + call["vol_shift_es"][e, s]
            w = max(call["vol_floor_es"][e, s], w) * call["strike_factor_is"][i, s]
            f, k = call["forward_es"][e, s], call["strike_i"][i]
            exact = call["discount_e"][e] * exact_black(f, k, w, call["right_i"][i])
            worst = max(worst, float(abs(value[i, s] - exact) / f))
    assert worst <= 4e-15


@pytest.mark.parametrize("right", [1.0, -1.0])
def test_limits_are_exact(right: float) -> None:
    for forward, strike, spread in [(100.0, 90.0, 0.0), (90.0, 100.0, 0.0), (95.0, 95.0, 0.0)]:
        assert one_cell(forward, strike, spread, right) == max(right * (forward - strike), 0.0)
    for spread in (0.0, 1e-9, 0.5, 4.0):
        assert one_cell(0.0, 80.0, spread, right) == (0.0 if right > 0 else 80.0)
        assert one_cell(80.0, 0.0, spread, right) == (80.0 if right > 0 else 0.0)
        assert one_cell(0.0, 0.0, spread, right) == 0.0


def test_parity_holds_to_rounding() -> None:
    call = market(2, 200, 16)
    call["right_i"] = np.ones(200)
    above = revalue(**call)
    call["right_i"] = -np.ones(200)
    below = revalue(**call)
    e = call["expiry_of_i"]
    forward = call["forward_es"][e]
    discount = call["discount_e"][e][:, None]
    gap = above - below - discount * (forward - call["strike_i"][:, None])
    assert np.abs(gap).max() <= 1e-15 * 3e5


def test_floor_shift_and_strike_factor_enter_as_written() -> None:
    value = revalue(
        [[100.0, 100.0, 100.0, 100.0]],
        [1.0],
        [[0.5, 0.5, 0.5, 0.0]],
        [[0.0, 0.1, -1.0, 0.0]],
        [[0.0, 0.0, 0.2, 0.0]],
        [0],
        [110.0],
        [1.0],
        [0.8],
        [[1.0, 1.0, 2.0, 1.0]],
    )
    expected = black_value(100.0, 110.0, [0.4, 0.5, 0.4, 0.0], 1.0)
    np.testing.assert_allclose(value[0, :4], expected, rtol=0, atol=4e-13)
    assert value[0, 3] == 0.0


@pytest.mark.parametrize("scenarios", [1, 5, 8, 13, 96])
def test_padding_copies_scenario_zero(scenarios: int) -> None:
    call = market(3, 7, scenarios)
    value = revalue(**call)
    width = padded_width(scenarios)
    assert value.shape == (7, width)
    assert width % 8 == 0
    assert width - scenarios < 8
    for s in range(scenarios, width):
        np.testing.assert_array_equal(value[:, s], value[:, 0])


def test_bits_do_not_depend_on_place_or_company() -> None:
    call = market(4, 60, 37)
    whole = revalue(**call)[:, :37]
    order = np.random.default_rng(5).permutation(37)
    tables = ("forward_es", "vol_factor_es", "vol_shift_es", "vol_floor_es", "strike_factor_is")
    shuffled = revalue(**{k: v[:, order] if k in tables else v for k, v in call.items()})
    np.testing.assert_array_equal(shuffled[:, :37], whole[:, order])
    rows = ("expiry_of_i", "strike_i", "right_i", "vol_i", "strike_factor_is")
    for i in range(0, 60, 7):
        one = {k: v[i : i + 1] if k in rows else v for k, v in call.items()}
        np.testing.assert_array_equal(revalue(**one)[0, :37], whole[i])
        for s in (0, 17, 36):
            cell = {k: v[:, s : s + 1] if k in tables else v for k, v in one.items()}
            assert revalue(**cell)[0, 0] == whole[i, s]


def test_read_only_inputs_and_a_given_output() -> None:
    call = market(6, 9, 16)
    for array in call.values():
        array.flags.writeable = False
    out = np.empty((9, 16))
    assert revalue(**call, out=out) is out
    assert np.isfinite(out).all()


def test_no_instruments() -> None:
    value = revalue([[1.0]], [1.0], [[1.0]], [[0.0]], [[0.0]], [], [], [], [])
    assert value.shape == (0, 8)


@pytest.mark.parametrize(
    ("name", "value", "code", "place"),
    [
        ("forward_es", np.nan, "number_not_finite", "forward[1, 2]"),
        ("forward_es", -1.0, "number_out_of_range", "forward[1, 2]"),
        ("vol_shift_es", np.inf, "number_not_finite", "vol_shift[1, 2]"),
        ("vol_floor_es", -0.1, "number_out_of_range", "vol_floor[1, 2]"),
        ("strike_factor_is", -0.1, "number_out_of_range", "strike_factor[1, 2]"),
        ("vol_i", np.nan, "number_not_finite", "vol[1]"),
        ("strike_i", -5.0, "number_out_of_range", "strike[1]"),
        ("right_i", 0.0, "number_out_of_range", "right[1]"),
        ("expiry_of_i", 5, "number_out_of_range", "expiry[1]"),
    ],
)
def test_bad_cells_are_named(name: str, value: float, code: str, place: str) -> None:
    call = market(7, 4, 8)
    call[name][(1, 2)[: call[name].ndim]] = value
    with pytest.raises(CrossMarginError) as caught:
        revalue(**call)
    assert caught.value.code == code
    assert caught.value.place == place


def test_shapes_are_checked() -> None:
    call = market(8, 4, 8)
    for name in call:
        if name in ("forward_es", "strike_i"):
            continue
        wrong = {**call, name: call[name][:-1]}
        with pytest.raises(CrossMarginError, match="shape_wrong"):
            revalue(**wrong)


def test_far_wings_keep_their_digits() -> None:
    rng = np.random.default_rng(9)
    worst = 0.0
    for _ in range(300):
        w = float(np.exp(rng.uniform(np.log(0.05), np.log(2.0))))
        x = -float(rng.uniform(0.5, 20.0)) * w
        forward, strike = 100.0 * float(np.exp(x)), 100.0
        for right, f, k in ((1.0, forward, strike), (-1.0, strike, forward)):
            exact = exact_black(f, k, w, right)
            found = float(black_value(f, k, w, right))
            slope = abs(x) / w / w + 1.0  # how an error of one ulp in ln(F/K) is magnified
            worst = max(worst, float(abs(found - exact) / exact) / slope)
    assert worst <= 2e-14


def test_black_value_broadcasts_and_has_exact_limits() -> None:
    value = black_value(100.0, [[90.0], [110.0]], [0.0, 0.2], [1.0, -1.0])
    assert value.shape == (2, 2)
    assert value[0, 0] == 10.0
    assert value[1, 0] == 0.0
    assert float(black_value(0.0, 5.0, 0.3, -1.0)) == 5.0
    assert float(black_value(5.0, 0.0, 0.3, 1.0)) == 5.0
    assert float(black_value(5.0, 0.0, 0.3, -1.0)) == 0.0
