"""Why an answer of ours may differ from stock MLflow's, and what must hold of the two when it does so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """`why` is for a reader; `holds` is asked with both answers, so that a reason hides nothing else."""

    why: str
    holds: Callable[[Any, Any], bool]


def status(answer: Any) -> int:
    """HTTP status of an answer; 200 for what the client gave back as a value, 0 for an error without one."""
    if not isinstance(answer, dict):
        return 200
    told = answer.get("status", 0 if "error" in answer else 200)
    return told if isinstance(told, int) else 200


def code(answer: Any) -> str:
    """MLflow's error code, "" for none."""
    if not isinstance(answer, dict):
        return ""
    body = answer.get("body")
    return str((body.get("error_code", "") if isinstance(body, dict) else "") or answer.get("error", ""))


def said(answer: Any) -> str:
    """The message, or the text, of an answer."""
    body = answer.get("body", answer) if isinstance(answer, dict) else {}
    return str(body.get("message") or body.get("text") or "") if isinstance(body, dict) else ""


def refused(answer: Any) -> bool:
    """Whether it is a clean refusal: a 4xx status with an error code."""
    return 400 <= status(answer) < 500 and bool(code(answer))


def _fails(answer: Any) -> bool:
    return status(answer) == 500 or "too many 500" in said(answer)


CRASH = Reason(
    "MLflow fails with 500 Internal Server Error (or shows an assertion of its own); Noria refuses the request.",
    lambda theirs, ours: _fails(theirs) and refused(ours),
)
CRASH_ANSWERED = Reason(
    "MLflow fails with 500 Internal Server Error; Noria answers what was meant.",
    lambda theirs, ours: _fails(theirs) and status(ours) == 200,
)
SQL = Reason(
    "MLflow shows its database's own error and statement; Noria names what is wrong.",
    lambda theirs, ours: "sqlite3." in said(theirs) and "sqlite3." not in said(ours) and status(ours) < 500,
)
BODY = Reason(
    "A body that is no JSON object is refused as such; MLflow reads it as an empty one.",
    lambda theirs, ours: not _fails(theirs) and refused(ours) and said(ours).startswith("The request's body"),
)
HTML = Reason(
    "The page of MLflow's web framework; Noria answers the error as JSON, as the protocol says.",
    lambda theirs, ours: said(theirs).startswith("<!doctype html>") and refused(ours),
)
WORDS = Reason(
    "Noria says where and why in its own words; status and error code are MLflow's.",
    lambda theirs, ours: (status(theirs), code(theirs)) == (status(ours), code(ours)) and refused(ours),
)
GRAMMAR = Reason(
    "Noria's filters are a superset: OR, NOT, parentheses, IN and IS NULL for every key, operators in any case.",
    lambda theirs, ours: code(theirs) == "INVALID_PARAMETER_VALUE" and status(ours) == 200,
)
STRICT = Reason(
    "A value of the wrong type, beyond its range or unknown is refused; MLflow takes it for zero, empty or absent.",
    lambda theirs, ours: status(theirs) == 200 and code(ours) == "INVALID_PARAMETER_VALUE",
)
PATHS = Reason(
    "A path that some system might read otherwise (backslash, '.', empty part, '%', control character) is refused; "
    "MLflow cleans it, or looks it up.",
    lambda theirs, ours: not _fails(theirs) and said(ours) == "Invalid path" and status(ours) == 400,
)


def because(why: str) -> Reason:
    """A difference of its own kind, described in full."""
    return Reason(why, lambda theirs, ours: status(ours) < 500)
