"""`noria erase`: forget a person everywhere, and show that it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table

if TYPE_CHECKING:
    from noria.erasure.model import Certificate, Hit

_SHOWN = 30


def command(
    subject: Annotated[str, typer.Argument(metavar="COLUMN=VALUE", help="Whose rows, such as user=u-4711.")],
    project: Folder = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; read every file and tell where.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove a person from tables, snapshots, statistics, features, logs and caches, and certify it.

    Ends with 1 when something still names the person, and says where.
    """
    from noria.cli.progress import Counted
    from noria.erasure.operations import erase, look, subject_of

    ws = open_stores(project)
    asked = subject_of(subject)
    if dry_run:
        with Counted("reading", shown=not json) as bar:
            read, found = look(ws, asked, watch=bar.at)
        if json:
            say_json({"read": read, "found": found})
        else:
            say_table("would be erased", ["where", "file"], _lines(found))
            print(f"{len(found)} places in {read} files name {subject}; nothing was changed.")
        return
    if not yes and not json:
        typer.confirm(f"Erase every row with {subject} from {ws.root}? It cannot be undone", abort=True)
    with Counted("erasing", shown=not json) as bar:
        certificate = erase(ws, asked, watch=bar.at)
    if json:
        say_json(certificate)
    else:
        _say(certificate)
    if certificate.remaining:
        raise typer.Exit(1)


def _say(certificate: Certificate) -> None:
    rows = [(one.kind, one.name, one.found, one.done) for one in certificate.places]
    say_table("erased", ["kind", "place", "found", "done"], rows)
    if certificate.models:
        print(f"Trained on erased rows, until trained again: {', '.join(certificate.models)}.")
    if certificate.remaining:
        say_table("still there", ["where", "file"], _lines(certificate.remaining))
    print(f"{certificate.read} files read again: {len(certificate.remaining)} places name the subject.")
    print(f"Certificate {certificate.id}, in the folder erasures of the workspace.")


def _lines(hits: Sequence[Hit]) -> list[tuple[str, str]]:
    """One line a file, with how many places there are in it."""
    files = Counter(hit.file for hit in hits)
    first = {hit.file: hit.where for hit in reversed(hits)}
    lines = [(first[file] + (f" and {count - 1} more" if count > 1 else ""), file) for file, count in files.items()]
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + ([("…", f"and {more} more files")] if more > 0 else [])
