"""``sa-ccr``: the exposure at default of the account to whoever stands against it (Basel CRE52).

This is not a margin rule: it is what a bank that faces the account would count as its exposure
before any collateral. It is shown as a requirement that collateral has to cover: the balance side
is the collateral alone (cash and coins). The value of the derivatives stands inside the exposure,
as replacement cost where the account owes and as easing of the add-on where it is owed, so it is
not counted twice. Initial and maintenance requirement are the same number.

    EAD = 1.4 (RC + multiplier x factor x sum over coins of |sum of q x coins x index x delta x MF|)

Coins: group 2a of Basel's SCO60 as recalled (a class of its own, one hedging set a coin, factor
32 %, option volatility 120 %), or group 2b (half the gross notional, nothing nets).
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of
from crossmargin.margin.families.exposure_at_default import multiplier, unmargined_factor
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    DollarMarket,
    dollar_market,
    equity_columns,
    fills_in_dollars,
    plan_account,
    priced_account,
)
from crossmargin.margin.fills import dense, growth, order_margin, reach
from crossmargin.margin.model import (
    Detail,
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
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.sums import sums

__all__ = ["SaCcr"]

_BASEL = "Basel Framework, CRE52"
_COINS = "Basel Framework, SCO60 (treatment of coins as recalled, not checked against its text)"

SPEC = ModelSpec(
    name="sa-ccr",
    title="SA-CCR exposure at default (a bank's exposure to the account, not a margin rule)",
    family="sa-ccr",
    venue="",
    version="CRE52",
    folder="sa-ccr",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="collateral alone, cash and coins at their price; the value of derivatives is "
    "part of the exposure, which is EAD before collateral",
    rules=(
        Rule(
            "replacement_cost",
            "what the account owes on its derivatives, net; no collateral is taken off",
            _BASEL,
            Fidelity.EXACT,
        ),
        Rule(
            "add_on",
            "supervisory factor x |net delta notional| of each coin, added (group 2a), or a share "
            "of the gross notional (group 2b)",
            _COINS,
            Fidelity.INFERRED,
            ("reading.group",),
        ),
        Rule(
            "multiplier",
            "what the account is owed eases the add-on, down to 5 % of it (group 2a)",
            _BASEL,
            Fidelity.STATED,
        ),
        Rule(
            "order_margin",
            "the largest exposure that fills can make, and their cost; an upper bound",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "collateral at its price", "this project's", Fidelity.STATED),
    ),
    one_balance=True,
    readings={"reading.group": ("2a", "2b")},
    standard="fixed-rate",
    maps_from=ALL_OF,
)


@final
class SaCcr:
    """One dollar pool; see the module."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The pool: one netting set an account."""
        notes = (
            "the requirement is an exposure at default before collateral, not a venue's margin",
            "the value of derivatives is inside the exposure; the balance side is collateral alone",
        )
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Effective and gross notional of one unit of each row, and the hedging sets."""
        market = dollar_market(pool, view)
        derivative = is_kind(pool.instruments, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
        gross = np.where(derivative, market.coins * market.index_usd, 0.0)
        columns = {
            "effective": gross * _delta(market, parameters) * _maturity(market, parameters),
            "gross": gross,
        }
        names = sorted({item.underlying for item in pool.instruments.items})
        code = [names.index(item.underlying) for item in pool.instruments.items]
        facts = {"sets": np.array(code, np.int32), "names": tuple(names)}
        return priced_account(market, pool, None, None, columns, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        accounts = len(held.row) - 1
        sheet = SheetBuilder(accounts)
        equity = equity_columns(sheet, priced, held)
        owed = -(equity.option_value + equity.unrealised)
        add_on = _add_on(parameters, _net(priced, held), _gross(priced, held))
        sheet.leaf("replacement_cost", np.maximum(owed, 0.0), "replacement_cost")
        sheet.leaf("add_on", add_on, "add_on")
        sheet.leaf("multiplier", _eased(owed, add_on, parameters), "multiplier")
        sheet.product("pfe", "multiplier", "add_on")
        sheet.sum("exposure", "replacement_cost", "pfe")
        sheet.scale("ead", "exposure", parameters.number("exposure.alpha"))
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["ead"]), "order_margin")
        sheet.sum("counted_im", "cash")
        sheet.sum("im", "ead", "order_margin")
        sheet.sum("counted_mm", "cash")
        sheet.sum("mm", "ead")
        none = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(accounts), equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Exposure after the worst fills and their cost in collateral, an upper bound.

        The exposure falls neither in what is owed nor in the size of a hedging set, so each is
        taken at the most that fills can make it.
        """
        fills = fills_in_dollars(priced, held, value_counts=False)
        if fills is None:
            return None
        accounts = len(held.row) - 1
        owner = row_of_position(fills.row)
        option = is_kind(priced.pool.instruments, Kind.OPTION)[fills.column]
        unit = (priced.option_value * priced.facts["settle_usd"])[fills.column]
        worth = np.where(option, fills.size * unit, np.minimum(fills.gain, 0.0))
        owed = _owed(priced, held) + by_row(owner, np.maximum(-worth, 0.0), accounts)
        _, high, low = reach(held, fills, priced.facts["sets"], priced.columns["effective"])
        most = np.maximum(np.abs(high), np.abs(low))
        more = growth(held, fills)
        gross = _gross(priced, held)
        gross = gross + by_row(
            more.account, priced.columns["gross"][more.column] * more.size, accounts
        )
        add_on = _add_on(parameters, most, gross)
        pfe = _eased(owed, add_on, parameters) * add_on
        ead = parameters.number("exposure.alpha") * (np.maximum(owed, 0.0) + pfe)
        need = ead + by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
        whole: Bools = np.ones(len(fills), np.bool_)
        return OrderNeed(need, fills, whole, np.full(accounts, -1, np.int32))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: supervisory factors."""
        return None

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The hedging sets of an account."""
        net = _net(priced, held)[0]
        gross = np.zeros(len(priced.facts["names"]))
        np.add.at(
            gross,
            priced.facts["sets"][held.column],
            np.abs(held.quantity) * priced.columns["gross"][held.column],
        )
        factor = parameters.number("sector.crypto.factor")
        rows = tuple(
            (name, float(gross[k]), float(net[k]), factor, factor * abs(float(net[k])))
            for k, name in enumerate(priced.facts["names"])
            if gross[k] > 0.0
        )
        columns = (
            ("hedging_set", "Hedging set", "name"),
            ("gross_usd", "Gross notional", "amount"),
            ("effective_usd", "Effective notional", "amount"),
            ("factor", "Supervisory factor", "fraction"),
            ("add_on_usd", "Add-on (group 2a)", "amount"),
        )
        return (Detail("hedging_sets", "Hedging sets", columns, rows),)


def _delta(market: DollarMarket, parameters: Parameters) -> Floats:
    """[I] supervisory delta of a bought unit: 1 of what is linear, N(d) of an option."""
    part = market.part
    out = np.ones(len(part))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION))
    if len(rows):
        vol = np.full(len(rows), parameters.number("sector.crypto.option_vol"))
        right = part.right[rows].astype(np.float64)
        expiry = part.expiry[rows]
        forward, years = market.forward[expiry], market.years[expiry]
        out[rows] = greeks(forward, part.strike[rows], years, vol, right).delta
    return out


def _maturity(market: DollarMarket, parameters: Parameters) -> Floats:
    """[I] maturity factor of an unmargined netting set; a perpetual has a maturity of its own."""
    endless = parameters.number("exposure.perpetual_years")
    years = np.where(market.part.expiry >= 0, market.life_years, endless)
    return np.array([unmargined_factor(max(each, 0.0)) for each in years.tolist()])


def _net(priced: Priced, held: PoolBook) -> Floats:
    """[A, G] net effective notional of each hedging set."""
    table = priced.columns["effective"][:, None]
    found = sums(held.row, held.column, held.quantity, priced.facts["sets"], table, trusted=True)
    groups = len(priced.facts["names"])
    return dense(found.row, found.run, found.net[:, 0], len(held.row) - 1, groups)


def _gross(priced: Priced, held: PoolBook) -> Floats:
    """[A] gross notional."""
    return per_row(held.row, priced.columns["gross"][held.column] * np.abs(held.quantity))


def _add_on(parameters: Parameters, net: Floats, gross: Floats) -> Floats:
    """[A] of the sizes of the hedging sets (group 2a) or of the gross notional (group 2b)."""
    if parameters.get("reading.group") == "2b":
        return np.asarray(parameters.number("exposure.gross_share") * gross)
    total = np.zeros(len(net))
    for column in net.T:
        total = total + np.abs(column)
    return parameters.number("sector.crypto.factor") * total


def _eased(owed: Floats, add_on: Floats, parameters: Parameters) -> Floats:
    """[A] the multiplier; 1 in group 2b, where nothing eases."""
    if parameters.get("reading.group") == "2b":
        return np.ones(len(add_on))
    return multiplier(owed, add_on, parameters.number("exposure.floor"))


def _owed(priced: Priced, held: PoolBook) -> Floats:
    """[A] what the account owes on its derivatives, net; negative where it is owed."""
    equity = equity_of(priced, held, priced.facts["settle_usd"])
    return -(equity.option_value + equity.unrealised)
