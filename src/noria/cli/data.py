"""`noria data`: directories and tables under version control."""

from __future__ import annotations

import typer

from noria.cli import data_exchange, data_history, data_refs, data_remotes, data_trees

app = typer.Typer(no_args_is_help=True, help="Data versions: commit, look back, compare, branch, merge, push.")
_VERBS = data_trees.VERBS | data_history.VERBS | data_refs.VERBS | data_remotes.VERBS | data_exchange.VERBS
for _name, _command in _VERBS.items():
    app.command(_name)(_command)
