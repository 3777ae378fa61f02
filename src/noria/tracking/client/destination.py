"""Who takes a spool's records: a server over HTTP, or the project's own database and blobs in this process.

Either says how many records of a spool it has, takes the next ones, and asks for the bytes of files it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from noria.config.environment import environment
from noria.core.errors import BadInput, Unavailable
from noria.tracking.answers import BLOBS, INGEST, Damaged, Declined, Destination, Gap, Taken, TooMuch
from noria.tracking.client.place import OFFLINE, OWN, Place, project_settings

if TYPE_CHECKING:
    from noria.workspace.workspace import Workspace

_T = TypeVar("_T")
_PATIENCE = 10.0
_AWAY = (502, 503, 504, 507, 429)


def connect(place: Place) -> Destination | None:
    """Who takes the records of a place; None when there is nobody. Raises BadInput for an address that is none."""
    given = environment()
    to = place.to or given.get("NORIA_TRACKING_URI", "")
    if not to and place.root is not None:
        to = project_settings(place.root).tracking_uri
    if to == OFFLINE:
        return None
    if to and to != OWN:
        return ServerDestination(to, token=given.get("NORIA_TRACKING_TOKEN", ""))
    if place.root is not None or to == OWN or given.get("NORIA_DATABASE"):
        return OwnWorkspace(place.root or place.home.parent)
    return None


class ServerDestination:
    """A Noria server at `url`, such as `http://127.0.0.1:5000`; user and password in it are sent as Basic."""

    def __init__(self, url: str, *, token: str = "", patience: float = _PATIENCE) -> None:
        parts = _address(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=patience, blocksize=1 << 20)
        self._prefix = parts.path.rstrip("/")
        self._headers = _authorization(parts.username, parts.password, token)
        self.name = _bare(url)

    def position(self, spool: str) -> int:
        status, body = self._ask("GET", f"{INGEST}?spool={quote(spool, safe='')}")
        return self._understood(status, body).position

    def take(self, spool: str, first: int, records: Sequence[bytes]) -> Taken:
        body = msgspec.msgpack.encode(list(records))
        status, answer = self._ask("POST", f"{INGEST}?spool={quote(spool, safe='')}&first={first}", body)
        if status == 409:
            raise Gap(spool, self._parsed(answer, _Expected).position, first)
        if status == 413:
            raise TooMuch(f"{self.name} does not take {len(body):,} bytes at once")
        return self._understood(status, answer)

    def put_file(self, digest: str, path: Path) -> None:
        status, _ = self._ask("HEAD", f"{BLOBS}/{digest}")
        if status == 200:
            return
        with path.open("rb") as file:
            size = path.stat().st_size
            status, body = self._ask("PUT", f"{BLOBS}/{digest}", file, {"Content-Length": str(size)})
        if status == 400:
            raise _damaged(path, digest)
        if status not in (200, 201):
            raise self._declined(status, body)

    def close(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _understood(self, status: int, body: bytes) -> Taken:
        if status != 200:
            raise self._declined(status, body)
        return self._parsed(body, Taken)

    def _parsed(self, body: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise Declined(f"{self.name} does not answer as a Noria server does") from error

    def _declined(self, status: int, body: bytes) -> Exception:
        said = f"{self.name} answered {status}: {body[:200].decode(errors='replace')}"
        if status in _AWAY:
            return Unavailable(said)
        return Declined(said, hint="is it a Noria server?" if status == 404 else "")

    def _ask(self, method: str, target: str, body: Any = None, headers: Any = None) -> tuple[int, bytes]:
        """One request; a connection that the server closed while nobody used it is opened again, once."""
        for attempt in (1, 2):
            fresh = self._connection.sock is None
            try:
                self._connection.request(method, self._prefix + target, body, {**self._headers, **(headers or {})})
                response: HTTPResponse = self._connection.getresponse()
                return response.status, response.read()
            except (OSError, HTTPException) as error:
                self.close()
                if fresh or attempt == 2 or hasattr(body, "read") or isinstance(error, TimeoutError):
                    raise Unavailable(f"{self.name} cannot be reached: {error or type(error).__name__}") from error
        raise AssertionError


class OwnWorkspace:
    """The workspace of the project in `root`: its own database and blobs.

    One that is `open` already is used and left open; otherwise it is opened when first needed.
    """

    def __init__(self, root: Path, open: Workspace | None = None) -> None:
        self.name = f"the project in {root}"
        self._root = root
        self._opened, self._ours = open, open is None

    def position(self, spool: str) -> int:
        from noria.tracking.ingest import position_of

        return position_of(self._workspace(), spool)

    def take(self, spool: str, first: int, records: Sequence[bytes]) -> Taken:
        from noria.tracking.ingest import take_in_records

        return take_in_records(self._workspace(), spool, first, records)

    def put_file(self, digest: str, path: Path) -> None:
        blobs = self._workspace().blobs
        if not blobs.exists(digest) and blobs.put_file(path) != digest:
            raise _damaged(path, digest)

    def close(self) -> None:
        if self._opened is not None and self._ours:
            self._opened.close()
            self._opened = None

    def _workspace(self) -> Workspace:
        if self._opened is None:
            from noria.workspace.workspace import open_workspace

            self._opened = open_workspace(self._root, project_settings(self._root))
        return self._opened


class _Expected(msgspec.Struct):
    position: int


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is none
        pass
    raise BadInput(f"{_bare(url)!r} is no address of a server", hint="write http://host:port")


def _authorization(user: str | None, password: str | None, token: str) -> dict[str, str]:
    headers = {"Content-Type": "application/msgpack"}
    if token:
        return {**headers, "Authorization": f"Bearer {token}"}
    if user is None:
        return headers
    from base64 import b64encode

    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {**headers, "Authorization": f"Basic {b64encode(pair).decode()}"}


def _damaged(path: Path, digest: str) -> Damaged:
    return Damaged(f"the bytes of {path} are no longer those of {digest[:12]}", hint="it was changed in the spool")


def _bare(url: str) -> str:
    """The address without who may come in, for people to read."""
    scheme, mark, rest = url.partition("://")
    return scheme + mark + rest.rpartition("@")[2]
