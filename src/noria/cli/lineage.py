"""`noria lineage`: from a version, or a single answer, back to the files it came from."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json


def command(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS, MODEL@NUMBER or models:/...?at=2013-06-01.")] = "",
    project: Folder = HERE,
    prediction: Annotated[str, typer.Option(help="An answer's id, instead of a version.")] = "",
    json: Json = False,
) -> None:
    """Print what made a version, or a served answer: data, code, values, environment, run, gates."""
    from noria.core.errors import BadInput
    from noria.registry import operations as registry
    from noria.server.operations import lineage_of_prediction, resolve

    if bool(model) == bool(prediction):
        raise BadInput("name a version or an answer, one of the two", hint="noria lineage MODEL, or --prediction ID")
    ws = open_stores(project)
    if prediction:
        walk = lineage_of_prediction(ws, prediction)
    else:
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
