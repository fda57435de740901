"""The verb models: what the register holds, of this package and of others; one model in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.explanation import rule_figures
from crossmargin.interfaces.results import ModelCard, ModelList
from crossmargin.margin import outside
from crossmargin.margin.model import Extent, Fidelity, MarginModel, Standing
from crossmargin.margin.parameter_files import Parameters, available
from crossmargin.margin.register import ALL_MODELS, model_named

__all__ = ["models"]


def models(name: str | None = None) -> ModelList | ModelCard:
    """The models that are known; with a name, that model's rules, readings, gaps and numbers."""
    if name is not None:
        return ModelCard(_card(model_named(name)))
    others = outside.found(ALL_MODELS.names)
    chosen = (*ALL_MODELS, *others.models)
    return ModelList(
        {
            "verb": "models",
            "models": [_list_figures(each) for each in chosen],
            "totals": _totals(chosen),
            "failures": [
                {"subject": f.subject, "code": f.code, "reason": f.reason} for f in others.failures
            ],
        }
    )


def _list_figures(model: MarginModel) -> dict[str, Any]:
    spec = model.spec
    return {
        "model": spec.name,
        "title": spec.title,
        "family": spec.family,
        "venue": spec.venue or "any",
        "version": spec.version,
        "extent": spec.extent.value,
        "standing": spec.standing.value,
        "currency": spec.currency,
        "rules": len(spec.rules),
        "parameter_sets": len(available(spec.folder)),
        "newest_set": available(spec.folder)[-1].label,
        "standard": spec.standard,
        "package": spec.folder.partition(":")[0] if ":" in spec.folder else "crossmargin",
    }


def _totals(chosen: Sequence[MarginModel]) -> dict[str, int]:
    """Models by extent; those whose rules no venue runs are counted apart."""
    active = [each.spec for each in chosen if each.spec.standing is Standing.ACTIVE]
    counts = {extent.value: sum(spec.extent is extent for spec in active) for extent in Extent}
    return {"active": len(active), **counts, "not_counted": len(chosen) - len(active)}


def _card(model: MarginModel) -> dict[str, Any]:
    spec = model.spec
    return {
        "verb": "models",
        "model": spec.name,
        "title": spec.title,
        "family": spec.family,
        "venue": spec.venue or "any",
        "version": spec.version,
        "extent": spec.extent.value,
        "standing": spec.standing.value,
        "known": _known(model),
        "currency": spec.currency,
        "scale": spec.scale.value,
        "balance_side": spec.balance_side,
        "has_im": spec.has_im,
        "kinds": [kind.name.lower() for kind in spec.kinds],
        "maps_from": list(spec.maps_from),
        "standard": spec.standard,
        "rules": [rule_figures(rule) for rule in spec.rules],
        "readings": {name: list(values) for name, values in spec.readings.items()},
        "unknown": list(spec.unknown),
        "parameter_sets": [_set_figures(found) for found in available(spec.folder)],
    }


def _known(model: MarginModel) -> list[dict[str, Any]]:
    """Rules by how well they are known, for the kinds that the model takes."""
    out = []
    for level in Fidelity:
        rules = []
        for rule in model.spec.rules:
            kinds = list(Kind) if isinstance(rule.fidelity, Fidelity) else list(rule.fidelity)
            fit = [kind for kind in kinds if rule.known(kind) is level]
            if fit:
                part = (
                    ""
                    if len(fit) == len(kinds)
                    else " ({})".format(", ".join(kind.name.lower() for kind in fit))
                )
                rules.append(rule.name + part)
        if rules:
            out.append({"fidelity": level.value, "rules": rules})
    return out


def _set_figures(found: Parameters) -> dict[str, Any]:
    return {
        "set": found.label,
        "date": found.date_text,
        "announced_at": None if found.announced_ms is None else format_ms(found.announced_ms),
        "effective_from": None if found.effective_ms is None else format_ms(found.effective_ms),
        "effective_for": found.effective_for.text,
        "version": found.version,
        "source": found.source,
        "sha256": found.sha256,
        "entries": [
            {
                "name": name,
                "value": entry.value,
                "unit": entry.unit,
                "low": entry.low,
                "high": entry.high,
                "choices": list(entry.choices),
                "source": entry.source,
            }
            for name, entry in found.entries.items()
        ],
    }
