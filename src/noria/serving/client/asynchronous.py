"""`noria.AsyncClient`: ask a data plane from a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, overload

import httpx
import msgspec

from noria.core.clock import monotonic
from noria.serving.client.model import Call, Patience, Prediction, Row, asked, plain_urls, predictions


class AsyncClient:
    """As `Client`, for asyncio; requests may be under way side by side."""

    def __init__(
        self, urls: str | Sequence[str] = "http://127.0.0.1:8400", *, patience: Patience | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._urls = plain_urls(urls)
        self._patience = patience or Patience()
        self._http = httpx.AsyncClient(headers={"content-type": "application/json", **(headers or {})})

    @overload
    async def predict(self, rows: Row, model: str = "") -> Prediction: ...
    @overload
    async def predict(self, rows: Sequence[Row], model: str = "") -> list[Prediction]: ...
    async def predict(self, rows: Row | Sequence[Row], model: str = "") -> Prediction | list[Prediction]:
        """As `Client.predict`."""
        body, alone = asked(rows)
        found = predictions(await self._ask(f"/predict?model={model}" if model else "/predict", body))
        return found[0] if alone else found

    async def feedback(
        self, prediction_id: str, label: float | None = None, outcome: Mapping[str, Any] | None = None
    ) -> None:
        """As `Client.feedback`."""
        told = {"prediction_id": prediction_id, "label": label, "outcome": outcome}
        body = msgspec.json.encode({name: value for name, value in told.items() if value is not None})
        await self._ask("/feedback", body)

    async def features(self, views: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """As `Client.features`."""
        answer = await self._ask("/features", msgspec.json.encode({"views": list(views), "rows": list(rows)}))
        return [row["features"] for row in answer["rows"]]

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, path: str, body: bytes) -> Any:
        call = Call(self._urls, path, body, self._patience, monotonic())
        while True:
            answer = await self._attempt(call)
            value = None if answer is None else call.take(answer)
            if value is not None:
                return value
            await asyncio.sleep(call.next_wait(monotonic()))

    async def _attempt(self, call: Call) -> httpx.Response | None:
        """Send, and once more to the next server when that takes long; gives the first answer that came."""
        limit = self._patience.hedge_after
        waiting = {self._sending(call)}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    answer = _result(one, call)
                    if answer is not None and (answer.status_code < 500 or not waiting):
                        return answer
                if not done:
                    waiting.add(self._sending(call))
                    limit = None  # once; then whoever answers first
        finally:
            for one in waiting:
                one.cancel()
        return None

    def _sending(self, call: Call) -> asyncio.Task[httpx.Response]:
        left = max(0.001, call.left(monotonic()))
        return asyncio.create_task(self._http.post(call.url(), content=call.body, timeout=left))


def _result(one: asyncio.Task[httpx.Response], call: Call) -> httpx.Response | None:
    try:
        return one.result()
    except httpx.HTTPError as error:
        call.fail(error)
        return None
