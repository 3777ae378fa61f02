"""What may be the path of an artifact.

A path is a key of a table and never a file's, so none can lead out of anywhere on this side. Clients, however, write
what they download under the same path, so whatever would lead out of a folder on any system is refused, however
often it is percent-encoded.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from noria.core.errors import BadInput
from noria.tracking.names import storable

LONGEST = 1_500
"""In bytes of UTF-8; databases index no longer keys than that."""
_MOST_DECODINGS = 10
_DRIVE = re.compile(r"(?:^|/)[A-Za-z]:")
"""In any place: what comes before it may be the root that a client leaves away."""
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class BadPath(BadInput):
    """What cannot be the path of an artifact."""

    code = "N2220"

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"no artifact can have the path {str(path)[:80]!r}: {why}")
        self.path, self.why = path, why


def checked(path: str) -> str:
    """The path as it was given: names between single slashes. Raises BadPath.

    >>> checked("model/MLmodel"), checked("50%25 off.txt")
    ('model/MLmodel', '50%25 off.txt')
    """
    if not isinstance(path, str) or not storable(path):
        raise BadPath(path, "it is no text that can be stored")
    if len(path.encode()) > LONGEST:
        raise BadPath(path, f"it is longer than {LONGEST} bytes")
    read = path
    for _ in range(_MOST_DECODINGS):
        if why := _fault(read):
            raise BadPath(path, why)
        read, before = unquote(read), read
        if read == before:
            return path
    raise BadPath(path, "it is percent-encoded too often")


def _fault(path: str) -> str:
    """What is wrong with a path as it stands, or nothing."""
    if _CONTROL.search(path):
        return "it holds a control character"
    if "\\" in path:
        return "it holds a backslash"
    if _DRIVE.search(path):
        return "a name in it begins with a drive"
    names = path.split("/")
    if path.startswith("/"):
        return "it is absolute"
    if "" in names:
        return "a name in it is empty"
    return "it leads elsewhere" if "." in names or ".." in names else ""
