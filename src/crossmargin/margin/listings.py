"""What a venue lists on an underlying, and the counterpart there of another venue's contract.

A model says it in its declaration (``ModelSpec.listed``), else the table here holds its venue's
main forms. Sources: the venues' name grammars in `crossmargin.instruments.names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from crossmargin.core.clock import NEVER_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import format_id, parse
from crossmargin.margin.model import Listed, ModelSpec

__all__ = [
    "COIN", "LISTED", "counterpart", "forms_of", "is_mapped", "main_currency", "sources_of",
    "takes",
]  # fmt: skip

COIN = "coin"  # as a settlement currency: the underlying itself
_DATED = (Kind.OPTION, Kind.FUTURE)
_ALL = (Kind.PERPETUAL, *_DATED)
_FUTURES = (Kind.PERPETUAL, Kind.FUTURE)
# Dollars inside and out: derive and paradex quote in USD, settle in USDC and list no dated future.
_DOLLARS = (Listed((Kind.PERPETUAL, Kind.OPTION), "USDC", "USD"),)
LISTED: Mapping[str, tuple[Listed, ...]] = {
    "deribit": (Listed(_ALL, "USDC", "USDC"), Listed(_ALL, COIN, "USD")),
    "okx": (Listed(_FUTURES, "USDT", "USDT"), Listed(_ALL, COIN, "USD")),
    "bybit": (
        Listed(_ALL, "USDT", "USDT"),
        Listed(_ALL, "USDC", "USDC"),
        Listed(_FUTURES, COIN, "USD"),
    ),
    "binance": (Listed(_ALL, "USDT", "USDT"), Listed(_FUTURES, COIN, "USD")),
    "derive": _DOLLARS,
    "paradex": _DOLLARS,
}


def forms_of(spec: ModelSpec) -> tuple[Listed, ...]:
    """What the model's venue lists: as the model says, else as the table does, else in dollars."""
    return spec.listed or LISTED.get(spec.venue, _DOLLARS)


def sources_of(spec: ModelSpec) -> tuple[str, ...]:
    """Venues whose books are brought to the model: declared, or Deribit's where forms are known."""
    known = bool(spec.listed) or spec.venue in LISTED
    return spec.maps_from or (("deribit",) if known and spec.venue != "deribit" else ())


def is_mapped(spec: ModelSpec, items: Iterable[Instrument]) -> bool:
    """Whether a book of these contracts is another venue's that the model maps."""
    others = {item.venue for item in items} - {spec.venue}
    return bool(spec.venue and others and others <= set(sources_of(spec)))


def main_currency(forms: tuple[Listed, ...]) -> str:
    """The currency that balances become which the venue's contracts do not settle in."""
    return next((form.settle for form in forms if form.settle != COIN), "USDC")


def counterpart(item: Instrument, venue: str, forms: tuple[Listed, ...]) -> Instrument:
    """The contract of ``venue`` with the same terms; a dated future may become a perpetual.

    The contract's own form goes first, then one that settles as it does: in coin, or not. Raises
    InputError ``instrument_unknown`` for a contract whose underlying or kind has no counterpart.
    """

    def unlike(form: Listed) -> tuple[bool, bool]:
        settle = item.underlying if form.settle == COIN else form.settle
        own = (form.quote, settle) == (item.quote, item.settle)
        return not own, (form.settle == COIN) != item.inverse

    kinds = (Kind.FUTURE, Kind.PERPETUAL) if item.kind == Kind.FUTURE else (item.kind,)
    for kind in kinds:
        fit = [form for form in forms if kind in form.kinds]
        for form in sorted(fit, key=unlike):
            found = _listed(item, venue, kind, form)
            if found is not None:
                return found
    raise InputError(
        "instrument_unknown",
        f"no counterpart at {venue}",
        place=f"{item.venue} {item.native_id}",
        value=item.kind.name.lower(),
        limit=f"options, perpetuals, dated futures that {venue} lists, and balances",
        remedy="Remove the line.",
    )


def takes(spec: ModelSpec, item: Instrument, *, mapped: bool) -> bool:
    """Whether the model margins a contract, as its counterpart at the venue where ``mapped``."""
    if mapped:
        try:
            item = counterpart(item, spec.venue, forms_of(spec))
        except InputError:
            return False
    return item.kind in spec.kinds


def _listed(item: Instrument, venue: str, kind: Kind, form: Listed) -> Instrument | None:
    """The contract in one form, or None where the venue's names have no such contract."""
    coin = form.settle == COIN
    made = replace(
        item,
        venue=venue,
        native_id="",
        kind=kind,
        quote=form.quote,
        settle=item.underlying if coin else form.settle,
        inverse=coin,
        expiry_ms=NEVER_MS if kind == Kind.PERPETUAL else item.expiry_ms,
    )
    try:
        name = format_id(venue, made)
        size = parse(venue, name).multiplier
    except InputError:
        return None
    return replace(made, native_id=name, multiplier=size)
