"""JSON bodies in and out. What comes in is checked for being JSON at all, and the refusal says where and why not."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from noria.core.errors import NoriaError
from noria.serving.model import BadPayload, Response, WrongMethod

_NOT_A_NUMBER = re.compile(rb"[\[:,\s](-?Infinity|[+-]?NaN|nan|-?inf)\b")
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def decode(body: bytes) -> Any:
    """The value of a JSON body. Raises BadPayload for anything that is none, NaN and Infinity tokens included."""
    if not body:
        raise BadPayload("the body is empty", hint="send a JSON document")
    try:
        return _decoder.decode(body)
    except UnicodeDecodeError as error:
        raise BadPayload(f"the body is not UTF-8 (byte {error.start} of a string)", hint="encode it as UTF-8") from None
    except RecursionError:
        raise BadPayload("the body is nested too deeply", hint="a row is a flat object") from None
    except msgspec.DecodeError as error:
        token = _NOT_A_NUMBER.search(body)
        if token:
            raise BadPayload(
                f"the body has the token {token.group(1).decode()}, which JSON does not know",
                hint="a missing number is null, or left out",
            ) from None
        raise BadPayload(f"the body is no JSON: {error}", hint="see GET / for what each path takes") from None


def decode_with_nan(body: bytes) -> Any:
    """The same where a contract allows the tokens NaN and Infinity; NaN stands for a missing value, as null does."""
    if b"NaN" not in body and b"Infinity" not in body:
        return decode(body)
    try:
        return json.loads(body, parse_constant=_constant)
    except (ValueError, RecursionError):
        return decode(body)


def _constant(token: str) -> float | None:
    return None if token == "NaN" else float(token)


def decode_object(body: bytes) -> dict[str, Any]:
    """The object of a JSON body. Raises BadPayload when it is something else."""
    return as_object(decode(body), "the body")


def as_object(value: Any, what: str) -> dict[str, Any]:
    """The value itself when it is a JSON object. Raises BadPayload, naming `what` it should have been."""
    if not isinstance(value, dict):
        raise BadPayload(f"{what} is {kind_of(value)}, not an object")
    return value


def kind_of(value: Any) -> str:
    """What JSON calls a value.

    >>> kind_of([]), kind_of(None), kind_of(1.5)
    ('an array', 'null', 'a number')
    """
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def encode(value: Any) -> bytes:
    """A value as JSON. What is not finite becomes null."""
    return _encoder.encode(value)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON response; a response that is one already stays as it is."""
    return value if isinstance(value, Response) else Response(status, _encoder.encode(value))


def refusal(error: NoriaError) -> Response:
    """An error as clients see it: code, message, hint; never a traceback."""
    headers = {"allow": error.allowed} if isinstance(error, WrongMethod) else {}
    if error.status == 503:
        headers["retry-after"] = "1"
    return Response(error.status, _encoder.encode(error.as_dict()), headers=headers)
