"""An attribution as plain values: notes say what a reader must know."""

from __future__ import annotations

from crossmargin.interfaces.attribute import attribute


def test_notes() -> None:
    found = attribute("sample:market-maker", "sample:market", "deribit-sm", by="desk,strategy")
    notes = " ".join(found.figures["notes"])
    assert "size is charged" in notes
    assert "Owen's value" in notes
    assert found.figures["tie"] is None


def test_a_book_on_a_kink_says_so() -> None:
    """Long and short of one perpetual by two desks: the net is nothing."""
    desk = {"account": "a", "venue": "deribit", "instrument": "BTC_USDC-PERPETUAL"}
    rows = [
        {**desk, "quantity": 1, "tag.desk": "one"},
        {**desk, "quantity": -1, "tag.desk": "two"},
        {**desk, "instrument": "BTC_USDC-25SEP26-80000-C", "quantity": 0.001, "tag.desk": "one"},
    ]
    found = attribute(rows, "sample:market", "fixed-rate")
    assert found.figures["tie"] is not None
    assert any("stands on a kink" in note for note in found.figures["notes"])


def test_the_worst_scenarios_and_marginals_are_there() -> None:
    figures = attribute("sample:market-maker", "sample:market", "deribit-spm").figures
    assert [each["pool"] for each in figures["worst"]] == ["BTC", "ETH"]
    for each in figures["worst"]:
        assert each["gap"] == each["loss"] - each["runner_up_loss"]
        parts = [own["loss"] for own in figures["greeks"] if own["pool"] == each["pool"]]
        assert abs(sum(parts) - each["loss"]) <= 1e-9 * each["loss"]
    own = {each["instrument"]: each for each in figures["marginal"]}
    total = sum(each["component"] for each in own.values())
    assert abs(total + figures["euler_fixed"] - figures["positions"]) < 1e-6 * total
