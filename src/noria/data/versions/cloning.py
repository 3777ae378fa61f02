"""How a file gets from the objects into a folder: by reflink, hard link or copy, whichever the disk can.

- *reflink*: a copy that shares its blocks until one of the two is written (XFS, Btrfs, APFS): as quick as a link, and
  the file may be changed.
- *hardlink*: the very file of the object, read-only: to change it, replace it.
- *copy*: the bytes again.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from typing import Literal, get_args

from noria.core.errors import BadInput

Link = Literal["reflink", "hardlink", "copy"]
_UNABLE = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EINVAL)


TEMPORARY = b".noria-unfinished"
"""How the names end of files that a checkout has not put in their place yet."""


class CannotLink(BadInput):
    """The disk cannot do what was asked for."""

    code = "N3026"


def clone(source: bytes | str, target: bytes | str) -> bool:
    """Make `target` a reflink of `source`; False, with nothing made, where the disk has none."""
    import reflink_copy

    try:
        reflink_copy.reflink(os.fsdecode(source), os.fsdecode(target))
    except (OSError, ValueError):  # names that are no UTF-8 cannot be handed over
        with suppress(OSError):
            os.unlink(target)  # noqa: PTH108
        return False
    return True


def choose_link(objects: str, folder: bytes, wanted: str) -> Link:
    """What can be done from the folder of objects to `folder`; `wanted` is one of them, or `auto` for the best.

    Raises CannotLink when that very one was asked for and cannot be done.
    """
    order: tuple[Link, ...] = get_args(Link)
    if wanted != "auto" and wanted not in order:
        raise CannotLink(f"{wanted!r} is no way to make a file", hint=f"there are: auto, {', '.join(order)}")
    for one in order:
        if wanted in ("auto", one) and _can(one, os.fsencode(objects), folder):
            return one
    said = f"there is no {wanted} from {objects} to {os.fsdecode(folder)!r}"
    raise CannotLink(said, hint="take another way, or let it be chosen with auto")


def _can(link: Link, objects: bytes, folder: bytes) -> bool:
    if link == "copy":
        return True
    name = b"/." + secrets.token_hex(8).encode()
    source, target = objects + name + b".tmp", folder + name + TEMPORARY
    try:
        os.close(os.open(source, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        if link == "reflink":
            return clone(source, target)
        os.link(source, target)
    except OSError as error:
        if error.errno in _UNABLE:
            return False
        raise
    else:
        return True
    finally:
        for made in (source, target):
            with suppress(OSError):
                os.unlink(made)  # noqa: PTH108
