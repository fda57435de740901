"""Every bit of every model's answer on one book, as a hash a line: run it in another process."""

from __future__ import annotations

import hashlib

from crossmargin.conformance.checks import answers, margined
from crossmargin.conformance.world import answering, random_book, subject_of
from crossmargin.margin import ALL_MODELS


def fingerprints() -> list[str]:
    """``model parameters hash`` of each registered model that has a formula."""
    out = []
    for model in answering(ALL_MODELS):
        subject = subject_of(model)
        found = margined(subject, random_book(subject, 21), threads=2, block=16)
        sha = hashlib.sha256(repr(sorted(answers(found).items())).encode())
        sha.update(repr([column.name for column in found.sheet.columns]).encode())
        out.append(f"{subject.name} {found.parameters.sha256} {sha.hexdigest()}")
    return out


if __name__ == "__main__":
    print("\n".join(fingerprints()))
