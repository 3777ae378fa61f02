"""How a caller wants to be answered, whatever contract it speaks: before others, or with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
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


def read_manner(request: Request, said: Manner = PLAIN) -> Manner:
    """What header (`noria-priority`) and query (`explain=true`) say, else what the body `said`. Raises BadPayload."""
    text = request.headers.get(PRIORITY_HEADER)
    if text is None and "explain" not in request.query:
        return said
    explain = parse_qs(request.query).get("explain", [str(said.explain)])[0]
    return Manner(said.priority if text is None else read_priority(text), _flag(explain))


def read_priority(text: str) -> int:
    """The header's value. Raises BadPayload."""
    try:
        priority = int(text)
    except ValueError:
        priority = _MOST + 1
    if abs(priority) > _MOST:
        raise BadPayload(f"{PRIORITY_HEADER} is {text[:40]!r}", hint=f"give a whole number from -{_MOST} to {_MOST}")
    return priority


def manner_of(parameters: Mapping[str, Any]) -> Manner:
    """What the parameters of an infer request say: `priority` as Triton counts it, and `explain`. Raises BadPayload.

    There 0 is the usual priority and 1 the highest (Triton Inference Server, "Schedule policy" extension).
    """
    level, explain = parameters.get("priority", 0), parameters.get("explain", False)
    if type(level) is not int or level < 0:
        raise BadPayload(f"the parameter priority is {level!r:.40}", hint="0 is the usual one, 1 the highest")
    if type(explain) is not bool:
        raise BadPayload(f"the parameter explain is {explain!r:.40}", hint="give true or false")
    if not level:
        return Manner(explain=True) if explain else PLAIN
    return Manner(max(-_MOST, _MOST + 1 - level), explain)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise BadPayload(f"explain is {text[:40]!r}", hint="give true or false")
    return text.lower() in ("true", "1")
