"""What the tests of pages share: a reader of a page, and what a page may weigh and take."""

from __future__ import annotations

from html.parser import HTMLParser

SIZE_MAX = 3_000_000
DRAW_MAX_S = 2.0
WIDTHS = (1280, 390)


class Page(HTMLParser):
    """Tags, attributes and tables of a page; refuses tags that do not close."""

    VOID = ("meta", "link", "br")  # what HTML never closes; shapes close themselves

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def table(self, *heads: str) -> list[list[str]]:
        """Body of the first table whose heads begin with the given ones."""
        return next(t[1:] for t in self.tables if t[0][: len(heads)] == list(heads))
