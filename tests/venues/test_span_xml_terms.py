"""One commodity and its spreads in XML: words, flags, rates of other accounts, spreads refused."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_terms import DeltaSpread, ScanSpread
from crossmargin.venues.span_xml_terms import commodity_of, inter_spreads_of, text_of

LEGS = "<tLeg><cc>X</cc><tn>0</tn><rs>{}</rs><i>1</i></tLeg>"
BOTH = LEGS.format("A") + LEGS.format("B")


def inter(text: str, rate_id: int = 1) -> tuple[DeltaSpread | ScanSpread, ...]:
    return inter_spreads_of(fromstring(f"<interSpreads>{text}</interSpreads>"), rate_id, "here")


def spread(number: int, more: str = "", rates: str = "<rate><r>1</r><val>5</val></rate>") -> str:
    method = "<chargeMeth>F</chargeMeth>"
    return f"<dSpread><spread>{number}</spread>{method}{rates}{BOTH}{more}</dSpread>"


def test_spreads_come_by_priority_and_by_the_chosen_rate() -> None:
    two = "<rate><r>1</r><val>5</val></rate><rate><r>2</r><val>7</val></rate>"
    for rate_id, expected in ((1, [5.0, 5.0]), (2, [0.0, 7.0])):
        found = inter(spread(9, rates=two) + spread(2), rate_id)
        assert [s.rate for s in found if isinstance(s, DeltaSpread)] == expected


def test_a_charge_per_month() -> None:
    rates = "<pmpsRate><r>1</r><val>0</val><pmRate>3</pmRate><psRate>4</psRate></pmpsRate>"
    legs = "".join(
        f"<pLeg><cc>X</cc><pe>{p}</pe><rs>{s}</rs><i>2</i></pLeg>"
        for p, s in (("202601", "A"), ("202603", "B"))
    )
    found = inter(f"<dSpread><spread>1</spread><chargeMeth>P</chargeMeth>{rates}{legs}</dSpread>")
    assert isinstance(found[0], DeltaSpread)
    assert (found[0].rate, found[0].month_rate) == (4.0, 3.0)
    assert [(leg.period, leg.ratio) for leg in found[0].legs] == [("202601", 2.0), ("202603", 2.0)]


def test_a_scanning_spread() -> None:
    text = (
        "<sSpread><spread>1</spread><rate><r>1</r><val>0.5</val></rate>"
        "<sLeg><cc>X</cc><isTarget>1</isTarget><isRequired>false</isRequired></sLeg></sSpread>"
    )
    found = inter(text)[0]
    assert isinstance(found, ScanSpread)
    assert (found.legs[0].rate, found.legs[0].required) == (0.5, False)
    with pytest.raises(InputError, match="sPointDef"):
        inter(text.replace("<rate>", "<sPointDef/><rate>"))
    with pytest.raises(InputError, match="neither true"):
        inter(text.replace(">false<", ">maybe<"))


@pytest.mark.parametrize("more", ["<volRate/>", "<dSpread/>", "<rpLeg/>"])
def test_spreads_of_other_kinds_are_refused(more: str) -> None:
    with pytest.raises(InputError, match="kind that is not taken"):
        inter(spread(1, more))


def commodity(more: str) -> str:
    return f"<ccDef><cc>X</cc><currency>USD</currency>{more}</ccDef>"


def test_words_of_a_commodity() -> None:
    def read(more: str) -> object:
        return commodity_of(fromstring(commodity(more)), 1, "here")

    plain = commodity_of(fromstring(commodity("")), 1, "here").terms
    assert (plain.delivery_method, plain.wfpr_method, plain.som_method) == ("01", "normal", "sum")
    rate = "<spotRate><r>1</r><pe>202601</pe><sprd>2</sprd><outr>3</outr></spotRate>"
    made = commodity_of(fromstring(commodity(rate)), 1, "here").terms
    assert made.delivery_method == "10"
    assert made.delivery[0].outright_rate == 3.0
    basis = "<spotMeth>11</spotMeth><basisRates><rate><r>1</r><val>9</val></rate></basisRates>"
    assert commodity_of(fromstring(commodity(basis)), 1, "here").terms.basis_rate == 9.0
    hvar = "<marginMeth>HVAR</marginMeth><pfLink><exch>E</exch><pfId>1</pfId><sc>1</sc></pfLink>"
    assert commodity_of(fromstring(commodity(hvar)), 1, "here").links == ()
    for bad in (
        "<riskExponent>99</riskExponent>",
        "<capAnov>2</capAnov>",
        "<wfprMeth>9</wfprMeth>",
    ):
        with pytest.raises(InputError) as caught:
            read(bad)
        assert caught.value.place.startswith("here")


def test_a_missing_child_is_named() -> None:
    with pytest.raises(InputError, match="column_missing") as caught:
        text_of(fromstring("<a><b> </b></a>"), "b", "here")
    assert caught.value.limit == "b"
    assert text_of(fromstring("<a/>"), "b", "here", "x") == "x"
