"""The drawing: well-formed, every node once, nothing outside, endangered accounts marked."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from crossmargin.accounts.graph import RiskGraph
from crossmargin.interfaces.unified_graph import graph_svg
from tests.interfaces.unified_case import sample

SPACE = "{http://www.w3.org/2000/svg}"


def test_every_node_is_drawn_apart_and_inside() -> None:
    graph = sample().found.graph
    root = ElementTree.fromstring(graph_svg(graph, "a <b> & c", ["perp"]))
    boxes = [
        tuple(float(each.get(name, "nan")) for name in ("x", "y", "width", "height"))
        for each in root.iter(f"{SPACE}rect")
        if each.find(f"{SPACE}title") is not None
    ]
    assert len(boxes) == len(graph.nodes)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for x, y, w, h in boxes:
        assert 0.0 <= x < x + w <= width
        assert 0.0 <= y < y + h <= height
    for k, (x, y, w, h) in enumerate(boxes):
        for u, v, s, t in boxes[k + 1 :]:
            assert x + w <= u or u + s <= x or y + h <= v or v + t <= y
    paths = list(root.iter(f"{SPACE}path"))
    assert len(paths) == len(graph.edges)
    words = [text.text or "" for text in root.iter(f"{SPACE}text")]
    assert "perp: in danger" in words
    assert "options" in words
    assert any("a <b> & c" in word for word in words)


def test_odd_names_stay_text() -> None:
    graph = sample().found.graph
    odd = tuple(replace(node, label='<script>"&') for node in graph.nodes)
    root = ElementTree.fromstring(graph_svg(RiskGraph(odd, graph.edges), "x"))
    assert not list(root.iter(f"{SPACE}script"))


def test_an_empty_graph_is_a_picture() -> None:
    root = ElementTree.fromstring(graph_svg(RiskGraph((), ()), "nothing"))
    assert root.tag == f"{SPACE}svg"
