"""Margin: what must be held. A model is numbers (dated parameter files) plus a few lines.

A model plans (pools), prices (scenario sets and risk arrays) and margins (any block of accounts);
its answer is a sheet whose columns are leaves with their rule, or operators over other columns.
"""

from crossmargin.margin.model import (
    Bound,
    EquitySource,
    Fidelity,
    MarginModel,
    ModelSpec,
    Requirement,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.register import ALL_MODELS, model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.sheet import Node, Sheet

__all__ = [
    "ALL_MODELS",
    "Bound",
    "EquitySource",
    "Fidelity",
    "MarginModel",
    "ModelSpec",
    "Node",
    "Parameters",
    "Requirement",
    "Rule",
    "ScaleLaw",
    "Sheet",
    "model_named",
    "parameters_for",
    "run",
]
