"""Two processes on one socket, of which one answers and the other stands ready."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from threading import Event

from noria.server.supervisor import Child, Supervisor

_BACKLOG = 2048


def keep_two(command: Sequence[str], listening: socket.socket, stop: Event) -> None:
    """Run `command` twice, with the listening socket's number as its last word; start again what dies, until `stop`.

    Each one is to wait for its turn (`serving.turns`). Connections that come while nobody accepts wait in the socket.
    """
    listening.listen(_BACKLOG)
    number = listening.fileno()
    names = ("data plane", "data plane, standing by")
    Supervisor([Child(name, [*command, str(number)], [number]) for name in names]).run(stop)
