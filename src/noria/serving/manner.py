"""How a caller wants to be answered, whatever contract it speaks: before others, or with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from noria.serving.model import BadPayload, Request

PRIORITY_HEADER = "noria-priority"
_MOST = 9


@dataclass(frozen=True)
class Manner:
    """`priority` from -9 to 9, higher first where rows must wait; `explain`: say what each column contributed."""

    priority: int = 0
    explain: bool = False


PLAIN = Manner()


def read_manner(request: Request) -> Manner:
    """What the header `noria-priority` and the query `explain=true` say. Raises BadPayload."""
    text = request.headers.get(PRIORITY_HEADER)
    if text is None and "explain" not in request.query:
        return PLAIN
    try:
        priority = int(text or "0")
    except ValueError:
        priority = _MOST + 1
    if abs(priority) > _MOST:
        raise BadPayload(
            f"{PRIORITY_HEADER} is {(text or '')[:40]!r}", hint=f"give a whole number from -{_MOST} to {_MOST}"
        )
    return Manner(priority, _flag(parse_qs(request.query).get("explain", ["false"])[0]))


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise BadPayload(f"explain is {text[:40]!r}", hint="give true or false")
    return text.lower() in ("true", "1")
