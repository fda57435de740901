"""Writes the table and the plot of docs/allocation.md: a hundred legs over three venues' rules.

    python scripts/allocation_evidence.py CHAIN [--check]

CHAIN is the recorded Deribit chain of the crash of 5 February 2026. A hundred legs of BTC and ETH,
mostly short, lie under one portfolio rule; money lies ready under two others. The same plan is
asked at the quoted touch for two times of keeping, and at the mark; that last one is taken apart by
charge: the books that it leaves at each venue are written down anew from its trades and margined by
themselves, under the venue's own rule and under the first one's. With ``--check`` nothing is
written: the exit status is 1 where a committed file is not what the script makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import crossmargin as xm
from crossmargin.decisions.intents import Intents
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.allocate import AllocateResult
from crossmargin.interfaces.charts import bars_svg
from crossmargin.interfaces.results import MarginResult
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_import import import_market

ROOT = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOT = "allocation.md", "allocation.svg"
BEGIN, END = "<!-- evidence: scripts/allocation_evidence.py -->", "<!-- end of evidence -->"
LEGS = 100
COLLATERAL = (("BTC", 36.0), ("ETH", 450.0))
CASH_USD = 1_000_000.0
FEE = 0.0003
RATE, BUFFER = 0.08, 0.1
MODELS = ("deribit-xpm", "derive-pm2", "okx-pm")
CASES = (
    ("touch, 30 days", 30.0, False),
    ("touch, 365 days", 365.0, False),
    ("mark, 365 days", 365.0, True),
)


def book(snapshot: Snapshot) -> list[dict[str, object]]:
    """The seller's legs over the whole chain, with perpetuals and coins, from a fixed seed."""
    rng = np.random.default_rng(100)
    rows: list[dict[str, object]] = []
    for coin, size in (("BTC", 4.0), ("ETH", 60.0)):
        names = sorted(
            item.native_id
            for item in (parse(*split_contract(s)) for s in snapshot.values("mark_iv"))
            if item.underlying == coin
            and item.kind is Kind.OPTION
            and item.expiry_ms > snapshot.as_of_ms
        )
        chosen = [names[int(k)] for k in np.linspace(0, len(names) - 1, LEGS // 2 - 1)]
        for name in dict.fromkeys(chosen):
            signed = round(float(rng.uniform(-size, 0.4 * size)), 1) or -size
            rows.append({"venue": "deribit", "instrument": name, "quantity": signed})
        rows.append({"venue": "deribit", "instrument": f"{coin}-PERPETUAL", "quantity": -50_000.0})
    for coin, held in COLLATERAL:
        rows.append({"type": "balance", "venue": "deribit", "currency": coin, "amount": held})
    return rows


def plan(snapshot: Snapshot, days: float, at_mark: bool) -> AllocateResult:
    """The plan of one case; positions move, assets stay."""
    return xm.allocate(
        book(snapshot),
        snapshot,
        MODELS,
        cash=dict.fromkeys(MODELS[1:], CASH_USD),
        buffer=BUFFER,
        rate=RATE,
        days=days,
        transfers=False,
        at_mark=at_mark,
        fee=FEE,
    )


def table(plans: list[AllocateResult]) -> str:
    """Rows: demand of each venue and of all, cost, worth, bound; columns: now and the cases."""
    shown = [each.figures for each in plans]
    heads = ["USD", "now", *(name for name, _, _ in CASES)]
    rows = []
    for number, name in enumerate(MODELS):
        now = shown[0]["accounts"][number]["demand_before_usd"]
        rows.append([name, now, *(f["accounts"][number]["demand_after_usd"] for f in shown)])
    now = shown[0]["demand_before_usd"]
    rows.append(["**all**", now, *(f["demand_after_usd"] for f in shown)])
    for words, key in (("freed", "freed_usd"), ("cost, once", "cost_usd")):
        rows.append([words, None, *(f[key] for f in shown)])
    for words, key in (("worth over the days", "worth_usd"), ("bound", "bound_usd")):
        rows.append([words, None, *(f[key] for f in shown)])
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    lines += [[row[0], *("" if v is None else f"{v:,.0f}" for v in row[1:])] for row in rows]
    lines.append(["proven", "", *("yes" if f["proven"] else "no" for f in shown)])
    lines.append(["buffers held", "", *("yes" if f["buffers_held"] else "no" for f in shown)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


Books = dict[str, dict[str, float]]  # by model: contracts and balances


def books_after(found: AllocateResult, snapshot: Snapshot) -> Books:
    """What lies under each model once the trades are done at the mark; fees are paid in the coin.

    A perpetual at its mark moves no cash but its fee; an option's premium is in coins.
    """
    start = {str(row.get("instrument", row.get("currency"))): row for row in book(snapshot)}
    out: Books = {name: {"USDC": CASH_USD} for name in MODELS}
    out[MODELS[0]] = {k: float(str(v.get("quantity", v.get("amount")))) for k, v in start.items()}
    marks, index = snapshot.values("mark"), snapshot.values("index")
    target = ""
    for trade in found.intents.trades:
        # A move is a pair of trades: it closes here, then it opens there under its own name.
        home = trade.account == MODELS[0]
        target = trade.reason.removeprefix("moves to ") if home else target
        coin = trade.instrument[:3]
        own = out[trade.account]
        if home:
            name, size = trade.instrument, trade.size
            premium = 0.0 if "PERPETUAL" in name else size * marks[f"deribit|{name}"]
            for where, signed in ((own, 1.0), (out[target], -1.0)):
                where[name] = round(where.get(name, 0.0) + signed * size, 9)
                where[coin] = where.get(coin, 0.0) - signed * premium
        own[coin] = own.get(coin, 0.0) - trade.cost_usd / index[f"{coin}/USD"]
    return out


def margined(held: dict[str, float], snapshot: Snapshot, model: str) -> MarginResult:
    """A book under a model."""
    rows = [
        {"venue": "deribit", "instrument": name, "quantity": size}
        for name, size in held.items()
        if abs(size) > 1e-12
    ]
    return xm.margin(rows, snapshot, model)


def demand(found: MarginResult) -> float:
    """Equity less room, dollars."""
    account = found.figures["accounts"][0]
    return float(account["equity_usd"] - account["room_im_usd"])


def leaves(node: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Name and value of every node of a tree."""
    yield node["name"], float(node["value"])
    for child in node.get("children", ()):
        yield from leaves(child)


def charges(found: MarginResult) -> dict[str, float]:
    """The requirement by kind of charge, dollars; they add up to it."""
    out = dict.fromkeys(("scenario loss", "roll shock, basis", "contingencies"), 0.0)
    total = 0.0
    for pool in (found.explain().explained or {})["pools"]:
        named: dict[str, float] = {}
        for name, value in leaves(pool["im"]):
            named[name] = named.get(name, 0.0) + value
        loss = ("worst_case", "span_loss", "scan_risk")
        out["scenario loss"] += sum(named.get(name, 0.0) for name in loss)
        out["roll shock, basis"] += named.get("roll_shock", 0.0) + named.get("mr4", 0.0)
        own = ("delta_shock", "mm_contingency", "im_contingency")
        out["contingencies"] += sum(named.get(name, 0.0) for name in own)
        total += named["im"]
    out["factors on them"] = total - sum(out.values())
    return out


def apart(found: AllocateResult, snapshot: Snapshot) -> str:
    """The plan at the mark by venue and charge; raises where it is not what the plan shows."""
    books = books_after(found, snapshot)
    own = {name: margined(books[name], snapshot, name) for name in MODELS}
    for each in found.figures["accounts"]:
        shown, made = each["demand_after_usd"], demand(own[each["account"]])
        if abs(shown - made) > 2.0:
            raise SystemExit(f"{each['account']}: the plan says {shown}, its book {made}")
    first = {name: demand(margined(books[name], snapshot, MODELS[0])) for name in MODELS}
    start = books_after(replace(found, found=replace(found.found, intents=Intents())), snapshot)
    coins = demand(margined(dict(COLLATERAL), snapshot, MODELS[0]))
    now = demand(margined(start[MODELS[0]], snapshot, MODELS[0]))
    by = {name: charges(own[name]) for name in MODELS}
    heads = ["mark, 365 days, USD", *MODELS, "all"]
    legs = [sum("-" in k and abs(q) > 1e-12 for k, q in books[name].items()) for name in MODELS]
    lines = [heads, ["---", *["---:"] * 4], ["legs", *(str(n) for n in legs), str(sum(legs))]]
    lines.append(["coins alone, first rule", f"{coins:,.0f}", "", "", ""])
    lines.append(["as it was, first rule", f"{now:,.0f}", "", "", f"{now:,.0f}"])
    for words, values in (
        ("split, first rule for all", list(first.values())),
        ("split, each its own rule", [demand(each) for each in own.values()]),
        *((f"of it {kind}", [by[n][kind] for n in MODELS]) for kind in by[MODELS[0]]),
    ):
        cells = [*values, sum(values)]
        lines.append([words, *(f"{v:,.0f}" if abs(v) >= 0.5 else "0" for v in cells)])
    worst = [own[name].figures["accounts"][0]["worst_scenario"] for name in MODELS]
    lines.append(["worst scenario", *(str(each) for each in worst), ""])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(plans: list[AllocateResult]) -> str:
    """Demand by venue, now and in each case."""
    groups = []
    for number, name in enumerate(MODELS):
        own = [each.figures["accounts"][number] for each in plans]
        after = [account["demand_after_usd"] for account in own]
        groups.append((name, (own[0]["demand_before_usd"], *after)))
    names = ("now", *(name for name, _, _ in CASES))
    return bars_svg("Demanded by venue", groups, names, 720.0)


def main(arguments: list[str]) -> int:
    """Write both files, or say which is not what the script makes."""
    given = [each for each in arguments if each != "--check"]
    if len(given) != 1:
        sys.stderr.write("usage: allocation_evidence.py CHAIN [--check]\n")
        return 2
    snapshot = import_market(Path(given[0]))
    plans = [plan(snapshot, days, at_mark) for _, days, at_mark in CASES]
    page = ROOT / PAGE
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    made = {
        page: f"{head}{BEGIN}\n\n{table(plans)}\n\n{apart(plans[-1], snapshot)}\n\n{END}{tail}",
        ROOT / PLOT: plot(plans).rstrip("\n") + "\n",
    }
    wrong = [p for p, own in made.items() if not p.exists() or p.read_text("utf-8") != own]
    if "--check" in arguments:
        sys.stdout.writelines(f"{path.name} is not what the script makes\n" for path in wrong)
        return int(bool(wrong))
    for path in wrong:
        path.write_text(made[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
