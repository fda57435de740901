"""The verb unified: several venue accounts as one, with both numbers, and what can be written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from crossmargin.accounts.commitment import Commitment, commit, proof_of
from crossmargin.accounts.graph import graph_json, graphml
from crossmargin.accounts.local_liquidation import Danger
from crossmargin.accounts.unified import Unified, status_of, unify
from crossmargin.accounts.venue_accounts import Standing, VenueAccount
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import moment_of
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.unified_file import UnifiedFile, read_unified
from crossmargin.interfaces.unified_layouts import unified_document
from crossmargin.margin.register import model_named
from crossmargin.venues.reading import file_bytes

__all__ = ["COMMITMENT", "UnifiedResult", "unified"]

COMMITMENT = "commitment/1"
_BYTES_MAX = 64_000_000
_SUFFIXES = (".svg", ".json", ".graphml")


@dataclass(frozen=True, slots=True, repr=False)
class UnifiedResult(Shown):
    """Several venue accounts as one. ``found`` holds the numbers as they were computed."""

    found: Unified
    figures: Mapping[str, Any]
    records: Mapping[str, Any]  # what a commitment is to: snapshots, positions and results

    def document(self, top: int = 0) -> Document:
        """Both numbers, accounts, the waterfall, dangers and their cure, stresses."""
        return unified_document(self.figures, top)

    def summary(self) -> Document:
        """The same with the ten worst of each stress."""
        return self.document(10)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def plot(self, path: str | Path) -> Path:
        """Equity and demands by venue, and the net, as FILE.html, .svg or .png."""
        from crossmargin.interfaces.account_plots import unified_svg  # only when it is drawn

        heading = "Equity and demands, by venue"
        return write_plot(path, lambda width: unified_svg(self.figures, width), self.summary,
                          heading)  # fmt: skip

    def write_graph(self, path: str | Path) -> Path:
        """The risk graph as ``.svg``, ``.json`` or ``.graphml``; InputError for another name."""
        place = Path(path)
        if place.suffix not in _SUFFIXES:
            raise InputError(
                "option_unknown",
                "a graph is not written in that form",
                place="--graph",
                value=place.name,
                limit=", ".join(f"FILE{suffix}" for suffix in _SUFFIXES),
                remedy="Choose one of those endings.",
            )
        if place.suffix == ".svg":
            from crossmargin.interfaces.unified_graph import graph_svg  # only when it is drawn

            endangered = [danger.account for danger in self.found.dangers]
            text = graph_svg(self.found.graph, str(self.figures["name"]), endangered)
        else:
            text = (graph_json if place.suffix == ".json" else graphml)(self.found.graph)
        return _written(place, text)

    def commitment(self, secret: str = "") -> Commitment:
        """The Merkle commitment to every record."""
        return commit(self.records, secret)

    def write_commitment(self, path: str | Path) -> Path:
        """Root, leaf hashes and the proof of each record as JSON; the values are not in it."""
        made = self.commitment()
        proofs = {name: proof_of(self.records, name).sisters for name in made.paths}
        content = {
            "schema": COMMITMENT,
            "root": made.root,
            "count": len(made.paths),
            "records": [
                {
                    "path": name,
                    "leaf": leaf,
                    "proof": [
                        {"hash": text, "side": "left" if left else "right"}
                        for text, left in proofs[name]
                    ],
                }
                for name, leaf in zip(made.paths, made.leaves, strict=True)
            ],
        }
        return _written(Path(path), json.dumps(content, indent=2) + "\n")

    def changed_since(self, path: str | Path) -> list[str]:
        """Paths of records that are not those of a written commitment; empty where all fit."""
        content = _commitment(Path(path))
        made = self.commitment()
        now = dict(zip(made.paths, made.leaves, strict=True))
        then = {str(each["path"]): str(each["leaf"]) for each in content["records"]}
        changed = [name for name in sorted({*now, *then}) if now.get(name) != then.get(name)]
        if not changed and made.root != content["root"]:
            return ["root"]
        return changed


def unified(source: str | Path, *, as_of: str | int | None = None) -> UnifiedResult:
    """Several venue accounts as one unified account.

    ``source``: a TOML or JSON file (see the documentation), or ``sample:three-venues``. ``as_of``:
    when it is judged (default: the file's, else the newest reading). Always two numbers: what the
    venues demand, which binds, and the economic net, which never enters what is free, withdrawable
    or an alert. Raises CrossMarginError with one code.
    """
    file = read_unified(source)
    moment = moment_of(as_of, "--as-of")
    found = unify(
        file.accounts,
        model_named(file.net_model),
        file.rules,
        now_ms=file.now_ms if moment is None else moment,
        not_before_ms=file.not_before_ms,
        sigma=file.volatility,
    )
    figures = _figures(file, found)
    return UnifiedResult(found, figures, _records(found, figures))


def _written(place: Path, text: str) -> Path:
    try:
        place.write_text(text, encoding="utf-8", newline="\n")
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"cannot be written ({cause.strerror})",
            place=str(place),
            remedy="Name a file in a folder that exists.",
        ) from None
    return place


def _commitment(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(file_bytes(place, _BYTES_MAX))
        known = content["schema"] == COMMITMENT and {"root", "records"} <= content.keys()
        known = known and all({"path", "leaf"} <= each.keys() for each in content["records"])
    except (ValueError, TypeError, KeyError, AttributeError):
        known = False
    if not known:
        raise InputError(
            "file_unreadable",
            "not a commitment",
            place=str(place),
            limit=COMMITMENT,
            remedy="Give a file that --commit wrote.",
        )
    return dict(content)


def _plain(record: Any) -> dict[str, Any]:
    """The fields of a record of numbers and texts; an infinite cap is absent."""
    out = {}
    for each in fields(record):
        value = getattr(record, each.name)
        out[each.name] = None if isinstance(value, float) and math.isinf(value) else value
    return out


def _figures(file: UnifiedFile, found: Unified) -> dict[str, Any]:
    credit = found.credit
    return {
        "name": file.name,
        "as_of": format_ms(found.now_ms),
        "net_model": found.net_model,
        "totals": {
            "equity_usd": found.equity_usd,
            "demanded_im_usd": credit.demanded_im_usd,
            "demanded_mm_usd": sum(s.demand_mm_usd for s in found.standings.values()),
            "economic_net_im_usd": credit.net_im_usd,
            "credit_usd": credit.credit_usd,
            "credited_im_usd": credit.credited_im_usd,
            "staleness_usd": found.staleness_usd,
            "free_usd": found.free_usd,
            "withdrawable_usd": found.withdrawable_usd,
        },
        "accounts": [
            _account(found, account, stays, share)
            for account, stays, share in zip(
                found.accounts, credit.stays_usd, credit.by_venue_usd, strict=True
            )
        ],
        "volatility": dict(found.sigma),
        "rules": {**_plain(file.rules), "asset_caps_usd": dict(file.rules.asset_caps_usd)},
        "waterfall": [_plain(step) for step in credit.steps],
        "savings": [{**_plain(s), "saving_usd": s.saving_usd} for s in found.savings],
        "dangers": [_danger(danger) for danger in found.dangers],
        "leg_losses": [_plain(loss) for loss in found.leg_losses],
        "failures": [_plain(each) for each in found.failing],
        "blocked": list(found.blocked),
        "warnings": list(found.warnings),
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "equity_usd": standing.equity_usd,
        "demand_im_usd": standing.demand_im_usd,
        "demand_mm_usd": standing.demand_mm_usd,
        "over_im_usd": standing.over_im_usd,
        "over_mm_usd": standing.over_mm_usd,
        "health": standing.health,
    }


def _account(found: Unified, account: VenueAccount, stays: float, credit: float) -> dict[str, Any]:
    standing, room = found.standings[account.name], found.rooms[account.name]
    return {
        "name": account.name,
        "venue": account.venue,
        "model": account.rulebook,
        "parameters_sha256": account.parameters.sha256 if account.parameters else None,
        "read_at": format_ms(min(account.as_of_ms, account.snapshot.as_of_ms)),
        "block": account.block,
        "age_s": found.ages_s[account.name],
        "book_sha256": account.book.positions_sha256(),
        "orders_sha256": account.book.orders_sha256(),
        "market_sha256": account.snapshot.sha256,
        "reported_equity_usd": account.reported_equity_usd,
        "status": status_of(standing, room),
        "bound": "at_least" if standing.at_least else "value",
        **_standing(standing),
        "free_usd": room.free_usd,
        "withdrawable_usd": room.withdrawable_usd,
        "buffer_usd": room.buffer_usd,
        "keep_usd": room.keep_usd,
        "staleness_usd": room.staleness_usd,
        "stays_usd": stays,
        "credit_usd": credit,
        "trust": _plain(account.trust),
    }


def _danger(danger: Danger) -> dict[str, Any]:
    return {
        "account": danger.account,
        "move_fraction": None if danger.factor is None else danger.factor - 1.0,
        "probability": danger.probability,
        "late_probability": danger.late_probability,
        "whole_now_usd": danger.whole_now_usd,
        "whole_there_usd": danger.whole_there_usd,
        "whole_is_healthy": danger.whole_is_healthy,
        "needed_usd": danger.needed_usd,
        "transfers": [asdict(transfer) for transfer in danger.transfers],
        "after": {name: _standing(standing) for name, standing in danger.after.items()},
        "cured": danger.cured,
        "in_time": danger.in_time,
    }


def _records(found: Unified, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Path -> record: the head, every account, every position and every result."""
    out: dict[str, Any] = {
        "head": {name: figures[name] for name in ("name", "as_of", "net_model", "rules")},
        "totals": figures["totals"],
        "volatility": figures["volatility"],
    }
    for account, row in zip(found.accounts, figures["accounts"], strict=True):
        out[f"account/{account.name}"] = row
        book = account.book
        for j, column in enumerate(book.column.tolist()):
            item = book.instruments.items[column]
            known = bool(book.entry_known[j])
            out[f"position/{account.name}/{item.venue}/{item.native_id}"] = {
                "quantity": float(book.quantity[j]),
                "entry_price": float(book.entry_price[j]) if known else None,
            }
    for name in ("waterfall", "savings", "dangers", "leg_losses", "failures"):
        for number, row in enumerate(figures[name], 1):
            out[f"{name}/{number}"] = row
    return out
