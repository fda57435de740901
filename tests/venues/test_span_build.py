"""What readers of SPAN files collect: contracts join commodities, names are single, money."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import standard_points
from crossmargin.margin.families.span_terms import Commodity, Contract
from crossmargin.venues.span_build import CommodityDraft, Draft, Link

POINTS = standard_points(2.0, 0.35)
PRODUCT = "EX", "1"


def draft(*links: Link, exponent: int = 0) -> Draft:
    out = Draft()
    for name in ("c", "c"):
        out.add(Contract(name, "", "202601", 0.5, scale=2.0), [1.0] * 16, PRODUCT, "FUT")
    out.commodities.append(CommodityDraft(Commodity("X", som_rate=3.0), links, exponent))
    return out


def test_contracts_join_their_commodity_with_its_scale() -> None:
    file = draft(Link(PRODUCT, "FUT", 4.0, array_factor=0.1), exponent=1).file(POINTS, "here")
    assert [c.name for c in file.contracts] == ["c", "c#2"]
    assert (file.contracts[0].commodity, file.contracts[0].delta) == ("X", 4.0)
    assert file.contracts[0].scale == 8.0
    assert file.losses[0, 0] == pytest.approx(1.0)
    assert file.commodities[0].som_rate == 30.0


def test_a_link_of_the_type_comes_before_one_of_any() -> None:
    file = draft(Link(PRODUCT, "", 4.0), Link(PRODUCT, "FUT", 5.0)).file(POINTS, "here")
    assert file.contracts[0].delta == 5.0
    other = draft(Link(PRODUCT, "OOF")).file(POINTS, "here")
    assert other.contracts[0].commodity == ""
    assert other.notes == ("2 contracts of no combined commodity",)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(InputError, match="file_unreadable"):
        Draft().file(POINTS, "here")
