"""Files of an artifact that an offline W&B run logged, as far as they still lie on this machine."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

from noria.integrations.wire import Torn, fields, raw, signed, text
from noria.tracking.transfer import ForeignFile


def logged_artifact(message: bytes, notes: list[str]) -> Iterator[ForeignFile]:
    """The files of an artifact record, below `wandb-artifacts/<type>/<name>/`.

    The record names a file by its place and its MD5. A record is somebody else's word: a file is taken only when
    size and MD5 are what it says, so that no record can make us read a file its writer did not know.
    """
    try:
        kind, name, manifest = "", "", b""
        for number, value in fields(message):
            if number == 4:
                kind = text(value)
            elif number == 5:
                name = text(value)
            elif number == 12:
                manifest = raw(value)
        entries = [_entry(raw(value)) for number, value in fields(manifest) if number == 4]
    except Torn as error:
        notes.append(f"a logged artifact could not be read: {error}")
        return
    for path, place, size, digest, reference in entries:
        if reference:
            notes.append(f"artifact {name}: {path} is only a reference to {reference}")
        elif place is None or not _is(place, size, digest):
            notes.append(f"artifact {name}: {path} is no longer on this machine")
        else:
            yield ForeignFile(f"wandb-artifacts/{kind}/{name}/{path}", place)


def _entry(message: bytes) -> tuple[str, Path | None, int, str, str]:
    path, digest, reference, place, size = "", "", "", None, 0
    for number, value in fields(message):
        if number == 1:
            path = text(value)
        elif number == 2:
            digest = text(value)
        elif number == 3:
            reference = text(value)
        elif number == 4:
            size = signed(value)
        elif number == 6:
            place = Path(text(value))
    return path, place, size, digest, reference


def _is(place: Path, size: int, digest: str) -> bool:
    try:
        if not place.is_file() or place.stat().st_size != size:
            return False
        with place.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
    except (OSError, ValueError):
        return False
    return base64.b64encode(found).decode() == digest
