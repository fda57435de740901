"""The commitment: a plain twin gives the same root, and any changed field breaks it."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.commitment import (
    commit,
    proof_of,
    proof_verified,
    verified,
)
from crossmargin.core.errors import InputError

RECORDS: dict[str, Any] = {
    "position/a/BTC": {"quantity": -2.0, "entry_price": 68_000.5, "known": True},
    "position/a/USDC": {"quantity": 100.0, "entry_price": None},
    "result/a": {"im_usd": 1234.5, "legs": [{"name": "x", "usd": 1.0}, {"name": "y", "usd": 2.0}]},
    "head": {"as_of": "2026-07-03T06:00:00Z"},
    "totals": 7,
}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.text(min_size=1), values, min_size=1, max_size=20)


def plain_root(records: dict[str, Any]) -> str:
    """The definition as RFC 6962 writes it, with this project's tags, by plain recursion."""

    def sha(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    def tree(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        k = 1
        while 2 * k < len(leaves):
            k *= 2
        return sha(b"crossmargin/node/1\0", tree(leaves[:k]), tree(leaves[k:]))

    leaves = [
        sha(
            b"crossmargin/leaf/1\0\0",
            json.dumps([path, records[path]], sort_keys=True, separators=(",", ":")).encode(),
        )
        for path in sorted(records)
    ]
    count = len(leaves).to_bytes(8, "big")
    return sha(b"crossmargin/root/1\0", count, tree(leaves)).hex()


@given(tables)
def test_the_root_is_that_of_a_plain_twin(records: dict[str, Any]) -> None:
    assert commit(records).root == plain_root(records)
    assert verified(commit(records), dict(reversed(records.items())))


@given(tables, st.text(max_size=4))
def test_every_record_has_a_proof(records: dict[str, Any], secret: str) -> None:
    root = commit(records, secret).root
    for path in records:
        proof = proof_of(records, path, secret)
        assert proof_verified(root, proof)
        assert len(proof.sisters) <= math.ceil(math.log2(len(records))) if len(records) > 1 else 1


def fields_of(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a plain value, containers included."""
    if isinstance(value, dict):
        inner = [each for key, part in value.items() for each in fields_of(part, (*place, key))]
        return [place, *inner]
    if isinstance(value, list):
        inner = [each for k, part in enumerate(value) for each in fields_of(part, (*place, k))]
        return [place, *inner]
    return [place]


def changed(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return "x"
    if isinstance(value, float):
        return math.nextafter(value, math.inf)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + " "
    return {**value, "more": 1} if isinstance(value, dict) else [*value, 1]


@pytest.mark.parametrize("place", fields_of(RECORDS)[1:], ids=str)
def test_any_changed_field_breaks_verification(place: tuple[Any, ...]) -> None:
    made = commit(RECORDS)
    other = copy.deepcopy(RECORDS)
    inside = other
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = changed(inside[place[-1]])
    assert not verified(made, other)
    wrong = replace(proof_of(RECORDS, place[0]), value=other[place[0]])
    assert not proof_verified(made.root, wrong)


def test_a_record_more_or_less_breaks_verification() -> None:
    made = commit(RECORDS)
    assert verified(made, RECORDS)
    assert not verified(made, {**RECORDS, "more": 1})
    assert not verified(made, {k: v for k, v in RECORDS.items() if k != "head"})
    assert not verified(made, {})


def test_a_proof_that_is_tampered_with_fails() -> None:
    made, proof = commit(RECORDS), proof_of(RECORDS, "result/a")
    turned = tuple((text, not left) for text, left in proof.sisters)
    wrong = [
        replace(proof, path="result/b"),
        replace(proof, salt="00"),
        replace(proof, salt="zz"),
        replace(proof, count=proof.count + 1),
        replace(proof, sisters=proof.sisters[:-1]),
        replace(proof, sisters=turned),
        replace(proof, value=math.nan),
    ]
    assert proof_verified(made.root, proof)
    assert not [each for each in wrong if proof_verified(made.root, each)]
    assert not proof_verified("00" * 32, proof)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    """Domain tags: the inner node's content as a record has another hash than the node."""
    made = commit({"a": 1, "b": 2})
    inner = "".join(made.leaves)
    assert commit({inner: None}).root != made.root


def test_salted_leaves_hide_equal_records() -> None:
    one, two = commit(RECORDS, "s"), commit(RECORDS, "t")
    assert one.salted
    assert not set(one.leaves) & set(two.leaves)
    assert verified(one, RECORDS, "s")
    assert not verified(one, RECORDS)


def test_what_cannot_be_committed_to() -> None:
    with pytest.raises(InputError, match="book_empty"):
        commit({})
    for value in (math.nan, math.inf, object()):
        with pytest.raises(InputError, match="number_not_finite"):
            commit({"a": {"b": value}})
    with pytest.raises(InputError, match="option_unknown"):
        proof_of(RECORDS, "nowhere")
