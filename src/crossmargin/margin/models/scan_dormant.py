"""Scan rulebooks of venues that are gone or hardly trade, as far as their text goes.

Coincall, Dederi, PowerTrade, GRVT (developers' defaults) and Syndr (test network). Each is a
parameter file; what a text leaves open is *at least*.
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw, Standing

__all__ = ["COINCALL_PM", "DEDERI_PM", "GRVT_PM", "POWERTRADE_PM", "SYNDR_PM"]

_STATED = {Kind.OPTION: Fidelity.INFERRED, Kind.PERPETUAL: Fidelity.STATED}


def _spec(
    name: str,
    title: str,
    source: str,
    rules: tuple[Rule, ...],
    unknown: tuple[str, ...],
    standing: Standing,
    extent: Extent = Extent.AT_LEAST,
    *,
    levels: str = "one level is published: IM and MM are the requirement itself",
    levels_known: Fidelity = Fidelity.MISSING,
    readings: dict[str, tuple[str, ...]] | None = None,
) -> ModelSpec:
    return ModelSpec(
        name=f"{name}-pm",
        title=f"{title} portfolio margin",
        family="scan",
        venue=name,
        version="1",
        folder=f"{name}-pm",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="cash, profit of open futures and option value",
        rules=with_common_rules(*rules, source=source, levels=levels, levels_known=levels_known),
        readings=readings or {},
        standard="fixed-rate",
        unknown=unknown,
        extent=extent,
        standing=standing,
    )


_CALL = "support.coincall.com 31664191730713 (first half)"
COINCALL_PM = Member(
    spec=_spec(
        "coincall",
        "Coincall",
        _CALL,
        (
            Rule(
                "scan", "11 moves x vol +45 %, same, -30 %", _CALL, _STATED, ("reading.vol_shock",)
            ),
            Rule("futures_contingency", "rate not published", _CALL, Fidelity.MISSING),
            Rule("option_contingency", "rate not published", _CALL, Fidelity.MISSING),
        ),
        (
            "rates of the futures and options contingency, the multiple of IM: left out",
            "vol shock a share or points, and whether it scales with life: it does not here",
        ),
        Standing.DORMANT,
        readings={"reading.vol_shock": ("relative", "points")},
    ),
    charges=("futures_contingency", "option_contingency"),
)

_WIKI = "wiki.dederi.io, portfolio margin"
DEDERI_PM = Member(
    spec=_spec(
        "dederi",
        "Dederi",
        _WIKI,
        (
            Rule(
                "scan",
                "11 moves of +-15 %, future on its own price; vol shocks not published",
                f"{_WIKI}: worked example of a future",
                {Kind.OPTION: Fidelity.MISSING, Kind.FUTURE: Fidelity.EXACT},
            ),
            Rule(
                "futures_contingency",
                "0.6 % of the index notional",
                f"{_WIKI}: worked example",
                Fidelity.EXACT,
            ),
            Rule("option_contingency", "form not published", _WIKI, Fidelity.MISSING),
        ),
        ("up and down factors and powers of the vol shock, option contingency: left out",),
        Standing.HISTORICAL,
    ),
    charges=("futures_contingency", "option_contingency"),
    grid=False,
)

_HELP = "powertradehelp.zendesk.com 4403684821005"
POWERTRADE_PM = Member(
    spec=_spec(
        "powertrade",
        "PowerTrade",
        _HELP,
        (Rule("scan", "ends of +-15 % x +-40 vol points; spot is a position", _HELP, _STATED),),
        ("scenarios between the ends; offsets between coins: none here",),
        Standing.HISTORICAL,
        levels="the requirement is the largest loss",
        levels_known=Fidelity.STATED,
    ),
    grid=False,
)

_CODE = "GRVT contracts, developers' defaults (configuration in the repository)"
GRVT_PM = Member(
    spec=_spec(
        "grvt",
        "GRVT",
        _CODE,
        (
            Rule("scan", "+-20 % x vol +-45 %, extreme +-60 % at a third", _CODE, _STATED),
            Rule("futures_contingency", "0.6 % of notional", _CODE, Fidelity.STATED),
            Rule("option_contingency", "1 % of each short option", _CODE, Fidelity.INFERRED),
        ),
        ("moves between the ends, and whether the options contingency nets: left out, gross",),
        Standing.DORMANT,
        levels="IM is 130 % of MM",
        levels_known=Fidelity.STATED,
    ),
    charges=("futures_contingency", "option_contingency"),
    grid=False,
)

_TEST = "testnet-docs.syndr.com"
SYNDR_PM = Member(
    spec=_spec(
        "syndr",
        "Syndr",
        _TEST,
        (
            Rule(
                "scan",
                "11 moves of +-15 % x vol +45 %, same, -30 %",
                _TEST,
                _STATED,
                ("reading.vol_shock",),
            ),
        ),
        ("vol shock a share or points; test network: what IM is above MM",),
        Standing.HISTORICAL,
        Extent.COMPLETE,
        levels="margin is the largest loss",
        levels_known=Fidelity.STATED,
        readings={"reading.vol_shock": ("relative", "points")},
    ),
)
