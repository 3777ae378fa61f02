"""Feast repositories as Noria projects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from noria.integrations.feast import registry
from noria.integrations.feast.translate import translate
from noria.integrations.feast.writing import files
from noria.project.foreign import ForeignProject, ProjectReader


def read(source: str, out: Path, options: Mapping[str, str]) -> ForeignProject:
    """The project that a Feast repository becomes; the option `registry` names its registry's file.

    Raises NotFound, NoRegistry, BrokenRegistry.
    """
    place = registry.locate(source, options.get("registry", ""))
    draft = translate(registry.read(place), place.root)
    return ForeignProject(files(draft, out), tuple((one.what, one.why) for one in draft.notes))


READER = ProjectReader("feast", "a Feast repository, by its registry", registry.recognises, read)
