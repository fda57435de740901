"""The risk graph as a drawing: venues left, what lies there in the middle, oracles right.

The layout is in columns: lines stand in the order of their accounts, a venue beside the middle of
its own lines, an oracle beside the middle of what it prices. Hedges are arcs on the right of the
lines, as wide as the square root of what they offset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from crossmargin.accounts.graph import Edge, Node, RiskGraph
from crossmargin.interfaces.report_svg import picture, rect, scale_of, text

__all__ = ["graph_svg"]

_COLUMNS = {"venue": 40.0, "line": 330.0, "oracle": 760.0}
_WIDTH, _HEIGHT, _STEP, _TOP = 210.0, 40.0, 58.0, 92.0
_WHOLE = 1010.0
_COLOURS = {
    "venue": "#e8eef7",
    "position": "#ffffff",
    "collateral": "#e4f1ea",
    "debt": "#fbe9dd",
    "oracle": "#f1eaf4",
}
_STROKES = {
    "holds": "#4d4d4d",
    "backs": "#007a5a",
    "owes": "#d55e00",
    "prices": "#a0457c",
    "hedges": "#0072b2",
}
_GAP = 26.0
_ARC, _ARC_MOST = 46.0, 170.0


def graph_svg(graph: RiskGraph, name: str, endangered: Collection[str] = ()) -> str:
    """One SVG of the graph; ``endangered`` accounts stand out by a heavy rim and a word."""
    places = _places(graph)
    height = max((y for _, y in places.values()), default=_TOP) + _HEIGHT + 40.0
    by_id = {node.id: node for node in graph.nodes}
    widest = max((edge.usd for edge in graph.edges), default=0.0)
    scale = scale_of([node.usd for node in graph.nodes], "USD")
    parts = [text(_COLUMNS["venue"], 28.0, f"Risk graph: {name}", 17.0, weight="bold")]
    parts += _legend(62.0)
    for edge in graph.edges:
        ends = by_id[edge.source], by_id[edge.target]
        parts.append(_edge(edge, ends, places, widest))
    for node in graph.nodes:
        x, y = places[node.id]
        bold = node.kind == "venue" and node.account in endangered
        parts.append(
            rect(
                x,
                y,
                _WIDTH,
                _HEIGHT,
                _COLOURS[node.kind],
                stroke="#b00020" if bold else "#777",
                stroke_width=3.0 if bold else 1.0,
                tip=f"{node.kind} {node.label}: {node.usd:,.2f} USD",
            )
        )
        word = ": in danger" if bold else ""
        parts.append(text(x + 8.0, y + 17.0, f"{node.label}{word}", 12.5, weight="bold"))
        what = {"venue": "equity", "oracle": "prices"}.get(node.kind, node.kind)
        parts.append(text(x + 8.0, y + 33.0, f"{what} {scale.text(node.usd)} {scale.unit}", 11.0))
    label = f"Risk graph of {name}: {len(graph.nodes)} nodes, {len(graph.edges)} edges"
    drawn = picture(_WHOLE, height, label, parts)
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
    return drawn.replace("<svg ", head, 1) + "\n"


def _legend(y: float) -> list[str]:
    out = []
    x = _COLUMNS["venue"]
    for kind, colour in _STROKES.items():
        out.append(rect(x, y - 6.0, 22.0, 4.0, colour))
        out.append(text(x + 28.0, y, kind, 12.0))
        x += 110.0
    return out


def _places(graph: RiskGraph) -> Mapping[str, tuple[float, float]]:
    """Node -> its upper left corner."""
    places: dict[str, tuple[float, float]] = {}
    y, account = _TOP, ""
    for node in graph.nodes:
        if node.kind in ("venue", "oracle"):
            continue
        if account and node.account != account:
            y += _GAP
        account = node.account
        places[node.id] = (_COLUMNS["line"], y)
        y += _STEP
    for kind in ("venue", "oracle"):
        column = [node for node in graph.nodes if node.kind == kind]
        wanted = [_middle(node, graph.edges, places) for node in column]
        last = _TOP - _STEP
        for middle, node in sorted(zip(wanted, column, strict=True), key=lambda pair: pair[0]):
            last = max(middle, last + _STEP)
            places[node.id] = (_COLUMNS[kind], last)
    return places


def _middle(node: Node, edges: Sequence[Edge], places: Mapping[str, tuple[float, float]]) -> float:
    others = [
        edge.target if edge.source == node.id else edge.source
        for edge in edges
        if node.id in (edge.source, edge.target)
    ]
    heights = [places[other][1] for other in others if other in places]
    return sum(heights) / len(heights) if heights else _TOP


def _edge(
    edge: Edge,
    ends: tuple[Node, Node],
    places: Mapping[str, tuple[float, float]],
    widest: float,
) -> str:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    y1, y2 = y1 + _HEIGHT / 2.0, y2 + _HEIGHT / 2.0
    width = 1.0 + 4.0 * math.sqrt(edge.usd / widest) if widest > 0.0 and edge.usd > 0.0 else 1.0
    if edge.kind == "hedges":
        right = x1 + _WIDTH
        reach = right + min(_ARC + 0.35 * abs(y2 - y1), _ARC_MOST)
        path = (
            f"M{right:.1f} {y1:.1f} C{reach:.1f} {y1:.1f} {reach:.1f} {y2:.1f} {right:.1f} {y2:.1f}"
        )
    else:
        from_left = x1 < x2
        start, end = (x1 + _WIDTH, x2) if from_left else (x1, x2 + _WIDTH)
        middle = 0.5 * (start + end)
        path = (
            f"M{start:.1f} {y1:.1f} C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {end:.1f} {y2:.1f}"
        )
    words = f"{ends[0].label} {edge.kind} {ends[1].label}: {edge.usd:,.0f} USD"
    title = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f'<path d="{path}" fill="none" stroke="{_STROKES[edge.kind]}" stroke-width="{width:.1f}" '
        f'stroke-opacity="0.6"><title>{title}</title></path>'
    )
