"""Finding a project in a folder, importing its module, and composing its plan."""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.config.toml import read_toml
from noria.core.errors import BadInput, Fault, NotFound
from noria.data.suites.loading import place_of
from noria.project.compose import compose
from noria.project.model import DeclarationFaulty, Plan
from noria.project.project import Model, Project
from noria.training.fingerprint import fingerprint

_DECLARES = re.compile(r"^\w+(\s*:[^=]+)?\s*=\s*(noria\.)?Project\(", re.MULTILINE)


class ModuleBroken(BadInput):
    """The project's module cannot be imported."""

    code = "N7002"


@dataclass(frozen=True)
class Loaded:
    """A project ready to work with: its folder, its plan, and the functions the plan names.

    `functions` maps `module:name` to the user's own function.
    """

    root: Path
    module: Path
    plan: Plan
    functions: dict[str, Callable[..., Any]]


def find_module(root: Path) -> Path:
    """The one Python file in `root` that declares a project.

    Raises NotFound when there is none, BadInput when there are several.
    """
    found = [path for path in sorted(root.glob("*.py")) if _DECLARES.search(path.read_text(errors="replace"))]
    if not found:
        raise NotFound(
            "project", root.name, hint=f"no file in {root} says noria.Project(…); start one with `noria init`"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise BadInput(f"{root} has several projects: {names}", hint="put each in a folder of its own")
    return found[0]


def load(root: Path) -> Loaded:
    """Import the project in `root` and compose its plan.

    Raises NotFound, ModuleBroken when its import fails (with the line), DeclarationFaulty with every fault.
    """
    root = root.resolve()
    module_path = find_module(root)
    project = _project(import_module(module_path), module_path)
    plan = compose(project, read_toml(root / project.values), fingerprint=fingerprint)
    _suites_are_there(root, project, plan)
    return Loaded(root, module_path, plan, _functions(project))


def _suites_are_there(root: Path, project: Project, plan: Plan) -> None:
    faults = [
        Fault(f"{project.values}: source.{spec.name}.suite", f"there is no file {spec.suite}",
              "make one with `noria check infer TABLE -o FILE`")
        for spec in plan.sources if spec.suite and not Path(place_of(str(root / spec.suite))).is_file()
    ]  # fmt: skip
    if faults:
        raise DeclarationFaulty(f"project {plan.project!r}", faults, hint="mend them and run `noria plan`")


def import_module(path: Path) -> Any:
    """Import a Python file as the module of its name, with its folder importable."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ModuleBroken(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(path.stem, None)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = f" line {frames[-1].lineno}" if frames else ""
        raise ModuleBroken(f"{path.name}{line}: {type(error).__name__}: {error}") from error
    return module


def _project(module: Any, path: Path) -> Project:
    projects = [value for value in vars(module).values() if isinstance(value, Project)]
    if len(projects) != 1:
        raise BadInput(f"{path.name} has {len(projects)} projects; it must have one")
    return projects[0]


def _functions(project: Project) -> dict[str, Callable[..., Any]]:
    functions: list[Callable[..., Any]] = [*project.functions, *(model.function for model in project.models)]
    functions += [function for graph in project.graphs for function in graph.functions]
    functions += [
        feature
        for model in project.models
        for feature in model.features
        if callable(feature) and not isinstance(feature, type | Model)
    ]
    return {f"{function.__module__}:{function.__qualname__}": function for function in functions}
