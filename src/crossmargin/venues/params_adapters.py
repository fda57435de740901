"""Which venues' own parameter payloads can be read: one reader a venue."""

from __future__ import annotations

from collections.abc import Callable

from crossmargin.core.errors import InputError
from crossmargin.margin.payload_parameters import Numbers
from crossmargin.venues.params_deribit import deribit_numbers
from crossmargin.venues.params_derive import derive_numbers
from crossmargin.venues.params_paradex import paradex_numbers
from crossmargin.venues.payload import Payload, load
from crossmargin.venues.payload_bundle import unwrapped

__all__ = ["READERS", "numbers_of"]

READERS: dict[str, Callable[[object, str], Numbers]] = {
    "deribit": deribit_numbers,
    "derive": derive_numbers,
    "paradex": paradex_numbers,
}


def numbers_of(venue: str, payload: Payload) -> Numbers:
    """The numbers of a payload under the model's names, with its time where it carries one.

    Raises InputError ``option_unknown`` for a venue whose payload is not known.
    """
    reader = READERS.get(venue)
    if reader is None:
        raise InputError(
            "option_unknown",
            "parameter payloads of that venue cannot be read",
            place="venue",
            value=venue,
            limit=", ".join(READERS),
            remedy="Choose one of those.",
        )
    value, place = load(payload, f"{venue} parameters")
    inner, _ = unwrapped(value, place)
    return reader(inner, place)
