from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crossmargin.conformance.recorded import Recorded, RecordedVectors, read, text_of
from crossmargin.margin import ALL_MODELS
from tests.vectors import recording


def test_a_record_is_written_and_read_back_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        RecordedVectors("ours", "b.json", 1, 2, 0.0),
        RecordedVectors("live", "a.json", 3, 4, 1.5e-9),
    )
    text = text_of(Recorded(29, ("scale_law",), rows))
    content = tomllib.loads(text)
    assert content["promises"] == {"asked": 29, "broken": ["scale_law"]}
    assert [row["kind"] for row in content["vectors"]] == ["live", "ours"]
    assert text == text_of(Recorded(29, ("scale_law",), rows[::-1]))


def test_a_model_without_a_record_has_none() -> None:
    assert read("no-such-model") == Recorded()


def test_no_record_is_of_a_model_that_is_gone() -> None:
    names = {path.stem for path in recording.RECORDED.glob("*.toml")}
    assert names <= set(ALL_MODELS.names)


def test_what_a_run_sees_replaces_the_rows_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_SEEN", {})
    monkeypatch.setattr(recording, "RECORDED", tmp_path)
    recording.seen("paradex-pm", "example", "cex_vectors.json", "one", 1.0, 1.0)
    recording.seen("paradex-pm", "example", "cex_vectors.json", "one", 1.1, 1.0, 2.0)
    recording.seen("paradex-pm", "ours", "x.json", "two", 1.0, 1.0)
    (path,) = recording.written()
    content = tomllib.loads(path.read_text("utf-8"))
    assert content["promises"]["asked"] == read("paradex-pm").asked
    assert [
        (r["file"], r["cases"], r["numbers"], r["worst_error"]) for r in content["vectors"]
    ] == [
        ("cex_vectors.json", 1, 2, 0.05),
        ("x.json", 1, 1, 0.0),
    ]
