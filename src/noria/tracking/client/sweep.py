"""Sending every spool under a home: those of dead processes to their end, those of living ones as far as they are.

A spool whose writer is dead is taken over by its lock. Its run is then over, too: a record is added that says so,
which counts only where the run itself had not said how it ended. When everything is acknowledged, the folder goes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from noria.core.clock import SystemClock
from noria.core.errors import Conflict, NoriaError
from noria.stores.spool import Spool
from noria.tracking.answers import Destination, Refusal
from noria.tracking.client.console import gathered
from noria.tracking.client.delivery import Delivery
from noria.tracking.client.folder import About, SpoolFolder, spools
from noria.tracking.client.place import Place
from noria.tracking.records import Ended, Kept, encode

NOBODY = "there is nobody to send it to: no server is named, and there is no project here"
"""Why a spool is left where it is."""


@dataclass(frozen=True)
class Shipped:
    """What became of one spool. `living`: its process still writes, so the spool stays."""

    spool: str
    run: str
    sent: int
    living: bool = False
    done: bool = False
    refused: tuple[Refusal, ...] = ()
    failure: str = ""


def sweep(
    home: Path, to: Destination, asked: str = "", *, until: Callable[[], bool] = lambda: False,
    leave: str = "", living: bool = False,
) -> list[Shipped]:  # fmt: skip
    """Send the spools under `home` whose runs asked to be sent to `asked` (empty: to wherever the settings say).

    `living`: those of living processes, too. Stops when `until` says so; `leave` names a spool not to look at.
    """
    shipped = []
    for folder in spools(home):
        if until():
            break
        about = folder.about()
        if folder.id != leave and (about is None or about.to == asked) and (one := ship(folder, to, living=living)):
            shipped.append(one)
    return shipped


def sync(place: Place, to: str = "") -> list[Shipped]:
    """Send every spool of a place, each to where its run asked for, or all of them to `to`.

    Where there is nobody to send to, or that cannot be found out, what became of the spools says so.
    """
    from noria.tracking.client.destination import connect

    asked = sorted({about.to for folder in spools(place.home) if (about := folder.about())} | {""})
    shipped: list[Shipped] = []
    for one in asked:
        try:
            found = connect(replace(place, to=to or one))
        except NoriaError as error:
            shipped += _left(place.home, one, error.message)
            continue
        if found is None:
            shipped += _left(place.home, one, NOBODY)
            continue
        try:
            shipped += sweep(place.home, found, one, living=True)
        finally:
            found.close()
    return shipped


def _left(home: Path, asked: str, why: str) -> list[Shipped]:
    found = [(folder, folder.about()) for folder in spools(home)]
    return [Shipped(one.id, about.run, 0, failure=why) for one, about in found if about and about.to == asked]


def ship(folder: SpoolFolder, to: Destination, *, living: bool = True) -> Shipped | None:
    """Send one spool; None when its process lives and such are left alone, or when it is not there any more."""
    about = folder.about()
    try:
        spool = Spool(folder.path) if folder.path.exists() else None
    except Conflict:
        return _sent(folder, to, about, living=True) if living else None
    except OSError as error:
        return Shipped(folder.id, about.run if about else "", 0, failure=str(error))
    if spool is None:
        return None
    try:
        if about is None or spool.next_position == 0:  # it died before it had acknowledged anything
            folder.remove()
            return None
        _end(folder, spool, about)
        return _sent(folder, to, about, living=False)
    finally:
        spool.close()


def _end(folder: SpoolFolder, spool: Spool, about: About) -> None:
    """Say that the run is over, and keep what it had printed. On a full disk it is left to another time."""
    if not about.owner or folder.ended:
        return
    with suppress(NoriaError, OSError):
        _say_ended(folder, spool, about)


def _say_ended(folder: SpoolFolder, spool: Spool, about: About) -> None:
    if printed := gathered(folder.path):
        digest, size = folder.keep([printed])
        spool.append(encode(Kept(about.run, "console.txt", digest, size)))
    newest = max((path.stat().st_mtime_ns // 1000 for path in folder.path.glob("*.spool")), default=SystemClock().now())
    spool.append(encode(Ended(about.run, folder.id, newest, "killed", inferred=True)))
    folder.mark_ended()


def _sent(folder: SpoolFolder, to: Destination, about: About | None, *, living: bool) -> Shipped:
    delivery, failure = Delivery(folder, to), ""
    try:
        delivery.send_all()
        delivery.drop_sent()
    except (NoriaError, OSError) as error:
        failure = str(error)
    done = not living and not failure
    if done:
        folder.remove()
    run = about.run if about else ""
    return Shipped(folder.id, run, delivery.sent, living, done, tuple(delivery.refused), failure)
