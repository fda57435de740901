"""A slow, plain twin of the SPAN requirement: one account, dictionaries and lists, no arrays.

Written from the published order of calculation and not from the engine's code; the tests compare.
"""

from __future__ import annotations

from typing import Any

from crossmargin.margin.families.span_terms import (
    Commodity,
    DeltaSpread,
    ScanSpread,
    SpanFile,
    Tier,
)


def _in(tier: Tier, period: str) -> bool:
    low = tier.first <= period[: len(tier.first)] if tier.first else True
    high = period[: len(tier.last)] <= tier.last if tier.last else True
    return low and high


class Twin:
    """The requirement of one account that holds ``sizes[k]`` of contract ``k``."""

    def __init__(self, file: SpanFile, sizes: list[float]) -> None:
        self.file = file
        self.held = [(c, a, q) for c, a, q in zip(file.contracts, file.losses, sizes, strict=True)]
        self.of = {c.code: c for c in file.commodities}
        self.parts: dict[str, dict[str, Any]] = {c.code: self.scan(c) for c in file.commodities}
        self.left: dict[tuple[str, str], float] = {}
        self.used: dict[tuple[str, str], float] = {}
        for contract, _, size in self.held:
            key = contract.commodity, contract.period
            self.left[key] = self.left.get(key, 0.0) + size * contract.delta
            self.used[key] = 0.0
        self.first = dict(self.left)
        for code, part in self.parts.items():
            delta = sum(v for (c, _), v in self.left.items() if c == code)
            part["wfpr"] = self.wfpr(self.of[code], part, delta)
        self.spreads()

    def scan(self, commodity: Commodity) -> dict[str, Any]:
        out = {"scan": 0.0, "vas": 0.0, "time": 0.0, "intra": 0.0, "inter": 0.0, "held": False}
        points = len(self.file.points)
        out["losses"] = [0.0] * points
        mine = [(c, a, q) for c, a, q in self.held if c.commodity == commodity.code]
        tiers: list[list[Any]] = [[] for _ in range(len(commodity.scan_tiers) + 1)]
        for contract, array, size in mine:
            holding = [_in(tier, contract.period) for tier in commodity.scan_tiers]
            tiers[(*holding, True).index(True)].append((array, size))
        for rows in tiers:
            losses = [sum(size * float(array[s]) for array, size in rows) for s in range(points)]
            worst = max(losses)
            out["held"] = out["held"] or any(size != 0.0 for _, size in rows)
            out["losses"] = [a + b for a, b in zip(out["losses"], losses, strict=True)]
            if worst <= 0.0:
                continue
            active = losses.index(worst)
            pair = int(self.file.points.paired[active])
            out["scan"] += worst
            out["vas"] += (losses[active] + losses[pair]) / 2.0
            out["time"] += (losses[0] + losses[int(self.file.points.paired[0])]) / 2.0
        return out

    def wfpr(self, commodity: Commodity, part: dict[str, Any], delta: float) -> float:
        if delta == 0.0:
            return 0.0
        value = max(0.0, part["vas"] - part["time"]) / abs(delta)
        if commodity.wfpr_method == "capped":
            return min(value, commodity.scan_range)
        return commodity.scan_range if commodity.wfpr_method == "scan_range" else value

    def cells(self, leg: Any, *, intra: bool) -> list[tuple[str, str]]:
        commodity = self.of[leg.commodity]
        keys = sorted(k for k in self.left if k[0] == leg.commodity)
        if leg.period:
            return [k for k in keys if k[1].startswith(leg.period)]
        tiers = commodity.intra_tiers if intra else commodity.inter_tiers
        for tier in tiers:
            if tier.number == leg.tier:
                return [k for k in keys if _in(tier, k[1])]
        return keys

    def room(self, leg: Any, sign: float, *, intra: bool) -> float:
        values = [sign * self.left[k] for k in self.cells(leg, intra=intra)]
        if intra:
            return sum(v for v in values if v > 0.0)
        return max(sum(values), 0.0)

    def make(self, spread: DeltaSpread, *, intra: bool) -> dict[str, float]:
        count = 0.0
        for long_side in "AB":
            signs = [1.0 if leg.side == long_side else -1.0 for leg in spread.legs]
            n = min(
                self.room(leg, sign, intra=intra) / leg.ratio
                for leg, sign in zip(spread.legs, signs, strict=True)
            )
            for leg, sign in zip(spread.legs, signs, strict=True):
                rest = n * leg.ratio
                for key in self.cells(leg, intra=intra):
                    part = min(rest, max(sign * self.left[key], 0.0))
                    self.left[key] -= sign * part
                    self.used[key] += part
                    rest -= part
            count += n
        amounts: dict[str, float] = {}
        for leg in spread.legs:
            if spread.method == "W":
                part = count * leg.ratio * self.parts[leg.commodity]["wfpr"] * leg.rate
            else:
                rate = spread.rate
                if spread.method == "P":
                    months = sorted(
                        12 * int(x.period[:4]) + int(x.period[4:6]) for x in spread.legs
                    )
                    rate += spread.month_rate * (months[-1] - months[0])
                part = count * rate / len(spread.legs)
            amounts[leg.commodity] = amounts.get(leg.commodity, 0.0) + part
        return amounts

    def joint(self, spread: ScanSpread) -> None:
        parts = [(leg, self.parts[leg.commodity]) for leg in spread.legs]
        if any(leg.required and not part["held"] for leg, part in parts):
            return
        apart = sum(leg.rate * part["scan"] for leg, part in parts)
        points = range(len(self.file.points))
        joint = max(sum(leg.rate * part["losses"][s] for leg, part in parts) for s in points)
        saved = max(apart - max(joint, 0.0), 0.0)
        for leg, part in parts:
            if apart > 0.0:
                part["inter"] += saved * leg.rate * part["scan"] / apart

    def between(self, spreads: Any) -> None:
        for spread in spreads:
            if isinstance(spread, ScanSpread):
                self.joint(spread)
            else:
                for code, amount in self.make(spread, intra=False).items():
                    self.parts[code]["inter"] += amount

    def spreads(self) -> None:
        self.between(self.file.super_spreads)
        for commodity in self.file.commodities:
            for spread in commodity.spreads:
                for code, amount in self.make(spread, intra=True).items():
                    self.parts[code]["intra"] += amount
        for commodity in self.file.commodities:
            self.parts[commodity.code]["delivery"] = self.delivery(commodity)
        self.between(self.file.inter_spreads)
        self.total = 0.0
        self.initial = 0.0
        for commodity in self.file.commodities:
            part = self.parts[commodity.code]
            part["inter"] = min(part["inter"], part["scan"])
            part["som"] = self.som(commodity)
            charged = part["scan"] + part["intra"] + part["delivery"] - part["inter"]
            part["risk"] = max(charged, part["som"])
            part["nov"] = sum(
                size * contract.value for contract, _, size in self.held
                if contract.commodity == commodity.code
            )  # fmt: skip
            counted = min(part["nov"], part["risk"]) if commodity.cap_nov else part["nov"]
            self.total += part["risk"] - counted
            self.initial += commodity.initial_ratio * (part["risk"] - counted)
        self.total, self.initial = max(self.total, 0.0), max(self.initial, 0.0)

    def delivery(self, commodity: Commodity) -> float:
        if commodity.delivery_method == "01":
            return 0.0
        total = 0.0
        keys = [k for k in self.left if k[0] == commodity.code]
        for rate in commodity.delivery:
            for key in keys:
                if key[1].startswith(rate.period):
                    total += self.used[key] * rate.spread_rate
                    total += abs(self.left[key]) * rate.outright_rate
        if commodity.delivery_method == "11":
            physical = sum(self.first[k] for k in keys if k[1].startswith("000000"))
            other = sum(self.first[k] for k in keys if not k[1].startswith("000000"))
            if physical * other < 0.0:
                total += commodity.basis_rate * min(abs(physical), abs(other))
        return total

    def som(self, commodity: Commodity) -> float:
        sides = {1: 0.0, -1: 0.0}
        for contract, _, size in self.held:
            if contract.commodity == commodity.code and contract.right and size < 0.0:
                rate = commodity.som_rate
                for tier in commodity.som_tiers:
                    if _in(tier, contract.period):
                        rate = tier.rate
                        break
                sides[contract.right] += -size * contract.scale * rate
        both = max(sides.values()), sum(sides.values())
        return both[0] if commodity.som_method == "greater" else both[1]
