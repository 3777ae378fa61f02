"""The application of a data plane in this very process, asked as one elsewhere is: through an httpx client."""

from __future__ import annotations

import httpx

from noria.serving.app import App
from noria.serving.model import Request

HERE = "http://in-process"


class InProcess(httpx.AsyncBaseTransport):
    """Hands requests to `app`, without a connection."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, request.url.path, headers, body, request.url.query.decode())
        found = await self._app.handle(asked)
        headers = {"content-type": found.content_type, **found.headers}
        return httpx.Response(found.status, headers=headers, content=found.body)
