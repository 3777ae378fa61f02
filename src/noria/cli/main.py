"""`noria`: the command line. One file a verb; what a verb needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from noria.cli import (
    check,
    compare,
    control,
    data,
    drift,
    erase,
    export,
    features,
    import_,
    ingest,
    init,
    journal,
    lineage,
    models,
    plan,
    predict,
    promote,
    replay,
    rollback,
    run,
    runs,
    serve,
    server,
    skew,
    status,
    stream,
    sync,
    up,
)
from noria.cli.output import fail
from noria.core.errors import NoriaError

app = typer.Typer(
    name="noria",
    help="Carry a model through its whole production life.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_VERBS: dict[str, Callable[..., Any]] = {
    "init": init.command,
    "plan": plan.command,
    "run": run.command,
    "up": up.command,
    "serve": serve.command,
    "server": server.command,
    "ingest": ingest.command,
    "predict": predict.command,
    "stream": stream.command,
    "replay": replay.command,
    "status": status.command,
    "promote": promote.command,
    "rollback": rollback.command,
    "drift": drift.command,
    "skew": skew.command,
    "journal": journal.command,
    "lineage": lineage.command,
    "runs": runs.command,
    "compare": compare.command,
    "import": import_.command,
    "export": export.command,
    "sync": sync.command,
    "erase": erase.command,
}
for _name, _command in _VERBS.items():
    app.command(_name)(_command)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(check.app, name="check")
app.add_typer(features.app, name="features")
app.command("control", hidden=True)(control.command)


def main() -> None:
    """Run the command line; an error of ours ends with its sentence and exit code 1, never a traceback."""
    try:
        app()
    except NoriaError as error:
        fail(error, as_json="--json" in sys.argv)


if __name__ == "__main__":
    main()
