"""Risk factors of a sensitivity file: what one line speaks of, and its name as an instrument.

A line of a common risk interchange file (CRIF) has product class, risk type, qualifier, bucket and
two labels; its amount is a sensitivity in dollars. Here the line without its amount is a
:class:`Factor`, a contract of kind FACTOR whose native id is the six fields joined by ``|``, and
the amount is the quantity held. Amounts are per basis point for rates and credit, per 1 % for
equities, commodities and currencies; vega is vol times d value / d vol, summed as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind

__all__ = [
    "ADD_ON_TYPES",
    "CREDIT_TENORS",
    "CURVES",
    "MARGIN_TYPES",
    "PRODUCT_CLASSES",
    "RISK_CLASSES",
    "RISK_TYPES",
    "TENORS",
    "TENOR_DAYS",
    "VENUE",
    "Factor",
    "buckets_of",
    "checked",
    "factor_of",
    "instrument_of",
]

VENUE = "crif"
PRODUCT_CLASSES = ("RatesFX", "Credit", "Equity", "Commodity")
RISK_CLASSES = (
    "InterestRate",
    "CreditQualifying",
    "CreditNonQualifying",
    "Equity",
    "Commodity",
    "FX",
)
MARGIN_TYPES = ("Delta", "Vega", "Curvature", "BaseCorr")
# Calendar days of a tenor: a year has 365, its twelfth is a month.
TENOR_DAYS = {
    "2w": 14.0,
    "1m": 365.0 / 12.0,
    "3m": 365.0 / 4.0,
    "6m": 365.0 / 2.0,
    "1y": 365.0,
    "2y": 730.0,
    "3y": 1095.0,
    "5y": 1825.0,
    "10y": 3650.0,
    "15y": 5475.0,
    "20y": 7300.0,
    "30y": 10950.0,
}
TENORS = tuple(TENOR_DAYS)
CREDIT_TENORS = ("1y", "2y", "3y", "5y", "10y")
CURVES = ("OIS", "Libor1m", "Libor3m", "Libor6m", "Libor12m", "Prime", "Municipal")

# Risk type -> (risk class, whether it is a volatility).
RISK_TYPES: dict[str, tuple[str, bool]] = {
    "Risk_IRCurve": ("InterestRate", False),
    "Risk_Inflation": ("InterestRate", False),
    "Risk_XCcyBasis": ("InterestRate", False),
    "Risk_IRVol": ("InterestRate", True),
    "Risk_InflationVol": ("InterestRate", True),
    "Risk_CreditQ": ("CreditQualifying", False),
    "Risk_BaseCorr": ("CreditQualifying", False),
    "Risk_CreditVol": ("CreditQualifying", True),
    "Risk_CreditNonQ": ("CreditNonQualifying", False),
    "Risk_CreditVolNonQ": ("CreditNonQualifying", True),
    "Risk_Equity": ("Equity", False),
    "Risk_EquityVol": ("Equity", True),
    "Risk_Commodity": ("Commodity", False),
    "Risk_CommodityVol": ("Commodity", True),
    "Risk_FX": ("FX", False),
    "Risk_FXVol": ("FX", True),
}
ADD_ON_TYPES = (
    "Param_ProductClassMultiplier",
    "Param_AddOnNotionalFactor",
    "Param_AddOnFixedAmount",
    "Notional",
)
_BUCKETS = {
    "CreditQualifying": (*map(str, range(1, 13)), "Residual"),
    "CreditNonQualifying": ("1", "2", "Residual"),
    "Equity": (*map(str, range(1, 13)), "Residual"),
    "Commodity": tuple(map(str, range(1, 18))),
}
_CODE = re.compile(r"[A-Z]{3}")
_PAIR = re.compile(r"[A-Z]{6}")


@dataclass(frozen=True, slots=True, order=True)
class Factor:
    """One risk factor, or one parameter line of an add-on; the fields of the file, as written."""

    product_class: str
    risk_type: str
    qualifier: str = ""
    bucket: str = ""
    label1: str = ""
    label2: str = ""

    @property
    def native_id(self) -> str:
        """The fields joined by ``|``; a bar or percent sign inside a field is escaped."""
        parts = (
            self.product_class,
            self.risk_type,
            self.qualifier,
            self.bucket,
            self.label1,
            self.label2,
        )
        return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)

    @property
    def risk_class(self) -> str:
        """Risk class of a sensitivity; empty for a parameter line."""
        return RISK_TYPES[self.risk_type][0] if self.risk_type in RISK_TYPES else ""

    @property
    def volatility(self) -> bool:
        """Whether the line is a vega."""
        return self.risk_type in RISK_TYPES and RISK_TYPES[self.risk_type][1]


@lru_cache(maxsize=65536)
def factor_of(native_id: str) -> Factor:
    """The factor of a native id; the reverse of :attr:`Factor.native_id`, checked.

    Raises InputError ``instrument_unknown`` if the text has not six parts, else as :func:`checked`.
    """
    parts = [part.replace("%7C", "|").replace("%25", "%") for part in native_id.split("|")]
    if len(parts) != 6:
        raise InputError(
            "instrument_unknown",
            "not the name of a risk factor",
            value=native_id,
            limit="product class|risk type|qualifier|bucket|label 1|label 2",
            remedy="Read the sensitivity file again.",
        )
    return checked(Factor(*parts), native_id)


def instrument_of(factor: Factor) -> Instrument:
    """The contract of kind FACTOR: dollars in, dollars out; a quantity of 1 is one dollar."""
    return Instrument(VENUE, factor.native_id, Kind.FACTOR, "USD", "USD", "USD")


def buckets_of(risk_type: str) -> tuple[str, ...]:
    """The buckets that a risk type can name; empty where it has none or the currency decides."""
    if risk_type not in RISK_TYPES or risk_type == "Risk_BaseCorr":
        return ()
    return _BUCKETS.get(RISK_TYPES[risk_type][0], ())


def _refused(
    code: str, message: str, place: str, value: str, limit: str, remedy: str
) -> InputError:
    return InputError(code, message, place=place, value=value, limit=limit, remedy=remedy)


def checked(factor: Factor, place: str) -> Factor:
    """The factor if every field is one that its risk type knows.

    Raises InputError ``option_unknown`` (risk type, product class, bucket, tenor, sub-curve),
    ``currency_unknown`` or ``column_missing`` (no qualifier), each naming ``place``.
    """
    kind = factor.risk_type
    if kind in ADD_ON_TYPES:
        return _checked_add_on(factor, place)
    if kind not in RISK_TYPES:
        known = ", ".join((*RISK_TYPES, *ADD_ON_TYPES))
        raise _refused(
            "option_unknown", "unknown risk type", place, kind, known, "Correct RiskType."
        )
    if factor.product_class not in PRODUCT_CLASSES:
        raise _refused(
            "option_unknown",
            "unknown product class",
            place,
            factor.product_class,
            ", ".join(PRODUCT_CLASSES),
            "Correct ProductClass.",
        )
    if not factor.qualifier:
        raise _refused(
            "column_missing",
            "a sensitivity names what it is to",
            place,
            "",
            "a currency, pair, issuer or name",
            "Give Qualifier.",
        )
    _check_currency(factor, place)
    _check_labels(factor, place)
    known_buckets = buckets_of(kind)
    if known_buckets and factor.bucket not in known_buckets:
        raise _refused(
            "option_unknown",
            f"{kind} has no such bucket",
            place,
            factor.bucket,
            ", ".join(known_buckets),
            "Correct Bucket.",
        )
    return factor


def _checked_add_on(factor: Factor, place: str) -> Factor:
    kind = factor.risk_type
    if kind == "Param_ProductClassMultiplier" and factor.qualifier not in PRODUCT_CLASSES:
        raise _refused(
            "option_unknown",
            "a multiplier names a product class as its qualifier",
            place,
            factor.qualifier,
            ", ".join(PRODUCT_CLASSES),
            "Correct Qualifier.",
        )
    if kind in ("Param_AddOnNotionalFactor", "Notional") and not factor.qualifier:
        raise _refused(
            "column_missing",
            "a notional and its factor name a product",
            place,
            "",
            "the name of the product",
            "Give Qualifier.",
        )
    return factor


def _check_currency(factor: Factor, place: str) -> None:
    risk_class, vol = RISK_TYPES[factor.risk_type]
    if risk_class not in ("InterestRate", "FX"):
        return
    shape, limit = (_PAIR, "two codes of three letters, such as EURUSD")
    if risk_class == "InterestRate" or not vol:
        shape, limit = (_CODE, "a code of three capital letters, such as USD")
    if not shape.fullmatch(factor.qualifier):
        raise _refused(
            "currency_unknown",
            "not a currency code" if shape is _CODE else "not a pair of currency codes",
            place,
            factor.qualifier,
            limit,
            "Correct Qualifier.",
        )


def _check_labels(factor: Factor, place: str) -> None:
    risk_class, vol = RISK_TYPES[factor.risk_type]
    known: tuple[str, ...] = ()
    if vol or factor.risk_type == "Risk_IRCurve":
        known = CREDIT_TENORS if risk_class.startswith("Credit") else TENORS
    elif factor.risk_type in ("Risk_CreditQ", "Risk_CreditNonQ"):
        known = CREDIT_TENORS
    if known and factor.label1 not in known:
        raise _refused(
            "option_unknown",
            f"{factor.risk_type} has no such tenor",
            place,
            factor.label1,
            ", ".join(known),
            "Correct Label1.",
        )
    if factor.risk_type == "Risk_IRCurve" and factor.label2 not in CURVES:
        raise _refused(
            "option_unknown",
            "unknown sub-curve",
            place,
            factor.label2,
            ", ".join(CURVES),
            "Correct Label2.",
        )
