"""What a model says of one row beside its sheet: tables when asked, warnings always."""

from __future__ import annotations

from crossmargin.margin.model import Detail, Details, PoolBook, Priced, Requirement, Warns
from crossmargin.margin.pools import cut

__all__ = ["details_of", "stage_of", "warnings_of"]


def stage_of(requirement: Requirement, row: int) -> tuple[Priced, PoolBook]:
    """The priced pool of a row, and its account alone."""
    number = int(requirement.sheet.pool[row])
    account = int(requirement.sheet.account[row])
    pool = requirement.plan.pools[number]
    held = cut(requirement.book.rows(account, account + 1), pool, account)
    return requirement.priced[number], held


def details_of(requirement: Requirement, row: int) -> tuple[Detail, ...]:
    """The model's own tables of one row; none of most models."""
    model = requirement.via
    if not isinstance(model, Details):
        return ()
    return model.details(*stage_of(requirement, row), requirement.parameters)


def warnings_of(requirement: Requirement, row: int) -> tuple[str, ...]:
    """What the model says of one row whether it is asked or not; nothing of most models."""
    model = requirement.via
    if not isinstance(model, Warns):
        return ()
    return model.warnings(*stage_of(requirement, row), requirement.parameters)
