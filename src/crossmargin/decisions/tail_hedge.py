"""The tail hedge: the puts that pay most in a crash for a budget a year, inside a margin budget.

    max sum_s p_s payoff_s'x    with    a'x + rate (R(x) - R(0)) <= budget a year
                                        R(x) <= margin,    A x <= b,    0 <= x <= limit

a is the cost of a put a year (paid over its life, bought again at each expiry), R the requirement
of the account with the puts: the linear pieces of its model, as columns and rows of the programme.
What the pieces leave out is taken from the exact model at the answer, and the programme is solved
again until the exact requirement keeps the budget too. Money is in dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.errors import InputError, ModelError, SolverError
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.hedge_finder import Field
from crossmargin.decisions.margin_choice import blocks_of
from crossmargin.decisions.margin_rows import Block, Columns, Requirement
from crossmargin.decisions.programme import Programme, Relaxation, Solution, relaxed_text
from crossmargin.margin.pieces import Standing
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_judge import Status
from crossmargin.margin.whatif_trades import Leg
from crossmargin.statistics.checks import number

__all__ = ["Crash", "Margined", "Tail", "TailLeg", "TailMargin", "tail_hedge", "tail_within"]

_ROUNDS = 8  # of the exact model
_ROWS = 200  # rounds of rows: each adds one, and there are finitely many
_FURTHER = 4  # of them, once an answer keeps its budgets: how much nearer the next ones come
_SPARE = 1e-3  # of the requirement: pieces that are that far from the exact model are corrected
_CLOSE = 1e-6  # of the requirement before: what is taken for the same
_GAP, _NODES = 1e-3, 200  # of whole lots: how near to the best, and nodes searched at most


@dataclass(frozen=True, slots=True)
class Crash:
    """A fall of the price at once: ``move`` below 0, what volatility is multiplied by, its weight.

    ``weight`` is a probability, or any number of at least 0.
    """

    move: float
    vol_factor: float
    weight: float


@dataclass(frozen=True, slots=True)
class TailLeg:
    """A bought put: its row, size, dollars paid, and cost a year if bought again and again."""

    row: int
    size: float
    cost_usd: float
    year_usd: float


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The programme's answer. ``payoff_usd``: gain in each crash, before what it cost.

    ``convexity``: payoff over premium. ``breakeven``: crashes of that kind a year at which the
    payoffs pay the cost of the year. ``price_usd``: what a further dollar of budget would bring,
    ``margin_price_usd`` one of margin (the programme's duals, of sizes that are not rounded).
    """

    legs: tuple[TailLeg, ...]
    cost_usd: float
    year_usd: float
    payoff_usd: tuple[float, ...]
    convexity: tuple[float, ...]
    breakeven: tuple[float, ...]
    price_usd: float
    margin_price_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class TailMargin:
    """The requirement in the programme: ``R(x) = pieces(x) + beside_usd``.

    ``blocks``: the pieces of every pool, a trade for each bought put in the chains' order.
    ``most_usd``: R may not be more (None: no limit). ``rate``: what a dollar of it costs a year.
    """

    blocks: tuple[Block, ...]
    before_usd: float
    most_usd: float | None = None
    rate: float = 0.0
    beside_usd: float = 0.0

    def at(self, sizes: Floats) -> float:
        """R at sizes of the puts."""
        return self.beside_usd + sum(
            block.usd_per_unit * float(block.pieces.at(block.base + block.step @ sizes))
            for block in self.blocks
        )

    def kept(self, year_usd: float, budget_usd: float, at: float) -> bool:
        """Whether both budgets hold where the requirement is ``at``."""
        slack = _CLOSE * max(abs(self.before_usd), 1.0)
        if self.most_usd is not None and at > self.most_usd + slack:
            return False
        return year_usd + self.rate * (at - self.before_usd - slack) <= budget_usd * (1.0 + 1e-9)


@dataclass(frozen=True, slots=True)
class Margined:
    """The exact requirement before and after, what the pieces said, and what they leave out."""

    before_usd: float
    after_usd: float
    mm_before_usd: float
    mm_after_usd: float
    passes: bool  # the venue's initial margin check, with the hedge
    pieces_usd: float | None  # after, by the pieces; None where margin was no row
    most_usd: float | None
    rate: float
    rounds: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Puts:
    """What may be bought, in the chains' order."""

    row: list[int]
    cost: Floats
    year: Floats
    most: Floats
    payoff: Floats  # [crashes, puts]

    @property
    def count(self) -> int:
        return len(self.row)


def tail_hedge(
    field: Field,
    chains: Sequence[Chain],
    crashes: Sequence[Crash],
    budget_usd: float,
    limits: dict[int, float],
    rows: tuple[Floats, Floats] | None = None,
    margin: TailMargin | None = None,
) -> Tail:
    """The puts that pay most in the crashes for a budget a year; rounded down to lots.

    ``limits``: the largest size of a row of the view; one that is not named is not bought.
    ``rows``: (A [K, puts], b [K]) of further conditions ``A x <= b`` over the bought puts in the
    chains' order. Where rounding down breaks a condition, whole lots are searched. Each put is
    revalued at once after the fall at its own volatility times the factor. Raises InputError for a
    crash that is no fall and a budget that is none, ModelError ``solver_failed`` with the smallest
    relaxations for conditions that contradict.
    """
    number(budget_usd, "budget", above=0.0)
    for crash in crashes:
        number(crash.move, "crash", above=-1.0, below=0.0)
        number(crash.vol_factor, "vol factor", above=0.0)
        number(crash.weight, "weight", above=-1e-300)
    if not crashes:
        raise InputError("option_unknown", "a tail hedge needs a crash", place="crashes")
    puts = _puts(field, chains, crashes, limits)
    if not puts.count:
        return Tail((), 0.0, 0.0, *((0.0,) * len(crashes),) * 3, 0.0)
    weight = np.array([crash.weight for crash in crashes])
    run = _Run(puts, weight, budget_usd, rows, margin, field.lot)
    solved = run.solve()
    sizes = np.floor(solved.x[: puts.count] / field.lot + 1e-9) * field.lot
    if not run.kept(sizes):
        lots = _Run(puts, weight, budget_usd, rows, margin, field.lot, whole=True)
        sizes = np.round(lots.solve().x[: puts.count]) * field.lot
    paid, yearly, brings = float(puts.cost @ sizes), float(puts.year @ sizes), puts.payoff @ sizes
    legs = tuple(
        TailLeg(row, round(float(q), 12), float(puts.cost[n] * q), float(puts.year[n] * q))
        for n, (row, q) in enumerate(zip(puts.row, sizes.tolist(), strict=True))
        if q > 0.0
    )
    return Tail(
        legs, paid, yearly, tuple(brings.tolist()),
        tuple(float(b) / paid if paid > 0.0 else 0.0 for b in brings),
        tuple(yearly / float(b) if b > 0.0 else np.inf for b in brings),
        run.price(solved, run.budget_row, budget_usd),
        0.0 if run.margin_row < 0 else run.price(solved, run.margin_row, run.money),
    )  # fmt: skip


def _puts(
    field: Field, chains: Sequence[Chain], crashes: Sequence[Crash], limits: dict[int, float]
) -> _Puts:
    puts = [(c, k) for c in chains for k in c.puts.bought()]
    lines = field.lines
    payoff = np.zeros((len(crashes), len(puts)))
    cost, year, most = (np.zeros(len(puts)) for _ in range(3))
    for n, (chain, k) in enumerate(puts):
        row = chain.puts.rows[k]
        cost[n] = float(chain.puts.buy[k]) * float(lines.usd[row])
        year[n] = cost[n] / chain.years
        most[n] = limits.get(row, 0.0)
        today = float(lines.values([row], np.array([lines.price]), 0.0)[0, 0])
        for s, crash in enumerate(crashes):
            fallen = np.array([lines.price * (1.0 + crash.move)])
            # the response that multiplies the volatility by the factor at that price
            response = -np.log(crash.vol_factor) / np.log1p(crash.move)
            payoff[s, n] = float(lines.values([row], fallen, 0.0, response)[0, 0]) - today
    return _Puts([c.puts.rows[k] for c, k in puts], cost, year, most, payoff)


class _Run:
    """One programme: a column a put (its size, or its lots), then those of the requirement."""

    def __init__(
        self,
        puts: _Puts,
        weight: Floats,
        budget_usd: float,
        rows: tuple[Floats, Floats] | None,
        margin: TailMargin | None,
        lot: float,
        *,
        whole: bool = False,
    ) -> None:
        count = puts.count
        self.puts, self.budget, self.margin = puts, budget_usd, margin
        self.more, self.bound = rows if rows is not None else (np.zeros((0, count)), np.zeros(0))
        size = lot if whole else 1.0
        self.columns = Columns(np.arange(count), np.full(count, size))
        brought = weight @ puts.payoff * size
        self.unit = max(float(np.abs(brought).max()), 1e-300)  # the objective is counted in it
        most = np.floor(puts.most / lot + 1e-9) if whole else puts.most
        self.money = 1.0 if margin is None else max(abs(margin.before_usd), 1.0)
        self.requirement: Requirement | None = None
        low = np.zeros(0)
        if margin is not None:
            bounds = np.zeros(count), puts.most
            self.requirement = Requirement(margin.blocks, count, bounds)
            self.requirement.money = self.money
            low = self.requirement.low
        self.programme = Programme(
            np.append(-brought / self.unit, np.zeros(len(low))),
            np.append(np.zeros(count), low),
            np.append(most, np.full(len(low), np.inf)),
            np.append(np.full(count, whole), np.zeros(len(low), np.bool_)) if whole else None,
            gap=_GAP,
            nodes=_NODES,
        )
        self._conditions(size)

    def _conditions(self, size: float) -> None:
        every = np.arange(self.puts.count)
        budget = {k: float(v) for k, v in enumerate(self.puts.year * size / self.budget)}
        room = 1.0
        self.margin_row = -1
        margin, needed = self.margin, self.requirement
        if margin is not None and needed is not None:
            needed.start(self.programme, self.columns, np.zeros(self.puts.count))
            total = needed.total()
            of_margin = dict(enumerate((total.trade * size).tolist())) | total.columns
            fixed = total.constant + margin.beside_usd / self.money
            if margin.most_usd is not None:
                values = np.array(list(of_margin.values()))
                most = margin.most_usd / self.money - fixed
                names = list(of_margin)
                self.margin_row = self.programme.add(names, values, -np.inf, most, "margin")
            share = margin.rate * self.money / self.budget
            room += share * (margin.before_usd / self.money - fixed)
            for column, value in of_margin.items() if share else ():
                budget[column] = budget.get(column, 0.0) + share * value
        values = np.array(list(budget.values()))
        self.budget_row = self.programme.add(list(budget), values, -np.inf, room, "budget")
        for k, (row, limit) in enumerate(zip(self.more, self.bound.tolist(), strict=True)):
            self.programme.add(every, row * size, -np.inf, limit, f"condition {k + 1}")

    def solve(self) -> Solution:
        """The optimum over all rows of the requirement, or what contradicts."""
        for _ in range(_ROWS):
            solved = self.programme.solve()
            if solved is None:
                raise self._contradicted()
            if self.requirement is None:
                return solved
            h = self.columns.sizes(solved.x, self.puts.count)
            if not self.requirement.sharpen(self.programme, self.columns, h, solved.x):
                return solved
        raise SolverError("solver_failed", "rows were still being added", place="tail hedge")

    def kept(self, sizes: Floats) -> bool:
        """Whether sizes meet every condition (less than the answer's may break one)."""
        if (self.more @ sizes > self.bound + 1e-9 * (1.0 + np.abs(self.bound))).any():
            return False
        year = float(self.puts.year @ sizes)
        if self.margin is None:
            return True
        return self.margin.kept(year, self.budget, self.margin.at(sizes))

    def price(self, solved: Solution, row: int, unit_usd: float) -> float:
        """Dollars that a further dollar of the row's bound brings."""
        return -float(solved.row_dual[row]) * self.unit / unit_usd + 0.0

    def _contradicted(self) -> ModelError:
        if self.requirement is not None:
            self.requirement.complete(self.programme, self.columns)
        scale = {"margin": self.money, "budget": self.budget}
        shift = {"margin": 0.0 if self.margin is None else self._fixed(), "budget": 0.0}
        found = [
            Relaxation(
                each.name,
                each.by * scale.get(each.name, 1.0),
                each.bound * scale.get(each.name, 1.0) + shift.get(each.name, 0.0),
            )
            for each in self.programme.relaxations()
        ]
        return ModelError(
            "solver_failed",
            "no sizes within the limits meet the conditions of the tail hedge",
            place="tail hedge",
            value=relaxed_text(found, {"margin": "USD", "budget": "USD"}),
            limit="conditions that agree",
            remedy="Loosen the conditions by what the value says.",
        )

    def _fixed(self) -> float:
        """Dollars of the requirement that no column carries."""
        assert self.requirement is not None
        assert self.margin is not None
        return self.requirement.total().constant * self.money + self.margin.beside_usd


# ---------------------------------------------------------------- with the exact model


def tail_within(
    prepared: Prepared,
    field: Field,
    chains: Sequence[Chain],
    crashes: Sequence[Crash],
    budget_usd: float,
    limits: dict[int, float],
    *,
    margin_usd: float | None = None,
    rate: float = 0.0,
) -> tuple[Tail, Margined]:
    """:func:`tail_hedge` of an account, with the exact initial margin after it.

    ``margin_usd``: the most that the initial margin may be after the hedge. ``rate``: what a dollar
    of it costs a year; the change is paid out of the budget, or adds to it where margin is freed.
    Raises what :func:`tail_hedge` does, and ModelError ``solver_failed`` where the exact model has
    more margin than the pieces in every round.
    """
    number(rate, "margin rate", above=-1e-300)
    if margin_usd is not None:
        number(margin_usd, "margin budget", above=-1e-300)
    asked = margin_usd is not None or rate > 0.0
    names = [field.lines.items[c.puts.rows[k]].native_id for c in chains for k in c.puts.bought()]
    column = np.array([prepared.column[name] for name in names], np.int32)
    before = prepared.before
    margin = _margin_of(prepared, column, margin_usd, rate) if asked and names else None
    if margin is None and margin_usd is not None and before.im_usd > margin_usd:
        raise _unkept(before.im_usd, margin_usd)
    weight = np.array([crash.weight for crash in crashes])
    best: tuple[float, Tail, Margined] | None = None
    for n in range(1, _ROUNDS + 1):
        tail = tail_hedge(field, chains, crashes, budget_usd, limits, margin=margin)
        told, sizes = _exact(prepared, field, names, tail, margin)
        told = replace(told, most_usd=margin_usd, rate=rate, rounds=n)
        if margin is None:
            return tail, told
        kept = margin.kept(tail.year_usd, budget_usd, told.after_usd)
        worth = float(weight @ np.array(tail.payoff_usd))
        if kept and (best is None or worth > best[0]):
            best = worth, tail, told
        spare = abs(told.after_usd - margin.at(sizes)) > _SPARE * max(before.im_usd, 1.0)
        if (kept and not spare) or (best is not None and n >= _FURTHER):
            break
        margin = _corrected(prepared, column, margin, sizes, told.after_usd, kept=kept)
    if best is None:
        raise _unkept(told.after_usd, margin_usd)
    return best[1], replace(best[2], rounds=n)


def _exact(
    prepared: Prepared, field: Field, names: list[str], tail: Tail, margin: TailMargin | None
) -> tuple[Margined, Floats]:
    """The account with the hedge under its exact model, and the size of every put."""
    sizes = np.zeros(len(names))
    legs = []
    for each in tail.legs:
        name = field.lines.items[each.row].native_id
        legs.append(Leg(prepared.column[name], each.size))
        sizes[names.index(name)] = each.size
    before = after = prepared.before
    passes = True
    if legs:
        after, verdict = prepared.after(legs)
        passes = verdict.status in (Status.PASSES, Status.REDUCES)
    blocks = () if margin is None else margin.blocks
    left = dict.fromkeys(text for block in blocks for text in block.pieces.left_out)
    pieces = None if margin is None else margin.at(sizes)
    told = Margined(
        before.im_usd, after.im_usd, before.mm_usd, after.mm_usd, passes, pieces, None, 0.0, 1,
        tuple(left),
    )  # fmt: skip
    return told, sizes


def _margin_of(prepared: Prepared, column: Ints, most_usd: float | None, rate: float) -> TailMargin:
    """The pieces at the account as it is; what they lack there (orders, charges) is beside them."""
    before = prepared.before.im_usd
    bare = TailMargin(blocks_of(prepared, column), before, most_usd, rate)
    return TailMargin(bare.blocks, before, most_usd, rate, before - bare.at(np.zeros(len(column))))


def _corrected(
    prepared: Prepared,
    column: Ints,
    margin: TailMargin,
    sizes: Floats,
    exact_usd: float,
    *,
    kept: bool,
) -> TailMargin:
    """What the pieces lack (or have too much) at the answer; tangents are taken again there."""
    tangent = any(block.pieces.standing is Standing.TANGENT for block in margin.blocks)
    blocks = blocks_of(prepared, column, sizes) if tangent else margin.blocks
    fresh = replace(margin, blocks=blocks, beside_usd=0.0)
    beside = exact_usd - fresh.at(sizes)
    if not (tangent or kept):
        beside = max(beside, margin.beside_usd)
    return replace(fresh, beside_usd=beside)


def _unkept(reached_usd: float, most_usd: float | None) -> ModelError:
    return ModelError(
        "solver_failed",
        "the exact model keeps no tail hedge inside the margin budget",
        place="tail hedge",
        value=reached_usd,
        limit="" if most_usd is None else f"{most_usd:,.2f} USD",
        remedy="Give more margin, or a smaller budget.",
    )
