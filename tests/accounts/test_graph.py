"""The graph holds everything once; a removed node's loss is what computing again gives."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from crossmargin.accounts.graph import (
    RiskGraph,
    accounts_without,
    failures_of,
    graph_json,
    graph_of,
    graphml,
)
from crossmargin.accounts.pooling import PoolRule, merged_snapshot, net_of
from crossmargin.accounts.venue_accounts import Rules, Trust, VenueAccount, standing_of
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.register import model_named
from tests.accounts.venues import PRICES, SIGMA, loan, perp


def accounts_of() -> list[VenueAccount]:
    shared = Trust(oracle="one oracle")
    return [
        perp("long", 2.0, entry=60_000.0, trust=shared),
        perp("short", -1.5, 30_000.0, trust=shared),
        loan(),
    ]


def graph_made(accounts: list[VenueAccount]) -> RiskGraph:
    return graph_of(accounts, {account.name: standing_of(account) for account in accounts})


def test_nodes_and_edges() -> None:
    graph = graph_made(accounts_of())
    kinds = [node.kind for node in graph.nodes]
    assert kinds.count("venue") == 3
    assert kinds.count("position") == 2
    assert kinds.count("collateral") == 3
    assert kinds.count("debt") == 1
    assert kinds.count("oracle") == 2
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    ids = {node.id for node in graph.nodes}
    assert all({edge.source, edge.target} <= ids for edge in graph.edges)
    (hedge,) = [edge for edge in graph.edges if edge.kind == "hedges"]
    assert hedge.usd == pytest.approx(1.5 * PRICES["BTC"])
    priced = [e for e in graph.edges if e.kind == "prices" and e.source == "oracle:one oracle"]
    assert len(priced) == 2, "an oracle that two accounts share is one node"


def test_hedges_add_up_to_what_is_matched() -> None:
    three = [perp("a", 2.0), perp("b", 1.0, usdc=9_000.0), perp("c", -2.4, usdc=30_000.0)]
    hedges = [edge.usd for edge in graph_made(three).edges if edge.kind == "hedges"]
    assert len(hedges) == 2
    assert sum(hedges) == pytest.approx(2.4 * PRICES["BTC"])
    four = [*three, perp("d", -1.2, usdc=8_000.0)]
    hedges = [edge.usd for edge in graph_made(four).edges if edge.kind == "hedges"]
    assert len(hedges) == 4
    assert sum(hedges) == pytest.approx(3.0 * PRICES["BTC"])


def test_a_removed_node_costs_what_computing_again_gives() -> None:
    """Every node, against the accounts built by hand without it."""
    accounts = accounts_of()
    graph = graph_made(accounts)
    pool = PoolRule(model_named("tims"), merged_snapshot(accounts))
    whole = sum(standing_of(account).equity_usd for account in accounts)
    long, short, owed = accounts
    by_hand: dict[str, list[VenueAccount]] = {
        "venue:long": [short, owed],
        "venue:short": [long, owed],
        "venue:loan": [long, short],
        "oracle:one oracle": [owed],
        "oracle:pool index": [long, short],
        "line:long:BTC-USD-PERP": [perp("long", 0.0, trust=long.trust), short, owed],
        "line:short:BTC-USD-PERP": [long, perp("short", 0.0, 30_000.0), owed],
        "line:long:USDC": [perp("long", 2.0, 0.0, entry=60_000.0), short, owed],
        "line:short:USDC": [long, perp("short", -1.5, 0.0), owed],
        "line:loan:ETH": [long, short, loan(ether=0.0)],
        "line:loan:USDC": [long, short, loan(usdc_owed=0.0)],
    }
    found = {each.node: each for each in failures_of(accounts, graph, SIGMA, pool, Rules())}
    assert found.keys() == by_hand.keys() == {node.id for node in graph.nodes}
    for node, rest in by_hand.items():
        left = sum(standing_of(account).equity_usd for account in rest)
        assert found[node].loss_usd == pytest.approx(whole - left, abs=1e-6), node
        assert found[node].net_im_usd == pytest.approx(net_of(rest, pool).demand_im_usd), node
        least = min(standing_of(account).over_mm_usd for account in rest)
        assert found[node].least_over_mm_usd == pytest.approx(least, abs=1e-6), node
    losses = [each.loss_usd for each in failures_of(accounts, graph, SIGMA, pool, Rules())]
    assert losses == sorted(losses, reverse=True)


def test_the_only_venue_gone_leaves_nothing() -> None:
    accounts = [perp()]
    graph = graph_made(accounts)
    pool = PoolRule(model_named("tims"), merged_snapshot(accounts))
    found = {each.node: each for each in failures_of(accounts, graph, SIGMA, pool, Rules())}
    assert found["venue:perp"].least_over_mm_usd is None
    assert found["venue:perp"].net_im_usd == 0.0
    assert accounts_without(accounts, graph.nodes[0]) == []


def test_exports_hold_every_node_and_edge() -> None:
    odd = replace(perp(), name='a "quoted" <name> & more')
    graph = graph_made([odd, loan()])
    content = json.loads(graph_json(graph))
    assert [node["id"] for node in content["nodes"]] == [node.id for node in graph.nodes]
    assert len(content["links"]) == len(graph.edges)
    root = ElementTree.fromstring(graphml(graph))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert [n.get("id") for n in root.iter(f"{space}node")] == [n.id for n in graph.nodes]
    assert [(e.get("source"), e.get("target")) for e in root.iter(f"{space}edge")] == [
        (edge.source, edge.target) for edge in graph.edges
    ]
    keys = {key.get("id") for key in root.iter(f"{space}key")}
    assert {data.get("key") for data in root.iter(f"{space}data")} <= keys


@pytest.mark.parametrize("kind", [Kind.ASSET, Kind.DEBT])
def test_a_debt_is_a_debt_in_either_form(kind: Kind) -> None:
    """A negative balance, or a line of debt whose quantity is positive."""
    graph = graph_made([loan(owed=kind)])
    debts = [node for node in graph.nodes if node.kind == "debt"]
    assert [node.usd for node in debts] == [pytest.approx(100_000.0)]
    owes = [(e.source, e.target) for e in graph.edges if e.kind == "owes"]
    assert owes == [("venue:loan", debts[0].id)]
