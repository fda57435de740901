"""Hyperliquid's margin tables as parameters: rows of (lower notional, largest leverage).

The maintenance share of a tier is half its smallest initial share, 1 / (2 L_k); the deductions make
the charge continuous. Used by the cross margin of perpetuals and by portfolio margin.
Source: hyperliquid.gitbook.io, margin tiers.
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.tiers import Tier, deductions, require_tables
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column

__all__ = ["TIER", "require_margin_tables", "tiers_of"]

# A row of a margin table, as a parameter holds it.
TIER = (Column("lower", 0.0, 1e18), Column("max_leverage", 1.0, 1000.0))
_REMEDY = "Give the asset's margin table (info: meta, marginTables) with --params FILE."


def _name(item: Instrument) -> str:
    return f"asset.{item.underlying}.tiers"


def require_margin_tables(instruments: Instruments, parameters: Parameters) -> None:
    """ModelError ``parameter_missing`` naming the first perpetual without a margin table."""
    names = [_name(item) for item in instruments.items if item.kind == Kind.PERPETUAL]
    require_tables(parameters, names, _REMEDY)


def tiers_of(item: Instrument, parameters: Parameters) -> list[Tier]:
    """The tiers of one perpetual."""
    rows = sorted(parameters.rows(_name(item), TIER), key=lambda row: float(row[0]))
    lower = [float(row[0]) for row in rows]
    leverage = [float(row[1]) for row in rows]
    rate = [1.0 / (2.0 * most) for most in leverage]
    less = deductions(lower, rate)
    return [Tier(*row) for row in zip(lower, rate, less, leverage, strict=True)]
