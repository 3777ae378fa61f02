"""`noria.Client`: ask a data plane, from ordinary code. Safe to use from several threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, overload

import httpx
import msgspec

from noria.core.clock import monotonic, sleep
from noria.serving.client.model import Call, Patience, Prediction, Row, asked, plain_urls, predictions

_HEDGING = 16


class Client:
    """Asks the servers at `urls`, the first one first and the others when it does not answer.

    A request that fails is sent again until `patience` ends: rows carry ids, so a row is answered once however often
    it is sent. Use it as a context, or `close` it.
    """

    def __init__(
        self, urls: str | Sequence[str] = "http://127.0.0.1:8400", *, patience: Patience | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._urls = plain_urls(urls)
        self._patience = patience or Patience()
        self._http = httpx.Client(headers={"content-type": "application/json", **(headers or {})})
        hedging = self._patience.hedge_after is not None
        self._pool = ThreadPoolExecutor(_HEDGING, "noria-client") if hedging else None

    @overload
    def predict(self, rows: Row, model: str = "") -> Prediction: ...
    @overload
    def predict(self, rows: Sequence[Row], model: str = "") -> list[Prediction]: ...
    def predict(self, rows: Row | Sequence[Row], model: str = "") -> Prediction | list[Prediction]:
        """The answer to a row, or to several in their order; `model` may be left out where there is one.

        A row may name its own `prediction_id`. Raises Refused with everything that is wrong with the rows, NoAnswer.
        """
        body, alone = asked(rows)
        found = predictions(self._ask(f"/predict?model={model}" if model else "/predict", body))
        return found[0] if alone else found

    def feedback(
        self, prediction_id: str, label: float | None = None, outcome: Mapping[str, Any] | None = None
    ) -> None:
        """Tell what became of a prediction: its label, or what followed. Told again, it counts once."""
        told = {"prediction_id": prediction_id, "label": label, "outcome": outcome}
        self._ask("/feedback", msgspec.json.encode({name: value for name, value in told.items() if value is not None}))

    def features(self, views: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """What is known now of the entities in `rows`, as `View.feature`."""
        answer = self._ask("/features", msgspec.json.encode({"views": list(views), "rows": list(rows)}))
        return [row["features"] for row in answer["rows"]]

    def close(self) -> None:
        """Let the connections go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, path: str, body: bytes) -> Any:
        call = Call(self._urls, path, body, self._patience, monotonic())
        while True:
            answer = self._attempt(call) if self._pool is None else self._hedged(call, self._pool)
            value = None if answer is None else call.take(answer)
            if value is not None:
                return value
            sleep(call.next_wait(monotonic()))

    def _attempt(self, call: Call) -> httpx.Response | None:
        try:
            return self._send(call.url(), call)
        except httpx.HTTPError as error:
            call.fail(error)
            return None

    def _send(self, url: str, call: Call) -> httpx.Response:
        return self._http.post(url, content=call.body, timeout=max(0.001, call.left(monotonic())))

    def _hedged(self, call: Call, pool: ThreadPoolExecutor) -> httpx.Response | None:
        """Send, and once more to the next server when that takes long; gives the first answer that came."""
        waiting = {pool.submit(self._send, call.url(), call)}
        limit = self._patience.hedge_after
        while waiting:
            done, waiting = wait(waiting, limit, FIRST_COMPLETED)
            for one in done:
                answer = _result(one, call)
                if answer is not None and (answer.status_code < 500 or not waiting):
                    return answer
            if not done and limit is not None:
                waiting.add(pool.submit(self._send, call.url(), call))
                limit = None  # once; then whoever answers first
        return None


def _result(one: Future[httpx.Response], call: Call) -> httpx.Response | None:
    try:
        return one.result()
    except httpx.HTTPError as error:
        call.fail(error)
        return None
