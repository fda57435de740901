from __future__ import annotations

import os
import subprocess
import sys

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin import ALL_MODELS, model_named
from tests.tidy.source import REPOSITORY


def test_names_are_distinct_and_lead_back() -> None:
    names = [model.spec.name for model in ALL_MODELS]
    assert len(set(names)) == len(names)
    for model in ALL_MODELS:
        assert model_named(model.spec.name) is model
        assert model_named(f"{model.spec.name}@{model.spec.version}") is model
        assert model_named(model.spec.standard).spec.standard in names


def test_the_models_of_the_first_version_are_there() -> None:
    names = {model.spec.name for model in ALL_MODELS}
    wanted = {"deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "paradex-pm", "fixed-rate"}
    assert wanted <= names


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError) as caught:
        model_named("deribit-pm")
    assert caught.value.code == "model_unknown"
    assert "deribit-spm" in caught.value.limit


def test_an_unknown_version_is_refused_with_the_known_one() -> None:
    with pytest.raises(InputError) as caught:
        model_named("derive-pm2@v1")
    assert caught.value.code == "version_unknown"
    assert caught.value.limit == "v2"


def test_members_behave_as_a_tuple() -> None:
    assert len(ALL_MODELS) == len(ALL_MODELS.names) == len(list(ALL_MODELS))
    assert ALL_MODELS[0] is model_named(ALL_MODELS.names[0])
    assert ALL_MODELS[1:3] == tuple(ALL_MODELS)[1:3]
    assert [model.spec.name for model in ALL_MODELS] == list(ALL_MODELS.names)
    assert model_named("fixed-rate") in ALL_MODELS


def test_a_member_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from crossmargin.margin import model_named; model_named('fixed-rate');"
        "print([n for n in sys.modules if n.startswith('crossmargin.margin.models.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['crossmargin.margin.models.fixed_rate']"
