"""MLflow's own web page: its files, and the small requests it makes besides the protocol.

The page belongs to the `mlflow` package; it is served from there as it is. Assistant, gateway and telemetry are asked
about by the page and answered: there is none.
"""

from __future__ import annotations

import mimetypes
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from noria.server.mlflow import graphql
from noria.server.mlflow.answers import Answer, given
from noria.server.mlflow.faults import NO_ENDPOINT, Refused, invalid
from noria.server.mlflow.lanes import Lanes
from noria.server.mlflow.routes import Route, reads
from noria.server.mlflow.transport import Exchange, Header
from noria.server.mlflow.validation import experiment_keys
from noria.server.mlflow.wire import Message
from noria.tracking.inputs import dataset_summaries
from noria.workspace.workspace import Workspace

_FILES = "/static-files/"
_MOST_EXPERIMENTS = 20
_A_YEAR: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_ASK_AGAIN: Header = (b"cache-control", b"no-cache")
_NO_FRAME: Header = (b"x-frame-options", b"SAMEORIGIN")


class Nothing(Message):
    """A request of which nothing is looked at."""


class Datasets(Message):
    """Which experiments' datasets are to be listed."""

    experiment_ids: list[str] = msgspec.field(default_factory=list)


def is_page(path: str) -> bool:
    """Whether a path is one of the page's files."""
    return path == "/" or path.startswith(_FILES)


async def serve(exchange: Exchange, folder: Path | None, lanes: Lanes) -> None:
    """Send a file of the page. Raises Refused when there is none, or no page."""
    if folder is None:
        raise Refused(NO_ENDPOINT, "This server has no web page; start it with `noria server --page mlflow`.")
    if exchange.method != "GET":
        raise Refused(NO_ENDPOINT, "A page can only be read.", status=405)
    name = "index.html" if exchange.path == "/" else exchange.path.removeprefix(_FILES)
    body = await lanes.read(partial(_read, folder, name))
    if body is None:
        raise Refused(NO_ENDPOINT, f"The page has no file {name[:200]!r}.")
    lasting = _A_YEAR if name.startswith("static/") else _ASK_AGAIN  # the names there change with their content
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    await exchange.answer(200, body, [(b"content-type", kind.encode()), lasting, _NO_FRAME])


def search_datasets(ws: Workspace, asked: Datasets) -> Answer:
    """The datasets that runs of some experiments used, for the page's filter."""
    if not asked.experiment_ids:
        raise invalid("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > _MOST_EXPERIMENTS:
        raise invalid(
            f"SearchDatasets request cannot specify more than {_MOST_EXPERIMENTS} experiment_ids. Received"
            f" {len(asked.experiment_ids)} experiment_ids."
        )
    found = dataset_summaries(ws, experiment_keys(asked.experiment_ids))
    listed = [
        given(experiment_id=str(key), name=name, digest=digest, context=context) for key, name, digest, context in found
    ]
    return given(dataset_summaries=listed)


def no_endpoints(_ws: Workspace, _asked: Nothing) -> Answer:
    """A gateway to language models: there is none."""
    return {"endpoints": []}


def no_assistant(_ws: Workspace, _asked: Nothing) -> Answer:
    """An assistant's settings: there is none."""
    return {"providers": {}, "projects": {}, "remote_access_allowed": False}


def no_providers(_ws: Workspace, _asked: Nothing) -> Answer:
    """Who could be an assistant: nobody."""
    nobody: dict[str, Any] = {"providers": [], "resolved": None, "gateway_vendor_options": {}}
    return nobody


def no_telemetry(_ws: Workspace, _asked: Nothing) -> Answer:
    """What the page may tell its makers: nothing."""
    return {"disable_ui_telemetry": True, "disable_ui_events": [], "ui_rollout_percentage": 0}


def _read(folder: Path, name: str) -> bytes | None:
    """A file of the folder; nothing outside it, whatever the name or a link says."""
    try:
        path = (folder / name).resolve()
        return path.read_bytes() if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):
        return None


GRAPHQL = Route("POST", "/graphql", graphql.Query, graphql.answer)
ROUTES: list[Route] = [
    reads("POST", "/mlflow/experiments/search-datasets", Datasets, search_datasets),
    reads("GET", "/mlflow/gateway-proxy", Nothing, no_endpoints),
    reads("GET", "/mlflow/assistant/config", Nothing, no_assistant),
    reads("GET", "/mlflow/assistant/providers", Nothing, no_providers),
    reads("GET", "/mlflow/ui-telemetry", Nothing, no_telemetry),
    reads("POST", "/mlflow/ui-telemetry", Nothing, no_telemetry),
]
