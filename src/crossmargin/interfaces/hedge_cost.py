"""The verb hedge-cost: what delta hedging an option book costs, and where it breaks even."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number
from crossmargin.decisions.hedge_bands import whalley_wilmott, zakamouline
from crossmargin.decisions.hedge_formula import (
    Pacing,
    break_even,
    expected_cost,
    leland_of,
)
from crossmargin.decisions.hedge_run import (
    PHASES,
    Hedged,
    hedge,
    past_paths,
    simulated_paths,
    width_of,
)
from crossmargin.decisions.option_book import OptionBook
from crossmargin.instruments.book import Book
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.exit import BooksLike, levels_of
from crossmargin.interfaces.hedge_market import (
    HedgeMarket,
    hedge_market,
    option_book,
    underlying_of,
)
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.market.depth import delta_to_liquidity
from crossmargin.market.history import History
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["HedgeCostResult", "hedge_cost"]

# Steps x paths beyond which the finer simulation beside the asked one is left out.
_CELLS = 12_000_000


@dataclass(frozen=True, slots=True, repr=False)
class HedgeCostResult(Shown):
    """Cost of hedging by formula, simulation and replay, dollars over the horizon."""

    figures: Mapping[str, Any]
    receipt: Receipt
    book: OptionBook
    market: HedgeMarket

    @property
    def cost_usd(self) -> float:
        """Expected cost of re-hedging by the formula."""
        return float(self.figures["formula"]["cost_usd"])

    @property
    def break_even_vol(self) -> float | None:
        """Realised volatility at which hedging earns its cost; None where none does."""
        found = self.figures["break_even"]["realised_vol_fraction"]
        return None if found is None else float(found)

    def document(self) -> Document:
        """What is shown."""
        from crossmargin.interfaces.hedge_cost_layouts import hedge_cost_document

        return hedge_cost_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """Cost and error against the time between hedges as FILE.html, FILE.svg or FILE.png."""
        from crossmargin.interfaces.hedge_cost_plot import pace_svg
        from crossmargin.interfaces.plots import write_plot

        return write_plot(
            path, lambda width: pace_svg(self, width), self.document, "Cost and error by pace"
        )


def hedge_cost(
    book: BookLike,
    market: MarketLike,
    *,
    underlying: str | None = None,
    every_hours: float = 24.0,
    days: float | None = None,
    cost_bp: float | None = None,
    fee: float | None = None,
    gas_usd: float = 0.0,
    vol: float | None = None,
    aversion: float = 1e-6,
    paths: int = 4000,
    seed: int = 0,
    books: BooksLike | None = None,
    within_bp: float = 10.0,
    as_of: str | int | None = None,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> HedgeCostResult:
    """What hedging the options of one underlying costs at a pace, over a horizon.

    ``every_hours`` between two hedges; ``days`` the horizon (default: to the last expiry, at most
    30). ``cost_bp`` one way in basis points (default: fee, half spread and impact of the venue's
    perpetual), ``gas_usd`` a trade. ``vol``: the realised volatility that is simulated (default:
    the book's own, weighed by vega). ``aversion``: absolute, 1/dollars, of the band. ``paths`` and
    ``seed`` of the simulation. ``books``: order books, as for ``exit``; depth of the hedge is what
    lies ``within_bp`` of the mark. Costs are positive dollars; gains positive. Raises
    CrossMarginError.
    """
    asked = {k: v for k, v in locals().items() if k not in ("book", "market")}
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = only_account(held if account is None else one_account(held, account), "hedging")
    snapshot = snapshot_of(market)
    view = snapshot.view(held.instruments, moment_of(as_of, "--as-of"))
    name = underlying_of(held, underlying)
    mine = option_book(held, view, name)
    found = hedge_market(
        held, view, snapshot, name, cost_bp=cost_bp, fee=fee, gas_usd=gas_usd,
        books=levels_of(books, venue), within_bp=within_bp,
    )  # fmt: skip
    pacing = _pacing(mine, every_hours, days)
    own = _vega_vol(mine)
    realised = own if vol is None else number("--vol", vol, 0.0, 10.0, above=True)
    number("--aversion", aversion, 0.0, above=True)
    figures: dict[str, Any] = {
        "verb": "hedge-cost",
        "account": held.account[0],
        "as_of": format_ms(view.as_of_ms),
        "underlying": name,
        "hours_between_hedges": every_hours,
        "horizon_days": pacing.years * 365.0,
        "intervals": pacing.intervals,
        "book": _book_figures(mine, own),
        "hedge": _market_figures(found, mine),
        **_costs(mine, found, pacing, realised, (paths, seed, aversion)),
        "replay": _replay(mine, found, pacing, view.history.get(name)),
        "band": _bands(mine, found, realised, aversion),
        "notes": _notes(mine, view, found),
    }
    receipt = _receipt(held, snapshot, figures["as_of"], _command(book, market, asked))
    return HedgeCostResult(plain.checked(figures, "hedge-cost"), receipt, mine, found)


def _pacing(book: OptionBook, every_hours: float, days: float | None) -> Pacing:
    hours = number("--every", every_hours, 0.0, 8760.0, above=True)
    longest = float(book.years.max()) * 365.0
    whole = min(longest, 30.0) if days is None else number("--days", days, 0.0, 3650.0, above=True)
    count = math.floor(whole * 24.0 / hours + 1e-9)
    if count < 1:
        raise InputError(
            "number_out_of_range",
            "the horizon is shorter than the time between two hedges",
            place="--every",
            value=every_hours,
            limit=f"<= {whole * 24.0:g} hours",
            remedy="Hedge more often, or look further ahead.",
        )
    return Pacing(hours / 8760.0, count)


def _vega_vol(book: OptionBook) -> float:
    """Volatility of the book weighed by the size of each leg's vega."""
    each = np.array([abs(book.picked(slice(k, k + 1)).vega()) for k in range(len(book))])
    if float(each.sum()) == 0.0:
        return float(book.vol.mean())
    return float((each * book.vol).sum() / each.sum())


def _book_figures(book: OptionBook, vol: float) -> dict[str, float]:
    now = np.array([book.spot])
    return {
        "spot_usd": book.spot,
        "options": float(len(book)),
        "delta_usd": float(book.delta(now)[0]) * book.spot,
        "delta_coins": float(book.delta(now)[0]),
        "gamma_usd_per_percent": float(book.cash_gamma(now)[0]) / 100.0,
        "vega_usd_per_point": book.vega() / 100.0,
        "theta_usd_per_day": book.theta_day(),
        "value_usd": float(book.value(now)[0]),
        "vol_fraction": vol,
    }


def _market_figures(found: HedgeMarket, book: OptionBook) -> dict[str, Any]:
    delta = float(book.delta(np.array([book.spot]))[0]) * book.spot
    touch, within = found.liquidity.met(delta)
    return {
        "contract": found.contract,
        "source": found.source,
        "fee_bp": 1e4 * found.terms.fee,
        "half_spread_bp": 1e4 * found.terms.half_spread,
        "one_way_bp": 1e4 * found.terms.one_way,
        "funding_8h_fraction": found.terms.funding_8h,
        "touch_usd": touch,
        "depth_usd": within,
        "depth_bp": found.liquidity.bp,
        "volume_day_usd": found.volume_day_usd,
        "volume_from": found.liquidity.volume_from,
        "delta_to_touch_ratio": None if touch is None else delta_to_liquidity(delta, touch),
        "delta_to_depth_ratio": None if within is None else delta_to_liquidity(delta, within),
        "delta_to_volume_ratio": delta_to_liquidity(delta, found.volume_day_usd),
    }


def _costs(
    book: OptionBook,
    found: HedgeMarket,
    pacing: Pacing,
    vol: float,
    asked: tuple[int, int, float],
) -> dict[str, Any]:
    """Formula, simulation, pace and break-even."""
    paths, seed, aversion = asked
    law = expected_cost(book, vol, pacing, found.terms)
    run = _simulated(book, found, pacing, vol, paths, seed)
    width = width_of(book, aversion, found.terms)
    ways = simulated_paths(book.spot, vol, pacing, paths, seed)
    banded = hedge(book, ways, pacing, found.terms, width=width, pairs=True)
    adjusted = leland_of(vol, pacing, found.terms)
    at = break_even(book, pacing, found.terms, vol)
    return {
        "formula": {
            "vol_fraction": vol,
            "cost_usd": law.cost_usd,
            "cost_usd_per_day": law.cost_usd / (pacing.years * 365.0),
            "components": dict(law.components),
            "error_sd_usd": law.error_sd_usd,
            "gain_usd": law.gain_usd,
            "net_usd": law.gain_usd - law.cost_usd,
            "vol_points": law.cost_usd / (abs(book.vega()) / 100.0) if book.vega() else None,
            "leland_ratio": adjusted.ratio,
            "leland_vol_short_fraction": adjusted.vol_short,
            "leland_vol_long_fraction": adjusted.vol_long,
        },
        "simulation": {"paths": paths, "seed": seed, **_run_figures(run, law.cost_usd)},
        "banded": {"aversion": aversion, **_run_figures(banded, None)},
        "pace": _pace(book, found, pacing, vol, paths, seed),
        "break_even": {
            "realised_vol_fraction": at,
            "own_vol_fraction": _vega_vol(book),
            "margin_vol_points": None if at is None else 100.0 * (at - vol),
        },
    }


def _simulated(
    book: OptionBook, found: HedgeMarket, pacing: Pacing, vol: float, paths: int, seed: int
) -> Hedged:
    ways = simulated_paths(book.spot, vol, pacing, paths, seed)
    return hedge(book, ways, pacing, found.terms, pairs=True)


def _run_figures(run: Hedged, law_usd: float | None) -> dict[str, Any]:
    cost, net = run.mean(run.phase("re-hedging")), run.mean(run.net_usd)
    components: dict[str, float] = {}
    for (phase, name), values in run.cost.items():
        if phase == "re-hedging":
            components[name] = float(values.mean())
    return {
        "cost_usd": cost.mean,
        "cost_error_usd": cost.error,
        "components": components,
        "over_formula": None if not law_usd else cost.mean / law_usd,
        **{f"{phase.replace(' ', '_').replace('-', '_')}_usd": float(run.phase(phase).mean())
           for phase in PHASES},
        "carry_usd": float(run.carry_usd.mean()),
        "gain_usd": run.mean(run.gain_usd).mean,
        "gain_sd_usd": run.mean(run.gain_usd).sd,
        "net_usd": net.mean,
        "net_error_usd": net.error,
        "net_sd_usd": net.sd,
        "net_worst_5_percent_usd": float(np.quantile(run.net_usd, 0.05)),
        "traded_usd": float(run.traded_usd.mean()),
        "trades": float(run.trades.mean()),
    }  # fmt: skip


def _pace(
    book: OptionBook, found: HedgeMarket, pacing: Pacing, vol: float, paths: int, seed: int
) -> list[dict[str, Any]]:
    """The law at four times, once and a quarter of the step, each simulated where it fits."""
    out = []
    for factor in (4.0, 1.0, 0.25):
        count = math.floor(pacing.intervals / factor + 1e-9)
        if count < 1:
            continue
        each = Pacing(pacing.dt_years * factor, count)
        law = expected_cost(book, vol, each, found.terms)
        mean = None
        if count * paths * max(len(book), 1) <= _CELLS:
            run = _simulated(book, found, each, vol, paths, seed)
            mean = run.mean(run.phase("re-hedging")).mean
        out.append(
            {
                "hours": each.dt_years * 8760.0,
                "intervals": count,
                "cost_usd": law.cost_usd,
                "simulated_usd": mean,
                "error_sd_usd": law.error_sd_usd,
            }
        )
    return out


def _replay(
    book: OptionBook, found: HedgeMarket, pacing: Pacing, history: History | None
) -> dict[str, Any] | None:
    """The same book begun again and again on recorded prices; None where they do not allow it."""
    if history is None or len(history) < 3:
        return None
    gap = int(np.median(np.diff(history.times_ms)))
    every = round(pacing.dt_years * 365.0 * DAY_MS / gap)
    # recorded less often than hedged: the pace of the records is the best that can be replayed
    every = max(every, 1)
    count = max(math.floor(pacing.years * 365.0 * DAY_MS / (every * gap) + 1e-9), 1)
    own = Pacing(every * gap / (365.0 * DAY_MS), count)
    if len(history) <= every * count:
        return None
    ways = past_paths(book.spot, history.price, own, every)
    run = hedge(book, ways, own, found.terms)
    realised = np.sqrt((np.diff(np.log(ways), axis=1) ** 2).sum(axis=1) / own.years)
    net: Floats = run.net_usd
    worst = int(np.argmin(net))
    return {
        "windows": len(net),
        "hours": own.dt_years * 8760.0,
        "days": own.years * 365.0,
        "from": format_ms(int(history.times_ms[0])),
        "to": format_ms(int(history.times_ms[-1])),
        "realised_vol_fraction": float(realised.mean()),
        "worst_realised_vol_fraction": float(realised[worst]),
        "losing_fraction": float((net < 0.0).mean()),
        **_run_figures(run, None),
        "net_worst_usd": float(net.min()),
        "net_best_usd": float(net.max()),
    }


def _bands(
    book: OptionBook, found: HedgeMarket, vol: float, aversion: float
) -> list[dict[str, Any]]:
    """Half-widths of delta now, by rule, in coins and dollars."""
    gamma = float(book.cash_gamma(np.array([book.spot]))[0]) / book.spot**2
    share = max(found.terms.one_way, 0.0)
    delta = float(book.delta(np.array([book.spot]))[0])
    out = [whalley_wilmott(gamma, book.spot, share, aversion, vol=vol)]
    try:
        tau = float(book.years.max())
        out.append(zakamouline(gamma, book.spot, share, aversion, vol=vol, tau_years=tau))
    except InputError:
        pass  # no volatility is left for a long book at this cost: the rule has no band
    return [
        {
            "rule": each.rule,
            "fidelity": each.fidelity,
            "half_width_coins": each.half_width,
            "half_width_usd": each.half_width * book.spot,
            "hedge_vol_fraction": each.vol,
            "delta_coins": delta,
            "hedge_coins": each.nearest(0.0, -delta),
        }
        for each in out
    ]


def _notes(book: OptionBook, view: View, found: HedgeMarket) -> list[str]:
    notes = [
        "costs are positive; gain and net are positive where the book earns",
        "dollar accounts: the premium of coin-settled options held in coin is no part of it",
        "deltas are Black-76 at each leg's own mark volatility, which stays",
    ]
    if found.source == "given":
        notes.append("the cost is the given one: no impact")
    if book.linear:
        notes.append("futures and perpetuals of the book are part of its delta and stay")
    if not view.history:
        notes.append("the market holds no history: nothing is replayed")
    return notes


def _receipt(held: Book, snapshot: Snapshot, as_of: str, command: str) -> Receipt:
    return Receipt(
        book=held.positions_sha256(),
        orders=held.orders_sha256(),
        snapshot=snapshot.sha256,
        parameters={},
        changes={},
        as_of=as_of,
        model="hedge-cost",
        command=command,
        build=manifest(),
    )


_FLAGS = {"within_bp": "--within", "every_hours": "--every", "gas_usd": "--gas", "form": "--format"}


def _command(book: BookLike, market: MarketLike, asked: Mapping[str, Any]) -> str:
    """The command that gives the same; empty where something came from no file."""
    files = [book, market] + ([] if asked["books"] is None else [asked["books"]])
    if not all(isinstance(each, str | Path) for each in files):
        return ""
    parts = ["crossmargin", "hedge-cost", str(book), "--market", str(market)]
    for name, value in asked.items():
        flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
        if value is True:
            parts.append(flag)
        elif value is not None and value is not False:
            parts += [flag, repr(value) if isinstance(value, float) else str(value)]
    return command_line(parts)
