"""Opyn Gamma: option tokens written in vaults, fully collateralised unless naked is chosen.

One pool a collateral asset. Each vault needs what ``families.exact_opyn`` says, rounded up to the
collateral's own decimals; collateral is what counts, and a long option's value backs nothing but
the short that shares its vault. The protocol knows one level: initial and maintenance are the same.
Source: opynfinance/GammaProtocol at 841f81d9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_accounts import exact_leaves, quote_equity
from crossmargin.margin.families.exact_opyn import BASE_DECIMALS, Naked, Prices
from crossmargin.margin.families.exact_opyn_vaults import (
    Product,
    naked_product,
    otokens,
    vault_needs,
    vaults_of,
)
from crossmargin.margin.families.exact_plan import require_table
from crossmargin.margin.families.exact_units import ticks, whole
from crossmargin.margin.model import (
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
    Rule,
    ScaleLaw,
    Standing,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["OpynGamma"]

_CODE = "opynfinance/GammaProtocol at 841f81d9, MarginCalculator and its tests"
_BOUNDS = (Column("time_s", 0.0, 1e9), Column("bound", 0.0, 1.0))

SPEC = ModelSpec(
    name="opyn-gamma",
    title="Opyn Gamma vaults",
    family="integer vaults",
    venue="opyn",
    version="v2",
    folder="opyn-gamma",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral alone, and what an expired vault pays",
    rules=(
        Rule(
            "vault",
            "largest loss of a short beside the long of its vault, in the collateral asset",
            f"{_CODE}, exact for a vault; which vault a position lies in is not in a book",
            Fidelity.INFERRED,
            ("reading.vaults",),
        ),
        Rule("surplus", "collateral less requirement, exact", _CODE, Fidelity.EXACT),
        Rule("balance_side", "collateral and payout at expiry", _CODE, Fidelity.EXACT),
    ),
    readings={"reading.vaults": ("paired", "alone")},
    standard="fixed-rate",
    quantum=1e-8,
    maps_from=("opyn",),
    unknown=(
        "spot shocks and upper bounds of naked margin: set on chain; a vault that chose naked "
        "margin is refused unless they are given",
        "which vault a position lies in: paired by strike inside its series, or each alone",
        "decimals of tokens beyond USDC, BTC and ETH",
    ),
    standing=Standing.DORMANT,
)


@final
class OpynGamma:
    """One pool a collateral asset."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per collateral; ModelError ``parameter_missing`` for a token without decimals."""
        pools = []
        for name in sorted({item.settle for item in instruments.items}):
            require_table(parameters, "token", name)
            code = instruments.names.index(name)
            rows = np.flatnonzero(instruments.settle == code).astype(np.int32)
            pools.append(make_pool(instruments, rows, name, name, (name,)))
        return Plan(tuple(pools), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Terms of the options, and the oracle's prices with 8 decimals by expiry."""
        part = pool.instruments
        usd = {name: float(view.usd[k]) for k, name in enumerate(part.names)}
        of = {name: ticks(value, -BASE_DECIMALS) for name, value in usd.items() if value > 0.0}
        tokens = otokens(part)
        expiries = dict.fromkeys(token.expiry_ms for token in tokens.values())
        facts = {
            "tokens": tokens,
            "prices": {when: Prices(of, when <= view.as_of_ms) for when in expiries},
            "decimals": {pool.currency: whole(parameters, f"token.{pool.currency}.decimals")},
            "naked": _products(pool, parameters),
            "paired": parameters.get("reading.vaults") == "paired",
        }
        nothing = np.zeros(len(part))
        return Priced(pool, view, usd[pool.currency], None, None, {}, nothing, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts, every vault in integers."""
        decimals = priced.facts["decimals"][priced.pool.currency]
        unknown = frozen(np.zeros(len(held.column), np.bool_), np.bool_)
        bare = replace(held, entry_known=unknown)  # no profit counts, whatever was paid
        equity = quote_equity(priced, bare, decimals, lambda k: bool(priced.pool.cash[k]))
        accounts = len(held.row) - 1
        rows = [[equity.cash[a], *self._needs(priced, held, a)] for a in range(accounts)]
        sheet = SheetBuilder(accounts)
        add = exact_leaves(sheet, rows, decimals)
        add("cash", "balance_side", (0,))
        add("payout", "balance_side", (2,))
        add("equity", "balance_side", (0, 2))
        add("surplus_im", "surplus", (0, 2), (1,))
        add("surplus_mm", "surplus", (0, 2), (1,))
        add("vaults", "vault", (1,))
        for level in ("im", "mm"):
            sheet.scale(f"counted_{level}", "equity", 1.0)
            sheet.scale(level, "vaults", 1.0)
        none = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(accounts), equity.source)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts whose vaults the contract would not take, or whose naked table is unknown."""
        found = []
        for a in range(len(held.row) - 1):
            try:
                self._needs(priced, held, a)
            except ModelError as error:
                found.append(Refusal(a, error))
        return tuple(found)

    def _needs(self, priced: Priced, held: PoolBook, account: int) -> tuple[int, int]:
        facts = priced.facts
        chosen = held.book.choices.get("naked_margin")
        naked = chosen is not None and bool(chosen[account])
        tokens = facts["tokens"]
        vaults = vaults_of(held, account, tokens, paired=facts["paired"], naked=naked)
        prices, decimals = facts["prices"], facts["decimals"]
        return vault_needs(vaults, prices, decimals, facts["naked"], priced.view.as_of_ms)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The protocol knows no orders."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _products(pool: Pool, parameters: Parameters) -> dict[Product, Naked]:
    """Naked tables of the set for this collateral: ``naked.BTC.put.USDC``."""
    found: dict[Product, Naked] = {}
    for name in parameters.tables("naked"):
        for right in ("put", "call"):
            table = f"naked.{name}.{right}.{pool.currency}"
            if f"{table}.spot_shock" in parameters:
                found[name, right == "put"] = naked_product(
                    parameters.number(f"{table}.spot_shock"),
                    whole(parameters, f"{table}.dust"),
                    parameters.rows(f"{table}.bounds", _BOUNDS),
                )
    return found
