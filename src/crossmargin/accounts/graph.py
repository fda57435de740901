"""The risk graph: venues, positions, collateral, debts and oracles, and what one failure costs.

Nodes are venues, the lines of their accounts and the oracles that price them; edges say who holds,
backs, owes, prices and hedges. A failure takes one node away and everything is computed again: the
loss is the equity before less the equity of what is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from crossmargin.accounts.book_edits import edited, money_line, without
from crossmargin.accounts.leg_loss import total_deltas
from crossmargin.accounts.pooling import PoolRule, net_of
from crossmargin.accounts.venue_accounts import (
    Rules,
    Standing,
    VenueAccount,
    adverse_move_usd,
    deltas_of,
    standing_of,
    view_of,
)
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Instrument, Kind

__all__ = [
    "Edge",
    "Failing",
    "Node",
    "RiskGraph",
    "accounts_without",
    "failures_of",
    "graph_json",
    "graph_of",
    "graphml",
]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Node:
    """``kind``: venue, position, collateral, debt or oracle. ``usd``: what stands there."""

    id: str
    kind: str
    label: str
    account: str  # empty for an oracle
    usd: float


@dataclass(frozen=True, slots=True)
class Edge:
    """``kind``: holds, backs, owes, prices, or hedges (dollars of offset delta)."""

    source: str
    target: str
    kind: str
    usd: float


@dataclass(frozen=True, slots=True)
class RiskGraph:
    """Nodes in order of accounts and lines; edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Failing:
    """One node gone. ``loss_usd`` is the equity that goes with it.

    ``over_mm_usd``: the least room of any account that is left; ``unhedged_usd``: one adverse day
    on what is then unhedged; ``net_im_usd`` as elsewhere (None: cannot be asked).
    """

    node: str
    kind: str
    label: str
    loss_usd: float
    least_over_mm_usd: float | None
    least_account: str
    unhedged_usd: float
    net_im_usd: float | None
    error: str = ""


def _oracle(account: VenueAccount) -> str:
    return account.trust.oracle or f"{account.venue} index"


def _line_id(account: VenueAccount, item: Instrument) -> str:
    return f"line:{account.name}:{item.native_id}"


def graph_of(accounts: Sequence[VenueAccount], standings: Mapping[str, Standing]) -> RiskGraph:
    """The graph of accounts that have been judged."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    oracles: dict[str, Node] = {}
    legs: list[tuple[str, str, str, float]] = []  # underlying, account, node, dollars of delta
    for account in accounts:
        home = f"venue:{account.name}"
        equity = standings[account.name].equity_usd
        nodes.append(Node(home, "venue", account.name, account.name, equity))
        for item, kind, usd, delta in _lines(account):
            node = Node(_line_id(account, item), kind, item.native_id, account.name, usd)
            nodes.append(node)
            verb = {"position": "holds", "collateral": "backs", "debt": "owes"}[kind]
            ends = (home, node.id) if kind != "collateral" else (node.id, home)
            edges.append(Edge(*ends, verb, usd))
            if delta != 0.0:
                legs.append((item.underlying, account.name, node.id, delta))
                source = _oracle(account)
                first = Node(f"oracle:{source}", "oracle", source, "", 0.0)
                oracle = oracles.get(source, first)
                oracles[source] = replace(oracle, usd=oracle.usd + abs(delta))
                edges.append(Edge(oracle.id, node.id, "prices", abs(delta)))
    edges += _hedges(legs)
    return RiskGraph((*nodes, *oracles.values()), tuple(edges))


def _lines(account: VenueAccount) -> list[tuple[Instrument, str, float, float]]:
    """(contract, kind of node, dollars, dollars of delta) of every line that holds something."""
    view, book = view_of(account), account.book
    out = []
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        if quantity == 0.0:
            continue
        item = book.instruments.items[column]
        alone = replace(account, book=edited(book, drop=_others(account, item)))
        delta = sum(coins * price for coins, price in deltas_of(alone).values())
        if item.kind in (Kind.ASSET, Kind.DEBT):
            usd = quantity * float(view.usd[book.instruments.underlying[column]])
            owed = usd < 0.0 or item.kind == Kind.DEBT
            out.append((item, "debt" if owed else "collateral", abs(usd), delta))
        else:
            out.append((item, "position", abs(delta), delta))
    return out


def _others(account: VenueAccount, item: Instrument) -> list[tuple[str, str]]:
    return [each.key for each in account.book.instruments.items if each.key != item.key]


def _hedges(legs: Sequence[tuple[str, str, str, float]]) -> list[Edge]:
    """An edge from every long to every short of an underlying, by its share of what is matched."""
    out = []
    for name in sorted({leg[0] for leg in legs}):
        longs = [leg for leg in legs if leg[0] == name and leg[3] > 0.0]
        shorts = [leg for leg in legs if leg[0] == name and leg[3] < 0.0]
        up, down = sum(leg[3] for leg in longs), -sum(leg[3] for leg in shorts)
        if not (longs and shorts):
            continue
        matched = min(up, down)
        for long in longs:
            for short in shorts:
                usd = matched * (long[3] / up) * (-short[3] / down)
                out.append(Edge(long[2], short[2], "hedges", usd))
    return out


def accounts_without(accounts: Sequence[VenueAccount], node: Node) -> list[VenueAccount]:
    """The accounts that are left when a node is gone.

    venue: the account with all that lies there. position, collateral, debt: that line (a position
    without what it is worth). oracle: every account that it prices; nothing there can be judged.
    """
    if node.kind == "venue":
        return [account for account in accounts if account.name != node.account]
    if node.kind == "oracle":
        return [account for account in accounts if _oracle(account) != node.label]
    out = []
    for account in accounts:
        if account.name != node.account:
            out.append(account)
            continue
        items = account.book.instruments.items
        gone = next(item for item in items if _line_id(account, item) == node.id)
        money = money_line(account.book, account.venue, account.money)
        out.append(replace(account, book=without(account.book, gone, money)))
    return [account for account in out if len(account.book.column)]


def failures_of(
    accounts: Sequence[VenueAccount],
    graph: RiskGraph,
    sigma: Mapping[str, float],
    pool: PoolRule,
    rules: Rules,
) -> tuple[Failing, ...]:
    """Every node taken away by itself and all computed again, the largest loss first."""
    before = sum(standing_of(account).equity_usd for account in accounts)
    found = [_failing(accounts, node, before, sigma, pool, rules) for node in graph.nodes]
    return tuple(sorted(found, key=lambda each: (-each.loss_usd, each.node)))


def _failing(
    accounts: Sequence[VenueAccount],
    node: Node,
    before: float,
    sigma: Mapping[str, float],
    pool: PoolRule,
    rules: Rules,
) -> Failing:
    left = accounts_without(accounts, node)
    standings = {account.name: standing_of(account) for account in left}
    least = min(standings, key=lambda name: standings[name].over_mm_usd, default="")
    net, error = None, ""
    try:
        net = net_of(left, pool).demand_im_usd if left else 0.0
    except CrossMarginError as cause:
        error = str(cause)
    return Failing(
        node=node.id,
        kind=node.kind,
        label=node.label if not node.account else f"{node.account}: {node.label}",
        loss_usd=before - sum(standing.equity_usd for standing in standings.values()),
        least_over_mm_usd=standings[least].over_mm_usd if least else None,
        least_account=least,
        unhedged_usd=adverse_move_usd(total_deltas(left), sigma, _DAY_S, rules.k),
        net_im_usd=net,
        error=error,
    )


def graph_json(graph: RiskGraph) -> str:
    """Nodes and links, as most tools read them."""
    nodes = [
        {"id": n.id, "kind": n.kind, "label": n.label, "account": n.account, "usd": n.usd}
        for n in graph.nodes
    ]
    links = [
        {"source": e.source, "target": e.target, "kind": e.kind, "usd": e.usd} for e in graph.edges
    ]
    return json.dumps({"directed": True, "nodes": nodes, "links": links}, indent=2) + "\n"


def graphml(graph: RiskGraph) -> str:
    """GraphML (http://graphml.graphdrawing.org), readable by Gephi, yEd and networkx."""
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *(
            f'<key id="{part}_{name}" for="{part}" attr.name="{name}" attr.type="{kind}"/>'
            for part, names in (("node", ("kind", "label", "account")), ("edge", ("kind",)))
            for name, kind in [*((each, "string") for each in names), ("usd", "double")]
        ),
        '<graph id="risk" edgedefault="directed">',
    ]
    for node in graph.nodes:
        texts: dict[str, str | float] = {
            "kind": node.kind,
            "label": node.label,
            "account": node.account,
            "usd": node.usd,
        }
        data = "".join(_data("node", name, value) for name, value in texts.items())
        out.append(f"<node id={quoteattr(node.id)}>{data}</node>")
    for edge in graph.edges:
        ends = f"source={quoteattr(edge.source)} target={quoteattr(edge.target)}"
        data = _data("edge", "kind", edge.kind) + _data("edge", "usd", edge.usd)
        out.append(f"<edge {ends}>{data}</edge>")
    return "\n".join([*out, "</graph>", "</graphml>"]) + "\n"


def _data(part: str, name: str, value: str | float) -> str:
    text = repr(value) if isinstance(value, float) else escape(value)
    return f'<data key="{part}_{name}">{text}</data>'
