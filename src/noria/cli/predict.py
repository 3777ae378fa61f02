"""`noria predict`: a whole table answered by a version."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import counted, say_json

if TYPE_CHECKING:
    from noria.core.clock import Micros
    from noria.serving.batch.model import Answered

_LOOKUPS = ("given", "history", "online")


def command(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@NUMBER; production when left out.")],
    source: Annotated[str, typer.Option("--input", help="A file, folder or glob of Parquet or CSV, delta:PLACE, SQL.")],
    target: Annotated[str, typer.Option("--output", help="A .parquet or .csv file, a folder, or delta:FOLDER.")],
    project: Folder = HERE,
    database: Annotated[str, typer.Option(help="The PostgreSQL URL that --input is a query for.")] = "",
    features: Annotated[str, typer.Option(help="given, history or online; default: given if the table has them.")] = "",
    at: Annotated[str, typer.Option(help="row, now, or a moment for every row; default: the row's own.")] = "",
    columns: Annotated[str, typer.Option(help="Carry these through, A,B or *, beside the key and the moment.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="Rows answered together and durable together.")] = 100_000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an unfinished run instead of going on.")] = False,
    on: Annotated[str, typer.Option(help="here, or ray: the cluster RAY_ADDRESS names, or one on this machine.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of an output that is there.")] = False,
    json: Json = False,
) -> None:
    """Answer every row of a table, in bounded memory; a run that was killed goes on where it was.

    Features are those known at each row's moment. A row that the server would refuse has the reason in `error`.
    """
    from noria.cli.progress import Counted
    from noria.core.errors import BadInput
    from noria.serving.batch.model import Asked
    from noria.serving.batch.operations import predict_table

    if features and features not in _LOOKUPS:
        raise BadInput(f"--features is {features!r}", hint=f"one of {', '.join(_LOOKUPS)}")
    if on not in ("", "here", "ray"):
        raise BadInput(f"--on is {on!r}", hint="one of here, ray")
    name, _, alias = model.partition("@")
    loaded, ws = open_project(project)
    plan = loaded.plan.model(name)
    carried = tuple(one.strip() for one in columns.split(",") if one.strip())
    lookup: Any = features or None
    asked = Asked(name, source, target, alias or "production", database or None, lookup, _moment(at), carried, rows)
    with Counted(f"{name} answers", shown=sys.stderr.isatty()) as bar:
        answered = predict_table(
            ws, asked, plan.sources, loaded.functions, fresh=fresh, replace=replace, memory=plan.lane.memory,
            on="ray" if on == "ray" else "here",
            watch=lambda done, total: bar.rows(done, total),
        )  # fmt: skip
    if json:
        say_json(answered)
    else:
        _tell(answered)


def _moment(text: str) -> Micros | Any:
    from noria.core.clock import parse_moment
    from noria.core.errors import BadInput

    if not text or text in ("row", "now"):
        return text or None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise BadInput(f"--at is no moment: {error}", hint="row, now, or such as 2013-06-01") from None


def _tell(answered: Answered) -> None:
    from noria.core.clock import show_moment

    when = "each at its own moment" if answered.own_moment else "as each chunk was answered"
    if answered.moment is not None:
        when = f"as of {show_moment(answered.moment)}"
    print(f"{counted(answered.rows, 'row')} of {answered.model} version {answered.version} in {answered.output}")
    print(f"features: {answered.lookup}, {when}")
    if answered.resumed:
        print(f"{counted(answered.resumed, 'chunk')} of {answered.chunks} had been answered by an earlier run")
    if answered.refused:
        print(f"{counted(answered.refused, 'row')} refused, the reasons in column error: {'; '.join(answered.reasons)}")
