"""Several processes on one socket: one that writes, others that answer too, and one that stands ready to write."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from threading import Event

from noria.server.supervisor import Child, Supervisor

_BACKLOG = 2048
_TAKEOVER_SECONDS = 0.5
"""What a process that stands by has for itself when it takes over."""
FOLLOW = "--follow"
"""What tells a process that it is not to lead."""


def keep_alive(command: Sequence[str], listening: socket.socket, stop: Event, *, workers: int, standby: bool) -> None:
    """Run `command` as a leader and `workers` - 1 followers, with the listening socket's number as the last word.

    What dies is started again, until `stop`. With `standby` a second leader waits for its turn (`serving.turns`).
    Connections that come while nobody accepts wait in the socket. Followers are stopped first: what they are answering
    still wants to be written.
    """
    listening.listen(_BACKLOG)
    number = listening.fileno()
    names = ["data plane", *(["data plane, standing by"] if standby else [])]
    rest = _TAKEOVER_SECONDS if standby else 0.0
    children = [Child(name, [*command, str(number)], [number], needed=True, rest=rest) for name in names]
    follow = [*command[:-1], FOLLOW, command[-1], str(number)]
    children += [Child(f"data plane, worker {one}", follow, [number]) for one in range(2, workers + 1)]
    Supervisor(children).run(stop)
