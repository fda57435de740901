"""A venue's reply alone, or with the request and the market that belong to it, in one file.

    {"request": {…}, "reply": {…}, "tickers": […], "positions": […], …}

Each section is a reply as the venue sent it; its envelope (JSON-RPC ``result``, OKX ``code`` and
``data``, Bybit ``retCode`` and ``result``) is taken off here. A reply that is an error is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.venues.payload import Payload, load
from crossmargin.venues.reading import unreadable

__all__ = ["Bundle", "bundle_of", "unwrapped"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The reply and what came with it; ``place`` names the file."""

    reply: Any
    sections: Mapping[str, Any]
    place: str
    time_ms: int | None  # that the envelope carries

    def section(self, name: str) -> Any:
        """A section without its envelope; None where it is absent."""
        found = self.sections.get(name)
        return None if found is None else unwrapped(found, f"{self.place} {name}")[0]

    def request(self) -> Mapping[str, Any]:
        """Parameters of the request; empty where it is not given."""
        found = self.sections.get("request")
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise unreadable("the request is not an object", f"{self.place} request")
        inner = found.get("params", found)
        return inner if isinstance(inner, Mapping) else {}

    def needs(self, name: str) -> Any:
        """A section that must be there. Raises InputError ``column_missing``."""
        found = self.section(name)
        if found is None:
            raise InputError(
                "column_missing",
                "the reply alone does not say what it was made of",
                place=self.place,
                value=name,
                limit=f'{{"request": …, "reply": …, "{name}": …}}',
                remedy="Put the reply and that section side by side in one file.",
            )
        return found


def bundle_of(payload: Payload, what: str) -> Bundle:
    """The bundle of a payload (decoded, bytes, or the path of a file)."""
    value, place = load(payload, what)
    if isinstance(value, Mapping) and "reply" in value:
        reply, time_ms = unwrapped(value["reply"], f"{place} reply")
        rest = {str(name): item for name, item in value.items() if name != "reply"}
        if "time" in rest:
            time_ms = parse_ms(rest["time"], f"{place} time")
        return Bundle(reply, rest, place, time_ms)
    reply, time_ms = unwrapped(value, place)
    rest = {}
    if isinstance(value, Mapping) and "request" in value:
        rest = {str(name): item for name, item in value.items() if name != "result"}
    return Bundle(reply, rest, place, time_ms)


def unwrapped(value: Any, place: str) -> tuple[Any, int | None]:
    """The content of a reply without its envelope, and the time of the envelope."""
    if not isinstance(value, Mapping):
        return value, None
    if value.get("error"):
        raise unreadable("the reply is an error", place, value["error"], "Ask the venue again.")
    for name in ("code", "retCode"):
        if name in value and str(value[name]) not in ("0", ""):
            text = f"{value[name]} {value.get('msg') or value.get('retMsg') or ''}".strip()
            raise unreadable("the reply is an error", place, text, "Ask the venue again.")
    time_ms = _time(value)
    if "result" in value and ({"jsonrpc", "retCode", "id", "request"} & set(value)):
        return value["result"], time_ms
    if "result" in value and len(value) == 1:
        return value["result"], None
    if "data" in value and "code" in value:
        data = value["data"]
        return (data[0] if isinstance(data, list) and len(data) == 1 else data), time_ms
    return value, time_ms


def _time(value: Mapping[str, Any]) -> int | None:
    """Milliseconds of ``usOut`` (microseconds) or ``time``."""
    for name, unit in (("usOut", 1000), ("usIn", 1000), ("time", 1)):
        found = value.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return found // unit
        if isinstance(found, str) and found.isdigit():
            return int(found) // unit
    return None
