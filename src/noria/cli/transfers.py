"""Importers, exporters and readers of foreign projects, as installed packages declare them.

Entry points: `noria.importers`, `noria.exporters`, `noria.projects`.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from noria.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from noria.project.foreign import ProjectReader
    from noria.tracking.transfer import Exporter, Importer

_SPECIFIC = ("wandb", "clearml", "comet", "neptune", "mlflow-files", "mlflow-database", "tensorboard")
"""The order in which a source is looked at: who demands more of it first. W&B's folders may hold event files."""


def choose_importer(source: str, kind: str = "") -> Importer:
    """The importer of that kind, or the first that recognises the source. Raises NotFound, BadInput."""
    names = _names("noria.importers")
    if kind:
        if kind not in names:
            raise NotFound("importer", kind, names)
        found: Importer = names[kind].load()
        return found
    known = [name for name in _SPECIFIC if name in names]
    for name in [*known, *(other for other in sorted(names) if other not in known)]:
        one: Importer = names[name].load()
        if one.recognises(source):
            return one
    if any(one.load().recognises(source) for one in _names("noria.projects").values()):
        raise BadInput(
            f"{source!r} has no runs: it is a project", hint=f"make one of ours: noria init DIR --from {source}"
        )
    raise BadInput(
        f"{source!r} is nothing that an importer knows",
        hint=f"is it there? Say what it is with --from: {', '.join(sorted(names))}",
    )


def choose_project_reader(source: str, kind: str = "") -> ProjectReader:
    """The reader of foreign projects of that kind, or the first that recognises the source. Raises BadInput."""
    readers: list[ProjectReader] = [one.load() for _, one in sorted(_names("noria.projects").items())]
    for one in readers:
        if one.kind == kind or (not kind and one.recognises(source)):
            return one
    known = "; ".join(f"{one.kind}: {one.title}" for one in readers)
    raise BadInput(f"{source!r} is no project that can be read", hint=f"is it there? Known are {known}")


def choose_exporter(target: str, kind: str = "") -> Exporter:
    """The exporter of that kind; an address is a server of MLflow. Raises NotFound, BadInput."""
    names = _names("noria.exporters")
    kind = kind or ("mlflow" if target.startswith(("http://", "https://")) else "")
    if not kind:
        raise BadInput("for whom is this?", hint=f"say it with --to: {', '.join(sorted(names))}")
    if kind not in names:
        raise NotFound("exporter", kind, names)
    found: Exporter = names[kind].load()
    return found


def _names(group: str) -> dict[str, Any]:
    return {one.name: one for one in entry_points(group=group)}
