"""The bracket tables of Binance futures as parameters: ``tier.UNDERLYING_SETTLE[_YYMMDD]``.

Used by the futures' own margin and by portfolio margin.
"""

from __future__ import annotations

from crossmargin.core.clock import format_ms
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.tiers import Tier, brackets, require_tables
from crossmargin.margin.parameter_files import Parameters

__all__ = ["bracket_name", "require_brackets", "tiers_of"]

_REMEDY = "Give the bracket table, in TOML or as ccxt's leverage tiers, with --params FILE."


def bracket_name(item: Instrument) -> str:
    """The name of a contract's table: a dated future's ends in its day of expiry (UTC)."""
    name = f"tier.{item.underlying}_{item.settle}"
    if item.kind != Kind.FUTURE:
        return name
    return f"{name}_{format_ms(item.expiry_ms)[2:10].replace('-', '')}"


def require_brackets(instruments: Instruments, parameters: Parameters) -> None:
    """ModelError ``parameter_missing`` naming the first contract without a table."""
    futures = (Kind.PERPETUAL, Kind.FUTURE)
    names = [bracket_name(item) for item in instruments.items if item.kind in futures]
    require_tables(parameters, names, _REMEDY)


def tiers_of(item: Instrument, parameters: Parameters) -> list[Tier]:
    """The tiers of one contract."""
    return brackets(parameters, bracket_name(item))
