"""A Merkle commitment to positions and results: any changed field no longer fits the root.

Leaves are records (a path and a value as canonical JSON) in order of path. With ``‖`` for
concatenation and domain tags that keep leaves, nodes and roots apart,

    leaf = sha256("crossmargin/leaf/1\\0" ‖ length of salt ‖ salt ‖ record)
    node = sha256("crossmargin/node/1\\0" ‖ left ‖ right)
    root = sha256("crossmargin/root/1\\0" ‖ number of leaves ‖ top)

and the tree of n leaves splits at the largest power of two below n (RFC 6962, section 2.1). A proof
of inclusion is the sister nodes from leaf to top. The commitment is tamper-evident, no more: it
says nothing about whether a record is true, and hides a record only as far as the salt is secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossmargin.core.errors import InputError

__all__ = ["Commitment", "Proof", "commit", "proof_of", "proof_verified", "verified"]

_LEAF = b"crossmargin/leaf/1\0"
_NODE = b"crossmargin/node/1\0"
_ROOT = b"crossmargin/root/1\0"


@dataclass(frozen=True, slots=True)
class Commitment:
    """``root`` commits to ``paths`` in their order; ``leaves`` are the hashes, all in hex."""

    root: str
    paths: tuple[str, ...]
    leaves: tuple[str, ...]
    salted: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """One record, its salt and the sisters from leaf to top: (hex, whether it stands left)."""

    path: str
    value: Any
    salt: str
    count: int
    sisters: tuple[tuple[str, bool], ...]


def commit(records: Mapping[str, Any], secret: str = "") -> Commitment:
    """The commitment to records (path -> plain value). ``secret`` salts each leaf by its path.

    Raises InputError ``book_empty`` for no record, ``number_not_finite`` for a value that is not a
    plain JSON value.
    """
    if not records:
        raise InputError("book_empty", "no record to commit to", remedy="Give at least one.")
    paths = tuple(sorted(records))
    leaves = [_leaf(path, records[path], _salt(secret, path)) for path in paths]
    root = _rooted(len(leaves), _top(leaves))
    return Commitment(root.hex(), paths, tuple(leaf.hex() for leaf in leaves), bool(secret))


def verified(commitment: Commitment, records: Mapping[str, Any], secret: str = "") -> bool:
    """Whether the records are those that were committed to, all of them and no other."""
    if not records:
        return False
    return commit(records, secret).root == commitment.root


def proof_of(records: Mapping[str, Any], path: str, secret: str = "") -> Proof:
    """The proof that a record is under the root; InputError ``option_unknown`` for no such path."""
    if path not in records:
        raise InputError(
            "option_unknown",
            "no record of that path is committed to",
            value=path,
            limit=", ".join(sorted(records)[:8]),
            remedy="Name one of the records.",
        )
    paths = sorted(records)
    leaves = [_leaf(each, records[each], _salt(secret, each)) for each in paths]
    sisters = tuple(_sisters(leaves, paths.index(path)))
    return Proof(path, records[path], _salt(secret, path).hex(), len(leaves), sisters)


def proof_verified(root: str, proof: Proof) -> bool:
    """Whether the record stands under the root; any changed field of either gives False."""
    try:
        at = _leaf(proof.path, proof.value, bytes.fromhex(proof.salt))
        sisters = [(bytes.fromhex(text), left) for text, left in proof.sisters]
    except (InputError, ValueError):
        return False
    for sister, left in sisters:
        at = _node(sister, at) if left else _node(at, sister)
    return _rooted(proof.count, at).hex() == root


def _salt(secret: str, path: str) -> bytes:
    """Empty without a secret; else a salt of its own for every leaf, so that one may be shown."""
    return hmac.digest(secret.encode(), path.encode(), "sha256") if secret else b""


def _leaf(path: str, value: Any, salt: bytes) -> bytes:
    try:
        record = json.dumps([path, value], sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as cause:
        raise InputError(
            "number_not_finite",
            f"a record is no plain value ({cause})",
            place=path,
            remedy="Commit to texts, finite numbers, lists and mappings.",
        ) from None
    return hashlib.sha256(_LEAF + len(salt).to_bytes(1, "big") + salt + record.encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def _rooted(count: int, top: bytes) -> bytes:
    return hashlib.sha256(_ROOT + count.to_bytes(8, "big") + top).digest()


def _split(count: int) -> int:
    """The largest power of two below the count."""
    return 1 << (count - 1).bit_length() - 1


def _top(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    at = _split(len(leaves))
    return _node(_top(leaves[:at]), _top(leaves[at:]))


def _sisters(leaves: Sequence[bytes], place: int) -> list[tuple[str, bool]]:
    """From the leaf upwards: the other half's top, and whether it stands left."""
    if len(leaves) == 1:
        return []
    at = _split(len(leaves))
    if place < at:
        return [*_sisters(leaves[:at], place), (_top(leaves[at:]).hex(), False)]
    return [*_sisters(leaves[at:], place - at), (_top(leaves[:at]).hex(), True)]
