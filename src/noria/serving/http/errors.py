"""Why a request is refused before the application hears of it."""

from __future__ import annotations

from noria.core.errors import BadInput, Unavailable


class HeadTooLarge(BadInput):
    """Request line and headers are larger than the server's limit (RFC 6585, section 5)."""

    code = "N6031"
    status = 431


class TooSlow(BadInput):
    """A request did not arrive in the time it had."""

    code = "N6032"
    status = 408


class ExpectationFailed(BadInput):
    """An `Expect` header asks for something else than `100-continue`."""

    code = "N6033"
    status = 417


class UnknownVersion(BadInput):
    """A version of HTTP that is not spoken here."""

    code = "N6034"
    status = 505


class Overloaded(Unavailable):
    """More work is waiting than the server takes on."""

    code = "N6035"
