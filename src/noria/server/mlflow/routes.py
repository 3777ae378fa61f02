"""Which function answers which method and path.

A path is written without its beginning: `/api/2.0`, `/api/3.0` and the same under `/ajax-api` all lead here. What
stands in braces is a part of the path that becomes a field of the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from noria.server.mlflow.faults import NO_ENDPOINT, Refused
from noria.server.mlflow.wire import Message

Lane = Literal["read", "write", "together"]
"""Where a request is worked on: among readers, alone in the writer's thread, or there in a shared transaction."""

PREFIXES = ("/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0")
JSON_BYTES = 8 << 20
"""How large the body of a request may be. A request whose parts may be larger says so."""


@dataclass(frozen=True)
class Route:
    """A method and path, the message they carry, and the function that answers.

    The function takes the workspace and the message, and in the lane `together` a connection between them.
    """

    method: str
    path: str
    message: type[Message]
    answer: Callable[..., Any]
    lane: Lane = "read"
    most_bytes: int = JSON_BYTES


def reads(method: str, path: str, message: type[Message], answer: Callable[..., Any]) -> Route:
    """A route that changes nothing."""
    return Route(method, path, message, answer)


def writes(method: str, path: str, message: type[Message], answer: Callable[..., Any], **more: Any) -> Route:
    """A route whose function opens transactions of its own."""
    return Route(method, path, message, answer, "write", **more)


def waits(method: str, path: str, message: type[Message], answer: Callable[..., Any]) -> Route:
    """A route whose function waits for others than the stores, and so may not hold up the writer's thread."""
    return Route(method, path, message, answer, "read")


def joins(path: str, message: type[Message], answer: Callable[..., Any]) -> Route:
    """A route for small writes, which share a transaction with others that wait."""
    return Route("POST", path, message, answer, "together")


@dataclass(frozen=True)
class Routes:
    """All routes, ready to be looked up."""

    plain: Mapping[tuple[str, str], Route]
    patterns: list[tuple[str, re.Pattern[str], Route]]
    paths: frozenset[str] = field(default_factory=frozenset)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route, and the parts of the path that it names. Raises Refused when there is none."""
        route = self.plain.get((method, path))
        if route is not None:
            return route, {}
        other = path in self.paths
        for wanted, pattern, templated in self.patterns:
            if found := pattern.fullmatch(path):
                if wanted == method:
                    return templated, found.groupdict()
                other = True
        if other:
            raise Refused(NO_ENDPOINT, f"The method {method} is not known for {path}.", status=405)
        raise Refused(NO_ENDPOINT, f"There is no endpoint {method} {path}.")


def table(routes: Iterable[Route]) -> Routes:
    """Routes, ready to be looked up."""
    plain: dict[tuple[str, str], Route] = {}
    patterns: list[tuple[str, re.Pattern[str], Route]] = []
    for route in routes:
        if "{" in route.path:
            patterns.append((route.method, _pattern(route.path), route))
        else:
            plain[route.method, route.path] = route
    return Routes(plain, patterns, frozenset(path for _, path in plain))


def _pattern(path: str) -> re.Pattern[str]:
    """A path with parts in braces; the last part of one may hold slashes when it is the tag of something."""
    part = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(part.replace("(?P<tag_key>[^/]+)", "(?P<tag_key>.+)"))
