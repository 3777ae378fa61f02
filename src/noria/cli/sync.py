"""`noria sync`: send what training programs logged while nobody took it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, Json
from noria.cli.output import say_json, say_table

if TYPE_CHECKING:
    from noria.tracking.client.sweep import Shipped

_PAUSE = 2.0
To = Annotated[str, typer.Option("--to", help="A server's address, or `workspace`; else what each run asked for.")]


def command(
    project: Folder = HERE,
    to: To = "",
    watch: Annotated[bool, typer.Option(help="Go on until interrupted, sending what is logged meanwhile.")] = False,
    json: Json = False,
) -> None:
    """Send every spool of logged runs under the project's home, those of living programs included.

    What is acknowledged is dropped here. Sending again, or at the same time from elsewhere, doubles nothing.
    """
    from noria.core.clock import sleep

    shipped = _sync(project.resolve(), to)
    _say(shipped, as_json=json)
    while watch:
        sleep(_PAUSE)
        if news := [one for one in _sync(project.resolve(), to) if one.sent or one.done]:
            _say(news, as_json=json)
    if any(one.failure for one in shipped):
        raise typer.Exit(1)


def _sync(root: Path, to: str) -> list[Shipped]:
    from noria.tracking.client.place import Place, find_place
    from noria.tracking.client.sweep import sync

    here = find_place(root)
    homes = {here.home: here, Path.home() / here.home.name: Place(Path.home() / here.home.name, here.root)}
    return [one for place in homes.values() for one in sync(place, to)]


def _say(shipped: list[Shipped], *, as_json: bool) -> None:
    if as_json:
        say_json(shipped)
        return
    if not shipped:
        print("There is nothing to send.")
        return
    rows = [[one.run, one.spool, one.sent, len(one.refused), _standing(one)] for one in shipped]
    say_table("", ["run", "spool", "sent", "refused", ""], rows)
    for one in shipped:
        if one.failure:
            print(f"{one.spool}: {one.failure}")
        for refusal in one.refused[:5]:
            print(f"{one.run}, record {refusal.position}: {refusal.reason}")


def _standing(one: Shipped) -> str:
    if one.failure:
        return "left here"
    return "all sent" if one.done else "still being written"
