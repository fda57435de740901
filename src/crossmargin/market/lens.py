"""A snapshot seen through a table of instruments: look-ups, and stated rules for what is absent.

Nothing is filled silently. A value that the snapshot does not hold is either derived by a rule
below, and then listed under ``reads["estimated"]`` (or ``"assumed"``), or the instrument is not ok
and a Failure says why.

* pair index: its row; else the ratio of the two dollar prices
* dollars: USD is 1 by definition; a ``usd`` row; else the index against USD; else 0 and a Failure
  for the instruments that settle or are quoted in it
* forward: its row; else the same forward against another quote, times the cross rate; else the
  mark of the dated future of that expiry
* future, perpetual: own mark; else the forward of its expiry, the index of its pair
* option volatility: its row; else from its own mark; else that of the contract of another venue or
  right with the same terms; else the surface of its pair; a missing mark is the Black-76 value
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import Failure
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.market.fields import (
    IV_MAX,
    IV_MIN,
    contract_subject,
    dated_subject,
    pair_subject,
    split_contract,
    split_dated,
)
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["view_of"]

_NO_VALUE = 0.0


def view_of(snapshot: Snapshot, instruments: Instruments, as_of_ms: int) -> View:
    """The arrays of :class:`~crossmargin.market.view.View`; see the module's rules."""
    lens = _Lens(snapshot, instruments, as_of_ms)
    lens.see()
    return lens.view()


class _Lens:
    """Scratch space of one view: look-up tables in, arrays out."""

    def __init__(self, snapshot: Snapshot, instruments: Instruments, as_of_ms: int) -> None:
        self.snapshot = snapshot
        self.instruments = instruments
        self.as_of_ms = as_of_ms
        self.found = {
            name: snapshot.values(name)
            for name in ("index", "usd", "forward", "forward_settled", "rate")
        }
        self.estimated: dict[str, float] = {}
        self.failures: dict[int, Failure] = {}
        self.usd = {name: self._usd(name) for name in instruments.names}
        self.index = [self._index(*pair) or _NO_VALUE for pair in instruments.pairs]
        self._own_marks = snapshot.values("mark")
        future_marks = self._future_marks()
        self.forward: list[float] = []
        self.settled: list[float] = []
        self.rate: list[float] = []
        for underlying, quote, settle, expiry_ms in instruments.expiries:
            subject = dated_subject(underlying, quote, expiry_ms)
            future = future_marks.get((underlying, quote, settle, expiry_ms))
            self.forward.append(self._forward(underlying, quote, expiry_ms, future))
            self.settled.append(self.found["forward_settled"].get(subject, 0.0))
            self.rate.append(self.found["rate"].get(subject, 0.0))
        count = len(instruments)
        self.mark = [0.0] * count
        self.vol = [0.0] * count
        self._twins: dict[tuple[str, int, float], dict[int, float]] | None = None

    # -- pairs, currencies, expiries ---------------------------------------------------------

    def _usd(self, name: str) -> float:
        if name == "USD":
            return 1.0
        known = self.found["usd"].get(name)
        if known is not None:
            return known
        return self.found["index"].get(pair_subject(name, "USD"), _NO_VALUE)

    def _index(self, underlying: str, quote: str) -> float | None:
        if underlying == quote:
            return 1.0
        subject = pair_subject(underlying, quote)
        known = self.found["index"].get(subject)
        if known is None:
            base, money = self._usd(underlying), self._usd(quote)
            if base > 0.0 and money > 0.0:
                known = base / money
                if quote != "USD":  # against USD it is the currency's own dollar price
                    self.estimated[f"index {subject}"] = 1.0
        return known

    def _future_marks(self) -> dict[tuple[str, str, str, int], float]:
        table = self.instruments
        return {
            (item.underlying, item.quote, item.settle, item.expiry_ms): mark
            for item in (table.items[i] for i in np.flatnonzero(table.kind == Kind.FUTURE))
            if (mark := self._own_marks.get(contract_subject(*item.key))) is not None
        }

    def _forward(self, underlying: str, quote: str, expiry_ms: int, future: float | None) -> float:
        subject = dated_subject(underlying, quote, expiry_ms)
        known = self.found["forward"].get(subject)
        if known is not None:
            return known
        # an average that is fixed in full leaves no free part: the forward is the settled one
        if subject in self.found["forward_settled"]:
            return 0.0
        for other in ("USD", "USDC", "USDT"):
            if other == quote:
                continue
            crossed = self.found["forward"].get(dated_subject(underlying, other, expiry_ms))
            rate = self._index(other, quote)
            if crossed is not None and rate is not None:
                self.estimated[f"forward {subject}"] = 1.0
                return crossed * rate
        if future is not None and future > 0.0:
            self.estimated[f"forward {subject}"] = 1.0
            return future
        return _NO_VALUE

    # -- instruments -------------------------------------------------------------------------

    def see(self) -> None:
        """Fill the arrays by instrument: mark and vol, or a Failure."""
        table = self.instruments
        marks = self._own_marks
        vols = self.snapshot.values("mark_iv")
        life = np.asarray([key[3] for key in table.expiries], np.int64) - self.as_of_ms
        life_ms = life.tolist()
        expiry = table.expiry.tolist()
        pair = table.pair.tolist()
        for row, item in enumerate(table.items):
            subject = contract_subject(item.venue, item.native_id)
            e = expiry[row]
            if item.kind == Kind.FACTOR:
                continue
            if not self._carried(row, item, pair[row], life_ms[e] if e >= 0 else 0):
                continue
            mark = marks.get(subject)
            if item.kind == Kind.OPTION:
                vol = vols.get(subject)
                if mark is None or vol is None or self.forward[e] + self.settled[e] <= 0.0:
                    self._option(row, item, e, life_ms[e], mark, vol)
                else:
                    self.mark[row], self.vol[row] = mark, vol
            else:
                self._delta_one(row, item, e, pair[row], mark)

    def _carried(self, row: int, item: Instrument, pair: int, life_ms: int) -> bool:
        """Whether time, index and currencies allow the row at all."""
        if life_ms < 0:
            return self._fail(row, "instrument_expired", "it expired before the snapshot's time")
        if self.index[pair] <= 0.0:
            subject = pair_subject(item.underlying, item.quote)
            if item.kind in (Kind.ASSET, Kind.DEBT):
                return self._fail(row, "currency_unknown", f"no price of {subject}")
            return self._fail(row, "index_missing", f"no index of {subject}")
        for name in (item.settle, item.quote):
            if self.usd[name] <= 0.0:
                return self._fail(row, "currency_unknown", f"no dollar price of {name}")
        return True

    def _delta_one(self, row: int, item: Instrument, e: int, pair: int, mark: float | None) -> None:
        if mark is None:
            if item.kind == Kind.FUTURE:
                mark = self.forward[e] + self.settled[e]
                if mark <= 0.0:
                    self._fail(row, "forward_missing", "neither a mark nor a forward is known")
                    return
            else:
                mark = self.index[pair]
            if item.kind in (Kind.FUTURE, Kind.PERPETUAL):
                self.estimated[contract_subject(*item.key)] = 1.0
        if mark <= 0.0:
            self._fail(row, "price_not_positive", "the mark of a delta-one contract is zero")
            return
        self.mark[row] = mark

    def _option(
        self,
        row: int,
        item: Instrument,
        e: int,
        life_ms: int,
        mark: float | None,
        vol: float | None,
    ) -> None:
        """An option that lacks its forward, its volatility or its mark."""
        forward = self.forward[e] + self.settled[e]
        if forward <= 0.0:
            self._fail(row, "forward_missing", "no forward of its expiry, no future, no parity")
            return
        years = life_ms / YEAR_MS
        discount = math.exp(-self.rate[e] * years)
        unit = discount / forward if item.inverse else discount
        if vol is None and life_ms > 0:
            if mark is not None:
                vol = _vol_from_price(forward, item, years, mark / unit)
            if vol is None:
                vol = self._vol_of_terms(item, forward)
            if vol is None:
                if mark is None:
                    self._fail(row, "mark_missing", "neither mark nor volatility, and no surface")
                elif mark / unit > max(item.right * (forward - item.strike), 0.0):
                    self._fail(row, "vol_missing", "no volatility, and none gives its mark")
                else:
                    self._fail(row, "iv_undetermined", "no volatility, and its mark has no life")
                return
            self.estimated[contract_subject(*item.key)] = 1.0
        vol = 0.0 if vol is None else vol
        if mark is None:
            mark = unit * _black(forward, item, vol * math.sqrt(years))
            self.estimated[contract_subject(*item.key)] = 1.0
        self.mark[row], self.vol[row] = mark, vol

    def _vol_of_terms(self, item: Instrument, forward: float) -> float | None:
        """The volatility of a contract of the same terms, else the surface's."""
        same = self._twin_vols().get((item.underlying, item.expiry_ms, item.strike))
        if same:
            return same.get(item.right) or next(iter(same.values()))
        for quote in dict.fromkeys((item.quote, "USD", "USDC", "USDT")):
            surface = self.snapshot.surface(pair_subject(item.underlying, quote))
            if surface:
                vol = surface.vol(item.expiry_ms, math.log(item.strike / forward))
                return None if vol is None else min(max(vol, IV_MIN), IV_MAX)
        return None

    def _twin_vols(self) -> Mapping[tuple[str, int, float], Mapping[int, float]]:
        if self._twins is None:
            from crossmargin.instruments.symbology import parse  # only where a twin is needed

            twins: dict[tuple[str, int, float], dict[int, float]] = {}
            for subject, vol in self.snapshot.values("mark_iv").items():
                terms = parse(*split_contract(subject))
                key = (terms.underlying, terms.expiry_ms, terms.strike)
                twins.setdefault(key, {}).setdefault(terms.right, vol)
            self._twins = twins
        return self._twins

    def _fail(self, row: int, code: str, reason: str) -> bool:
        self.failures[row] = Failure(self.instruments.label(row), code, reason)
        return False

    # -- the view ----------------------------------------------------------------------------

    def view(self) -> View:
        """The frozen arrays."""
        table = self.instruments
        subjects = [contract_subject(item.venue, item.native_id) for item in table.items]
        bid, has_bid = _column(self.snapshot.values("bid"), subjects)
        ask, has_ask = _column(self.snapshot.values("ask"), subjects)
        ok = np.ones(len(table), np.bool_)
        ok[list(self.failures)] = False
        life = np.asarray([key[3] for key in table.expiries], np.int64) - self.as_of_ms
        return View(
            instruments=table,
            as_of_ms=self.as_of_ms,
            index=frozen(self.index, np.float64),
            usd=frozen([self.usd[name] for name in table.names], np.float64),
            forward=frozen(self.forward, np.float64),
            forward_settled=frozen(self.settled, np.float64),
            rate=frozen(self.rate, np.float64),
            life_ms=frozen(np.maximum(life, 0), np.int64),
            mark=frozen(self.mark, np.float64),
            vol=frozen(self.vol, np.float64),
            bid=frozen(bid, np.float64),
            ask=frozen(ask, np.float64),
            has_bid=frozen(has_bid, np.bool_),
            has_ask=frozen(has_ask, np.bool_),
            ok=frozen(ok, np.bool_),
            failures=tuple(self.failures[row] for row in sorted(self.failures)),
            reads=self._reads(subjects),
            history=self.snapshot.histories(self.as_of_ms),
        )

    def _reads(self, subjects: list[str]) -> dict[str, dict[str, float]]:
        """What is optional to a model, by field, and every doubt about what the view holds."""
        snapshot = self.snapshot
        wanted = set(subjects)
        reads: dict[str, dict[str, float]] = {}
        for name in ("funding_8h", "open_interest"):
            values = snapshot.values(name)
            reads[name] = {key: value for key, value in values.items() if key in wanted}
        reads["estimated"] = self.estimated
        places = snapshot.places("usd")
        reads["assumed"] = {
            name: 1.0
            for name in self.instruments.names
            if name in places and snapshot.verdict[places[name]] == "assumed"
        }
        reads["assumed_usd"] = {
            name: 1.0 for name, row in places.items() if snapshot.verdict[row] == "assumed"
        }
        reads["incoherent"] = {
            subject: max(
                snapshot.get("index_spread", subject) or 0.0,
                abs(snapshot.get("index_gap", subject) or 0.0),
            )
            for subject, row in snapshot.places("index").items()
            if snapshot.verdict[row] == "incoherent"
        }
        reads["usd"] = self.found["usd"]
        reads.update(_confidences(snapshot))
        return reads


def _confidences(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """Feeds that are less than certain, by the names that a model reads; the lowest of one name.

    ``spot_confidence`` and ``perp_confidence`` by underlying, ``forward_confidence`` and
    ``rate_confidence`` by ``BTC@expiry_ms``, ``vol_confidence`` by native id,
    ``collateral_confidence`` by currency. What is assumed or missing is no feed.
    """
    reads: dict[str, dict[str, float]] = {}
    for number in np.flatnonzero(snapshot.confidence < 1.0).tolist():
        name, subject = snapshot.field[number], snapshot.subject[number]
        if snapshot.verdict[number] in ("assumed", "missing"):
            continue
        if name == "index":
            key = ("spot_confidence", subject.partition("/")[0])
        elif name in ("forward", "rate"):
            coin, _, when = split_dated(subject)
            key = (f"{name}_confidence", f"{coin}@{when}")
        elif name == "mark_iv":
            key = ("vol_confidence", split_contract(subject)[1])
        elif name == "usd":
            key = ("collateral_confidence", subject)
        elif name == "mark":
            from crossmargin.instruments.symbology import parse  # only for a doubtful mark

            terms = parse(*split_contract(subject))
            if terms.kind != Kind.PERPETUAL:
                continue
            key = ("perp_confidence", terms.underlying)
        else:
            continue
        values = reads.setdefault(key[0], {})
        values[key[1]] = min(values.get(key[1], 1.0), float(snapshot.confidence[number]))
    return reads


def _column(values: Mapping[str, float], subjects: list[str]) -> tuple[Floats, list[bool]]:
    found = [values.get(subject) for subject in subjects]
    return (
        np.array([0.0 if value is None else value for value in found], np.float64),
        [value is not None for value in found],
    )


def _black(forward: float, item: Instrument, stdev: float) -> float:
    from crossmargin.pricing.revalue import black_value  # compiled only where a mark is estimated

    return float(black_value(forward, item.strike, stdev, item.right))


def _vol_from_price(forward: float, item: Instrument, years: float, price: float) -> float | None:
    """Volatility of a price in quote currency; None where the price no longer carries it."""
    from crossmargin.market.implied import vols_of_prices  # compiled only where one is implied

    vol, known = vols_of_prices([forward], [item.strike], [years], [item.right], [price])
    return float(vol[0]) if known[0] else None
