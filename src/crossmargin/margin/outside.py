"""Models of other packages: found by entry point, loaded when asked for, never fatal for others.

A package names its models in the group ``crossmargin.models``::

    [project.entry-points."crossmargin.models"]
    my-venue-pm = "my_package.models:MyVenuePM"

The name is the model's, the object a model or a class that is called without arguments. Its
parameter files are data of its own package: ``ModelSpec.folder`` is ``my_package:parameters/pm``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from crossmargin.core.errors import CrossMarginError, Failure, ModelError
from crossmargin.margin.model import MarginModel, ModelSpec
from crossmargin.margin.parameter_files import available

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint  # slow to import, and rarely needed

__all__ = ["GROUP", "Outside", "found", "model_named", "names", "of_package"]

GROUP = "crossmargin.models"
_STAGES = ("plan", "price", "margin", "order_need", "vector")


@dataclass(frozen=True, slots=True)
class Outside:
    """The models of other packages that can be used, and what is wrong with the rest."""

    models: tuple[MarginModel, ...]
    failures: tuple[Failure, ...]


def _entries() -> tuple[EntryPoint, ...]:
    """Entry points of the group, in one order whatever the order of the paths."""
    from importlib.metadata import entry_points  # a built-in model's name never comes here

    return tuple(sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value, _package(e))))


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else _root(entry)


def _root(entry: EntryPoint) -> str:
    """The import package; read from the text, which may be no proper entry point."""
    return entry.value.partition(":")[0].partition(".")[0].strip()


def names(taken: Sequence[str]) -> tuple[str, ...]:
    """Names that can be asked for, without an import: those that two packages claim are none's."""
    counts = Counter(entry.name for entry in _entries())
    return tuple(name for name, count in counts.items() if count == 1 and name not in taken)


def found(taken: Sequence[str]) -> Outside:
    """Every model of other packages; ``taken`` are the names of the built-in ones."""
    return _tried(_entries(), taken)


def _tried(entries: Iterable[EntryPoint], taken: Sequence[str]) -> Outside:
    models: list[MarginModel] = []
    failures: list[Failure] = []
    for entry in entries:
        try:
            models.append(_usable(entry, taken))
        except ModelError as error:
            subject = f"{entry.name} of {_package(entry)}"
            failures.append(Failure(subject, error.code, error.message))
    return Outside(tuple(models), tuple(failures))


def model_named(name: str, taken: Sequence[str]) -> MarginModel | None:
    """The model of that name, None where no package has one; ModelError ``model_unusable``."""
    for entry in _entries():
        if entry.name == name:
            return _usable(entry, taken)
    return None


def of_package(package: str, taken: Sequence[str]) -> Outside:
    """The models of one distribution (or import package); nothing at all where it has none."""
    wanted = _plain(package)
    own = [
        entry for entry in _entries() if wanted in (_plain(_package(entry)), _plain(_root(entry)))
    ]
    return _tried(own, taken)


def _plain(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _usable(entry: EntryPoint, taken: Sequence[str]) -> MarginModel:
    """The model of an entry point; a name that is taken or claimed twice is nobody's."""
    if entry.name in taken:
        raise _unusable(entry, _package(entry), "the name is a built-in model's")
    claims = [_package(other) for other in _entries() if other.name == entry.name]
    if len(claims) > 1:
        raise _unusable(entry, _package(entry), f"the name is claimed by {' and '.join(claims)}")
    return _loaded(entry.name, entry.value, _package(entry))


@cache
def _loaded(name: str, value: str, package: str) -> MarginModel:
    from importlib.metadata import EntryPoint

    entry = EntryPoint(name, value, GROUP)
    try:
        made = entry.load()
        made = made() if isinstance(made, type) else made
    except Exception as cause:  # a stranger's module may fail in any way
        reason = f"it cannot be loaded: {type(cause).__name__}: {cause}"
        raise _unusable(entry, package, reason) from cause
    _check(entry, package, made)
    return cast("MarginModel", made)


def _unusable(entry: EntryPoint, package: str, reason: str) -> ModelError:
    return ModelError(
        "model_unusable",
        reason,
        place=f"{entry.name} = {entry.value} of package {package}",
        remedy="Mend or remove the package; the other models are not affected.",
    )


def _check(entry: EntryPoint, package: str, made: Any) -> None:
    """A model has a spec of the entry's name, the five stages and parameter files of its own."""
    spec = getattr(made, "spec", None)
    if not isinstance(spec, ModelSpec):
        raise _unusable(entry, package, "the object has no ModelSpec as its `spec`")
    if spec.name != entry.name:
        raise _unusable(entry, package, f"the model calls itself {spec.name}")
    missing = [stage for stage in _STAGES if not callable(getattr(made, stage, None))]
    if missing:
        raise _unusable(entry, package, f"the model lacks {', '.join(missing)}")
    if ":" not in spec.folder:
        raise _unusable(entry, package, "its parameter folder is not `package:folder`")
    try:
        sets = available(spec.folder)
    except (CrossMarginError, OSError, ModuleNotFoundError) as cause:
        raise _unusable(entry, package, f"its parameter files cannot be read: {cause}") from cause
    if not sets:
        raise _unusable(entry, package, f"{spec.folder} holds no parameter file")
