"""What is served, for readers and for tools: OpenAPI 3.1 of every route, and a page that needs nothing from elsewhere.

Specification: spec.openapis.org/oas/v3.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from noria.serving.contracts.examples import example
from noria.serving.contracts.model import Contract, Route
from noria.serving.contracts.shape import Shape

_PART = re.compile(r"\{([a-z_]+)\}")
_ANSWERS: Mapping[str, Any] = {
    "200": {"description": "The answer."},
    "default": {"description": "A refusal, in the words of the contract."},
}


def document(contracts: Sequence[Contract], shapes: Sequence[Shape]) -> dict[str, Any]:
    """Every route that is offered as OpenAPI; examples are of the first model, if there is one."""
    paths: dict[str, dict[str, Any]] = {}
    for contract in contracts:
        for route in contract.routes:
            if route.says:
                paths.setdefault(route.path, {}).setdefault(route.method.lower(), _operation(route, contract, shapes))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Noria's data plane", "version": "2", "description": "Predictions, in many contracts."},
        "tags": [{"name": contract.name, "description": contract.title} for contract in contracts],
        "paths": paths,
    }


def _operation(route: Route, contract: Contract, shapes: Sequence[Shape]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tags": [contract.name],
        "summary": route.says,
        "operationId": re.sub(r"[^a-z0-9]+", "_", f"{route.method} {route.path}".lower()).strip("_"),
        "responses": dict(_ANSWERS),
    }
    parts = _PART.findall(route.path)
    if parts:
        told["parameters"] = [
            {"name": part, "in": "path", "required": True, "schema": _values(part, shapes)} for part in parts
        ]
    if route.method in ("POST", "PUT"):
        content: dict[str, Any] = {"schema": {}}
        body = example(route, shapes[0]) if shapes else None
        if body is not None:
            content["example"] = body
        told["requestBody"] = {"content": {"application/json": content}}
    return told


def _values(part: str, shapes: Sequence[Shape]) -> dict[str, Any]:
    """What may stand in a part of a path."""
    lineups = [shape.lineup for shape in shapes]
    known: list[str] = []
    if part in ("model", "endpoint", "deployment"):
        known = [lineup.routing.model for lineup in lineups]
    elif part == "version":
        known = sorted({str(loaded.number) for lineup in lineups for loaded in lineup.versions})
    return {"type": "string", "enum": known} if known else {"type": "string"}
