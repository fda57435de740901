"""Paradex cross margin: market by market, perpetuals and options.

    IMR(m) = max(buy open, sell open) x charge + fee provision + open loss
    buy open = max(0, buys + q),  sell open = max(0, sells - q)
    perpetual     IMF mark;  MMR half of it, without orders
    long option   min(a mark, b S)
    short option  max(c S - OTM, d S), a put's share of S capped

a to d at each level are the venue's tables. The multiplier a of the premium is in the table and not
in the formula: a switch. Source: tradeparadex/paradex-docs, cross margin and dated options.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.families.collateral import one_pool, usd_of
from crossmargin.margin.families.standard_options import of_underlying, unscenarioed
from crossmargin.margin.families.tiers import chosen_leverage, open_size_need, require_tables
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, only_usdc
from crossmargin.market.view import View

__all__ = ["ParadexXM"]

_DOCS = "tradeparadex/paradex-docs, cross margin requirement (history to 2026-08-20)"
_OPTIONS = "tradeparadex/paradex-docs, dated options: margin requirements"
_REMEDY = "Give the market's margin parameters (markets: *_cross_margin_params) with --params FILE."

SPEC = ModelSpec(
    name="paradex-xm",
    title="Paradex cross margin",
    family="standard-options",
    venue="paradex",
    version="2026-08",
    folder="paradex-xm",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.OPTION),
    currency=CASH,
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="account value: USDC and unrealised profit, that of options included",
    rules=(
        Rule("perp_charge", "open size x IMF x mark; MMR half of it", _DOCS, Fidelity.EXACT),
        Rule(
            "option_charge",
            "long: premium, at most a share of spot; short: share of spot by moneyness",
            _OPTIONS,
            {Kind.OPTION: Fidelity.INFERRED},
            ("reading.long_premium",),
        ),
        Rule(
            "fee_provision",
            "taker fee to leave the open size; option fee at most 12.5 % of its price",
            f"{_DOCS}; fee pages",
            Fidelity.INFERRED,
        ),
        Rule(
            "order_margin",
            "the larger open size of each market, and the open loss of its orders",
            _DOCS,
            Fidelity.STATED,
        ),
        Rule("balance_side", "account value", _DOCS, Fidelity.STATED),
    ),
    readings={"reading.long_premium": ("multiplied", "plain")},
    standard="paradex-xm",
    maps_from=("paradex", "deribit"),
    unknown=(
        "use of the premium multiplier (two readings, apart at maintenance)",
        "short put cap: taken as a cap of the share of spot, at which it never binds",
        "entry fees of resting orders: only the exit of the open size is provided for",
    ),
)


@final
class ParadexXM:
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; every market must have its parameters."""
        only_usdc(instruments, self.spec.name)
        rows = [i for i in instruments.items if i.kind != Kind.ASSET]
        name = {Kind.PERPETUAL: "perpetual.{}.imf", Kind.OPTION: "option.{}.im_long_itm"}
        wanted = [name[i.kind].format(i.underlying) for i in rows]
        require_tables(parameters, wanted, _REMEDY)
        return one_pool(instruments, parameters, CASH)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one unit of each market, and the fee to leave it."""
        part = pool.instruments
        perp, option = is_kind(part, Kind.PERPETUAL), is_kind(part, Kind.OPTION)
        notional = np.where(perp, view.mark * part.multiplier, 0.0)
        spot = view.index[part.pair]
        fee = np.minimum(
            spot * parameters.number("general.option_taker_fee"),
            view.mark * parameters.number("general.option_fee_cap"),
        )
        fee = np.where(option, fee * part.multiplier, 0.0)
        imf = [
            parameters.number(f"perpetual.{i.underlying}.imf") if i.kind == Kind.PERPETUAL else 0.0
            for i in part.items
        ]
        columns = {
            "notional": notional,
            "imf": np.array(imf),
            "fee": fee + notional * parameters.number("general.perp_taker_fee"),
        }
        for level in ("im", "mm"):
            long, short = _option_charges(part, view, parameters, level)
            columns[f"long_{level}"], columns[f"short_{level}"] = long, short
        usd = usd_of(part, view, CASH)
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        leverage = chosen_leverage(held)
        perp_im = _perpetual(priced, held.column, held.quantity, leverage)
        perp_mm = _perpetual(priced, held.column, held.quantity, np.zeros(len(leverage)))
        option_im = _option(priced, held.column, held.quantity, "im")
        option_mm = _option(priced, held.column, held.quantity, "mm")
        fee = np.abs(held.quantity) * priced.columns["fee"][held.column]
        ones = np.ones(len(priced.pool.instruments))
        equity = equity_of(priced, held, ones, settled=False)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("perp_im", per_row(held.row, perp_im), "perp_charge")
        sheet.leaf("option_im", per_row(held.row, option_im), "option_charge")
        sheet.leaf("perp_im_at_most_leverage", per_row(held.row, perp_mm), "perp_charge")
        sheet.scale("perp_mm", "perp_im_at_most_leverage", parameters.number("general.mmf_factor"))
        sheet.leaf("option_mm", per_row(held.row, option_mm), "option_charge")
        sheet.leaf("fee_provision", per_row(held.row, fee), "fee_provision")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        base = sheet["perp_im"] + sheet["option_im"] + sheet["fee_provision"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "perp_im", "option_im", "fee_provision", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.sum("mm", "perp_mm", "option_mm", "fee_provision")
        return unscenarioed(sheet, held, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Each market at its larger open size, and every open loss."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None

        def charge(owner: Ints, column: Ints, quantity: Floats) -> Floats:
            leverage = chosen_leverage(held, owner)
            fee = np.abs(quantity) * priced.columns["fee"][column]
            perp = _perpetual(priced, column, quantity, leverage)
            return perp + _option(priced, column, quantity, "im") + fee

        own = np.repeat(np.arange(len(held.row) - 1), np.diff(held.row)).astype(np.int32)
        base = per_row(held.row, charge(own, held.column, held.quantity))
        return open_size_need(base, held, fills, charge)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: market by market."""
        return None


def _perpetual(priced: Priced, column: Ints, quantity: Floats, leverage: Floats) -> Floats:
    """[N] initial charge of perpetuals; the holder's leverage may only raise the share."""
    imf = priced.columns["imf"][column]
    own = np.where(leverage > 0.0, 1.0 / np.where(leverage > 0.0, leverage, 1.0), 0.0)
    return np.abs(quantity) * priced.columns["notional"][column] * np.maximum(imf, own)


def _option(priced: Priced, column: Ints, quantity: Floats, level: str) -> Floats:
    """[N] charge of options, long and short each at its own."""
    long, short = priced.columns[f"long_{level}"], priced.columns[f"short_{level}"]
    return np.asarray(
        np.maximum(quantity, 0.0) * long[column] + np.maximum(-quantity, 0.0) * short[column]
    )


def _option_charges(
    part: Instruments, view: View, parameters: Parameters, level: str
) -> tuple[Floats, Floats]:
    """[I] charge of one long and of one short option at a level."""
    spot, option = view.index[part.pair], is_kind(part, Kind.OPTION)

    def share(name: str) -> Floats:
        return of_underlying(part, parameters, "option", f"{level}_{name}")

    plain = parameters.get("reading.long_premium") == "plain"
    multiple = np.ones(len(part)) if plain else share("premium_multiplier")
    long = np.minimum(multiple * view.mark, share("long_itm") * spot)
    out = np.where(part.right > 0, part.strike - spot, spot - part.strike)
    short = np.maximum(share("short_itm") * spot - np.maximum(out, 0.0), share("short_otm") * spot)
    capped = np.minimum(short, share("short_put_cap") * spot)
    short = np.where(part.right < 0, capped, short)
    scale = np.where(option, part.multiplier, 0.0)
    return long * scale, short * scale
