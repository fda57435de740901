"""One pool an account: every line together, and every market known to the parameters."""

from __future__ import annotations

import numpy as np

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Plan
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import make_pool

__all__ = ["one_pool", "require_table", "takes_only"]


def require_table(parameters: Parameters, table: str, name: str) -> None:
    """ModelError ``parameter_missing`` where the set has no ``table.name``."""
    known = parameters.tables(table)
    if name not in known:
        raise ModelError(
            "parameter_missing",
            "no parameters for this market",
            place=f"{parameters.model} {parameters.label}",
            value=f"{table}.{name}",
            limit=", ".join(known) or "none: the venue's own numbers must be given",
            remedy="Give the venue's parameters of that market with --params FILE.",
        )


def takes_only(instruments: Instruments, names: tuple[str, ...], model: str) -> None:
    """ModelError ``kind_not_accepted`` for a balance in another currency."""
    for item in instruments.items:
        if item.kind == Kind.ASSET and item.underlying not in names:
            raise ModelError(
                "kind_not_accepted",
                f"{model} takes no such collateral",
                place=f"{item.venue} {item.native_id}",
                value=item.underlying,
                limit=", ".join(names),
                remedy="Remove the balance, or convert it.",
            )


def one_pool(
    instruments: Instruments,
    parameters: Parameters,
    currency: str,
    cash: tuple[str, ...],
    derivatives: str,
    assets: str = "",
) -> Plan:
    """A plan of one pool; ``derivatives`` and ``assets`` name tables that must know each market.

    The ``cash`` currencies are always taken, and without a table of assets nothing else. A debt is
    looked up as an asset. Raises ModelError ``parameter_missing``, ``kind_not_accepted``.
    """
    if not assets:
        takes_only(instruments, cash, parameters.model)
    for item in instruments.items:
        if item.kind not in (Kind.ASSET, Kind.DEBT):
            require_table(parameters, derivatives, item.underlying)
        elif assets and item.underlying not in cash:
            require_table(parameters, assets, item.underlying)
    rows = np.arange(len(instruments), dtype=np.int32)
    return Plan((make_pool(instruments, rows, "account", currency, cash),), parameters)
