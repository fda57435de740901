"""Combined commodities and spreads of a SPAN file in XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_terms import (
    Commodity,
    DeliveryRate,
    DeltaSpread,
    Leg,
    ScanLeg,
    ScanSpread,
    Tier,
)
from crossmargin.venues.reading import number
from crossmargin.venues.span_build import CommodityDraft, Link

__all__ = ["commodity_of", "inter_spreads_of", "number_of", "text_of"]

_SOM = {"MAX": "greater", "1": "greater", "GROSS": "sum", "SUM": "sum", "2": "sum", "": "sum"}
_WFPR = {"": "normal", "1": "normal", "NORMAL": "normal", "2": "capped", "3": "scan_range"}
_DELIVERY = {"": "01", "1": "01", "01": "01", "10": "10", "11": "11"}
_TRUE = {"1": True, "true": True, "0": False, "false": False}


def text_of(element: Element, name: str, place: str, default: str | None = None) -> str:
    """The text of a child; ``default`` where it is absent, or InputError ``column_missing``."""
    found = element.find(name)
    text = "" if found is None else (found.text or "").strip()
    if text or default is not None:
        return text or str(default)
    raise InputError(
        "column_missing", f"the element {name} is absent", place=place, limit=name,
        remedy="Write the file again.",
    )  # fmt: skip


def number_of(element: Element, name: str, place: str, default: str | None = None) -> float:
    """The number of a child, strictly."""
    return number(text_of(element, name, place, default), f"{place}, {name}")


def _word(text: str, words: Mapping[str, str], what: str, place: str) -> str:
    if text.upper() not in words:
        raise InputError(
            "option_unknown", f"the {what} is not known", place=place, value=text,
            limit=" | ".join(sorted(w for w in words if w)),
        )  # fmt: skip
    return words[text.upper()]


def _flag(element: Element, name: str, place: str, *, default: bool) -> bool:
    text = text_of(element, name, place, "1" if default else "0")
    if text not in _TRUE:
        raise InputError(
            "option_unknown", f"{name} is neither true nor false", place=place, value=text,
            limit="true | false | 1 | 0",
        )  # fmt: skip
    return _TRUE[text]


def _rate(element: Element, rate_id: int, place: str, name: str = "rate") -> float:
    """The value of the chosen rate; 0 where the element states none."""
    for each in element.findall(name):
        if number_of(each, "r", place) == rate_id:
            return number_of(each, "val", place)
    return 0.0


def _tiers(element: Element, name: str, rate_id: int, place: str) -> tuple[Tier, ...]:
    out = []
    for each in element.findall(f"{name}/tier"):
        here = f"{place}, {name}"
        first, last = (text_of(each, end, here, "") for end in ("sPe", "ePe"))
        number_ = int(number_of(each, "tn", here))
        out.append(Tier(number_, first, last, _rate(each, rate_id, here)))
    return tuple(out)


def _delta_spread(element: Element, rate_id: int, place: str) -> DeltaSpread:
    here = f"{place}, dSpread {text_of(element, 'spread', place)}"
    method = text_of(element, "chargeMeth", here)
    beyond = [name for name in ("rpLeg", "volRate", "dSpread") if element.find(name) is not None]
    if text_of(element, "spreadType", here, "DEFAULT") != "DEFAULT":
        beyond.append("spreadType")
    if beyond:
        raise InputError(
            "option_unknown", "the spread is of a kind that is not taken", place=here,
            value=beyond[0], limit="tier and period legs, rates by delta",
        )  # fmt: skip
    rate, month = _rate(element, rate_id, here), 0.0
    for each in element.findall("pmpsRate"):
        if number_of(each, "r", here) == rate_id:
            rate, month = number_of(each, "psRate", here), number_of(each, "pmRate", here)
    legs = []
    for leg in element:
        if leg.tag not in ("tLeg", "pLeg"):
            continue
        own = _rate(leg, rate_id, here) if leg.find("rate") is not None else rate
        tier = leg.tag == "tLeg"
        legs.append(
            Leg(
                text_of(leg, "cc", here),
                text_of(leg, "rs", here),
                number_of(leg, "i", here),
                tier=int(number_of(leg, "tn", here)) if tier else 0,
                period="" if tier else text_of(leg, "pe", here),
                rate=own,
            )
        )
    if method == "W" and any(abs(leg.rate) > 1.0 for leg in legs):
        raise InputError(
            "number_out_of_range", "a share of the weighted price risk is above one", place=here,
            value=max(abs(leg.rate) for leg in legs), limit="0 to 1 (a fraction)",
        )  # fmt: skip
    made = DeltaSpread(tuple(legs), method, rate, month)
    made.check(here)
    return made


def _scan_spread(element: Element, rate_id: int, place: str) -> ScanSpread:
    here = f"{place}, sSpread {text_of(element, 'spread', place)}"
    if element.find("sPointDef") is not None:
        raise InputError(
            "option_unknown", "a scanning spread by points is not taken", place=here,
            value="sPointDef", limit="one rate a leg",
        )  # fmt: skip
    rate = _rate(element, rate_id, here)
    legs = tuple(
        ScanLeg(
            text_of(leg, "cc", here),
            _rate(leg, rate_id, here) if leg.find("rate") is not None else rate,
            required=_flag(leg, "isRequired", here, default=True),
        )
        for leg in element.findall("sLeg")
    )
    made = ScanSpread(legs)
    made.check(here)
    return made


def _priority(element: Element) -> float:
    return number_of(element, "spread", element.tag)


def inter_spreads_of(
    element: Element, rate_id: int, place: str
) -> tuple[DeltaSpread | ScanSpread, ...]:
    """Spreads between commodities, by priority."""
    found = [each for each in element if each.tag in ("dSpread", "sSpread")]
    return tuple(
        _delta_spread(each, rate_id, place)
        if each.tag == "dSpread"
        else _scan_spread(each, rate_id, place)
        for each in sorted(found, key=_priority)
    )


def _initial_ratio(element: Element, rate_id: int, place: str) -> float:
    """Of the first rate that is based on the chosen one; 1 where there is none."""
    for each in element.findall("adjRate"):
        based = number_of(each, "baseR", place) == rate_id
        if based and number_of(each, "r", place) != rate_id:
            return number_of(each, "val", place)
    return 1.0


def commodity_of(element: Element, rate_id: int, place: str) -> CommodityDraft:
    """One ccDef. A commodity that is margined by another method keeps no products."""
    code = text_of(element, "cc", place)
    place = f"{place} {code}"
    spreads = sorted(element.findall("dSpread"), key=_priority)
    delivery = tuple(
        DeliveryRate(
            text_of(each, "pe", place),
            number_of(each, "sprd", place),
            number_of(each, "outr", place),
        )
        for each in element.findall("spotRate")
        if number_of(each, "r", place) == rate_id
    )
    exponent = int(number_of(element, "riskExponent", place, "0"))
    if not -12 <= exponent <= 12:
        raise InputError(
            "number_out_of_range", "the risk exponent is too large", place=place, value=exponent,
            limit="-12 to 12",
        )  # fmt: skip
    by_span = text_of(element, "marginMeth", place, "SPAN").upper() == "SPAN"
    basis = element.find("basisRates")
    terms = Commodity(
        code,
        text_of(element, "currency", place),
        spreads=tuple(_delta_spread(each, rate_id, place) for each in spreads),
        scan_tiers=_several(_tiers(element, "scanTiers", rate_id, place)),
        intra_tiers=_tiers(element, "intraTiers", rate_id, place),
        inter_tiers=_tiers(element, "interTiers", rate_id, place),
        som_tiers=_tiers(element, "somTiers", rate_id, place),
        som_method=_word(text_of(element, "somMeth", place, ""), _SOM, "minimum's method", place),
        delivery_method=_word(
            text_of(element, "spotMeth", place, ""), _DELIVERY, "delivery method", place
        ),
        delivery=delivery,
        basis_rate=0.0 if basis is None else _rate(basis, rate_id, place),
        wfpr_method=_word(
            text_of(element, "wfprMeth", place, ""), _WFPR, "weighted price risk method", place
        ),
        initial_ratio=_initial_ratio(element, rate_id, place),
        cap_nov=_flag(element, "capAnov", place, default=False),
    )
    links = tuple(
        Link(
            (text_of(each, "exch", place), text_of(each, "pfId", place)),
            text_of(each, "pfType", place, "").upper(),
            number_of(each, "sc", place),
        )
        for each in element.findall("pfLink")
    )
    if delivery and terms.delivery_method == "01" and element.find("spotMeth") is None:
        terms = replace(terms, delivery_method="10")
    return CommodityDraft(terms, links if by_span else (), exponent)


def _several(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """One scan tier of every period is none."""
    return tiers if len(tiers) > 1 else ()
