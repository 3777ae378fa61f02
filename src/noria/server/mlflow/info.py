"""What a client asks before anything else: whether the server lives, what it is, what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from noria.server.mlflow.answers import Answer
from noria.server.mlflow.routes import Route, reads
from noria.server.mlflow.transport import Header
from noria.server.mlflow.wire import Message
from noria.workspace.workspace import Workspace

VERSION = "3.17.2"
"""The release of MLflow whose protocol this is; clients compare it before they use what came later."""
PLAIN: Mapping[str, tuple[bytes, list[Header]]] = {
    "/health": (b"OK", [(b"content-type", b"text/plain; charset=utf-8")]),
    "/version": (VERSION.encode(), [(b"content-type", b"text/html; charset=utf-8")]),
}
"""The two answers that are no JSON, with MLflow's content types."""


class Nothing(Message):
    """A request that says nothing."""


def server_info(_ws: Workspace, _asked: Nothing) -> Answer:
    """What this server can do. Uploads in parts and by signed addresses it cannot, so clients send plain bytes."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "artifact_serving_enabled": True,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "model_artifact_presigned_downloads_supported": False,
        "features_enabled": {"gateway": False},
    }


ROUTES: list[Route] = [reads("GET", "/mlflow/server-info", Nothing, server_info)]
