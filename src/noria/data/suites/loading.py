"""A suite from wherever one is written: a JSON file, a dbt schema file, a Python file with a Pandera schema.

`FILE:NAME` says which of several: the model of a schema file, the schema of a Python file.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from noria.core.errors import NotFound
from noria.data.suites.dialects.dbt import suites_of_yaml
from noria.data.suites.dialects.pandera import suite_of_schema
from noria.data.suites.documents import LARGEST, read_suite
from noria.data.suites.model import BadSuite, Suite


def load_suite(place: str, table: str = "") -> Suite:
    """The suite at `place`. Of a dbt file with several models, the one called like `table` unless it is named.

    A Python file is run, as any module of the project is. Raises BadSuite, FaultySuite, NotFound.
    """
    path, name = _split(place)
    if path.suffix in (".yml", ".yaml"):
        return _of_dbt(path, name, table)
    if path.suffix == ".py":
        return suite_of_schema(_schema(path, name), name)
    return read_suite(path)


def place_of(place: str) -> str:
    """The file of a suite's place, without the name in it."""
    return str(_split(place)[0])


def _split(place: str) -> tuple[Path, str]:
    if Path(place).exists():
        return Path(place), ""
    file, separator, name = place.rpartition(":")
    return (Path(file), name) if separator else (Path(place), "")


def _of_dbt(path: Path, name: str, table: str) -> Suite:
    try:
        if path.stat().st_size > LARGEST:
            raise BadSuite(f"{path.name} has more than {LARGEST >> 20} MiB")
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSuite(f"{path} cannot be read: {error}") from error
    found = suites_of_yaml(content, path.name)
    wanted = name or (Path(table).stem if Path(table).stem in found else "")
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    if wanted not in found:
        raise NotFound("table", wanted or "(none named)", found, hint=f"name one: {path}:{next(iter(found))}")
    return found[wanted]


def _schema(path: Path, name: str) -> Any:
    if not path.is_file():
        raise BadSuite(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadSuite(f"{path.name} cannot be imported: {type(error).__name__}: {error}") from error
    there = {key: value for key, value in vars(module).items() if _is_schema(value, path.stem)}
    if not name and len(there) == 1:
        return next(iter(there.values()))
    if name not in there:
        raise NotFound("schema", name or "(none named)", there, hint=f"name one: {path}:NAME")
    return there[name]


def _is_schema(value: Any, module: str) -> bool:
    if isinstance(value, type):
        return callable(getattr(value, "to_schema", None)) and value.__module__ == module
    return callable(getattr(value, "validate", None)) and hasattr(value, "columns")
