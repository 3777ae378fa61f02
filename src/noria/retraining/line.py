"""A kept-alive HTTP connection that waits for a server which is being started again."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from noria.core.clock import monotonic, sleep
from noria.core.errors import Unavailable


class Line:
    """One connection to `url`. A request that could not be delivered is sent again until the server is back."""

    def __init__(self, url: str, *, timeout: float = 600.0, patience: float = 60.0) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        self._url, self._patience = url, patience

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Send a JSON body; gives the status and the decoded answer.

        Raises Unavailable when nobody answers for `patience` seconds. What is sent may arrive twice: the receiver has
        to recognise it.
        """
        return self._ask("POST", path, body, {"content-type": "application/json", **headers})

    def get(self, path: str) -> tuple[int, Any]:
        """Fetch a JSON document."""
        return self._ask("GET", path, None, {})

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]:
        until = monotonic() + self._patience
        while True:
            try:
                self._connection.request(method, path, body, dict(headers))
                response = self._connection.getresponse()
                content = response.read()
                if response.status == 503 and monotonic() < until:
                    sleep(0.1)
                    continue
                return response.status, _decoded(content)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if monotonic() > until:
                    raise Unavailable(
                        f"{self._url} does not answer: {error}", hint="start it with `noria up`"
                    ) from error
                sleep(0.05)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
