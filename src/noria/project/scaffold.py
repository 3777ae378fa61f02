"""A new project: its module, its values, tests, a README and a CI file of its own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from noria.core.errors import BadInput, NotFound

EXAMPLES = ("flights",)
_PLACES = {"gitignore": ".gitignore", "ci.yml": ".github/workflows/model.yml"}


def create(directory: Path, example: str | None = None, *, progress: Callable[[str], None] | None = None) -> list[Path]:
    """Make a project in `directory`; gives the files made, the example's data included.

    Raises BadInput when the folder has a project already or its name is no module name, NotFound for an
    unknown example.
    """
    if example is not None and example not in EXAMPLES:
        raise NotFound("example", example, EXAMPLES)
    name = example or directory.resolve().name.replace("-", "_")
    if not name.isidentifier():
        raise BadInput(f"{name!r} cannot be the name of a module", hint="start with a letter; letters, digits and _")
    if (directory / f"{name}.py").exists():
        raise BadInput(f"{directory} has a project already", hint="choose another folder")
    made = _write(directory, name, "common") + _write(directory, name, example or "blank")
    if example == "flights":
        from noria.project.examples.flights_data import write_flights

        write_flights(directory / "data", progress=progress)
        made += sorted((directory / "data").rglob("*.parquet"))
    return made


def _write(directory: Path, name: str, template: str) -> list[Path]:
    made = []
    for source in sorted(_template(template).iterdir(), key=lambda one: one.name):
        target = directory / _place(source.name, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8").replace("NAME", name), encoding="utf-8")
        made.append(target)
    return made


def _template(name: str) -> Traversable:
    return files("noria.project") / "templates" / name


def _place(file: str, name: str) -> str:
    if file in _PLACES:
        return _PLACES[file]
    plain = file.removesuffix(".txt").replace("project", name)
    return f"tests/{plain}" if plain.startswith("test_") else plain
