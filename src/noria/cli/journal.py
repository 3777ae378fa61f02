"""`noria journal`: what happened, and the proof that nobody altered it."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table


def command(
    project: Folder = HERE,
    model: Annotated[str | None, typer.Option(help="Only facts about this model.")] = None,
    limit: Annotated[int, typer.Option(help="So many newest entries.")] = 30,
    verify: Annotated[bool, typer.Option("--verify", help="Recompute the hash chain instead.")] = False,
    json: Json = False,
) -> None:
    """Print the newest entries of the journal, oldest first; with --verify, prove the chain."""
    from noria.core.clock import show_moment

    ws = open_stores(project)
    if verify:
        count = ws.journal.verify()
        if json:
            say_json({"entries": count, "intact": True})
        else:
            print(f"The journal is intact: {count} entries, every hash follows from the one before.")
        return
    subject = f"model:{model}" if model else None
    entries = ws.journal.read(subject=subject, limit=limit, newest_first=True)[::-1]
    if json:
        say_json(entries)
        return
    rows = [(one.seq, show_moment(one.at), one.kind, one.subject, _said(dict(one.data))) for one in entries]
    say_table("journal", ["#", "when", "what", "about", "with"], rows)


def _said(data: dict[str, object]) -> str:
    said = ", ".join(f"{name}={value}" for name, value in data.items() if not isinstance(value, dict | list))
    return said if len(said) <= 100 else said[:99] + "…"
