"""Ids of requests: the caller's own, or one of ours."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

HEADER = "x-request-id"
_LONGEST = 128


def valid_id(given: str) -> str:
    """The id a client gave its request, when it may stand in a header and a log; else ""."""
    return given if given and len(given) <= _LONGEST and given.isascii() and given.isprintable() else ""


def new_ids() -> Callable[[], str]:
    """Makes ids for requests that brought none, others in each process."""
    return map(f"{secrets.token_hex(6)}-{{:x}}".format, itertools.count(1)).__next__
