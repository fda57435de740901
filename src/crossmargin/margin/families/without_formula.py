"""A rulebook whose parts are published and whose formula is not: declared, never computed.

Such a model is registered for what is known of it. ``spec.formula_unknown`` names what is missing;
every book is refused with ModelError ``rules_unknown``, with the venue's parameters too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, final

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.model import (
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["WithoutFormula"]


@final
@dataclass(frozen=True, slots=True)
class WithoutFormula:
    """A member is its ``spec``; each step of the protocol refuses."""

    spec: ModelSpec

    def __call__(self) -> WithoutFormula:
        """Itself: the register makes its members by a call."""
        return self

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Refuses."""
        self._refuse(parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Refuses."""
        self._refuse(parameters)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """Refuses."""
        self._refuse(parameters)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Refuses."""
        self._refuse(parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """Refuses."""
        self._refuse(priced.pool.label)

    def _refuse(self, given: Parameters | str) -> NoReturn:
        raise ModelError(
            "rules_unknown",
            f"{self.spec.formula_unknown}: no number, whatever parameters are given",
            place=self.spec.name,
            value=given.label if isinstance(given, Parameters) else given,
            limit="a published formula",
            remedy=f"See `crossmargin models {self.spec.name}` for what is known.",
        )
