"""Writes the table and the plot of docs/optimise.md: a book of a hundred legs in a crash.

    python scripts/optimise_evidence.py FOLDER [--check]

FOLDER holds ``deribit_options_snapshot_20260205T212937Z.csv.gz``, ``perpetual_futures_prices.csv``
and ``term_futures_marks.csv.gz``: the chain at the low of 2026-02-05. The book is drawn with a
stated seed from the options that had both quotes and open interest. With ``--check`` nothing is
written: the exit status is 1 where a committed file is not what the script makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import crossmargin as xm
from crossmargin.core.clock import DAY_MS, parse_ms
from crossmargin.decisions.margin_choice import Desired, Tolerances
from crossmargin.decisions.margin_outlook import after_of
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.account_plots import under
from crossmargin.interfaces.charts import Curve, bars_svg, curves_svg
from crossmargin.interfaces.plots import standalone
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market

ROOT = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOT = "optimise.md", "optimise.svg"
BEGIN, END = "<!-- evidence: scripts/optimise_evidence.py -->", "<!-- end of evidence -->"
MODELS = ("deribit-xpm", "derive-pm2", "okx-pm")
BANDS = {
    "narrow": Tolerances(delta=0.02, gamma=None, vega=0.05, worse=0.02),
    "wide": Tolerances(delta=0.05, gamma=None, vega=0.20, worse=0.05),
    "wide, 50 % a year": Tolerances(delta=0.05, gamma=None, vega=0.20, worse=0.05),
}
FUNDING = {"wide, 50 % a year": 0.50}  # of the others 8 %
WIDTH = 900.0


def chain(folder: Path) -> Snapshot:
    """The market at the low."""
    names = ("deribit_options_snapshot_20260205T212937Z.csv.gz", "perpetual_futures_prices.csv")
    places = [folder / name for name in (*names, "term_futures_marks.csv.gz")]
    return import_market(places, at_ms=parse_ms("2026-02-05T21:29:37Z"))


def book(market: Snapshot) -> list[dict[str, object]]:
    """A hundred legs, more sold than bought, and 150 coins."""
    bid, ask = market.values("bid"), market.values("ask")
    interest = market.values("open_interest")
    names = []
    for subject in sorted(market.values("mark")):
        item = parse(*split_contract(subject))
        if item.kind != Kind.OPTION or item.underlying != "BTC":
            continue
        quoted = bid.get(subject, 0.0) > 0.0 and ask.get(subject, 0.0) > 0.0
        lives = item.expiry_ms > market.as_of_ms + DAY_MS
        if quoted and lives and interest.get(subject, 0.0) > 20.0:
            names.append(item.native_id)
    rng = np.random.default_rng(100)
    chosen = sorted(rng.choice(names, 98, replace=False).tolist())
    size = np.round(rng.uniform(0.5, 8.0, 98), 1) * np.where(rng.random(98) < 0.6, -1.0, 1.0)
    held = dict(zip(chosen, size.tolist(), strict=True))
    held |= {"BTC-PERPETUAL": -250_000.0, "BTC-27MAR26": 150_000.0, "BTC": 150.0}
    return [
        {"account": "desk", "venue": "deribit", "instrument": name, "quantity": quantity}
        for name, quantity in held.items()
    ]


def measured(folder: Path) -> dict[tuple[str, str], xm.OptimiseResult]:
    """Every model with every width of the bands."""
    market = chain(folder)
    rows = book(market)
    return {
        (model, band): xm.optimise(
            rows,
            market,
            model,
            tolerances=tolerances,
            desired=Desired(least_days=30.0),
            funding=FUNDING.get(band, 0.08),
            fee=0.0003,
        )
        for model in MODELS
        for band, tolerances in BANDS.items()
    }


def table(found: dict[tuple[str, str], xm.OptimiseResult]) -> str:
    """One row a model and width of the bands."""
    head = "| model | bands | IM before | saved | cost | saved per USD of cost | paid back in "
    head += "| trades | saved a day later | delta moved | vega moved | P&L worse by up to |"
    rule = "|---|---|" + "---:|" * 10
    lines = [head, rule]
    for (model, band), result in found.items():
        figures = result.figures
        later = figures["outlooks"][0]["saved_usd"]
        delta, _, vega = figures["greeks"]
        worst = min(each["largest_loss_added_usd"] for each in figures["dense_grid"])
        cells = (
            f"`{model}`",
            band,
            f"{figures['before']['im_usd']:,.0f}",
            f"{figures['saved_usd']:,.0f}",
            f"{figures['cost_usd']:,.0f}",
            f"{figures['saved_per_cost']:,.0f}" if figures["saved_per_cost"] else "",
            f"{figures['pay_back_days']:.1f} d" if figures["pay_back_days"] is not None else "",
            f"{len(figures['trades'])}",
            f"{later:,.0f}",
            f"{delta['after'] - delta['before']:+.2f} BTC",
            f"{vega['after'] - vega['before']:+,.0f}",
            f"{-worst:,.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(found: dict[tuple[str, str], xm.OptimiseResult]) -> str:
    """Margin before and after by model, and the P&L of the book under one of them."""
    groups = []
    for model in MODELS:
        first = found[model, "narrow"].figures["before"]["im_usd"]
        after = [found[model, band].figures["after"]["im_usd"] for band in BANDS]
        groups.append((model, [first, *after]))
    names = ["as it stands", "narrow bands", "wide bands", "wide bands, 50 % a year"]
    charts = [bars_svg("Initial margin", groups, names, WIDTH)]
    result = found["derive-pm2", "wide"]
    grid = result.bench.grid
    same = [k for k, label in enumerate(grid.labels) if label.endswith("vol same")]
    x = [100.0 * float(grid.move[k]) for k in same]
    curves = []
    for name, quantity in (
        ("as it stands", result.bench.quantity),
        ("derive-pm2, wide bands", after_of(result.bench, result.priced.sizes)),
    ):
        pnl = grid.of(quantity)[0]
        curves.append(Curve(name, x, [float(pnl[k]) for k in same]))
    marks = [(float(at), f"{at:+.0f} %") for at in range(-30, 31, 10)]
    title = "P&L of the book by the move of the index"
    drawn = curves_svg(title, curves, WIDTH, unit="USD", x_title="move", x_ticks=marks)
    return standalone(under([*charts, drawn], WIDTH, "margin and P&L, before and after")) + "\n"


def main(arguments: list[str]) -> int:
    """The command."""
    folder, check = Path(arguments[0]), "--check" in arguments[1:]
    found = measured(folder)
    text = (ROOT / PAGE).read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page = f"{head}{BEGIN}\n{table(found)}\n{END}{tail}"
    drawn = plot(found)
    if check:
        same = text == page and (ROOT / PLOT).read_text("utf-8") == drawn
        return 0 if same else 1
    (ROOT / PAGE).write_text(page, "utf-8")
    (ROOT / PLOT).write_text(drawn, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
