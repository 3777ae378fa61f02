"""Errors as MLflow's clients know them: an error code, its HTTP status, and a message that some of them match on.

The body is `{"error_code", "message", "sqlstate", "error_class"}`. A door may refuse something itself (`Refused`);
what the folders below refuse is told in the protocol's words by `wording`, and what has no words there keeps Noria's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from noria.core.errors import BadInput, Conflict, NoriaError, NotFound

INVALID = "INVALID_PARAMETER_VALUE"
ABSENT = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"
INVALID_STATE = "INVALID_STATE"
BAD_REQUEST = "BAD_REQUEST"
INTERNAL = "INTERNAL_ERROR"
NO_ENDPOINT = "ENDPOINT_NOT_FOUND"
DENIED = "PERMISSION_DENIED"
AWAY = "TEMPORARILY_UNAVAILABLE"
CONFLICT = "RESOURCE_CONFLICT"
NOT_IMPLEMENTED = "NOT_IMPLEMENTED"

_KNOWN: Mapping[str, tuple[int, str | None, str | None]] = {
    INVALID: (400, "KAM00", "INVALID_PARAMETER_VALUE"),
    BAD_REQUEST: (400, "KAM00", "INVALID_PARAMETER_VALUE"),
    EXISTS: (400, "KAM00", "RESOURCE_ALREADY_EXISTS"),
    ABSENT: (404, "KAM00", "RESOURCE_NOT_FOUND"),
    NO_ENDPOINT: (404, "KAM00", "RESOURCE_NOT_FOUND"),
    DENIED: (403, "KAM00", "PERMISSION_DENIED"),
    CONFLICT: (409, None, None),
    INVALID_STATE: (500, "XXM00", None),
    INTERNAL: (500, "XXM00", "CLIENT_INTERNAL_ERROR"),
    NOT_IMPLEMENTED: (501, None, None),
    AWAY: (503, "XXM00", "CLIENT_INTERNAL_ERROR"),
}
"""HTTP status, SQLSTATE and error class of each error code that is used."""

SEE_THE_DOCS = " See the API docs for more information about request parameters."


class Refused(NoriaError):
    """Something that the protocol refuses by itself, in the words and with the code that its clients expect."""

    code = "N7110"

    def __init__(self, error_code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.http_status = status or _KNOWN[error_code][0]


def invalid(message: str) -> Refused:
    """A parameter has a value that it cannot have."""
    return Refused(INVALID, message)


def absent(message: str) -> Refused:
    """What was asked for is not there."""
    return Refused(ABSENT, message)


def missing(parameter: str) -> Refused:
    """A parameter that is required was not given, or is empty."""
    return invalid(f"Missing value for required parameter '{parameter}'.{SEE_THE_DOCS}")


def wrong_type(parameter: str, value: Any) -> Refused:
    """A parameter of another type than the one it has."""
    hint = f" Hint: Value was of type '{type(value).__name__}'."
    return invalid(invalid_value(parameter, value, hint) + SEE_THE_DOCS)


def invalid_value(parameter: str, value: Any, why: str = "") -> str:
    """The sentence that says which value a parameter cannot have.

    >>> invalid_value("run_id", 31)
    "Invalid value 31 for parameter 'run_id' supplied."
    """
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return f"Invalid value {shown} for parameter '{parameter}' supplied" + (f": {why}" if why else ".")


def too_long(parameter: str, limit: int) -> Refused:
    """A text longer than its limit."""
    return invalid(f"'{parameter}' exceeds the maximum length of {limit} characters")


def reply_to(error: NoriaError) -> tuple[int, dict[str, str]]:
    """The HTTP status and the body that tell a client of an error."""
    if isinstance(error, Refused):
        return error.http_status, body_of(error.error_code, error.message)
    message = error.message + (f" ({error.hint})" if error.hint else "")
    return _status_and_code(error, message)


def body_of(error_code: str, message: str) -> dict[str, str]:
    """The body of an error's answer."""
    _, sqlstate, error_class = _KNOWN[error_code]
    body = {"error_code": error_code, "message": message}
    if sqlstate:
        body["sqlstate"] = sqlstate
    if error_class:
        body["error_class"] = error_class
    return body


def _status_and_code(error: NoriaError, message: str) -> tuple[int, dict[str, str]]:
    if isinstance(error, NotFound):
        return 404, body_of(ABSENT, message)
    if isinstance(error, BadInput):
        return 400 if error.status < 400 or error.status == 404 else error.status, body_of(INVALID, message)
    if isinstance(error, Conflict):
        return 409, body_of(CONFLICT, message)
    if error.status in (503, 507):
        return error.status, body_of(AWAY, message)
    return error.status, body_of(INTERNAL, message)
