"""A venue that margins by one combination of readings and answers in the documented shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut
from crossmargin.margin.register import model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.market.fields import dated_subject
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind, assemble

_PAIR = {"delta_total_liq_shock_threshold_usd": "delta_total_liq_shock_threshold"}
_CURRENCY = {
    "extended_dampener_usd": "extended_dampener",
    "max_offsetable_pnl_usd": "max_offsetable_pnl",
}


def answer(
    snapshot: Snapshot,
    positions: Mapping[str, float],
    changes: Mapping[str, Any],
    coin: str,
    printed: bool = False,
) -> dict[str, Any]:
    """Reply and tickers of one simulation under changed readings (or numbers).

    ``printed``: volatilities and forwards as a ticker prints them, to two decimals.
    """
    index = snapshot.values("index")[f"{coin}/USD"]
    marks, vols = snapshot.values("mark"), snapshot.values("mark_iv")
    forwards = snapshot.values("forward")
    model = model_named("deribit-spm")
    told = parameters_for(model, snapshot.as_of_ms)
    rows, tickers, full = [], {}, []
    for name, size in positions.items():
        item = parse("deribit", name)
        mark = marks[f"deribit|{name}"]
        units = size if item.kind is Kind.OPTION else size * mark
        place = "synthetic"
        rows.append(Row(RowKind.POSITION, "a", "deribit", name, units, place, item=item))
        tickers[name] = {"mark_price": mark, "index_price": index}
        if item.kind is Kind.OPTION:
            forward = forwards[dated_subject(coin, "USD", item.expiry_ms)]
            iv = 100.0 * vols[f"deribit|{name}"]
            if printed:
                iv, forward = round(iv, 2), round(forward, 2)
            full.append({"instrument_name": name, "mark_iv": iv, "underlying_price": forward})
    book = assemble(rows, "synthetic")
    found = run(book, snapshot.view(book.instruments), model, overlay(told, changes, "venue"))
    pool, priced = found.plan.pools[0], found.priced[0]
    held = cut(found.book, pool, 0)
    assert priced.risk is not None
    vectors = {
        pool.instruments.items[c].native_id: q * priced.risk.pnl[c, :35]
        for c, q in zip(held.column.tolist(), held.quantity.tolist(), strict=True)
    }
    account = model.vector(priced, held)
    assert account is not None
    sheet = {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }
    low = coin.lower()
    reply = {
        "model_params": _numbers(told, coin, snapshot.as_of_ms),
        "initial_risk_vectors": {name: _tables(vector) for name, vector in vectors.items()},
        "aggregated_risk_vectors": {f"{low}_{low}": _tables(np.asarray(account)[0])},
        "margins": {low: _margins(sheet)},
        "portfolio": {"currency": {}, "position": dict(positions)},
        "index_price": {f"{low}_usd": index},
        "ticker": tickers,
    }
    return {"reply": {"jsonrpc": "2.0", "result": reply}, "tickers": full}


def _tables(vector: np.ndarray) -> dict[str, list[float]]:
    return {"standard": vector[:27].tolist(), "extended": vector[27:35].tolist()}


def _margins(sheet: Mapping[str, float]) -> dict[str, Any]:
    return {
        "initial_margin": sheet["im"],
        "maintenance_margin": sheet["mm"],
        "initial_margin_details": {
            "risk_matrix_margin": sheet["risk_matrix_margin"],
            "risk_matrix_margin_details": {
                "worst_case": sheet["worst_case_unrounded"],
                "delta_shock": sheet["delta_shock"],
                "roll_shock": sheet["roll_shock"],
                "correlation_contingency": 0.0,
            },
            "open_orders_margin": 0.0,
        },
    }


def _numbers(told: Any, coin: str, time_ms: int) -> dict[str, Any]:
    def table(prefix: str, names: Mapping[str, str]) -> dict[str, Any]:
        found = {n: e.value for n, e in told.entries.items() if n.startswith(f"{prefix}.")}
        short = {n.rpartition(".")[2]: value for n, value in found.items()}
        return {names.get(name, name): value for name, value in short.items()}

    return {
        "general": {"mm_factor": 0.8, "buckets_count": 4, "timestamp": time_ms},
        "currency_pair": {f"{coin.lower()}_usd": table(f"pair.{coin}", _PAIR)},
        "currency": {coin.lower(): table(f"currency.{coin}", _CURRENCY)},
    }
