"""What Deribit's portfolio margin declares: rules with source and fidelity, readings, gaps."""

from __future__ import annotations

from dataclasses import replace

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import KINDS
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["CROSS", "SEGREGATED"]

_API = "docs.deribit.com, private/pme/simulate and change log (read 2026-03-26)"
_HELP = "support.deribit.com, portfolio margin articles (excerpts)"
_MIMIC = "third-party rewrites of the venue's margin document"
_FUTURES_EXACT = {
    Kind.PERPETUAL: Fidelity.EXACT,
    Kind.FUTURE: Fidelity.EXACT,
    Kind.OPTION: Fidelity.INFERRED,
    Kind.ASSET: Fidelity.STATED,
}

_RULES = (
    Rule(
        "risk_matrix",
        "27 standard and 8 extended scenarios; worst case after offset and dampener",
        f"{_API}; option shocks: {_MIMIC}",
        _FUTURES_EXACT,
        (
            "reading.vol_shock",
            "reading.vol_order",
            "reading.extended_option",
            "reading.dampener",
        ),
    ),
    Rule("rounding", "worst case and IM rounded to nine decimals", _API, Fidelity.EXACT),
    Rule(
        "roll_shock",
        "max(exp(AMR T) - 1, min annualised move) |delta| per expiry, no netting",
        f"minimum branch {_API}; exponential branch {_MIMIC}",
        {
            Kind.PERPETUAL: Fidelity.EXACT,
            Kind.FUTURE: Fidelity.EXACT,
            Kind.OPTION: Fidelity.INFERRED,
            Kind.ASSET: Fidelity.STATED,
        },
        ("reading.roll_shock",),
    ),
    Rule(
        "delta_shock",
        "|D*| min(m_inc max(|D*| - threshold/I, 0), max); long options reduce, never add",
        _MIMIC,
        Fidelity.INFERRED,
        ("reading.delta_shock",),
    ),
    Rule(
        "correlation_contingency",
        "add-on for several currencies; the formula is not published and left out",
        _API,
        Fidelity.MISSING,
    ),
    Rule("mm_factor", "MM = 0.8 x risk matrix margin", _API, Fidelity.EXACT),
    Rule(
        "open_orders",
        "order margin as the venue reports it; else the worst fill: in each scenario the orders "
        "that lose there (fill against mark included), roll and delta shock at their own worst",
        f"{_API}: open orders cost initial margin; the form is this project's",
        Fidelity.INFERRED,
    ),
    Rule(
        "mmp_hold",
        "3 % of the largest quote quantity of each maker-protection group",
        _HELP,
        Fidelity.STATED,
    ),
    Rule("spot_margin", "spot order margin as the venue reports it", _API, Fidelity.STATED),
    Rule("balance_side", "margin balance = equity (option value counts)", _HELP, Fidelity.STATED),
    Rule("haircut", "collateral haircut, for initial margin only", _HELP, Fidelity.STATED),
)

# Best first; each rival is a form that the venue's text leaves open.
_READINGS = {
    "reading.vol_shock": ("relative", "additive"),
    "reading.vol_order": ("up_same_down", "down_same_up"),
    "reading.extended_option": ("rescaled", "plain"),
    "reading.dampener": ("excess", "multiple"),
    "reading.roll_shock": ("exponential", "linear"),
    "reading.delta_shock": ("reduced_by_long", "net"),
}

SEGREGATED = ModelSpec(
    name="deribit-spm",
    title="Deribit segregated portfolio margin (S:PM)",
    family="scan",
    venue="deribit",
    version="2024",
    folder="deribit-pm",
    kinds=KINDS,
    currency="settle",
    scale=ScaleLaw.FIXED_PART,
    balance_side="equity of the settlement currency: cash, futures profit and option value",
    rules=_RULES,
    readings=_READINGS,
    standard="deribit-sm",
    extent=Extent.AT_LEAST,
    unknown=(
        "correlation contingency: unpublished; a pool of several currencies is a lower bound",
        "extended table of options and the dampener's size: third-party text only",
        "order margin: the venue's own form is not published; an upper bound over the fills",
        "buckets are {base}_{settle} pairs, as the keys of the venue's vectors: coin- and "
        "USDC-settled contracts of one coin meet only through the offset",
        "the offset comes before the dampener; the decay of the last half hour also weighs the "
        "dated futures of that expiry",
    ),
)


def _unrecorded(rule: Rule) -> Rule:
    """A rule of cross mode: the venue states it, no recorded numbers of that mode exist."""

    def level(known: Fidelity) -> Fidelity:
        return Fidelity.STATED if known is Fidelity.EXACT else known

    known = rule.fidelity
    if isinstance(known, Fidelity):
        return replace(rule, fidelity=level(known))
    return replace(rule, fidelity={kind: level(each) for kind, each in known.items()})


# Every recorded case is of a segregated account.
_CROSS_RULES = tuple(_unrecorded(rule) for rule in _RULES)

CROSS = replace(
    SEGREGATED,
    rules=_CROSS_RULES,
    name="deribit-xpm",
    title="Deribit cross portfolio margin (X:PM)",
    currency="USD",
    balance_side=(
        "equity of all currencies in dollars (option value counts); initial side less haircut; "
        "the equity of a coin is itself a position in the matrix"
    ),
    unknown=(
        *SEGREGATED.unknown,
        "cross mode has no recorded numbers: what is exact in segregated mode is stated here",
        "conversion to dollars: taken at the shocked index, as the coin form of the rule implies",
        "equity rebuilt from entry prices is not put into the matrix: give balances",
    ),
)
