"""Names: of datasets, branches and tags, and which paths would be one on a system that does not tell case apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from noria.core.errors import BadInput
from noria.data.versions.model import shown

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_LONGEST = 200
MAIN = "main"
"""The branch that is meant when none is named."""


class BadName(BadInput):
    """A name that no dataset, branch or tag may have."""

    code = "N3022"


class NameClash(BadInput):
    """Two paths differ only in case or in how a letter is composed, which some systems take for one."""

    code = "N3023"


def check_name(kind: str, name: str) -> str:
    """The name, if it may be one: letters, digits, `_`, `.`, `-`, with `/` between parts. Raises BadName."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or ".." in name:
        said = f"{name[:80]!r} cannot be the name of a {kind}"
        hint = f"use letters, digits, _ . - and / between parts, at most {_LONGEST} characters"
        raise BadName(said, hint=hint)
    return name


def split_address(text: str) -> tuple[str, str]:
    """`NAME@REFERENCE` in its two parts; the reference is empty when none is named.

    >>> split_address("images@v1"), split_address("images")
    (('images', 'v1'), ('images', ''))
    """
    name, _, reference = text.partition("@")
    return name, reference


def clashes(paths: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Pairs of paths, or of folders on their way, that a system which ignores case would take for one."""
    seen: dict[str, bytes] = {}
    found = []
    for path in paths:
        for one in _with_folders(path):
            alike = unicodedata.normalize("NFC", one.decode("utf-8", "surrogateescape")).casefold()
            before = seen.setdefault(alike, one)
            if before != one:
                found.append((before, one))
    return list(dict.fromkeys(found))


def refuse_clashes(found: list[tuple[bytes, bytes]]) -> None:
    """Raise NameClash, naming them, when there are any."""
    if found:
        listed = "; ".join(f"{shown(one)} and {shown(other)}" for one, other in found[:10])
        raise NameClash(
            f"{len(found)} pairs of names differ only in case: {listed}",
            hint="rename one of each, or commit without asking for portable names",
        )


def _with_folders(path: bytes) -> Iterable[bytes]:
    yield path
    at = path.find(b"/")
    while at >= 0:
        yield path[:at]
        at = path.find(b"/", at + 1)
