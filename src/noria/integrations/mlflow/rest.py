"""Talking to an MLflow server, whoever made it: requests, pages, files through its artifact proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from noria.config.environment import environment
from noria.core.errors import BadInput, NotFound, Unavailable

_TRIES = 3
_PATIENCE = httpx.Timeout(120, connect=10)
_PROXY = "/api/2.0/mlflow-artifacts/artifacts"


class Refused(BadInput):
    """The server understood and said no; `word` is its error code."""

    code = "N9011"

    def __init__(self, path: str, status: int, word: str, said: str) -> None:
        super().__init__(f"{path}: the server answered {status} {word}: {said[:500]}")
        self.word = word


class Server:
    """One MLflow server. A request is sent again, twice, when the server is away or overloaded."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        given = environment()
        token, user = given.get("MLFLOW_TRACKING_TOKEN"), given.get("MLFLOW_TRACKING_USERNAME")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        auth = (user, given.get("MLFLOW_TRACKING_PASSWORD", "")) if user else None
        transport = httpx.HTTPTransport(retries=_TRIES - 1)
        self._http = httpx.Client(base_url=self.url, headers=headers, auth=auth, timeout=_PATIENCE, transport=transport)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        """The answer to a GET below `/api/2.0/mlflow/`. Raises NotFound, Refused, Unavailable."""
        return self._answer(
            "GET", f"/api/2.0/mlflow/{path}", params={k: v for k, v in params.items() if v not in (None, "")}
        )

    def post(self, path: str, body: Mapping[str, Any], *, method: str = "POST") -> dict[str, Any]:
        """The answer to a POST below `/api/2.0/mlflow/`. Raises NotFound, Refused, Unavailable."""
        return self._answer(method, f"/api/2.0/mlflow/{path}", json=dict(body))

    def pages(self, path: str, key: str, body: Mapping[str, Any], *, method: str = "POST") -> Iterator[dict[str, Any]]:
        """Every entry under `key`, page by page."""
        token = ""
        while True:
            asked = {**body, **({"page_token": token} if token else {})}
            answer = self.post(path, asked) if method == "POST" else self.get(path, **asked)
            yield from answer.get(key, [])
            before, token = token, str(answer.get("next_page_token") or "")
            if not token or token == before:
                return

    def upload(self, root: str, path: str, source: Path | bytes) -> None:
        """Put a file below an `mlflow-artifacts:` root, streaming."""
        target = f"{_PROXY}/{quote(f'{proxied(root)}/{path}')}"
        if isinstance(source, bytes):
            self._answer("PUT", target, content=source)
            return
        with source.open("rb") as file:
            self._answer("PUT", target, content=iter(lambda: file.read(1 << 20), b""))

    def listing(self, root: str, folder: str = "") -> Iterator[tuple[str, int]]:
        """(path below root, size) of every file below an `mlflow-artifacts:` root."""
        within = "/".join(part for part in (proxied(root), folder) if part)
        for one in self._answer("GET", _PROXY, params={"path": within}).get("files", []):
            path = "/".join(part for part in (folder, str(one["path"])) if part)
            if one.get("is_dir"):
                yield from self.listing(root, path)
            else:
                yield path, int(one.get("file_size") or 0)

    def run_listing(self, run_id: str, folder: str = "") -> Iterator[tuple[str, int]]:
        """(path, size) of every file of a run, wherever the server keeps them."""
        for one in self.pages("artifacts/list", "files", {"run_id": run_id, "path": folder}, method="GET"):
            if one.get("is_dir"):
                yield from self.run_listing(run_id, str(one["path"]))
            else:
                yield str(one["path"]), int(one.get("file_size") or 0)

    def download(self, root: str, path: str, into: Path, run_id: str = "") -> None:
        """Fetch a file to `into`, streaming: by the proxy when `root` is behind it, else as a file of the run."""
        if proxied(root) is not None:
            address, params = f"{_PROXY}/{quote(f'{proxied(root)}/{path}')}", {}
        else:
            address, params = "/get-artifact", {"run_uuid": run_id, "path": path}
        try:
            with self._http.stream("GET", address, params=params) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _refusal(address, answer)
                with into.open("wb") as file:
                    for chunk in answer.iter_bytes(1 << 20):
                        file.write(chunk)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} broke off: {error!r}", hint="ask again; what came is kept") from error

    def _answer(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        for turn in range(_TRIES):
            try:
                answer = self._http.request(method, path, **more)
            except httpx.HTTPError as error:
                raise Unavailable(f"{self.url} does not answer: {error!r}", hint="is the address right?") from error
            if answer.status_code < 500 or turn == _TRIES - 1 or "content" in more:
                break
        if answer.status_code >= 400:
            raise _refusal(path, answer)
        try:
            found = answer.json() if answer.content else {}
        except ValueError as error:
            raise BadInput(f"{self.url}{path} answered no JSON", hint="is this an MLflow server?") from error
        return found if isinstance(found, dict) else {}


def proxied(uri: str) -> str | None:
    """The path behind the server's artifact proxy, or None when the files are elsewhere."""
    parts = urlsplit(uri)
    return parts.path.strip("/") if parts.scheme == "mlflow-artifacts" else None


def _refusal(path: str, answer: httpx.Response) -> Exception:
    try:
        said = answer.json()
        word, message = str(said.get("error_code", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        word, message = "", answer.text
    if answer.status_code == 404:
        return NotFound("such thing on the server", f"{path}: {message[:200]}")
    if answer.status_code >= 500:
        return Unavailable(f"{path}: the server answered {answer.status_code}: {message[:200]}")
    return Refused(path, answer.status_code, word, message)
