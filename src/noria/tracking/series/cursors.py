"""The cursor of a page: the last point of the page before, and a mark of whose history it is.

It survives whatever is appended or sealed in the meantime, because it names a point and not a position.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
import zlib

from noria.stores.pages import BadToken
from noria.tracking.series.columns import PointKey

_FORM = struct.Struct("<IqqdB")


def encode_cursor(run_id: str, metric: str, point: PointKey) -> str:
    """A cursor that the next page starts after."""
    return base64.urlsafe_b64encode(_FORM.pack(_mark(run_id, metric), *point)).decode()


def decode_cursor(run_id: str, metric: str, cursor: str) -> PointKey:
    """The point of a cursor. Raises BadToken for another run's or metric's, and for what is none at all."""
    try:
        packed = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        mark, at, step, value, is_nan = _FORM.unpack(packed)
    except (binascii.Error, UnicodeError, struct.error) as error:
        raise BadToken("this is no page token of a metric's history") from error
    if not math.isfinite(value) or is_nan > 1:
        raise BadToken("this is no page token of a metric's history")
    if mark != _mark(run_id, metric):
        raise BadToken("this page token belongs to another run or metric")
    return at, step, value, is_nan


def _mark(run_id: str, metric: str) -> int:
    return zlib.crc32(f"{run_id}\n{metric}".encode(errors="replace"))
