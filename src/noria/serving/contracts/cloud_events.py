"""Requests that may be CloudEvents, as KServe takes them: in the headers (`ce-*`) or in the body; answered in kind.

Specification: github.com/cloudevents/spec 1.0, `bindings/http-protocol-binding.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from noria.serving.json_body import answer, as_object, decode_with_nan, kind_of
from noria.serving.model import BadPayload, Request, Response

STRUCTURED = "application/cloudevents+json"
REPLY_TYPE = "io.noria.serving.response"
_NEEDED = ("id", "source", "type", "specversion")


@dataclass(frozen=True)
class Event:
    """A body, with the event around it if there was one."""

    data: Any
    attributes: Mapping[str, str] = field(default_factory=dict)
    structured: bool = False

    def reply(self, value: Any) -> Response:
        """The answer, as an event when it was one that asked."""
        if not self.attributes:
            return answer(value)
        told = {"id": self.attributes["id"], "source": "noria", "type": REPLY_TYPE, "specversion": "1.0"}
        if self.structured:
            return Response(200, answer({**told, "data": value}).body, STRUCTURED)
        headers = {f"ce-{name}": text for name, text in told.items()}
        return Response(200, answer(value).body, headers=headers)


def event_of(request: Request) -> Event:
    """The body of a request. Raises BadPayload when it is no JSON, or an event without what every event has."""
    body = decode_with_nan(request.body)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == STRUCTURED:
        envelope = as_object(body, "the event")
        return Event(envelope.get("data"), _checked(envelope), True)
    if "ce-id" not in request.headers and "ce-specversion" not in request.headers:
        return Event(body)
    named = {name[3:]: value for name, value in request.headers.items() if name.startswith("ce-")}
    return Event(body, _checked(named))


def _checked(attributes: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in _NEEDED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value or not value.isprintable() or not value.isascii():
            raise BadPayload(f"the event's {name} is {kind_of(value)}", hint=f"an event has {', '.join(_NEEDED)}")
        found[name] = value
    return found
