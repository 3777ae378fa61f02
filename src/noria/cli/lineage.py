"""`noria lineage`: from a version back to the files it came from."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json


def command(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@NUMBER.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Print what made a version: data, code, values, environment, run, gates."""
    from noria.registry import operations as registry
    from noria.server.operations import resolve

    ws = open_stores(project)
    version = resolve(ws, model)
    walk = registry.lineage(ws, version.model, version.number)
    if json:
        say_json(walk)
    else:
        _show(walk, 0)


def _show(value: object, depth: int) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inside in items:
        nested = isinstance(inside, dict | list) and inside
        print(f"{'  ' * depth}{name}" + ("" if nested else f": {inside}"))
        if nested:
            _show(inside, depth + 1)
