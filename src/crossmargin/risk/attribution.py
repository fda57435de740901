"""Who causes a requirement: the shares of every group of an account under five rules.

    stand-alone   R of the group alone
    incremental   R of all less R without the group
    Euler         sum over positions of the group's quantity times dR/dq (component); adds up
    along the ray (Aumann-Shapley) the same with the derivative averaged over every size t in (0, 1]
                  of the whole book: Euler's where size does not matter, and adds up where it does
    Shapley       mean over all orders of arrival of what the group adds; adds up; with several
                  levels Owen's value, in which the unions of each level stay together

All are of the positions and balances. What the open orders and the venue's holds add to that is
taken apart: R with them less R without them, the orders' part shared by Shapley's rule over their
groups. What no group moves (fixed charges, rounding) is a line of its own.

Derivatives are differences of the model itself, to both sides. Where the two sides differ the
requirement has a kink (scenarios tie, a net delta is 0): gradients of the book pulled slightly to
all sides are the tied pieces, and the rule of :func:`crossmargin.risk.euler.tie_weights` mixes
them, so that the shares add up there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import NOTHING_USD, ScaleLaw
from crossmargin.margin.ray import NOISE, NOISE_OF_INTEGERS, along_ray, made_whole
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.euler import TieRule, tie_weights
from crossmargin.risk.games import EXACT_MAX, PAIRS, Shares, owen
from crossmargin.risk.groups import Groups
from crossmargin.statistics.bootstrap import uniforms

__all__ = [
    "Attribution",
    "Euler",
    "OrderShares",
    "Worst",
    "attribute",
    "euler",
    "order_shares",
    "sizes_of",
    "worst_scenarios",
]

# A kink counts where its two sides differ by more than this share of the requirement.
KINK = 1e-5
# How far the book is pulled to find the pieces that meet in a kink, as a share of each position.
PULL = 1e-4
_PULLS_ALONE, _PULLS_MIXED = 12, 12
_SAME = 1e-6  # of the requirement: pieces nearer than this are one
_MET = 1e-7  # of the requirement: how near to it a piece must come at the book


@dataclass(frozen=True, slots=True)
class Euler:
    """[n] derivatives a unit of every column, and the pieces of a kink.

    ``right`` and ``left`` are one-sided: of one more unit bought, and of one sold (sign of a buy).
    ``slope`` is the mixture; ``pieces`` [K, n] are the tied gradients (one where there is no kink)
    and ``weights`` theirs.
    """

    slope: Floats
    right: Floats
    left: Floats
    pieces: Floats
    weights: Floats
    rule: str


@dataclass(frozen=True, slots=True)
class OrderShares:
    """What open orders add, by group, and what the venue holds beside."""

    paths: tuple[tuple[str, ...], ...]
    shares: Shares
    orders: float
    holds: float


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst scenario of a pool and the next: shares jump where they change places.

    ``gap``: loss in the worst less that in the runner-up, pool's currency; the account's shares do
    not jump while no loss moves by more. None where the model has no scenarios.
    """

    pool: str
    currency: str
    scenario: str
    loss: float
    runner_up: str | None
    runner_up_loss: float | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """[G] by group, in the game's unit; ``whole`` is the requirement with orders and holds.

    ``positions``: the requirement of positions and balances alone. ``euler_fixed`` and
    ``ray_fixed`` are what no position moves; ``nobody`` is what the empty book needs. Euler's
    shares and their fixed part add up to ``positions``; so do Shapley's and ``nobody``.
    ``refused``: rule -> why it has no answer (the model margins no part of this book alone).
    """

    groups: Groups
    level: str
    unit: str
    whole: float
    positions: float
    derivatives: Euler
    euler: Floats
    euler_fixed: float
    ray: Floats | None
    ray_fixed: float
    stand_alone: Floats | None
    incremental: Floats | None
    shapley: Shares | None
    nobody: float
    orders: OrderShares
    worst: tuple[Worst, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def scales(self) -> bool:
        """Whether the rule doubles with the book, so that Euler's shares are the ray's."""
        return self.ray is None

    @property
    def residual(self) -> float:
        """What is left of ``whole`` beside positions, holds and orders: rounding."""
        return self.whole - self.positions - self.orders.holds - self.orders.orders


def sizes_of(game: AccountGame, groups: Groups) -> Floats:
    """[n] the size that a move of each column is small against.

    The largest lot or the net position; of what is held by nobody, contracts for as many dollars as
    the largest position has.
    """
    held = np.maximum(np.abs(groups.parts).max(axis=0, initial=0.0), np.abs(game.quantity))
    view, table = game.requirement.view, game.requirement.book.instruments
    rows = game.column
    # An inverse future counts in its quote currency, everything else in the underlying.
    dollars = table.inverse[rows] & (table.kind[rows] != Kind.OPTION)
    coin = np.where(dollars, 1.0, view.index[table.pair[rows]]) * view.usd[table.quote[rows]]
    unit = table.multiplier[rows] * coin
    largest = max(float((held * unit).max(initial=0.0)), 1.0)
    alone = largest / np.where(unit > 0.0, unit, 1.0)
    return np.asarray(np.where(held > 0.0, held, alone))


def euler(
    game: AccountGame, scale: Floats, rule: TieRule | str = TieRule.LP, seed: int = 0
) -> Euler:
    """Derivatives of the account as it stands, mixed by ``rule`` where there is a kink.

    ``scale[n]``: size of each column's own lots; columns of 0 are not moved.
    """
    at = game.quantity
    right, left = game.slopes(at, scale)
    middle = 0.5 * (right + left)
    need = float(game.values(at[None], smoothed=True)[0])
    bend = np.abs(right - left) * scale
    floor = max(abs(need), NOTHING_USD)
    if not (bend > KINK * floor).any() or game.requirement.model.quantum > 0.0:
        return Euler(middle, right, left, middle[None], np.ones(1), "")
    points = _pulled(at, scale, np.where(bend > KINK * floor, bend, 0.0), seed)
    found, value = game.gradients(points, scale), game.values(points, smoothed=True)
    # A piece counts if it is met at the book itself: carried on from where it was found it gives
    # what is required there. A runner-up does not, nor a mean of two pieces across another kink.
    missed = np.abs(value - (found * (points - at)).sum(axis=1) - need)
    kept: list[Floats] = []
    for k in np.flatnonzero(missed <= max(_MET * floor, float(missed.min()))).tolist():
        share = found[k] * at
        if all(np.abs(share - other * at).max() > _SAME * floor for other in kept):
            kept.append(found[k])
    pieces = np.array(kept)
    weights = tie_weights(pieces * at, rule)
    slope = (weights[:, None] * pieces).sum(axis=0)
    return Euler(slope, right, left, pieces, weights, str(rule))


def _pulled(at: Floats, scale: Floats, bend: Floats, seed: int) -> Floats:
    """Points around the book: each bent position alone to both sides, then all at once.

    Every other position is pulled a little too, far more than a derivative's step, so that no point
    lies within a step of another kink.
    """
    moving = np.flatnonzero(scale > 0.0)
    bent = moving[np.argsort(-bend[moving], kind="stable")][:_PULLS_ALONE]
    bent = bent[bend[bent] > 0.0]
    pulls = np.zeros((2 * len(bent) + 2 * _PULLS_MIXED, len(at)))
    noise = uniforms(seed, len(pulls), len(moving)) - 0.5
    pulls[:, moving] = np.where(noise < 0.0, -0.05, 0.05) + 0.2 * noise
    for k, j in enumerate(bent.tolist()):
        pulls[2 * k, j], pulls[2 * k + 1, j] = 1.0, -1.0
    mixed = uniforms(seed, _PULLS_MIXED, len(moving), stream=1) - 0.5
    low = 2 * len(bent)
    pulls[low : low + _PULLS_MIXED, moving] = 2.0 * mixed
    pulls[low + _PULLS_MIXED :, moving] = -2.0 * mixed
    return np.asarray(at + PULL * pulls * scale)


def attribute(
    game: AccountGame,
    groups: Groups,
    order_paths: Sequence[tuple[str, ...]] = (),
    *,
    rule: TieRule | str = TieRule.LP,
    exact_max: int = EXACT_MAX,
    pairs: int = PAIRS,
    seed: int = 0,
    shares: bool = True,
) -> Attribution:
    """Every rule's shares of the groups; without ``shares`` only what derivatives give.

    Where the model refuses a part of the book by itself those rules are in ``refused``. Raises what
    the model raises of the whole book.
    """
    scale = sizes_of(game, groups)
    positions = float(game.values(game.quantity[None])[0])
    found = euler(game, scale, rule, seed)
    own = (groups.parts * found.slope).sum(axis=1)
    if game.requirement.model.scale is ScaleLaw.HOMOGENEOUS:
        own = made_whole(own, positions)
    ray, ray_fixed = None, 0.0
    if game.requirement.model.scale is not ScaleLaw.HOMOGENEOUS:
        mean, moved = _along_the_ray(game, scale)
        noise = NOISE if game.requirement.model.quantum == 0.0 else NOISE_OF_INTEGERS
        ray = made_whole((groups.parts * mean).sum(axis=1), moved, noise)
        ray_fixed = positions - float(ray.sum())
    refused: list[tuple[str, str]] = []
    alone = without = None
    fair: Shares | None = None
    nobody = 0.0
    if shares:
        try:
            alone, without, nobody = _alone_and_without(game, groups)
            fair = owen(
                lambda flags: _of_coalitions(game, groups, flags),
                groups.paths,
                exact_max=exact_max,
                pairs=pairs,
                seed=seed,
            )
        except ModelError as error:
            refused.append(("parts", f"{error.code}: {error.message}"))
    return Attribution(
        groups=groups,
        level=game.level,
        unit=game.unit,
        whole=game.whole,
        positions=positions,
        derivatives=found,
        euler=own,
        euler_fixed=positions - float(own.sum()),
        ray=ray,
        ray_fixed=ray_fixed,
        stand_alone=alone,
        incremental=without,
        shapley=fair,
        nobody=nobody,
        orders=order_shares(game, order_paths, exact_max=exact_max, pairs=pairs, seed=seed),
        worst=worst_scenarios(game),
        refused=tuple(refused),
    )


def _along_the_ray(game: AccountGame, scale: Floats) -> tuple[Floats, float]:
    """[n] mean over t in (0, 1] of the derivative at t times the book, and what they add up to."""
    at = game.quantity

    def value(t: Floats) -> Floats:
        return game.values(t[:, None] * at, smoothed=True)

    def gradient(t: Floats, steps: Floats) -> Floats:
        return game.gradients(t[:, None] * at, scale, t * np.minimum(steps, game.step()))

    found = along_ray(value, gradient)
    return found.mean, found.moved


def _of_coalitions(game: AccountGame, groups: Groups, flags: Bools) -> Floats:
    """[V] requirement of the positions of coalitions ``flags[V, G]``; of all it is the book's."""
    out = np.empty(len(flags))
    chunk = max(1, 2_000_000 // max(groups.parts.shape[1], 1))
    for low in range(0, len(flags), chunk):
        some = flags[low : low + chunk]
        quantity = np.zeros((len(some), groups.parts.shape[1]))
        for g in range(len(groups)):
            touched = np.flatnonzero(groups.parts[g])
            quantity[:, touched] += some[:, g, None] * groups.parts[g, touched]
        quantity[some.all(axis=1)] = game.quantity
        out[low : low + chunk] = game.values(quantity)
    return out


def _alone_and_without(game: AccountGame, groups: Groups) -> tuple[Floats, Floats, float]:
    count = len(groups)
    one = np.eye(count, dtype=np.bool_)
    flags = np.concatenate(
        [one, ~one, np.zeros((1, count), np.bool_), np.ones((1, count), np.bool_)]
    )
    found = _of_coalitions(game, groups, flags)
    nobody, everybody = found[2 * count], found[2 * count + 1]
    return found[:count], everybody - found[count : 2 * count], float(nobody)


def order_shares(
    game: AccountGame,
    paths: Sequence[tuple[str, ...]],
    *,
    exact_max: int = EXACT_MAX,
    pairs: int = PAIRS,
    seed: int = 0,
) -> OrderShares:
    """What the account's open orders and holds add to its positions' requirement."""
    at = game.quantity[None]
    bare = float(game.values(at)[0])
    held = float(game.values(at, holds=True)[0]) if game.requirement.book.reported.holds else bare
    count = len(game.requirement.book.orders.column)
    names = tuple(dict.fromkeys(paths))
    if count == 0:
        zero = Shares(np.zeros(0), np.zeros(0), 0, True)
        return OrderShares((), zero, 0.0, held - bare)
    member = np.array([[path == name for path in paths] for name in names], np.bool_)

    def value(flags: Bools) -> Floats:
        resting = np.asarray((flags[:, :, None] & member[None]).any(axis=1))
        return game.values(np.repeat(at, len(flags), axis=0), orders=resting, holds=True) - held

    found = owen(value, names, exact_max=exact_max, pairs=pairs, seed=seed)
    every = float(value(np.ones((1, len(names)), np.bool_))[0])
    return OrderShares(names, found, every, held - bare)


def worst_scenarios(game: AccountGame) -> tuple[Worst, ...]:
    """Of each pool the binding scenario, the runner-up and the gap between them."""
    base = game.requirement
    out = []
    for row, number in enumerate(base.sheet.pool.tolist()):
        priced = base.priced[number]
        if number not in game.pools or priced.scenarios is None or base.scenario[row] < 0:
            continue
        loss, second = base.worst_loss(row), int(base.runner_up[row])
        if loss * priced.usd_per_unit < NOTHING_USD:
            continue
        label = priced.scenarios.label
        known = 0 <= second < len(label)
        next_loss = float(base.runner_up_loss[row]) if known else None
        out.append(
            Worst(
                priced.pool.label,
                priced.pool.currency,
                base.scenario_label(row),
                loss,
                label[second] if known else None,
                next_loss,
                None if next_loss is None else loss - next_loss,
            )
        )
    return tuple(out)
