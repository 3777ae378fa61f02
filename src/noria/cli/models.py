"""`noria models`: what is registered, each version with where it stands, what it measured and who put it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from noria.cli import models_verbs
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table

if TYPE_CHECKING:
    from noria.registry.history import Told
    from noria.registry.model import RegisteredModel, Version
    from noria.workspace.workspace import Workspace


class _NameOrVerb(TyperGroup):
    """`noria models flights` is short for `noria models show flights`, and `noria models` for `noria models show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = next((one for one in args if not one.startswith("-")), None)
        if named not in self.commands and not {"-h", "--help"} & set(args):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_NameOrVerb, help="Registered models: look at them, approve, sign, export, import.")
for _name, _command in models_verbs.VERBS.items():
    app.command(_name)(_command)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The model; every model without one.")] = "",
    project: Folder = HERE,
    verify: Annotated[bool, typer.Option(help="Judge every version's signatures against its files.")] = False,
    json: Json = False,
) -> None:
    """Print the registered models, or one model's versions."""
    from noria.registry import registered_models

    ws = open_stores(project)
    models = [registered_models.get_model(ws, name)] if name else registered_models.list_models(ws)
    if verify:
        _verify(ws, models, as_json=json)
    elif name:
        _one(ws, models[0], as_json=json)
    elif json:
        say_json(models)
    else:
        rows = [
            (one.name, sum(1 for _ in _versions(ws, one.name)), _pairs(one.aliases), _stages(one), _pairs(one.tags))
            for one in models
        ]
        say_table("", ["model", "versions", "aliases", "newest of each stage", "tags"], rows)
        if not models:
            print("No model has been registered yet. Start with `noria run`, or log one with an MLflow client.")


def _one(ws: Workspace, model: RegisteredModel, *, as_json: bool) -> None:
    from noria.core.clock import show_moment
    from noria.registry import history

    versions, told = _versions(ws, model.name), history.timeline(ws, model.name)
    if as_json:
        moves = [one for one in told if one.kind in history.MOVES]
        say_json({"model": model, "versions": versions, "moves": moves})
        return
    rows = [
        (
            one.number, ", ".join(one.aliases), one.stage, show_moment(one.created), one.run or "", _numbers(one),
            _brought(told, one.number),
        )
        for one in versions
    ]  # fmt: skip
    columns = ["version", "aliases", "stage", "registered", "run", "metrics", "last moved"]
    say_table(f"{model.name}  {model.description or ''}".strip(), columns, rows)


def _verify(ws: Workspace, models: list[RegisteredModel], *, as_json: bool) -> None:
    from noria.core.rules import Outcome
    from noria.registry import signatures

    rows = []
    for model in models:
        for one in _versions(ws, model.name):
            found = signatures.verify(ws, model.name, one.number)
            rows += [(model.name, one.number, said.owner, said.outcome.value, said.note) for said in found]
            if not found:
                rows.append((model.name, one.number, "", Outcome.NOT_RUN.value, "nobody signed it"))
    columns = ["model", "version", "owner", "outcome", "note"]
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("", columns, rows)
    if any(row[3] == Outcome.FAILED.value for row in rows):
        raise typer.Exit(1)


def _versions(ws: Workspace, name: str) -> list[Version]:
    from noria.registry import operations

    return operations.list_versions(ws, name)


def _stages(model: RegisteredModel) -> str:
    return ", ".join(f"{one.number} {one.stage}" for one in model.latest)


def _pairs(values: Any) -> str:
    return ", ".join(f"{name}={str(value)[:40]}" for name, value in values.items())


def _numbers(version: Version) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(version.metrics.items())[:4])


def _brought(told: list[Told], number: int) -> str:
    """The newest move of an alias to a version: when, by whom and why."""
    from noria.core.clock import show_moment
    from noria.registry import history

    moves = [one for one in told if one.kind in history.MOVES and one.data.get("version") == number]
    if not moves:
        return ""
    last = moves[-1]
    said = last.data.get("reason") or ""
    return f"{last.data['alias']} {show_moment(last.at)} by {last.actor}" + (f": {said}" if said else "")
