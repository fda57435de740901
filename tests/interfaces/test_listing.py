from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces import listing
from crossmargin.interfaces.tables import plain_text
from crossmargin.margin import ALL_MODELS, model_named
from crossmargin.margin.model import Extent, Standing


def test_models_are_listed_with_extent_and_standing() -> None:
    found = xm.models().to_dict()
    assert [row["model"] for row in found["models"]] == list(ALL_MODELS.names)
    for row, model in zip(found["models"], ALL_MODELS, strict=True):
        assert row["extent"] == model.spec.extent.value
        assert row["standing"] == model.spec.standing.value
        assert row["package"] == "crossmargin"
    assert found["failures"] == []


def test_models_that_no_venue_runs_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import dataclass, replace

    @dataclass
    class Other:
        spec: object

    base = model_named("fixed-rate").spec
    chosen = [
        Other(replace(base, extent=Extent.AT_LEAST)),
        Other(replace(base, extent=Extent.REFUSED, standing=Standing.HISTORICAL)),
        Other(replace(base, standing=Standing.DORMANT)),
        Other(base),
    ]
    assert listing._totals(chosen) == {
        "active": 2,
        "complete": 1,
        "at_least": 1,
        "refused": 0,
        "not_counted": 2,
    }


def test_a_model_says_what_is_known_from_where_and_what_is_not() -> None:
    card = xm.models("paradex-pm").to_dict()
    known = {row["fidelity"]: row["rules"] for row in card["known"]}
    assert known["exact"] == ["min_delta"]
    assert "scan (option)" in known["inferred"]
    assert "scan (perpetual)" in known["stated"]
    assert all(rule["source"] for rule in card["rules"])
    assert card["unknown"]
    text = plain_text(xm.models("paradex-pm").document())
    for word in ("extent complete", "standing active", "what is known", "not known"):
        assert word in text


def test_a_version_that_is_not_known_is_refused() -> None:
    assert xm.models("derive-pm2@v2").to_dict()["version"] == "v2"
    with pytest.raises(InputError, match="version_unknown"):
        xm.models("derive-pm2@v9")
