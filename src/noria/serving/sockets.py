"""A socket to listen on."""

from __future__ import annotations

import socket

from noria.core.errors import Conflict


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 takes a free one. Raises Conflict when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Conflict(f"{host}:{port} cannot be listened on: {error.strerror}", hint="choose another port") from error
    listening.set_inheritable(True)
    return listening
