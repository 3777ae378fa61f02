"""A FAKE of a lakeFS server: the part of its published REST API that Noria speaks, in memory. It is not lakeFS.

What is here was written from the OpenAPI document (treeverse/lakeFS, api/swagger.yml): routes, fields, status codes,
pages. How a real lakeFS behaves beyond that (hooks, permissions, garbage collection) is not here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Tree = dict[str, bytes]
KEY, SECRET = "AKIAFAKE", "secret"


class Answer(Exception):
    """A status and a body to answer with."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class Fake:
    """The state of one repository, `flights`: commits, branches, and what lies uncommitted on each."""

    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    trees: dict[str, Tree] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    staged: dict[str, Tree] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    page: int = 2
    before_merge: Any = None

    def __post_init__(self) -> None:
        self.branches["main"] = self.add({}, [], "Repository created")
        self.staged["main"] = {}

    def add(self, tree: Tree, parents: list[str], message: str, metadata: dict[str, str] | None = None) -> str:
        """Keep a commit; gives its id."""
        told = {"parents": parents, "message": message, "metadata": metadata or {}, "committer": "fake"}
        number = hashlib.sha256(f"{len(self.commits)}{told}".encode()).hexdigest()
        self.commits[number] = {"id": number, "creation_date": 0, "meta_range_id": "", **told}
        self.trees[number] = tree
        return number

    def put(self, branch: str, **files: bytes | None) -> str:
        """Somebody else commits files to a branch; None removes one."""
        tree = {**self.trees[self.branches[branch]], **{k: v for k, v in files.items() if v is not None}}
        for name in [name for name, content in files.items() if content is None]:
            tree.pop(name)
        self.branches[branch] = self.staged_commit(branch, tree)
        self.staged[branch] = dict(tree)
        return self.branches[branch]

    def staged_commit(self, branch: str, tree: Tree) -> str:
        """A commit of a tree on top of a branch."""
        return self.add(tree, [self.branches[branch]], "by others")

    def tree(self, ref: str) -> Tree:
        """What a branch holds, uncommitted things too, or a commit."""
        if ref in self.branches:
            return self.staged[ref]
        if ref in self.trees:
            return self.trees[ref]
        raise Answer(404, {"message": f"{ref}: not found"})

    def history(self, ref: str) -> list[str]:
        """Every commit that a reference grew from, itself first."""
        at = self.branches.get(ref, ref)
        found, todo = [], [at]
        while todo:
            one = todo.pop(0)
            if one not in self.commits:
                raise Answer(404, {"message": f"{one}: not found"})
            found.append(one)
            todo += self.commits[one]["parents"]
        return found

    def merge(self, source: str, into: str) -> str:
        """Merge by three ways: 409 where both sides changed one path."""
        if self.before_merge:
            self.before_merge()
        ours, theirs = self.trees[self.branches[into]], self.trees[self.branches.get(source, source)]
        base = self.trees[next(one for one in self.history(source) if one in self.history(into))]
        mine, yours = changes(base, ours), changes(base, theirs)
        if any(mine[path] != yours[path] for path in mine.keys() & yours.keys()):
            raise Answer(409, {"summary": {"conflict": 1}, "reference": ""})
        tree = {path: one for path, one in {**ours, **yours}.items() if one is not None}
        self.branches[into] = self.add(tree, [self.branches[into], self.branches.get(source, source)], "merge")
        self.staged[into] = dict(tree)
        return self.branches[into]


def changes(old: Tree, new: Tree) -> dict[str, bytes | None]:
    """What is different, None for what is gone."""
    return {path: new.get(path) for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def differences(old: Tree, new: Tree) -> list[dict[str, Any]]:
    """What is different, as `Diff` of the published API."""
    kinds = {
        path: "removed" if path not in new else "changed" if path in old else "added" for path in changes(old, new)
    }
    return [{"type": kind, "path": path, "path_type": "object"} for path, kind in sorted(kinds.items())]


def stats(path: str, content: bytes) -> dict[str, Any]:
    """An object, as `ObjectStats` of the published API."""
    return {"path": path, "path_type": "object", "physical_address": "mem://x", "mtime": 0,
            "checksum": hashlib.md5(content).hexdigest(), "size_bytes": len(content)}  # fmt: skip


@contextmanager
def running(fake: Fake) -> Iterator[str]:
    """The fake's address while it runs, on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: Fake
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.fake.asked.append(f"{self.command} {unquote(parts.path)}")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        try:
            self._allowed()
            self._route(parts.path.removeprefix("/api/v1/repositories/flights/"), query, data)
        except Answer as answer:
            body = (
                answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else _dumped(answer.body)
            )
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def _allowed(self) -> None:
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode():
            raise Answer(401, {"message": "error authenticating request"})

    def _route(self, path: str, query: dict[str, str], data: bytes) -> None:
        for pattern, action in _ROUTES.items():
            method, _, shape = pattern.partition(" ")
            found = re.fullmatch(shape.replace("*", "([^/]+)"), path)
            if method == self.command and found:
                action(self.fake, [unquote(one) for one in found.groups()], query, self._body(data))
        raise Answer(404, {"message": f"no route {self.command} {path}"})

    def _body(self, data: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + data)
            part = next(form.iter_parts())
            assert part.get_param("name", header="content-disposition") == "content"
            return part.get_payload(decode=True)
        return json.loads(data) if data else None


def _dumped(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _paged(fake: Fake, found: list[dict[str, Any]], query: dict[str, str], by: str) -> Answer:
    left = [one for one in found if one[by] > query.get("after", "") and one[by].startswith(query.get("prefix", ""))]
    size = min(fake.page, int(query.get("amount", 100)))
    more = len(left) > size
    told = {"has_more": more, "next_offset": left[size - 1][by] if more else "", "results": size, "max_per_page": size}
    return Answer(200, {"pagination": told, "results": left[:size]})


def _branches(fake: Fake, _: list[str], query: dict[str, str], __: Any) -> None:
    raise _paged(fake, [{"id": one, "commit_id": at} for one, at in sorted(fake.branches.items())], query, "id")


def _create(fake: Fake, _: list[str], __: dict[str, str], body: Any) -> None:
    if body["name"] in fake.branches:
        raise Answer(409, {"message": "branch already exists"})
    fake.branches[body["name"]] = fake.history(body["source"])[0]
    fake.staged[body["name"]] = dict(fake.trees[fake.branches[body["name"]]])
    raise Answer(201, fake.branches[body["name"]])


def _delete(fake: Fake, names: list[str], _: dict[str, str], __: Any) -> None:
    if fake.branches.pop(names[0], None) is None:
        raise Answer(404, {"message": "branch not found"})
    raise Answer(204)


def _commits(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    found = [fake.commits[one] for one in fake.history(names[0])]
    raise Answer(200, {"pagination": {"has_more": False}, "results": found[: int(query["amount"])]})


def _commit(fake: Fake, names: list[str], _: dict[str, str], body: Any) -> None:
    branch = names[0]
    if fake.staged[branch] == fake.trees[fake.branches[branch]]:
        raise Answer(400, {"message": "commit: no changes"})
    at = fake.add(dict(fake.staged[branch]), [fake.branches[branch]], body["message"], body["metadata"])
    fake.branches[branch] = at
    raise Answer(201, fake.commits[at])


def _uncommitted(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    raise _paged(fake, differences(fake.trees[fake.branches[names[0]]], fake.staged[names[0]]), query, "path")


def _diff(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    raise _paged(fake, differences(fake.tree(names[0]), fake.tree(names[1])), query, "path")


def _merge(fake: Fake, names: list[str], _: dict[str, str], __: Any) -> None:
    raise Answer(200, {"reference": fake.merge(*names), "summary": {}})


def _listing(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    raise _paged(fake, [stats(path, one) for path, one in sorted(fake.tree(names[0]).items())], query, "path")


def _get(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    if query["path"] not in fake.tree(names[0]):
        raise Answer(404, {"message": "object not found"})
    raise Answer(200, fake.tree(names[0])[query["path"]])


def _upload(fake: Fake, names: list[str], query: dict[str, str], body: bytes) -> None:
    fake.staged[names[0]][query["path"]] = body
    raise Answer(201, stats(query["path"], body))


def _remove(fake: Fake, names: list[str], query: dict[str, str], _: Any) -> None:
    fake.staged[names[0]].pop(query["path"])
    raise Answer(204)


_ROUTES = {
    "GET branches": _branches, "POST branches": _create, "DELETE branches/*": _delete,
    "GET refs/*/commits": _commits, "POST branches/*/commits": _commit, "GET branches/*/diff": _uncommitted,
    "GET refs/*/diff/*": _diff, "POST refs/*/merge/*": _merge, "GET refs/*/objects/ls": _listing,
    "GET refs/*/objects": _get, "POST branches/*/objects": _upload, "DELETE branches/*/objects": _remove,
}  # fmt: skip
