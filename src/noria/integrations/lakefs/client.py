"""Talking to a lakeFS server over its REST API: branches, commits, differences, merges, objects.

Source: lakeFS's published OpenAPI document (treeverse/lakeFS, api/swagger.yml). Tested against a small fake of it
(`testing/lakefs_fake.py`), **not against a real lakeFS**.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from noria.config.environment import environment
from noria.core.errors import BadInput, Conflict, NotFound, Unavailable

_PATIENCE = httpx.Timeout(120, connect=10)
_PAGE = 1000
_CHUNK = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
"""What a repository may be called, as lakeFS publishes it."""


class Refused(BadInput):
    """The server understood and said no."""

    code = "N9061"


class MergeConflicts(Conflict):
    """Two branches changed the same objects."""

    code = "N9062"


@dataclass(frozen=True)
class Address:
    """`lakefs://REPOSITORY/REFERENCE/PREFIX`; the prefix is empty or ends with a slash."""

    repository: str
    reference: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"lakefs://{self.repository}/{self.reference}/{self.prefix}"


@dataclass(frozen=True)
class Stored:
    """An object: its path in the repository, its bytes, and the checksum that the store gave it."""

    path: str
    size: int
    checksum: str


@dataclass(frozen=True)
class Difference:
    """One object that differs: `added`, `removed`, `changed` or `conflict`."""

    kind: str
    path: str


def address_of(text: str) -> Address:
    """`lakefs://repository/reference/prefix`. Raises BadInput.

    >>> address_of("lakefs://flights/main/raw")
    Address(repository='flights', reference='main', prefix='raw/')
    """
    parts = urlsplit(text)
    reference, _, prefix = parts.path.strip("/").partition("/")
    odd = {"", ".", ".."} & {*prefix.split("/")} if prefix else set()
    if parts.scheme != "lakefs" or not _NAME.fullmatch(parts.netloc) or not reference or parts.query or odd:
        raise BadInput(f"{text!r} is no place in lakeFS", hint="write lakefs://REPOSITORY/BRANCH/FOLDER")
    return Address(parts.netloc, reference, f"{prefix}/" if prefix else "")


class LakeFS:
    """One server; address and keys as lakeFS's own command line takes them from the environment.

    `LAKECTL_SERVER_ENDPOINT_URL`, `LAKECTL_CREDENTIALS_ACCESS_KEY_ID`, `LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY`.
    """

    def __init__(self, url: str = "") -> None:
        given = environment()
        self.url = (url or given.get("LAKECTL_SERVER_ENDPOINT_URL", "")).rstrip("/").removesuffix("/api/v1")
        if not self.url:
            raise BadInput("which lakeFS server?", hint="set LAKECTL_SERVER_ENDPOINT_URL")
        user = given.get("LAKECTL_CREDENTIALS_ACCESS_KEY_ID")
        auth = (user, given.get("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "")) if user else None
        transport = httpx.HTTPTransport(retries=2)
        self._http = httpx.Client(base_url=f"{self.url}/api/v1/", auth=auth, timeout=_PATIENCE, transport=transport)

    def __enter__(self) -> LakeFS:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def branches(self, repository: str) -> dict[str, str]:
        """Every branch and the commit that it is at."""
        return {str(one["id"]): str(one["commit_id"]) for one in self._pages(_path(repository, "branches"))}

    def create_branch(self, repository: str, name: str, source: str) -> str:
        """Make a branch; gives the commit that it is at. Raises Conflict when the name is taken."""
        path = _path(repository, "branches")
        return self._asked("POST", path, json={"name": name, "source": source}).text.strip().strip('"')

    def delete_branch(self, repository: str, name: str) -> None:
        """Remove a branch. Raises NotFound."""
        self._asked("DELETE", _path(repository, "branches", name))

    def head(self, repository: str, reference: str) -> dict[str, Any]:
        """The commit that a branch, a tag or an id names: `id`, `message`, `metadata`, `parents`."""
        path = _path(repository, "refs", reference, "commits")
        found = self._json("GET", path, params={"amount": 1}).get("results") or [{}]
        if not found[0].get("id"):
            raise Refused(f"{self.url}: lakefs://{repository}/{reference} has no commit")
        commit: dict[str, Any] = found[0]
        return commit

    def commit(self, repository: str, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Commit what was put on a branch; gives the commit's id. Raises Refused when nothing has changed."""
        body = {"message": message, "metadata": dict(metadata)}
        return str(self._json("POST", _path(repository, "branches", branch, "commits"), json=body)["id"])

    def uncommitted(self, repository: str, branch: str) -> list[Difference]:
        """What was put on a branch and not committed."""
        return [_difference(one) for one in self._pages(_path(repository, "branches", branch, "diff"))]

    def diff(self, repository: str, left: str, right: str) -> list[Difference]:
        """What differs between two references."""
        path = _path(repository, "refs", left, "diff", right)
        return [_difference(one) for one in self._pages(path, type="two_dot")]

    def merge(self, repository: str, source: str, into: str, message: str) -> str:
        """Merge a reference into a branch; gives the commit. Raises MergeConflicts, nothing changed."""
        path = _path(repository, "refs", source, "merge", into)
        try:
            return str(self._json("POST", path, json={"message": message})["reference"])
        except Conflict as error:
            said = f"lakefs://{repository}/{into} has changed what {source} changes"
            raise MergeConflicts(said, hint="look at both, and export again") from error

    def objects(self, repository: str, reference: str, prefix: str = "") -> Iterator[Stored]:
        """Every object below a prefix, by path."""
        for one in self._pages(_path(repository, "refs", reference, "objects", "ls"), prefix=prefix):
            if one.get("path_type", "object") == "object":
                yield Stored(str(one["path"]), int(one.get("size_bytes") or 0), str(one.get("checksum") or ""))

    def download(self, repository: str, reference: str, path: str, into: Path) -> None:
        """Fetch an object to a file, streaming."""
        address = _path(repository, "refs", reference, "objects")
        try:
            with self._http.stream("GET", address, params={"path": path}) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _refusal(path, answer)
                with into.open("wb") as file:
                    for chunk in answer.iter_bytes(_CHUNK):
                        file.write(chunk)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} broke off: {error!r}", hint="ask again; what came is kept") from error

    def upload(self, repository: str, branch: str, path: str, source: Path) -> None:
        """Put a file on a branch, uncommitted."""
        with source.open("rb") as file:
            address = _path(repository, "branches", branch, "objects")
            self._asked("POST", address, params={"path": path}, files={"content": file})

    def remove(self, repository: str, branch: str, path: str) -> None:
        """Take an object off a branch, uncommitted."""
        self._asked("DELETE", _path(repository, "branches", branch, "objects"), params={"path": path})

    def _pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        after = ""
        while True:
            answer = self._json("GET", path, params={**params, "after": after, "amount": _PAGE})
            yield from answer.get("results") or []
            told = answer.get("pagination") or {}
            before, after = after, str(told.get("next_offset") or "")
            if not told.get("has_more") or after <= before:  # a server that never comes to an end
                return

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._asked(method, path, **more)
        try:
            found = answer.json()
        except ValueError as error:
            raise Refused(f"{self.url} answered no JSON", hint="is this a lakeFS server?") from error
        if not isinstance(found, dict):
            raise Refused(f"{self.url} answered something else than was asked", hint="is this a lakeFS server?")
        return found

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            hint = "is LAKECTL_SERVER_ENDPOINT_URL right?"
            raise Unavailable(f"{self.url} does not answer: {error!r}", hint=hint) from error
        if answer.status_code >= 400:
            raise _refusal(path, answer)
        return answer


def _path(repository: str, *parts: str) -> str:
    return "/".join(["repositories", *(quote(one, safe="") for one in (repository, *parts))])


def _difference(told: Mapping[str, Any]) -> Difference:
    return Difference(str(told["type"]), str(told["path"]))


def _refusal(path: str, answer: httpx.Response) -> Exception:
    try:
        said = str(answer.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        said = answer.text[:300]
    if answer.status_code == 404:
        return NotFound("such thing in lakeFS", path, hint=said)
    if answer.status_code == 409:
        return Conflict(f"lakeFS: {said or path}")
    if answer.status_code in (401, 403):
        hint = "set LAKECTL_CREDENTIALS_ACCESS_KEY_ID and LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"
        return Refused(f"lakeFS does not let us in: {said}", hint=hint)
    if answer.status_code >= 500:
        return Unavailable(f"lakeFS answered {answer.status_code}: {said}", hint="ask again")
    return Refused(f"lakeFS answered {answer.status_code}: {said}")
