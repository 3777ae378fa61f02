"""DVC's cache: content by its MD5, in folders of two digits."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.core.errors import Corrupt, NotFound
from noria.integrations.dvc.metafiles import safe_parts

_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Listed:
    """One file of a folder: its path there, in parts, and the MD5 of its content."""

    parts: tuple[str, ...]
    md5: str


class Cache:
    """The cache of a DVC repository."""

    def __init__(self, repository: Path) -> None:
        self.root = _place(repository)

    @classmethod
    def above(cls, path: Path) -> Cache:
        """The cache of the repository that `path` lies in. Raises NotFound."""
        for folder in path.resolve().parents:
            if (folder / ".dvc").is_dir():
                return cls(folder)
        raise NotFound("DVC repository above", str(path), hint="point at a .dvc file or dvc.lock inside one")

    def at(self, md5: str, *, legacy: bool = False) -> Path:
        """Where the content lies, or would."""
        tree = self.root if legacy else self.root / "files" / "md5"
        return tree / md5[:2] / md5[2:]

    def find(self, md5: str, *, legacy: bool = False) -> Path:
        """Where the content lies. Raises NotFound."""
        path = self.at(md5, legacy=legacy)
        if not path.is_file():
            raise NotFound("object of DVC's cache", md5, hint="run `dvc pull` or `dvc fetch` there first")
        return path

    def listing(self, md5: str, *, legacy: bool = False) -> list[Listed]:
        """The files of a folder. Raises NotFound, Corrupt for a list that is damaged or leads out of the folder."""
        data = self.find(md5, legacy=legacy).read_bytes()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
            raise Corrupt(f"the list {md5} in DVC's cache is damaged", hint="remove it and run `dvc fetch` there")
        return list(_listed(_parsed(data, md5), md5))

    def keep_list(self, files: list[tuple[str, str]]) -> str:
        """Keep the list of a folder, of (path, MD5); gives its name, which is the one that DVC gives it."""
        listed = [{"md5": md5, "relpath": path} for path, md5 in sorted(files)]
        data = json.dumps(listed, sort_keys=True).encode()
        name = hashlib.md5(data, usedforsecurity=False).hexdigest() + ".dir"
        self._keep(name, lambda fresh: fresh.write_bytes(data))
        return name

    def keep_file(self, source: Path, md5: str) -> None:
        """Keep a file's content: by a hard link, so that it takes no room, or a copy."""
        self._keep(md5, lambda fresh: _linked(source, fresh))

    def _keep(self, name: str, make: Any) -> None:
        target = self.at(name)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            make(fresh)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)


def _place(repository: Path) -> Path:
    for name in ("config.local", "config"):
        told = configparser.ConfigParser(interpolation=None)
        try:
            told.read(repository / ".dvc" / name, encoding="utf-8")
            folder = told.get("cache", "dir", fallback="")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise Corrupt(
                f"{repository / '.dvc' / name} cannot be read: {error}", hint="mend it for DVC first"
            ) from error
        if folder:
            return (repository / ".dvc" / folder).resolve()
    return repository / ".dvc" / "cache"


def _parsed(data: bytes, md5: str) -> list[Any]:
    try:
        listed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"the list {md5} in DVC's cache is no JSON", hint="remove it and run `dvc fetch`") from error
    if not isinstance(listed, list):
        raise Corrupt(f"the list {md5} in DVC's cache is no list", hint="remove it and run `dvc fetch`")
    return listed


def _listed(listed: list[Any], md5: str) -> Iterator[Listed]:
    for number, one in enumerate(listed):
        parts = safe_parts(one.get("relpath")) if isinstance(one, dict) else None
        digest = one.get("md5") if isinstance(one, dict) else None
        if parts is None or not isinstance(digest, str) or not _MD5.fullmatch(digest):
            said = f"entry {number} of the list {md5} in DVC's cache names no file of the folder"
            raise Corrupt(said, hint="nothing was read; where does this cache come from?")
        yield Listed(parts, digest)
