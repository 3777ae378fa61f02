"""Noria's own JSON: rows to predict, feedback by prediction id, source events. Pure functions of parsed bodies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from noria.core.suggest import did_you_mean
from noria.serving.json_body import as_object, kind_of
from noria.serving.model import BadLabel, BadPayload, FeedbackRecord, PredictionRecord

MOST_ROWS = 1000
"""Rows of one prediction request: about a third of a second during which nobody else is answered."""
MOST_EVENTS = 20_000
MOST_FEEDBACK = 10_000
MOST_OUTCOMES = 100
LONGEST_ID = 256

_FEEDBACK_KEYS = ("prediction_id", "label", "outcome")
_EVENT_KEYS = ("source", "rows", "stream", "position", "ids")


class Ask(msgspec.Struct, frozen=True):
    """One row to answer; without an id of the caller's it gets one."""

    row: Mapping[str, Any]
    prediction_id: str | None = None


@dataclass(frozen=True)
class Events:
    """Rows of a source; `position` is the place of the first one in the caller's `stream`, or `ids` name each."""

    source: str
    rows: list[dict[str, Any]]
    stream: str = ""
    position: int | None = None
    ids: Sequence[str] = ()


def read_asks(body: Any) -> list[Ask]:
    """The rows of a `/predict` body: one row, `{"rows": [...]}` or an array of rows. Raises BadPayload."""
    if isinstance(body, dict) and isinstance(body.get("rows"), list):
        rows = body["rows"]
    else:
        rows = body if isinstance(body, list) else [body]
    few_enough(rows)
    return [read_ask(as_object(row, f"row {number}")) for number, row in enumerate(rows)]


def read_ask(row: dict[str, Any]) -> Ask:
    """A row, with the caller's id taken out of it. Raises BadPayload when that is none."""
    if "prediction_id" not in row:
        return Ask(row)
    return Ask({name: value for name, value in row.items() if name != "prediction_id"}, read_id(row["prediction_id"]))


def read_id(value: Any) -> str:
    """A prediction id as a caller may choose it: a string of 1 to 256 characters. Raises BadPayload."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        what = f"a string of {len(value)} characters" if isinstance(value, str) else kind_of(value)
        raise BadPayload(f"prediction_id is {what}", hint=f"give a string of 1 to {LONGEST_ID} characters, or none")
    return value


def show_predictions(records: Sequence[PredictionRecord]) -> dict[str, Any]:
    """The answer to `/predict`, in the order of the rows."""
    return {
        "predictions": [
            {"prediction_id": one.prediction_id, "output": one.output, "version": one.version, "model": one.model}
            for one in records
        ]
    }


def read_feedback_items(body: Any) -> list[Any]:
    """The items of a `/feedback` body: one, an array, or `{"feedback": [...]}`. Raises BadPayload."""
    if isinstance(body, dict) and isinstance(body.get("feedback"), list):
        body = body["feedback"]
    items = body if isinstance(body, list) else [body]
    few_enough(items, MOST_FEEDBACK, "items of feedback")
    return items


def read_feedback(item: Any, at: int) -> FeedbackRecord:
    """One item of feedback. Raises BadPayload, or BadLabel for a label that is no finite number."""
    item = as_object(item, "feedback")
    for name in item.keys() - set(_FEEDBACK_KEYS):
        raise _unknown(name, _FEEDBACK_KEYS)
    prediction_id = read_id(item.get("prediction_id"))
    label, outcome = item.get("label"), item.get("outcome")
    if label is None and outcome is None:
        raise BadLabel(f"feedback for {prediction_id!r} has neither label nor outcome")
    if outcome is not None and len(as_object(outcome, "outcome")) > MOST_OUTCOMES:
        raise BadPayload(f"outcome has {len(outcome)} entries", hint=f"at most {MOST_OUTCOMES}")
    return FeedbackRecord(prediction_id=prediction_id, at=at, label=_label(label), outcome=outcome)


def _label(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (bool, int, float)) or abs(value) > 1e308 or not math.isfinite(value):
        raise BadLabel(f"the label is {kind_of(value)}: {str(value)[:40]!r}", hint="a label is a finite number; 0 or 1")
    return float(value)


def read_events(body: Any) -> list[Events]:
    """The batches of an `/events` body: one, or an array of them. Raises BadPayload."""
    batches = [_events(as_object(one, "a batch of events")) for one in (body if isinstance(body, list) else [body])]
    few_enough([row for batch in batches for row in batch.rows], MOST_EVENTS, "rows")
    return batches


def _events(body: dict[str, Any]) -> Events:
    for name in body.keys() - set(_EVENT_KEYS):
        raise _unknown(name, _EVENT_KEYS)
    source, rows, stream, position, ids = (body.get(name) for name in _EVENT_KEYS)
    if not isinstance(source, str) or not source:
        raise BadPayload(f"source is {kind_of(source)}, not the name of a source")
    if not isinstance(rows, list):
        raise BadPayload(f"rows is {kind_of(rows)}, not an array of objects")
    rows = [as_object(row, f"row {number}") for number, row in enumerate(rows)]
    if stream is not None and not isinstance(stream, str):
        raise BadPayload(f"stream is {kind_of(stream)}, not a string")
    if position is not None and stream is None:
        raise BadPayload("position without stream", hint="name the stream whose first row it counts from")
    if position is not None and (type(position) is not int or not 0 <= position < 1 << 62):
        raise BadPayload(f"position is {str(position)[:40]!r}, not the index of the first row in its stream")
    return Events(source, rows, stream or "", position, () if ids is None else _event_ids(ids, rows, stream, position))


def _event_ids(ids: Any, rows: Sequence[Any], stream: str | None, position: int | None) -> list[str]:
    if not stream or position is not None:
        raise BadPayload("ids need a stream without positions", hint="name the stream, and leave its position out")
    if not isinstance(ids, list) or len(ids) != len(rows):
        what = f"{len(ids)} of them" if isinstance(ids, list) else kind_of(ids)
        raise BadPayload(f"ids is {what}, for {len(rows)} rows", hint="give each row one id")
    for one in ids:
        if not isinstance(one, str) or not 0 < len(one) <= LONGEST_ID:
            raise BadPayload(f"the id {str(one)[:40]!r} is none", hint=f"a string of 1 to {LONGEST_ID} characters")
    return ids


def few_enough(rows: Sequence[Any], most: int = MOST_ROWS, what: str = "rows") -> None:
    """Raise BadPayload when a body has more of something than one request may have."""
    if len(rows) > most:
        raise BadPayload(f"the body has {len(rows)} {what}", hint=f"send at most {most} at a time")


def _unknown(name: str, known: Sequence[str]) -> BadPayload:
    message = f"there is no {name[:80]!r} here; there are: {', '.join(known)}"
    return BadPayload(message, hint=did_you_mean(name[:80], known))
