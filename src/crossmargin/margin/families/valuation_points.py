"""The worst of ten valuation points, group by group: theoretical intermarket margin (TIMS, CPM).

    class group     P_c[k]  P&L of its positions at point k, in full
    product group   Q_g[k]  sum over its classes of  f(P_c[k], offset of the product group)
    portfolio group R_p[k]  sum over its products of f(Q_g[k], offset of the portfolio group)
    margin          sum over portfolio groups of max(0, -min over k of R_p[k], minimum of p)
    f(x, o)         x where it is a loss, o x where it is a gain

Between product groups without an offset nothing is shared: they are portfolio groups of their own.
Volatility and time stand still. Sources: FINRA rule 4210(g), SEC rule 15c3-1a (ten equidistant
points, full losses, gains times an offset, a least charge a contract), OCC's CPM guide (groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.errors import InputError
from crossmargin.pricing.checks import codes, positions, reals, shocked
from crossmargin.pricing.netting import Worst, net, worst

__all__ = [
    "GRIDS",
    "POINTS",
    "Groups",
    "GroupRisk",
    "Level",
    "class_rows",
    "class_vectors",
    "folded",
    "group_risk",
    "groups_of",
    "least_charge",
    "valuation_points",
    "worst_of",
]

POINTS = 10
GRIDS = ("both_ends", "five_and_five")


def valuation_points(down: float, up: float, grid: str) -> Floats:
    """[10] price moves as fractions, rising, from ``-down`` to ``up``.

    ``both_ends``: ten equal distances apart, ends included; ``five_and_five``: five equal steps
    each way. The rule says "ten equidistant valuation points"; neither grid has the unmoved price.
    Errors: ``number_out_of_range`` (a range that is not above 0, a fall of 1 or more),
    ``number_not_finite``, ``option_unknown``.
    """
    fall, rise = reals([down, up], "range", low=0.0).tolist()
    if not (0.0 < fall < 1.0 and rise > 0.0):
        raise InputError(
            "number_out_of_range",
            "a valuation range is refused",
            value=(fall, rise),
            limit="a fall in (0, 1) and a rise above 0, as fractions of the price",
        )
    step = np.arange(POINTS, dtype=np.float64)
    if grid == "both_ends":
        share = step / (POINTS - 1)  # so that both ends are met to the bit
        return np.asarray(rise * share - fall * (1.0 - share))
    if grid == "five_and_five":
        half = POINTS // 2
        below = -fall * (half - step[:half]) / half
        return np.concatenate([below, rise * (step[:half] + 1.0) / half])
    raise InputError(
        "option_unknown", "no such grid of valuation points", value=grid, limit=", ".join(GRIDS)
    )


@dataclass(frozen=True, slots=True)
class Groups:
    """C classes in G products in P portfolio groups; see :func:`groups_of`."""

    of_row: Ints  # [I] class of each instrument, -1 for what carries no risk
    product: Ints  # [C] product group of each class
    portfolio: Ints  # [G] portfolio group of each product
    class_offset: Floats  # [G] share of a class's gain that its product group counts
    product_offset: Floats  # [P] share of a product's gain that its portfolio group counts
    minimum: Floats  # [I] least charge of one unit, dollars; 0 for rows without one


def groups_of(
    of_row: npt.ArrayLike,
    product: npt.ArrayLike,
    portfolio: npt.ArrayLike,
    class_offset: npt.ArrayLike,
    product_offset: npt.ArrayLike,
    minimum: npt.ArrayLike,
) -> Groups:
    """Checked groups. ``product`` by class and ``portfolio`` by product never fall.

    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range`` (an offset outside
    [0, 1], a negative minimum, a code that is not there or out of order).
    """
    inner = reals(class_offset, "class_offset", low=0.0)
    outer = reals(product_offset, "product_offset", low=0.0)
    least = reals(minimum, "minimum", low=0.0)
    of_class = np.asarray(product)
    of_product = codes(portfolio, "portfolio", shape=inner.shape, low=0, below=max(outer.size, 1))
    of_class = codes(of_class, "product", shape=(of_class.size,), low=0, below=max(inner.size, 1))
    rows = codes(of_row, "class", shape=least.shape, low=-1, below=of_class.size)
    for name, offset in (("class_offset", inner), ("product_offset", outer)):
        if offset.size and offset.max() > 1.0:
            raise InputError(
                "number_out_of_range",
                "an offset counts more of a gain than there is",
                place=name,
                value=float(offset.max()),
                limit="0 to 1",
            )
    for name, parents in (("product", of_class), ("portfolio", of_product)):
        if (np.diff(parents) < 0).any():
            raise InputError(
                "number_out_of_range",
                "groups must be numbered in the order of their parents",
                place=name,
                value=parents[:8].tolist(),
                limit="codes that never fall",
            )
    return Groups(rows, of_class, of_product, inner, outer, least)


@dataclass(frozen=True, slots=True)
class Level:
    """P&L vectors of the groups that accounts hold, sorted by account, then by group."""

    account: Longs
    code: Longs
    pnl: Floats  # [n, S8]


@dataclass(frozen=True, slots=True)
class GroupRisk:
    """Portfolio groups that accounts hold: one entry each, sorted by account, then by group."""

    account: Longs
    group: Longs
    pnl: Floats  # [n, S8] after both offsets
    loss: Floats  # [n] largest loss over the points, at least 0
    point: Ints  # [n] where it is

    def vectors(self, accounts: int) -> Floats:
        """[A, S8] sum over the groups of an account, point by point, in order of the groups."""
        total = np.zeros((accounts, self.pnl.shape[1]))
        np.add.at(total, self.account, self.pnl)
        return total


def class_rows(
    row: Longs, column: Ints, quantity: Floats, of_row: Ints, classes: int
) -> tuple[Longs, Longs, Longs, Ints, Floats]:
    """Positions cut by (account, class): account, class, CSR start, column and quantity.

    Positions keep their order inside a class; rows without a class (code -1) are left out.
    """
    owner = np.repeat(np.arange(len(row) - 1), np.diff(row))
    kept = np.flatnonzero(of_row[column] >= 0)
    key = owner[kept] * max(classes, 1) + of_row[column[kept]]
    order = np.argsort(key, kind="stable")
    kept, key = kept[order], key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    start = np.append(first, len(key)).astype(np.int64)
    heads = key[first]
    width = max(classes, 1)
    return heads // width, heads % width, start, column[kept], quantity[kept]


def folded(pnl: Floats, offset: Floats) -> Floats:
    """Losses in full, gains times ``offset``, which has one entry a row."""
    return np.asarray(np.where(pnl < 0.0, pnl, offset[:, None] * pnl))


def _up(level: Level, parent: Ints, offset: Floats) -> Level:
    """The next level: folded members added in the order of their codes."""
    count = max(len(offset), 1)
    of = parent[level.code].astype(np.int64)
    key = level.account * count + of
    first = np.flatnonzero(np.diff(key, prepend=-1))
    member = folded(level.pnl, offset[of])
    total = member[first].copy()
    size = np.diff(np.append(first, len(key)))
    for k in range(1, int(size.max(initial=1))):
        more = np.flatnonzero(size > k)
        total[more] += member[first[more] + k]
    return Level(key[first] // count, key[first] % count, total)


def class_vectors(row: Longs, column: Ints, quantity: Floats, pnl: Floats, groups: Groups) -> Level:
    """P&L of the class groups that accounts hold: full offset inside a class."""
    account, code, start, columns, sizes = class_rows(
        row, column, quantity, groups.of_row, groups.product.size
    )
    return Level(account, code, net(start, columns, sizes, pnl, trusted=True))


def group_risk(
    row: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    points: int,
    groups: Groups,
    *,
    trusted: bool = False,
) -> GroupRisk:
    """Losses of the portfolio groups of each account over ``points`` columns of ``pnl[I, S8]``.

    The bits of an account depend on its own positions alone. Errors: those of
    :func:`crossmargin.pricing.netting.net`.
    """
    table = shocked(pnl, points, trusted=trusted)
    book = positions(row, column, quantity, table.shape[0], trusted=trusted)
    level = class_vectors(*book, table, groups)
    level = _up(level, groups.product, groups.class_offset)
    level = _up(level, groups.portfolio, groups.product_offset)
    found = worst_of(level.pnl, points)
    return GroupRisk(level.account, level.code, level.pnl, found.loss, found.scenario)


def worst_of(vectors: Floats, points: int, held: npt.ArrayLike | None = None) -> Worst:
    """The worst of vectors ``[n, S8]`` that are netted already; rows not ``held`` have none."""
    count = len(vectors)
    has = np.ones(count, np.bool_) if held is None else np.asarray(held, np.bool_)
    start = np.concatenate([[0], np.cumsum(has)]).astype(np.int64)
    which = np.flatnonzero(has).astype(np.int32)
    return worst(start, which, np.ones(len(which)), vectors, points, trusted=True)


def least_charge(row: Longs, column: Ints, quantity: Floats, groups: Groups) -> Floats:
    """[A, P] least charge of each portfolio group: |quantity| times the minimum of a unit."""
    accounts, count = len(row) - 1, groups.product_offset.size
    code = groups.of_row[column]
    kept = np.flatnonzero(code >= 0)
    owner = np.repeat(np.arange(accounts), np.diff(row))[kept]
    group = groups.portfolio[groups.product[code[kept]]]
    charge = np.abs(quantity[kept]) * groups.minimum[column[kept]]
    flat = np.bincount(owner * count + group, weights=charge, minlength=accounts * count)
    return np.asarray(flat.reshape(accounts, count))
