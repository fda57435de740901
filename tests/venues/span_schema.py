"""A small judge of a file against the SPAN schema: order and number of elements, plain types.

No validator of XML schemas is installed, so each complex type becomes a regular expression over the
names of its children; simple types are numbers, truth values, patterns and lists of words.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element, parse

XS = "{http://www.w3.org/2001/XMLSchema}"


class Schema:
    """What the schema says of every element, by name."""

    def __init__(self, path: Path) -> None:
        root = parse(path).getroot()
        self.elements = {e.get("name"): e for e in root.findall(f"{XS}element")}
        self.types = {
            e.get("name"): e
            for tag in ("complexType", "simpleType")
            for e in root.findall(XS + tag)
        }

    def faults(self, element: Element, node: Element | None = None) -> list[str]:
        """Everything in an element that the schema does not allow."""
        node = self.elements.get(element.tag) if node is None else node
        if node is None:
            return [f"{element.tag} is unknown"]
        node = self.elements[node.get("ref")] if node.get("ref") else node
        name = node.get("type")
        kind = self.types.get(name) if name else node.find(f"{XS}complexType")
        if kind is None or kind.tag == f"{XS}simpleType":
            return self._plain(element, name, kind)
        pattern, known = self._model(kind)
        names = "".join(f"<{child.tag}>" for child in element)
        out = [] if re.fullmatch(pattern, names) else [f"{element.tag}: {names} is not {pattern}"]
        for child in element:
            out += self.faults(child, known[child.tag]) if child.tag in known else []
        return out

    def _plain(self, element: Element, name: str | None, kind: Element | None) -> list[str]:
        text = (element.text or "").strip()
        rules = {
            "xs:double": r"-?\d+(\.\d+)?([eE][+-]?\d+)?",
            "xs:int": r"-?\d+",
            "xs:boolean": "true|false|0|1",
        }
        pattern = rules.get(name or "", ".*")
        if kind is not None:
            words = [e.get("value", "") for e in kind.iter(f"{XS}enumeration")]
            stated = [e.get("value", "") for e in kind.iter(f"{XS}pattern")]
            pattern = "|".join(words or stated or [".*"])
        return [] if re.fullmatch(pattern, text) else [f"{element.tag}: {text!r} is no {pattern}"]

    def _model(self, kind: Element) -> tuple[str, dict[str, Element]]:
        known: dict[str, Element] = {}
        pattern = ""
        extension = kind.find(f"{XS}complexContent/{XS}extension")
        if extension is not None:
            pattern, known = self._model(self.types[extension.get("base")])
            kind = extension
        for part in kind:
            pattern += self._particle(part, known)
        return pattern, known

    def _particle(self, part: Element, known: dict[str, Element]) -> str:
        if part.tag == f"{XS}element":
            name = part.get("ref") or part.get("name") or ""
            known[name] = part
            inside = f"<{name}>"
        elif part.tag in (f"{XS}sequence", f"{XS}choice"):
            inner = [self._particle(each, known) for each in part]
            inside = ("|" if part.tag == f"{XS}choice" else "").join(x for x in inner if x)
        else:
            return ""
        low, high = part.get("minOccurs", "1"), part.get("maxOccurs", "1")
        times = {("1", "1"): "", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
        return f"(?:{inside}){times[low, high]}"
