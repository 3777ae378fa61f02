"""Projects of other tools, read as the files of a Noria project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import Conflict


class WouldOverwrite(Conflict):
    """A file that was to be written is there already; nothing was written."""

    code = "N7011"


@dataclass(frozen=True)
class ForeignProject:
    """A project as files (name to content), and what is not as it was there: (what, why)."""

    files: Mapping[str, str]
    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProjectReader:
    """Reads projects of one tool. `read(source, out, options)` gives what belongs into the folder `out`.

    `options` are the tool's own, by name. Raises NotFound, BadInput. Declared as an entry point of
    `noria.projects`.
    """

    kind: str
    title: str
    recognises: Callable[[str], bool]
    read: Callable[[str, Path, Mapping[str, str]], ForeignProject]


def write_project(project: ForeignProject, out: Path) -> list[Path]:
    """Write the files into a folder, made when it is not there; gives them.

    Raises WouldOverwrite when one is there already; then nothing was written.
    """
    paths = {out / name: content for name, content in project.files.items()}
    there = sorted(path.name for path in paths if path.exists() or path.is_symlink())
    if there:
        raise WouldOverwrite(f"{out} has {', '.join(there)} already", hint="choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    for path, content in paths.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    return list(paths)
