"""Explanations beside answers: which column pushed a prediction where, from the features that the model saw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from noria.serving.contracts.infer_binary import HEADER as DOCUMENT
from noria.serving.lineup import Lineup, Loaded
from noria.serving.model import BadPayload, PredictionRecord, Response

MOST_EXPLAINED = 32
"""Rows of one request: an explanation costs some thousand predictions."""


def few_enough(asks: Sequence[Any]) -> None:
    """Raise BadPayload when there are more rows than one request may have explained."""
    if len(asks) > MOST_EXPLAINED:
        raise BadPayload(f"{len(asks)} rows to explain", hint=f"at most {MOST_EXPLAINED} in one request")


async def explain(lineup: Lineup, records: Sequence[PredictionRecord]) -> list[dict[str, Any] | None]:
    """Why each answer is what it is; None where its version is not in memory any more (an answer given earlier).

    Computed in a thread. Raises BadInput, WorkerDied, and what keeps a version on demand out of memory.
    """
    async with AsyncExitStack() as held:
        present = [
            one if one.seat is None else await held.enter_async_context(one.seat.held()) for one in lineup.versions
        ]
        return await asyncio.to_thread(lambda: [_explained(present, record) for record in records])


def _explained(versions: Sequence[Loaded], record: PredictionRecord) -> dict[str, Any] | None:
    for loaded in versions:
        if loaded.number == record.version and loaded.explainer is not None:
            return asdict(loaded.explainer.explain(record.features))
    return None


def with_explanations(body: Any, explanations: Sequence[dict[str, Any] | None]) -> Any:
    """A contract's body with explanations: in each prediction that is an object, else as a list beside them.

    The Open Inference Protocol allows only simple values among an answer's parameters: there it is JSON as a text.
    """
    if isinstance(body, Response) and (body.content_type == "application/json" or DOCUMENT in body.headers):
        length = int(body.headers.get(DOCUMENT, len(body.body)))
        document = json.dumps(with_explanations(json.loads(body.body[:length]), explanations)).encode()
        headers = {**body.headers, DOCUMENT: str(len(document))} if DOCUMENT in body.headers else body.headers
        return Response(body.status, document + body.body[length:], body.content_type, headers)
    if not isinstance(body, dict):
        raise BadPayload("answers of this kind have no room for explanations", hint="ask /predict?explain=true")
    predictions = body.get("predictions")
    if isinstance(predictions, list) and all(isinstance(one, dict) for one in predictions):
        told = [{**one, "explanation": why} for one, why in zip(predictions, explanations, strict=True)]
        return {**body, "predictions": told}
    if "outputs" in body:
        parameters = {**body.get("parameters", {}), "explanations": json.dumps(explanations)}
        return {**body, "parameters": parameters}
    return {**body, "explanations": list(explanations)}
