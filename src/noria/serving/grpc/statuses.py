"""How a gRPC call ends: the status codes that are used, and which of them an error of ours becomes.

Source: github.com/grpc/grpc `doc/statuscodes.md`. An HTTP status decides where no code of its own is better, so an
error means the same over both protocols.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from noria.core.errors import NoriaError

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = range(6)
PERMISSION_DENIED, RESOURCE_EXHAUSTED, ABORTED = 7, 8, 10
UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 12, 13, 14, 16

_BY_HTTP = {
    400: INVALID_ARGUMENT,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: NOT_FOUND,
    409: ABORTED,
    413: RESOURCE_EXHAUSTED,
    422: INVALID_ARGUMENT,
    429: RESOURCE_EXHAUSTED,
    501: UNIMPLEMENTED,
    503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
    507: RESOURCE_EXHAUSTED,
}


class Unimplemented(NoriaError):
    """A method or service that this server does not have."""

    code = "N6060"
    status = 501


class Late(NoriaError):
    """The client's deadline had passed before there was an answer."""

    code = "N6061"
    status = 504


@dataclass(frozen=True)
class Refused:
    """A call that ends without a message: its status, and what is the matter with what to do about it."""

    status: int
    message: str


Outcome = bytes | Refused
Pending = Outcome | Awaitable[Outcome]


def refused(error: NoriaError) -> Refused:
    """The status of an error, and its sentence: message, hint, code."""
    hint = f" ({error.hint})" if error.hint else ""
    return Refused(_BY_HTTP.get(error.status, INTERNAL), f"{error.message}{hint} [{error.code}]")
