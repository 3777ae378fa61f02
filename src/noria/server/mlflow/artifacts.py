"""Artifacts over HTTP: uploads and downloads of any size, a piece at a time.

The disk is only touched in threads, and no more than a piece is ever in memory: a client that sends faster than the
disk writes, or reads slower than it delivers, is held back by the connection itself.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote

from noria.registry import model_versions
from noria.server.mlflow.answers import DONE, encode
from noria.server.mlflow.artifact_lists import tree_path
from noria.server.mlflow.faults import BAD_REQUEST, INVALID, Refused, invalid, missing
from noria.server.mlflow.lanes import Lanes
from noria.server.mlflow.transport import NO_SNIFFING, Exchange, Header
from noria.tracking import artifacts, logged_models, runs
from noria.tracking.artifacts import ArtifactWriter, checked
from noria.tracking.model import Artifact
from noria.workspace.workspace import Workspace

PIECE = 256 << 10
"""Bytes that are read or written at once."""
TREE = "/mlflow-artifacts/artifacts/"

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_TEXTS = (".yaml", ".yml", ".log", ".toml", ".cfg", ".ini", ".md", ".rst", ".py", ".conf", ".jsonl")
_ACTIVE = re.compile(r"html|svg|xml|javascript|ecmascript|pdf|flash")
"""Content that a browser would run, or hand to something that does: it is only ever shown as text."""

Span = tuple[int, int]
"""The first byte and how many."""


class Door:
    """Uploads, downloads and deletions, for one workspace."""

    def __init__(self, ws: Workspace, lanes: Lanes) -> None:
        self._ws = ws
        self._lanes = lanes

    async def serve(self, exchange: Exchange, path: str) -> None:
        """What lies at a path of the tree: GET, PUT or DELETE it. Raises Refused, and NoriaError from the store."""
        if exchange.method == "GET":
            await self._download(exchange, partial(artifacts.get_artifact, self._ws, path))
        elif exchange.method == "PUT":
            await self._upload(exchange, checked(path))
        elif exchange.method == "DELETE":
            await self._lanes.write(partial(artifacts.delete_artifacts, self._ws, checked(path)))
            await exchange.answer(200, encode(DONE))
        else:
            raise Refused(BAD_REQUEST, f"The method {exchange.method} is not known for artifacts.", status=405)

    async def of_run(self, exchange: Exchange) -> None:
        """A file of a run, as MLflow's page asks for it."""
        asked = _asked(exchange)
        path, run = _needed(asked, "path"), asked.get("run_id") or _needed(asked, "run_uuid")
        await self._below(exchange, lambda: runs.get_run(self._ws, run).artifact_root, path)

    async def of_version(self, exchange: Exchange) -> None:
        """A file of a model's version."""
        asked = _asked(exchange)
        path, name, version = (_needed(asked, one) for one in ("path", "name", "version"))
        await self._below(exchange, lambda: model_versions.download_uri(self._ws, name, version), path)

    async def of_logged_model(self, exchange: Exchange, model: str) -> None:
        """A file of a logged model."""
        path = _asked(exchange).get("artifact_file_path")
        if not path:
            raise Refused(BAD_REQUEST, 'Request must include the "artifact_file_path" query parameter.')
        await self._below(exchange, lambda: logged_models.get_logged_model(self._ws, model).artifact_root, path)

    async def _below(self, exchange: Exchange, root: Callable[[], str], path: str) -> None:
        if exchange.method != "GET":
            raise Refused(BAD_REQUEST, "Only GET is known here.", status=405)
        checked(path)

        def find() -> Artifact:
            return artifacts.get_artifact(self._ws, f"{tree_path(root())}/{path}")

        await self._download(exchange, find)

    async def _upload(self, exchange: Exchange, path: str) -> None:
        async with AsyncExitStack() as stack:
            writing = await self._lanes.read(lambda: stack.enter_context(artifacts.writer(self._ws)))
            await self._receive(exchange, writing)
            await self._lanes.read(partial(writing.keep, path))
        await exchange.answer(200, b"", [])

    async def _receive(self, exchange: Exchange, writing: ArtifactWriter) -> None:
        held = bytearray()
        async for chunk in exchange.chunks():
            held += chunk
            if len(held) >= PIECE:
                piece, held = held, bytearray()
                await self._lanes.read(partial(writing.write, bytes(piece)))
        if held:
            await self._lanes.read(partial(writing.write, bytes(held)))
        if exchange.length is not None and writing.size != exchange.length:
            raise invalid(f"{exchange.length} bytes were promised and {writing.size} came.")

    async def _download(self, exchange: Exchange, find: Callable[[], Artifact]) -> None:
        found: Artifact = await self._lanes.read(find)
        etag = f'"{found.digest}"'
        headers: list[Header] = [(b"etag", etag.encode()), (b"accept-ranges", b"bytes"), *_of_file(found.path)]
        if etag in exchange.headers.get(b"if-none-match", b"").decode("latin-1"):
            await exchange.answer(304, b"", headers)
            return
        span = _span(exchange, found.size, etag)
        if span is None:
            refused = [(b"content-range", f"bytes */{found.size}".encode()), (b"accept-ranges", b"bytes")]
            await exchange.answer(416, b"", refused)
            return
        path: Path = self._ws.blobs.path(found.digest or "")
        file: IO[bytes] = await self._lanes.read(partial(path.open, "rb", buffering=0))
        try:
            await self._send(exchange, file, found.size, span, headers)
        finally:
            file.close()

    async def _send(self, exchange: Exchange, file: IO[bytes], size: int, span: Span, headers: list[Header]) -> None:
        first, count = span
        partly = count != size
        if partly:
            headers.append((b"content-range", f"bytes {first}-{first + count - 1}/{size}".encode()))
        await exchange.begin(206 if partly else 200, [*headers, NO_SNIFFING, (b"content-length", b"%d" % count)])
        left = 0 if exchange.scope["method"] == "HEAD" else count
        file.seek(first)
        while left:
            piece = await self._lanes.read(partial(file.read, min(PIECE, left)))
            if not piece:
                raise OSError("a blob is shorter than it was said to be")
            left -= len(piece)
            await exchange.send({"type": "http.response.body", "body": piece, "more_body": bool(left)})
        if not count or exchange.scope["method"] == "HEAD":
            await exchange.send({"type": "http.response.body", "body": b""})


def content_type(name: str) -> str:
    """What a file is, as a browser may be told.

    >>> content_type("plot.png"), content_type("page.html"), content_type("MLmodel"), content_type("model.onnx")
    ('image/png', 'text/plain; charset=utf-8', 'text/plain; charset=utf-8', 'application/octet-stream')
    """
    guessed, _ = mimetypes.guess_type(name, strict=False)
    base = name.rpartition("/")[2]
    if base in ("MLmodel", "MLproject") or base.lower().endswith(_TEXTS):
        guessed = "text/plain"
    if guessed is None:
        return "application/octet-stream"
    if guessed.startswith("text/") or _ACTIVE.search(guessed):
        return "text/plain; charset=utf-8"
    return guessed


def _of_file(path: str) -> list[Header]:
    name = path.rpartition("/")[2]
    plain = re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return [(b"content-type", content_type(name).encode()), (b"content-disposition", disposition.encode())]


def _span(exchange: Exchange, size: int, etag: str) -> Span | None:
    """The bytes that are asked for: all, unless one range is; None when the range lies outside."""
    asked = exchange.headers.get(b"range", b"").decode("latin-1")
    only_if = exchange.headers.get(b"if-range", b"").decode("latin-1")
    found = _RANGE.fullmatch(asked)
    if found is None or (only_if and only_if != etag) or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, count) if count else None
    start, end = int(first), min(int(last or size), size - 1)
    if last and int(last) < start:
        return 0, size
    return (start, end - start + 1) if start < size else None


def _asked(exchange: Exchange) -> dict[str, str]:
    try:
        found = parse_qs(exchange.query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise Refused(INVALID, f"The query cannot be read: {error}") from None
    return {name: values[0] for name, values in found.items()}


def _needed(asked: dict[str, str], name: str) -> str:
    if not asked.get(name):
        raise missing(name)
    return asked[name]
