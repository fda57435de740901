"""Value at risk without scenarios: Greeks of the account against normal moves.

Factors are the relative move x of each coin's price and the log move y of its thirty-day
volatility. With F the forward, s the volatility, k its scale by maturity and u dollars a unit:

    delta  u F Delta, u s k Vega
    gamma  u F^2 Gamma, u F s k Vanna, u (s k)^2 Volga + u s k^2 Vega
    theta  funding, and what the option loses by the horizon's end where nothing moves

What is linear in a coin has its dollars as delta and no gamma. The covariance is that of daily
moves times the horizon. Orders: see `var_quadratic.additive`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.var_account import (
    Facts,
    exit_warning,
    figures_notes,
    probe,
    refuse_first,
    refuse_unknown_derivatives,
    refused_coins,
    var_answer,
)
from crossmargin.margin.families.var_draws import correlation_matrix, factor_names
from crossmargin.margin.families.var_exit import days_to_exit, exit_columns, exit_factor
from crossmargin.margin.families.var_measures import Estimate
from crossmargin.margin.families.var_moves import known_coins
from crossmargin.margin.families.var_parametric_details import quadratic_details
from crossmargin.margin.families.var_quadratic import Level, Quadratic, additive, figure, shape_of
from crossmargin.margin.families.var_quadratic import valid as expansion_rises
from crossmargin.margin.families.var_table import (
    funding,
    linear_rows,
    option_units,
    option_values,
    passed_years,
    premium_usd,
    values_now,
    vol_scale,
)
from crossmargin.margin.families.whole_account import (
    DollarMarket,
    dollar_market,
    fills_in_dollars,
    plan_account,
    priced_account,
)
from crossmargin.margin.model import (
    Detail,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.sums import row_sums
from crossmargin.statistics.covariance import psd_checked

__all__ = ["ParametricMember", "covariance_of", "expansion_columns", "quadratic"]


def covariance_of(parameters: Parameters) -> Floats:
    """[F, F] of the factors over the horizon; singular ones pass.

    Errors: ``matrix_not_psd`` with the smallest eigenvalue of the correlations.
    """
    correlation = psd_checked(correlation_matrix(parameters), "correlation")
    daily = np.array(
        [
            parameters.number(f"coin.{name.replace('_', '.', 1)}_daily")
            for name in factor_names(parameters)
        ]
    )
    days = parameters.number("horizon.days")
    return np.asarray(correlation * daily[:, None] * daily[None, :] * days)


def expansion_columns(market: DollarMarket, parameters: Parameters) -> Floats:
    """[I, 5 N + 1] of one unit: price, vol, their three second derivatives by coin, then theta."""
    part, view = market.part, market.view
    coins = known_coins(parameters)
    place = {name: k for k, name in enumerate(coins)}
    options = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok).astype(np.int32)
    _, unit = linear_rows(market, place, 0)
    theta = funding(market, unit, parameters)
    out = np.zeros((len(part), 5 * len(coins) + 1))
    coin = np.array([place.get(item.underlying, -1) for item in part.items], np.int32)
    straight = np.flatnonzero((coin >= 0) & (unit != 0.0))
    out[straight, 5 * coin[straight]] = unit[straight]
    options = options[coin[options] >= 0]
    if len(options):
        expiry = part.expiry[options]
        forward, vol = market.forward[expiry], view.vol[options]
        right = part.right[options].astype(np.float64)
        own = greeks(forward, part.strike[options], market.years[expiry], vol, right)
        scale = vol_scale(parameters, market.years)[expiry]
        worth = option_units(market, options)
        reach, at = vol * scale, 5 * coin[options]
        out[options, at] = worth * forward * own.delta
        out[options, at + 1] = worth * reach * own.vega
        out[options, at + 2] = worth * forward * forward * own.gamma
        out[options, at + 3] = worth * forward * reach * own.vanna
        out[options, at + 4] = worth * (reach * reach * own.volga + reach * scale * own.vega)
        theta[options] = worth * _decay(market, options, passed_years(parameters))
    out[:, -1] = theta
    return frozen(out, np.float64)


def _decay(market: DollarMarket, options: np.ndarray, passed: float) -> Floats:
    """[O] what one option gains by the end of the horizon where nothing moves."""
    root = np.sqrt(np.maximum(market.years - passed, 0.0))
    out = np.empty((len(options), 8))
    wide = np.ones((1, 8))
    option_values(market, options, market.forward[:, None] * wide, root[:, None] * wide, out)
    return np.asarray(out[:, 0] - values_now(market, options))


def quadratic(sums: Floats) -> Quadratic:
    """The form of [A, 5 N + 1] sums: block by block of coins."""
    coins = (sums.shape[1] - 1) // 5
    delta = np.zeros((len(sums), 2 * coins))
    gamma = np.zeros((len(sums), 2 * coins, 2 * coins))
    for k in range(coins):
        own = sums[:, 5 * k : 5 * k + 5]
        delta[:, 2 * k : 2 * k + 2] = own[:, :2]
        gamma[:, 2 * k, 2 * k] = own[:, 2]
        gamma[:, 2 * k, 2 * k + 1] = gamma[:, 2 * k + 1, 2 * k] = own[:, 3]
        gamma[:, 2 * k + 1, 2 * k + 1] = own[:, 4]
    return Quadratic(np.ascontiguousarray(sums[:, -1]), delta, gamma)


@dataclass(frozen=True, slots=True)
class ParametricMember:
    """A model that margins a normal approximation of the whole account."""

    spec: ModelSpec
    shortfall: bool

    def __call__(self) -> ParametricMember:
        """The member as a model, for the register."""
        return self

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool of the whole account; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        how = parameters.get("form.approximation")
        bounded = how == "cornish-fisher"
        rest = "; outside its domain, the sum of the parts' shortfalls" if bounded else ""
        notes = (
            f"Moves of prices and thirty-day volatilities are normal; the figure is {how}{rest}.",
            *figures_notes(parameters, shortfall=self.shortfall),
        )
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Greeks of one unit and the covariance. Errors: ``matrix_not_psd``."""
        market = dollar_market(pool, view)
        known = known_coins(parameters)
        facts: dict[str, object] = {
            "market": market,
            "coins": Facts(known, known, known),
            "columns": expansion_columns(market, parameters),
            "covariance": covariance_of(parameters),
            "exit": exit_columns(market, parameters),
        }
        return priced_account(market, pool, None, probe(market), {}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block; the first account that is refused raises."""
        refuse_first(self.refusals(priced, held))
        book = with_equity_rows(priced, held)
        form = quadratic(_sums(priced, book))
        figures = Estimate(
            np.maximum(self._figure(priced, form, parameters, shortfall=False), 0.0),
            np.maximum(self._figure(priced, form, parameters, shortfall=True), 0.0),
            np.zeros(0),
            np.zeros(0),
        )
        factor = exit_factor(days_to_exit(priced.facts["exit"], book), parameters)
        need = self.order_need(priced, held, parameters)
        return var_answer(
            priced, held, parameters, figures, factor, need, shortfall=self.shortfall, errors=False
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """An upper bound over all subsets of fills, from a figure that is subadditive.

        ``k max(0, R(book)) + sum over orders of max(0, k R(order) - gain)``, k the IM factor times
        the exit factor of the largest book that fills can make; at least what losing fills cost.
        """
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        book = with_equity_rows(priced, held)
        owner = row_of_position(fills.row)
        accounts = len(held.row) - 1
        market: DollarMarket = priced.facts["market"]
        days = days_to_exit(priced.facts["exit"], book, fills, market)
        most = exit_factor(days, parameters) * parameters.number("level.im_factor")
        form = quadratic(_sums(priced, book))
        sums = fills.size[:, None] * priced.facts["columns"][fills.column]
        coins = known_coins(parameters)
        paid, booked = premium_usd(fills, market), sums.copy()
        for m in np.flatnonzero(paid != 0.0).tolist():  # a premium in coin moves with the coin
            coin = market.part.items[int(fills.column[m])].underlying
            booked[m, 5 * coins.index(coin)] += paid[m]
        alone, with_coin = quadratic(sums), quadratic(booked)
        curved = (form.gamma != 0.0).any(axis=(1, 2))
        curved[owner[(alone.gamma != 0.0).any(axis=(1, 2))]] = True
        level, how = self._level(parameters, shortfall=self.shortfall), self._how(parameters)
        covariance = priced.facts["covariance"]
        base = additive(form, covariance, level, how, ~curved)
        each = np.maximum(  # whether a premium is booked to the coin held is not known
            additive(alone, covariance, level, how, ~curved[owner]),
            additive(with_coin, covariance, level, how, ~curved[owner]),
        )
        extra = np.maximum(most[owner] * each - fills.gain, 0.0)
        need = most * np.maximum(base, 0.0) + by_row(owner, extra, accounts)
        costs = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
        none = np.full(accounts, -1, np.int32)
        return OrderNeed(np.maximum(need, costs), fills, np.asarray(extra > 0.0), none)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """None: there are no scenarios."""
        del priced, held
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with coins that have no numbers."""
        return refused_coins(priced, held, priced.facts["coins"])

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Greeks, every approximation side by side, and what each position adds."""
        book = with_equity_rows(priced, held)
        columns: Floats = priced.facts["columns"]
        parts = quadratic(book.quantity[:, None] * columns[book.column])
        return quadratic_details(
            priced,
            book,
            quadratic(_sums(priced, book)),
            parts,
            (
                self._level(parameters, shortfall=False),
                self._level(parameters, shortfall=True),
            ),
            parameters,
        )

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """An expansion outside its domain, and a book that cannot be left in time."""
        said: tuple[str, ...] = ()
        if self._how(parameters) == "cornish-fisher":
            form = quadratic(_sums(priced, with_equity_rows(priced, held)))
            shape = shape_of(form, priced.facts["covariance"])
            if not expansion_rises(shape).all():
                said = (
                    "Skewness and kurtosis of the account lie outside the domain of the Cornish-"
                    "Fisher expansion: the sum of the parts' shortfalls is charged, which is more "
                    "than the figure.",
                )
        return said + exit_warning(priced, held, parameters)

    def _figure(
        self, priced: Priced, form: Quadratic, parameters: Parameters, *, shortfall: bool
    ) -> Floats:
        level = self._level(parameters, shortfall=shortfall)
        return figure(form, priced.facts["covariance"], level, self._how(parameters))

    def _level(self, parameters: Parameters, *, shortfall: bool) -> Level:
        name = "level.es" if shortfall else "level.var"
        return Level.of(parameters.number(name), shortfall=shortfall)

    def _how(self, parameters: Parameters) -> str:
        return str(parameters.get("form.approximation"))


def _sums(priced: Priced, book: PoolBook) -> Floats:
    """[A, 5 N + 1] Greeks of the accounts."""
    columns = priced.facts["columns"]
    return row_sums(book.row, book.column, book.quantity, columns, trusted=True).net
