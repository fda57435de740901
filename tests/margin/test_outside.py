"""Models of other packages: found, refused with a reason, and never fatal for others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin import ALL_MODELS, model_named, outside, parameters_for
from crossmargin.margin.parameter_files import available
from crossmargin.margin.register import every_model
from tests.external import install

BUILT_IN = ALL_MODELS.names


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that is forgotten, with what was imported from it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for known in (outside._loaded, available):
        known.cache_clear()
    yield tmp_path
    for known in (outside._loaded, available):
        known.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "crossmargin_example"]:
        del sys.modules[name]


def test_a_model_is_found_by_its_entry_point_with_its_own_parameters(place: Path) -> None:
    install(place)
    model = model_named("example-flat")
    assert model.spec.name == "example-flat"
    assert model_named("example-flat@1") is model
    assert parameters_for(model, 1_796_112_000_000).number("im.share") == 0.2
    assert [each.spec.name for each in every_model()] == [*BUILT_IN, "example-flat"]
    assert outside.found(BUILT_IN).failures == ()


def test_names_are_read_without_an_import(place: Path) -> None:
    install(place)
    assert outside.names(BUILT_IN) == ("example-flat",)
    with pytest.raises(InputError) as caught:
        model_named("example-flatt")
    assert "example-flat" in caught.value.limit
    assert "crossmargin_example" not in sys.modules


def test_a_package_is_asked_for_by_either_of_its_names(place: Path) -> None:
    install(place)
    for name in ("crossmargin-example", "crossmargin_example", "Crossmargin.Example"):
        assert [m.spec.name for m in outside.of_package(name, BUILT_IN).models] == ["example-flat"]
    assert outside.of_package("numpy", BUILT_IN) == outside.Outside((), ())


FAULTS = {
    "absent = crossmargin_example.models:Absent": "AttributeError",
    "absent = no_such_package.models:Absent": "ModuleNotFoundError",
    "absent = crossmargin_example.models:OWN": "has no ModelSpec",
    "absent = crossmargin_example.models:ExampleFlat": "calls itself example-flat",
    "fixed-rate = crossmargin_example.models:ExampleFlat": "built-in",
    "absent = not an entry point": "cannot be loaded",
}


@pytest.mark.parametrize("entry", FAULTS)
def test_what_cannot_be_used_is_said_and_harms_no_other(place: Path, entry: str) -> None:
    good = "example-flat = crossmargin_example.models:ExampleFlat"
    install(place, entries=f"{good}\n{entry}")
    found = outside.found(BUILT_IN)
    assert [model.spec.name for model in found.models] == ["example-flat"]
    (failure,) = found.failures
    assert failure.code == "model_unusable"
    assert FAULTS[entry] in failure.reason
    assert "crossmargin-example" in failure.subject
    assert model_named("fixed-rate") is ALL_MODELS[-1]
    if entry.startswith("absent"):
        with pytest.raises(ModelError) as caught:
            model_named("absent")
        assert caught.value.code == "model_unusable"
        assert FAULTS[entry] in caught.value.message


def test_a_module_that_fails_on_import_is_reported(place: Path) -> None:
    install(place)
    (place / "crossmargin_example/models.py").write_text("raise RuntimeError('not today')\n")
    (failure,) = outside.found(BUILT_IN).failures
    assert "RuntimeError: not today" in failure.reason


def test_a_name_of_two_packages_is_neither_of_theirs(place: Path) -> None:
    install(place)
    install(place, name="crossmargin-twin")
    assert outside.names(BUILT_IN) == ()
    found = outside.found(BUILT_IN)
    assert found.models == ()
    assert len(found.failures) == 2
    assert all("crossmargin-example and crossmargin-twin" in f.reason for f in found.failures)


@pytest.mark.parametrize("fault", ["no file", "bad file", "folder of the built-in ones"])
def test_parameters_come_from_the_package_itself(place: Path, fault: str) -> None:
    install(place)
    own = place / "crossmargin_example/parameters/flat/2026-01-01.toml"
    if fault == "no file":
        own.unlink()
    elif fault == "bad file":
        own.write_text("model = 1\n", encoding="utf-8")
    else:
        code = place / "crossmargin_example/models.py"
        text = code.read_text("utf-8").replace('"crossmargin_example:parameters/flat"', '"flat"')
        code.write_text(text, encoding="utf-8")
    (failure,) = outside.found(BUILT_IN).failures
    assert "parameter" in failure.reason
