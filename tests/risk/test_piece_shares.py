from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.margin_lp import Goal, MarginAnswer, MarginProblem, Ticket, optimal
from crossmargin.decisions.margin_rows import Block
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, WorstOf
from crossmargin.margin.pools import cut
from crossmargin.margin.tangents import pieces_of
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import euler
from crossmargin.risk.euler import TieRule
from crossmargin.risk.piece_shares import shares_of_pieces
from tests.risk.sample_books import required

J, S, PRICE = 10, 30, 0.2


def problem(seed: int) -> tuple[np.ndarray, np.ndarray, MarginProblem]:
    """A book on a scan, every position of which may be traded at a cost."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(S, J)) * 1000.0
    base = rng.normal(size=J) * 3.0
    term = WorstOf("scan", rows, np.zeros(S), tuple(f"s{k}" for k in range(S)))
    cost = 20.0 + 10.0 * rng.random(J)
    one = np.array([2.0])
    tickets = tuple(
        Ticket(f"t{j}", one, np.array([c]), one, np.array([c])) for j, c in enumerate(cost)
    )
    block = Block("BTC", Pieces((term,)), base, np.eye(J), 1.0)
    return rows, cost, MarginProblem((block,), tickets, Goal(PRICE))


@pytest.mark.parametrize("seed", range(12))
def test_an_optimums_multipliers_are_the_shares_weights(seed: int) -> None:
    """What the optimum trades inside its bounds has a marginal of just its cost, to 1e-7."""
    rows, cost, asked = problem(seed)
    found = optimal(asked)
    assert isinstance(found, MarginAnswer)
    book = asked.blocks[0].base + found.h
    given = {(each.term, each.scenario): each.share for each in found.bindings}
    assert len(given) > 1, "an optimum ties"
    made = shares_of_pieces(asked.blocks[0].pieces, book, multipliers=given, tie=1e-7)
    assert made.shares.sum() + made.fixed == pytest.approx(found.after_usd, rel=1e-9)
    assert abs(made.fixed) <= 1e-7 * found.after_usd
    by_hand = sum(share * rows[int(name[1:])] for (_, name), share in given.items()) * book
    assert made.shares == pytest.approx(by_hand, rel=1e-7, abs=1e-7 * found.after_usd)
    inside = (np.abs(found.h) > 1e-9) & (np.abs(found.h) < 2.0 - 1e-9)
    assert inside.any()
    wanted = -np.sign(found.h) * cost / PRICE
    assert made.marginal[inside] == pytest.approx(wanted[inside], rel=1e-7)
    wrong = {("scan", "s999"): 1.0}
    with pytest.raises(InputError, match="number_out_of_range"):
        shares_of_pieces(asked.blocks[0].pieces, book, multipliers=wrong, tie=1e-7)


@pytest.mark.parametrize("rule", TieRule)
def test_every_kind_of_term(rule: TieRule) -> None:
    """By hand: 2 x worst of a tie with its floor, a charge by side, the larger of two sums."""
    flat = WorstOf("flat", np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2), floor=0.0, weight=2.0)
    sides = Separable("sides", np.array([0.0, 1.0]), np.array([3.0, 0.0]))
    scan = WorstOf("scan", np.array([[4.0, 1.0], [0.0, 1.0]]), np.array([0.0, 2.0]), floor=-np.inf)
    least = Part("least", (Separable("least", np.full(2, 0.1), np.full(2, 0.1)),), offset=1.0)
    pieces = Pieces((flat, sides, LargestOf("most", (Part("scan", (scan,)), least))))
    found = shares_of_pieces(pieces, np.array([2.0, 2.0]), rule=rule)
    assert found.value == pytest.approx(0.0 + 2.0 + 10.0)
    assert found.shares == pytest.approx([8.0, 4.0], abs=1e-9)
    assert found.fixed == pytest.approx(0.0, abs=1e-9)
    assert [name for name, _, _ in found.tied] == ["flat"]
    assert found.tied[0][1] == ("0", "1", "floor")
    below = shares_of_pieces(pieces, np.array([-0.1, -0.1]), rule=rule)
    assert below.value == pytest.approx(0.3 + 1.9)
    assert below.shares.sum() + below.fixed == pytest.approx(below.value)
    assert below.fixed == pytest.approx(2.0)  # the offset of the binding row


@pytest.mark.parametrize("model", ["fixed-rate", "paradex-pm", "derive-pm1"])
def test_the_pieces_of_a_model_share_as_the_model_does(model: str) -> None:
    """Off kinks the exact slopes of the pieces are the differences of the model."""
    base = required(model, "retail-short-vol")
    compared = 0
    for priced in base.priced:
        held = cut(base.book, priced.pool, 0)
        pieces = pieces_of(base.via, priced, held, base.parameters)
        quantity = np.zeros(len(priced.pool.instruments))
        quantity[held.column] = held.quantity
        found = shares_of_pieces(pieces, quantity)
        game = AccountGame(base, pool=priced.pool.label)
        derived = euler(game, np.where(game.is_asset, 0.0, np.abs(game.quantity)))
        if not pieces.exact or derived.rule or found.tied:
            continue
        place = {int(c): k for k, c in enumerate(priced.pool.columns.tolist())}
        scale = max(abs(found.value), 1e-9)
        for k, row in enumerate(game.column.tolist()):
            if row in place and not game.is_asset[k]:
                wanted = derived.slope[k] * game.quantity[k]
                assert found.shares[place[row]] == pytest.approx(wanted, abs=1e-7 * scale)
                compared += 1
    assert compared >= 4
