"""Every crossing is reported, every report holds, and what is not there is not reported."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.accounts.crossings import Crossings, crossings, narrowed, refuse_sourceless
from crossmargin.accounts.linear import Leg, Tier, linear_crossings
from crossmargin.accounts.nodes import Account, Move
from crossmargin.accounts.path import Path, factors, spot_path, time_path, vol_path
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.surface_grid import grid
from crossmargin.market.view import View
from tests.accounts.random_books import account_of, contracts, named, random_account

PARTS = 8


def sign_changes(points: Floats, over: Floats) -> list[tuple[float, float]]:
    broken = over < 0.0
    places = np.flatnonzero(broken[1:] != broken[:-1]).tolist()
    return [(float(points[k]), float(points[k + 1])) for k in places]


def hold(account: Account, path: Path, found: Crossings) -> None:
    """Each report, revalued by full runs: a root is one to 1e-8, a jump changes its sign."""
    for each in found.found:
        here = account.one(path.move(each.at))
        need = float(here.need_mm_usd[0])
        if each.kind == "root":
            assert abs(float(here.over_mm_usd[0])) <= max(1e-8 * need, 1e-6), each
            continue
        ends = [float(account.one(path.move(x)).over_mm_usd[0]) for x in (each.low, each.high)]
        assert (ends[0] < 0.0) != (ends[1] < 0.0), each
        assert ends == [each.over_low_usd, each.over_high_usd]
        assert each.high - each.low <= 4.0 * math.ulp(each.high)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_crossing_of_a_random_book_is_missed(part: int, pytestconfig: pytest.Config) -> None:
    books = int(pytestconfig.getoption("--books"))
    seen = 0
    for seed in range(part, books, PARTS):
        account = random_account(seed)
        path = spot_path(account)
        found = crossings(account, path)
        assert account.tiled, (seed, account.model.spec.name)
        hold(account, path, found)
        seen += len(found.found)
        # Another account object, other blocks: the values that are searched again are not its own.
        again = random_account(seed)
        points = factors()
        over = np.concatenate(
            [
                again.many([path.move(float(x)) for x in block]).over_mm_usd
                for block in np.array_split(points, 3)
            ]
        )
        for low, high in sign_changes(points, over):
            assert any(low <= each.at <= high for each in found.found), (seed, low, high)
    assert seen >= books // PARTS // 2


@pytest.mark.parametrize("seed", [0, 1, 12, 16, 17, 18, 35])
def test_the_nodes_are_those_of_the_surface(seed: int) -> None:
    """One by one and tiled nodes against the runs of ``surface_grid`` at the same factors."""
    account, alone = random_account(seed), random_account(seed, tiled=False)
    spots = np.geomspace(0.05, 20.0, 60)
    surface = grid(
        account.book, account.view, account.model, account.parameters, spots.tolist(), [1.0]
    )
    moves = [Move(every=float(s)) for s in spots]
    one_by_one, many = alone.many(moves), account.many(moves)
    assert account.tiled and not alone.tiled
    for name in ("equity_usd", "counted_mm_usd", "mm_usd", "im_usd"):
        own = getattr(surface, name)[:, 0]
        assert np.array_equal(getattr(one_by_one, name), own), name
        scale = np.abs(surface.equity_usd[:, 0]) + surface.mm_usd[:, 0]
        assert (np.abs(getattr(many, name) - own) <= 1e-12 * scale).all(), name
    assert np.array_equal(one_by_one.over_mm_usd, surface.over_mm_usd()[:, 0])
    changes = sign_changes(spots, surface.over_mm_usd()[:, 0])
    found = crossings(account, spot_path(account))
    for low, high in changes:
        assert any(low <= each.at <= high for each in found.found)


def test_a_linear_book_is_solved_in_closed_form() -> None:
    account = account_of([(named("BTC_USDC-PERPETUAL"), 2.0), (named("USDC"), 30_000.0)],
                         "fixed-rate")  # fmt: skip
    found = crossings(account, spot_path(account))
    now = account.one(Move())
    place = account.view.instruments.index_of()["deribit", "BTC_USDC-PERPETUAL"]
    price = float(account.view.mark[place])
    usdc = float(account.view.usd[account.view.instruments.names.index("USDC")])
    rate = float(now.mm_usd[0]) / usdc / (2.0 * price)
    equity = float(now.counted_mm_usd[0]) / usdc
    closed = linear_crossings(equity, [Leg(2.0, (Tier(0.0, rate),))], price)
    assert [each.kind for each in closed] == [each.kind for each in found.found] == ["root"]
    assert found.found[0].at * price == pytest.approx(closed[0].price, rel=1e-9)
    assert found.found[0].broken == closed[0].broken == "below"
    assert found.below is found.found[0] and found.above is None


def strangle() -> list[tuple[Instrument, float]]:
    options = [i for i in contracts()["option"] if i.underlying == "BTC" and i.inverse]
    expiry = sorted({i.expiry_ms for i in options})[-1]
    alive = sorted((i for i in options if i.expiry_ms == expiry), key=lambda i: i.strike)
    put = next(i for i in alive if i.right < 0)
    call = [i for i in alive if i.right > 0][-1]
    return [(put, -1.0), (call, -1.0)]


@pytest.mark.parametrize("model", ["deribit-xpm", "deribit-sm", "house-example", "fixed-rate"])
def test_a_short_strangle_has_two(model: str) -> None:
    legs = [*strangle(), (named("BTC"), 0.7)]
    account = account_of(legs, model)
    path = spot_path(account)
    found = crossings(account, path)
    hold(account, path, found)
    assert not found.broken_now
    assert found.below is not None and found.below.broken == "below"
    assert found.above is not None and found.above.broken == "above"


def test_what_is_only_long_or_hedged_is_not_liquidated() -> None:
    long_only = account_of([(strangle()[1][0], 1.0), (named("BTC"), 1.0)], "deribit-sm")
    found = crossings(long_only, spot_path(long_only))
    assert found.found == () and found.says() == "not liquidated on this path"
    # One coin, and the inverse future that sells it: the dollars stand, and there are plenty.
    index = float(long_only.view.index[0])
    hedged = account_of([(named("BTC-PERPETUAL"), -0.5 * index), (named("BTC"), 1.0)], "fixed-rate")
    found = crossings(hedged, spot_path(hedged, grid=np.geomspace(0.05, 1.5, 500)))
    assert found.says() == "not liquidated on this path"


def test_a_planted_jump_is_found_with_both_sides() -> None:
    """A hook that takes 40,000 dollars away above 1.2345 times the index."""
    legs = [(named("BTC_USDC-PERPETUAL"), 1.0), (named("USDC"), 20_000.0)]
    plain = account_of(legs, "fixed-rate")
    name = plain.view.instruments.names.index("BTC")
    edge = float(plain.view.usd[name]) * 1.2345

    def taken(book: Book, view: View) -> float:
        return -60_000.0 if float(view.usd[name]) > edge else 0.0

    account = account_of(legs, "fixed-rate", value_of=taken)
    path = spot_path(account, grid=factors(nodes=300))
    found = crossings(account, path)
    hold(account, path, found)
    jump = next(each for each in found.found if each.kind == "jump")
    assert jump.at == pytest.approx(1.2345, rel=1e-12)
    assert jump.over_low_usd - jump.over_high_usd == pytest.approx(60_000.0, rel=1e-6)
    assert jump.broken == "above"
    # Far above the profit pays the 60,000: the other side of the broken stretch is a root.
    assert [each.kind for each in found.found if each.at > 1.0] == ["jump", "root"]


def test_a_dip_between_two_nodes_is_found() -> None:
    """A hook whose narrow valley goes under zero only between neighbours of the grid."""
    legs = [(named("BTC_USDC-PERPETUAL"), 0.001), (named("USDC"), 1_000.0)]
    plain = account_of(legs, "fixed-rate")
    name = plain.view.instruments.names.index("BTC")
    usd = float(plain.view.usd[name])
    points = np.geomspace(0.5, 2.0, 40)
    middle = float(np.sqrt(points[20] * points[21]))

    def valley(book: Book, view: View) -> float:
        away = math.log(float(view.usd[name]) / usd / middle)
        return -1_100.0 * math.exp(-((away / 0.03) ** 2))

    account = account_of(legs, "fixed-rate", value_of=valley)
    path = spot_path(account, grid=points)
    assert not (account.many([path.move(float(x)) for x in points]).over_mm_usd < 0.0).any()
    found = crossings(account, path)
    hold(account, path, found)
    assert [each.broken for each in found.found] == ["above", "below"]


def test_other_paths() -> None:
    legs = [*strangle(), (named("USDC"), 25_000.0)]
    account = account_of(legs, "house-example")
    path = vol_path(account, grid=factors(nodes=200))
    up = crossings(account, path)
    hold(account, path, up)
    assert [each.broken for each in up.found] == ["above"]
    path = time_path(account, nodes=40)
    assert crossings(account, path).says() == "not liquidated on this path"


def test_what_is_broken_already_is_said() -> None:
    legs = [*strangle(), (named("USDC"), 1.0)]
    account = account_of(legs, "fixed-rate")
    found = crossings(account, spot_path(account, grid=factors(nodes=200)))
    assert found.broken_now
    assert "broken already" in found.says()


def test_without_equity_there_is_no_liquidation_price() -> None:
    account = account_of([(named("BTC-PERPETUAL"), 10_000.0)], "fixed-rate")
    with pytest.raises(InputError, match="column_missing") as raised:
        crossings(account, spot_path(account))
    assert "balance" in raised.value.remedy
    refuse_sourceless(account_of([(named("BTC"), 1.0)], "fixed-rate"))


def test_a_bracket_is_narrowed_to_its_root_or_jump() -> None:
    root = narrowed(lambda x: (x * x - 2.0, 1.0), 1.0, 2.0)
    assert root is not None and root.kind == "root"
    assert root.at == pytest.approx(math.sqrt(2.0), rel=1e-9) and root.broken == "below"
    step = narrowed(lambda x: (1.0 if x <= 1.75 else -3.0, 1.0), 1.0, 2.0)
    assert step is not None and step.kind == "jump"
    assert (step.low, step.over_low_usd, step.over_high_usd) == (1.75, 1.0, -3.0)
    assert step.high == math.nextafter(1.75, 2.0) and step.broken == "above"
    whole = narrowed(lambda x: (5.0 if x < 7 else -5.0, 1.0), 0.0, 1000.0, integer=True)
    assert whole is not None and (whole.low, whole.high) == (6.0, 7.0)
    assert narrowed(lambda x: (1.0, 1.0), 0.0, 1.0) is None
